"""From arguments to an exit code. Nothing that goes wrong on the way may end in 0, and nothing but a refutation in 1."""

from __future__ import annotations

import difflib
import io
import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from tv.cli.commands import tv
from tv.cli.output import STDOUT, Reports, flush
from tv.cli.session import REPORT
from tv.diagnostic import BadInput, TvError
from tv.request import CheckRequest
from tv.verdict import Verdict, failed, verdict_of

INTERRUPTED = 130
_REPORT_OPTIONS = ("--json", "--sarif", "--html")


def main() -> NoReturn:
    """The `tv` command."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # names in files may be anything; a verdict is always printable
    code = run(sys.argv[1:])
    if not flush() and code == 0:
        code = Verdict.INTERNAL_ERROR.exit_code  # the verdict was not delivered
    sys.stderr.flush()
    if sys.stdout.closed:
        os._exit(code)  # the interpreter's own last flush would fail once more
    sys.exit(code)


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def run(argv: Sequence[str]) -> int:
    """Runs a command; returns its exit code."""
    try:
        code = tv.main(args=list(argv), prog_name="tv", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        return _told(argv, usage(error))
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        return Verdict.INTERNAL_ERROR.exit_code
    except TvError as error:
        return _told(argv, error)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, it ends in 5, with a word about it
        return _defect(argv, error)
    if not isinstance(code, int):
        return _defect(argv, TypeError(f"a command returned {code!r}"))
    return code


def usage(error: click.UsageError) -> BadInput:
    """What click says of the arguments, as a diagnostic: with the nearest option or command, where one was misspelt."""
    message = error.format_message().rstrip(".")
    where = f"`{error.ctx.command_path} --help`" if error.ctx is not None else "`tv --help`"
    word, known = "", list[str]()
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        word, known = error.option_name, [o for p in error.ctx.command.params for o in p.opts]
        message = f"no option `{word}`"
    elif (m := re.match(r"No such command '(.*?)'", message)) is not None:
        word, known = m[1], sorted(tv.commands)
        message = f"no command `{word}`"
    close = difflib.get_close_matches(word, known, n=1) if word else []
    help_text = f"did you mean `{close[0]}`? See {where}" if close else f"see {where}"
    return BadInput("TV0003", message[0].lower() + message[1:], help=help_text)


def _told(argv: Sequence[str], error: TvError) -> int:
    from tv.advice import advised
    from tv.report.terminal import print_diagnostic

    print_diagnostic(advised(error).diagnostic(), sys.stderr)
    return _refused(argv, error)


def _defect(argv: Sequence[str], error: Exception) -> int:
    if "-v" in argv:
        traceback.print_exception(error, file=sys.stderr)
    sys.stderr.write(f"tv: a defect: {type(error).__name__}: {error}\n{REPORT}\n")
    return Verdict.INTERNAL_ERROR.exit_code


def _refused(argv: Sequence[str], error: TvError) -> int:
    """Reports are owed for every exit code, even where the arguments were not understood."""
    words = [w for w in argv if not w.startswith("-")]
    reports = Reports(*(_value(argv, option) for option in _REPORT_OPTIONS))
    if argv and argv[0] == "check" and reports.paths():
        kernel, model = (next((w for w in words if w.endswith(end)), "") for end in (".cu", ".onnx"))
        request = CheckRequest(kernel, model)
        try:
            reports.require_writable([w for w in words if w.endswith((".cu", ".onnx", ".toml"))])
            reports.write(failed(request, error))
        except BadInput as second:
            if second.message != error.message:
                sys.stderr.write(f"tv: {second.message}\n")
    return verdict_of(error).exit_code


def _value(argv: Sequence[str], option: str) -> str | None:
    for n, word in enumerate(argv):
        if word.startswith(f"{option}="):
            return word.partition("=")[2] or None
        if word == option and n + 1 < len(argv) and (argv[n + 1] == STDOUT or not argv[n + 1].startswith("-")):
            return argv[n + 1]
    return None
