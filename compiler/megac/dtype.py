"""Element types, and numbers as their bits."""

from __future__ import annotations

from enum import Enum
from typing import Any

import ml_dtypes
import numpy as np
from onnx import TensorProto

from megac.errors import CompileError


class DType(Enum):
    """An element type; the value is its name in dumps."""

    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"
    F64 = "f64"
    I8 = "i8"
    I16 = "i16"
    I32 = "i32"
    I64 = "i64"
    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    U64 = "u64"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[Any]:
        return _NUMPY[self]

    @property
    def is_float(self) -> bool:
        return self in (DType.F16, DType.BF16, DType.F32, DType.F64)

    @property
    def is_integer(self) -> bool:
        return not self.is_float and self is not DType.BOOL

    @property
    def narrow(self) -> bool:
        """Is it a float of 16 bits, whose sums and functions are taken in f32?"""
        return self in (DType.F16, DType.BF16)

    @property
    def wide(self) -> DType:
        """The type in which products and partial sums of this one are kept."""
        return DType.F32 if self.narrow else self

    @property
    def bytes(self) -> int:
        return self.numpy.itemsize

    def holds(self, other: DType) -> bool:
        """Is every value of `other` one of this type too, so that a cast from it rounds nothing?"""
        order = {DType.F16: 1, DType.BF16: 1, DType.F32: 2, DType.F64: 3}
        return self == other or (self in order and other in order and order[other] < order[self])


_NUMPY: dict[DType, np.dtype[Any]] = {
    DType.F16: np.dtype(np.float16),
    DType.BF16: np.dtype(ml_dtypes.bfloat16),
    DType.F32: np.dtype(np.float32),
    DType.F64: np.dtype(np.float64),
    DType.I8: np.dtype(np.int8),
    DType.I16: np.dtype(np.int16),
    DType.I32: np.dtype(np.int32),
    DType.I64: np.dtype(np.int64),
    DType.U8: np.dtype(np.uint8),
    DType.U16: np.dtype(np.uint16),
    DType.U32: np.dtype(np.uint32),
    DType.U64: np.dtype(np.uint64),
    DType.BOOL: np.dtype(np.bool_),
}

_ONNX: dict[int, DType] = {
    TensorProto.FLOAT16: DType.F16,
    TensorProto.BFLOAT16: DType.BF16,
    TensorProto.FLOAT: DType.F32,
    TensorProto.DOUBLE: DType.F64,
    TensorProto.INT8: DType.I8,
    TensorProto.INT16: DType.I16,
    TensorProto.INT32: DType.I32,
    TensorProto.INT64: DType.I64,
    TensorProto.UINT8: DType.U8,
    TensorProto.UINT16: DType.U16,
    TensorProto.UINT32: DType.U32,
    TensorProto.UINT64: DType.U64,
    TensorProto.BOOL: DType.BOOL,
}


def from_onnx(code: int, what: str) -> DType:
    """The element type of an ONNX type code. Raises CompileError for one that has no kernel here."""
    if code not in _ONNX:
        known = TensorProto.DataType.Name(code) if code in TensorProto.DataType.values() else str(code)
        raise CompileError(f"{what} has elements of type {known}", hint="floats, integers and booleans are compiled")
    return _ONNX[code]


def bits_of(value: Any, dtype: DType) -> int:
    """The bits of a number in a type; a float is rounded to nearest even."""
    with np.errstate(over="ignore", invalid="ignore"):
        one = np.asarray(value).astype(dtype.numpy)
    return int.from_bytes(one.tobytes(), "little")


def value_of(bits: int, dtype: DType) -> Any:
    """The numpy scalar that has these bits."""
    return np.frombuffer(bits.to_bytes(dtype.bytes, "little"), dtype.numpy)[0]
