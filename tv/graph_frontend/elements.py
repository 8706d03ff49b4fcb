"""Element types of tensors: labels, widths, and constants as bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, numpy_helper

from tv.arithmetic import Bits
from tv.diagnostic import BadInput, Unsupported


@dataclass(frozen=True, slots=True)
class Element:
    """label: as TensorInfo has it. width: bits of a value. op: the label inside names of operations (f32, s64, u8, i1)."""

    label: str
    width: int
    op: str
    kind: str  # float | signed | unsigned | bool

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def narrow(self) -> bool:
        """A float of 16 bits, whose sums and functions are computed in f32."""
        return self.is_float and self.width == 16

    def limits(self) -> tuple[int, int]:
        """Least and greatest value of an integer or boolean type."""
        match self.kind:
            case "signed":
                return -(1 << (self.width - 1)), (1 << (self.width - 1)) - 1
            case "unsigned" | "bool":
                return 0, (1 << self.width) - 1
            case _:
                raise TypeError(f"{self.label} is not an integer type")


F32, F64 = Element("f32", 32, "f32", "float"), Element("f64", 64, "f64", "float")
F16, BF16 = Element("f16", 16, "f16", "float"), Element("bf16", 16, "bf16", "float")
BOOL = Element("bool", 1, "u1", "bool")
I64, I32 = Element("i64", 64, "s64", "signed"), Element("i32", 32, "s32", "signed")
I16, I8 = Element("i16", 16, "s16", "signed"), Element("i8", 8, "s8", "signed")
U64, U32 = Element("u64", 64, "u64", "unsigned"), Element("u32", 32, "u32", "unsigned")
U16, U8 = Element("u16", 16, "u16", "unsigned"), Element("u8", 8, "u8", "unsigned")

_T = TensorProto
BY_ONNX: dict[int, Element] = {
    _T.FLOAT: F32, _T.DOUBLE: F64, _T.FLOAT16: F16, _T.BFLOAT16: BF16, _T.BOOL: BOOL, _T.INT64: I64, _T.INT32: I32,
    _T.INT16: I16, _T.INT8: I8, _T.UINT64: U64, _T.UINT32: U32, _T.UINT16: U16, _T.UINT8: U8,
}  # fmt: skip
TO_ONNX = {e.label: code for code, e in BY_ONNX.items()}
BY_LABEL = {e.label: e for e in BY_ONNX.values()}


def element_of(code: int, what: str) -> Element:
    """The element type of an ONNX type code; `what` names the tensor in the message."""
    if code in BY_ONNX:
        return BY_ONNX[code]
    if code == _T.UNDEFINED or code not in _T.DataType.values():
        raise BadInput("TV0302", f"`{what}` has no element type")
    raise Unsupported(
        "TV0312", f"element type {_T.DataType.Name(code)} of `{what}`", help=f"known: {', '.join(sorted(BY_LABEL))}"
    )


def proto_bits(t: TensorProto) -> Bits:
    """The elements of a tensor stored inline, flat, as bits; BadInput where the data does not fit the shape."""
    e = element_of(t.data_type, t.name)
    try:
        array = numpy_helper.to_array(t)
    except (ValueError, TypeError, KeyError, IndexError) as x:
        raise BadInput("TV0302", f"the data of `{t.name}` does not fit its type and shape: {x}") from None
    return array_bits(np.ascontiguousarray(array).reshape(-1), e)


def stored_array(t: TensorProto, e: Element) -> npt.NDArray[Any]:
    """The elements of a tensor stored inline, in its shape: integers as they are, floats as the integers that their bits are
    (of 64 bits as signed ones). BadInput where the data does not fit the shape."""
    try:
        array = np.ascontiguousarray(numpy_helper.to_array(t)).reshape(tuple(t.dims))
    except (ValueError, TypeError, KeyError, IndexError) as x:
        raise BadInput("TV0302", f"the data of `{t.name}` does not fit its type and shape: {x}") from None
    match e.kind, e.width:
        case "float" | "unsigned", 64:
            return array.view(np.int64)
        case "float", _:
            return array.view({16: np.uint16, 32: np.uint32}[e.width])
        case "bool", _:
            return array.view(np.uint8)
        case _:
            return array


def array_bits(a: npt.NDArray[np.generic], e: Element) -> Bits:
    """A flat array of e's own numpy type, as bits."""
    if e.kind == "bool":
        return a.astype(np.uint64)
    return a.view({8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}[e.width]).astype(np.uint64)


def integer_of(bits: int, e: Element) -> int:
    """The integer that `bits` mean in an integer or boolean type."""
    return bits - (1 << e.width) if e.kind == "signed" and bits >> (e.width - 1) else bits
