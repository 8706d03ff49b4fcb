"""Memory objects of the Kernel IR, and how an access names a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tv.kernel.expressions import Expr
from tv.kernel.types import Scalar
from tv.source import NOWHERE, Span


class Space(Enum):
    GLOBAL = "global"
    SHARED = "shared"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class MemoryObject:
    """One allocation. `extents`: C dimensions in elements of `element`, outermost first; None where the launch decides
    (a pointer parameter, `extern __shared__`). All `extern __shared__` names are one object called `dynamic_shared`. const: a
    module variable that holds its initialiser for ever, which a compiler knows. entries: of the buffers that a table's pointers
    point to, pointers in the table, 0 where the launch decides; None where the object is one piece of memory."""

    name: str
    space: Space
    element: Scalar
    extents: tuple[int, ...] | None
    align: int
    span: Span = NOWHERE
    const: bool = False
    entries: int | None = None


@dataclass(frozen=True, slots=True)
class MemRef:
    """`count` consecutive elements of `type` at byte `offset` (type I64) of an object.

    access: weak | volatile | readonly (`__ldg`, ld.global.nc, or through a `const T* __restrict__` parameter) | cached
    (`__ldcg`, `__ldcs`). The address must be a multiple of count * type.bytes.
    claims: `__restrict__` pointers in whose scopes this access stands, and whether its address is based on them; only of
    pointers past which their memory is accessed there too. entry: (I64) which of a table's buffers, where the object is one of
    those; the specification says where each lies, and no access has one from there on. restricted: `__restrict__` pointers that
    the address is based on, of those whose memory is written and whose scopes have barriers. noncoherent: a compiler may take this
    load through the read-only path, although nothing says so.
    """

    object: str
    offset: Expr
    type: Scalar
    count: int = 1
    access: str = "weak"
    span: Span = NOWHERE
    claims: tuple[tuple[str, bool], ...] = ()
    entry: Expr | None = None
    restricted: tuple[str, ...] = ()
    noncoherent: bool = False
