"""Attributes of declarations and statements: only those without a meaning for what a kernel computes are read over.

`noreturn`, `const`, `pure`, `assume` and their like are promises that compilers build on; neither reader checks them.
"""

from __future__ import annotations

import re

from tv.cuda_frontend.preprocess import TokenText
from tv.diagnostic import Unsupported
from tv.source import Span

_START = re.compile(
    r"""\b[0-9](?:[\w.]|'\w)* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | (\[\s*\[) | (\b__attribute(?:__)?\b\s*\(\s*\() | \b(_Noreturn|__declspec)\b """,
    re.VERBOSE,
)
_ASSEMBLY = re.compile(r"""\"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | \b(asm|__asm__|__asm)\b""", re.VERBOSE)
_WORD = re.compile(r"[A-Za-z_][\w:]*")
HARMLESS = frozenset(
    """maybe_unused unused nodiscard warn_unused_result deprecated likely unlikely fallthrough always_inline noinline aligned
    format visibility""".split()
)


def check_attributes(tokens: TokenText, file: str) -> None:
    """Raises Unsupported (TV0111) for an attribute that is not known to be harmless, wherever in the file it stands."""
    text = tokens.text
    for m in _START.finditer(text):
        alone = [(m.start(), m.group(3))] if m.group(3) is not None else []
        listed = _words(text, m.end()) if m.group(1) is not None or m.group(2) is not None else []
        for at, word in alone + listed:
            name = word.removeprefix("gnu::").removeprefix("clang::").strip("_")
            if name not in HARMLESS:
                span = span_of(tokens, file, at, word)
                raise Unsupported(
                    "TV0111", f"the attribute `{word}`", span, "remove it: what it promises is not checked"
                )


def check_assembly(tokens: TokenText, file: str) -> None:
    """Raises Unsupported (TV0111) for inline assembly, wherever in the file it stands."""
    for m in _ASSEMBLY.finditer(tokens.text):
        if m.group(1) is not None:
            raise inline_assembly(span_of(tokens, file, m.start(1), m.group(1)))


def inline_assembly(span: Span) -> Unsupported:
    return Unsupported("TV0111", "inline assembly", span, "write it in CUDA C++; `tv ops` lists the built-ins")


def span_of(tokens: TokenText, file: str, at: int, word: str) -> Span:
    """Where a word of the preprocessed text stands in the user's file."""
    text = tokens.text
    where, row, col = tokens.place(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    return Span(where or file, row, col, col + len(word))


def _words(text: str, start: int) -> list[tuple[int, str]]:
    """Names in an attribute list that begins at `start`, without their arguments."""
    found: list[tuple[int, str]] = []
    depth, at = 0, start
    while at < len(text):
        c = text[at]
        if c in ")]" and depth == 0:
            return found
        depth += (c in "([") - (c in ")]")
        m = _WORD.match(text, at) if depth == 0 else None
        if m is not None:
            found.append((at, m.group()))
        at = m.end() if m is not None else at + 1
    return found
