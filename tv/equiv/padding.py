"""Where a product of a sum is a literal +0 times a literal +0: tiles that are padded where the matrices end (S12).

Nothing else of zero times something vanishes by itself: 0 * x is NaN for an infinite x, and -0 for a negative one. Where the
launch states that x is finite it is +0 or -0, which a sum that has +0 among its terms may do without.
"""

from __future__ import annotations

from tv.equiv.problem import Problem
from tv.sets import Set, Sets
from tv.system import System
from tv.term import Term, op_type

WIDENING = frozenset({"cvt.f32.f16", "cvt.f32.bf16", "cvt.f64.f16", "cvt.f64.bf16", "cvt.f64.f32"})


def padded(sets: Sets, system: System, product: Term, nodes: Set) -> Set:
    """The instances among `nodes` at which both factors are the literal +0."""
    where = nodes
    for factor in product.args:
        where = zeros(sets, system, factor, where, frozenset())
        if sets.empty(where):
            break
    return where


def zeros(sets: Sets, system: System, t: Term, nodes: Set, seen: frozenset[str]) -> Set:
    """The instances among `nodes` at which t is the literal +0: itself, converted, an arm of a case, or what a reference
    refers to."""
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
            if value.kind not in ("const", "case", "ref") and not keeps_zero(value):
                return nothing
            there = sets.restrict_domain(t.embedding(), nodes)
            zero = zeros(sets, system, value, sets.range(there), seen | {t.name})
            return sets.domain(sets.restrict_range(there, zero))
        case "op" if keeps_zero(t):
            found = nodes
            for a in t.args:
                found = zeros(sets, system, a, found, seen)
            return found
        case _:
            return nothing


def keeps_zero(t: Term) -> bool:
    """Operations whose result is all zero bits where their operands are: conversions (+0 is exact in every format and under
    every rounding), and parts and rows of bits."""
    return t.kind == "op" and (t.name == "concat" or t.name.startswith(("cvt.", "extract.")))


# ------------------------------------------------------------------------------------------------ zero times a finite number
def weightless(p: Problem, side: str, product: Term, nodes: Set) -> Set:
    """The instances among `nodes` at which one factor is the literal +0 and the other a number that the launch states to be
    finite, at that place."""
    kind, found = op_type(product.name), p.sets.minus(nodes, nodes)
    for zero, other in (product.args, product.args[::-1]):
        here = zeros(p.sets, p.views(side), zero, nodes, frozenset())
        found = p.sets.join(found, finite(p, side, other, kind, here, frozenset()))
    return found


def finite(p: Problem, side: str, t: Term, kind: str, nodes: Set, seen: frozenset[str]) -> Set:
    """The instances among `nodes` at which t, read as a float of format `kind`, is an element of an input that is stated to be
    finite and is of that format: itself, widened, negated, or what a reference refers to."""
    sets, nothing = p.sets, p.sets.minus(nodes, nodes)
    if sets.empty(nodes):
        return nodes
    match t.kind:
        case "input":
            return sets.meet(nodes, sets.domain(sets.restrict_range(t.embedding(), stated(p, side, t, kind, nodes))))
        case "case":
            found = nothing
            for s, arm in zip(t.sets, t.args, strict=True):
                found = sets.join(found, finite(p, side, arm, kind, sets.meet(nodes, s), seen))
            return found
        case "ref" if t.name not in seen:
            there = sets.restrict_domain(t.embedding(), nodes)
            value = p.views(side).units[t.name].value
            good = finite(p, side, value, kind, sets.range(there), seen | {t.name})
            return sets.domain(sets.restrict_range(there, good))
        case "op" if t.name in WIDENING and t.name.startswith(f"cvt.{kind}."):
            return finite(p, side, t.args[0], t.name.split(".")[2], nodes, seen)
        case "op" if t.name in (f"fneg.{kind}", f"fabs.{kind}"):
            return finite(p, side, t.args[0], kind, nodes, seen)
        case _:
            return nothing


def stated(p: Problem, side: str, t: Term, kind: str, nodes: Set) -> Set:
    """Of the cells (elements) that an input term reads, those of graph inputs of this format that are stated to be finite."""
    sets = p.sets
    read = sets.range(sets.restrict_domain(t.embedding(), nodes))
    known = [u for u in p.finite if p.graph.units[u].format == kind]
    if side == "g":
        return read if t.name in known else sets.minus(read, read)
    found = sets.minus(read, read)
    for image in (i for u in known for i in p.images.get(u, ()) if i.object == t.name):
        found = sets.join(found, sets.meet(read, sets.range(image.cells)))
    return found
