"""Correctly rounded float operations of every type, on carried values.

Each function rounds the exact result once, to nearest even unless a mode is named; subnormals are kept; which NaN comes
out is not specified. The means are error-free sums in f64 and rounding to odd (Boldo and Melquiond, "Emulation of FMA
and correctly rounded sums", 2008): a value rounded to odd with two bits to spare rounds again without a second error.
f16 and bf16 sums, products and roots go through f32 (Figueroa: 24 >= 2*11+2), bf16 quotients through f64, because an
f32 quotient may already be subnormal.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from tv.kernel import Scalar
from tv.replay.carriers import CARRIER, Array

_WIDE = np.dtype(np.float64)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """f64 sum and its exact error (zero where the sum is not finite)."""
    s = a + b
    back = s - a
    error = (a - (s - back)) + (b - back)
    return s, np.where(np.isfinite(s), error, 0.0)


def _odd(rounded: Array, above: Array, below: Array) -> Array:
    """Rounds to odd: `rounded` is nearest; `above`: the exact value is larger in magnitude, `below`: smaller."""
    unsigned = np.dtype(f"u{rounded.dtype.itemsize}")
    bits = np.ascontiguousarray(rounded).view(unsigned)
    even = (bits & unsigned.type(1)) == 0
    step = (even & above).astype(unsigned) - (even & below).astype(unsigned)
    out: Array = (bits + step).view(rounded.dtype)
    return out


def odd_sum(s: Array, error: Array) -> Array:
    """The exact f64 value s + error (error: what rounding s lost), rounded to odd."""
    negative = np.signbit(s)
    return _odd(s, (error > 0) & ~negative | (error < 0) & negative, (error < 0) & ~negative | (error > 0) & negative)


def odd_f32(wide: Array) -> Array:
    """f64 to f32, rounded to odd."""
    narrow = wide.astype(np.float32)
    size, kept = np.abs(wide), np.abs(narrow).astype(np.float64)
    return _odd(narrow, size > kept, size < kept)


def bf16_nearest(value: Array) -> Array:
    """f32 to the nearest bf16, carried as f32."""
    bits = np.ascontiguousarray(value).view(np.uint32)
    up = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + (up + np.uint32(0x7FFF))) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(value), np.uint32(0x7FC00000), rounded).view(np.float32)


def nearest(wide: Array, scalar: Scalar) -> Array:
    """An f64 value (exact, or rounded to odd for a narrower type) to the nearest of the type."""
    match scalar:
        case Scalar.F64:
            return wide
        case Scalar.F32:
            return wide.astype(np.float32)
        case Scalar.F16:
            return odd_f32(wide).astype(np.float16)
        case Scalar.BF16:
            return bf16_nearest(odd_f32(wide))
        case _:
            raise TypeError(f"not a float type: {scalar!r}")


def add(a: Array, b: Array, scalar: Scalar) -> Array:
    return bf16_nearest(a + b) if scalar is Scalar.BF16 else a + b


def sub(a: Array, b: Array, scalar: Scalar) -> Array:
    return bf16_nearest(a - b) if scalar is Scalar.BF16 else a - b


def mul(a: Array, b: Array, scalar: Scalar) -> Array:
    return bf16_nearest(a * b) if scalar is Scalar.BF16 else a * b


def div(a: Array, b: Array, scalar: Scalar) -> Array:
    if scalar is Scalar.BF16:
        return nearest(a.astype(_WIDE) / b.astype(_WIDE), scalar)
    return a / b


def sqrt(a: Array, scalar: Scalar) -> Array:
    root: Array = np.sqrt(a)
    return bf16_nearest(root) if scalar is Scalar.BF16 else root


def fma(a: Array, b: Array, c: Array, scalar: Scalar) -> Array:
    """a * b + c, rounded once."""
    if scalar is Scalar.F64:
        return _fma64(*np.broadcast_arrays(a, b, c))
    return fma_of_product(a.astype(_WIDE) * b.astype(_WIDE), c, scalar)


def fma_of_product(product: Array, c: Array, scalar: Scalar) -> Array:
    """product + c, rounded once; product: exact in f64 (at most 48 bits, far from its range ends), of a type narrower than that."""
    wide = c.astype(_WIDE)
    s = product + wide
    back = s - product
    if np.count_nonzero(back != wide) == 0 and np.count_nonzero(s - back != product) == 0:  # the sum lost nothing
        return nearest(s, scalar)
    return nearest(odd_sum(*two_sum(product, wide)), scalar)


def _fma64(a: Array, b: Array, c: Array) -> Array:
    """f64 fma: error-free product and sums where nothing can over- or underflow, exact rationals elsewhere."""
    high = a * b
    size = np.abs(high)
    safe = (size < 2.0**1000) & (size > 2.0**-900) & (np.abs(c) < 2.0**1000)
    for operand in (a, b):
        safe &= (np.abs(operand) < 2.0**960) & (np.abs(operand) > 2.0**-960)
    safe &= (c == 0) | (np.abs(c) > 2.0**-900)
    low = _product_error(a, b, high)
    t, t_error = two_sum(c, low)
    v, v_error = two_sum(high, t)
    out = v + odd_sum(*two_sum(t_error, v_error))
    # An exact zero takes its sign from the operands' rounded sum; both are zero there.
    out = np.where(out == 0, high + c, out)
    general = np.isfinite(a) & np.isfinite(b) & np.isfinite(c) & (a != 0) & (b != 0)
    out = np.where(general, out, high + c)
    for i in np.flatnonzero(general & ~safe):
        out[i] = _exact_fma64(float(a[i]), float(b[i]), float(c[i]))
    return out


def _product_error(a: Array, b: Array, high: Array) -> Array:
    """a * b - high, by Veltkamp's splitting."""
    factor = 134217729.0
    ah = factor * a - (factor * a - a)
    bh = factor * b - (factor * b - b)
    al, bl = a - ah, b - bh
    error: Array = ((ah * bh - high) + ah * bl + al * bh) + al * bl
    return error


def _exact_fma64(a: float, b: float, c: float) -> float:
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c if a == 0 or b == 0 else 0.0
    try:
        return float(exact)  # Fraction's true division rounds once, to nearest even
    except OverflowError:
        return float("inf") if exact > 0 else float("-inf")


def _step(value: Array, scalar: Scalar, up: Array, down: Array) -> Array:
    """The next value of the type above where `up`, below where `down`."""
    if scalar is not Scalar.BF16:
        kind = CARRIER[scalar].type
        value = np.where(up, np.nextafter(value, kind(np.inf)), value)
        return np.where(down, np.nextafter(value, kind(-np.inf)), value)
    bits = np.ascontiguousarray(value).view(np.uint32)
    grow = np.where(np.signbit(value), down, up)
    shrink = np.where(np.signbit(value), up, down)
    unit = np.uint32(0x10000)
    moved: Array = bits + unit * grow.astype(np.uint32) - unit * shrink.astype(np.uint32)
    return moved.view(np.float32)


def directed(wide: Array, value: Array, scalar: Scalar, mode: str) -> Array:
    """Corrects `value`, the nearest to the f64 `wide`, to the mode rz, ru or rd."""
    kept = value.astype(_WIDE)
    low, high = kept < wide, kept > wide
    none = np.zeros_like(low)
    match mode:
        case "rz":
            return _step(value, scalar, low & (wide < 0), high & (wide > 0))
        case "ru":
            return _step(value, scalar, low, none)
        case "rd":
            return _step(value, scalar, none, high)
        case _:
            raise TypeError(f"not a directed rounding: {mode}")


def maximum(a: Array, b: Array) -> Array:
    """`fmaxf`: the operand that is not NaN wins, +0 is larger than -0."""
    first = (a > b) | ((a == b) & ~np.signbit(a)) | np.isnan(b)
    return np.where(first, a, b)


def minimum(a: Array, b: Array) -> Array:
    """`fminf`: the operand that is not NaN wins, -0 is smaller than +0."""
    first = (a < b) | ((a == b) & np.signbit(a)) | np.isnan(b)
    return np.where(first, a, b)


def propagating(a: Array, b: Array, extreme: Callable[[Array, Array], Array]) -> Array:
    """A maximum or minimum that is NaN where either operand is."""
    return np.where(np.isnan(a), a, np.where(np.isnan(b), b, extreme(a, b)))
