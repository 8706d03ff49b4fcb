"""The command line: `megac MODEL.onnx --show stages`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from megac.check import Broken
from megac.errors import CompileError
from megac.frontend import compile_file
from megac.lower.registry import operators
from megac.printing import program_text

CONTEXT = {"help_option_names": ["-h", "--help"]}
FAILED, DEFECT = 2, 3


def _list_operators(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo("\n".join(operators()))
        ctx.exit()


@click.command(context_settings=CONTEXT)
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--show", type=click.Choice(["stages"]), required=True, help="Print the tensor expressions of MODEL.")
@click.option("--operators", is_flag=True, is_eager=True, expose_value=False, callback=_list_operators,
              help="List the ONNX operators that have a rule.")  # fmt: skip
def command(model: Path, show: str) -> None:
    """Compiles MODEL, a decoder as an ONNX graph; for each operator it cannot compile, it says which node and why."""
    program = compile_file(model)
    click.echo(program_text(program))


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
