"""Loads of which a compiler can know nothing: what they find is whatever memory holds (S7).

A compiler follows one thread. What it knows of a load from a kernel parameter's memory it has from a store of that very thread;
a barrier of the block or the grid may change all memory, so it forgets there what was stored before. Of what other threads store
in that memory it knows nothing, however plain: any launch may write it. Not so of shared memory and of the file's own variables,
which nothing else can name: one constant that is stored there may be all that they hold. Through a `__restrict__` pointer a
compiler may keep what it knows past a barrier.
"""

from __future__ import annotations

from dataclasses import replace

from tv.sets import Set
from tv.sets.ordering import Between, Placed, lex_less, outlasting
from tv.symexec.build import Program
from tv.symexec.threads.races import Races, same
from tv.system import System

PLAIN = ("weak", "readonly")


def as_compiled(program: Program) -> System:
    """The kernel as a compiler sees it: such a load is an input of its object. Raises Unknown where sets get too large."""
    system = program.system
    units = dict(system.units)
    for name in reloads(program):
        m, u = program.accesses[name], system.units[name]
        units[name] = replace(u, value=system.terms.input(m.access.object, m.cells, u.width))
    return replace(system, units=units)


def reloads(program: Program) -> list[str]:
    """The loads, by unit, of memory of which no load finds what its own thread has stored since it passed a barrier last."""
    kernel = program.trace.kernel
    memories = {
        p.name for p in kernel.parameters if p.name in kernel.objects and kernel.objects[p.name].entries is None
    }
    by_object: dict[str, list[str]] = {}
    for name, m in program.accesses.items():
        if m.access.object in memories and m.access.mode != "final":
            by_object.setdefault(m.access.object, []).append(name)
    reach = Reach(program)
    found = []
    for names in by_object.values():
        accesses = [program.accesses[n].access for n in names]
        if any(a.mode not in PLAIN or a.data for a in accesses):
            continue
        stores = [n for n in names if program.accesses[n].access.write]
        loads = [n for n in names if not program.accesses[n].access.write]
        if not any(reach.reaches(s, n) for n in loads for s in stores):  # a cell has one name, whoever loads it
            found += loads
    return found


class Reach:
    """Which stores a thread may still know of at its loads."""

    def __init__(self, program: Program) -> None:
        self.program, self.sets = program, program.system.sets
        self.order = Races(program)
        dims = program.trace.space.dims
        self.one_thread = self.order.threads(same(dims))
        self.between: dict[frozenset[str], Between] = {}  # by pointers

    def reaches(self, store: str, load: str) -> bool:
        """Is there a thread whose store comes before its load of the same cell, with no barrier between that hides it?"""
        if self.sets.disjoint(*(self.sets.range(self.program.accesses[n].cells) for n in (store, load))):
            return False
        a, b = self.placed(store), self.placed(load)  # times of accesses make the space that `less` is in
        pointers = frozenset(n for u in (store, load) for n in self.program.accesses[u].access.restricted)
        if pointers not in self.between:
            less = lex_less(self.sets, "When", self.order.blocks, tied=True)
            self.between[pointers] = Between(self.sets, less, self.barriers(pointers))
        return not self.sets.empty(outlasting(self.sets, a, b, self.one_thread, self.between[pointers]))

    def barriers(self, pointers: frozenset[str]) -> list[Set]:
        """When each barrier is passed that every thread of its block passes, outside of the scopes of these `__restrict__` pointers."""
        whole = [(b, u) for b, u, _ in self.program.barriers if b.scope in ("grid", "block") and not b.threads]
        return [self.order.time(b, u) for b, u in whole if pointers.isdisjoint(b.inside)]

    def placed(self, name: str) -> Placed:
        thread = self.program.system.units[name].thread
        assert thread is not None
        return Placed(name, self.program.accesses[name].cells, self.order.when(name), thread)
