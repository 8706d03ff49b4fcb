"""Where reports go: the verdict to stdout, progress to stderr on a terminal, and files that are tried before work begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tv.diagnostic import BadInput
from tv.source import Span
from tv.verdict import CheckResult

STDOUT = "-"
_WRITABLE = "name a file in a folder that exists and may be written"


@dataclass(frozen=True, slots=True)
class Reports:
    """Paths of the reports asked for; `-` is stdout, which then holds nothing else."""

    json: str | None = None
    sarif: str | None = None
    html: str | None = None

    def paths(self) -> list[str]:
        return [p for p in (self.json, self.sarif, self.html) if p is not None]

    def to_stdout(self) -> bool:
        return STDOUT in self.paths()

    def require_writable(self, inputs: Sequence[str]) -> None:
        """Raises BadInput (TV0004) for a file that cannot be written or is an input, or for two reports on stdout."""
        if self.paths().count(STDOUT) > 1:
            raise BadInput("TV0004", "two reports on stdout", help="write one of them to a file")
        for path in self.paths():
            if os.path.realpath(path) in [os.path.realpath(i) for i in inputs]:
                raise BadInput("TV0004", f"{path} is an input", Span(path, 0), "write the report somewhere else")
            if path != STDOUT:
                _write(path, "")

    def write(self, result: CheckResult) -> None:
        """Writes them all. Raises BadInput (TV0004)."""
        from tv.report import to_html, to_json, to_sarif

        makers: list[tuple[str | None, Callable[[CheckResult], str]]] = [
            (self.json, to_json),
            (self.sarif, to_sarif),
            (self.html, to_html),
        ]
        for path, make in makers:
            if path == STDOUT:
                sys.stdout.write(make(result))
            elif path is not None:
                _write(path, make(result))


def reason(error: OSError | ValueError) -> str:
    """What went wrong, without the number and the path that the system adds."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    except (OSError, ValueError) as error:
        raise BadInput("TV0004", f"cannot write {path}: {reason(error)}", Span(path, 0), _WRITABLE) from error


class Progress:
    """A line on stderr that is overwritten, on a terminal only."""

    def __init__(self, quiet: bool) -> None:
        self.shown = not quiet and sys.stderr.isatty()

    def say(self, text: str) -> None:
        if self.shown:
            sys.stderr.write(f"\r\033[K{text[:100]}")
            sys.stderr.flush()

    def clear(self) -> None:
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def flush() -> bool:
    """Pushes everything out; False where nobody reads it any more."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, OSError):
        with suppress(OSError):
            sys.stdout.close()
        return False
    return True
