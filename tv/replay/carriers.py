"""How a scalar value of the Kernel IR is held in numpy: one carrier dtype a type, and its bits.

A value is an array over the threads of a group, shape (threads,), or (1,) where all threads hold the same. bf16 is carried
as f32 whose low half is zero; bool as numpy's bool; everything else as itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tv.kernel import Scalar

Array = NDArray[Any]

CARRIER: dict[Scalar, np.dtype[Any]] = {
    Scalar.BOOL: np.dtype(np.bool_),
    Scalar.I8: np.dtype(np.int8),
    Scalar.U8: np.dtype(np.uint8),
    Scalar.I16: np.dtype(np.int16),
    Scalar.U16: np.dtype(np.uint16),
    Scalar.I32: np.dtype(np.int32),
    Scalar.U32: np.dtype(np.uint32),
    Scalar.I64: np.dtype(np.int64),
    Scalar.U64: np.dtype(np.uint64),
    Scalar.F16: np.dtype(np.float16),
    Scalar.BF16: np.dtype(np.float32),
    Scalar.F32: np.dtype(np.float32),
    Scalar.F64: np.dtype(np.float64),
}

UNSIGNED: dict[int, np.dtype[Any]] = {
    1: np.dtype(np.uint8),
    2: np.dtype(np.uint16),
    4: np.dtype(np.uint32),
    8: np.dtype(np.uint64),
}


def to_bits(value: Array, scalar: Scalar) -> Array:
    """The bits of carried values, as unsigned integers of the type's width (bool: 0 or 1 in a byte)."""
    if scalar is Scalar.BOOL:
        return value.astype(np.uint8)
    if scalar is Scalar.BF16:
        words: Array = np.ascontiguousarray(value).view(np.uint32)
        high: Array = (words >> np.uint32(16)).astype(np.uint16)
        return high
    bits: Array = np.ascontiguousarray(value).view(UNSIGNED[scalar.bytes])
    return bits


def from_bits(bits: Array, scalar: Scalar) -> Array:
    """The inverse of `to_bits`; `bits` may be of any unsigned dtype and is cut to the type's width."""
    if scalar is Scalar.BOOL:
        truth: Array = bits != 0
        return truth
    narrow = np.ascontiguousarray(bits.astype(UNSIGNED[scalar.bytes], copy=False))
    if scalar is Scalar.BF16:
        words: Array = narrow.astype(np.uint32) << np.uint32(16)
        return words.view(np.float32)
    return narrow.view(CARRIER[scalar])


def constant(bits: int, scalar: Scalar) -> Array:
    """A literal as a uniform value, shape (1,)."""
    return from_bits(np.array([bits], dtype=UNSIGNED[scalar.bytes]), scalar)
