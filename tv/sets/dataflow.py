"""Who wrote the value that is read here: exact dataflow on index sets, with isl's silent losses turned into errors (S1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce

import islpy as isl

from tv.diagnostic import Unknown
from tv.sets.algebra import Sets
from tv.sets.last_write import guess
from tv.sets.spaces import Map, Set, tidy

_D = isl.dim_type


@dataclass(frozen=True, slots=True)
class Touch:
    """One access: its unit's instances -> cells, and -> times (same arity everywhere)."""

    unit: str
    cells: Map
    time: Map


@dataclass(frozen=True, slots=True)
class Source:
    """The last writes of one statement: reader instance -> `unit`'s instance, and for which readers."""

    unit: str
    instances: Map
    domain: Set


@dataclass(frozen=True, slots=True)
class Sources:
    """Of one read: its last writers, by disjoint domains; `none`: instances that no write precedes."""

    writers: tuple[Source, ...]
    none: Set | None


class SameTime(Exception):
    """Two writes of one cell at one time: no order between them, so no dataflow. pair: instances of `a` and `b`."""

    def __init__(self, a: str, b: str, pair: Map) -> None:
        super().__init__(f"{a} and {b} write one cell at one time")
        self.a, self.b, self.pair = a, b, pair


def dataflow(sets: Sets, reads: list[Touch], writes: list[Touch]) -> dict[str, Sources]:
    """For every read (by unit name) its last writers. The answer partitions each read's domain exactly, or Unknown.

    Raises SameTime where two different writes of one cell share a time.
    """
    if not writes:
        return {r.unit: Sources((), sets.domain(r.cells)) for r in reads}
    with sets._ask("order of accesses"):
        _check_schedule(sets, reads + writes)
        _check_distinct_times(sets, writes)

    @cache
    def once(i: int) -> bool:
        return bool(writes[i].cells.is_injective())

    found = {r.unit: _guessed(sets, r, writes, once) for r in reads}
    left = [r for r in reads if found[r.unit] is None]
    return {u: s for u, s in found.items() if s is not None} | maximised(sets, left, writes)


def maximised(sets: Sets, reads: list[Touch], writes: list[Touch]) -> dict[str, Sources]:
    """isl's own dataflow, which always has an answer, in many pieces where accesses go through digits."""
    if not reads:
        return {}
    with sets._ask("dataflow"):
        return _partition(sets, reads, _flow(reads, writes))


def _guessed(sets: Sets, read: Touch, writes: list[Touch], once: Callable[[int], bool]) -> Sources | None:
    answer = guess(sets, (read.cells, read.time), [(w.cells, w.time) for w in writes], once)
    if answer is None:
        return None
    found = [Source(w.unit, *x) for w, x in zip(writes, answer[0], strict=True) if x is not None]
    none = None if sets.empty(answer[1]) else answer[1]
    return Sources(tuple(sorted(found, key=lambda s: s.unit)), none)


def _check_schedule(sets: Sets, touches: list[Touch]) -> None:
    arities = {t.time.dim(_D.out) for t in touches}
    if len(arities) != 1:
        raise Unknown("TV0405", "schedule tuples of different length")
    for t in touches:
        if (
            not t.cells.domain().is_subset(t.time.domain())
            or not t.time.is_single_valued()
            or not t.cells.is_single_valued()
        ):
            raise Unknown("TV0405", f"access {t.unit} is not inside its schedule")


def _check_distinct_times(sets: Sets, writes: list[Touch]) -> None:
    timed = [(w, w.cells.range_product(w.time)) for w in writes]
    for i, (w, m) in enumerate(timed):
        if not m.is_injective():
            pairs = m.apply_range(m.reverse())
            raise SameTime(w.unit, w.unit, pairs.subtract(pairs.domain().identity()))
        for v, n in timed[i + 1 :]:
            if not m.range().intersect(n.range()).is_empty():
                raise SameTime(w.unit, v.unit, m.apply_range(n.reverse()))


def _flow(reads: list[Touch], writes: list[Touch]) -> tuple[list[Map], list[Map]]:
    sources = [w.cells for w in writes]
    sinks, times = [], [w.time.intersect_domain(w.cells.domain()) for w in writes]
    for r in reads:  # one tuple a read: no two share one, and none is lost as a duplicate
        alias = f"rd_{r.unit}"
        sinks.append(r.cells.set_tuple_name(_D.in_, alias))
        times.append(r.time.intersect_domain(r.cells.domain()).set_tuple_name(_D.in_, alias))
    access = isl.UnionAccessInfo.from_sink(_union(sinks))
    info = access.set_must_source(_union(sources)).set_schedule_map(_union(times)).compute_flow()
    found: list[Map] = []
    none: list[Map] = []
    info.get_must_dependence().reverse().foreach_map(found.append)
    info.get_must_no_source().foreach_map(none.append)
    return found, none


def _union(maps: list[Map]) -> isl.UnionMap:
    return reduce(lambda u, m: u.union(isl.UnionMap.from_map(m)), maps[1:], isl.UnionMap.from_map(maps[0]))


def _partition(sets: Sets, reads: list[Touch], flow: tuple[list[Map], list[Map]]) -> dict[str, Sources]:
    by_alias = {f"rd_{r.unit}": r for r in reads}
    writers: dict[str, list[tuple[str, Map]]] = {r.unit: [] for r in reads}
    none: dict[str, Set] = {}
    for m in flow[0]:
        m = tidy(m)
        if not m.is_single_valued():
            raise Unknown("TV0405", "dataflow gives several writers for one read")
        unit = by_alias[m.get_tuple_name(_D.in_)].unit
        writers[unit].append((m.get_tuple_name(_D.out), m.set_tuple_name(_D.in_, unit)))
    for m in flow[1]:
        unit = by_alias[m.get_tuple_name(_D.in_)].unit
        s = tidy(m.domain()).set_tuple_name(unit)
        none[unit] = none[unit].union(s) if unit in none else s
    out: dict[str, Sources] = {}
    for r in reads:
        parts = [m.domain() for _, m in writers[r.unit]] + ([none[r.unit]] if r.unit in none else [])
        for i, p in enumerate(parts):
            if any(not p.intersect(q).is_empty() for q in parts[i + 1 :]):
                raise Unknown("TV0405", "dataflow sources overlap")
        whole = r.cells.domain()
        if not parts:
            if not whole.is_empty():
                raise Unknown("TV0405", "dataflow lost a read")
        elif not reduce(lambda a, b: a.union(b), parts).is_equal(whole):
            raise Unknown("TV0405", "dataflow lost part of a read")
        found = [Source(w, m, tidy(m.domain())) for w, m in sorted(writers[r.unit], key=lambda x: x[0])]
        out[r.unit] = Sources(tuple(found), none.get(r.unit))
    return out
