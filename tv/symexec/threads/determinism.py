"""Does a result depend on the order of atomic operations? What they leave in a cell is left open, so nothing may read it."""

from __future__ import annotations

from tv.kernel import Space
from tv.obligation import Obligation, Status
from tv.symexec.build import AccessMap, Program
from tv.symexec.obligations import witness
from tv.symexec.threads.tallies import tallied


def determinism(program: Program) -> list[Obligation]:
    """One obligation for each cell-sharing pair of an atomic operation and a read, an output's final one among them.

    Atomics that nothing reads (statistics, a counter of a recognised barrier) leave every result alone, and so do folds of
    integers, whatever their order. Open, never refuted:
    two orders may still give the same bits.
    """
    name, sets = program.trace.kernel.name, program.system.sets
    bad: list[Obligation] = []
    reads = [m for m in program.accesses.values() if not m.access.write]
    for unit, atomic in program.accesses.items():
        if atomic.access.mode != "atomic":
            continue
        for read in reads:
            if read.access.object != atomic.access.object or tallied(program, read.access.object):
                continue
            met = sets.compose(atomic.cells, sets.reverse(read.cells))
            if sets.empty(met):
                continue
            where, span = program.system.units[unit].scope.dims, atomic.access.span
            w = witness(program, where, sets.sample(sets.domain(met)), atomic.access.object, span)
            help = "give each thread its own cell and add the cells in one order"
            id = f"{name}.{atomic.access.object}.determinism"
            bad.append(Obligation(id, "determinism", Status.UNKNOWN, span, text_of(program, read), help, witness=w))
    return bad or [Obligation(f"{name}.determinism", "determinism", Status.PROVED, program.trace.kernel.span)]


def text_of(program: Program, read: AccessMap) -> str:
    """Who sees what the atomics leave."""
    a = read.access
    seen = "what the launch leaves there" if a.mode == "final" else f"what line {a.span.line} reads"
    shared = " shared memory" if program.objects[a.object].space is Space.SHARED else ""
    return f"{seen} in{shared} `{a.object}` depends on the order of this atomic operation"
