"""Diagnostics, and the exceptions that carry them to a verdict.

No exception here ever means success: `BadInput` ends in exit 2, `Unsupported` in 4, `Unknown` in 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from tv.source import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message: a stable code, what is wrong (lower case, no full stop) and what to do about it."""

    code: str
    severity: str  # error | warning | note
    message: str
    span: Span = NOWHERE
    help: str = ""


class TvError(Exception):
    """Base of everything that ends a check without a proof."""

    severity = "error"

    def __init__(self, code: str, message: str, span: Span = NOWHERE, help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.help = code, message, span, help

    def diagnostic(self) -> Diagnostic:
        return Diagnostic(self.code, self.severity, self.message, self.span, self.help)


class BadInput(TvError):
    """A file, option or binding that is wrong in itself (exit 2)."""


class Unsupported(TvError):
    """A construct or operator outside the supported set (exit 4)."""


class Unknown(TvError):
    """The method gave up: a budget, a shape that it cannot decide (exit 3). Never success."""
