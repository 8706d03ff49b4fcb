"""Random index expressions in C, with the interval of their values: affine, and taken apart by /, %, &, ^, >>."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.random_kernels.drawing import Draw, chance, pick

MOST = 1 << 20


@dataclass(frozen=True)
class Index:
    """C text of an int expression, and bounds of its values."""

    text: str
    low: int
    high: int

    @property
    def simple(self) -> bool:
        return self.text.isidentifier() or self.text.isdigit()

    def inside(self) -> str:
        return self.text if self.simple else f"({self.text})"


def constant(v: int) -> Index:
    return Index(str(v), v, v)


def plus(a: Index, b: Index) -> Index:
    return Index(f"{a.text} + {b.inside()}", a.low + b.low, a.high + b.high)


def minus(a: Index, b: Index) -> Index:
    return Index(f"{a.text} - {b.inside()}", a.low - b.high, a.high - b.low)


def times(a: Index, k: int) -> Index:
    ends = (a.low * k, a.high * k)
    return Index(f"{a.inside()} * {k}", min(ends), max(ends))


def divided(a: Index, k: int) -> Index:
    """C's quotient, by a positive k."""
    low, high = (abs(v) // k * (1 if v >= 0 else -1) for v in (a.low, a.high))
    return Index(f"{a.inside()} / {k}", low, high)


def remainder(a: Index, k: int) -> Index:
    """C's remainder, which has the sign of the dividend."""
    if 0 <= a.low and a.high < k:
        return Index(f"{a.inside()} % {k}", a.low, a.high)
    return Index(f"{a.inside()} % {k}", 0 if a.low >= 0 else 1 - k, k - 1 if a.high > 0 else 0)


def masked(a: Index, bits: int) -> Index:
    return Index(f"({a.inside()} & {(1 << bits) - 1})", 0, (1 << bits) - 1)


def flipped(a: Index, k: int) -> Index:
    """a ^ k of an a that is not negative."""
    most = (1 << max(a.high, k).bit_length()) - 1
    return Index(f"({a.inside()} ^ {k})", 0, most)


def shifted(a: Index, k: int) -> Index:
    return Index(f"({a.inside()} >> {k})", a.low >> k, a.high >> k)


def expression(draw: Draw, variables: Sequence[Index], depth: int = 2) -> Index:
    """Any index expression over the variables."""
    if depth == 0 or not chance(draw, 70):
        return constant(draw.integer(0, 4)) if not variables or chance(draw, 15) else pick(draw, variables)
    a = expression(draw, variables, depth - 1)
    match pick(draw, ("plus", "times", "plus", "minus", "remainder", "divided", "masked", "flipped", "shifted")):
        case "plus":
            made = plus(a, expression(draw, variables, depth - 1))
        case "minus":
            made = minus(a, expression(draw, variables, depth - 1))
        case "times":
            made = times(a, draw.integer(2, 5))
        case "remainder":
            made = remainder(a, pick(draw, (2, 3, 4, 5, 8, 16)))
        case "divided":
            made = divided(a, pick(draw, (2, 3, 4, 8)))
        case "masked" if a.low >= 0:
            made = masked(a, draw.integer(1, 4))
        case "flipped" if a.low >= 0:
            made = flipped(a, pick(draw, (1, 2, 3, 4, 7)))
        case "shifted" if a.low >= 0:
            made = shifted(a, draw.integer(1, 3))
        case _:
            made = a
    return made if max(abs(made.low), abs(made.high)) < MOST else a


def within(draw: Draw, a: Index, size: int, wild: int = 4) -> Index:
    """a, made to lie in [0, size); left as it is in `wild` of a hundred draws."""
    if (a.low >= 0 and a.high < size) or chance(draw, wild):
        return a
    if a.low < 0:
        a = Index(f"({a.text} + {-a.low})", 0, a.high - a.low)
        if a.high < size:
            return a
    if size & (size - 1) == 0 and chance(draw, 40):
        return masked(a, size.bit_length() - 1)
    return remainder(a, size)


def permuted(draw: Draw, a: Index, size: int) -> Index:
    """A one-to-one map of [0, size), of an a in there (nearly always one-to-one)."""
    match pick(draw, ("same", "mirrored", "rotated", "flipped", "same", "strided", "wild")):
        case "mirrored":
            return minus(constant(size - 1), a)
        case "rotated":
            return remainder(plus(a, constant(draw.integer(1, max(1, size - 1)))), size)
        case "flipped" if size & (size - 1) == 0 and size > 1:
            return flipped(a, draw.integer(1, size - 1))
        case "strided":
            ways = [w for w in (2, 3, 4, 8) if size % w == 0 and size > w]
            if ways:
                w = pick(draw, ways)
                return Index(f"{remainder(a, w).inside()} * {size // w} + {a.inside()} / {w}", 0, size - 1)
            return a
        case "wild" if chance(draw, 30):
            return within(draw, expression(draw, (a,)), size)
        case _:
            return a


def condition(draw: Draw, variables: Sequence[Index]) -> str:
    """A condition on indices."""
    a = expression(draw, variables, 1)
    match pick(draw, ("<", ">=", "==", "!=", "&", "%", "and", "or", "not")):
        case "&":
            return f"({a.inside()} & {pick(draw, (1, 2, 4))}) == 0" if a.low >= 0 else f"{a.text} > 1"
        case "%":
            return f"{a.inside()} % {draw.integer(2, 4)} == {draw.integer(0, 1)}"
        case "and" | "or" as op:
            sign = {"and": "&&", "or": "||"}[op]
            return f"({condition(draw, variables)}) {sign} ({condition(draw, variables)})"
        case "not":
            return f"!({condition(draw, variables)})"
        case op:
            return f"{a.text} {op} {pick(draw, (a.low, (a.low + a.high) // 2, a.high, a.low + 1))}"
