"""Preprocessing tokens as C++ has them: numbers, literals and operators whole, with their places and what stands before them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tv.cuda_frontend.phases import NUMBER
from tv.source import Span

_KINDS = re.compile(
    rf"""(?P<number>{NUMBER.pattern})
    | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\])*"(?:[A-Za-z_]\w*)?)
    | (?P<character>(?:u8|[uUL])?'(?:\\.|[^'\\])*'(?:[A-Za-z_]\w*)?)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<other>\.\.\.|<<=|>>=|->\*|\#\#|::|->|\.\*|\+\+|--|<<|>>|&&|\|\||[<>=!+\-*/%&|^]=|\S)""",
    re.VERBOSE | re.ASCII,
)
_SUFFIX = re.compile(r"\w+\Z", re.ASCII)
# Tokens of these letters are whole tokens of every C++ lexer, whatever stands next to them.
_ALONE = frozenset("(),;{}")


@dataclass(frozen=True, slots=True)
class Token:
    """kind: number, string, character, name or other. line and column are those of the text after phase 3; a token of a macro's text
    has those of the macro's use. blank: whitespace stands before it."""

    kind: str
    text: str
    file: str = ""
    line: int = 0
    col: int = 0
    blank: bool = False
    painted: bool = False  # the name of a macro inside its own expansion: it is expanded nowhere
    used: Token | None = None  # the outermost name of a macro that this is expanded from

    def at(self, use: Token) -> Token:
        """The same, written by the macro that is used at `use`."""
        return Token(self.kind, self.text, use.file, use.line, use.col, self.blank, self.painted, use.used or use)

    def within(self, use: Token) -> Token:
        """The same as part of an argument of the macro that is used at `use`."""
        origin = use.used or use
        return Token(self.kind, self.text, self.file, self.line, self.col, self.blank, self.painted, origin)

    def spaced(self, blank: bool) -> Token:
        if blank == self.blank:
            return self
        return Token(self.kind, self.text, self.file, self.line, self.col, blank, self.painted, self.used)

    def suffix(self) -> str:
        """What is written right behind the quotes of a literal; the preprocessor takes a macro's name there for the macro."""
        m = _SUFFIX.search(self.text) if self.kind in ("string", "character") else None
        return m.group() if m is not None else ""


def lexed(text: str, file: str = "", line: int = 0, start: int = 0) -> list[Token]:
    """The tokens of a line of cleaned text, from an offset on. A line begins as if behind a blank."""
    out, end = list[Token](), -1
    for m in _KINDS.finditer(text, start):
        out.append(Token(str(m.lastgroup), m.group(), file, line, m.start() + 1, m.start() != end))
        end = m.end()
    return out


def spelled(tokens: Iterable[Token]) -> str:
    """Tokens as text, with one blank where some whitespace stood."""
    return "".join(" " * t.blank + t.text for t in tokens).strip()


def touch(a: Token, b: Token) -> bool:
    """Whether b stood right behind a in one source file, neither of them in a macro's expansion."""
    same = a.used is None and b.used is None and (a.file, a.line) == (b.file, b.line)
    return same and a.col + len(a.text) == b.col


def apart(a: Token, b: Token) -> bool:
    """Whether a blank has to be written between two tokens.

    Beside `::` only names stand without one, so that a qualified name stays one word in messages.
    """
    if touch(a, b) or a.text in _ALONE or b.text in _ALONE:
        return False
    scope = (a.text == "::" and b.kind == "name") or (a.kind == "name" and b.text == "::")
    return not scope


def where(t: Token) -> Span:
    """The line of a token; columns are those of another text."""
    return Span(t.file, t.line)
