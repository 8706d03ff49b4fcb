"""Source files and spans: where in a user's file something stands."""

from __future__ import annotations

import re
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


def text_lines(text: str) -> list[str]:
    """The lines of a text as compilers count them, who know fewer ends of a line than `str.splitlines`."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines if lines[-1] else lines[:-1]


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file as the user wrote it, for carets in diagnostics."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """Line `number` (from 1), or the empty string where there is none."""
        lines = text_lines(self.text)
        return lines[number - 1] if 1 <= number <= len(lines) else ""
