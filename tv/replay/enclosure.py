"""Operations on values of a graph's evaluation: everything after a sum carries on how far its value may lie from the centre.

There is another rounding where the operands are not certain. Functions without an exact definition lie within their documented
error of the value that is computed here.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tv.arithmetic import EXACT, apply, decode, narrow
from tv.replay.mathlib import anchored
from tv.replay.precision import GROWING, LEAST, MOST, PRECISION, ulps
from tv.replay.sums import SPARE, Bits, Floats, Value, added, settled
from tv.term import type_width

SUMS = frozenset({"fadd.f32", "fsub.f32", "fadd.f64", "fsub.f64"})
EXTREMES = frozenset({"fmax", "fmin", "fmaximum", "fminimum"})
# Where the sign of a zero among the operands shows in nothing but the sign of a zero.
_SIGN_OF_ZERO = frozenset(
    "fadd fsub fmul fneg fabs fsqrt fmax fmin fmaximum fminimum fupper flower ffma feq flt fle fisnan floor ceil trunc rint cvt select "
    "exp exp2 expm1 log log2 log1p sin cos tan tanh sinh cosh asin acos atan asinh acosh atanh erf fmod".split()
)


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
        out = _nan_passed_on(out, ready) if head in ("fadd", "fsub", "fmul", "fdiv") else out
    if head == "fneg":
        product, s = args[0].product, args[0].sum
        if s is not None:
            single = None if s.single is None else -s.single
            return Value(None, -args[0].numbers(label), label, None, None, replace(s, single=single))
        return out if product is None else replace(out, product=-product)
    if free_zero and label in PRECISION and head not in _SIGN_OF_ZERO:
        out = _unknown_where(out, _hangs_on_zeros(name, label, ready))
    return out


def _hangs_on_zeros(name: str, label: str, args: Sequence[Value]) -> npt.NDArray[np.bool_]:
    """Where the result is more than a zero of another sign if zeros among the operands have another sign."""
    bits = np.broadcast_arrays(*(a.encoded(label) for a in args))
    sign = np.uint64(1 << (type_width(label) - 1))
    signs = [(decode(b, label) == 0).astype(np.uint64) * sign for b in bits]
    found = np.zeros(bits[0].shape, np.bool_)
    if not any(s.any() for s in signs):
        return found
    x = decode(apply(name, bits), label)
    for turned in list(itertools.product((False, True), repeat=len(bits)))[1:]:
        y = decode(apply(name, [b ^ s if t else b for b, s, t in zip(bits, signs, turned, strict=True)]), label)
        found |= ~((x == y) | (np.isnan(x) & np.isnan(y)))
    return found


def _merged(exact: Value, loose: Value, args: Sequence[Value]) -> Value:
    """The first result where all operands are certain, the second one elsewhere."""
    sure = np.logical_and.reduce(np.broadcast_arrays(*(a.radius == 0 for a in args if a.radius is not None)))
    if not sure.any():
        return loose
    if loose.centre is None:
        radius = np.zeros(1) if exact.radius is None else exact.radius
        return Value(exact.bits, exact.centre, exact.label, np.where(sure, radius, np.inf))
    centre = np.where(sure, exact.numbers(loose.label), loose.centre)
    far = np.zeros(1) if loose.radius is None else loose.radius
    radius = np.where(sure, 0.0 if exact.radius is None else exact.radius, far)
    product = None if exact.product is None else np.where(sure, exact.product, loose.centre)
    return Value(None, centre, loose.label, radius, product)


def _nan_passed_on(v: Value, args: Sequence[Value]) -> Value:
    """Of an operation that is NaN where an operand is, whatever the other: nothing is uncertain there."""
    if v.centre is None or v.radius is None:
        return v
    nan = [np.isnan(a.numbers(v.label)) & (True if a.radius is None else a.radius == 0) for a in args]
    sure = np.logical_or.reduce(np.broadcast_arrays(*nan))
    return v if not sure.any() else replace(
        v, centre=np.where(sure, np.nan, v.centre), radius=np.where(sure, 0.0, v.radius),
        product=None if v.product is None else np.where(sure, np.nan, v.product),
    )  # fmt: skip


def _certain(name: str, head: str, label: str, args: Sequence[Value]) -> Value:
    if head == "cvt" and args[0].centre is not None and _widens(label):
        return Value(None, args[0].centre, label.partition(".")[0])
    if head == "fmul" and label in ("f32", "f64"):
        return _product(label, args[0].numbers(label), args[1].numbers(label))
    labels = [label] * len(args)
    if head == "cvt":
        labels = [label.split(".")[1]]
    bits = [a.encoded(k if k in PRECISION else "") for a, k in zip(args, labels, strict=True)]
    shape = np.broadcast_shapes(*(b.shape for b in bits))
    whole = [np.broadcast_to(b, shape) for b in bits] if len(shape) and any(b.shape != shape for b in bits) else bits
    out = apply(name, whole)
    if head == "ffma" and label in ("f32", "f64"):
        y = decode(out, label).astype(np.float64)
        p = args[0].numbers(label) * args[1].numbers(label)
        radius = (np.abs(p) + np.abs(y)) * 2.0 ** (1 - PRECISION[label]) + 2 * LEAST[label]
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
    if source not in PRECISION or to in PRECISION:
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
    return Value(None, y, label, np.where(sure, 0.0, ulps(head, label, y)))


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
        label not in PRECISION
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
            y = x[0] + x[1] if head == "fadd" else x[0] - x[1]
            endless = _endless(x[0], r[0], x[1], r[1]) | _endless(x[1], r[1], x[0], r[0])
            near = _rounded(label, y, r[0] + r[1])
            assert near.radius is not None
            return Value(None, np.where(endless, y, near.numbers(label)), label, np.where(endless, 0.0, near.radius))
        case "fmul":
            product, wide = x[0] * x[1], np.abs(x[0]) * r[1] + np.abs(x[1]) * r[0] + r[0] * r[1]
            near = _rounded(label, product, wide)
            assert near.radius is not None
            unrounded = (wide + np.abs(near.numbers(label) - product)) * SPARE  # as a fused multiply-add would have it
            return replace(near, radius=np.fmax(near.radius, unrounded))
        case "fdiv":
            room = np.abs(x[1]) - r[1]
            q = x[0] / x[1]
            return _rounded(
                label, q, np.where(room > 0, (r[0] + np.abs(q) * r[1]) / np.where(room > 0, room, 1.0), np.inf)
            )
        case "sin" | "cos" | "h_sin" | "h_cos":
            y = np.sin(x[0]) if head.endswith("sin") else np.cos(x[0])
            return _near(label, y, r[0] + ulps(head, label, np.ones(1)))
        case _ if head.removeprefix("h_") in GROWING:
            f = GROWING[head.removeprefix("h_")]
            y, ends = f(x[0]), [f(x[0] - r[0]), f(x[0] + r[0])]
            away = np.maximum(np.abs(ends[0] - y), np.abs(ends[1] - y))
            if head == "fsqrt":
                return _rounded(label, y, away)
            return _near(label, y, away + ulps(head, label, np.abs(y) + away))
        case _:
            return _unknown(args)


def _endless(x: Floats, r: Floats, y: Floats, s: Floats) -> npt.NDArray[np.bool_]:
    """Where x is an infinity for certain, and y a number whatever it is."""
    found: npt.NDArray[np.bool_] = np.isinf(x) & (r == 0) & np.isfinite(y) & np.isfinite(s)
    return found


def _near(label: str, y: Floats, radius: Floats) -> Value:
    """Of an operation that rounds nothing more."""
    good = np.isfinite(y) & np.isfinite(radius) & (np.abs(y) + radius < MOST[label])
    return Value(None, y, label, np.where(good, radius * SPARE, np.inf))


def _rounded(label: str, y: Floats, radius: Floats) -> Value:
    """The exact result of an operation, still to be rounded to its type: often the ends round to one value."""
    if label == "f64":
        return _near(label, y, radius + 2.0**-52 * (np.abs(y) + radius) + LEAST[label])
    wide = radius * SPARE + np.abs(y) * 2.0**-50  # y itself is rounded to f64
    low, high = (decode(narrow(np.asarray(v), label), label).astype(np.float64) for v in (y - wide, y + wide))
    good = np.isfinite(low) & np.isfinite(high)
    same = (low == high) & (np.signbit(low) == np.signbit(high))
    either = (low == 0) & (high == 0) & ~same  # a zero, of which sign is not known
    radius = np.where(either, LEAST[label], (high - low) / 2)
    return Value(None, np.where(same, low, low + (high - low) / 2), label, np.where(good, radius, np.inf))


def _widens(label: str) -> bool:
    """Whether a conversion, `to.from`, keeps every value."""
    to, source = label.split(".")[:2]
    return to == "f64" or (to == "f32" and source in ("f16", "bf16"))


def _converted(name: str, label: str, args: Sequence[Value]) -> Value:
    to, source = label.split(".")[:2]
    if to not in PRECISION or source not in PRECISION or name.count(".") > 2:
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
