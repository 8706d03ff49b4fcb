"""A launch that is repeated as it stands: what the caller zeroed once has to be zero again when the launch ends."""

from __future__ import annotations

from functools import reduce

from tv.kernel import Space
from tv.obligation import Obligation, Status
from tv.sets import Affine, Map, SameTime, Set, Touch, dataflow
from tv.sets.formulas import TRUE, Formula
from tv.source import Span
from tv.symexec.build import AccessMap, Program
from tv.symexec.threads.races import Races
from tv.symexec.threads.tallies import surely_before

HELP = "store 0 there when nothing reads it any more, by the last block for instance, or leave out `relaunch = true`"


def left_zero(program: Program, races: Races) -> list[Obligation]:
    """One obligation for each zeroed buffer that may hold something else at the end, or a proved one. After `resolve` and
    `races.obligations`."""
    name, bad = program.trace.kernel.name, list[Obligation]()
    for obj, cells in program.objects.items():
        span = _unclean(program, races, obj) if cells.content == "zero" and cells.space is Space.GLOBAL else None
        if span is not None:
            text = f"`{obj}` may not be zero again when the launch ends, and a repeated launch starts from what it left"
            bad.append(Obligation(f"{name}.{obj}.relaunch", "coverage", Status.UNKNOWN, span, text, HELP))
    return bad or [Obligation(f"{name}.relaunch", "coverage", Status.PROVED, program.trace.kernel.span)]


def _unclean(program: Program, races: Races, obj: str) -> Span | None:
    """Where something is written that is not shown to be zero at the end."""
    counted = [b.span for b, _, _ in program.barriers if b.counter == obj]
    if counted:
        return counted[0]
    found = {n: m for n, m in program.accesses.items() if m.access.object == obj and m.access.write}
    stores = {n: m for n, m in found.items() if m.access.mode != "atomic" or _clears(program, races, obj, n, found)}
    try:
        last = _last_stores(program, obj, stores)
    except SameTime as e:  # atomic exchanges of one cell, in no order
        return stores[e.a].access.span
    for name, s in last.items():
        if not program.system.sets.empty(s) and not _is_zero(program, name):
            return stores[name].access.span
    for name, m in found.items():
        if name not in stores and not _cleared(program, name, m, last):
            return m.access.span
    return None


def _last_stores(program: Program, obj: str, stores: dict[str, AccessMap]) -> dict[str, Set]:
    """The cells whose last plain store is the unit's."""
    if not stores:
        return {}
    sets, cells, units = program.system.sets, program.objects[obj], program.system.units
    name, dims = f"AGAIN_{cells.name}", tuple(f"c{i}" for i in range(cells.arity))
    inside: Formula = cells.domain(dims, TRUE)
    here: Map = sets.map(name, dims, inside, cells.name, [Affine.dim(d) for d in dims])
    late = [Affine.of(1)] + [Affine.of(0)] * (program.time_arity - 1)
    end = Touch(name, here, sets.map(name, dims, inside, "Time", late))
    touched = []
    for n, m in stores.items():
        time = units[n].time
        assert time is not None
        touched.append(Touch(n, m.cells, time))
    found = dataflow(sets, [end], touched)[name]
    return {s.unit: sets.range(sets.compose(sets.reverse(sets.identity(s.domain)), here)) for s in found.writers}


def _is_zero(program: Program, unit: str) -> bool:
    value = program.system.units[unit].value
    return value.kind == "const" and value.bits == 0


def _clears(program: Program, races: Races, obj: str, unit: str, found: dict[str, AccessMap]) -> bool:
    """An atomic operation that leaves 0 whatever it found, and is in one order with every other write: two atomics are no race,
    and where the one stands in the text says nothing of when it happens."""
    if program.accesses[unit].access.fold or not _is_zero(program, unit):
        return False
    return all(races.race(obj, unit, other) is None for other in found if other != unit)


def _cleared(program: Program, atomic: str, m: AccessMap, last: dict[str, Set]) -> bool:
    """Is every cell of the atomic operation stored to after it, or does the operation itself start again from 0 at the end?"""
    sets, units = program.system.sets, program.system.units
    for a in program.trace.arrivals:
        if a.access == atomic and a.wraps is not None and a.wraps == a.members - 1:
            return True  # the last ticket of each group brings its counter back to 0
    later = [s for n, s in last.items() if surely_before(units[atomic], units[n])]
    return bool(later) and sets.subset(sets.range(m.cells), reduce(sets.join, later))
