"""pcpp's expansion of macros with a limit on its work: a few lines of macros can stand for more text than any memory holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pcpp

from tv.diagnostic import Unsupported
from tv.source import Span

MOST_WORK = 1_000_000  # characters that expansions read and write; tokens that calls look through count a little
MOST_DIRECTIVES, MOST_INCLUDES = 30_000, 2_000
_HELP = "check the kernel apart from what generates its text"


class Expanding(pcpp.Preprocessor):  # type: ignore[misc]
    """Raises Unsupported (TV0104) before an expansion, or a file that includes itself over and over, takes for ever."""

    macros: Any
    lastdirective: Any
    work, directives, includes = 0, 0, 0
    in_condition = False

    def spend(self, work: int) -> None:
        self.work += work
        if self.work > MOST_WORK:
            raise self.too_much("macros that expand to too much text")

    def count_directive(self) -> None:
        self.directives += 1
        if self.directives > MOST_DIRECTIVES:
            raise self.too_much(f"more than {MOST_DIRECTIVES} directives")

    def count_include(self) -> None:
        self.includes += 1
        if self.includes > MOST_INCLUDES:
            raise self.too_much(f"more than {MOST_INCLUDES} includes")

    def too_much(self, what: str) -> Unsupported:
        at = self.lastdirective
        return Unsupported("TV0104", what, Span(at.source or "", at.lineno) if at is not None else Span("", 0), _HELP)

    def expand_macros(self, tokens: Any, expanding_from: Any = ()) -> Any:
        """A macro's text is expanded here once for each use, and the macros in it below."""
        self.spend(_length(tokens) + len(expanding_from) // 4 if expanding_from else 1)
        out = super().expand_macros(tokens, list(expanding_from))
        self.spend(2 * len(out) if expanding_from else 0)  # each level marks what came from below
        return out

    def collect_args(self, tokenlist: Any, ignore_errors: Any = False) -> Any:
        """Called with a copy of all that follows on the line, to the last parenthesis."""
        self.spend(len(tokenlist) // 64)
        return super().collect_args(tokenlist, ignore_errors)

    def macro_expand_args(self, macro: Any, args: Any) -> Any:
        """An argument is written as often as the macro names it, in one token where `##` joins them."""
        named = Counter(t.value for t in macro.value)
        uses = sum(named[name] * (_length(arg) + 1) for name, arg in zip(macro.arglist, args, strict=False))
        self.spend(len(macro.value) + uses)
        return super().macro_expand_args(macro, args)


def _length(tokens: Any) -> int:
    return sum(len(t.value) for t in tokens) + 1
