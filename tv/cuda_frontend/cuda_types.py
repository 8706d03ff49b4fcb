"""CUDA's type names: scalars, vectors of scalars, and the opaque handles of cooperative groups."""

from __future__ import annotations

from tv.cuda_frontend.names import reserve
from tv.kernel import Scalar

S = Scalar

SCALAR_TYPES: dict[str, Scalar] = {
    "int8_t": S.I8, "uint8_t": S.U8, "int16_t": S.I16, "uint16_t": S.U16, "int32_t": S.I32, "uint32_t": S.U32,
    "int64_t": S.I64, "uint64_t": S.U64, "size_t": S.U64, "ssize_t": S.I64, "ptrdiff_t": S.I64, "uintptr_t": S.U64,
    "intptr_t": S.I64, "uint": S.U32, "uchar": S.U8, "ushort": S.U16, "ulong": S.U64, "cuuint32_t": S.U32,
    "half": S.F16, "__half": S.F16, "bf16": S.BF16, "nv_bfloat16": S.BF16, "__nv_bfloat16": S.BF16,
}  # fmt: skip
# typedefs that users commonly write themselves are not taken from them
for _name in ("bf16", "uchar", "cuuint32_t"):
    del SCALAR_TYPES[_name]

_BASES = {"char": S.I8, "uchar": S.U8, "short": S.I16, "ushort": S.U16, "int": S.I32, "uint": S.U32, "long": S.I64,
          "ulong": S.U64, "longlong": S.I64, "ulonglong": S.U64, "float": S.F32, "double": S.F64}  # fmt: skip

# name -> (scalar, components, alignment in bytes)
VECTOR_TYPES: dict[str, tuple[Scalar, int, int]] = {}
for _base, _scalar in _BASES.items():
    for _n in (1, 2, 3, 4):
        _size = _scalar.bytes * _n
        VECTOR_TYPES[f"{_base}{_n}"] = (_scalar, _n, _scalar.bytes if _n in (1, 3) else min(_size, 16))
VECTOR_TYPES |= {
    "half2": (S.F16, 2, 4), "__half2": (S.F16, 2, 4), "nv_bfloat162": (S.BF16, 2, 4), "__nv_bfloat162": (S.BF16, 2, 4),
    "dim3": (S.U32, 3, 4),
}  # fmt: skip

HANDLE_TYPES = ("grid_group", "thread_block", "thread_group", "thread_block_tile", "coalesced_group")
OPAQUE_TYPES = tuple(f"cooperative_groups::{t}" for t in HANDLE_TYPES)
PREDECLARED_TYPES = (*SCALAR_TYPES, *VECTOR_TYPES)
STD_TYPES = tuple(f"std::{t}" for t in SCALAR_TYPES if t.endswith("_t"))

reserve(PREDECLARED_TYPES)
