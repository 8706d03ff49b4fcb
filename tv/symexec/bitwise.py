"""Bits of two indices combined (`row ^ column`): a sum over bits, each a quotient of what the operands have there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tv.sets import TRUE, Affine, Formula
from tv.sets.affine import floordiv, parity
from tv.sets.formulas import all_of, ge
from tv.symexec.values import Pieces

if TYPE_CHECKING:
    from tv.symexec.integers import Integers

WIDEST = 12  # bits that both operands have: each costs a floor or two


def bitwise(integers: Integers, op: str, cond: Formula, x: Affine, y: Affine) -> Pieces | None:
    """x & y, x | y or x ^ y where both are proved not negative and one of them is small; else None.

    Of bits a and b, `and` is floor((a + b) / 2), `or` is floor((a + b + 1) / 2), and `xor` is (a + b) mod 2.
    """
    tops = [a.interval(integers.ranges)[1] for a in (x, y)]
    known = [t for t in tops if t is not None]
    if not known or not integers.holds(cond, all_of(ge(x), ge(y))):
        return None
    high, low = min(known).bit_length(), max(trailing(x), trailing(y))
    if high - low > WIDEST:
        return None
    if high <= low:
        return ((TRUE, Affine.of(0) if op == "and" else x + y),)
    out = Affine.of(0)
    if op != "and":  # below `low` one operand has no bits, from `high` on likewise
        for a in (x, y):
            out = out + integers.remainder(a, 1 << low) + integers.quotient(a, 1 << high) * (1 << high)
    for a in (x, y):
        for i in range(low, high + 1):
            integers.cuts.bits(a, 1 << i)
    for i in range(low, high):
        a, b = (integers.remainder(integers.quotient(v, 1 << i), 2) for v in (x, y))
        if op == "xor":
            out = out + parity(a + b, integers.ranges) * (1 << i)
        else:
            out = out + floordiv(a + b + (1 if op == "or" else 0), 2, integers.ranges) * (1 << i)
    return ((TRUE, out),)


def trailing(a: Affine) -> int:
    """How many low bits of a are surely zero."""
    parts = [c for c in (a.const, *(c for _, c in a.terms)) if c]
    return min(((c & -c).bit_length() - 1 for c in parts), default=64)
