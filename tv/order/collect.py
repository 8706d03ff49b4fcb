"""Following a proof once more, with the checker, and writing down in which order the kernel adds what the graph sums."""

from __future__ import annotations

from collections.abc import Mapping

from tv.diagnostic import Unknown
from tv.equiv.centring import centred
from tv.equiv.checker import Checker
from tv.equiv.laws import LAWS
from tv.equiv.matching import Matching
from tv.equiv.problem import Problem
from tv.equiv.script import Apply, Centre, Claim, Fold, Rewrite, Script, Sum
from tv.equiv.summands import accumulates
from tv.obligation import Relation
from tv.order.consistent import Computed, require_one_order
from tv.order.contraction import LEFT, RIGHT, Choices
from tv.order.masked import Named
from tv.order.program import Expr, Fuse, LeafAt, Negate, Order, Part, Place
from tv.order.trace import Recorder, Watched
from tv.sets import Map
from tv.term import Term, op_head


class Places:
    """Where in the graph a term stands."""

    def __init__(self, problem: Problem) -> None:
        self.found: dict[int, Place] = {}
        for name, u in problem.graph.units.items():
            self.add(u.value, (name, ()))

    def add(self, root: Term, place: Place) -> None:
        todo = [(root, place)]
        while todo:
            t, at = todo.pop()
            if t.id not in self.found:
                self.found[t.id] = at
                todo += [(a, (at[0], (*at[1], k))) for k, a in enumerate(t.args)]

    def of(self, t: Term) -> Place:
        if t.id not in self.found:
            raise Unknown("TV0663", "the order of a sum could not be written down: it is no part of the graph")
        return self.found[t.id]


class Collecting(Checker):
    """A checker that also writes down orders. What it raises beyond a checker: Unknown, Unsupported (tv.order.contraction)."""

    def __init__(self, problem: Problem, claims: Mapping[int, Claim], choices: Choices) -> None:
        super().__init__(problem, claims)
        self.choices, self.places = choices, Places(problem)
        self.orders: list[Order] = []
        self.computed: list[Computed] = []
        self.steps: set[int] = set()  # graph's steps of loops that run as the kernel's do: part of an order themselves

    def check(self, roots: Mapping[str, tuple[int, ...]]) -> Relation:
        relation = super().check(roots)
        require_one_order(self.p, self.choices, self.computed)
        return relation

    def goal(self, kt: Term, gt: Term, r: Map, s: Script) -> None:
        if isinstance(s, Rewrite):
            self.rewrite(kt, gt, s)
        super().goal(kt, gt, r, s)

    def rewrite(self, kt: Term, gt: Term, s: Rewrite) -> None:
        """Notes what becomes of a term: of the graph's, where it stands; of the kernel's, which additions it stands for."""
        known = self.alternative(gt) if s.side == "g" else None
        if known is not None and known.law == s.law:
            new: Term | None = known.term
        else:
            new = LAWS[s.law](self.p.terms, gt if s.side == "g" else kt) if s.law in LAWS else None
        if new is not None and s.side == "g":
            unit, path = self.places.of(gt)
            self.places.add(new, (unit, (*path, s.law)))
        elif new is not None:
            self.choices.narrowed(kt, new)

    @property
    def masked(self) -> Named:
        """The tensors that the proof takes without what a mask takes out, and by which law."""
        laws = {i: self.p.alternatives[i].law for i in self.taken}
        units = self.p.graph.units.items()
        return tuple(sorted((name, laws[u.value.id]) for name, u in units if u.value.id in laws))

    # -------------------------------------------------------------- sums matched up to order
    def sum(self, kt: Term, gt: Term, r: Map, s: Sum) -> None:
        super().sum(kt, gt, r, s)
        if not s.op.startswith("fadd") or self.sets.empty(r):
            return
        if gt.id in self.steps:
            raise Unknown("TV0663", "the order of a sum could not be written down: it reaches across a loop's rounds")
        g, reduced, _ = self.rules.flatten("g", gt, self.sets.identity(self.sets.range(r)), s.op, frozenset(), None)
        domain, drop = self.sets.identity(self.sets.domain(r)), self.rules.droppable(r, reduced)
        w = Watched(self.rules, s.op, frozenset(s.stop), drop)
        k = w.run(kt, domain)
        if w.light and w.neutral is not None:
            w = Watched(self.rules, s.op, frozenset(s.stop), drop, w.neutral)
            k = w.run(kt, domain)
        g = self.rules.without_padding(s.op, r, g, reduced, w.neutral)
        matching = Matching(self.sets, r, k, g, True)
        parts: list[list[Part]] = [[] for _ in k]
        for p in s.pairs:
            link = matching.pairing(p.k, p.g, p.map)
            if link is not None:
                parts[p.k].append(self.part(g[p.g].leaf, link.leaves))
        recorder = Recorder(self.sets, self.p.kernel, s.op, self.choices.of)
        value, units = recorder.program(w)
        self.computed.append(Computed(kt, gt, r, True))
        self.record(s.op, gt, r, tuple(map(tuple, parts)), value, units, recorder.zeros)

    def part(self, graph: Term, along: Map) -> Part:
        return Part(self.places.of(graph), self.sets.target_name(along), self.sets.text(along))

    def record(
        self,
        op: str,
        gt: Term,
        r: Map,
        leaves: tuple[tuple[Part, ...], ...],
        value: Expr,
        units: dict[str, Expr],
        zeros: dict[int, str],
    ) -> None:
        choose = self.sets.text(self.sets.reverse(r))
        self.orders.append(Order(op, self.places.of(gt), self.sets.target_name(r), choose, leaves, value, units, zeros))

    # -------------------------------------------------------------- loops in step, single additions: only where a product is fused
    def fold(self, kt: Term, gt: Term, r: Map, s: Fold) -> None:
        self.steps.add(gt.args[0].id)
        super().fold(kt, gt, r, s)
        step, theirs = kt.args[0], gt.args[0]
        if not accumulates(kt.name) or not kt.name.startswith("fadd"):
            return
        fused = self.choices.of(step)
        self.computed.append(Computed(kt, gt, r, False, 0 if fused else None))
        if not fused:
            return
        ours = [a for a in step.args if a.kind != "hole"]
        graph = [a for a in theirs.args if a.kind != "hole"]
        if not isinstance(s.step, Apply) or len(ours) != 1 or len(graph) != 1:
            raise Unknown("TV0663", "the order of a sum could not be written down")
        at = self.sets.identity(self.sets.domain(r))
        w = Watched(self.rules, kt.name, frozenset(self.p.kernel.units), None)
        k = w.run(kt, at)
        parts: list[tuple[Part, ...]] = []
        for c in k:
            init = c.leaf is kt.args[1]
            parts.append((self.part(gt.args[1], r) if init else self.part(graph[0], s.map),))
        value, units = Recorder(self.sets, self.p.kernel, kt.name, self.choices.of).program(w)
        self.record(kt.name, gt, r, tuple(parts), value, units, {})

    def apply(self, kt: Term, gt: Term, r: Map, s: Apply) -> None:
        super().apply(kt, gt, r, s)
        if op_head(kt) not in ("fadd", "fsub") or gt.id in self.steps or self.sets.empty(r):
            return
        which = self.choices.of(kt)
        k = {LEFT: 0, RIGHT: 1, "": None}[which]
        self.computed.append(Computed(kt, gt, r, False, None if k is None else s.order[k]))
        if k is None:
            return
        subtract = op_head(kt) == "fsub"
        rest: Expr = LeafAt(1)
        if subtract and k == 0:
            rest = Negate(rest)
        leaves = tuple((self.part(gt.args[s.order[i]], r),) for i in (k, 1 - k))
        self.record(kt.name, gt, r, leaves, Fuse(0, subtract and k == 1, rest), {}, {})

    def centre(self, kt: Term, gt: Term, r: Map, s: Centre) -> None:
        super().centre(kt, gt, r, s)
        c = centred(self.rules, kt, gt, r)
        if c is None or self.sets.empty(c.relation):
            return
        if self.choices.of(c.kernel):
            raise Unknown("TV0663", "the order of a sum could not be written down: a difference takes in a product")
        self.computed.append(Computed(c.kernel, c.graph, c.relation, False, None))


def collect(
    problem: Problem, claims: Mapping[int, Claim], roots: Mapping[str, tuple[int, ...]], choices: Choices
) -> Collecting:
    """Checks the proof and returns the checker, its orders filled in. Raises what a checker raises."""
    c = Collecting(problem, claims, choices)
    c.check(roots)
    return c
