"""Integer expressions over symbols: Python's arithmetic, `ceildiv`, `min`, `max`, and nothing else.

    parse("ceildiv(N, 256) * 4")   ->  an Expression with names ("N",)

Written by hand rather than through `eval`: a spec file is data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tv.diagnostic import BadInput
from tv.launch import IntOrText
from tv.source import NOWHERE, Span

FUNCTIONS = ("ceildiv", "min", "max")
_TOKEN = re.compile(r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|\d+)|(?P<name>[A-Za-z_]\w*)|(?P<op>//|[-+*%(),/]))")
_MAX_DEPTH = 32
_MAX_TOKENS = 300
_MAX_TEXT = 1000  # both limits keep every walk of the tree inside Python's stack


@dataclass(frozen=True, slots=True)
class Number:
    value: int


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """op: + - * // % ceildiv min max; two arguments, more for min and max."""

    op: str
    args: tuple[Expression, ...]


Expression = Number | Name | Apply
Range = tuple[int, int]


def parse(value: IntOrText, span: Span = NOWHERE) -> Expression:
    """An int, or text in the grammar above. Raises BadInput (TV0205) with the column at fault."""
    if isinstance(value, int):
        return Number(int(value))
    if len(value) > _MAX_TEXT:
        raise BadInput("TV0205", f"expression of {len(value)} characters", span, f"at most {_MAX_TEXT} are read")
    parser = _Parser(value, span)
    result = parser.sum(0)
    parser.end()
    return result


def names(e: Expression) -> tuple[str, ...]:
    """The symbols in an expression, each once, in order of appearance."""
    match e:
        case Number():
            return ()
        case Name(name=n):
            return (n,)
        case Apply(args=args):
            return tuple(dict.fromkeys(n for a in args for n in names(a)))


def evaluate(e: Expression, values: Mapping[str, int], span: Span = NOWHERE) -> int:
    """The value under `values`. Raises BadInput for a division by zero (TV0205) or an unknown symbol (TV0206)."""
    match e:
        case Number(value=v):
            return v
        case Name(name=n):
            if n not in values:
                raise BadInput("TV0206", f"unknown symbol `{n}`", span, _known(values))
            return values[n]
        case Apply(op=op, args=args):
            return _apply(op, [evaluate(a, values, span) for a in args], span)


def substitute(e: Expression, values: Mapping[str, int]) -> Expression:
    """The expression with the given symbols replaced by their values."""
    match e:
        case Name(name=n) if n in values:
            return Number(values[n])
        case Apply(op=op, args=args):
            return Apply(op, tuple(substitute(a, values) for a in args))
        case _:
            return e


def substitute_names(e: Expression, renamed: Mapping[str, str]) -> Expression:
    """The expression with symbols renamed."""
    match e:
        case Name(name=n):
            return Name(renamed.get(n, n))
        case Apply(op=op, args=args):
            return Apply(op, tuple(substitute_names(a, renamed) for a in args))
        case _:
            return e


def _known(values: Mapping[str, int]) -> str:
    return (
        f"the symbols are: {', '.join(sorted(values))}"
        if values
        else 'no symbol is declared; write `x = { symbol = "N", ... }`'
    )


def _apply(op: str, xs: list[int], span: Span) -> int:
    if op in ("//", "%", "ceildiv") and xs[1] == 0:
        raise BadInput(
            "TV0205", "division by zero", span, "divide by a number, or by a symbol whose `min` is at least 1"
        )
    match op:
        case "+":
            return xs[0] + xs[1]
        case "-":
            return xs[0] - xs[1]
        case "*":
            return xs[0] * xs[1]
        case "//":
            return xs[0] // xs[1]
        case "%":
            return xs[0] % xs[1]
        case "ceildiv":
            return -(-xs[0] // xs[1])
        case "min":
            return min(xs)
        case "max":
            return max(xs)
        case _:
            raise ValueError(f"no operator of expressions: {op!r}")


def text(e: Expression) -> str:
    """The expression as text that `parse` reads back."""
    match e:
        case Number(value=v):
            return str(v) if v >= 0 else f"({v})"
        case Name(name=n):
            return n
        case Apply(op=op, args=args) if op in FUNCTIONS:
            return f"{op}({', '.join(text(a) for a in args)})"
        case Apply(op=op, args=(a, b)):
            return f"({text(a)} {op} {text(b)})"
        case _:
            raise ValueError(f"malformed expression: {e!r}")


def simplified(e: Expression) -> IntOrText:
    """A plain int where no symbol occurs, else text."""
    return text(e) if names(e) else evaluate(e, {})


class _Parser:
    """Recursive descent: sum := product {(+|-) product}; product := atom {(*|//|%) atom}."""

    def __init__(self, source: str, span: Span) -> None:
        self.source, self.span, self.tokens, self.at = source, span, self._tokens(source, span), 0

    @staticmethod
    def _tokens(source: str, span: Span) -> list[tuple[str, str, int]]:
        result, position = [], 0
        while source[position:].strip():
            m = _TOKEN.match(source, position)
            if m is None or m.lastgroup is None:
                bad = source[position:].lstrip()[0]
                raise BadInput("TV0205", f"unexpected `{bad}` in expression `{source}`", span, _GRAMMAR)
            result.append((m.lastgroup, m.group(m.lastgroup), m.start(m.lastgroup)))
            position = m.end()
        if len(result) > _MAX_TOKENS:
            raise BadInput("TV0205", f"expression of {len(result)} words", span, f"at most {_MAX_TOKENS} are read")
        return result

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def fail(self, expected: str) -> BadInput:
        found = f"`{self.peek()}`" if self.peek() else "the end"
        return BadInput(
            "TV0205", f"expected {expected}, found {found} in expression `{self.source}`", self.span, _GRAMMAR
        )

    def take(self, token: str) -> None:
        if self.peek() != token:
            raise self.fail(f"`{token}`")
        self.at += 1

    def end(self) -> None:
        if self.peek() == "/":
            raise BadInput("TV0205", f"`/` in expression `{self.source}`", self.span, "write `//` or `ceildiv(a, b)`")
        if self.peek():
            raise self.fail("an operator")

    def sum(self, depth: int) -> Expression:
        left = self.product(depth)
        while self.peek() in ("+", "-"):
            op = self.peek()
            self.at += 1
            left = Apply(op, (left, self.product(depth)))
        return left

    def product(self, depth: int) -> Expression:
        left = self.atom(depth)
        while self.peek() in ("*", "//", "%"):
            op = self.peek()
            self.at += 1
            left = Apply(op, (left, self.atom(depth)))
        return left

    def atom(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise BadInput("TV0205", "expression nested too deeply", self.span, "declare a symbol for a part of it")
        if self.at >= len(self.tokens):
            raise self.fail("a number or a symbol")
        kind, word, _ = self.tokens[self.at]
        self.at += 1
        match kind, word:
            case "number", _:
                return Number(int(word, 0) if word[:2].lower() == "0x" else int(word))
            case "name", _ if self.peek() == "(":
                return self.call(word, depth)
            case "name", _:
                return Name(word)
            case _, "-":
                return Apply("-", (Number(0), self.atom(depth + 1)))
            case _, "(":
                inner = self.sum(depth + 1)
                self.take(")")
                return inner
            case _:
                self.at -= 1
                raise self.fail("a number or a symbol")

    def call(self, function: str, depth: int) -> Expression:
        if function not in FUNCTIONS:
            raise BadInput("TV0205", f"unknown function `{function}`", self.span, _GRAMMAR)
        self.take("(")
        args = [self.sum(depth + 1)]
        while self.peek() == ",":
            self.at += 1
            args.append(self.sum(depth + 1))
        self.take(")")
        if len(args) < 2 or (function == "ceildiv" and len(args) != 2):
            raise BadInput("TV0205", f"`{function}` with {len(args)} arguments", self.span, _GRAMMAR)
        return Apply(function, tuple(args))


_GRAMMAR = "expressions are made of integers, symbols, + - * // % ( ) ceildiv(a, b) min(a, ...) max(a, ...)"
