"""Where a product of a sum is a literal +0 times a literal +0: tiles that are padded where the matrices end (S12).

Nothing else of zero times something vanishes: 0 * x is NaN for an infinite x, and -0 for a negative one.
"""

from __future__ import annotations

from tv.sets import Set, Sets
from tv.system import System
from tv.term import Term


def padded(sets: Sets, system: System, product: Term, nodes: Set) -> Set:
    """The instances among `nodes` at which both factors are the literal +0."""
    where = nodes
    for factor in product.args:
        where = zeros(sets, system, factor, where, frozenset())
        if sets.empty(where):
            break
    return where


def zeros(sets: Sets, system: System, t: Term, nodes: Set, seen: frozenset[str]) -> Set:
    """The instances among `nodes` at which t is the literal +0: itself, an arm of a case, or what a reference refers to."""
    nothing = sets.minus(nodes, nodes)
    if sets.empty(nodes):
        return nodes
    match t.kind:
        case "const":
            return nodes if t.bits == 0 else nothing
        case "case":
            found = nothing
            for s, arm in zip(t.sets, t.args, strict=True):
                found = sets.join(found, zeros(sets, system, arm, sets.meet(nodes, s), seen))
            return found
        case "ref" if t.name not in seen:
            value = system.units[t.name].value
            if value.kind not in ("const", "case", "ref"):
                return nothing
            there = sets.restrict_domain(t.embedding(), nodes)
            zero = zeros(sets, system, value, sets.range(there), seen | {t.name})
            return sets.domain(sets.restrict_range(there, zero))
        case _:
            return nothing
