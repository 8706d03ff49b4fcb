"""The rules by which a pair of terms may be related: the part that has to be right. Search and checker both stand on it.

Every kernel reference is checked once: the source is executed wherever it is read, and strictly earlier. So every chain of
claims descends in time, and a claim may be used as a hypothesis in its own proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from tv.diagnostic import Unknown
from tv.equiv.contraction import Contraction
from tv.equiv.flattening import Flattening
from tv.equiv.numbers import Numbers
from tv.equiv.padding import weightless
from tv.equiv.problem import Mismatch, Problem, is_view
from tv.equiv.summands import EXTREMA, IDENTITY_BITS, Contribution, integer_identity, integral
from tv.masking import FROM_ZERO
from tv.sets import Affine, Map, Remainder, Set
from tv.sets.formulas import all_of, eq
from tv.sets.ordering import lex_less
from tv.system import Scope, System, Unit
from tv.term import Term, op_head, op_type

Goal = tuple[Term, Term, Map]


class Rules(Contraction):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.terms = problem.terms
        self.edges: dict[tuple[str, int], bool] = {}
        self.selves: dict[str, Term] = {}
        self.choices: dict[
            tuple[int, int, str, str], tuple[list[tuple[Term, Sequence[Goal], int]], list[Goal]]
        ] = {}  # what was found of places of extremes: which of those left out each of the kernel's is, and what is to be shown
        self.entered: frozenset[str] = frozenset()  # units of the kernel that the sum flattened last went through
        self.joined: set[str] = set()  # tensors whose values some sum of the graph was found to be made of
        self.earlier = lex_less(self.sets, "Time", 0, tied=True) if problem.time_arity else None

    def opposite(self, ku: Unit, gu: Unit) -> Term:
        """The graph's side of a claim: its value, or, where the kernel's unit only passes a value on, the tensor itself."""
        if not is_view(ku.value):
            return gu.value
        if gu.name not in self.selves:
            self.selves[gu.name] = self.terms.ref(gu.name, self.sets.identity(gu.domain), gu.width)
        return self.selves[gu.name]

    # -------------------------------------------------------------- references
    def kernel_step(self, r: Map, t: Term) -> Map:
        """R moved from the reader's scope to the unit that kernel reference t names."""
        self.descends(self.sets.source_name(r), t)
        try:
            return self.sets.step_domain(r, t.embedding(), f"kernel reference to {t.name}")
        except Remainder as e:
            raise Mismatch(
                "init", f"{self.p.called(t.name)} is read where it was never computed", e.rest, t, None
            ) from None

    def graph_step(self, r: Map, t: Term) -> Map:
        key = ("", t.id)
        if key not in self.edges:
            self.edges[key] = self.sets.subset(self.sets.range(t.embedding()), self.p.graph.scope_sets[t.name])
        if not self.edges[key]:
            raise Unknown("TV0601", f"the graph refers to {self.p.called(t.name)} outside its shape")
        try:
            return self.sets.step_range(r, t.embedding(), f"graph reference to {t.name}")
        except Remainder as e:
            raise Mismatch(
                "equal", f"the graph's {self.p.called(t.name)} has no element there", e.rest, None, t
            ) from None

    def descends(self, scope: str, t: Term) -> None:
        """The source exists wherever it is read, strictly before the reader's own value does (S10)."""
        key = (scope, t.id)
        if key not in self.edges:
            self.edges[key] = self._descends(scope, t)
        if not self.edges[key]:
            raise Unknown("TV0602", f"{self.p.called(t.name)} is used by something that is not shown to come later")

    def _descends(self, scope: str, t: Term) -> bool:
        sets, k = self.sets, self.p.kernel
        m = t.embedding()
        outside = sets.leaving(m, k.scope_sets[t.name])
        if not sets.empty(outside):
            raise Mismatch(
                "init", "a value is read from a thread or round that never computed it", None, t, None, t.name
            )
        source, s = k.units[t.name], k.scopes[scope]
        reader = k.units[s.unit]
        assert source.time is not None
        assert reader.time is not None
        assert self.earlier is not None
        if 0 <= source.position < reader.position:  # the first coordinate of time decides
            return True
        own = sets.map(s.name, s.dims, s.domain, reader.name, [Affine.dim(d) for d in reader.scope.dims])
        now = sets.compose(sets.restrict_domain(own, sets.domain(m)), reader.time)
        then = sets.compose(m, source.time)
        if not sets.subset(sets.domain(m), sets.domain(then)):
            return False
        return sets.subset(sets.compose(sets.reverse(then), now), self.earlier)

    def before(self, unit: str, t: Term, way: Map) -> bool:
        """Is what kernel reference t finds, where `way` leads to from instances of a unit, strictly earlier than these? What only
        passes a value on is looked through."""
        source, reader = self.p.kernel.units[t.name], self.p.kernel.units[unit]
        there = self.sets.compose(way, t.embedding())
        if is_view(source.value):
            inner = source.value.args if source.value.kind == "case" else (source.value,)
            return all(self.before(unit, a, there) for a in inner if a.kind == "ref")
        if 0 <= source.position < reader.position:
            return True
        assert source.time is not None
        assert reader.time is not None
        assert self.earlier is not None
        then = self.sets.compose(there, source.time)
        if not self.sets.equal(self.sets.domain(then), self.sets.domain(there)):
            return False
        return self.sets.subset(self.sets.compose(self.sets.reverse(then), reader.time), self.earlier)

    # -------------------------------------------------------------- leaves
    def leaves_agree(self, kt: Term, gt: Term, r: Map) -> None:
        """Equal constants; input cells that are the same cell everywhere on R. Raises Mismatch with what is left."""
        if kt.kind == "const" and gt.kind == "const":
            if kt.bits != gt.bits or kt.width != gt.width:
                raise Mismatch("equal", "another constant", r, kt, gt)
            return
        if kt.kind == "index" and gt.kind == "index":
            agree = self.sets.compose(kt.embedding(), self.sets.reverse(gt.embedding()))
            if kt.width != gt.width or not self.sets.subset(r, agree):
                raise Mismatch("equal", "another index value", r, kt, gt)
            return
        if kt.kind != "input" or gt.kind != "input":
            raise Mismatch("equal", "different values", r, kt, gt)
        rest = r
        for image in self.p.images.get(gt.name, ()):
            if image.object == kt.name:
                via = self.sets.compose(gt.embedding(), image.cells)
                agree = self.sets.compose(kt.embedding(), self.sets.reverse(via))
                rest = self.sets.minus(rest, agree)
        if not self.sets.empty(rest):
            raise Mismatch("equal", f"another element of `{kt.name}`", rest, kt, gt)

    # -------------------------------------------------------------- reductions in step
    def in_step(self, kt: Term, gt: Term, r: Map, along: Map) -> None:
        """`along` (kernel round -> graph round) is, over R, a bijection of all rounds of both that keeps their order."""
        sets, kernel, graph = self.sets, self.p.kernel, self.p.graph
        if not (sets.single_valued(r) and sets.injective(r)):
            raise Mismatch("equal", "reductions in step need one kernel instance an element", r, kt, gt)
        over = sets.compose(sets.compose(sets.reverse(kt.embedding()), r), gt.embedding())
        all_k = sets.range(sets.restrict_domain(kt.embedding(), sets.domain(r)))
        all_g = sets.range(sets.restrict_domain(gt.embedding(), sets.range(r)))
        fits = (
            sets.subset(along, over) and sets.equal(sets.domain(along), all_k) and sets.equal(sets.range(along), all_g)
        )
        if not fits or not sets.single_valued(along) or not sets.injective(along):
            raise Mismatch("equal", "the rounds of the two reductions do not correspond", r, kt, gt)
        before_k = lex_less(sets, kt.scope, len(self.parent(kernel, kt).dims), tied=True)
        before_g = lex_less(sets, gt.scope, len(self.parent(graph, gt).dims), tied=True)
        moved = sets.compose(sets.compose(sets.reverse(along), before_k), along)
        if not sets.subset(moved, before_g):
            raise Mismatch("equal", "the kernel adds in another order than the graph", r, kt, gt)

    # -------------------------------------------------------------- picks
    def picked(self, kt: Term, gt: Term, r: Map, order: tuple[int, ...]) -> Map:
        """R of what two picks pick from: where R relates the picks, at equal integers, the kernel's i-th and the graph's
        order[i]-th. Each lies where its side says, so both lie in both; no pair of R is without any (S26)."""
        sets = self.sets
        ours, theirs = self.p.kernel.scopes[kt.scope], self.p.graph.scopes[gt.scope]
        first, second = (len(self.parent(*x).dims) for x in ((self.p.kernel, kt), (self.p.graph, gt)))
        there = tuple(f"{d}__" for d in theirs.dims)
        equal = [
            eq(Affine.dim(d), Affine.dim(there[second + o])) for d, o in zip(ours.dims[first:], order, strict=True)
        ]
        alike = sets.relation(ours.name, ours.dims, theirs.name, there, all_of(*equal))
        over = sets.compose(sets.compose(sets.reverse(kt.embedding()), r), gt.embedding())
        found = sets.meet(over, alike)
        back = sets.compose(sets.compose(kt.embedding(), found), sets.reverse(gt.embedding()))
        if not sets.subset(r, back):
            raise Mismatch("equal", "what is known of the indices rules out every element", sets.minus(r, back), kt, gt)
        return found

    def parent(self, system: System, t: Term) -> Scope:
        return system.scopes[self.sets.source_name(t.embedding())]

    # -------------------------------------------------------------- sums (S2, S12)
    def identity_of(self, op: str, t: Term) -> bool:
        """A literal that contributes nothing: +0 to a sum where the graph starts from +0, -inf to a maximum."""
        if t.kind != "const":
            return False
        if integral(op):
            return t.bits == integer_identity(op)
        head, kind = op.split(".")[0], op_type(op)
        if head == "fadd":
            return t.bits == 0
        return IDENTITY_BITS.get(kind, {}).get(EXTREMA.get(head, "")) == t.bits

    def flatten(
        self, side: str, t: Term, at: Map, op: str, stop: frozenset[str], drop: Set | None, signless: bool = False
    ) -> tuple[list[Contribution], Set | None, Set | None]:
        """Contributions to the results that `at` (result -> instance of t's scope) starts from; which results a reduction
        reaches; and which start from a literal identity that was dropped. drop: results from which one may be dropped. signless: of maxima,
        a zero's sign does not matter."""
        f = Flattening(self, side, op, stop, drop, signless)
        found = f.run(t, at)
        if f.light and f.neutral is not None:
            light = f.neutral
            f = Flattening(self, side, op, stop, drop, signless, light)
            found = f.run(t, at)
        if side == "g":
            self.joined |= f.done
        else:
            self.entered = frozenset(f.done)
        if f.contractible and side == "k":
            for c in found:
                self.note_library(self.products(c.leaf, op_type(op)))
        if side == "k" and op.startswith("fmax."):
            found = [self.outdone(op_type(op), c, found) for c in found]
        return found, f.reduced, f.neutral

    def outdone(self, kind: str, literal: Contribution, operands: list[Contribution]) -> Contribution:
        """Of a maximum: a literal that is not above +0 changes no result that has a number of sign + among its operands."""
        t, numbers = literal.leaf, Numbers(self)
        if t.kind != "const" or not (t.bits == 0 or t.bits >> (t.width - 1)) or not numbers.literal(t, kind):
            return literal
        left = self.sets.domain(literal.reach)
        for c in operands:
            at = self.sets.range(c.reach)
            if c.leaf.kind != "const" and numbers.number(c.leaf, kind, at) and numbers.positive(c.leaf, kind, at):
                left = self.sets.minus(left, self.sets.domain(c.reach))
        return replace(literal, idle=literal.reach) if self.sets.empty(left) else literal

    def droppable(self, r: Map, reduced: Set | None) -> Set | None:
        """Kernel results all of whose graph elements come from a reduction, which starts from the identity (S12)."""
        if reduced is None:
            return None
        others = self.sets.restrict_range(r, self.sets.minus(self.sets.range(r), reduced))
        return self.sets.minus(self.sets.domain(r), self.sets.domain(others))

    def from_zero(self, gt: Term, r: Map, kernel: Set | None) -> None:
        """Of a graph's sum without some terms that are +0 or -0: the kernel's starts from a literal +0, so that it is not -0."""
        if gt.attr == FROM_ZERO and (kernel is None or not self.sets.subset(self.sets.domain(r), kernel)):
            raise Mismatch(
                "equal", "the kernel's sum does not start from +0, and would be -0 where the graph's is +0", r
            )

    def without_padding(
        self, op: str, r: Map, graph: list[Contribution], reduced: Set | None, kernel: Set | None
    ) -> list[Contribution]:
        """A graph's summands but the literal +0 of its reductions (a convolution's padding), where the kernel's sum starts from
        a literal +0: added to each other first, they are that +0 (S12). So are products of a literal +0 and a finite number."""
        if reduced is None or kernel is None or not op.startswith("fadd"):
            return graph
        zeros = [(c, c.reach) for c in graph if self.identity_of(op, c.leaf)]
        zeros += [(c, m) for c in graph if (m := self.light(c)) is not None]
        for _, reach in zeros:
            padded_sums = self.sets.domain(reach)
            theirs = self.sets.domain(self.sets.restrict_range(r, padded_sums))
            if not self.sets.subset(padded_sums, reduced) or not self.sets.subset(theirs, kernel):
                return graph
        left = [(c.leaf, reduce(self.sets.minus, [m for z, m in zeros if z is c], c.reach)) for c in graph]
        return [Contribution(reach, leaf) for leaf, reach in left if not self.sets.empty(reach)]

    def light(self, c: Contribution) -> Map | None:
        """Where a graph's summand is a product of a literal +0 and a finite number."""
        if not self.p.finite or c.leaf.kind != "op" or op_head(c.leaf) != "fmul":
            return None
        nodes = weightless(self.p, "g", c.leaf, self.sets.range(c.reach))
        return None if self.sets.empty(nodes) else self.sets.restrict_range(c.reach, nodes)

    def same_start(self, op: str, r: Map, summands: list[Contribution], kernel: Set | None, graph: Set | None) -> None:
        """A maximum over nothing but NaN is the identity it starts from, and NaN where it starts from none (S11): both sides
        start alike, or every result has an operand that is a number. A sum may start either way, and so may a maximum that
        propagates NaN. summands: the kernel's."""
        if op.startswith("fadd") or op.split(".")[0] in ("fmaximum", "fminimum") or integral(op):
            return
        left = r if kernel is None else self.sets.restrict_domain(r, kernel)
        right = r if graph is None else self.sets.restrict_range(r, graph)
        none = (kernel is None) == (graph is None)
        if not (none and self.sets.equal(left, right)) and not self.over_a_number(op, r, summands):
            raise Mismatch(
                "equal", "one side's maximum starts from an infinity and the other's does not: they differ on NaN", r
            )

    def over_a_number(self, op: str, r: Map, summands: list[Contribution]) -> bool:
        """Has every kernel result an operand that is never a NaN?"""
        numbers, left = Numbers(self), self.sets.domain(r)
        for c in summands:
            reach = (
                c.reach if c.idle is None else self.sets.minus(c.reach, c.idle)
            )  # an infinity that pads is no operand
            if numbers.number(c.leaf, op_type(op), self.sets.range(reach)):
                left = self.sets.minus(left, self.sets.domain(reach))
        return self.sets.empty(left)
