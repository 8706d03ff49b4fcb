"""Every load replaced by the statement instances that wrote it, or by the memory's content before the launch."""

from __future__ import annotations

from tv.sets import Map, Set, Sources, Touch, dataflow
from tv.symexec.build import Program
from tv.symexec.carving import whole
from tv.symexec.threads.tallies import Tallies
from tv.system import Unit
from tv.term import Term


def touches(program: Program) -> dict[str, tuple[list[Touch], list[Touch]]]:
    """object -> (reads, writes). Atomics are left out: what is read of them is added to what they started from (`Tallies`)."""
    out: dict[str, tuple[list[Touch], list[Touch]]] = {}
    for name, am in program.accesses.items():
        if am.access.mode == "atomic":
            continue
        u = program.system.units[name]
        assert u.time is not None
        pair = out.setdefault(am.access.object, ([], []))
        pair[int(am.access.write)].append(Touch(name, am.cells, u.time))
    return out


def resolve(program: Program) -> None:
    """Fills in the value of every load unit. Raises SameTime where two writes of a cell have no order (a race missed)."""
    for obj, (reads, writes) in touches(program).items():
        if not reads:
            continue
        tallies = Tallies(program, obj)
        for unit, sources in dataflow(program.system.sets, reads, writes).items():
            u = program.system.units[unit]
            u.value = value_of(program, obj, u, sources, tallies)


def value_of(program: Program, obj: str, reader: Unit, sources: Sources, tallies: Tallies) -> Term:
    """case over the writers, and over what no write precedes, each with what atomics have added since."""
    terms, sets = program.system.terms, program.system.sets
    pieces: list[tuple[Set, Term]] = []
    for s in sources.writers:
        store, base = program.system.units[s.unit], terms.ref(s.unit, s.instances, reader.width)
        pieces.append((s.domain, tallies.added(reader, s.domain, base, (store, s.instances))))
    if sources.none is not None and not sets.empty(sources.none):
        base = content(program, obj, reader, sources.none)
        pieces.append((sources.none, tallies.added(reader, sources.none, base, None)))
    if not pieces:
        return terms.make("undefined", name=whole(obj), width=reader.width)
    return pieces[0][1] if len(pieces) == 1 else terms.case(pieces)


def content(program: Program, obj: str, reader: Unit, where: Set) -> Term:
    """What the memory held before the launch."""
    terms, sets = program.system.terms, program.system.sets
    match program.objects[obj].content:
        case "input":
            m: Map = sets.restrict_domain(program.accesses[reader.name].cells, where)
            return terms.input(obj, m, reader.width)
        case "zero":
            return terms.const(0, reader.width)
        case _:
            return terms.make("undefined", name=whole(obj), width=reader.width)
