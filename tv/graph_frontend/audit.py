"""The last look at a graph's system: no reference leaves its target, no case leaves a gap or overlaps.

A wrong shape rule shows here as `Unknown` instead of in a proof: composition would drop such elements without a word.
"""

from __future__ import annotations

from tv.diagnostic import Unknown
from tv.sets import Set, Sets
from tv.system import System, Unit
from tv.term import Term


def audit(system: System) -> None:
    """Raises Unknown where a unit reads outside another, or a case does not partition its place."""
    for unit in system.units.values():
        _audit_unit(system, unit)


def _audit_unit(system: System, unit: Unit) -> None:
    seen: set[tuple[int, int]] = set()
    keep: list[Set] = []  # sets are told apart by identity while they live
    todo: list[tuple[Term, Set]] = [(unit.value, unit.domain)]
    while todo:
        t, place = todo.pop()
        if (t.id, id(place)) in seen:
            continue
        seen.add((t.id, id(place)))
        keep.append(place)
        match t.kind:
            case "ref":
                _inside(system, unit, t, place)
            case "case":
                _partition(system.sets, unit, t, place)
                todo += [(a, system.sets.meet(s, place)) for s, a in zip(t.sets, t.args, strict=True)]
            case "reduce" | "pick":
                child = system.scope_sets[t.scope]
                inner = system.sets.restrict_domain(t.embedding(), place)
                todo.append((t.args[0], system.sets.meet(child, system.sets.range(inner))))
                todo += [(a, place) for a in t.args[1:]]
            case _:
                todo += [(a, place) for a in t.args]


def _inside(system: System, unit: Unit, t: Term, place: Set) -> None:
    sets, m = system.sets, t.embedding()
    if not sets.subset(place, sets.domain(m)):
        raise Unknown("TV0330", f"a reference of `{unit.tensor}` to `{t.name}` is not defined everywhere")
    if not sets.empty(sets.leaving(sets.restrict_domain(m, place), system.units[t.name].domain)):
        raise Unknown("TV0330", f"`{unit.tensor}` reads outside `{system.units[t.name].tensor}`")


def _partition(sets: Sets, unit: Unit, t: Term, place: Set) -> None:
    rest = place
    for k, piece in enumerate(t.sets):
        if not all(sets.disjoint(sets.meet(piece, place), other) for other in t.sets[:k]):
            raise Unknown("TV0330", f"two pieces of a case of `{unit.tensor}` overlap")
        rest = sets.minus(rest, piece)
    if not sets.empty(rest):
        raise Unknown("TV0330", f"the pieces of a case of `{unit.tensor}` leave a gap")
