"""pycparser's lexer, taught CUDA's words: spans of the user's file, qualified names, `<<<`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pycparser.c_lexer import CLexer, Token
from pycparser.c_parser import Coord

from tv.cuda_frontend.preprocess import TokenText


@dataclass(slots=True)
class SpanCoord(Coord):  # type: ignore[misc]
    """A coordinate with the exclusive end column of what it covers, on the same line."""

    end: int = 0


# CUDA words as the token kinds whose place in the grammar they share; the words themselves stay in the token's value.
_WORDS = {
    **dict.fromkeys(
        (
            "__global__",
            "__device__",
            "__host__",
            "__forceinline__",
            "__inline__",
            "__noinline__",
            "__inline",
            "explicit",
        ),
        "INLINE",
    ),
    **dict.fromkeys(("__shared__", "__constant__", "__managed__"), "REGISTER"),
    **dict.fromkeys(("__restrict__", "__restrict", "__grid_constant__"), "RESTRICT"),
    **dict.fromkeys(("__align__", "__launch_bounds__", "__attribute__"), "_ALIGNAS"),
    **dict.fromkeys(("static_cast", "reinterpret_cast", "const_cast", "dynamic_cast"), "CXX_CAST"),
    **dict.fromkeys(("template", "typename", "class", "namespace", "using", "operator"), "CXX_WORD"),
    "decltype": "TYPEOF",
    "__typeof__": "TYPEOF",
}
# Words that C23 took from C++ are in pycparser's table; words of C that C++ does not have are plain names.
_NOT_CXX = ("restrict", "_Bool", "_Complex", "_Generic", "_Atomic", "_Noreturn", "_Thread_local", "typeof", "typeof_unqual",
            "_BitInt", "_Decimal32", "_Decimal64", "_Decimal128", "offsetof")  # fmt: skip


class CudaLexer(CLexer):  # type: ignore[misc]
    """Tokens carry the user's file, line and column. `a::b` is one identifier."""

    source: TokenText | None = None

    def __init__(self, error_func: Callable[[str, int, int], None], *, dialect: str = "c23") -> None:
        super().__init__(error_func, dialect=dialect)
        for word in _NOT_CXX:
            self._keyword_map.pop(word, None)
        self._keyword_map.update(_WORDS)
        self._ahead: list[Token] = []
        self.qualified: set[str] = set()  # names written with a leading `::`
        self.own_places: dict[
            int, tuple[int, int]
        ] = {}  # of a token, by its identity: line and column in the text read
        self._before: Token | None = None

    def _init_state(self) -> None:
        super()._init_state()
        self._ahead = []

    def _make_token(self, tok_type: str, value: str, pos: int) -> Token:
        token = super()._make_token(tok_type, value, pos)
        self.own_places[id(token)] = (token.lineno, token.column)
        if self.source is not None:
            token.filename, token.lineno, token.column = self.source.place(token.lineno, token.column)
        return token

    def _error(self, msg: str, pos: int) -> None:
        column = pos - self._line_start + 1
        _, line, column = self.source.place(self._lineno, column) if self.source else ("", self._lineno, column)
        self.error_func(msg, line, column)

    def _raw(self) -> Token | None:
        return self._ahead.pop(0) if self._ahead else super().token()

    def token(self) -> Token | None:
        """The next token; qualified names are joined (`::f` is `f`)."""
        token = self._raw()
        led = token is not None and token.type == "COLONCOLON"
        member = led and adjacent(self._before, token)
        if led:
            token = self._raw()
        while token is not None and token.type == "ID":
            colons = self._raw()
            if colons is None or colons.type != "COLONCOLON":
                if colons is not None:
                    self._ahead.insert(0, colons)
                break
            name = self._raw()
            if name is None or name.type not in ("ID", "CXX_WORD"):
                self._ahead[:0] = [t for t in (colons, name) if t is not None]
                break
            token.value = f"{token.value}::{name.value}"
        if token is not None and member:
            token.value = f"::{token.value}"  # of `name<...>`: nothing else is meant by it
        elif led and token is not None:
            self.qualified.add(token.value)
        self._before = token
        return token


def adjacent(before: Token | None, colons: Token) -> bool:
    """Whether `::` stands right behind a `>`, as in `name<...>::member`."""
    if before is None or before.type != "GT":
        return False
    return (before.filename, before.lineno, before.column + 1) == (colons.filename, colons.lineno, colons.column)


def coord_of(token: Any) -> SpanCoord:
    return SpanCoord(token.filename, token.lineno, token.column, token.column + len(token.value))
