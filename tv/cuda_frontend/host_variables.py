"""Variables of host code whose value is known where a launch stands: initialised once, in plain sight, and only ever read.

Host code is not parsed. So a variable counts only where all that can be seen of it is of a known form: a declaration at the head of a
statement, with a whole type, in a block around the launch, and no other occurrence of its name that is not plainly a read. A constant
of the file counts likewise only where each occurrence of its name is a read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pycparser import c_parser as cp

Tokens = list[Any]
OPEN, CLOSE = ("LPAREN", "LBRACE", "LBRACKET"), ("RPAREN", "RBRACE", "RBRACKET")
_NAME = ("ID", "TYPEID")
_ARITHMETIC = frozenset("PLUS MINUS TIMES DIVIDE MOD".split())
_COMPARES = frozenset("LT GT LE GE EQ NE".split())
_ENDS = frozenset("SEMI COMMA RPAREN RBRACKET COLON CONDOP LAND LOR".split())
_RECORDS = frozenset("struct class union enum namespace".split())


@dataclass(frozen=True, slots=True)
class Variable:
    """words: of its type, `const` and the like left out. mark: `=`, `(` or `{`, at `at`, before what it is initialised with."""

    name: str
    words: str
    constant: bool
    mark: str
    at: int


@dataclass(frozen=True, slots=True)
class Host:
    """The tokens of a host function. operators: does the file declare operators of its own, which may take references?"""

    tokens: Tokens
    operators: bool = False

    def visible(self, launch: int) -> Iterator[Variable]:
        """Variables that have the value they were initialised with, at token `launch`."""
        tokens = self.tokens
        around = _blocks(tokens, launch)
        found: dict[str, list[Variable]] = {}
        for start in _statements(tokens):
            inside = _blocks(tokens, start)
            if start < launch and inside == around[: len(inside)] and inside and not _is_record(tokens, inside[-1]):
                for v in _declared(tokens, start):
                    found.setdefault(v.name, []).append(v)
        for name, (v, *more) in found.items():
            if not more and all(self.reads(i, v.constant, v.at) for i in self.places(name) if i != v.at - 1):
                yield v

    def hides(self, name: str, launch: int) -> bool:
        """May a name mean something else at the launch than a constant of the file?"""
        header = next((i for i, t in enumerate(self.tokens) if t.type == "LPAREN"), 0)
        member = any("::" in str(t.value) for t in self.tokens[:header])
        member |= any(_is_record(self.tokens, b) for b in _blocks(self.tokens, launch))
        using = any(str(t.value) == "using" for t in self.tokens)
        return member or using or not all(self.reads(i, True) for i in self.places(name))

    def places(self, name: str) -> list[int]:
        """Where a name occurs, members of something else apart."""
        named = (i for i, t in enumerate(self.tokens) if t.type in _NAME and t.value == name)
        return [i for i in named if i == 0 or self.tokens[i - 1].type not in ("PERIOD", "ARROW")]

    def reads(self, i: int, constant: bool, declared: int = 0) -> bool:
        """Is the occurrence at i plainly a read: an operand of a launch or a dim3, of arithmetic or a comparison, and, where nothing may
        change it, an argument of a function or what something else is initialised with? declared: where in the function it is."""
        tokens = self.tokens
        before = tokens[i - 1].type if i else "SEMI"
        end = i + 2 if i + 1 < len(tokens) and tokens[i + 1].type == "PERIOD" else i  # a component, of a dim3
        if end + 2 >= len(tokens) or before in ("PLUSPLUS", "MINUSMINUS", "AND", "RSHIFT"):
            return False
        after = tokens[end + 1].type
        if after == "RSHIFT":
            return tokens[end + 2].type == "GT" and self._by_value(i)
        if after not in _ARITHMETIC | _COMPARES | _ENDS or (before == "TIMES" and self._points(i)):
            return False
        operand = after in _ARITHMETIC or before in _ARITHMETIC
        compared = after in _COMPARES - {"GT"} or (before in _COMPARES and not self._launched(i))
        if operand or compared:
            return not self.operators
        if constant and before == "EQUALS":
            return True
        return self._by_value(i) or (constant and self._argument(i, declared))

    def _by_value(self, i: int) -> bool:
        """Does the place stand among the operands of some `<<<...>>>(...)` or `dim3(...)`, which take no references?"""
        tokens, depth = self.tokens, 0
        for k in range(i - 1, 1, -1):
            kind, before, earlier = tokens[k].type, tokens[k - 1], tokens[k - 2]
            depth += (kind in CLOSE) - (kind in OPEN)
            if depth == 0 and kind in ("SEMI", "EQUALS"):
                return False
            if depth == 0 and kind == "LT" and before.type == "LSHIFT":
                return True
            if depth < 0:
                if before.type == "GT" and earlier.type == "RSHIFT":
                    return True
                if before.value == "dim3":
                    return not is_type(earlier)
                if earlier.value == "dim3" and before.type in _NAME:
                    return tokens[k - 3].type in ("SEMI", "LBRACE", "RBRACE", "CONST")
                if kind != "LPAREN" or before.type not in _ARITHMETIC | {"COMMA", "LPAREN", "LT"}:
                    return False
                depth = 0  # brackets around an operand
        return False

    def _launched(self, i: int) -> bool:
        """Is it the first operand of `<<<...>>>`?"""
        return [t.type for t in self.tokens[i - 2 : i]] == ["LSHIFT", "LT"]

    def _argument(self, i: int, declared: int) -> bool:
        """Does the place stand by itself among the arguments of a function? `T (name);` is a declaration, in another block."""
        tokens, k = self.tokens, self._bracket(i)
        alone = tokens[i - 1].type in ("LPAREN", "COMMA") and tokens[i + 1].type in ("COMMA", "RPAREN")
        declares = k == i - 1 and tokens[i + 1].type == "RPAREN" and tokens[k - 2].type in ("SEMI", "LBRACE", "RBRACE")
        declares = declares and (not declared or _blocks(tokens, i) != _blocks(tokens, declared))
        return alone and k > 1 and tokens[k].type == "LPAREN" and tokens[k - 1].type == "ID" and not declares

    def _points(self, i: int) -> bool:
        """`T * name`: is it a declaration, at the head of a statement or among parameters?"""
        tokens, k = self.tokens, self._bracket(i)
        if tokens[i - 2].type not in _NAME or tokens[i - 3].type not in ("SEMI", "LBRACE", "RBRACE", "LPAREN", "COMMA"):
            return False
        return k < 1 or tokens[k].type != "LPAREN" or tokens[k - 1].type not in ("ID", *_ARITHMETIC)

    def _bracket(self, i: int) -> int:
        """The bracket that is open around a place; 0 where there is none."""
        depth = 0
        for k in range(i - 1, -1, -1):
            depth += (self.tokens[k].type in CLOSE) - (self.tokens[k].type in OPEN)
            if depth < 0:
                return k
        return 0


def is_type(t: Any) -> bool:
    return t.type in (*_NAME, "CONST", "AUTO") or t.type in cp._TYPE_SPEC_SIMPLE


# ------------------------------------------------------------------------------------------------ declarations
def _blocks(tokens: Tokens, at: int) -> list[int]:
    """The open braces around a place, outermost first."""
    out: list[int] = []
    for i in range(at):
        if tokens[i].type == "LBRACE":
            out.append(i)
        elif tokens[i].type == "RBRACE" and out:
            out.pop()
    return out


def _is_record(tokens: Tokens, brace: int) -> bool:
    """Does this brace open the body of a struct or the like, whose variables are members?"""
    i = brace - 1
    while i >= 0 and tokens[i].type not in ("SEMI", "LBRACE", "RBRACE"):
        if str(tokens[i].value) in _RECORDS:
            return True
        i -= 1
    return False


def _statements(tokens: Tokens) -> Iterator[int]:
    """Where a statement may start."""
    depth = 0
    for i, t in enumerate(tokens):
        depth += (t.type in ("LPAREN", "LBRACKET")) - (t.type in ("RPAREN", "RBRACKET"))
        if depth == 0 and t.type in ("SEMI", "LBRACE", "RBRACE"):
            yield i + 1


def _declared(tokens: Tokens, start: int) -> Iterator[Variable]:
    """The variables of the declaration that starts here, if it is one, of plain objects alone."""
    i, words, constant = start, list[str](), False
    while i + 1 < len(tokens):
        word = str(tokens[i].value)
        if word in ("const", "constexpr"):
            constant = True
        elif tokens[i].type in cp._TYPE_SPEC_SIMPLE or (tokens[i].type in _NAME and not words and _follows(tokens, i)):
            words.append(word)
        else:
            break
        i += 1
    while (
        words
        and i + 1 < len(tokens)
        and tokens[i].type in _NAME
        and tokens[i + 1].type in ("EQUALS", "LPAREN", "LBRACE")
    ):
        yield Variable(str(tokens[i].value), " ".join(words), constant, tokens[i + 1].type, i + 1)
        i = _end(tokens, i + 1)
        if i >= len(tokens) or tokens[i].type != "COMMA":
            return
        i += 1


def _follows(tokens: Tokens, i: int) -> bool:
    """Is this name a type: does another name, or `const`, come next?"""
    return tokens[i + 1].type in (*_NAME, "CONST") or str(tokens[i + 1].value) == "constexpr"


def _end(tokens: Tokens, i: int) -> int:
    """The comma or semicolon that ends a declarator."""
    depth = 0
    while i < len(tokens) and not (depth == 0 and tokens[i].type in ("COMMA", "SEMI")):
        depth += (tokens[i].type in OPEN) - (tokens[i].type in CLOSE)
        i += 1
    return i
