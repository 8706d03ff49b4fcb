"""What an expression is while it is lowered: values, pointers, and places that can be read and written."""

from __future__ import annotations

from dataclasses import dataclass

from tv.cuda_frontend.ctype import CType, Handle, Ptr, Struct
from tv.kernel import Expr, Var


@dataclass(frozen=True, slots=True)
class Value:
    """A scalar (one part), a vector or struct (its leaves in memory order), or nothing (`void`)."""

    type: CType
    parts: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Pointer:
    """An address: one memory object (None: null) and a byte offset (I64). readonly: loads take the read-only path.

    bases: the `__restrict__` pointers that it is based on. entry: (I64) which of a table's buffers, where the object is one of
    those. An entry of the table itself has the table's own object, `Context.tables`.
    """

    type: Ptr
    object: str | None
    offset: Expr
    readonly: bool = False
    bases: frozenset[str] = frozenset()
    entry: Expr | None = None


@dataclass(frozen=True, slots=True)
class HandleValue:
    type: Handle


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A struct with pointers in it: the values of its fields."""

    type: Struct
    fields: tuple[Result, ...]


Result = Value | Pointer | HandleValue | Aggregate


@dataclass(frozen=True, slots=True)
class Register:
    """A place in scalar variables, one a leaf of the type."""

    type: CType
    vars: tuple[Var, ...]
    const: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """A place in a memory object. needs: alignments that its access presumes, as (bytes, byte offset that is a multiple)."""

    type: CType
    object: str
    offset: Expr
    access: str = "weak"
    const: bool = False
    needs: tuple[tuple[int, Expr], ...] = ()
    bases: frozenset[str] = frozenset()  # as of the pointer that led here
    entry: Expr | None = None


@dataclass(frozen=True, slots=True)
class PointerRegister:
    """A pointer variable: its offset is a scalar variable, its object a fact of the lowering (`Context.targets`).

    claim: its name among `bases` where it is `__restrict__`.
    """

    type: Ptr
    name: str
    claim: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """A name that stands for a value: a constant, a parameter that is never assigned, a built-in variable."""

    value: Result


@dataclass(frozen=True, slots=True)
class Record:
    """A struct with pointers in it: the places of its fields. An array among them is a `Memory` place in a table."""

    type: Struct
    fields: tuple[Place, ...]
    const: bool = False


Place = Register | Memory | PointerRegister | Known | Record
