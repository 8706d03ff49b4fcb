"""Digits spread along memory: an array written through digits is read through digits.

Thread indices are cut where the kernel takes them apart. Every array that is written at such an index passes the cuts on to
the loop ordinals that index it, so that writer and reader meet digit by digit and dataflow needs no division.
"""

from __future__ import annotations

from tv.sets import Affine, Dim, Quotient
from tv.sets.affine import Parity
from tv.symexec.events import Access, Trace
from tv.symexec.instances import Cuts


def link(trace: Trace, cuts: Cuts) -> None:
    """Extends `cuts` to loop ordinals, by the arrays that they share with thread indices; until nothing changes."""
    by_object: dict[str, list[Access]] = {}
    for a in trace.accesses:
        if not a.register:
            by_object.setdefault(a.object, []).append(a)
    written = {o: accesses for o, accesses in by_object.items() if any(a.write for a in accesses)}
    for _ in range(3):
        before = {d: set(p) for d, p in cuts.points.items()}
        for accesses in written.values():
            strides = {s for a in accesses for s in weights(a.offset, trace, cuts)}
            for a in accesses:
                spread(a.offset, strides, trace, cuts)
        if before == cuts.points:
            return


def extent(trace: Trace, dim: str) -> int | None:
    high = trace.ranges.get(dim, (0, None))[1]
    return None if high is None else high + 1


def plain(offset: Affine) -> list[tuple[Dim, int]]:
    """Dimensions of an offset with their coefficients, those left out that also stand inside a quotient (`kt % 2`)."""
    inside = {a for q, _ in offset.terms if isinstance(q, Quotient | Parity) for a in q.numerator.atoms()}
    return [(a, c) for a, c in offset.terms if isinstance(a, Dim) and a not in inside]


def weights(offset: Affine, trace: Trace, cuts: Cuts) -> set[int]:
    """Byte strides of the digits of an offset, where some dimension of it is cut."""
    out: set[int] = set()
    for atom, c in plain(offset):
        n = extent(trace, atom.name)
        if n is not None and c > 0:
            chain = cuts.chain(atom.name, n)
            if chain:
                out |= {c, *(c * p for p in chain)}
    return out


def spread(offset: Affine, strides: set[int], trace: Trace, cuts: Cuts) -> None:
    """Loop ordinals in the offset are cut at the strides."""
    for atom, c in plain(offset):
        n = extent(trace, atom.name)
        if atom.name.startswith("i") and atom.name not in trace.open_loops and n is not None and c > 0:
            for s in strides:
                if s % c == 0 and 1 < s // c < n:
                    cuts.cut(atom.name, s // c)
