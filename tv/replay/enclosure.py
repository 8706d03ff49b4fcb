"""Values of a graph's evaluation in every order and every contraction of its sums: a centre, and how far others may lie.

Float additions that read additions are one sum. In whatever order its n terms are added, each rounding errs by at most
u = 2^-24 (f32) of what was added so far, so all results lie within n u / (1 - n u) * sum |t| of the exact sum (Higham,
"Accuracy and Stability of Numerical Algorithms", 4.2). If all terms are multiples of one power of two q and together at
most 2^24 q, no rounding errs at all; two terms have one order. A product among the terms counts rounded or not, as a fused
multiply-add would have it. Everything after a sum carries its distance on, with another rounding where its operands are
not certain. Functions without an exact definition lie within their documented error of the value that is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.arithmetic import EXACT, apply, decode, encode, narrow
from tv.replay.mathlib import anchored
from tv.term import type_width

Bits = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

SUMS = frozenset({"fadd.f32", "fsub.f32", "fadd.f64", "fsub.f64"})
EXTREMES = frozenset({"fmax", "fmin", "fmaximum", "fminimum"})
_PRECISION = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}  # bits of a significand
_MOST = {"f16": 65504.0, "bf16": 3.3895e38, "f32": 3.4028e38, "f64": 1.7976e308}
_LEAST = {"f16": 2.0**-25, "bf16": 2.0**-134, "f32": 2.0**-150, "f64": 5e-324}  # half the smallest subnormal number
_ZEROS = np.array([0, 1 << 15, 1 << 31, 1 << 63], np.uint64)  # of either sign
_SPARE = 1 + 2.0**-20  # on every radius, for the roundings of its own computation
# Units in the last place by which an implementation may err (CUDA's manual), and half a unit of the value computed here.
_ULPS = {"pow": 9.0, "tan": 5.0, "asin": 5.0, "acos": 4.0, "atan": 4.0, "atan2": 4.0, "sinh": 4.0}
_OTHER_ULPS = 3.0
_GROWING: dict[str, Callable[[Floats], Floats]] = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log1p": np.log1p, "tanh": np.tanh,
    "sinh": np.sinh, "asin": np.arcsin, "atan": np.arctan, "fsqrt": np.sqrt, "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "acos": np.arccos,
}  # fmt: skip


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
        """The value as bits; where it is not certain, those nearest to the centre."""
        if self.bits is not None:
            return self.bits
        assert self.centre is not None
        kind = label or self.label
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
    precision = _PRECISION[v.label]
    exact = ((s.mass <= s.grain * 2.0**precision) | (s.count <= 1)) & (s.mass < _MOST[v.label])
    if s.slack is None and exact.all():
        return Value(None, centre, v.label)
    error = s.count * (2.0**-precision + 2.0**-52)
    mass = s.mass if s.slack is None else s.mass + s.slack
    radius = np.where(error < 0.5, mass * (error / (1 - error)), np.inf)
    if s.slack is None:
        radius = np.where(exact, 0.0, radius)
    else:
        radius = radius + s.slack
    radius = np.where(mass * (1 + 2 * error) < _MOST[v.label], radius * _SPARE, np.inf)
    sure = np.isnan(centre) if s.slack is None else np.isnan(centre) & ~np.isinf(s.slack)  # a NaN among the terms
    return Value(None, centre, v.label, np.where(np.isfinite(centre), radius, np.where(sure, 0.0, np.inf)))


def part(v: Value, label: str, guess: float = 0.0) -> tuple[Floats, Sum]:
    """What a value brings into a sum: its centre, and its own terms if it is a sum, else itself."""
    if v.sum is not None:
        return v.numbers(label), v.sum
    centre, slack = v.numbers(label), v.radius
    if v.product is not None:
        rounded, centre = centre, v.product
        slack = together(slack, np.where(np.isnan(rounded), 0.0, np.abs(rounded - centre)))
    there = (centre != 0) if slack is None else (centre != 0) | (slack > 0)
    single = centre if slack is None else None
    return centre, Sum(np.abs(centre), grain(centre, guess), there.astype(np.float64), slack, single, True)


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


def operation(name: str, args: Sequence[Value], free_zero: bool) -> Value:
    """An operation of the term language. free_zero: the sign of a zero among the operands may be another."""
    head, _, label = name.partition(".")
    if name in SUMS:
        return added(label, args[0], args[1], head == "fsub")
    ready = [settled(a) for a in args]
    if head == "select":
        return _select(ready)
    if all(a.certain for a in ready):
        out = _certain(name, head, label, ready)
    else:
        out = _merged(_certain(name, head, label, ready), _uncertain(name, head, label, ready), ready)
    if head == "fneg":
        product, s = args[0].product, args[0].sum
        if s is not None:
            single = None if s.single is None else -s.single
            return Value(None, -args[0].numbers(label), label, None, None, replace(s, single=single))
        return out if product is None else replace(out, product=-product)
    if free_zero and head in ("fdiv", "rsqrt", "atan2", "pow"):
        out = _unknown_where(out, ready[-1].numbers(label) == 0)
    elif free_zero and head in ("extract", "concat"):
        for a in ready:
            out = _unknown_where(out, np.isin(a.encoded(), _ZEROS))
    return out


def _merged(exact: Value, loose: Value, args: Sequence[Value]) -> Value:
    """The first result where all operands are certain, the second one elsewhere."""
    if loose.centre is None:
        return loose
    sure = np.logical_and.reduce(np.broadcast_arrays(*(a.radius == 0 for a in args if a.radius is not None)))
    if not sure.any():
        return loose
    centre = np.where(sure, exact.numbers(loose.label), loose.centre)
    far = np.zeros(1) if loose.radius is None else loose.radius
    radius = np.where(sure, 0.0 if exact.radius is None else exact.radius, far)
    product = None if exact.product is None else np.where(sure, exact.product, loose.centre)
    return Value(None, centre, loose.label, radius, product)


def _certain(name: str, head: str, label: str, args: Sequence[Value]) -> Value:
    if head == "cvt" and args[0].centre is not None and _widens(label):
        return Value(None, args[0].centre, label.partition(".")[0])
    if head == "fmul" and label in ("f32", "f64"):
        return _product(label, args[0].numbers(label), args[1].numbers(label))
    labels = [label] * len(args)
    if head == "cvt":
        labels = [label.split(".")[1]]
    bits = [a.encoded(k if k in _PRECISION else "") for a, k in zip(args, labels, strict=True)]
    shape = np.broadcast_shapes(*(b.shape for b in bits))
    whole = [np.broadcast_to(b, shape) for b in bits] if len(shape) and any(b.shape != shape for b in bits) else bits
    out = apply(name, whole)
    if head == "ffma" and label in ("f32", "f64"):
        y = decode(out, label).astype(np.float64)
        p = args[0].numbers(label) * args[1].numbers(label)
        radius = (np.abs(p) + np.abs(y)) * 2.0 ** (1 - _PRECISION[label])
        return Value(None, y, label, radius)
    if head in EXTREMES and head in ("fmax", "fmin"):
        nan = np.logical_or.reduce(np.broadcast_arrays(*(np.isnan(decode(b, label)) for b in whole)))
        return _unknown_where(Value(out), nan)
    if head not in EXACT and head != "fmod":
        return _implemented(head, label, whole, out)
    if head == "cvt":
        return _unknown_where(Value(out), _out_of_range(label, whole[0]))
    return Value(out)


def _out_of_range(label: str, bits: Bits) -> npt.NDArray[np.bool_]:
    """Where a float has no integer of the type that it is converted to: a graph has no meaning there."""
    to, source = label.split(".")[:2]
    if source not in _PRECISION or to in _PRECISION:
        return np.zeros(1, np.bool_)
    width, x = type_width(to), np.trunc(decode(bits, source).astype(np.float64))
    low, high = (-(2.0 ** (width - 1)), 2.0 ** (width - 1)) if to[0] == "s" else (0.0, 2.0**width)
    return np.asarray(~((x >= low) & (x < high)))  # false at NaN


def _product(label: str, x: Floats, y: Floats) -> Value:
    exact = x * y
    if label == "f64":
        safe = (x == np.rint(x)) & (y == np.rint(y)) & (np.abs(exact) < 2.0**50)
        return Value(None, exact, label, product=None if safe.all() else exact * (1 + 2.0**-51))
    rounded = exact.astype(np.float32).astype(np.float64)
    same = exact == rounded
    return Value(None, rounded, label, product=None if (same | np.isnan(exact)).all() else exact)


def _implemented(head: str, label: str, args: Sequence[Bits], out: Bits) -> Value:
    """A function's result with its documented error, but where every implementation gives the same bits."""
    y = decode(out, label).astype(np.float64)
    sure = anchored(head, *(decode(a, label).astype(np.float64) for a in args), wide=label == "f64") | np.isnan(y)
    if sure.all():
        return Value(out)
    return Value(None, y, label, np.where(sure, 0.0, _ulps(head, label, y)))


def _ulps(head: str, label: str, y: Floats) -> Floats:
    error = _ULPS.get(head, _OTHER_ULPS) * (2.0 ** (1 - _PRECISION[label]) * np.abs(y) + 2 * _LEAST[label])
    return np.where(np.isfinite(y), error, np.inf)


def _unknown_where(v: Value, where: npt.NDArray[np.bool_]) -> Value:
    if not where.any():
        return v
    none = np.zeros(1) if v.radius is None else v.radius
    return replace(v, radius=np.where(where, np.inf, none))


def _unknown(args: Sequence[Value]) -> Value:
    """A result of which nothing is known where an operand is not certain; certain nowhere, as no one looks there."""
    shape = np.broadcast_shapes(*((a.bits if a.bits is not None else np.asarray(a.centre)).shape for a in args))
    return Value(np.zeros(shape, np.uint64), radius=np.full(shape, np.inf))


def _uncertain(name: str, head: str, label: str, args: Sequence[Value]) -> Value:
    if (
        label not in _PRECISION
        and head not in ("cvt",)
        or any(a.bits is not None and a.radius is not None for a in args)
    ):
        return _unknown(args)
    if head == "cvt":
        return _converted(name, label, args)
    x = [a.numbers(label) for a in args]
    r = [np.zeros(1) if a.radius is None else a.radius for a in args]
    match head:
        case "fneg":
            return Value(None, -x[0], label, r[0])
        case "fabs":
            return Value(None, np.abs(x[0]), label, r[0])
        case "flt" | "fle" | "feq" | "fisnan":
            return _compared(head, x, r)
        case "fmax" | "fmin" | "fmaximum" | "fminimum":
            pick = np.maximum if head in ("fmax", "fmaximum") else np.minimum
            return _near(label, pick(x[0], x[1]), np.maximum(r[0], r[1]))
        case "fadd" | "fsub":
            return _rounded(label, x[0] + x[1] if head == "fadd" else x[0] - x[1], r[0] + r[1])
        case "fmul":
            product = x[0] * x[1]
            return _rounded(label, product, np.abs(x[0]) * r[1] + np.abs(x[1]) * r[0] + r[0] * r[1])
        case "fdiv":
            room = np.abs(x[1]) - r[1]
            q = x[0] / x[1]
            return _rounded(
                label, q, np.where(room > 0, (r[0] + np.abs(q) * r[1]) / np.where(room > 0, room, 1.0), np.inf)
            )
        case "sin" | "cos" | "h_sin" | "h_cos":
            y = np.sin(x[0]) if head.endswith("sin") else np.cos(x[0])
            return _near(label, y, r[0] + _ulps(head, label, np.ones(1)))
        case _ if head.removeprefix("h_") in _GROWING:
            f = _GROWING[head.removeprefix("h_")]
            y, ends = f(x[0]), [f(x[0] - r[0]), f(x[0] + r[0])]
            away = np.maximum(np.abs(ends[0] - y), np.abs(ends[1] - y))
            if head == "fsqrt":
                return _rounded(label, y, away)
            return _near(label, y, away + _ulps(head, label, np.abs(y) + away))
        case _:
            return _unknown(args)


def _near(label: str, y: Floats, radius: Floats) -> Value:
    """Of an operation that rounds nothing more."""
    good = np.isfinite(y) & np.isfinite(radius) & (np.abs(y) + radius < _MOST[label])
    return Value(None, y, label, np.where(good, radius * _SPARE, np.inf))


def _rounded(label: str, y: Floats, radius: Floats) -> Value:
    """The exact result of an operation, still to be rounded to its type: often the ends round to one value."""
    if label == "f64":
        return _near(label, y, radius + 2.0**-52 * (np.abs(y) + radius) + _LEAST[label])
    wide = radius * _SPARE + np.abs(y) * 2.0**-50  # y itself is rounded to f64
    low, high = (decode(narrow(np.asarray(v), label), label).astype(np.float64) for v in (y - wide, y + wide))
    good = np.isfinite(low) & np.isfinite(high)
    return Value(None, low + (high - low) / 2, label, np.where(good, (high - low) / 2, np.inf))


def _widens(label: str) -> bool:
    """Whether a conversion, `to.from`, keeps every value."""
    to, source = label.split(".")[:2]
    return to == "f64" or (to == "f32" and source in ("f16", "bf16"))


def _converted(name: str, label: str, args: Sequence[Value]) -> Value:
    to, source = label.split(".")[:2]
    if to not in _PRECISION or source not in _PRECISION or name.count(".") > 2:
        return _unknown(args)
    x, r = args[0].numbers(source), args[0].radius
    assert r is not None
    if _widens(label):
        return Value(None, x, to, r)
    return _rounded(to, x, r)


def _compared(head: str, x: Sequence[Floats], r: Sequence[Floats]) -> Value:
    if head == "fisnan":
        return Value(np.isnan(x[0]).astype(np.uint64), radius=np.where(np.isfinite(r[0]), 0.0, np.inf))
    holds = {"flt": np.less, "fle": np.less_equal, "feq": np.equal}[head](x[0], x[1])
    apart = np.abs(x[0] - x[1]) > r[0] + r[1]
    sure = apart | ((r[0] == 0) & (r[1] == 0))
    return Value(holds.astype(np.uint64), radius=np.where(sure, 0.0, np.inf))


def _select(args: Sequence[Value]) -> Value:
    cond, a, b = args
    assert cond.bits is not None
    chosen = cond.bits != 0
    label = a.label or b.label
    if not label:
        assert a.bits is not None
        assert b.bits is not None
        if all(v.radius is None for v in args):
            return Value(np.where(chosen, a.bits, b.bits))
        radii = [np.zeros(1) if v.radius is None else v.radius for v in args]
        radius = np.maximum(np.where(chosen, radii[1], radii[2]), radii[0])
        return Value(np.where(chosen, a.bits, b.bits), radius=radius)
    x, y = a.numbers(label), b.numbers(label)
    product = None
    if a.product is not None or b.product is not None:  # a select does not keep a product from an fma
        product = np.where(chosen, x if a.product is None else a.product, y if b.product is None else b.product)
    if all(v.radius is None for v in args):
        return Value(None, np.where(chosen, x, y), label, None, product)
    r, s = (np.zeros(1) if v.radius is None else v.radius for v in (a, b))
    radius = np.where(chosen, r, s)
    if cond.radius is not None:
        either = np.abs(x - y) + np.maximum(r, s)
        radius = np.where(cond.radius == 0, radius, np.where(np.isfinite(either), either, np.inf))
    return Value(None, np.where(chosen, x, y), label, radius, product)
