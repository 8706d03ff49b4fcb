"""The command line: `megac MODEL.onnx -o DIR`, `megac MODEL.onnx --show stages`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from megac.check import Broken
from megac.errors import CompileError
from megac.frontend import compile_file
from megac.lower.registry import operators
from megac.output import Target, files, write
from megac.printing import program_text

CONTEXT = {"help_option_names": ["-h", "--help"]}
FAILED, DEFECT = 2, 3


def _list_operators(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo("\n".join(operators()))
        ctx.exit()


@click.command(context_settings=CONTEXT)
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write kernel.cu, kernel.toml and plan.json there.",
)
@click.option("--show", type=click.Choice(["stages"]), help="Print the tensor expressions of MODEL.")
@click.option("--arch", default="sm_90", show_default=True, help="The GPU's architecture.")
@click.option("--blocks", default=132, show_default=True, type=click.IntRange(1), help="Blocks of the launch.")
@click.option(
    "--max-position", default=4096, show_default=True, type=click.IntRange(1), help="Rows that caches have room for."
)
@click.option("--operators", is_flag=True, is_eager=True, expose_value=False, callback=_list_operators,
              help="List the ONNX operators that have a rule.")  # fmt: skip
def command(model: Path, output: Path | None, show: str | None, arch: str, blocks: int, max_position: int) -> None:
    """Compiles MODEL, a decoder as an ONNX graph; for each operator it cannot compile, it says which node and why."""
    if output is None and show is None:
        raise click.UsageError("say where to write (-o DIR) or what to show (--show stages)")
    program = compile_file(model, max_position - 1 if output is not None else None)
    if show is not None:
        click.echo(program_text(program))
    if output is not None:
        write(output, files(program, Target(arch, blocks, max_position)))


def main(arguments: list[str] | None = None) -> None:
    """Runs the command. Exit code 2 with a message on stderr for a model that is not compiled, 3 where the compiler's own
    rules are broken."""
    try:
        command.main(arguments, prog_name="megac", standalone_mode=False)
    except CompileError as e:
        click.echo(e.text(), err=True)
        sys.exit(FAILED)
    except Broken as e:
        click.echo(f"error: {e}\n  help: this is a defect of the compiler, and nothing was written", err=True)
        sys.exit(DEFECT)
    except click.ClickException as e:
        e.show()
        sys.exit(e.exit_code)
    except click.Abort:
        sys.exit(130)
