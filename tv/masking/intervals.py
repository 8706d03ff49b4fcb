"""Intervals of floats, and of sums in any order.

A sum of f32 may be added in any order, what joins it included, and its products may be fused. So an interval of such a sum keeps what it
is a sum of: with n leaves each computed result is a sum of leaf * (1 + d), |d| <= (1 + u)^n - 1, whatever the order (N. J. Higham,
Accuracy and Stability of Numerical Algorithms, 4.2), and lies between the sums of low - g |low| and of high + g |high|.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tv.arithmetic import decode, float_bits

FLOATS = ("f16", "bf16", "f32")
UNIT = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-24}  # half of the gap above 1
JOINED = "f32"  # the format whose additions join others
TINY = 2.0**-149  # an f32 product that is rounded by itself may lose this much more
LONGEST = 1 << 22  # terms of a sum whose errors are bounded


@dataclass(frozen=True, slots=True)
class Leaves:
    """Bounds of sums over the leaves of a sum: of their values (low, high), of the magnitudes of these bounds (below, above), of what
    is positive and what is negative of them (up, down). product: some leaf is one, which may be fused."""

    low: float
    high: float
    below: float
    above: float
    up: float
    down: float
    count: int = 1
    product: bool = False

    def __add__(self, o: Leaves) -> Leaves:
        return Leaves(
            self.low + o.low, self.high + o.high, self.below + o.below, self.above + o.above, self.up + o.up, self.down + o.down,
            self.count + o.count, self.product or o.product,
        )  # fmt: skip

    def times(self, most: int) -> Leaves:
        """Up to `most` of such sums together."""
        return Leaves(
            most * min(self.low, 0.0), most * max(self.high, 0.0), most * self.below, most * self.above, most * self.up,
            most * self.down, most * self.count, self.product,
        )  # fmt: skip

    def negated(self) -> Leaves:
        return Leaves(-self.high, -self.low, self.above, self.below, self.down, self.up, self.count, self.product)

    def join(self, o: Leaves) -> Leaves:
        """What is one or the other."""
        return Leaves(
            min(self.low, o.low), max(self.high, o.high), max(self.below, o.below), max(self.above, o.above), max(self.up, o.up),
            max(self.down, o.down), max(self.count, o.count), self.product or o.product,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Interval:
    """low <= value <= high where it is no NaN; infinities included. leaves: of a sum that others may join."""

    low: float
    high: float
    nan: bool
    leaves: Leaves | None = field(default=None, compare=False)

    @property
    def finite(self) -> bool:
        return not self.nan and self.low > -math.inf and self.high < math.inf

    @property
    def summands(self) -> Leaves:
        """As part of a sum: what it is a sum of, or itself."""
        return self.leaves or leaf(self.low, self.high)

    def join(self, o: Interval) -> Interval:
        leaves = self.summands.join(o.summands) if self.leaves or o.leaves else None
        return Interval(min(self.low, o.low), max(self.high, o.high), self.nan or o.nan, leaves)


ANYTHING = Interval(-math.inf, math.inf, True)


def leaf(low: float, high: float, product: bool = False) -> Leaves:
    """One value; an infinity stays one however it is rounded."""
    below, above = (0.0 if math.isinf(v) else abs(v) for v in (low, high))
    return Leaves(low, high, below, above, max(high, 0.0), max(-low, 0.0), 1, product)


def largest(kind: str) -> float:
    """The largest finite number of a format."""
    match kind:
        case "f16":
            return 65504.0
        case "bf16":
            return float(np.ldexp(2.0 - 2.0**-7, 127))
        case _:
            return float(np.ldexp(2.0 - 2.0**-23, 127))


def rounded(low: float, high: float, kind: str, nan: bool, leaves: Leaves | None = None) -> Interval:
    """The numbers of a format nearest to the reals of an interval that was computed in double."""
    if math.isnan(low) or math.isnan(high):
        return ANYTHING
    ends = [math.nextafter(low, -math.inf), math.nextafter(high, math.inf)]
    down, up = (float(decode(np.array([float_bits(v, kind)], np.uint64), kind)[0]) for v in ends)
    return Interval(down, up, nan, leaves)


def negated(a: Interval) -> Interval:
    return Interval(-a.high, -a.low, a.nan, a.leaves.negated() if a.leaves else None)


def added(a: Interval, b: Interval, kind: str) -> Interval:
    if kind == JOINED and (a.leaves or b.leaves):
        return in_any_order(a.summands + b.summands, kind, a.nan or b.nan)
    opposite = (a.high == math.inf and b.low == -math.inf) or (a.low == -math.inf and b.high == math.inf)
    if opposite:
        return ANYTHING
    leaves = a.summands + b.summands if kind == JOINED else None
    return rounded(a.low + b.low, a.high + b.high, kind, a.nan or b.nan, leaves)


def multiplied(a: Interval, b: Interval, kind: str) -> Interval:
    if not (a.finite and b.finite):
        return ANYTHING
    ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    low, high = min(ends), max(ends)
    return rounded(low, high, kind, False, leaf(low, high, product=True) if kind == JOINED else None)


def summed(start: Interval, each: Interval, count: int | None, kind: str) -> Interval:
    """A start and up to `count` terms, in any order, each partial sum rounded."""
    nan = each.nan or start.nan
    if count is None or count > LONGEST or nan:
        grows = count and start.low >= 0.0 <= each.low and not nan
        return Interval(0.0, math.inf, False) if grows else ANYTHING
    if kind == JOINED:
        return in_any_order(start.summands + each.summands.times(count), kind, False)
    found = in_any_order(leaf(start.low, start.high) + leaf(each.low, each.high).times(count), kind, False)
    return Interval(found.low, found.high, found.nan)


def in_any_order(s: Leaves, kind: str, nan: bool) -> Interval:
    """What the sum of these leaves may be computed to."""
    g = math.expm1(2.0 * (s.count + 1) * UNIT[kind])
    slack = s.count * TINY if s.product else 0.0
    most = largest(kind) / (1.0 + g)
    if s.count > LONGEST or (s.up > most and s.down > most):  # some partial sums may be infinities of either sign
        return ANYTHING
    low = -math.inf if s.down > most else s.low - g * s.below - slack
    high = math.inf if s.up > most else s.high + g * s.above + slack
    return rounded(low, high, kind, nan, s)
