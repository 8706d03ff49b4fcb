"""Accesses through a table of pointers: which of its buffers is meant has to be there, and the access inside that one buffer."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.sets.formulas import all_of, any_of, eq, ge
from tv.symexec.events import Containment

if TYPE_CHECKING:
    from tv.sets import Formula
    from tv.symexec.execute import Executor


def contain(x: Executor, s: ir.Inside) -> None:
    """Records what has to hold, in every piece of the two numbers. Raises Unknown (TV0502) where one is no affine function."""
    for here, entry in x.pieces_of(s.entry, s.object, s.span, data=True):
        for there, offset in x.pieces_of(s.offset, s.object, s.span, data=True):
            with x.under(all_of(here, there)):
                data = {i.dim: i for a in (entry, offset) for i in x.indices.used(a)}
                dims, domain = x.place_with(tuple(data.values()))
                sizes = s.sizes if s.width or s.tested else (*s.sizes, *[0] * (s.held - len(s.sizes)))
                found = Containment(s.object, entry, offset, s.width, sizes, s.held, dims, domain, s.span)
                x.trace.containments.append(found)


def contained(c: Containment) -> Formula:
    """The condition on the two numbers; neighbours of one size are one case."""
    cases: list[Formula] = []
    start = 0
    for size, run in groupby(c.sizes):
        end = start + len(list(run))
        which = eq(c.entry, start) if end == start + 1 else all_of(ge(c.entry - start), ge(-c.entry + (end - 1)))
        cases.append(all_of(which, ge(c.offset), ge(-c.offset + (size - c.width))))
        start = end
    return any_of(*cases)


def present(c: Containment) -> Formula:
    """Is there such a buffer at all?"""
    return all_of(ge(c.entry), ge(-c.entry + (len(c.sizes) - 1)))


def held(c: Containment) -> Formula:
    """Does the argument have such a pointer, whatever it is?"""
    return all_of(ge(c.entry), ge(-c.entry + (max(len(c.sizes), c.held) - 1)))
