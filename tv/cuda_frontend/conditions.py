"""The integer arithmetic of `#if`: 64 bits, signed unless an operand is unsigned, division towards zero."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from itertools import pairwise

Unknown = Callable[[str, bool], Exception]
_BITS = 64
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)((?:[uU]|ll?|LL?)*)")
_CHARACTERS = {"\\n": 10, "\\t": 9, "\\r": 13, "\\0": 0, "\\\\": 92, "\\'": 39, '\\"': 34}
_LEVELS = (("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))  # fmt: skip
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
_WRAP: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """A value; `error` says why there is none, which matters only where it is evaluated."""

    n: int
    unsigned: bool = False
    error: str = ""

    def value(self) -> int:
        """The value. Raises ValueError where there is none."""
        if self.error:
            raise ValueError(self.error)
        return self.n


def literal(text: str) -> Number:
    """An integer or a plain character. Raises ValueError for anything else."""
    if text[0] == "'":
        inner = text[1:-1]
        if inner not in _CHARACTERS and (len(inner) != 1 or not inner.isascii() or inner == "\\"):
            raise ValueError(f"the character {text}")
        return Number(_CHARACTERS.get(inner, ord(inner[-1])))
    m = _NUMBER.fullmatch(text.replace("'", ""))
    if m is None:
        raise ValueError(f"the number {text}")
    digits, decimal = m.group(1), m.group(1)[0] != "0"
    n = int(digits, 0) if decimal or digits[1:2] in ("x", "X", "b", "B") else int(digits, 8)
    unsigned = "u" in m.group(2).lower()
    if n >= 1 << _BITS or (decimal and not unsigned and n >= 1 << (_BITS - 1)):
        raise ValueError(f"{text} is too large")
    return Number(n, unsigned or n >= 1 << (_BITS - 1))


def fit(n: int, unsigned: bool) -> Number:
    """The result of an operation: unsigned ones wrap, signed ones must not overflow."""
    if unsigned:
        return Number(n % (1 << _BITS), True)
    fits = -(1 << (_BITS - 1)) <= n < 1 << (_BITS - 1)
    return Number(n) if fits else Number(0, error="signed overflow")


def binary(op: str, a: Number, b: Number) -> Number:
    """`a op b` but for `&&` and `||`."""
    if a.error or b.error:
        return Number(0, error=a.error or b.error)
    if op in ("<<", ">>"):
        if not 0 <= b.n < _BITS:
            return Number(0, error="a shift by as many bits as there are")
        return fit(a.n << b.n, a.unsigned) if op == "<<" else Number(a.n >> b.n, a.unsigned)
    unsigned = a.unsigned or b.unsigned
    x, y = (v % (1 << _BITS) if unsigned else v for v in (a.n, b.n))
    if op in _COMPARE:
        return Number(int(_COMPARE[op](x, y)))
    if op in _WRAP:
        return fit(_WRAP[op](x, y), unsigned)
    if y == 0:
        return Number(0, error="division by zero")
    quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
    return fit(quotient if op == "/" else x - quotient * y, unsigned)


class _Parser:
    """Recursive descent over the tokens of one condition."""

    def __init__(self, words: list[str], unknown: Unknown) -> None:
        self.words, self.unknown = words, unknown
        self.at = 0

    def next(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, expected: str = "") -> str:
        word = self.next()
        if word == "" or (expected and word != expected):
            raise ValueError(f"`{word or 'the end'}` where `{expected or 'an operand'}` should be")
        self.at += 1
        return word

    def conditional(self) -> Number:
        cond = self.level(0)
        if self.next() != "?":
            return cond
        self.take("?")
        a = self.conditional()
        self.take(":")
        b = self.conditional()
        if cond.error:
            return cond
        taken = a if cond.n else b
        unsigned = a.unsigned or b.unsigned
        return Number(taken.n % (1 << _BITS) if unsigned else taken.n, unsigned, taken.error)

    def level(self, i: int) -> Number:
        if i == len(_LEVELS):
            return self.unary()
        a = self.level(i + 1)
        while self.next() in _LEVELS[i]:
            op = self.take()
            b = self.level(i + 1)
            if op not in ("&&", "||"):
                a = binary(op, a, b)
            elif not a.error and bool(a.n) == (op == "||"):
                a = Number(int(op == "||"))
            else:
                a = Number(int(b.n != 0), error=a.error or b.error)
        return a

    def unary(self) -> Number:
        word = self.take()
        if word == "(":
            inner = self.conditional()
            self.take(")")
            return inner
        if word in ("+", "-", "~", "!"):
            a = self.unary()
            if a.error or word == "+":
                return a
            if word == "!":
                return Number(int(a.n == 0))
            return fit(-a.n if word == "-" else ~a.n, a.unsigned)
        if word[0].isdigit() or word[0] == "'":
            return literal(word)
        if word in ("true", "false"):
            return Number(int(word == "true"))
        if re.fullmatch(r"[A-Za-z_]\w*", word):
            raise self.unknown(word, self.next() == "(")
        raise ValueError(f"`{word}` in a condition")


def evaluate(words: list[str], unknown: Unknown) -> Number:
    """The value of a condition whose macros are expanded. Raises ValueError where it is not well formed, and what `unknown` makes
    of a name that is left and whether a `(` follows it."""
    parser = _Parser(words, unknown)
    found = parser.conditional()
    if parser.next():
        raise ValueError(f"`{parser.next()}` behind the condition")
    return found


def defined_in_call(words: list[str], macros: Container[str]) -> bool:
    """Does `defined` stand in the arguments of a macro, where the name behind it may be expanded first?"""
    depth, calls = 0, list[int]()  # at which depths the arguments of a macro go on
    for before, word in pairwise(["", *words]):
        if word == "(":
            depth += 1
            calls += [depth] if before in macros else []
        elif word == ")":
            calls = [d for d in calls if d < depth]
            depth -= 1
        elif word == "defined" and calls:
            return True
    return False
