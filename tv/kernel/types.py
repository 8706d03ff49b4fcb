"""Scalar types of the Kernel IR."""

from __future__ import annotations

from enum import Enum


class Scalar(Enum):
    """Scalar types: C's name is beside each."""

    BOOL = ("bool", 1, False, False)
    I8 = ("i8", 8, True, False)
    U8 = ("u8", 8, False, False)
    I16 = ("i16", 16, True, False)
    U16 = ("u16", 16, False, False)
    I32 = ("i32", 32, True, False)
    U32 = ("u32", 32, False, False)
    I64 = ("i64", 64, True, False)
    U64 = ("u64", 64, False, False)
    F16 = ("f16", 16, True, True)
    BF16 = ("bf16", 16, True, True)
    F32 = ("f32", 32, True, True)
    F64 = ("f64", 64, True, True)

    def __init__(self, label: str, bits: int, signed: bool, is_float: bool) -> None:
        self.label, self.bits, self.signed, self.is_float = label, bits, signed, is_float

    @property
    def bytes(self) -> int:
        """Size in memory; a bool takes one byte."""
        return max(self.bits // 8, 1)

    @property
    def is_int(self) -> bool:
        return not self.is_float and self is not Scalar.BOOL

    def __repr__(self) -> str:
        return self.label
