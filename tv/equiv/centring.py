"""`x - m` where m is a maximum over x and others: what the maximum starts from does not matter, nor under exp which zero it is.

A maximum that ignores NaN is the same with and without -inf among its operands, unless all others are NaN: then x is one, and so
is x - m. Two maxima that differ in the sign of a zero give the same x - m, or two zeros, and exp of either is 1. So a loop that
begins with the first element, or keeps the larger by `if (v > m) m = v`, may stand for a graph's ReduceMax in a softmax.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tv.equiv.larger import by_comparison
from tv.equiv.problem import Mismatch
from tv.equiv.rules import Rules
from tv.equiv.summands import UPPER, Contribution
from tv.sets import Map
from tv.term import Term, op_head, op_type

FLOATS = ("f32", "f64", "f16", "bf16")


@dataclass(frozen=True, slots=True)
class Centred:
    """kernel, graph: the two differences, R over their scopes. signless: they stand under exp."""

    kernel: Term
    graph: Term
    relation: Map
    signless: bool


@dataclass(frozen=True, slots=True)
class Maximum:
    """The two maxima, R over their scopes; way: graph difference -> graph maximum."""

    kernel: Term
    graph: Term
    relation: Map
    way: Map


def centred(rules: Rules, kt: Term, gt: Term, r: Map) -> Centred | None:
    """The differences that two terms are, or are the exponentials of. Raises what references raise."""
    if not (kt.kind == gt.kind == "op" and kt.name == gt.name):
        return None
    signless = op_head(kt) == "exp"
    if signless:
        kt, gt, r, _ = opened(rules, kt.args[0], gt.args[0], r)
    same = kt.kind == gt.kind == "op" and kt.name == gt.name
    if not same or op_head(kt) != "fsub" or op_type(kt.name) not in FLOATS:
        return None
    return Centred(kt, gt, r, signless)


def maximum(rules: Rules, c: Centred) -> Maximum | None:
    kt, gt, r, way = opened(rules, c.kernel.args[1], c.graph.args[1], c.relation)
    if kt.kind not in ("op", "reduce") or gt.kind not in ("op", "reduce") or op_head(gt) not in UPPER:
        return None
    return Maximum(kt, gt, r, way) if kt.name == gt.name or by_comparison(kt, gt.name) else None


def opened(rules: Rules, kt: Term, gt: Term, r: Map) -> tuple[Term, Term, Map, Map]:
    """Both terms behind their references, R over their scopes, and the way from the graph's first scope to its last."""
    way = rules.sets.identity(rules.sets.range(r))
    while kt.kind == "ref":
        r, kt = rules.kernel_step(r, kt), rules.p.kernel.units[kt.name].value
    while gt.kind == "ref":
        way = rules.sets.compose(way, gt.embedding())
        r, gt = rules.graph_step(r, gt), rules.p.graph.units[gt.name].value
    return kt, gt, r, way


def among(rules: Rules, c: Centred, m: Maximum, graph: Sequence[Contribution]) -> None:
    """x is itself an operand of the graph's maximum, at every element. Raises Mismatch where it is none."""
    sets, x = rules.sets, c.graph.args[0]
    if x.kind not in ("ref", "input"):
        raise Mismatch("equal", "what is subtracted from is no value of a tensor", c.relation, c.kernel, c.graph)
    own = [sets.compose(k.reach, k.leaf.embedding()) for k in graph if k.leaf.kind == x.kind and k.leaf.name == x.name]
    if own:
        operands = own[0]
        for more in own[1:]:
            operands = sets.join(operands, more)
        mine = sets.restrict_domain(x.embedding(), sets.range(c.relation))
        if sets.subset(mine, sets.compose(m.way, operands)):
            return
    raise Mismatch("equal", "what is subtracted is no maximum over this value", c.relation, c.kernel, c.graph)
