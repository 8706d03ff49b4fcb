"""Source files and spans: where in a user's file something stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a source file; line and column count from 1, `end` is exclusive."""

    file: str
    line: int
    col: int = 1
    end: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Span("", 0)


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file as the user wrote it, for carets in diagnostics."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """Line `number` (from 1), or the empty string where there is none."""
        lines = self.text.splitlines()
        return lines[number - 1] if 1 <= number <= len(lines) else ""
