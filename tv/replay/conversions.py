"""Numeric conversions of C between all scalar types, and which of them are undefined."""

from __future__ import annotations

import numpy as np

from tv.diagnostic import Unsupported
from tv.kernel import Scalar
from tv.replay.carriers import CARRIER, Array
from tv.replay.rounding import directed, nearest, odd_sum, two_sum
from tv.source import Span


def convert(value: Array, source: Scalar, target: Scalar, rounding: str, span: Span) -> tuple[Array, Array | None]:
    """The converted value, and where it is undefined (None: nowhere).

    Raises Unsupported for a rounding that the conversion does not have.
    """
    if rounding == "sat" and source.is_float and not target.is_float:
        return _saturated(value, target), None
    if rounding not in ("rn", "rz", "ru", "rd"):
        raise Unsupported("TV0702", f"rounding mode `{rounding}` in a conversion", span, "use rn, rz, ru or rd")
    if target is Scalar.BOOL:
        return value != 0, None
    if target.is_float:
        return _to_float(value, source, target, rounding), None
    if source.is_float:
        if rounding in ("ru", "rd"):
            raise Unsupported(
                "TV0702", f"float to int with rounding `{rounding}`", span, "apply floor or ceil, then convert"
            )
        return _float_to_int(value, target)
    return value.astype(CARRIER[target]), None


def _to_float(value: Array, source: Scalar, target: Scalar, rounding: str) -> Array:
    if source is target:
        return value
    if source.is_float and (target is Scalar.F64 or (target is Scalar.F32 and source is not Scalar.F64)):
        return value.astype(CARRIER[target])  # exact
    if source.is_float or source.bits <= 32:
        wide = value.astype(np.float64)
    else:
        wide, error = _split_sum(value)
        if target is not Scalar.F64:
            wide = odd_sum(wide, error)
        elif rounding != "rn":
            return _directed_f64(wide, error, rounding)
    rounded = nearest(wide, target)
    return rounded if rounding == "rn" else directed(wide, rounded, target, rounding)


def _split_sum(value: Array) -> tuple[Array, Array]:
    """A 64-bit integer as the f64 nearest to it and the exact rest."""
    high = (value >> value.dtype.type(32)).astype(np.float64) * 2.0**32
    low = (value & value.dtype.type(0xFFFFFFFF)).astype(np.float64)
    return two_sum(high, low)


def _directed_f64(wide: Array, error: Array, mode: str) -> Array:
    up, down = error > 0, error < 0
    match mode:
        case "rz":
            up, down = up & (wide < 0), down & (wide > 0)
        case "ru":
            down = np.zeros_like(down)
        case _:
            up = np.zeros_like(up)
    stepped = np.where(up, np.nextafter(wide, np.inf), wide)
    return np.where(down, np.nextafter(stepped, -np.inf), stepped)


def _saturated(value: Array, target: Scalar) -> Array:
    whole = np.trunc(np.where(np.isnan(value), 0, value).astype(np.float64))
    least = -(1 << (target.bits - 1)) if target.signed else 0
    most = (1 << (target.bits - target.signed)) - 1
    fits = (whole >= float(least)) & (whole < float(most + 1))
    inside = np.where(fits, whole, 0.0).astype(CARRIER[target])
    edge = np.where(whole < float(least), CARRIER[target].type(least), CARRIER[target].type(most))
    result: Array = np.where(fits, inside, edge)
    return result


def _float_to_int(value: Array, target: Scalar) -> tuple[Array, Array | None]:
    whole = np.trunc(value.astype(np.float64))
    low = -(2.0 ** (target.bits - 1)) if target.signed else 0.0
    high = 2.0 ** (target.bits - 1 if target.signed else target.bits)
    good = (whole >= low) & (whole < high)
    result: Array = np.where(good, whole, 0.0).astype(CARRIER[target])
    return result, None if good.all() else ~good
