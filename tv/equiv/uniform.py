"""One order tree per graph tensor (S15): kernel instances that are claimed to hold one reordered sum hold the same bits.

Where several threads, or several statements, compute the sum of one graph element, the claims alone would let each have an
order of its own. Here the pairs of instances that surely agree bit for bit are computed bottom-up, operation by operation, up
to the order of the two operands of a commutative operation: an under-approximation, in which the pairs needed have to lie.
"""

from __future__ import annotations

from dataclasses import dataclass

from tv.diagnostic import Unknown
from tv.equiv.problem import Problem
from tv.equiv.rules import Rules
from tv.equiv.summands import COMMUTATIVE
from tv.sets import Affine, Map, Set
from tv.sets.formulas import all_of, eq
from tv.sets.guesses import agreeing, envelope, messy
from tv.system import Scope, later
from tv.term import Term, op_head


@dataclass(frozen=True, slots=True)
class Reordered:
    """A sum or addition that was matched: kernel term, graph term, and R over their scopes. free: up to order or contraction,
    so that the kernel's choice is not the graph's own."""

    kernel: Term
    graph: Term
    relation: Map
    free: bool = True


class Uniformity:
    def __init__(self, problem: Problem, rules: Rules) -> None:
        self.p, self.sets, self.system, self.rules = problem, problem.sets, problem.kernel, rules
        self.memo: dict[tuple[int, int, str, str], tuple[Map, Map]] = {}
        self.busy: set[tuple[str, str]] = set()

    def check(self, sums: list[Reordered]) -> None:
        """Raises Unknown where two instances might hold one graph element in two orders."""
        groups: dict[int, list[Reordered]] = {}
        for s in sums:
            groups.setdefault(s.graph.id, []).append(s)
        for group in groups.values():
            for i, a in enumerate(group):
                for b in group[i:]:
                    if a.free or b.free:  # two places that follow the graph's own order agree
                        self.pair(a, b)

    def pair(self, a: Reordered, b: Reordered) -> None:
        sets = self.sets
        both = sets.compose(a.relation, sets.reverse(b.relation))
        if sets.empty(both):
            return
        if not sets.subset(both, self.same(a.kernel, b.kernel, both)):
            raise Unknown(
                "TV0621",
                "one sum of the graph is computed in several places, and they were not shown to add in the same order",
                help="compute it once and share it, or give every copy the same order",
            )

    # -------------------------------------------------------------- pairs that agree, by structure
    def same(self, x: Term, y: Term, want: Map) -> Map:
        """Pairs (instances of x's scope and of y's) at which x and y surely have the same bits, those in `want` being asked for:
        `want` steers the search and may be widened to a simpler set."""
        sets = self.sets
        if sets.empty(want):
            return want
        a, b = sets.source_name(want), sets.target_name(want)
        asked_for = want
        if messy(want):
            want = envelope(sets, want, self.system.scope_sets[a], self.system.scope_sets[b])
        if x is y and a == b and sets.subset(want, sets.identity(sets.domain(want))):
            return want
        key = (x.id, y.id, a, b)
        if key in self.memo:
            asked, found = self.memo[key]
            if sets.subset(want, asked):
                return sets.meet(found, asked_for)
        found = self.plain(self.by_structure(x, y, want), want)
        self.memo[key] = (want, found)
        return sets.meet(found, asked_for)

    def by_structure(self, x: Term, y: Term, want: Map) -> Map:
        sets = self.sets
        nothing = sets.minus(want, want)
        if x.kind == "case" or y.kind == "case":
            return self.arms(x, y, want)
        if x.kind == "ref" or y.kind == "ref":
            return self.references(x, y, want)
        if x.kind != y.kind or x.name != y.name or x.width != y.width:
            return nothing
        match x.kind:
            case "const":
                return want if x.bits == y.bits else nothing
            case "hole":
                return want
            case "input" | "index":
                return sets.meet(want, sets.compose(x.embedding(), sets.reverse(y.embedding())))
            case "op":
                return self.operation(x, y, want)
            case "reduce" | "pick" if len(x.args) == len(y.args):
                return self.reduction(x, y, want)
            case _:
                return nothing

    def plain(self, found: Map, want: Map) -> Map:
        """The same pairs by their equations alone, where those suffice: what is left of many cases that were told apart."""
        sets = self.sets
        if not messy(found):
            return found
        simple = envelope(sets, found, sets.domain(want), sets.range(want))
        return simple if sets.subset(simple, found) else found

    def arms(self, x: Term, y: Term, want: Map) -> Map:
        """Arm by arm. Constants agree wherever they stand: of their pairs only those are kept that agree in the coordinates in which
        the other arms' pairs do, so that padding with zeros leaves the answer as simple as it is without."""
        sets = self.sets
        found = sets.minus(want, want)
        padding = found
        for p, left in _arms(x):
            for q, right in _arms(y):
                part = want if p is None else sets.restrict_domain(want, p)
                part = part if q is None else sets.restrict_range(part, q)
                same = self.same(left, right, part)
                if left.kind == right.kind == "const":
                    padding = sets.join(padding, same)
                else:
                    found = sets.join(found, same)
        if sets.empty(found) or sets.empty(padding):
            return sets.join(found, padding)
        return sets.join(found, sets.meet(padding, agreeing(sets, found)))

    def references(self, x: Term, y: Term, want: Map) -> Map:
        """Through references: the units' values at the instances referred to."""
        sets = self.sets
        to, inner, left, right = want, want, x, y
        if x.kind == "ref":
            inner = sets.compose(sets.reverse(x.embedding()), inner)
            left = self.system.units[x.name].value
        if y.kind == "ref":
            inner = sets.compose(inner, y.embedding())
            right = self.system.units[y.name].value
        key = (x.name if x.kind == "ref" else "", y.name if y.kind == "ref" else "")
        if key in self.busy:  # around a loop: an instance agrees with itself, and nothing more is claimed
            found = sets.minus(inner, inner)
        else:
            self.busy.add(key)
            found = self.same(left, right, inner)
            self.busy.discard(key)
        if x.kind == y.kind == "ref" and x.name == y.name:
            found = sets.join(found, sets.meet(inner, sets.identity(self.system.scope_sets[x.name])))
        back = sets.compose(x.embedding(), found) if x.kind == "ref" else found
        back = sets.compose(back, sets.reverse(y.embedding())) if y.kind == "ref" else back
        return sets.meet(to, back)

    def operation(self, x: Term, y: Term, want: Map) -> Map:
        fused = bool(self.rules.contracted(x) or self.rules.contracted(y))
        if fused:  # nvcc chooses at each place anew whether to fuse, and a loop's rounds may become places of their own
            want = self.one_evaluation(x, y, want)
        straight = self.all_args(x, y.args, want)
        if fused or op_head(x) not in COMMUTATIVE or len(x.args) != 2:
            return straight
        rest = self.sets.minus(want, straight)
        return self.sets.join(straight, self.all_args(x, y.args[::-1], rest))

    def one_evaluation(self, x: Term, y: Term, want: Map) -> Map:
        """The pairs at which both are the same evaluation of the kernel's text, by whatever threads: in the same rounds."""
        sets = self.sets
        left, right = (self.system.scopes[n] for n in (sets.source_name(want), sets.target_name(want)))
        origin = self.p.origins.get(x.id, -1)
        if origin < 0 or origin != self.p.origins.get(y.id, -1):
            return sets.minus(want, want)
        there = tuple(f"{d}__" for d in right.dims)
        rounds = [d for d in left.dims if d in right.dims and d[0] not in "bt"]
        same = all_of(*(eq(Affine.dim(round_of(d, left)), Affine.dim(f"{round_of(d, right)}__")) for d in rounds))
        return sets.meet(want, sets.relation(left.name, left.dims, right.name, there, same))

    def all_args(self, x: Term, order: tuple[Term, ...], want: Map) -> Map:
        for p, q in zip(x.args, order, strict=True):
            want = self.same(p, q, want)
            if self.sets.empty(want):
                break
        return want

    def reduction(self, x: Term, y: Term, want: Map) -> Map:
        """Folds of the same rounds, round by round the same: no round of either side without its like-numbered partner. Picks at
        the same integers, likewise."""
        sets = self.sets
        a, b = sets.source_name(want), sets.target_name(want)
        left, right = self.system.scopes[x.scope], self.system.scopes[y.scope]
        extra_a = left.dims[len(self.system.scopes[a].dims) :]
        extra_b = right.dims[len(self.system.scopes[b].dims) :]
        if len(extra_a) != len(extra_b):
            return sets.minus(want, want)
        there = tuple(f"{d}__" for d in right.dims)
        numbered = all_of(*(eq(Affine.dim(p), Affine.dim(f"{q}__")) for p, q in zip(extra_a, extra_b, strict=True)))
        alike = sets.relation(left.name, left.dims, right.name, there, numbered)
        pairs = want
        for p, q in zip(x.args[1:], y.args[1:], strict=True):
            pairs = self.same(p, q, pairs)
        rounds = sets.compose(sets.compose(sets.reverse(x.embedding()), pairs), y.embedding())
        steps = self.same(x.args[0], y.args[0], sets.meet(rounds, alike))
        to_a, to_b = sets.projections(pairs)
        rounds_a, rounds_b = sets.compose(to_a, x.embedding()), sets.compose(to_b, y.embedding())
        matched = sets.restrict_range(sets.pair(rounds_a, rounds_b), sets.wrap(steps))
        lonely_a = sets.domain(sets.minus(rounds_a, sets.first_of(matched)))
        lonely_b = sets.domain(sets.minus(rounds_b, sets.second_of(matched)))
        return sets.unwrap(sets.minus(sets.minus(sets.wrap(pairs), lonely_a), lonely_b))


def _arms(t: Term) -> list[tuple[Set | None, Term]]:
    """(where, value) of a case's arms; any other term is one arm that stands everywhere."""
    return list(zip(t.sets, t.args, strict=True)) if t.kind == "case" else [(None, t)]


def round_of(d: str, scope: Scope) -> str:
    """The dimension that says in which round a term of this scope was evaluated: inside a fold, its own."""
    return later(d) if later(d) in scope.dims else d
