"""The command line: `megac MODEL.onnx -o DIR`, and what is done with such a folder: `megac run`, `bench`, `plan`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from megac.check import Broken
from megac.errors import Refusal
from megac.frontend import compile_file
from megac.host.cuda import Cuda
from megac.host.decoding import LOGITS, POSITION, TOKEN, Names
from megac.host.packing import Source
from megac.host.report import as_text
from megac.host.sessions import bench, opened, run
from megac.lower.registry import operators
from megac.output import Target, files, write
from megac.picture.page import page
from megac.picture.score import drawn
from megac.plan import read_plan
from megac.printing import program_text

CONTEXT = {"help_option_names": ["-h", "--help"]}
FAILED, DEFECT = 2, 3
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))


def _list_operators(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo("\n".join(operators()))
        ctx.exit()


def _numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(int(x) for x in value.replace(" ", ",").split(",") if x)
    except ValueError:
        raise click.BadParameter(f"{value!r} are no numbers with commas between them", ctx, param) from None


@click.command(
    context_settings=CONTEXT,
    epilog="With DIR made so: megac run DIR, megac bench DIR, megac plan DIR (each has its own --help).",
)
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
def compile_command(
    model: Path, output: Path | None, show: str | None, arch: str, blocks: int, max_position: int
) -> None:
    """Compiles MODEL, a decoder as an ONNX graph; for each operator it cannot compile, it says which node and why."""
    if output is None and show is None:
        raise click.UsageError("say where to write (-o DIR) or what to show (--show stages)")
    program = compile_file(model, max_position - 1 if output is not None else None)
    if show is not None:
        click.echo(program_text(program))
    if output is not None:
        write(output, files(program, Target(arch, blocks, max_position), _from(output, model)))


def _from(folder: Path, model: Path) -> str:
    """How the model is reached from the folder."""
    return Path(os.path.relpath(model.resolve(), folder.resolve())).as_posix()


# ------------------------------------------------------------------------------------------------------------- running
_SHARED = (
    click.option("--model", type=FILE, help="The model that the kernel was made from; as the plan says if left out."),
    click.option(
        "--seed", default=0, show_default=True, type=click.IntRange(0), help="Of all that is drawn at random."
    ),
    click.option("--json", "report", type=FILE, help="Write the results there, as JSON."),
    click.option("--token-input", default=TOKEN, show_default=True, help="The graph's input with the token's number."),
    click.option("--position-input", default=POSITION, show_default=True, help="The graph's input with its position."),
    click.option("--logits", default=LOGITS, show_default=True, help="The graph's output with the logits."),
)


Option = Callable[[Callable[..., None]], Callable[..., None]]


def _weights(default: Source) -> Option:
    text = "What external data hold, or random numbers instead; what the model's own file holds is always used."
    return click.option(
        "--weights", default=default, show_default=True, type=click.Choice(["file", "random"]), help=text
    )


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_SHARED):
        command = option(command)
    return command


@click.command("megac run", context_settings=CONTEXT)
@FOLDER
@click.option("--tokens", required=True, callback=_numbers, metavar="N,...", help="The prompt, as numbers of tokens.")
@click.option("-n", "count", default=16, show_default=True, type=click.IntRange(1), help="How many tokens to decode.")
@_weights("file")
@_shared
def run_command(folder: Path, tokens: tuple[int, ...], count: int, report: Path | None, **given: Any) -> None:
    """Decodes with the kernel in DIR on a GPU: the most likely tokens after a prompt, printed as numbers."""
    data = run(_opened(folder, **given), tokens, count)
    click.echo(" ".join(map(str, data["tokens"])))
    click.echo(f"{data['steps']} steps on {data['device']}, {data['ms_per_step']:.4g} ms each", err=True)
    _write_report(report, data)


@click.command("megac bench", context_settings=CONTEXT)
@FOLDER
@click.option("--contexts", default="1,512,4096", show_default=True, callback=_numbers, metavar="N,...",
              help="Numbers of keys that a token attends to, its own among them.")  # fmt: skip
@click.option(
    "--repeats", default=20, show_default=True, type=click.IntRange(1), help="Launches that each is the median of."
)
@click.option("--row", default=128, show_default=True, type=click.IntRange(0), help="Tokens that are decoded in a row.")
@click.option("--bandwidth", type=click.FloatRange(0, min_open=True),
              help="TB/s of reading alone that the floor is made of; measured if left out.")  # fmt: skip
@_weights("random")
@_shared
def bench_command(
    folder: Path, contexts: tuple[int, ...], repeats: int, row: int, bandwidth: float | None, report: Path | None,
    **given: Any,
) -> None:  # fmt: skip
    """Measures the kernel in DIR on a GPU: milliseconds a token, and which part of them reading the weights takes."""
    rate = None if bandwidth is None else bandwidth * 1e12
    data = bench(_opened(folder, **given), contexts, repeats, row, rate, given["seed"], _progress)
    click.echo(as_text(data))
    _write_report(report, data)


def _opened(
    folder: Path, model: Path | None, weights: Source, seed: int, token_input: str, position_input: str, logits: str
) -> Any:
    return opened(folder, Cuda(), model, weights, seed, Names(token_input, position_input, logits), _progress)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{text} ...", err=True)


def _write_report(path: Path | None, data: dict[str, Any]) -> None:
    if path is not None:
        _write(path, json.dumps(data, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as e:
        raise click.FileError(str(path), e.strerror or "cannot be written") from None


# ------------------------------------------------------------------------------------------------------------- drawing
@click.command("megac plan", context_settings=CONTEXT)
@FOLDER
@click.option("-o", "--output", type=FILE, help="A file whose name ends in .svg or .html; DIR/plan.html if left out.")
def plan_command(folder: Path, output: Path | None) -> None:
    """Draws the plan in DIR: phases and the barriers between them, what they read and make, and how large it is."""
    path = output if output is not None else folder / "plan.html"
    if path.suffix not in (".svg", ".html"):
        raise click.UsageError(f"`{path.name}` ends neither in .svg nor in .html")
    plan = read_plan(folder)
    _write(path, drawn(plan) if path.suffix == ".svg" else page(plan))


COMMANDS = {"run": run_command, "bench": bench_command, "plan": plan_command}


def main(arguments: list[str] | None = None) -> None:
    """Runs a command. Exit code 2 with a message on stderr for a model that is not compiled or a kernel that is not run, 3
    where the compiler's own rules are broken. A model whose file is called as a command is `./run`."""
    given = sys.argv[1:] if arguments is None else arguments
    command = COMMANDS.get(given[0]) if given else None
    try:
        if command is not None:
            command.main(given[1:], prog_name=f"megac {given[0]}", standalone_mode=False)
        else:
            compile_command.main(given, prog_name="megac", standalone_mode=False)
    except Refusal as e:
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
