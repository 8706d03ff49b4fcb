"""The rules by which a pair of terms may be related: the part that has to be right. Search and checker both stand on it.

Every kernel reference is checked once: the source is executed wherever it is read, and strictly earlier. So every chain of
claims descends in time, and a claim may be used as a hypothesis in its own proof.
"""

from __future__ import annotations

from dataclasses import dataclass

from tv.diagnostic import Unknown
from tv.equiv.contraction import Contraction
from tv.equiv.padding import padded
from tv.equiv.problem import Mismatch, Problem, is_view
from tv.sets import Affine, Map, Remainder, Set
from tv.sets.ordering import lex_less
from tv.system import Scope, System, Unit
from tv.term import Term, op_head, op_type

IDENTITY_BITS = {
    "f32": {"max": 0xFF800000, "min": 0x7F800000},
    "f16": {"max": 0xFC00, "min": 0x7C00},
    "bf16": {"max": 0xFF80, "min": 0x7F80},
}
EXTREMA = {"fmax": "max", "fmin": "min", "fmaximum": "max", "fminimum": "min"}  # the latter propagate NaN
COMMUTATIVE = ("fadd", "fmul", *EXTREMA, "feq", "add", "mul", "and", "or", "xor", "eq")


@dataclass(frozen=True, slots=True)
class Contribution:
    """results -> instances of the leaf's scope; each (result, instance) is met exactly once."""

    reach: Map
    leaf: Term


def accumulates(name: str) -> bool:
    """May terms of this operation be flattened and reordered: wide float sums, and maxima of any float type."""
    head, kind = name.split(".")[0], op_type(name)
    return (head == "fadd" and kind in ("f32", "f64")) or head in EXTREMA


class Rules(Contraction):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.terms = problem.terms
        self.edges: dict[tuple[str, int], bool] = {}
        self.selves: dict[str, Term] = {}
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
            raise Mismatch("init", f"`{t.name}` has no value at some instances that read it", e.rest, t, None) from None

    def graph_step(self, r: Map, t: Term) -> Map:
        key = ("", t.id)
        if key not in self.edges:
            self.edges[key] = self.sets.subset(self.sets.range(t.embedding()), self.p.graph.scope_sets[t.name])
        if not self.edges[key]:
            raise Unknown("TV0601", f"the graph refers to `{t.name}` outside its shape")
        try:
            return self.sets.step_range(r, t.embedding(), f"graph reference to {t.name}")
        except Remainder as e:
            raise Mismatch("equal", f"graph tensor `{t.name}` has no element there", e.rest, None, t) from None

    def descends(self, scope: str, t: Term) -> None:
        """The source exists wherever it is read, strictly before the reader's own value does (S10)."""
        key = (scope, t.id)
        if key not in self.edges:
            self.edges[key] = self._descends(scope, t)
        if not self.edges[key]:
            raise Unknown("TV0602", f"reference to `{t.name}` is not to something strictly earlier")

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

    def parent(self, system: System, t: Term) -> Scope:
        return system.scopes[self.sets.source_name(t.embedding())]

    # -------------------------------------------------------------- sums (S2, S12)
    def identity_of(self, op: str, t: Term) -> bool:
        """A literal that contributes nothing: +0 to a sum where the graph starts from +0, -inf to a maximum."""
        if t.kind != "const":
            return False
        head, kind = op.split(".")[0], op_type(op)
        if head == "fadd":
            return t.bits == 0
        return IDENTITY_BITS.get(kind, {}).get(EXTREMA.get(head, "")) == t.bits

    def flatten(
        self, side: str, t: Term, at: Map, op: str, stop: frozenset[str], drop: Set | None
    ) -> tuple[list[Contribution], Set | None, Set | None]:
        """Contributions to the results that `at` (result -> instance of t's scope) starts from; which results a reduction
        reaches; and which start from a literal identity that was dropped. drop: results from which one may be dropped."""
        f = Flattening(self, side, op, stop, drop)
        found = f.run(t, at)
        if f.contractible and side == "k":
            for c in found:
                self.note_library(self.products(c.leaf, op_type(op)))
        return found, f.reduced, f.neutral

    def droppable(self, r: Map, reduced: Set | None) -> Set | None:
        """Kernel results all of whose graph elements come from a reduction, which starts from the identity (S12)."""
        if reduced is None:
            return None
        others = self.sets.restrict_range(r, self.sets.minus(self.sets.range(r), reduced))
        return self.sets.minus(self.sets.domain(r), self.sets.domain(others))

    def same_start(self, op: str, r: Map, kernel: Set | None, graph: Set | None) -> None:
        """A maximum over nothing but NaN is the identity it starts from, and NaN where it starts from none (S11): both sides
        start alike. A sum may start either way, and so may a maximum that propagates NaN."""
        if op.startswith("fadd") or op.split(".")[0] in ("fmaximum", "fminimum"):
            return
        left = r if kernel is None else self.sets.restrict_domain(r, kernel)
        right = r if graph is None else self.sets.restrict_range(r, graph)
        none = (kernel is None) == (graph is None)
        if not none or not self.sets.equal(left, right):
            raise Mismatch(
                "equal", "one side's maximum starts from an infinity and the other's does not: they differ on NaN", r
            )


class Flattening:
    """Additions followed through loops, exchanges and memory, by unit, latest first; all visits of a unit merged before it."""

    def __init__(self, rules: Rules, side: str, op: str, stop: frozenset[str], drop: Set | None) -> None:
        self.rules, self.side, self.op, self.stop, self.drop = rules, side, op, stop, drop
        self.sets, self.system = rules.sets, rules.p.views(side)
        self.items: list[Contribution] = []
        self.pending: dict[str, Map] = {}
        self.done: set[str] = set()
        self.counted = op.startswith("fadd")
        self.reduced: Set | None = None  # results that a reduction reaches
        self.contractible = False  # some addition on the way is not `_rn`
        self.neutral: Set | None = None  # results that an identity reaches

    def run(self, t: Term, at: Map) -> list[Contribution]:
        self.visit(t, at)
        while self.pending:
            name = max(self.pending, key=lambda n: self.system.units[n].order)
            reach = self.pending.pop(name)
            self.done.add(name)
            self.visit(self.system.units[name].value, reach)
        return self.items

    def visit(self, t: Term, at: Map) -> None:
        sets = self.sets
        if sets.empty(at):
            return
        if t.kind == "case":
            rest = at
            for s, a in zip(t.sets, t.args, strict=True):
                part = sets.restrict_range(at, s)
                if not sets.empty(part):
                    rest = sets.minus(rest, part)
                    self.visit(a, part)
            if not sets.empty(rest):
                raise Mismatch("equal", "no case covers a summand", rest, t)
        elif t.kind == "op" and t.name == self.op:
            self.contractible |= t.attr == "c"
            for a in t.args:
                self.visit(a, at)
        elif t.kind == "op" and t.name == "ffma." + op_type(self.op) and self.op.startswith("fadd"):
            self.leaf(self.rules.terms.op("fmul." + op_type(self.op), t.args[0], t.args[1], attr="u"), at)
            self.visit(t.args[2], at)
        elif t.kind == "reduce" and t.name == self.op:
            here = sets.domain(at)
            self.reduced = here if self.reduced is None else sets.join(self.reduced, here)
            self.visit(t.args[0], sets.compose(at, t.embedding()))
            if self.side == "k" or not self.rules.identity_of(
                self.op, t.args[1]
            ):  # a graph's sum may start from its first term
                self.visit(t.args[1], at)
            else:
                self.starts(at)
        elif t.kind == "hole":
            return
        elif self.drop is not None and self.rules.identity_of(self.op, t):
            dropped = sets.restrict_domain(at, self.drop)
            if not sets.empty(dropped):
                self.starts(dropped)
            kept = sets.minus(at, dropped)
            if not sets.empty(kept):
                self.items.append(Contribution(kept, t))
        elif t.kind == "ref" and t.name not in self.done and self.joins(t):
            self.enter(t, at)
        else:
            self.leaf(t, at)

    def leaf(self, t: Term, at: Map) -> None:
        sets = self.sets
        if self.counted and self.drop is not None and t.kind == "op" and op_head(t) == "fmul":
            here = sets.restrict_domain(at, self.drop)
            others = sets.range(sets.minus(at, here))
            zero = padded(sets, self.system, t, sets.minus(sets.range(here), others))
            if not sets.empty(zero):
                self.pad(zero)
                self.starts(sets.restrict_range(at, zero))
                at = sets.minus(at, sets.restrict_range(at, zero))
        if not sets.empty(at):
            self.items.append(Contribution(at, t))

    def pad(self, nodes: Set) -> None:
        """For who watches: at these instances the leaf is a product of zeros, and was dropped."""

    def starts(self, at: Map) -> None:
        here = self.sets.domain(at)
        self.neutral = here if self.neutral is None else self.sets.join(self.neutral, here)

    def enter(self, t: Term, at: Map) -> None:
        sets = self.sets
        if self.side == "k":
            self.rules.descends(sets.target_name(at), t)
        if self.counted and not self.single_path(at, t.embedding()):
            raise Mismatch(
                "equal", f"one instance of `{t.name}` reaches a result along several paths", at, t, None, t.name
            )
        try:
            reach = sets.step_range(at, t.embedding(), f"summand {t.name}")
        except Remainder as e:
            raise Mismatch("init", f"summand `{t.name}` was never computed", e.rest, t, None, t.name) from None
        old = self.pending.get(t.name)
        if old is not None:
            if self.counted and not sets.disjoint(old, reach):
                raise Mismatch("equal", f"`{t.name}` is added twice", sets.meet(old, reach), t, None, t.name)
            reach = sets.join(old, reach)
        self.pending[t.name] = reach

    def single_path(self, at: Map, m: Map) -> bool:
        """{(result, leaf) -> node} is a function (S2): a step that is injective by itself needs no further question."""
        if self.sets.injective(m):
            return True
        return self.sets.injective(
            self.sets.pair(self.sets.reverse(at), self.sets.restrict_domain(m, self.sets.range(at)))
        )

    def joins(self, t: Term) -> bool:
        """A graph tensor joins the one sum that uses it, element by element: it has one value, so one order (S15)."""
        if t.name in self.stop:
            return False
        u = self.system.units[t.name]
        if self.side == "g" and (u.uses != 1 or not self.sets.injective(t.embedding())):
            return False
        return self.summable(u.value)

    def summable(self, v: Term) -> bool:
        if v.kind == "reduce":
            return v.name == self.op
        if v.kind in ("ref", "const", "undefined"):
            return True
        if v.kind == "op":
            return v.name == self.op or (self.op.startswith("fadd") and v.name == "ffma." + op_type(self.op))
        return v.kind == "case" and any(self.summable(a) for a in v.args)
