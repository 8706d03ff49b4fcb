"""Races: pairs of accesses of one cell, one a write, by different threads, with no barrier strictly between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from tv.kernel import Space
from tv.obligation import Obligation, Status, Witness
from tv.sets import Affine, Map, Set
from tv.sets.formulas import Formula, all_of, any_of, eq, negate
from tv.sets.ordering import Apart, Placed, apart, conflicts, head, head_set, lex_less
from tv.symexec.build import AccessMap, Program
from tv.symexec.carving import whole
from tv.symexec.events import Access, BarrierEvent
from tv.symexec.obligations import failing, thread_of
from tv.symexec.threads.arrivals import Group
from tv.symexec.threads.copies import ASYNC
from tv.symexec.threads.handover import Handover
from tv.symexec.threads.roles import is_role
from tv.symexec.warps.order import WarpOrder, side, warp_coordinates


class Races:
    """groups: of blocks of which the last to arrive at a counter goes on."""

    def __init__(self, program: Program, groups: Sequence[Group] = ()) -> None:
        self.program, self.sets, self.groups = program, program.system.sets, list(groups)
        self.handover: Handover | None = None
        self.pairings: list[tuple[Map, Map, bool]] = []  # threads, order of their times, whether they are of one block
        self.outside: dict[frozenset[str], list[Apart]] = {}
        self.whole: dict[str, Placed] = {}
        self.alone: Apart | None = None
        self.shared = {
            u: m
            for u, m in program.accesses.items()
            if m.access.mode != "final" and program.objects[m.access.object].space is not Space.LOCAL
        }
        self.blocks = len(program.trace.space.block_dims)

    @property
    def assumptions(self) -> list[str]:
        return [] if self.handover is None else self.handover.assumptions

    def obligations(self) -> list[Obligation]:
        name = self.program.trace.kernel.name
        bad = [*self.stale_reads(), *self.exchanged(), *self.pairs()]
        return bad or [Obligation(f"{name}.race", "race", Status.PROVED, self.program.trace.kernel.span)]

    def stale_reads(self) -> list[Obligation]:
        """Reads through the read-only path must not meet anything that the launch writes (S5)."""
        out, sets = [], self.sets
        writes = [m for m in self.shared.values() if m.access.write]
        for m in self.shared.values():
            if m.access.mode != "readonly" and not m.access.noncoherent:
                continue
            for n in writes:
                if n.access.object == m.access.object and not sets.empty(sets.compose(m.cells, sets.reverse(n.cells))):
                    way = "is read through the read-only path here"
                    help = "drop `__restrict__ const` or `__ldg` from this read"
                    if m.access.noncoherent:
                        way = "may be read through the read-only path here, in one load with memory that is only read,"
                        help = "drop `__restrict__` from the other pointer, or read both by `__ldcg`"
                    text = f"`{m.access.object}` {way} and written in the same launch at line {n.access.span.line}"
                    wit = Witness(object=m.access.object, spans=(m.access.span, n.access.span))
                    out.append(
                        failing(
                            "race",
                            f"{self.program.trace.kernel.name}.{m.access.object}.race",
                            m.access.span,
                            text,
                            help,
                            wit,
                        )
                    )
        return out

    def exchanged(self) -> list[Obligation]:
        """What is accessed through a `__restrict__` pointer is in its scope not accessed past it where it is written (S5).

        Whatever thread or round accesses it: compilers move such accesses across loops and barriers.
        """
        based: dict[tuple[str, str], list[AccessMap]] = {}
        past: dict[tuple[str, str], list[AccessMap]] = {}
        for m in self.program.accesses.values():
            for pointer, own in m.access.claims:
                (based if own else past).setdefault((m.access.object, pointer), []).append(m)
        out, name = [], self.program.trace.kernel.name
        for key, ones in based.items():
            for m, n in ((m, n) for m in ones for n in past.get(key, []) if m.access.write or n.access.write):
                if self.sets.disjoint(self.sets.range(m.cells), self.sets.range(n.cells)):
                    continue
                obj, line = key[0], n.access.span.line
                text = f"`{obj}` is accessed through a `__restrict__` pointer here, and past it at line {line}"
                wit = Witness(object=obj, spans=(m.access.span, n.access.span))
                help = "drop `__restrict__`, or access the memory through that pointer alone"
                out.append(failing("race", f"{name}.{obj}.race", m.access.span, text, help, wit))
        return out

    # -------------------------------------------------------------- pairs
    def pairs(self) -> list[Obligation]:
        by_object: dict[str, list[str]] = {}
        for u, m in self.shared.items():
            by_object.setdefault(m.access.object, []).append(u)
        busy = {o: us for o, us in by_object.items() if any(self.shared[u].access.write for u in us)}
        if not busy:
            return []
        self.prepare([u for us in busy.values() for u in us])
        out = []
        for obj, units in busy.items():
            writes = [u for u in units if self.shared[u].access.write]
            for i, w in enumerate(writes):
                for o in writes[i:] + [u for u in units if not self.shared[u].access.write]:
                    if self.both_atomic(self.shared[w].access, self.shared[o].access):
                        continue
                    found = self.race(obj, w, o)
                    if found is not None:
                        out.append(found)
        return out

    def both_atomic(self, a: Access, b: Access) -> bool:
        """Atomics on the very same bytes, each of a scope that holds both threads: these are in some order."""
        wide = all(
            x.scope in ("device", "system") or self.program.objects[x.object].space is Space.SHARED for x in (a, b)
        )
        return a.mode == b.mode == "atomic" and a.type.bytes == b.type.bytes and wide

    def race(self, obj: str, a: str, b: str) -> Obligation | None:
        pointers = frozenset(self.shared[a].access.restricted + self.shared[b].access.restricted)
        if pointers and any(not pointers.isdisjoint(e.inside) for e, _, _ in self.program.barriers):
            exchanged = self.exchange(obj, a, b, pointers)
            if exchanged is not None:
                return exchanged
        x, y = self.shared[a].access, self.shared[b].access
        _, bad = conflicts(self.sets, self.placed[a], self.placed[b], self.apart)
        if bad is None and self.mates is not None:
            _, bad = conflicts(self.sets, self.mates.placed[a], self.mates.placed[b], self.mates.apart)
        if bad is None and ASYNC in (x.mode, y.mode):
            _, bad = conflicts(self.sets, self.timed(a), self.timed(b), [self.own()])
        if bad is None and self.handover is not None:
            bad = self.not_handed_over(self.handover, a, b)
        if bad is None:
            return None
        point, obj = self.sets.sample(bad), whole(obj)
        verb = "written" if y.write else "read"
        other = f"line {y.span.line}" if y.span.line != x.span.line else "the same line"
        text = f"`{obj}` is written here by one thread and {verb} at {other} by another, with no barrier between"
        help = "put a barrier between the two accesses"
        if ASYNC in (x.mode, y.mode):
            text, help = during_copy(obj, x, y, other)
        id = f"{self.program.trace.kernel.name}.{obj}.race"
        return failing("race", id, x.span, text, help, self.witness(a, b, obj, point))

    def exchange(self, obj: str, a: str, b: str, pointers: frozenset[str]) -> Obligation | None:
        """What one thread reaches through its own `__restrict__` pointer no other thread accesses in the pointer's scope, where one of
        them writes: barriers in that scope order nothing (S5)."""
        x, y = self.shared[a].access, self.shared[b].access
        _, bad = conflicts(self.sets, self.placed[a], self.placed[b], self.past_barriers(pointers))
        if bad is None:
            return None
        verb = "written" if y.write else "read"
        other = f"line {y.span.line}" if y.span.line != x.span.line else "the same line"
        text = (
            f"`{obj}` is written here by one thread and {verb} at {other} by another, through a `__restrict__` pointer, "
            "whose accesses a compiler moves across barriers"
        )
        wit = self.witness(a, b, obj, self.sets.sample(bad))
        help = "drop `__restrict__` from the pointer"
        return failing("race", f"{self.program.trace.kernel.name}.{obj}.race", x.span, text, help, wit)

    def past_barriers(self, pointers: frozenset[str]) -> list[Apart]:
        """Pairs of threads, and what orders their accesses apart from the barriers in the scopes of these pointers."""
        if pointers not in self.outside:
            left = [(b, u) for b, u, _ in self.program.barriers if pointers.isdisjoint(b.inside)]
            grid, block = (
                [
                    head_set(self.sets, self.time(b, u), self.keep, f"When{self.keep}")
                    for b, u in left
                    if b.scope == scope
                ]
                for scope in ("grid", "block")
            )
            self.outside[pointers] = [
                apart(self.sets, t, less, grid + (block if mates else [])) for t, less, mates in self.pairings
            ]
        return self.outside[pointers]

    def witness(self, a: str, b: str, obj: str, point: dict[str, int] | None) -> Witness:
        if point is None:
            return Witness(object=obj)
        units = self.program.system.units
        symbols = {s: point[s] for s in self.sets.symbols if not is_role(s)}
        first = {d: point[f"in_{i}"] for i, d in enumerate(units[a].scope.dims)}
        second = {d: point[f"out_{i}"] for i, d in enumerate(units[b].scope.dims)}
        pair = (thread_of(self.program, first, symbols), thread_of(self.program, second, symbols))
        threads = () if self.program.trace.space.recast else pair
        return Witness(symbols, threads, obj, (), "", (units[a].span, units[b].span))

    # -------------------------------------------------------------- order
    def prepare(self, units: list[str]) -> None:
        """When = block coordinates then as much of time as keeps barriers and accesses apart; relations of thread pairs."""
        sets, p = self.sets, self.program
        self.pairings, self.outside, self.whole = [], {}, {}
        barriers = {scope: self.times(scope) for scope in ("grid", "block")}
        whens = {u: self.when(u) for u in units}
        ends = {u: self.done(u) for u in units if u in p.copies}
        keep = self.shortest([*whens.values(), *ends.values()], [b for each in barriers.values() for b in each])
        name = f"When{keep}"
        self.placed = {}
        for u in units:
            thread = p.system.units[u].thread
            assert thread is not None
            done = head(sets, ends[u], keep, name) if u in ends else None
            lasting = p.accesses[u].access.mode == ASYNC
            self.placed[u] = Placed(u, p.accesses[u].cells, head(sets, whens[u], keep, name), thread, done, lasting)
        sets.declare(name, keep)
        cut = {s: [head_set(sets, b, keep, name) for b in each] for s, each in barriers.items()}
        self.keep, self.apart = keep, list[Apart]()
        dims = p.trace.space.dims
        if self.blocks:
            others = self.threads(differ(dims[: self.blocks]))
            free = lex_less(sets, name, self.blocks, tied=False)
            kind = apart(sets, others, free, cut["grid"])
            self.pairings.append((others, free, False))
            if self.groups:
                self.others, self.handover = kind, Handover(p, self.groups, self.joined(barriers["block"]))
            else:
                self.apart.append(kind)
        same_block, less = same(dims[: self.blocks]), lex_less(sets, name, self.blocks, tied=True)
        together = [*cut["grid"], *cut["block"]]
        self.pairings.append((self.threads(all_of(same_block, differ(p.trace.space.thread_dims))), less, True))
        self.mates: WarpOrder | None = None
        apart_in_block = differ(p.trace.space.thread_dims)
        if any(b.scope == "warp" for b, _, _ in p.barriers):
            self.mates = WarpOrder(p, self.placed)
            apart_in_block = any_of(*(negate(eq(side(a, p, 1), side(a, p, 2))) for a in warp_coordinates(p)))
        self.apart.append(apart(sets, self.threads(all_of(same_block, apart_in_block)), less, together))

    def not_handed_over(self, handover: Handover, a: str, b: str) -> Map | None:
        """Conflicting accesses of two blocks of which neither waits for the other's by a counter either."""
        _, bad = conflicts(self.sets, self.placed[a], self.placed[b], [self.others])
        for first, second, turned in ((a, b, False), (b, a, True)):
            ordered = None if bad is None else handover.ordered(first, second)
            if bad is not None and ordered is not None:
                bad = self.sets.minus(bad, self.sets.reverse(ordered) if turned else ordered)
        return None if bad is None or self.sets.empty(bad) else bad

    # -------------------------------------------------------------- one thread and its copies
    def timed(self, u: str) -> Placed:
        """The access with the whole of its time: as its own thread sees it."""
        if u not in self.whole:
            done = self.done(u) if u in self.program.copies else None
            self.whole[u] = replace(self.placed[u], when=self.when(u), done=done)
        return self.whole[u]

    def own(self) -> Apart:
        """A thread and itself: its accesses are ordered as its text has them, but for what a copy does meanwhile."""
        if self.alone is None:
            dims = self.program.trace.space.dims
            self.alone = Apart(self.threads(same(dims)), (lex_less(self.sets, "When", self.blocks, tied=True),))
        return self.alone

    def done(self, u: str) -> Map:
        """Of a copy: instances -> `When` of its completion."""
        p = self.program
        assert p.completions is not None
        return p.completions.seen(p.copies[u], "When", list(p.trace.space.block_dims))

    def threads(self, cond: Formula) -> Map:
        dims = self.program.trace.space.dims
        return self.sets.relation(
            "Thread", tuple(f"{d}_1" for d in dims), "Thread", tuple(f"{d}_2" for d in dims), cond
        )

    def joined(self, each: list[Set]) -> Set | None:
        return reduce(self.sets.join, each) if each else None

    def when(self, u: str) -> Map:
        scope = self.program.system.units[u].scope
        a = self.program.accesses[u].access
        return self.when_map(scope.name, scope.dims, scope.domain, a.time)

    def when_map(self, name: str, dims: tuple[str, ...], domain: Formula, time: tuple[Affine, ...]) -> Map:
        blocks = [Affine.dim(d) for d in self.program.trace.space.block_dims]
        pad = [Affine.of(0)] * (self.program.time_arity - 1 - len(time))
        return self.sets.map(name, dims, domain, "When", [*blocks, *time, *pad])

    def times(self, scope: str) -> list[Set]:
        """When each barrier of a scope is passed."""
        return [self.time(b, unit) for b, unit, _ in self.program.barriers if b.scope == scope]

    def time(self, b: BarrierEvent, unit: str) -> Set:
        """When a barrier is passed."""
        return self.sets.range(self.when_map(unit, b.dims, b.domain, b.time))

    def shortest(self, whens: list[Map], barriers: list[Set]) -> int:
        """The shortest prefix of `When` on which no access coincides with a barrier: fewer coordinates, fewer pieces."""
        full = self.sets.arity("When")
        for keep in range(self.blocks + 1, full):
            name = f"When{keep}"
            cut = [head_set(self.sets, b, keep, name) for b in barriers]
            images = [self.sets.range(head(self.sets, m, keep, name)) for m in whens]
            if all(self.sets.disjoint(i, b) for i in images for b in cut):
                return keep
        return full


def during_copy(obj: str, x: Access, y: Access, other: str) -> tuple[str, str]:
    """x writes, y is on the line `other`; one of them is part of an asynchronous copy."""
    if x.mode == ASYNC:
        verb = "written" if y.write else "read"
        return (
            f"`{obj}` is copied to asynchronously here and {verb} at {other}, with no wait and barrier between",
            "wait for the copy's group, then let all threads pass a barrier; and a barrier before the next copy to the same cells",
        )
    return (
        f"`{obj}` is written here while the asynchronous copy at {other} may be under way",
        "keep the copy's source and destination as they are until its group was waited for, and a barrier passed",
    )


def same(dims: tuple[str, ...]) -> Formula:
    return all_of(*(eq(Affine.dim(f"{d}_1"), Affine.dim(f"{d}_2")) for d in dims))


def differ(dims: tuple[str, ...]) -> Formula:
    return any_of(*(negate(eq(Affine.dim(f"{d}_1"), Affine.dim(f"{d}_2"))) for d in dims))
