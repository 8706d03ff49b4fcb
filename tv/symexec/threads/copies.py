"""Asynchronous copies to shared memory: issued here, complete at a wait that covers their group (S6).

A copy reads its source and writes its destination at some time between the two. It becomes a load at its issue and a store
at its completion, which `completions` finds from the commits and waits of its thread. `Races` shows that in between nobody
touches the destination or writes the source, so that the two stand for the copy, whenever it happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unknown
from tv.sets import FALSE, TRUE, Affine, Formula, Map, Set, Sets
from tv.sets.formulas import all_of, any_of, eq, negate
from tv.sets.groups import Waits, completion, first_after, indifferent
from tv.symexec.events import Access, Alignment, GroupEvent, Time, Trace
from tv.symexec.integers import RangeCheck
from tv.symexec.values import Node, Pieces, node_const

if TYPE_CHECKING:
    from tv.symexec.execute import Executor

ASYNC = "async"  # the mode of both accesses of a copy


# ------------------------------------------------------------------------------------------------ while executing
def issue(x: Executor, s: ir.AsyncCopy) -> None:
    """The two accesses of a copy, once for every way its addresses and its zero fill turn out."""
    size, item = s.dst.count * s.dst.type.bytes, s.dst.type.bytes
    tos = x.pieces_of(s.dst.offset, s.dst.object, s.dst.span)
    sources = x.pieces_of(s.src.offset, s.src.object, s.src.span, data=True)
    for filled, zeros in list(_fills(x, s, size, item)):
        for to_when, to in tos:
            for from_when, source in sources:
                with x.under(all_of(filled, to_when, from_when)):
                    dims, domain = x.place_with(x.indices.used(source))
                    if domain.op != "false":
                        x.trace.alignments.append(Alignment(s.src.object, source, size, dims, domain, s.src.span))
                        _accesses(x, s, to, source, (size - zeros) // item)


def _accesses(x: Executor, s: ir.AsyncCopy, to: Affine, source: Affine, copied: int) -> None:
    """`copied`: how many elements are read; the others are zero."""
    t, n = s.dst.type, s.dst.count
    nodes: list[Node] = []
    if copied == n:
        event = x.access(False, s.src.object, source, t, n, ASYNC, s.src.span, ref=s.src)
        nodes = [Node("fetch", t.bits, event, index=(Affine.of(i),)) for i in range(n)]
    else:
        for i in range(copied):
            at = source + i * t.bytes
            event = x.access(False, s.src.object, at, t, 1, ASYNC, s.src.span, ref=s.src)
            nodes.append(Node("fetch", t.bits, event, index=(Affine.of(0),)))
    nodes += [node_const(0, t.bits)] * (n - copied)
    x.access(True, s.dst.object, to, t, n, ASYNC, s.dst.span, tuple(nodes), ref=s.dst)


def _fills(x: Executor, s: ir.AsyncCopy, size: int, item: int) -> Iterator[tuple[Formula, int]]:
    """How many bytes at the end are zero, by disjoint conditions that cover; what is no such number is an obligation."""
    if s.zero_fill is None:
        yield TRUE, 0
        return
    pieces: Pieces | None = x.evaluator.value(s.zero_fill).pieces
    if pieces is None:
        raise Unknown("TV0541", "the zero fill of this copy depends on data", s.span, "let it depend on indices")
    for cond, a in pieces:
        whole = range(0, size + 1, item) if a.constant is None else [a.constant]
        if any(k % item for k in whole):
            help = f"fill a multiple of {item} bytes"
            raise Unknown("TV0541", "the zero fill of this copy ends inside an element", s.span, help)
        must = any_of(*(eq(a, k) for k in whole if 0 <= k <= size)) if whole else FALSE
        if not x.integers.holds(cond, must):
            x.refuse(
                RangeCheck(
                    any_of(negate(cond), must),
                    "the zero fill is longer than the copy, or negative",
                    s.span,
                    "let it lie between 0 and the size of the copy",
                )
            )
        for k in whole:
            if 0 <= k <= size:
                yield all_of(cond, eq(a, k)), k


# ------------------------------------------------------------------------------------------------ when they are complete
class Completions:
    """For every copy of a trace the time of the wait that completes it, a map over its instances; none where nothing does.

    Raises Unknown (TV0403) where that costs too much.
    """

    def __init__(self, sets: Sets, trace: Trace, arity: int) -> None:
        self.sets, self.trace, self.arity = sets, trace, arity
        self.dims = trace.space.dims
        if any(a.mode == ASYNC for a in trace.accesses):
            self.dims = self._telling()
            sets.declare("At", len(self.dims) + arity)
            commits = self._reached([g for g in trace.groups if g.pending is None])
            waits: dict[int, Set] = {}
            for n in {g.pending for g in trace.groups if g.pending is not None}:
                reached = self._reached([g for g in trace.groups if g.pending == n])
                if reached is not None:
                    waits[n] = reached
            self.waits = Waits(sets, "At", len(self.dims), commits, waits)
            self.groups = completion(self.waits)

    def _telling(self) -> tuple[str, ...]:
        """The coordinates of a thread that decide which commits and waits it reaches, and those of its block.

        The others may be left out: where no set of events of the launch's threads changes when they do, threads that differ in
        them alone have their events at the same times, and so the same first one after a time. Orders inside a warp ask for all.
        """
        space, sets = self.trace.space, self.sets
        if any(b.scope == "warp" for b in self.trace.barriers):
            return space.dims
        names = (*space.dims, *(f"t{i}_" for i in range(self.arity)))
        threads = sets.set("AtAll", names, space.domain)
        events = [
            sets.range(self.at(f"E_{i}", g.dims, g.domain, g.time, "AtAll")) for i, g in enumerate(self.trace.groups)
        ]
        told = space.thread_dims
        if all(indifferent(sets, e, threads, [space.dims.index(d) for d in told]) for e in events):
            return space.block_dims
        idle: list[str] = []
        for d in told:
            places = [space.dims.index(x) for x in (*idle, d)]
            if all(indifferent(sets, e, threads, places) for e in events):
                idle.append(d)
        return tuple(d for d in space.dims if d not in idle)

    def _reached(self, events: list[GroupEvent]) -> Set | None:
        out: Set | None = None
        for i, g in enumerate(events):
            s = self.sets.range(
                self.at(f"{'C' if g.pending is None else f'W{g.pending}'}_{i}", g.dims, g.domain, g.time)
            )
            out = s if out is None else self.sets.join(out, s)
        return out

    def at(self, name: str, dims: tuple[str, ...], domain: Formula, time: Time, out: str = "At") -> Map:
        """Instances -> thread (what tells of it) and time, in which one thread's events are ordered."""
        pad = [Affine.of(0)] * (self.arity - len(time))
        return self.sets.map(name, dims, domain, out, [*(Affine.dim(d) for d in self.dims), *time, *pad])

    def of(self, name: str, dims: tuple[str, ...], domain: Formula, a: Access) -> Map | None:
        """Instances of the unit `name` of a copy -> `At` of their completion. Of threads of the launch: only of these `dims` tell."""
        if self.groups is None:
            return None
        here = all_of(domain, self.trace.space.domain)
        closed = first_after(self.waits, self.at(name, dims, here, a.time))
        return None if closed is None else self.sets.compose(closed, self.groups)

    def seen(self, done: Map, out: str, columns: list[str]) -> Map:
        """`done` with `At` cut to the block coordinates (or others that tell) named in `columns` and time, as tuple `out`."""
        names = (*self.dims, *(f"t{i}_" for i in range(self.arity)))
        kept = [Affine.of(0) if c == "0" else Affine.dim(c) for c in columns]
        image = [*kept, *(Affine.dim(n) for n in names[len(self.dims) :])]
        return self.sets.compose(done, self.sets.map("At", names, TRUE, out, image))

    def time(self, done: Map | None, unit: str, dims: tuple[str, ...], domain: Formula) -> Map:
        """When the destination is written: at completion; at the end of all time where that never comes."""
        late = self.sets.map(unit, dims, domain, "Time", [Affine.of(1)] + [Affine.of(0)] * self.arity)
        if done is None:
            return late
        rest = self.sets.minus(self.sets.set(unit, dims, domain), self.sets.domain(done))
        return self.sets.join(self.seen(done, "Time", ["0"]), self.sets.restrict_domain(late, rest))
