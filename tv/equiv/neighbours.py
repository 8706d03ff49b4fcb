"""The numbers of one float format beside a number of another: what comparisons with a constant come down to."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import inf

Format = tuple[int, int]  # bits of the exponent, bits of the mantissa
FORMATS: dict[str, Format] = {"f16": (5, 10), "bf16": (8, 7), "f32": (8, 23), "f64": (11, 52)}


def width(f: Format) -> int:
    return 1 + sum(f)


def infinity(f: Format) -> int:
    return ((1 << f[0]) - 1) << f[1]


def is_nan(bits: int, f: Format) -> bool:
    return bits & ((1 << sum(f)) - 1) > infinity(f)


def value(bits: int, f: Format) -> Fraction | float:
    """What bits that are no NaN stand for."""
    exponent, mantissa = f
    sign, e, m = bits >> sum(f) & 1, bits >> mantissa & ((1 << exponent) - 1), bits & ((1 << mantissa) - 1)
    bias = (1 << (exponent - 1)) - 1
    if e == (1 << exponent) - 1:
        return -inf if sign else inf
    size = Fraction(2) ** (max(e, 1) - bias - mantissa) * (m + ((1 << mantissa) if e else 0))
    return -size if sign else size


@lru_cache(4096)
def neighbours(bits: int, wide: Format, narrow: Format) -> tuple[int, int]:
    """The bits of the largest number of `narrow` that is no larger than this number of `wide`, and of the smallest that is no
    smaller: one and the same (of zeros +0) where narrow holds the number."""
    c, low, high = value(bits, wide), -infinity(narrow), infinity(narrow)
    while low < high:  # the last place in order that is not above c
        middle = (low + high + 1) // 2
        if value(_bits(middle, narrow), narrow) <= c:
            low = middle
        else:
            high = middle - 1
    exact = value(_bits(low, narrow), narrow) == c
    return _bits(low, narrow), _bits(low if exact else low + 1, narrow)


def _bits(place: int, f: Format) -> int:
    """The number at a place in order, 0 being +0."""
    return place if place >= 0 else -place | 1 << sum(f)
