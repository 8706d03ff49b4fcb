"""C and CUDA types as values: their layout in memory, the conversions' ranks, and their names in messages."""

from __future__ import annotations

from dataclasses import dataclass

from tv.diagnostic import Unsupported
from tv.kernel import Scalar

S = Scalar


@dataclass(frozen=True, slots=True)
class CType:
    """Base of all types."""


@dataclass(frozen=True, slots=True)
class Void(CType):
    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class Arith(CType):
    """An arithmetic type, `half` and `nv_bfloat16` included. `long` and `long long` are both I64 (LP64)."""

    scalar: Scalar

    def __str__(self) -> str:
        return C_NAMES[self.scalar]


@dataclass(frozen=True, slots=True)
class Vector(CType):
    """`float4`, `half2`, `dim3`: components x y z w of one scalar type."""

    name: str
    scalar: Scalar
    count: int
    align: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Struct(CType):
    """fields: (name, type, byte offset)."""

    name: str
    fields: tuple[tuple[str, CType, int], ...]
    size: int
    align: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Ptr(CType):
    """A pointer; const and volatile are the target's, restrict its own."""

    target: CType
    const: bool = False
    volatile: bool = False
    restrict: bool = False

    def __str__(self) -> str:
        return f"{'const ' if self.const else ''}{self.target}*"


@dataclass(frozen=True, slots=True)
class Array(CType):
    """`count` None: unknown extent (`extern __shared__ T a[]`)."""

    element: CType
    count: int | None

    def __str__(self) -> str:
        return f"{self.element}[{'' if self.count is None else self.count}]"


@dataclass(frozen=True, slots=True)
class Handle(CType):
    """A cooperative-groups handle: grid, block, or a tile of `size` threads of a warp."""

    name: str
    size: int = 0

    def __str__(self) -> str:
        return f"cooperative_groups::{self.name}"


@dataclass(frozen=True, slots=True)
class NullPointer(CType):
    def __str__(self) -> str:
        return "nullptr_t"


C_NAMES = {
    S.BOOL: "bool", S.I8: "char", S.U8: "unsigned char", S.I16: "short", S.U16: "unsigned short", S.I32: "int", S.U32: "unsigned int",
    S.I64: "long", S.U64: "unsigned long", S.F16: "half", S.BF16: "nv_bfloat16", S.F32: "float", S.F64: "double",
}  # fmt: skip

VOID, BOOL, INT, UINT, FLOAT, DOUBLE = Void(), Arith(S.BOOL), Arith(S.I32), Arith(S.U32), Arith(S.F32), Arith(S.F64)
SIZE_T, LONG, HALF, BFLOAT = Arith(S.U64), Arith(S.I64), Arith(S.F16), Arith(S.BF16)
HALF2, BFLOAT2 = Vector("half2", S.F16, 2, 4), Vector("nv_bfloat162", S.BF16, 2, 4)

_CANONICAL = {"__half2": "half2", "__nv_bfloat162": "nv_bfloat162"}


def vector(name: str, scalar: Scalar, count: int, align: int) -> Vector:
    return Vector(_CANONICAL.get(name, name), scalar, count, align)


def size_of(t: CType) -> int:
    """Bytes. Raises ValueError for types without a size."""
    match t:
        case Arith(scalar=s):
            return s.bytes
        case Vector(scalar=s, count=n):
            return s.bytes * n
        case Struct(size=n):
            return n
        case Array(element=e, count=n) if n is not None:
            return size_of(e) * n
        case Ptr():
            return 8
        case _:
            raise ValueError(f"`{t}` has no size")


def align_of(t: CType) -> int:
    match t:
        case Arith(scalar=s):
            return s.bytes
        case Vector(align=a) | Struct(align=a):
            return a
        case Array(element=e):
            return align_of(e)
        case Ptr():
            return 8
        case _:
            raise ValueError(f"`{t}` has no alignment")


MAX_LEAVES = 1 << 18  # of a value that is listed scalar by scalar
MAX_FIELDS = 1 << 12  # of a struct, those of its fields included
_BY_ELEMENT = "write its elements one by one, in a loop"


def field_count(t: CType) -> int:
    """Fields of a type, those of its fields included; an array has its element's."""
    match t:
        case Struct(fields=fields):
            return sum(field_count(f) for _, f, _ in fields)
        case Array(element=e):
            return field_count(e)
        case _:
            return 1


def leaves(t: CType) -> tuple[tuple[Scalar, int], ...]:
    """Scalars of a value with their byte offsets, in memory order. Raises ValueError where a leaf is not a scalar, Unsupported
    (TV0104) where they are very many."""
    match t:
        case Arith(scalar=s):
            return ((s, 0),)
        case Vector(scalar=s, count=n):
            return tuple((s, i * s.bytes) for i in range(n))
        case Struct(fields=fields):
            return tuple((s, at + inner) for _, f, at in fields for s, inner in leaves(f))
        case Array(element=e, count=n) if n is not None:
            step, each = size_of(e), leaves(e)
            if n * len(each) > MAX_LEAVES:
                raise Unsupported("TV0104", f"a value of type `{t}`, of {n * len(each)} scalars", help=_BY_ELEMENT)
            return tuple((s, i * step + inner) for i in range(n) for s, inner in each)
        case _:
            raise ValueError(f"`{t}` is not made of scalars")


def holds_pointers(t: CType) -> bool:
    """Whether a value of this type is or has pointers."""
    match t:
        case Ptr():
            return True
        case Array(element=e):
            return holds_pointers(e)
        case Struct(fields=fields):
            return any(holds_pointers(f) for _, f, _ in fields)
        case _:
            return False


def element_scalar(t: CType) -> Scalar:
    """The scalar type that an array of `t` is declared with; bytes for `void` and mixed structs."""
    match t:
        case Void():
            return S.U8
        case Array(element=e):
            return element_scalar(e)
        case _:
            scalars = {s for s, _ in leaves(t)}
            return scalars.pop() if len(scalars) == 1 else S.U8


def layout(name: str, members: list[tuple[str, CType, int]], align: int) -> Struct:
    """A struct with C's offsets; `align`, and a member's own, raise alignments."""
    at, widest = 0, max(align, 1)
    fields = []
    for member, t, least in members:
        a = max(align_of(t), least)
        at = -(-at // a) * a
        fields.append((member, t, at))
        at, widest = at + size_of(t), max(widest, a)
    return Struct(name, tuple(fields), max(-(-at // widest) * widest, 1), widest)


def promote(s: Scalar) -> Scalar:
    """C's integer promotion; floats stay."""
    return S.I32 if s in (S.BOOL, S.I8, S.U8, S.I16, S.U16) else s


def usual(a: Scalar, b: Scalar) -> Scalar | None:
    """The usual arithmetic conversions; None where CUDA C++ has no single answer (a half with another arithmetic type)."""
    small = (S.F16, S.BF16)
    if a in small or b in small:
        return a if a is b else None
    for wide in (S.F64, S.F32):
        if a is wide or b is wide:
            return wide
    a, b = promote(a), promote(b)
    if a.signed == b.signed:
        return a if a.bits >= b.bits else b
    unsigned, signed = (b, a) if a.signed else (a, b)
    return unsigned if unsigned.bits >= signed.bits else signed
