"""Intervals of sums that others may join: no order, and no choice of fused products, computes anything outside."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from tv.masking.intervals import ANYTHING, LONGEST, Interval, added, multiplied, negated, rounded, summed

F32, LARGEST = "f32", float(np.finfo(np.float32).max)
Number = Fraction | float  # an exact number, or an infinity or a NaN


@dataclass(frozen=True, slots=True)
class Term:
    """What joins a sum: a number, of a product the exact one."""

    value: Number
    product: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """An expression: its interval, and how its terms are drawn."""

    interval: Interval
    terms: Callable[[random.Random], list[Term]]


# ------------------------------------------------------------------------------------------------ what a GPU computes
def nearest(x: Number) -> Number:
    """The f32 number nearest to x. Rounded to odd first, so that it is not rounded twice."""
    if isinstance(x, float):
        return x
    d = float(x)
    if Fraction(d) != x and int(np.float64(d).view(np.uint64)) % 2 == 0:
        d = math.nextafter(d, math.inf if Fraction(d) < x else -math.inf)
    with np.errstate(over="ignore"):
        found = float(np.float32(d))
    return found if math.isinf(found) else Fraction(found)


def plus(a: Number, b: Number) -> Number:
    if isinstance(a, float) or isinstance(b, float):
        return float(a if isinstance(a, float) else 0) + float(b if isinstance(b, float) else 0)
    return nearest(a + b)


def evaluated(terms: list[Term], rng: random.Random) -> Number:
    """The terms added in some order, each product fused where a coin says so."""
    left = list(terms)
    while len(left) > 1:
        a, b = (left.pop(rng.randrange(len(left))) for _ in range(2))
        first = a.value if a.product and rng.random() < 0.5 else nearest(a.value)
        left.append(Term(plus(first, nearest(b.value))))
    return nearest(left[0].value)


def holds(i: Interval, value: Number) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return i.nan
    return i.low <= value <= i.high


# ------------------------------------------------------------------------------------------------ expressions
def leaf(rng: random.Random, scale: float, endless: float) -> Drawn:
    """A number between two of f32, often one of them; sometimes minus infinity too."""
    low, high = sorted(float(np.float32(rng.choice((-1.0, 1.0)) * scale * rng.random())) for _ in range(2))
    if rng.random() < 0.3:
        low = high
    low = -math.inf if rng.random() < endless else low

    def terms(r: random.Random) -> list[Term]:
        drawn = r.choice((low, high, r.uniform(max(low, -scale), high)))
        return [Term(drawn if math.isinf(drawn) else nearest(Fraction(drawn)))]

    return Drawn(Interval(low, high, False), terms)


def times(a: Drawn, b: Drawn) -> Drawn:
    def terms(r: random.Random) -> list[Term]:
        x, y = (evaluated(e.terms(r), r) for e in (a, b))
        if isinstance(x, float) or isinstance(y, float):
            return [Term(float(x) * float(y))]
        return [Term(x * y, product=True)]

    return Drawn(multiplied(a.interval, b.interval, F32), terms)


def minus(a: Drawn) -> Drawn:
    return Drawn(negated(a.interval), lambda r: [Term(-t.value, t.product) for t in a.terms(r)])


def total(parts: list[Drawn]) -> Drawn:
    interval = parts[0].interval
    for p in parts[1:]:
        interval = added(interval, p.interval, F32)
    return Drawn(interval, lambda r: [t for p in parts for t in p.terms(r)])


def reduced(start: Drawn, each: Drawn, count: int) -> Drawn:
    """A sum over `count` elements, or fewer."""
    interval = summed(start.interval, each.interval, count, F32)
    return Drawn(
        interval, lambda r: [*start.terms(r), *(t for _ in range(r.choice((count, r.randrange(count + 1)))) for t in each.terms(r))]
    )  # fmt: skip


def expression(rng: random.Random, scale: float, endless: float, depth: int) -> Drawn:
    def inner(endless: float = endless) -> Drawn:
        return expression(rng, scale, endless, depth - 1)

    if depth == 0:
        return leaf(rng, scale, endless)
    match rng.randrange(5):
        case 0:
            return times(inner(0.0), inner(0.0))
        case 1:
            return minus(inner(0.0))
        case 2:
            return reduced(inner(), inner(), rng.randrange(1, 9))
        case _:
            return total([inner() for _ in range(rng.randrange(2, 6))])


@pytest.mark.parametrize(("scale", "endless"), [(1.0, 0.0), (1.0, 0.1), (2.0**24, 0.0), (1e-23, 0.0), (1e-40, 0.0), (1e13, 0.05), (1e19, 0.0), (LARGEST, 0.0),
                                                (LARGEST / 4, 0.1)])  # fmt: skip
def test_no_order_computes_anything_outside(scale: float, endless: float) -> None:
    rng = random.Random(f"{scale} {endless}")
    informed = 0
    for _ in range(150):
        e = expression(rng, scale, endless, rng.randrange(1, 4))
        informed += e.interval != ANYTHING
        for _ in range(6):
            value = evaluated(e.terms(rng), rng)
            assert holds(e.interval, value), (e.interval, value)
    assert informed > (30 if scale > 1e12 or endless else 140)


@pytest.mark.parametrize("count", [2, 8, 64, 500])
def test_sums_that_always_round_the_same_way_stay_inside(count: int) -> None:
    """From 2^24 on, every 3 moves a sum by 4, and every 1 not at all."""
    for sign in (1, -1):
        for step in (3.0, 1.0):
            start = Drawn(Interval(sign * 2.0**24, sign * 2.0**24, False), lambda _: [])
            each = Interval(sign * step, sign * step, False)
            value: Number = Fraction(sign * 2**24)
            for _ in range(count):
                value = plus(value, Fraction(sign * step))
            interval = added(start.interval, summed(Interval(0.0, 0.0, False), each, count, F32), F32)
            assert holds(interval, value)


def test_a_fused_product_is_inside_where_the_rounded_one_ends() -> None:
    """5797 * 5793 + 1 is 33582022, between 33582020 and 33582024."""
    product = multiplied(Interval(-5797.0, 5797.0, False), Interval(-5793.0, 5793.0, False), F32)
    sum_of_both = added(product, Interval(-1.0, 1.0, False), F32)
    assert sum_of_both.low <= -33582024.0
    assert sum_of_both.high >= 33582024.0
    assert plus(nearest(Fraction(5797 * 5793)), Fraction(1)) < 33582024


def test_products_too_small_for_the_format_are_inside() -> None:
    """Each of four products of 1.5 * 2^-150 is rounded to 2^-149 alone, but not where it is fused."""
    a, b = Interval(2.0**-75, 2.0**-75, False), Interval(1.5 * 2.0**-75, 1.5 * 2.0**-75, False)
    product = multiplied(a, b, F32)
    found = summed(Interval(0.0, 0.0, False), product, 4, F32)
    exact = Term(Fraction(3, 2**151), product=True)
    values = {evaluated([Term(Fraction(0)), *[exact] * 4], random.Random(seed)) for seed in range(64)}
    assert Fraction(4, 2**149) in values
    assert all(holds(found, v) for v in values)


@pytest.mark.parametrize("count", [1, 4, 32, 1000])
def test_short_sums_are_enclosed_closely(count: int) -> None:
    zero, one = Interval(0.0, 0.0, False), Interval(-1.0, 1.0, False)
    for each in (one, multiplied(one, one, F32)):
        found = summed(zero, each, count, F32)
        assert count <= found.high <= count * (1 + count * 2.0**-21)
        assert found.low == -found.high
        assert not found.nan
    pair = added(Interval(1.0, 2.0, False), Interval(3.0, 4.0, False), F32)
    assert (pair.low, pair.high) == pytest.approx((4.0, 6.0), rel=1e-6)


def test_of_other_formats_no_sum_is_joined() -> None:
    """Two additions of f16 are rounded one by one, as written."""
    a, b = Interval(2048.0, 2048.0, False), Interval(1.0, 1.0, False)
    found = added(added(a, b, "f16"), b, "f16")
    assert found.leaves is None
    assert found.low == 2048.0
    assert found.high <= 2052.0


def test_what_is_not_known_is_anything() -> None:
    zero, one = Interval(0.0, 0.0, False), Interval(-1.0, 1.0, False)
    assert summed(zero, one, None, F32) == ANYTHING
    assert summed(zero, one, LONGEST + 1, F32) == ANYTHING
    assert summed(zero, Interval(0.0, 1.0, False), LONGEST + 1, F32) == Interval(0.0, math.inf, False)
    assert summed(zero, Interval(0.0, 1.0, True), LONGEST + 1, F32) == ANYTHING
    assert multiplied(one, Interval(0.0, math.inf, False), F32) == ANYTHING
    assert added(Interval(-math.inf, 0.0, False), Interval(0.0, math.inf, False), F32) == ANYTHING
    assert rounded(math.nan, 1.0, F32, False) == ANYTHING
    large = Interval(-LARGEST, LARGEST, False)
    assert added(added(large, large, F32), one, F32) == ANYTHING
