"""The race detector against vector clocks, one a thread, on random sequences of accesses and synchronisation."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tv.kernel import (
    Atomic,
    Barrier,
    Binary,
    Builtin,
    Compare,
    Const,
    Expr,
    If,
    Kernel,
    Load,
    MemoryObject,
    MemRef,
    Parameter,
    Scalar,
    Space,
    Stmt,
    Store,
    Var,
    check,
)
from tv.replay import DenseBuffer, run
from tv.source import Span

U32, BOOL, I64 = Scalar.U32, Scalar.BOOL, Scalar.I64
THREADS = [(b, t) for b in (0, 1, 2) for t in (0, 1, 2, 32, 33)]
CELLS, FLAGS, BLOCK = 3, 2, 64

Thread = tuple[int, int]


@dataclass(frozen=True)
class Step:
    """kind: read, write (thread, cell), atomic (thread, flag), block (block), warp (a thread of it, lane mask), grid."""

    kind: str
    thread: Thread = (0, 0)
    arg: int = 0


threads = st.sampled_from(THREADS)
steps = st.one_of(
    st.builds(Step, st.sampled_from(["read", "write"]), threads, st.integers(0, CELLS - 1)),
    st.builds(Step, st.sampled_from(["read", "write"]), threads, st.integers(0, CELLS - 1)),
    st.builds(Step, st.just("atomic"), threads, st.integers(0, FLAGS - 1)),
    st.builds(Step, st.just("block"), threads),
    st.builds(Step, st.just("warp"), threads, st.sampled_from([0b011, 0b110, 0b101, 0b111, 0xFFFFFFFF])),
    st.builds(Step, st.just("grid")),
)


class Clocks:
    """Happens-before in full: a vector clock for each thread; races of each access with every earlier one."""

    def __init__(self) -> None:
        self.clock = {t: dict.fromkeys(THREADS, 0) for t in THREADS}
        self.flags: dict[int, dict[Thread, int]] = {}
        self.accesses: list[tuple[Thread, int, int, bool]] = []
        self.readers: dict[int, set[Thread]] = {}

    def meet(self, group: list[Thread]) -> None:
        top = {u: max(self.clock[t][u] for t in group) for u in THREADS}
        for t in group:
            self.clock[t] = dict(top)

    def tick(self, t: Thread) -> int:
        self.clock[t][t] += 1
        return self.clock[t][t]

    def step(self, s: Step) -> bool:
        """Whether the step is a race."""
        t = s.thread
        match s.kind:
            case "block":
                self.meet([u for u in THREADS if u[0] == t[0]])
            case "warp":
                lanes = [u for u in THREADS if u[0] == t[0] and u[1] // 32 == t[1] // 32 and s.arg >> u[1] % 32 & 1]
                if lanes:
                    self.meet(lanes)
            case "grid":
                self.meet(THREADS)
            case "atomic":
                mine = self.clock[t]
                self.tick(t)
                for u, at in self.flags.get(s.arg, {}).items():
                    mine[u] = max(mine[u], at)
                self.flags[s.arg] = dict(mine)
            case _:
                return self.access(t, s.arg, s.kind == "write")
        return False

    def access(self, t: Thread, cell: int, write: bool) -> bool:
        now = self.tick(t)
        race = any(c == cell and u != t and (write or w) and self.clock[t][u] < at for u, at, c, w in self.accesses)
        self.accesses.append((t, now, cell, write))
        if not write:
            self.readers.setdefault(cell, set()).add(t)
        return race


def is_thread(t: Thread) -> Expr:
    block = Compare(BOOL, "eq", Builtin(U32, "blockIdx.x"), Const(U32, t[0]))
    return Binary(BOOL, "and", block, Compare(BOOL, "eq", Builtin(U32, "threadIdx.x"), Const(U32, t[1])))


def in_warp(t: Thread, mask: int) -> Expr:
    """Threads of t's warp whose lane is in the mask."""
    lane = Binary(U32, "and", Builtin(U32, "threadIdx.x"), Const(U32, 31))
    named = Binary(U32, "and", Binary(U32, "shr", Const(U32, mask), lane), Const(U32, 1))
    warp = Binary(U32, "shr", Builtin(U32, "threadIdx.x"), Const(U32, 5))
    block = Compare(BOOL, "eq", Builtin(U32, "blockIdx.x"), Const(U32, t[0]))
    same = Binary(BOOL, "and", block, Compare(BOOL, "eq", warp, Const(U32, t[1] // 32)))
    return Binary(BOOL, "and", same, Compare(BOOL, "ne", named, Const(U32, 0)))


def statement(i: int, s: Step) -> Stmt:
    span = Span("k.cu", i + 1)
    cell = MemRef("c", Const(I64, 4 * s.arg), U32)
    match s.kind:
        case "read":
            return If(span, is_thread(s.thread), (Load(span, (Var(U32, "v"),), cell),))
        case "write":
            return If(span, is_thread(s.thread), (Store(span, cell, (Const(U32, i + 1),)),))
        case "atomic":
            flag = MemRef("f", Const(I64, 4 * s.arg), U32)
            add = Atomic(span, None, "add", flag, (Const(U32, 1),), "acq_rel")
            return If(span, is_thread(s.thread), (add,))
        case "warp":
            return If(span, in_warp(s.thread, s.arg), (Barrier(span, "warp", Const(U32, s.arg)),))
        case "block":
            block = Compare(BOOL, "eq", Builtin(U32, "blockIdx.x"), Const(U32, s.thread[0]))
            return If(span, block, (Barrier(span, "block"),))
        case _:
            return Barrier(span, "grid")


@given(st.lists(steps, min_size=2, max_size=14))
@settings(max_examples=250, deadline=None)
def test_races_are_those_of_the_happens_before_order(sequence: list[Step]) -> None:
    clocks = Clocks()
    first = next((i for i, s in enumerate(sequence) if clocks.step(s)), None)
    names = ("c", "f")
    k = check(
        Kernel(
            "k",
            tuple(Parameter(n, None, U32) for n in names),
            {n: MemoryObject(n, Space.GLOBAL, U32, None, 256) for n in names},
            tuple(statement(i, s) for i, s in enumerate(sequence)),
        )
    )
    buffers = {n: DenseBuffer.zeros(64) for n in names}
    done = run(k, (3, 1, 1), (BLOCK, 1, 1), dict(buffers), {})
    if done.events:
        assert first is not None, done.events
        assert done.events[0].kind == "race"
    # Of a write's earlier readers three are kept for a cell: the only way to miss a race.
    elif all(len(r) <= 2 for r in clocks.readers.values()):
        assert first is None, sequence[first]
    if done.events and all(len(r) <= 2 for r in clocks.readers.values()):
        assert first is not None
        assert done.events[0].span.line == first + 1
