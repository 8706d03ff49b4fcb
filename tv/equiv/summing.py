"""The search's part about sums, maxima and folds: which summands of the two sides are partners. Nothing here is trusted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import reduce

from tv.diagnostic import Unknown
from tv.equiv.candidates import Candidates
from tv.equiv.centring import Centred, Maximum, among, centred, maximum
from tv.equiv.larger import by_comparison
from tv.equiv.matching import Link, Matching
from tv.equiv.pairs import beside, in_step, won
from tv.equiv.problem import Mismatch, Problem
from tv.equiv.rules import Goal, Rules
from tv.equiv.script import Centre, Claim, Fold, Pairing, Script, Sum, Unfold
from tv.equiv.summands import Contribution, accumulates, counted
from tv.equiv.together import claimed_together
from tv.sets import Map, Sets
from tv.term import Term, op_head

PAIRING = 400_000  # operations for a question about pairs of summands, which decide among ways to add
Paired = tuple[frozenset[str], list[Contribution], list[Contribution], list[tuple[int, int, Link]]]
MEMORIES = 4  # stores of sums on the way of another sum that are tried to be leaves of it
STEPS = 3  # references on the way from a case to the addition that it may be


@dataclass(slots=True)
class Tables:
    """claims: all ever made, by id. settled, open: ids by (kernel unit, graph unit)."""

    claims: dict[int, Claim] = field(default_factory=dict)
    settled: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    open: list[int] = field(default_factory=list)
    no_envelope: set[tuple[str, str]] = field(default_factory=set)
    failed: dict[tuple[str, str], list[Map]] = field(default_factory=dict)


class Summing:
    p: Problem
    sets: Sets
    rules: Rules
    t: Tables
    depth: int
    candidates: Candidates
    unpaired: dict[tuple[str, int, int, str, frozenset[tuple[str, str]]], Mismatch | Unknown]
    propose: Callable[[Term, Term, Map], Script | None] | None

    def goal(self, kt: Term, gt: Term, r: Map) -> Script:
        """A proof of one pair. Raises Mismatch or Unknown."""
        raise NotImplementedError

    def claim(self, kernel: str, graph: str, r: Map) -> tuple[int, ...]:
        """Claims of two units that together say that they are equal on r. Raises Mismatch or Unknown."""
        raise NotImplementedError

    def prune(self) -> None:
        """Takes back what rests on a claim that was given up."""
        raise NotImplementedError

    placed: frozenset[str] | None = None

    def attempt(self, kt: Term, gt: Term, r: Map) -> Script | None:
        """A proof of one pair, or None."""
        raise NotImplementedError

    def centres(self, kt: Term, gt: Term, r: Map) -> list[Callable[[], Script]]:
        """`x - m` up to what the maximum m starts from, where the two sides' maxima are not alike."""
        if kt.kind != "op" or op_head(kt) not in ("exp", "fsub") or kt.name != gt.name:
            return []
        return [lambda: self.centre(kt, gt, r)]

    def centre(self, kt: Term, gt: Term, r: Map) -> Script:
        c = centred(self.rules, kt, gt, r)
        m = None if c is None else maximum(self.rules, c)
        if c is None or m is None:
            raise Mismatch("equal", "what is subtracted are no two maxima", r, kt, gt)
        for i in self.rules.contracted(c.kernel):
            if not self.rules.allowed(c.kernel.args[i], c.graph.args[i], c.kernel.name.split(".")[1]):
                raise Mismatch(
                    "equal", "nvcc may contract this product and the difference into one rounding", r, kt, gt
                )
        total = self.sum(m.graph.name, m.kernel, m.graph, m.relation, (c, m))
        return Centre(self.goal(c.kernel.args[0], c.graph.args[0], c.relation), total)

    def sum_op(self, kt: Term, gt: Term) -> str:
        """The operation over which both sides may be flattened, or nothing."""
        for t in (gt, kt):
            name = t.name if t.kind in ("op", "reduce") else ""
            name = name.replace("ffma", "fadd")
            if name and accumulates(name) and all(self.sums(x, name) for x in (kt, gt)):
                return name
        return ""

    def sums(self, t: Term, op: str) -> bool:
        return t.kind in ("op", "reduce") and (t.name.replace("ffma", "fadd") == op or by_comparison(t, op))

    def whole(self, kt: Term, gt: Term, r: Map) -> list[Callable[[], Script]]:
        """A case some of whose arms add to what the others keep, as one sum over sets: a scan's step, `if (lane >= d) v += u`; or
        a number, as the sum of nothing."""
        if gt.kind == "ref" and self.is_sum(kt, self.p.graph.units[gt.name].value):
            v = self.p.graph.units[gt.name].value
            return [lambda: Unfold("g", self.sum(v.name, kt, v, self.rules.graph_step(r, gt)))]
        return [lambda: self.sum(gt.name, kt, gt, r)] if self.is_sum(kt, gt) else []

    def is_sum(self, kt: Term, gt: Term) -> bool:
        if gt.kind != "reduce" or not accumulates(gt.name) or (self.p.pinned and gt.name.startswith("fadd")):
            return False
        return self.rules.identity_of(gt.name, kt) if kt.kind == "const" else self.adding(kt, gt.name, STEPS)

    def adding(self, t: Term, op: str, steps: int) -> bool:
        """Is something added by this operation, in the term or in what it refers to?"""
        if t.kind == "case":
            return any(self.adding(a, op, steps) for a in t.args)
        if t.kind == "ref":
            return steps > 0 and self.adding(self.p.kernel.units[t.name].value, op, steps - 1)
        return t.kind == "op" and t.name.replace("ffma", "fadd") == op

    def sum(self, op: str, kt: Term, gt: Term, r: Map, within: tuple[Centred, Maximum] | None = None) -> Sum:
        claims = frozenset((*self.t.settled, *self.open_keys()))
        key = (
            op + ("" if within is None else f" in {within[0].kernel.id} {within[0].signless}"),
            kt.id,
            gt.id,
            self.sets.text(r),
            claims,
        )
        if key in self.unpaired:
            raise self.unpaired[key]
        try:
            stop, k, g, links = self.paired(op, kt, gt, r, claims, within)
        except (Mismatch, Unknown) as e:
            if isinstance(e, Mismatch):
                e.kernel = e.kernel or kt
            self.unpaired[key] = e  # asked again with the operands of some addition above exchanged
            raise
        for i, j, link in links:
            if not self.rules.summand_allowed(op, k[i].leaf, g[j].leaf):
                why = "nvcc may take a product into this sum unrounded, and no product of the graph's is that one"
                raise Mismatch("equal", why, link.leaves, kt, gt)
        self.depth += 1
        self.together([(k[i].leaf, g[j].leaf, link.leaves) for i, j, link in links])
        pairs = [Pairing(i, j, link.leaves, self.goal(k[i].leaf, g[j].leaf, link.leaves)) for i, j, link in links]
        return Sum(op, tuple(sorted(stop)), tuple(pairs))

    def together(self, goals: list[Goal]) -> None:
        """Claims first what several of a sum's goals lead to; where that fails, each of them fails or not by itself."""
        for kernel, graph, r in claimed_together(self.rules, self.candidates, goals) if len(goals) > 1 else ():
            opened = len(self.t.open)
            try:
                self.claim(kernel, graph, r)
            except (Mismatch, Unknown):
                del self.t.open[opened:]
                self.prune()

    def paired(
        self,
        op: str,
        kt: Term,
        gt: Term,
        r: Map,
        claims: Collection[tuple[str, str]],
        within: tuple[Centred, Maximum] | None = None,
    ) -> Paired:
        """Where flattening stops, the summands of both sides, and which of them are partners."""
        elements, domain = self.sets.identity(self.sets.range(r)), self.sets.identity(self.sets.domain(r))
        g, reduced, starts_g = self.rules.flatten("g", gt, elements, op, frozenset(), None)
        leaves = {c.leaf.name for c in g if c.leaf.kind == "ref"}
        stop = frozenset(k for k, t in claims if t in leaves)
        if any(won(self.p, c.leaf) for c in g):
            stop |= self.kept_with_places()
        signless = within is not None and within[0].signless
        drop = self.rules.droppable(r, reduced)

        def matched(stop: frozenset[str]) -> Paired:
            k, _, starts_k = self.rules.flatten("k", kt, domain, op, stop, drop, signless)
            if within is None:
                self.rules.same_start(op, r, k, starts_k, starts_g)
            else:
                among(self.rules, *within, g)
            self.rules.from_zero(gt, r, starts_k)
            left = self.rules.without_padding(op, r, g, reduced, starts_k)
            with self.sets.limited(PAIRING):
                matching = Matching(self.sets, r, k, left, counted(op))
                links = self.links(matching)
                matching.check(links)
            return stop, k, left, links

        try:
            return matched(stop)
        except Mismatch:
            for more in self.stored_sums(op, stop) if any(self.stored_sum(op, c.leaf) for c in g) else ():
                try:
                    return matched(stop | more)
                except Mismatch:
                    continue
            raise

    def stored_sum(self, op: str, t: Term) -> bool:
        """Is this summand of the graph a sum itself, which several others read?"""
        while t.kind == "ref":
            t = self.p.graph.units[t.name].value
        return t.name == op or (t.kind == "case" and any(self.stored_sum(op, a) for a in t.args))

    def stored_sums(self, op: str, stop: frozenset[str]) -> Iterator[frozenset[str]]:
        """Of the kernel's sum that was flattened last: what some memory on the way holds, where that is sums, the nearest first."""
        units = self.p.kernel.units
        entered = sorted((units[n] for n in self.rules.entered), key=lambda u: -u.order)
        met: set[frozenset[str]] = set()
        for u in entered:
            arms = u.value.args if u.value.kind == "case" else (u.value,)
            held = frozenset(a.name for a in arms if a.kind == "ref" and self.adding(units[a.name].value, op, 0))
            held -= stop | self.p.private
            if held and held not in met and len(met) < MEMORIES:
                met.add(held)
                yield held

    def open_keys(self) -> list[tuple[str, str]]:
        return [(self.t.claims[i].kernel, self.t.claims[i].graph) for i in self.t.open]

    def links(self, m: Matching) -> list[tuple[int, int, Link]]:
        """Candidate pairings: exact input cells first, common footprints only where those leave it open."""
        out: list[tuple[int, int, Link]] = []
        for i, a in enumerate(m.k):
            for j, b in enumerate(m.g):
                link = self.winners(m, i, j) or self.suggested(m, i, j)
                if link is not None:
                    out.append((i, j, link))
        return out + self.constant_links(m, out)

    def suggested(self, m: Matching, i: int, j: int) -> Link | None:
        """By exact cells and claims; by these on some pieces of a case, where that pairs all of one side; by footprints, of all
        pieces or of some."""
        a, b, asked = m.k[i].leaf, m.g[j].leaf, self.sets.range(m.k[i].reach)
        link: Link | None = None
        for wide, extending in ((False, False), (False, True), (True, False), (True, True)):
            candidate = self.candidates.relation(a, b, wide, asked, extending=extending)
            if candidate is None:
                continue
            found = m.pairing(i, j, candidate)
            if extending and (found is None or not m.complete(i, j, found)):
                continue
            link = found
            if link is None or not m.counted or m.one_to_one(link):
                break
        return link

    def kept_with_places(self) -> frozenset[str]:
        """The kernel's stores of values beside which it keeps their places."""
        if self.placed is None:
            units = self.p.kernel.units
            self.placed = frozenset(n for n in self.p.kernel.chains if any(beside(self.p, units[n].value, n)))
        return self.placed

    def winners(self, m: Matching, i: int, j: int) -> Link | None:
        """An element at the place of an extreme, which no cell tells from the next one's: whether it is can only be tried."""
        a, b, s = m.k[i], m.g[j], self.sets
        every, parts = s.compose(s.compose(s.reverse(a.reach), m.relation), b.reach), won(self.p, b.leaf)
        found = [
            x
            for part in parts
            if not s.empty(x := s.restrict_range(every, part)) and self.attempt(a.leaf, b.leaf, x) is not None
        ]
        if found or not parts:
            return m.pairing(i, j, reduce(s.join, found)) if found else None
        for along in in_step(self.p, every) if m.counted else ():
            link = m.pairing(i, j, along)
            if link is not None and m.one_to_one(link) and self.attempt(a.leaf, b.leaf, link.leaves) is not None:
                return link
        return None

    def constant_links(self, m: Matching, found: list[tuple[int, int, Link]]) -> list[tuple[int, int, Link]]:
        """For summands that are constants, which no cell tells apart: the equations between the instances of those beside them."""
        out: list[tuple[int, int, Link]] = []
        for i, a in enumerate(m.k):
            scope = self.sets.target_name(a.reach)
            beside = [
                (j, x) for k, j, x in found if a.leaf.kind == "const" and self.sets.source_name(x.leaves) == scope
            ]
            for j in dict.fromkeys(j for j, _ in beside):
                whole = reduce(self.sets.join, [x.leaves for k, x in beside if k == j])
                link = m.pairing(i, j, self.candidates.beyond(whole))
                out += [(i, j, link)] if link is not None else []
        return out

    def fold(self, kt: Term, gt: Term, r: Map) -> Script:
        """Reductions that run in step: the j-th round of one is the j-th round of the other."""
        summands = [[a for a in t.args[0].args if a.kind != "hole"] for t in (kt, gt)]
        if len(summands[0]) != len(summands[1]):
            raise Mismatch("equal", "reductions of different form", r, kt, gt)
        over = self.sets.compose(self.sets.compose(self.sets.reverse(kt.embedding()), r), gt.embedding())
        along = self.rounds_along(kt, gt, r, over, [(x, y) for x in summands[0][:2] for y in summands[1][:2]])
        self.depth += 1
        return Fold(along, self.goal(kt.args[0], gt.args[0], along), self.goal(kt.args[1], gt.args[1], r))

    def rounds_along(self, kt: Term, gt: Term, r: Map, over: Map, pairs: list[tuple[Term, Term]]) -> Map:
        """Which round goes with which: the first guess from a pair of summands that lets both run in step."""
        last: Mismatch | None = None
        rounds = self.sets.range(self.sets.restrict_domain(kt.embedding(), self.sets.domain(r)))
        for x, y in pairs:
            candidate = self.candidates.relation(x, y, False, rounds)
            if candidate is None and self.propose is not None:
                candidate = self.candidates.relation(x, y, True, rounds)
            along = over if candidate is None else self.sets.meet(over, candidate)
            try:
                self.rules.in_step(kt, gt, r, along)
                return along
            except Mismatch as e:
                last = last or e
        raise last or Mismatch("equal", "reductions of different form", r, kt, gt)
