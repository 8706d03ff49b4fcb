"""One order tree per graph tensor (S15): kernel instances that are claimed to hold one reordered sum hold the same bits.

Where several threads, or several statements, compute the sum of one graph element, the claims alone would let each have an
order of its own. Here the pairs of instances that surely agree bit for bit are computed bottom-up, operation by operation, up
to the order of the two operands of a commutative operation: an under-approximation, in which the pairs needed have to lie.
"""

from __future__ import annotations

from dataclasses import dataclass

from tv.diagnostic import Unknown
from tv.equiv.problem import Problem
from tv.equiv.rules import COMMUTATIVE, op_head
from tv.sets import Affine, Map
from tv.sets.affine import all_of, eq
from tv.term import Term


@dataclass(frozen=True, slots=True)
class Reordered:
    """A sum that was matched up to order: kernel term, graph term, and R over their scopes."""

    kernel: Term
    graph: Term
    relation: Map


class Uniformity:
    def __init__(self, problem: Problem) -> None:
        self.p, self.sets, self.system = problem, problem.sets, problem.kernel
        self.units: dict[tuple[str, str], Map] = {}
        self.busy: set[tuple[str, str]] = set()
        self.memo: dict[tuple[int, int, str, str], Map] = {}

    def check(self, sums: list[Reordered]) -> None:
        """Raises Unknown where two instances might hold one graph element in two orders."""
        groups: dict[int, list[Reordered]] = {}
        for s in sums:
            groups.setdefault(s.graph.id, []).append(s)
        for group in groups.values():
            for i, a in enumerate(group):
                for b in group[i:]:
                    self.pair(a, b)

    def pair(self, a: Reordered, b: Reordered) -> None:
        sets = self.sets
        both = sets.compose(a.relation, sets.reverse(b.relation))
        if sets.empty(both):
            return
        if a.kernel is b.kernel and sets.subset(both, sets.identity(sets.domain(both))):
            return
        if not sets.subset(both, self.same(a.kernel, b.kernel, sets.source_name(a.relation), sets.source_name(b.relation))):
            raise Unknown(
                "TV0621",
                "one sum of the graph is computed in several places, and they were not shown to add in the same order",
                help="compute it once and share it, or give every copy the same order",
            )

    # -------------------------------------------------------------- pairs that agree, by structure
    def same(self, x: Term, y: Term, a: str, b: str) -> Map:
        """Pairs (instance of scope a, instance of scope b) at which x and y surely have the same bits."""
        key = (x.id, y.id, a, b)
        if key not in self.memo:
            self.memo[key] = self._same(x, y, a, b)
        return self.memo[key]

    def _same(self, x: Term, y: Term, a: str, b: str) -> Map:
        sets = self.sets
        whole = sets.product(self.system.scope_sets[a], self.system.scope_sets[b])
        nothing = sets.minus(whole, whole)
        if x.kind == "case" or y.kind == "case":
            t, cut = (x, sets.restrict_domain) if x.kind == "case" else (y, sets.restrict_range)
            out = nothing
            for s, arm in zip(t.sets, t.args, strict=True):
                out = sets.join(out, cut(self.same(arm, y, a, b) if t is x else self.same(x, arm, a, b), s))
            return out
        if x.kind == "ref" and y.kind == "ref":
            return self.through(x.embedding(), self.unit_pair(x.name, y.name), y.embedding())
        if x.kind == "ref":
            return sets.compose(x.embedding(), self.same(self.system.units[x.name].value, y, x.name, b))
        if y.kind == "ref":
            return sets.compose(self.same(x, self.system.units[y.name].value, a, y.name), sets.reverse(y.embedding()))
        if x.kind != y.kind or x.name != y.name or x.width != y.width:
            return nothing
        match x.kind:
            case "const":
                return whole if x.bits == y.bits else nothing
            case "hole":
                return whole
            case "input" | "index":
                return sets.compose(x.embedding(), sets.reverse(y.embedding()))
            case "op":
                return self.operation(x, y, a, b)
            case "reduce":
                return self.reduction(x, y, a, b, nothing)
            case _:
                return nothing

    def through(self, f: Map, inner: Map, g: Map) -> Map:
        return self.sets.compose(self.sets.compose(f, inner), self.sets.reverse(g))

    def unit_pair(self, u: str, v: str) -> Map:
        key = (u, v)
        if key not in self.units:
            if key in self.busy:  # around a loop: an instance agrees with itself, true anyway; less is found, never more
                return self.itself(u, v)
            self.busy.add(key)
            found = self.same(self.system.units[u].value, self.system.units[v].value, u, v)
            self.busy.discard(key)
            self.units[key] = self.sets.join(found, self.itself(u, v)) if u == v else found
        return self.units[key]

    def itself(self, u: str, v: str) -> Map:
        sets = self.sets
        if u == v:
            return sets.identity(self.system.scope_sets[u])
        whole = sets.product(self.system.scope_sets[u], self.system.scope_sets[v])
        return sets.minus(whole, whole)

    def operation(self, x: Term, y: Term, a: str, b: str) -> Map:
        sets = self.sets

        def all_args(order: tuple[Term, ...]) -> Map:
            out: Map | None = None
            for p, q in zip(x.args, order, strict=True):
                s = self.same(p, q, a, b)
                if sets.empty(s):
                    return s
                out = s if out is None else sets.coalesce(sets.meet(out, s))
            assert out is not None
            return out

        straight = all_args(y.args)
        if op_head(x) in COMMUTATIVE and len(x.args) == 2:
            return sets.join(straight, all_args(y.args[::-1]))
        return straight

    def reduction(self, x: Term, y: Term, a: str, b: str, nothing: Map) -> Map:
        """Folds of the same rounds, round by round the same: no round of either side without its like-numbered partner."""
        sets = self.sets
        left, right = self.system.scopes[x.scope], self.system.scopes[y.scope]
        extra_a = left.dims[len(self.system.scopes[a].dims) :]
        extra_b = right.dims[len(self.system.scopes[b].dims) :]
        if len(extra_a) != len(extra_b):
            return nothing
        there = tuple(f"{d}__" for d in right.dims)
        numbered = all_of(*(eq(Affine.dim(p), Affine.dim(f"{q}__")) for p, q in zip(extra_a, extra_b, strict=True)))
        alike = sets.relation(left.name, left.dims, right.name, there, numbered)
        steps = sets.meet(self.same(x.args[0], y.args[0], left.name, right.name), alike)
        pairs = self.same(x.args[1], y.args[1], a, b)
        to_a, to_b = sets.projections(pairs)
        rounds_a, rounds_b = sets.compose(to_a, x.embedding()), sets.compose(to_b, y.embedding())
        matched = sets.restrict_range(sets.pair(rounds_a, rounds_b), sets.wrap(steps))
        lonely_a = sets.domain(sets.minus(rounds_a, sets.first_of(matched)))
        lonely_b = sets.domain(sets.minus(rounds_b, sets.second_of(matched)))
        good: Map = sets.unwrap(sets.minus(sets.minus(sets.wrap(pairs), lonely_a), lonely_b))
        return good
