"""Statements of the Kernel IR."""

from __future__ import annotations

from dataclasses import dataclass

from tv.kernel.expressions import Expr, Var
from tv.kernel.memory import MemRef
from tv.source import Span


@dataclass(frozen=True, slots=True)
class Stmt:
    """Base of all statements."""

    span: Span


@dataclass(frozen=True, slots=True)
class Assign(Stmt):
    var: Var
    value: Expr


@dataclass(frozen=True, slots=True)
class Load(Stmt):
    """dests[i] = element i of the reference; each has type ref.type."""

    dests: tuple[Var, ...]
    ref: MemRef


@dataclass(frozen=True, slots=True)
class Store(Stmt):
    ref: MemRef
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class If(Stmt):
    """launch: a launch of a sequence, whose `return` ends this statement only (never from a reader, see `tv.spec.sequence`)."""

    cond: Expr
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()
    launch: bool = False


@dataclass(frozen=True, slots=True)
class Loop(Stmt):
    """prelude; while (cond) { body; step; prelude }. `continue` goes to step. test_first=False is do-while: the first
    round skips the test. `prelude` holds the loads that `cond` needs, mostly none. The init of a `for` stands before it."""

    cond: Expr
    body: tuple[Stmt, ...]
    step: tuple[Stmt, ...] = ()
    prelude: tuple[Stmt, ...] = ()
    test_first: bool = True


@dataclass(frozen=True, slots=True)
class Break(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class Continue(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class Return(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class Barrier(Stmt):
    """scope: warp (`__syncwarp`, mask or None for all), block (`__syncthreads`), grid (`cooperative_groups` grid sync).

    counter, target: of a grid barrier recognised as an atomic counter that all blocks raise to `target` (never from a reader).
    threads: it waits for so many threads of a block, the first in linear order; 0: for all (never from a reader, see
    `tv.spec.sequence`). inside: the `__restrict__` pointers in whose scopes it stands.
    """

    scope: str
    mask: Expr | None = None
    counter: str = ""
    target: Expr | None = None
    threads: int = 0
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shuffle(Stmt):
    """mode: idx up down xor, as `__shfl_*_sync(mask, value, lane, width)`."""

    dest: Var
    mode: str
    value: Expr
    lane: Expr
    width: int
    mask: Expr


@dataclass(frozen=True, slots=True)
class Vote(Stmt):
    """What the lanes named give, put together. mode: ballot (U32), any, all (BOOL) of a BOOL; add min max and or xor of an
    int, modulo 2^32. scope: warp, or block: all threads of it, after a barrier, mask unused; then mode is any, all or count."""

    dest: Var
    mode: str
    value: Expr
    mask: Expr
    scope: str = "warp"


@dataclass(frozen=True, slots=True)
class Atomic(Stmt):
    """op: add sub min max and or xor exch cas inc dec load store. order: relaxed acquire release acq_rel seq_cst.
    scope: block device system. A plain `atomicAdd` is relaxed, device. `dest` is None where the result is unused."""

    dest: Var | None
    op: str
    ref: MemRef
    operands: tuple[Expr, ...]
    order: str = "relaxed"
    scope: str = "device"


@dataclass(frozen=True, slots=True)
class Fence(Stmt):
    """scope: block device system."""

    scope: str


@dataclass(frozen=True, slots=True)
class AsyncCopy(Stmt):
    """`__pipeline_memcpy_async(dst, src, bytes, zfill)`: dst and src have the same count and type."""

    dst: MemRef
    src: MemRef
    zero_fill: Expr | None = None


@dataclass(frozen=True, slots=True)
class AsyncCommit(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class AsyncWait(Stmt):
    """Waits until at most `groups` later committed groups of this thread are pending."""

    groups: int


@dataclass(frozen=True, slots=True)
class Assume(Stmt):
    """`assert`, `__builtin_assume`: an obligation at this point, never a hypothesis."""

    cond: Expr
    word: str


@dataclass(frozen=True, slots=True)
class Aligned(Stmt):
    """What follows accesses a part of a struct or vector at byte `offset` (I64) of `object`: an obligation that its address is
    a multiple of `align` bytes, as compilers presume from its type."""

    object: str
    offset: Expr
    align: int


@dataclass(frozen=True, slots=True)
class Inside(Stmt):
    """An obligation that buffer `entry` (I64) of a table is there and holds `width` bytes at byte `offset` (I64) of it.

    object: what the table's pointers point to. sizes: of its buffers, in bytes, as the specification binds them. held: how many
    pointers an argument by value has: those past `sizes` may be read, and nothing is known of them. tested: whether it is null decides.
    """

    object: str
    entry: Expr
    offset: Expr
    width: int
    sizes: tuple[int, ...] = ()
    held: int = 0
    tested: bool = False


@dataclass(frozen=True, slots=True)
class Declare(Stmt):
    """The lifetime of a local object begins: what it held in an earlier round of a loop is gone."""

    object: str
