"""CUDA C++ text as tokens, each with its kind, so that a rewriting never looks inside a literal, a comment or a header name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    COMMENT = "comment"
    HEADER = "header"
    STRING = "string"
    NUMBER = "number"
    NAME = "name"
    SPACE = "space"
    NEWLINE = "newline"
    SPLICE = "splice"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str


_PATTERNS = (
    (Kind.COMMENT, r"//(?:\\\n|[^\n])*|/\*(?s:.*?)\*/"),
    (Kind.SPLICE, r"\\\n"),
    (Kind.NEWLINE, r"\n"),
    (Kind.SPACE, r"[ \t\r\f\v]+"),
    (Kind.STRING, r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])+'"),
    (Kind.NUMBER, r"\.?\d(?:[eEpP][+-]|'?[\w.])*"),
    (Kind.NAME, r"[A-Za-z_]\w*"),
    (Kind.MARK, r"<<<|>>>|<<=|>>=|->|::|\+\+|--|&&|\|\||[-+*/%&|^!=<>]=|<<|>>|##|[-+*/%&|^~!=<>?:;,.#(){}\[\]]"),
)
_TOKEN = re.compile("|".join(f"(?P<{kind.value}>{pattern})" for kind, pattern in _PATTERNS))
_HEADER = re.compile(r"<[^>\n]+>|\"[^\"\n]+\"")
_RAW_STRING = re.compile(r'(?:u8|[uUL])?R"')


def tokens(text: str) -> list[Token]:
    """All of `text`, in order: joining the texts gives it back. ValueError at a character that starts no token."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        if _RAW_STRING.match(text, at):
            raise ValueError(f"a raw string at offset {at}")
        match = _HEADER.match(text, at) if _after_include(found) else None
        if match is not None:
            found.append(Token(Kind.HEADER, match.group()))
        else:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise ValueError(f"no token starts with {text[at]!r} at offset {at}")
            found.append(Token(Kind(match.lastgroup), match.group()))
        at = match.end()
    return found


def _after_include(found: list[Token]) -> bool:
    solid = [t for t in found[-6:] if t.kind not in (Kind.SPACE, Kind.COMMENT)]
    return [t.text for t in solid[-2:]] == ["#", "include"]
