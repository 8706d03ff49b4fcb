"""What a counter has to satisfy for exactly one block of each group to be the last: it starts at 0, every member adds 1 once.

The roles of a proof are symbols, one block for all groups: that is enough where what the last block of one group does meets
nothing of another group.
"""

from __future__ import annotations

from dataclasses import dataclass

from tv.diagnostic import Unknown
from tv.kernel import Space
from tv.sets import Affine, Map
from tv.sets.affine import times
from tv.sets.formulas import Formula, all_of, eq, negate, within
from tv.symexec.build import AccessMap, Program
from tv.symexec.events import Arrival
from tv.symexec.threads.roles import is_role

WIDE = ("device", "system")


@dataclass(frozen=True, slots=True)
class Group:
    """An arrival with what has been found of it: which thread arrives; Thread -> the cell of its block's counter."""

    arrival: Arrival
    access: AccessMap
    thread: Formula
    to_cell: Map


def require_counted(program: Program) -> list[Group]:
    """The groups of all arrivals. Raises Unknown (TV0531) where it is not shown that one block of each is the last."""
    groups = [_group(program, a) for a in program.trace.arrivals]
    for g in groups:
        _require_apart(program, g)
    return groups


def roles(program: Program) -> list[str]:
    return [s for s in program.system.sets.symbols if is_role(s)]


def after(program: Program, a: Arrival, unit: str) -> bool:
    """Is this unit executed by the last blocks alone?"""
    u = program.system.units[unit]
    outside = program.system.sets.set(unit, u.scope.dims, all_of(u.scope.domain, negate(a.role)))
    return program.system.sets.empty(outside)


def _group(program: Program, a: Arrival) -> Group:
    sets, access = program.system.sets, program.accesses[a.access]
    unit, space = program.system.units[a.access], program.trace.space
    point = sets.sample(unit.domain)
    if point is None or access.access.scope not in WIDE:
        raise _refused(a, "the counter is not incremented for all blocks of the device to see")
    at = {d: point[f"out_{i}"] for i, d in enumerate(unit.scope.dims)}
    thread = all_of(*(eq(Affine.dim(d), at[d]) for d in space.thread_dims))
    if not sets.subset(unit.domain, sets.set(a.access, unit.scope.dims, all_of(unit.scope.domain, thread))):
        raise _refused(a, "more than one thread of a block may increment the counter")
    _count(program, a, access)
    _others(program, a, access)
    assert unit.thread is not None
    firsts = [eq(Affine.dim(f"{d}_2"), at[d]) for d in space.thread_dims]
    same = [eq(Affine.dim(f"{d}_1"), Affine.dim(f"{d}_2")) for d in space.block_dims]
    ones, twos = tuple(f"{d}_1" for d in space.dims), tuple(f"{d}_2" for d in space.dims)
    to_first = sets.relation("Thread", ones, "Thread", twos, all_of(*same, *firsts))
    to_cell = sets.compose(to_first, sets.compose(sets.reverse(unit.thread), access.cells))
    return Group(a, access, thread, to_cell)


def _refused(a: Arrival, text: str) -> Unknown:
    help = "one thread of each block of a group adds 1 to a counter that starts at 0 and that nothing else changes meanwhile"
    return Unknown("TV0531", text, a.span, help)


def _count(program: Program, a: Arrival, access: AccessMap) -> None:
    """Every cell is incremented by as many blocks as a group has members: cell and place in the group name one block each."""
    sets, cells = program.system.sets, program.objects[a.counter]
    unit = program.system.units[a.access]
    place, scale = Affine.of(0), Affine.of(1)
    for x, size in zip(a.here, a.sizes, strict=True):
        place, scale = place + times(x, scale), times(scale, size)
    pairs = sets.pair(access.cells, sets.map(unit.name, unit.scope.dims, unit.scope.domain, "Member", [place]))
    count = sets.set("Member", ("k",), within(Affine.dim("k"), a.members))
    whole = sets.wrap(sets.product(sets.range(access.cells), count))
    if not sets.injective(pairs) or not sets.equal(sets.range(pairs), whole):
        raise _refused(a, "not every block of a group increments its counter once")
    if cells.content != "zero":
        raise _refused(a, "the counter has an unknown value at the start: bind it with `zeroed = true`")
    beyond = None if a.wraps is None else (a.wraps - a.members + 1).constant
    if a.wraps is not None and (beyond is None or beyond < 0):
        raise _refused(a, "this counter starts again from 0 before the last ticket")


def _others(program: Program, a: Arrival, access: AccessMap) -> None:
    """What else touches the counter: stores of 0 by the last block, after it has arrived."""
    for name, m in program.accesses.items():
        other = m.access
        if other.object != a.counter or name == a.access or other.mode == "final":
            continue
        zero = other.write and all(v.kind == "const" and v.bits == 0 for v in other.values)
        first, then = access.access.time[0].constant, other.time[0].constant
        if not zero or first is None or then is None or then <= first or not after(program, a, name):
            raise _refused(a, f"the counter is also accessed at line {other.span.line}")


def _require_apart(program: Program, g: Group) -> None:
    """What the last block of one group does conflicts with nothing that a block of another group does, whoever is last there."""
    sets, symbols = program.system.sets, roles(program)
    shared = {
        n: m
        for n, m in program.accesses.items()
        if m.access.mode != "final" and program.objects[m.access.object].space is Space.GLOBAL
    }

    def depends(unit: str, m: AccessMap) -> bool:
        """Is it left to the roles whether, or where, this access happens?"""
        u = program.system.units[unit]
        return not (
            sets.equal(u.domain, sets.forgetting(u.domain, symbols))
            and sets.equal(m.cells, sets.forgetting(m.cells, symbols))
        )

    def cell_of(unit: str) -> Map:
        thread = program.system.units[unit].thread
        assert thread is not None
        return sets.compose(sets.forgetting(thread, symbols), g.to_cell)

    for p, m in shared.items():
        if not depends(p, m):
            continue
        for q, n in shared.items():
            if n.access.object != m.access.object or not (m.access.write or n.access.write):
                continue
            one, two = sets.forgetting(m.cells, symbols), sets.forgetting(n.cells, symbols)
            met = sets.compose(one, sets.reverse(two))
            if not sets.empty(sets.minus(met, sets.compose(cell_of(p), sets.reverse(cell_of(q))))):
                lines = f"at line {m.access.span.line} meets another group's line {n.access.span.line}"
                text = f"what depends on which block of a group is last, {lines}"
                raise _refused(g.arrival, text)
