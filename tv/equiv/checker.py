"""The checker: follows a proof script step by step. No search, no guess; what it accepts is what `proved` means.

Claims may rest on each other in any way: each kernel reference descends in time (rules.descends), and a claim is only ever
used through such a reference, so an argument in a circle is an induction over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tv.diagnostic import Unknown
from tv.equiv.centring import Centred, Maximum, among, centred, maximum
from tv.equiv.formats import format_of, gives_any_nan, shows_bits, takes_floats
from tv.equiv.laws import LAWS, TO_THE_BIT
from tv.equiv.lemmas import Lemmas
from tv.equiv.matching import Matching
from tv.equiv.places import chosen, extreme
from tv.equiv.problem import Mismatch, Problem
from tv.equiv.rules import Rules
from tv.equiv.script import (
    Apply,
    Centre,
    Choice,
    Claim,
    Fold,
    Leaf,
    Lemma,
    Pick,
    Rewrite,
    Script,
    Split,
    Sum,
    Unfold,
    Use,
    Vacuous,
)
from tv.equiv.summands import COMMUTATIVE, accumulates, counted
from tv.equiv.uniform import Reordered, Uniformity
from tv.masking import ASSUMED, Alternative
from tv.obligation import Relation, weaker
from tv.sets import Map
from tv.term import Term, op_head, op_type

KEEPING = (Apply, Leaf, Sum, Fold, Lemma, Centre, Pick, Choice)  # steps that take the graph's value as it stands


class Checker:
    """rules: facts about references already established by the same rules on the same systems."""

    def __init__(self, problem: Problem, claims: Mapping[int, Claim], rules: Rules | None = None) -> None:
        self.p, self.sets, self.rules, self.claims = problem, problem.sets, rules or Rules(problem), claims
        self.relation = Relation.BITWISE
        self.laws: set[str] = set()
        self.sums: list[Reordered] = []
        self.exact: list[
            tuple[Term, Map]
        ] = []  # additions that a lemma takes as the graph has them, with R to their scope
        self.lemmas: dict[str, None] = {}  # texts, in the order of use
        self.kept: dict[int, Term] = {}  # of the graph's values that have an alternative, those used as they are
        self.taken: dict[int, Term] = {}  # and those used as the alternative
        self.bits = False  # has the goal to hold bit for bit, since an integer shows what is asked about?
        self.used: set[tuple[int, bool]] = set()  # claims, and whether bit for bit

    def check(self, roots: Mapping[str, tuple[int, ...]]) -> Relation:
        """Every output's claims, and every claim they rest on. roots: output name -> claim ids. Raises what a rule raises."""
        todo: list[tuple[int, bool]] = []
        for output in self.p.outputs:
            ids = roots.get(output.name)
            if not ids:
                raise Unknown("TV0611", f"no claim for output `{output.name}`")
            self.covers(output.reader, output.unit, output.relation, ids)
            if self.sets.empty(output.relation):
                raise Unknown("TV0612", f"output `{output.name}` has no elements: nothing is claimed about it")
            integer = not self.p.graph.units[output.unit].format
            todo += [(i, integer) for i in ids]
        seen: set[tuple[int, bool]] = set()
        while todo:
            i, self.bits = todo.pop()
            if (i, True) in seen or (i, self.bits) in seen:
                continue
            seen.add((i, self.bits))
            c = self.claims.get(i)
            if c is None or c.script is None:
                raise Unknown("TV0611", f"claim {i} has no proof")
            self.used = set()
            self.claim(c)
            todo += sorted(self.used)
        Uniformity(self.p, self.rules).check(self.sums)
        self.one_value()
        return self.relation

    def claim(self, c: Claim) -> None:
        ku, gu = self.p.kernel.units[c.kernel], self.p.graph.units[c.graph]
        inside = self.sets.subset(self.sets.domain(c.relation), ku.domain) and self.sets.subset(
            self.sets.range(c.relation), gu.domain
        )
        if not inside or ku.width != gu.width or c.script is None:
            raise Unknown("TV0613", f"claim {c.id} is not about instances of its two units")
        self.goal(ku.value, self.rules.opposite(ku, gu), c.relation, c.script)

    def covers(self, kernel: str, graph: str, r: Map, ids: tuple[int, ...]) -> None:
        rest = r
        for i in ids:
            c = self.claims.get(i)
            if c is None or (c.kernel, c.graph) != (kernel, graph):
                raise Unknown("TV0611", f"claim {i} is not about `{kernel}` and `{graph}`")
            rest = self.sets.minus(rest, c.relation)
        if not self.sets.empty(rest):
            raise Unknown("TV0611", f"claims on `{kernel}` and `{graph}` leave a part of the goal open")

    def goal(self, kt: Term, gt: Term, r: Map, s: Script) -> None:
        if kt.width != gt.width:
            raise Unknown("TV0614", "a goal between values of different width")
        if isinstance(s, KEEPING) and gt.id in self.p.alternatives:
            self.kept[gt.id] = gt
        if self.bits and self.hides(gt, s):
            raise Mismatch(
                "equal", "an integer shows the bits of a NaN here, which may be any in the kernel", r, kt, gt
            )
        match s:
            case Vacuous():
                self.must(self.sets.empty(r), "a goal declared vacuous is not")
            case Leaf():
                if not (kt.kind == gt.kind == "hole"):
                    self.rules.leaves_agree(kt, gt, r)
            case Unfold(side="k", then=then):
                self.must(kt.kind == "ref", "nothing to unfold")
                self.goal(self.p.kernel.units[kt.name].value, gt, self.rules.kernel_step(r, kt), then)
            case Unfold(side="g", then=then):
                self.must(gt.kind == "ref", "nothing to unfold")
                self.goal(kt, self.p.graph.units[gt.name].value, self.rules.graph_step(r, gt), then)
            case Split():
                self.split(kt, gt, r, s)
            case Apply():
                self.apply(kt, gt, r, s)
            case Pick():
                self.pick(kt, gt, r, s)
            case Rewrite(side="g", law=law, then=then) if (
                known := self.alternative(gt)
            ) is not None and known.law == law:
                self.laws.add(law)
                self.taken[gt.id] = gt
                self.p.assumptions.add(ASSUMED)
                self.goal(kt, known.term, r, then)
            case Rewrite(side=side, law=law, then=then):
                self.must(law in LAWS, f"no law `{law}`")
                if side == "g" and gt.id in self.p.alternatives:
                    self.kept[gt.id] = gt
                new = LAWS[law](self.p.terms, kt if side == "k" else gt)
                self.must(new is not None, f"law `{law}` does not apply")
                assert new is not None
                self.laws.add(law)
                self.goal(new if side == "k" else kt, gt if side == "k" else new, r, then)
            case Use(claims=ids):
                self.must(kt.kind == "ref" and gt.kind == "ref", "claims are about references")
                self.covers(kt.name, gt.name, self.rules.graph_step(self.rules.kernel_step(r, kt), gt), ids)
                self.used |= {(i, self.bits) for i in ids}
            case Sum():
                self.sum(kt, gt, r, s)
            case Fold():
                self.fold(kt, gt, r, s)
            case Centre():
                self.centre(kt, gt, r, s)
            case Choice():
                self.choice(kt, gt, r, s)
            case Lemma():
                self.lemma(kt, gt, r, s)
            case _:
                raise TypeError(f"not a proof step: {s!r}")

    def hides(self, gt: Term, s: Script) -> bool:
        """Does this step prove floats equal, but not the bits of NaNs?"""
        match s:
            case Apply() | Fold():
                return gives_any_nan(gt.name)
            case Sum(op=op):
                return gives_any_nan(op)
            case Lemma() | Choice():
                return bool(format_of(self.p.graph.units, gt))
            case Rewrite(law=law):
                return law not in TO_THE_BIT
            case Centre():
                return True
            case _:
                return False

    def seen(self, bits: bool, kt: Term, gt: Term, r: Map, s: Script) -> None:
        """A goal in another light: as an integer shows it, or as a float."""
        before, self.bits = self.bits, bits
        self.goal(kt, gt, r, s)
        self.bits = before

    def operand(self, op: str, kt: Term, gt: Term, r: Map, s: Script) -> None:
        self.seen(shows_bits(op, self.p.graph.units, gt), kt, gt, r, s)

    def must(self, ok: bool, what: str) -> None:
        if not ok:
            raise Unknown("TV0614", what)

    def split(self, kt: Term, gt: Term, r: Map, s: Split) -> None:
        t = kt if s.side == "k" else gt
        self.must(t.kind == "case" and len(t.args) == len(s.arms), "a split that does not fit its case")
        cut = self.sets.restrict_domain if s.side == "k" else self.sets.restrict_range
        rest = r
        for piece, a, arm in zip(t.sets, t.args, s.arms, strict=True):
            part = cut(r, piece)
            rest = self.sets.minus(rest, part)
            self.goal(a if s.side == "k" else kt, gt if s.side == "k" else a, part, arm)
        self.must(self.sets.empty(rest), "no case covers some instances")

    def apply(self, kt: Term, gt: Term, r: Map, s: Apply) -> None:
        same = kt.kind == gt.kind == "op" and kt.name == gt.name and len(kt.args) == len(gt.args) == len(s.args)
        self.must(same and sorted(s.order) == list(range(len(kt.args))), "operations that differ")
        straight = s.order == tuple(range(len(s.order)))
        swapped = (s.order == (1, 0) and op_head(kt) in COMMUTATIVE) or (s.order == (1, 0, 2) and op_head(kt) == "ffma")
        self.must(straight or swapped, "operands in an order that changes the value")
        stated = all(a.kind == "const" for a in kt.args)  # what nvcc knows of these has a symbol of its own
        self.must(
            stated or not self.rules.of_constants(gt),
            "a function of constants, which nvcc may evaluate while it compiles",
        )
        fused = self.rules.contracted(kt)
        if op_head(kt) in ("fadd", "fsub") and op_type(kt.name) in ("f32", "f64"):
            self.sums.append(Reordered(kt, gt, r, free=bool(fused)))
        for i in fused:
            allowed = self.rules.allowed(kt.args[i], gt.args[s.order[i]], op_type(kt.name))
            self.must(allowed, "a contraction that the graph does not allow")
            self.relation = weaker(self.relation, Relation.REASSOC)
        for n, (a, o, arm) in enumerate(zip(kt.args, s.order, s.args, strict=True)):
            if kt.name == "select" and n:
                self.goal(a, gt.args[o], r, arm)
            else:
                self.operand(kt.name, a, gt.args[o], r, arm)

    def pick(self, kt: Term, gt: Term, r: Map, s: Pick) -> None:
        self.must(kt.kind == gt.kind == "pick" and len(kt.args) == len(gt.args), "not two picks at as many integers")
        count = len(kt.args) - 1
        self.must(sorted(s.order) == list(range(count)) and len(s.indices) == count, "integers left out of a pick")
        for i, (o, proof) in enumerate(zip(s.order, s.indices, strict=True)):
            self.seen(True, kt.args[1 + i], gt.args[1 + o], r, proof)
        self.goal(kt.args[0], gt.args[0], self.rules.picked(kt, gt, r, s.order), s.element)

    def choice(self, kt: Term, gt: Term, r: Map, s: Choice) -> None:
        taken = list(s.taken)
        goals = chosen(self.rules, kt, gt, r, lambda *_: taken.pop(0) if taken else -1, s.beside)
        self.must(len(goals) == len(s.values), "another number of candidates for the place of an extreme")
        self.must(not taken, "more places left out than the kernel's tests name")
        bound = self.p.bounds.get(extreme(self.rules, gt).id)
        self.p.assumptions.update(bound.assumed if bound is not None else ())
        for goal, proof in zip(goals, s.values, strict=True):
            self.seen(not format_of(self.p.graph.units, goal[1]), *goal, proof)

    def centre(self, kt: Term, gt: Term, r: Map, s: Centre) -> None:
        c = centred(self.rules, kt, gt, r)
        self.must(c is not None and not self.rules.of_constants(gt), "no differences from a maximum")
        assert c is not None
        m = maximum(self.rules, c)
        self.must(m is not None and s.total.op == m.graph.name, "what is subtracted are no two maxima")
        assert m is not None
        for t in (c.graph, m.graph):
            if t.id in self.p.alternatives:
                self.kept[t.id] = t
        fused = self.rules.contracted(c.kernel)
        self.sums.append(Reordered(c.kernel, c.graph, c.relation, free=bool(fused)))
        for i in fused:
            allowed = self.rules.allowed(c.kernel.args[i], c.graph.args[i], op_type(c.kernel.name))
            self.must(allowed, "a contraction that the graph does not allow")
            self.relation = weaker(self.relation, Relation.REASSOC)
        self.goal(c.kernel.args[0], c.graph.args[0], c.relation, s.first)
        self.matched(m.kernel, m.graph, m.relation, s.total, (c, m))

    def sum(self, kt: Term, gt: Term, r: Map, s: Sum) -> None:
        self.matched(kt, gt, r, s, None)

    def matched(self, kt: Term, gt: Term, r: Map, s: Sum, within: tuple[Centred, Maximum] | None) -> None:
        """within: where a difference from this maximum is all that is asked."""
        self.must(accumulates(s.op), f"`{s.op}` may not be reordered")
        self.must(kt.kind in ("op", "reduce", "case", "const") and gt.kind in ("op", "reduce"), "a sum of what is none")
        elements = self.sets.identity(self.sets.range(r))
        self.rules.joined.clear()
        g, reduced, starts_g = self.rules.flatten("g", gt, elements, s.op, frozenset(), None)
        self.keep(self.rules.joined)
        domain, drop = self.sets.identity(self.sets.domain(r)), self.rules.droppable(r, reduced)
        signless = within is not None and within[0].signless
        k, _, starts_k = self.rules.flatten("k", kt, domain, s.op, frozenset(s.stop), drop, signless)
        if within is None:
            self.rules.same_start(s.op, r, k, starts_k, starts_g)
        else:
            among(self.rules, *within, g)
        self.rules.from_zero(gt, r, starts_k)
        g = self.rules.without_padding(s.op, r, g, reduced, starts_k)
        matching = Matching(self.sets, r, k, g, counted(s.op))
        links, proofs = [], []
        for p in s.pairs:
            self.must(0 <= p.k < len(k) and 0 <= p.g < len(g), "a pairing of terms that are not there")
            link = matching.pairing(p.k, p.g, p.map)
            if link is not None:
                links.append((p.k, p.g, link))
                proofs.append(p.proof)
        matching.check(links)
        if s.op.startswith("fadd"):
            self.relation = weaker(self.relation, Relation.REASSOC)
            self.sums.append(Reordered(kt, gt, r))
        for proof, (i, j, link) in zip(proofs, links, strict=True):
            allowed = self.rules.summand_allowed(s.op, k[i].leaf, g[j].leaf)
            self.must(allowed, "a contraction that the graph does not allow")
            self.seen(not takes_floats(s.op), k[i].leaf, g[j].leaf, link.leaves, proof)

    def fold(self, kt: Term, gt: Term, r: Map, s: Fold) -> None:
        self.must(kt.kind == gt.kind == "reduce" and kt.name == gt.name, "not two reductions of one operation")
        self.rules.in_step(kt, gt, r, s.map)
        if kt.name.startswith("fadd"):
            self.sums.append(Reordered(kt, gt, r, free=False))
        self.seen(not takes_floats(kt.name), kt.args[0], gt.args[0], s.map, s.step)
        self.seen(not takes_floats(kt.name), kt.args[1], gt.args[1], r, s.init)

    # -------------------------------------------------------------- lemmas
    def lemma(self, kt: Term, gt: Term, r: Map, s: Lemma) -> None:
        rule = Lemmas(self.p, self.rules)
        body = rule.body(gt, r, s.opened)
        self.keep(s.opened)
        pairs = [rule.pair(kt, body, j.k, j.g, j.proof) for j in s.joints]
        text = rule.text(kt, body, r, pairs)
        if not self.p.asked.valid(text):
            raise Unknown(
                "TV0902", "no solver showed a lemma that the proof rests on", help="`--dump-smt2 DIR` writes it"
            )
        self.lemmas[text] = None
        self.exact += rule.additions(body, r, pairs)
        for p in pairs:
            self.seen(False, p.kernel, p.graph, r, p.proof)

    def alternative(self, gt: Term) -> Alternative | None:
        return self.p.alternatives.get(gt.id)

    def keep(self, units: Iterable[str]) -> None:
        """The values of these tensors of the graph were used as they are."""
        for name in units:
            value = self.p.graph.units[name].value
            if value.id in self.p.alternatives:
                self.kept[value.id] = value

    def one_value(self) -> None:
        """No addition that a lemma takes exactly is done in an order or contraction of the kernel's choice elsewhere, and no
        tensor is a sum of all its terms in one place and of some of them in another (S15)."""
        if self.kept.keys() & self.taken.keys():
            raise Unknown(
                "TV0621", "one tensor of the graph is computed with its masked keys in one place, without in another"
            )
        for t, r in self.exact:
            for s in self.sums:
                if s.free and s.graph is t and not self.sets.disjoint(self.sets.range(r), self.sets.range(s.relation)):
                    raise Unknown(
                        "TV0621",
                        "one sum of the graph is added in the graph's order in one place, otherwise in another",
                    )
