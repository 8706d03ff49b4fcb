"""Values as sums, in every order and every contraction: a centre, and how far others may lie.

Float additions that read additions are one sum. In whatever order its n terms are added, each rounding errs by at most
u = 2^-24 (f32) of what was added so far, so all results lie within n u / (1 - n u) * sum |t| of the exact sum (Higham,
"Accuracy and Stability of Numerical Algorithms", 4.2). If all terms are multiples of one power of two q and together at
most 2^24 q, no rounding errs at all; two terms have one order. A product among the terms counts rounded or not, as a fused
multiply-add would have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.arithmetic import apply, decode, encode
from tv.replay.precision import MOST, PRECISION

Bits = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
SPARE = 1 + 2.0**-20  # on every radius, for the roundings of its own computation


@dataclass(frozen=True, slots=True)
class Sum:
    """A value as a sum. mass: of the terms' magnitudes; grain: divides every term; count: of terms that are not zero; slack:
    the terms' radii together (None: 0).

    single: the correctly rounded result where there are two certain terms. leaf: it is one term.
    """

    mass: Floats
    grain: float
    count: Floats
    slack: Floats | None = None
    single: Floats | None = None
    leaf: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """bits, or where these are None the numbers `centre` of float type `label`; arrays of one shape, or that broadcast.

    radius: how far from it the value may lie, infinite where nothing is known; None: nowhere. product: of an inexact
    multiplication, the exact result. sum: what a sum consists of; the radius does not count its own roundings yet.
    """

    bits: Bits | None = None
    centre: Floats | None = None
    label: str = ""
    radius: Floats | None = None
    product: Floats | None = None
    sum: Sum | None = None

    @property
    def certain(self) -> bool:
        return self.radius is None or not self.radius.any()

    def numbers(self, label: str) -> Floats:
        """The value as float numbers."""
        if self.centre is not None:
            return self.centre
        assert self.bits is not None
        found: Floats = decode(self.bits, label).astype(np.float64)
        return found

    def encoded(self, label: str = "") -> Bits:
        """The value as bits; where it is not certain, those nearest to the centre. label: of floats, what it is rounded to; a
        label of integers shows the bits of the value's own type."""
        if self.bits is not None:
            return self.bits
        assert self.centre is not None
        kind = label if label in PRECISION else self.label
        carrier: dict[str, type[np.generic]] = {"f64": np.float64, "f16": np.float16}
        with np.errstate(all="ignore"):
            return encode(np.atleast_1d(self.centre.astype(carrier.get(kind, np.float32))), kind)

    def map(self, f: Callable[[Any], Any]) -> Value:
        """The value with f applied to each of its arrays."""
        g: Callable[[Any], Any] = lambda a: None if a is None else f(a)
        s = self.sum
        parts = None if s is None else Sum(f(s.mass), s.grain, f(s.count), g(s.slack), g(s.single), s.leaf)
        return Value(g(self.bits), g(self.centre), self.label, g(self.radius), g(self.product), parts)


def grain(v: Floats, guess: float = 0.0) -> float:
    """A power of two that divides all finite values (infinite: of zeros); guess: one that may do."""
    if guess > 0 and np.isfinite(guess):
        scaled = v / guess
        if (scaled == np.rint(scaled)).all():
            return guess
    nonzero = v[np.isfinite(v) & (v != 0)]
    if not nonzero.size:
        return float("inf")
    mantissa, exponent = np.frexp(nonzero)
    whole = np.abs(mantissa * 2.0**53).astype(np.int64)
    return float(np.ldexp((whole & -whole).astype(np.float64), exponent - 53).min())


def together(a: Floats | None, b: Floats | None) -> Floats | None:
    """The sum of two radii, None for none."""
    if a is None or b is None:
        return b if a is None else a
    return a + b


def settled(v: Value) -> Value:
    """A value as everything but an addition sees it: the roundings of its own sum are in the radius."""
    s = v.sum
    if s is None:
        return v
    centre = v.numbers(v.label)
    if s.single is not None and s.slack is None:
        return Value(None, s.single, v.label)
    precision = PRECISION[v.label]
    exact = ((s.mass <= s.grain * 2.0**precision) | (s.count <= 1)) & (s.mass < MOST[v.label])
    if s.slack is None and exact.all():
        return Value(None, centre, v.label)
    error = s.count * (2.0**-precision + 2.0**-52)
    mass = s.mass if s.slack is None else s.mass + s.slack
    radius = np.where(error < 0.5, mass * (error / (1 - error)), np.inf)
    if s.slack is None:
        radius = np.where(exact, 0.0, radius)
    else:
        radius = radius + s.slack
    radius = np.where(mass * (1 + 2 * error) < MOST[v.label], radius * SPARE, np.inf)
    sure = np.isnan(centre) if s.slack is None else np.isnan(centre) & np.isfinite(s.slack)  # a NaN among the terms
    sure |= np.isinf(centre) & np.isfinite(radius)  # an infinity among them, and no partial sum of the others is one
    return Value(None, centre, v.label, np.where(np.isfinite(centre), radius, np.where(sure, 0.0, np.inf)))


def part(v: Value, label: str, guess: float = 0.0) -> tuple[Floats, Sum]:
    """What a value brings into a sum: its centre, and its own terms if it is a sum, else itself."""
    if v.sum is not None:
        return v.numbers(label), v.sum
    centre, slack = v.numbers(label), v.radius
    if v.product is not None:
        rounded, centre = centre, v.product
        same = np.isnan(rounded) | (rounded == centre)  # an infinity is as far from itself as from a NaN
        slack = together(slack, np.where(same, 0.0, np.abs(rounded - centre)))
    there = (centre != 0) if slack is None else (centre != 0) | (slack > 0)
    single = centre if slack is None else None
    endless = np.isinf(centre) if slack is None else np.isinf(centre) & (slack == 0)  # no rounding adds to it
    mass = np.where(endless, 0.0, np.abs(centre))
    return centre, Sum(mass, grain(centre, guess), there.astype(np.float64), slack, single, True)


def added(label: str, a: Value, b: Value, subtract: bool) -> Value:
    """a + b or a - b, as one sum with those that they are."""
    (x, s), (y, t) = part(a, label), part(b, label)
    y = -y if subtract else y
    single = None
    slack = together(s.slack, t.slack)
    if s.leaf and t.leaf and slack is None:
        name = f"{'fsub' if subtract else 'fadd'}.{label}"
        bits = apply(name, list(np.broadcast_arrays(a.encoded(label), b.encoded(label))))
        single = decode(bits, label).astype(np.float64)
    mass = s.mass + t.mass
    return Value(None, x + y, label, None, None, Sum(mass, min(s.grain, t.grain), s.count + t.count, slack, single))
