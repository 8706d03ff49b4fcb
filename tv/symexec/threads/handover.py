"""What a block that arrives last is ordered after: everything that the blocks of its group have released before they arrived.

An access is released where a device fence stands between it and its block's arrival: in the arriving thread, with a block barrier
between the access and the fence if another thread made it; or in every thread of the block, with a barrier between the fence
and the arrival. The last is no release by itself, for the fence is not the arriving thread's: it needs a fence on the other side
too (`__threadfence` is a sequentially consistent fence: such fences of two threads are in one order that agrees with what the
atomics saw). It is acquired the other way round. Volatile reads of the last block see what was released without an
acquire: the load goes to memory, after the barrier that follows the atomic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce

from tv.sets import Affine, Map, Set
from tv.sets.formulas import Formula, all_of
from tv.sets.ordering import lex_less
from tv.symexec.build import Program
from tv.symexec.events import Time
from tv.symexec.obligations import missing_members
from tv.symexec.threads.arrivals import WIDE, Group
from tv.symexec.threads.copies import ASYNC

RELEASING = ("release", "acq_rel", "seq_cst")
ACQUIRING = ("acquire", "acq_rel", "seq_cst")
# How an access is released and how acquired: by a fence of the arriving thread, by fences of all threads, by the arrival's own order
# (or a volatile read). Fences of other threads are ordered with fences only.
PAIRED = (
    ("fence", "fence"),
    ("fence", "fences"),
    ("fence", "order"),
    ("fences", "fence"),
    ("fences", "fences"),
    ("order", "fence"),
    ("order", "order"),
)


class Handover:
    """barriers: instances of block barriers, as their block's coordinates and their time (`When`)."""

    def __init__(self, program: Program, groups: list[Group], barriers: Set | None) -> None:
        self.program, self.sets, self.groups = program, program.system.sets, groups
        self.less = lex_less(self.sets, "When", len(program.trace.space.block_dims), tied=True)
        self.barriers = barriers
        self.memo: dict[tuple[str, ...], Map | None] = {}
        self.assumptions: list[str] = []

    def ordered(self, a: str, b: str) -> Map | None:
        """Pairs of instances of the accesses a and b of which the first is before the second; None: none are."""
        found = [m for g in self.groups if (m := self._through(g, a, b)) is not None]
        return reduce(self.sets.join, found) if found else None

    def _through(self, g: Group, a: str, b: str) -> Map | None:
        counter = g.arrival.access
        saw = a == counter and self.program.accesses[b].access.object == g.arrival.counter
        partners = self.once(lambda: self.partners(g), "partners", counter)
        assert partners is not None
        found: list[Map] = []
        for given, taken in PAIRED:
            release = self.once(partial(self.released, g, a, given), "released", counter, a, given)
            acquire = self.once(partial(self.acquired, g, b, saw, taken), "acquired", counter, b, str(saw), taken)
            if release is not None and acquire is not None:
                found.append(self.sets.compose(self.sets.compose(release, partners), self.sets.reverse(acquire)))
        return reduce(self.sets.join, found) if found else None

    def once(self, find: Callable[[], Map | None], *key: str) -> Map | None:
        if key not in self.memo:
            self.memo[key] = find()
        return self.memo[key]

    # -------------------------------------------------------------- points in time
    def when(self, name: str, dims: tuple[str, ...], domain: Formula, time: Time) -> Map:
        blocks = [Affine.dim(d) for d in self.program.trace.space.block_dims]
        pad = [Affine.of(0)] * (self.program.time_arity - 1 - len(time))
        return self.sets.map(name, dims, domain, "When", [*blocks, *time, *pad])

    def of(self, unit: str) -> Map:
        scope = self.program.system.units[unit].scope
        return self.when(scope.name, scope.dims, scope.domain, self.program.accesses[unit].access.time)

    def partners(self, g: Group) -> Map:
        """Arrival -> arrival of the last block of its group."""
        sets, a = self.sets, g.arrival
        scope = self.program.system.units[a.access].scope
        when = self.of(a.access)
        last = self.when(scope.name, scope.dims, all_of(scope.domain, a.role), g.access.access.time)
        met = sets.compose(g.access.cells, sets.reverse(g.access.cells))
        return sets.compose(sets.reverse(when), sets.compose(met, last))

    def own_fences(self, g: Group) -> Set | None:
        """Device fences of the thread that arrives."""
        found = [
            self.sets.range(self.when(u, f.dims, all_of(f.domain, g.thread), f.time))
            for f, u, _ in self.program.fences
            if f.scope in WIDE
        ]
        return reduce(self.sets.join, found) if found else None

    def all_fences(self) -> Set | None:
        """Device fences that all threads of a block execute."""
        p, out = self.program, []
        for f, u, domain in p.fences:
            missing = missing_members(self.sets, p, u, f.dims, domain, p.trace.space.thread_dims)
            if f.scope in WIDE and self.sets.empty(missing):
                out.append(self.sets.range(self.when(u, f.dims, f.domain, f.time)))
        return reduce(self.sets.join, out) if out else None

    # -------------------------------------------------------------- release and acquire
    def path(self, start: Set | None, *via: Set | None) -> Map | None:
        """Points each later than the one before, of one block: from any point (start None) or one of `start`, through one of
        each of `via`. None where there are no such points."""
        points = [v for v in via if v is not None]
        if len(points) != len(via):
            return None
        m = self.less
        for i, v in enumerate(reversed(points)):  # from the end: few fences and arrivals, many barriers
            m = self.sets.restrict_range(self.less, v) if i == 0 else self.sets.compose(self.less, m)
            if i + 1 < len(points):
                m = self.sets.restrict_domain(m, points[-2 - i])
        return m if start is None else self.sets.restrict_domain(m, start)

    def by_arriver(self, g: Group, unit: str) -> Map:
        """When, of the instances that the arriving thread executes."""
        scope = self.program.system.units[unit].scope
        return self.when(unit, scope.dims, all_of(scope.domain, g.thread), self.program.accesses[unit].access.time)

    def released(self, g: Group, unit: str, way: str) -> Map | None:
        """Instances of an access -> arrivals of their block before which they are released in one of the ways of `PAIRED`."""
        sets, here = self.sets, self.sets.range(self.of(g.arrival.access))
        when = self.of(unit)
        start = sets.range(when)
        if unit == g.arrival.access:
            return when
        if self.program.accesses[unit].access.mode == ASYNC:
            return None  # it reads and writes until it is waited for
        ways: list[Map | None] = []
        match way:
            case "fence":
                ways.append(self._then(when, self.path(start, self.barriers, self.own_fences(g), here)))
                ways.append(self._then(self.by_arriver(g, unit), self.path(start, self.own_fences(g), here)))
            case "fences":
                ways.append(self._then(when, self.path(start, self.all_fences(), self.barriers, here)))
            case "order" if g.arrival.order in RELEASING:
                ways.append(self._then(when, self.path(start, self.barriers, here)))
                ways.append(self._then(self.by_arriver(g, unit), self.path(start, here)))
        found = [w for w in ways if w is not None]
        return reduce(sets.join, found) if found else None

    def acquired(self, g: Group, unit: str, saw: bool, way: str) -> Map | None:
        """Instances of an access -> arrivals of their block after which they are acquired, in one of the ways of `PAIRED`. saw: an
        access to the counter, which comes after every arrival that its block's own has seen."""
        sets, here = self.sets, self.sets.range(self.of(g.arrival.access))
        when, back = self.of(unit), list[tuple[bool, tuple[Set | None, ...]]]()
        access = self.program.accesses[unit].access
        unfenced = access.mode == "volatile" and not access.write
        match way:
            case "fence":
                back += [(False, (self.own_fences(g), self.barriers)), (True, (self.own_fences(g),))]
            case "fences":
                back.append((False, (self.barriers, self.all_fences())))
            case "order" if g.arrival.order in ACQUIRING or saw:
                back += [(False, (self.barriers,)), (True, ())]
            case "order" if unfenced:
                self.assumptions.append(
                    "a volatile read after an atomic and a block barrier sees what that atomic saw released"
                )
                back.append((False, (self.barriers,)))
        ways: list[Map | None] = []
        for arriver, points in back:
            end = self.by_arriver(g, unit) if arriver else when
            m = self.path(here, *points, sets.range(end))
            ways.append(None if m is None else sets.compose(end, sets.reverse(m)))
        found = [w for w in ways if w is not None]
        return reduce(sets.join, found) if found else None

    def _then(self, when: Map, way: Map | None) -> Map | None:
        return None if way is None else self.sets.compose(when, way)
