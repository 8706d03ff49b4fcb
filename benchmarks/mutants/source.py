"""A kernel's text as tokens, functions and statements, so that a change is made where C++ means it; and a change itself.

Only device code is looked into, and no preprocessor directive. Positions are indices into `Source.parts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from c_names import TYPES
from c_tokens import Kind, tokens

_OPENERS = {"(": ")", "[": "]", "{": "}"}
_SPACES = (Kind.SPACE, Kind.COMMENT, Kind.SPLICE, Kind.NEWLINE)
_KEYWORDS_BEFORE_UNARY = frozenset("return case else do".split())
_DECLARING = frozenset(
    "const constexpr static volatile register auto extern __shared__ struct typename alignas".split()
)
WORDS_OF_TYPES = TYPES | {"const", "volatile", "struct"}


@dataclass(frozen=True, slots=True)
class Part:
    """A token and its offset in the text."""

    kind: Kind
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


@dataclass(frozen=True, slots=True)
class Statement:
    """kind: block if for while do switch label declaration simple. first, last: its parts, both included.

    heads: ranges (first, stop) of a `for`'s three parts or of a condition. inner: the statements in it, an `else` last.
    """

    kind: str
    first: int
    last: int
    heads: tuple[tuple[int, int], ...] = ()
    inner: tuple[Statement, ...] = ()

    def walk(self) -> Iterator[Statement]:
        """The statement and all in it, in the text's order."""
        yield self
        for s in self.inner:
            yield from s.walk()


@dataclass(frozen=True, slots=True)
class Change:
    """Pieces of a text replaced: (first offset, stop, new text), ascending and apart."""

    pieces: tuple[tuple[int, int, str], ...]

    def applied(self, text: str) -> str:
        out, at = [], 0
        for first, stop, new in self.pieces:
            out += [text[at:first], new]
            at = stop
        return "".join([*out, text[at:]])

    def told(self, text: str) -> str:
        """`line 12: old -> new`, one line, cut where it is long."""
        first, stop = self.pieces[0][0], self.pieces[-1][1]
        inside = Change(tuple((a - first, b - first, new) for a, b, new in self.pieces)).applied(text[first:stop])
        old, new = (" ".join(t.split())[:60] for t in (text[first:stop], inside))
        return f"line {text.count(chr(10), 0, first) + 1}: `{old}` -> `{new}`"


class Source:
    """A text taken apart. Raises ValueError where its brackets do not match or a statement does not end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts = _code(text)
        self.pair = self._pairs()
        self.bodies = [self._statement(i) for i in self._device_bodies()]
        self._brackets = self._enclosing()

    # -------------------------------------------------------------- structure
    def statements(self) -> Iterator[Statement]:
        """Every statement of device code."""
        for body in self.bodies:
            yield from body.walk()

    def lists(self) -> Iterator[tuple[Statement, ...]]:
        """The statements of every block, as they follow each other."""
        for s in self.statements():
            if s.kind == "block":
                yield s.inner

    def inside(self) -> Iterator[int]:
        """Every part of device code."""
        for body in self.bodies:
            yield from range(body.first + 1, body.last)

    def word(self, i: int) -> str:
        return self.parts[i].text if 0 <= i < len(self.parts) else ""

    def between(self, first: int, stop: int) -> str:
        """The text of parts first to stop - 1, as it stands."""
        return self.text[self.parts[first].at : self.parts[stop - 1].end] if first < stop else ""

    def bracket(self, i: int) -> int:
        """The innermost `(`, `[` or `{` around a part; -1 for none."""
        return self._brackets[i]

    def in_index(self, i: int) -> bool:
        """Does a part stand in a subscript?"""
        while (i := self._brackets[i]) >= 0:
            if self.word(i) == "[":
                return True
        return False

    def _device_bodies(self) -> Iterator[int]:
        """The `{` of every function that has `__global__` or `__device__` before its name."""
        i, start = 0, 0
        while i < len(self.parts):
            word = self.word(i)
            if word == "{" and {"__global__", "__device__"} & {self.word(k) for k in range(start, i)}:
                if self.word(i - 1) == ")" or self.word(i - 1) == "const":
                    yield i
                i = start = self.pair[i] + 1
                continue
            if word == "{" and "(" in {self.word(k) for k in range(start, i)}:  # a host function
                i = start = self.pair[i] + 1
                continue
            if word in (";", "{", "}"):  # a namespace or a struct is entered
                start = i + 1
            i = self.pair[i] + 1 if word in ("(", "[") else i + 1

    def _statement(self, i: int) -> Statement:
        match self.word(i):
            case "{":
                inner, k = [], i + 1
                while k < self.pair[i]:
                    inner.append(self._statement(k))
                    k = inner[-1].last + 1
                return Statement("block", i, self.pair[i], (), tuple(inner))
            case "if" | "while" | "switch" | "for" as kind:
                k = i + 1 if self.word(i + 1) == "(" else i + 2
                if self.word(k) != "(":
                    raise ValueError(f"no `(` after `{kind}`")
                heads = self._split(k + 1, self.pair[k], ";") if kind == "for" else ((k + 1, self.pair[k]),)
                inner = [self._statement(self.pair[k] + 1)]
                if kind == "if" and self.word(inner[0].last + 1) == "else":
                    inner.append(self._statement(inner[0].last + 2))
                return Statement(kind, i, inner[-1].last, tuple(heads), tuple(inner))
            case "do":
                body = self._statement(i + 1)
                k = body.last + 2
                return Statement("do", i, self.pair[k] + 1, ((k + 1, self.pair[k]),), (body,))
            case "case" | "default":
                while self.word(i) != ":":
                    i += 1
                return Statement("label", i, i)
        last = self._until_semicolon(i)
        return Statement("declaration" if self._declares(i) else "simple", i, last)

    def _until_semicolon(self, i: int) -> int:
        while self.word(i) != ";":
            if i >= len(self.parts) or self.word(i) == "}":
                raise ValueError("a statement without `;`")
            i = self.pair.get(i, i) + 1
        return i

    def _declares(self, i: int) -> bool:
        word, following = self.parts[i].text, self.parts[i + 1] if i + 1 < len(self.parts) else None
        if word in _DECLARING or (word in TYPES and following is not None and following.text not in ("(", ".")):
            return True
        return (
            self.parts[i].kind is Kind.NAME
            and word not in _KEYWORDS_BEFORE_UNARY
            and following is not None
            and following.kind is Kind.NAME
        )

    def _split(self, first: int, stop: int, mark: str) -> list[tuple[int, int]]:
        """The ranges between marks at this depth."""
        found, start, i = [], first, first
        while i < stop:
            if self.word(i) == mark:
                found.append((start, i))
                start = i + 1
            i = self.pair.get(i, i) + 1
        return [*found, (start, stop)]

    # -------------------------------------------------------------- expressions
    def arguments(self, i: int) -> list[tuple[int, int]]:
        """The arguments' ranges of a call whose `(` is part i."""
        return self._split(i + 1, self.pair[i], ",") if self.pair[i] > i + 1 else []

    def is_type(self, first: int, stop: int) -> bool:
        """Are these parts a type and nothing else?"""
        words = [self.word(k) for k in range(first, stop)]
        return (
            bool(words) and words[0] in WORDS_OF_TYPES and all(w in WORDS_OF_TYPES or w in ("*", "::") for w in words)
        )

    def is_cast(self, i: int) -> bool:
        """Is part i the `(` of a cast?"""
        return self.word(i) == "(" and self.is_type(i + 1, self.pair[i]) and self.word(i - 1) != "sizeof"

    def is_binary(self, i: int) -> bool:
        """Does an operand stand before the operator at part i?"""
        before = self.parts[i - 1]
        if before.text == ")":
            return not self.is_cast(self._opened(i - 1))
        if before.kind is Kind.NAME:
            return before.text not in _KEYWORDS_BEFORE_UNARY and before.text not in TYPES
        return before.kind is Kind.NUMBER or before.text == "]"

    def operand(self, i: int, stops: frozenset[str]) -> int:
        """Where the operand that starts at part i ends: before a mark of `stops` or a closing bracket."""
        start = i
        while i < len(self.parts) and self.word(i) not in ")]};":
            if self.word(i) in stops and i > start and self.is_binary(i):
                break
            i = self.pair[i] + 1 if self.word(i) in _OPENERS else i + 1
        return i

    def operand_before(self, i: int, stops: frozenset[str]) -> int:
        """Where the operand that ends before part i starts."""
        k = i - 1
        while k >= 0 and self.word(k) not in ("(", "[", "{", ";", "}", "return"):
            if self.word(k) in stops and (
                self.parts[k].kind is not Kind.MARK or self.is_binary(k) or self.word(k) in ",?:"
            ):
                break
            k = self._opened(k) - 1 if self.word(k) in (")", "]", "}") else k - 1
        return k + 1

    def _opened(self, i: int) -> int:
        return self.pair[i]

    # -------------------------------------------------------------- changes
    def put(self, first: int, stop: int, new: str) -> Change:
        """Parts first to stop - 1 replaced."""
        return Change(((self.parts[first].at, self.parts[stop - 1].end, new),))

    def swapped(self, a: tuple[int, int], b: tuple[int, int]) -> Change:
        """Two ranges of parts exchanged; a lies before b."""
        pieces = [(self.parts[r[0]].at, self.parts[r[1] - 1].end, self.between(*o)) for r, o in ((a, b), (b, a))]
        return Change(tuple(pieces))

    # -------------------------------------------------------------- tables
    def _pairs(self) -> dict[int, int]:
        pair: dict[int, int] = {}
        opened: list[int] = []
        for i, p in enumerate(self.parts):
            if p.text in _OPENERS and p.kind is Kind.MARK:
                opened.append(i)
            elif p.text in (")", "]", "}") and p.kind is Kind.MARK:
                if not opened or _OPENERS[self.word(opened[-1])] != p.text:
                    raise ValueError(f"unbalanced {p.text!r}")
                pair[i] = opened[-1]
                pair[opened.pop()] = i
        if opened:
            raise ValueError("an open bracket")
        return pair

    def _enclosing(self) -> list[int]:
        out, opened = [], [-1]
        for i, p in enumerate(self.parts):
            if p.kind is Kind.MARK and p.text in (")", "]", "}"):
                opened.pop()
            out.append(opened[-1])
            if p.kind is Kind.MARK and p.text in _OPENERS:
                opened.append(i)
        return out


def _code(text: str) -> list[Part]:
    """The tokens that are no spaces, no comments and in no directive."""
    out: list[Part] = []
    at, directive, fresh = 0, False, True
    for t in tokens(text):
        if t.kind is Kind.NEWLINE:
            directive, fresh = False, True
        elif t.kind not in _SPACES:
            directive = directive or (fresh and t.text == "#")
            fresh = False
            if not directive:
                out.append(Part(t.kind, t.text, at))
        at += len(t.text)
    return out
