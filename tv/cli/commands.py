"""The commands. Each returns its exit code; parts that take long to import are imported where they are used."""

from __future__ import annotations

import sys
from typing import Any

import click

from tv import __version__
from tv.cli.options import DEFAULTS, launch_options, proof_options, reading_options, request_of
from tv.cli.output import Progress, Reports

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_EXIT_CODES = """\b
Exit codes:
  0  proved          1  refuted         2  bad input
  3  unknown         4  unsupported     5  a defect of tv"""


@click.group(context_settings=_SETTINGS, epilog=_EXIT_CODES)
@click.version_option(__version__, prog_name="tv", message="%(prog)s %(version)s")
def tv() -> None:
    """Proves that a CUDA kernel computes an ONNX graph, or shows an input on which it does not."""


@tv.command(epilog=_EXIT_CODES)
@click.argument("kernel")
@click.argument("model")
@launch_options
@reading_options
@proof_options
@click.option("--json", metavar="FILE", help="Write a JSON report; `-` is stdout.")
@click.option("--sarif", metavar="FILE", help="Write a SARIF 2.1.0 report.")
@click.option("--html", metavar="FILE", help="Write a report to look at.")
@click.option("-q", "quiet", is_flag=True, help="Print the verdict's line only.")
def check(
    kernel: str, model: str, json: str | None, sarif: str | None, html: str | None, quiet: bool, **given: Any
) -> int:
    """Checks KERNEL (.cu) against MODEL (.onnx): for every input, every weight and every interleaving of the threads."""
    from tv.cli.session import run_check
    from tv.report import print_result

    request = request_of(kernel, model, given)
    reports = Reports(json, sarif, html)
    reports.require_writable([p for p in (kernel, model, request.spec) if p is not None])
    progress = Progress(quiet)
    progress.say(f"checking {kernel}")
    result = run_check(request, progress.say)
    progress.clear()
    reports.write(result)
    if not reports.to_stdout():
        print_result(result, given["verbose"], quiet)
    elif not quiet:
        print_result(result, given["verbose"], quiet, sys.stderr)
    return result.verdict.exit_code


@tv.command()
@click.argument("counterexample")
@click.argument("kernel")
@click.argument("model")
@click.option("--on", type=click.Choice(["gpu", "cpu"]), help="Where to run it; default: a GPU if there is one.")
@launch_options
@reading_options
def replay(counterexample: str, kernel: str, model: str, on: str | None, **given: Any) -> int:
    """Runs COUNTEREXAMPLE (.npz) again and prints both outputs with the bits that differ: exit 0 if they do."""
    return _answer("replay", counterexample, request_of(kernel, model, {**DEFAULTS, **given}), on)


@tv.command()
@click.argument("model")
@click.argument("inputs")
@click.option("--certificate", metavar="CERT", required=True, help="Whose order of sums to follow.")
@click.option("-o", "output", metavar="OUT.npz", required=True, help="Where the outputs go.")
@click.option(
    "--on", type=click.Choice(["gpu", "cpu"]), help="Whose exp, log and the like; default: a GPU's if there is one."
)
def reference(model: str, inputs: str, certificate: str, output: str, on: str | None) -> int:
    """Evaluates MODEL on INPUTS (.npz) in a certificate's order: the bit-exact oracle."""
    return _answer("reference", model, inputs, certificate, output, on)


@tv.command()
@click.argument("certificate")
@click.argument("kernel")
@click.argument("model")
@launch_options
def recheck(certificate: str, kernel: str, model: str, **given: Any) -> int:
    """Checks CERTIFICATE for KERNEL and MODEL without searching for a proof: exit 0 if it is valid."""
    return _answer("recheck", certificate, request_of(kernel, model, {**DEFAULTS, **given}))


@tv.command()
@click.argument("kernel")
@click.argument("model")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), required=True, help="How long to look.")
@click.option("--counterexample", metavar="FILE", help="Write the inputs that show a difference (.npz).")
@launch_options
@reading_options
def hunt(kernel: str, model: str, seconds: float, counterexample: str | None, **given: Any) -> int:
    """Looks for a counterexample by execution alone: refuted if it finds one, else unknown, for it proves nothing."""
    from tv.cli.session import engine
    from tv.report import print_result
    from tv.verdict import CheckResult, Verdict

    result = engine("hunt")(request_of(kernel, model, {**DEFAULTS, **given, "counterexample": counterexample}), seconds)
    if not isinstance(result, CheckResult) or result.verdict is Verdict.PROVED:
        raise TypeError("a hunt ended in something other than refuted or unknown")
    print_result(result)
    return result.verdict.exit_code


@tv.command()
@click.argument("folder")
@click.option("-k", "only", default="", metavar="TEXT", help="Only cases whose name contains TEXT.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For each case.")
@click.option("--memory", "memory_mb", type=click.IntRange(min=64), metavar="MB", help="For each case.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, metavar="N", help="Cases checked at the same time.")
@click.option("-q", "quiet", is_flag=True, help="Print only what is not as stated.")
def test(folder: str, only: str, timeout: float | None, memory_mb: int | None, jobs: int, quiet: bool) -> int:
    """Checks every case under FOLDER whose kernel states its verdict in its first line: exit 0 if all are as stated."""
    from tv.cli.testing import run_cases

    return run_cases(folder, only, timeout, memory_mb, jobs, quiet)


@tv.command()
@click.argument("model")
def graph(model: str) -> int:
    """Prints what MODEL means to tv: tensors, shapes, rolled layers, unsupported operators (exit 4 if there are any)."""
    from tv.cli.catalogue import graph as meaning

    click.echo(meaning(model), nl=False)
    return 0


@tv.command()
@click.argument("code", required=False)
def explain(code: str | None) -> int:
    """Explains the diagnostic CODE, or lists all of them."""
    from tv.cli.explain import explain as paragraph

    click.echo(paragraph(code), nl=False)
    return 0


@tv.command()
def ops() -> int:
    """Lists the supported ONNX operators and CUDA built-ins, and what they mean."""
    from tv.cli.catalogue import operators

    click.echo(operators(), nl=False)
    return 0


@tv.command()
@click.argument("kernel")
@click.argument("model")
@launch_options
def init(kernel: str, model: str, **given: Any) -> int:
    """Prints a draft of the launch specification KERNEL.toml: what follows from the files, and what is to be chosen."""
    from tv.cli.drafting import draft_for

    click.echo(draft_for(request_of(kernel, model, {**DEFAULTS, **given})), nl=False)
    return 0


def _answer(name: str, *args: object) -> int:
    """Calls an engine that answers a question; 0 if what was claimed holds, else 1."""
    from tv.cli.session import engine
    from tv.verdict import Answer

    answer = engine(name)(*args)
    if not isinstance(answer, Answer):
        raise TypeError(f"tv.check.{name} returned {type(answer).__name__}")
    click.echo(answer.text, nl=not answer.text.endswith("\n"))
    return 0 if answer.holds else 1
