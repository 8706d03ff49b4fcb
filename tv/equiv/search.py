"""The search for a proof: a walk over pairs of terms that writes the script the checker will follow.

Nothing here is trusted. Claims are tabled by (kernel unit, graph unit); a pair met again inside its own proof is a hypothesis;
where the pairs met grow by a constant step, the whole orbit is claimed instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from tv.diagnostic import Unknown
from tv.equiv.candidates import Candidates
from tv.equiv.laws import rewrites
from tv.equiv.matching import Link, Matching
from tv.equiv.problem import Mismatch, Problem, is_view
from tv.equiv.rules import COMMUTATIVE, Contribution, Rules, accumulates
from tv.equiv.script import Apply, Claim, Fold, Leaf, Pairing, Rewrite, Script, Split, Sum, Unfold, Use, Vacuous, uses
from tv.sets import Map
from tv.term import Term, op_head, show

FUEL = 20_000
PAIRING = 400_000  # operations for a question about pairs of summands, which decide among ways to add


class Grew(Exception):
    """A pair was met again inside its own proof, outside what is claimed: the claim has to grow to hold `relation`."""

    def __init__(self, claim: Claim, relation: Map) -> None:
        self.claim, self.relation = claim, relation


@dataclass(slots=True)
class Tables:
    """claims: all ever made, by id. settled, open: ids by (kernel unit, graph unit)."""

    claims: dict[int, Claim] = field(default_factory=dict)
    settled: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    open: list[int] = field(default_factory=list)
    no_envelope: set[tuple[str, str]] = field(default_factory=set)
    failed: dict[tuple[str, str], list[Map]] = field(default_factory=dict)


class Search:
    def __init__(self, problem: Problem, progress: Callable[[str], None] = lambda _: None) -> None:
        self.p, self.sets, self.rules = problem, problem.sets, Rules(problem)
        self.t, self.fuel, self.depth = Tables(), FUEL, 0
        self.candidates = Candidates(problem, self.known)
        self.progress = progress
        self.tried: dict[tuple[int, int], list[tuple[Map, Script | None]]] = {}
        self.unpaired: dict[
            tuple[str, int, int, str, frozenset[tuple[str, str]]], Mismatch | Unknown
        ] = {}  # sums whose terms do not pair
        self.propose: Callable[[Term, Term, Map], Script | None] | None = None  # lemmas, where all else fails

    def prove(self, reader: str, unit: str, relation: Map) -> tuple[int, ...]:
        """Claims under which `reader` equals `unit` on the relation. Raises Mismatch or Unknown."""
        return self.claim(reader, unit, relation)

    # -------------------------------------------------------------- the walk
    def goal(self, kt: Term, gt: Term, r: Map) -> Script:
        if self.sets.empty(r):
            return Vacuous()
        self.fuel -= 1
        if self.fuel < 0:
            raise Unknown("TV0604", "the search for a proof ran out of steps")
        depth = self.depth
        try:
            return self.step(kt, gt, r)
        except Mismatch as e:
            if e.kernel is None and e.graph is None:
                e.kernel, e.graph = kt, gt
            e.depth = max(e.depth, self.depth)
            if not e.unit and kt.kind == "ref":
                e.unit = kt.name
            if e.site is None and kt.kind in ("op", "reduce"):
                e.site = kt
            raise
        finally:
            self.depth = depth

    def step(self, kt: Term, gt: Term, r: Map) -> Script:
        if kt.kind == "undefined":
            raise Mismatch("init", f"uninitialised `{kt.name}` reaches an output", r, kt, gt)
        if kt.kind == "case":
            return self.split("k", kt, gt, r)
        if gt.kind == "case":
            return self.split("g", kt, gt, r)
        if (
            gt.kind == "ref"
            and is_view(self.p.graph.units[gt.name].value)
            and self.p.graph.units[gt.name].value is not gt
        ):
            return Unfold("g", self.goal(kt, self.p.graph.units[gt.name].value, self.rules.graph_step(r, gt)))
        if kt.kind == "ref":
            u = self.p.kernel.units[kt.name]
            if gt.kind == "ref" and not is_view(u.value):
                return Use(self.claim(kt.name, gt.name, self.rules.graph_step(self.rules.kernel_step(r, kt), gt)))
            return Unfold("k", self.goal(u.value, gt, self.rules.kernel_step(r, kt)))
        if gt.kind == "ref":
            return Unfold("g", self.goal(kt, self.p.graph.units[gt.name].value, self.rules.graph_step(r, gt)))
        return self.operations(kt, gt, r)

    def operations(self, kt: Term, gt: Term, r: Map) -> Script:
        try:
            return self.without_lemma(kt, gt, r)
        except (Mismatch, Unknown):
            found = None if self.propose is None else self.propose(kt, gt, r)
            if found is None:
                raise
            return found

    def attempt(self, kt: Term, gt: Term, r: Map) -> Script | None:
        """A proof, or None: what a failed one tabled is gone. A pair is tried once."""
        before = self.tried.setdefault((kt.id, gt.id), [])
        live = {*self.t.open, *(i for ids in self.t.settled.values() for i in ids)}
        for m, found in before:
            if self.sets.subset(r, m) and (found is None or uses(found) <= live):
                return found
        opened = len(self.t.open)
        try:
            script: Script | None = self.goal(kt, gt, r)
        except (Mismatch, Unknown):
            del self.t.open[opened:]
            self.prune()
            script = None
        before.append((r, script))
        return script

    def without_lemma(self, kt: Term, gt: Term, r: Map) -> Script:
        alternatives: list[Callable[[], Script]] = []
        if kt.kind == "reduce" and gt.kind == "reduce" and kt.name == gt.name:
            alternatives.append(lambda: self.fold(kt, gt, r))
        if kt.kind == "op" and gt.kind == "op" and kt.name == gt.name and len(kt.args) == len(gt.args):
            orders = [tuple(range(len(kt.args)))]
            if op_head(kt) in COMMUTATIVE:
                orders.append((1, 0))
            if op_head(kt) == "ffma":
                orders.append((1, 0, 2))
            alternatives += [lambda o=o: self.apply(kt, gt, r, o) for o in orders]  # type: ignore[misc]
        op = self.sum_op(kt, gt)
        if op and not (self.p.pinned and op.startswith("fadd")):
            alternatives.append(lambda: self.sum(op, kt, gt, r))
        for side, t in (("k", kt), ("g", gt)):
            for law, new in rewrites(self.p.terms, t):
                other = gt if side == "k" else kt
                if compatible(new, other):
                    alternatives.append(lambda s=side, l=law, n=new: self.rewrite(s, l, n, kt, gt, r))  # type: ignore[misc]
        if not alternatives:
            if kt.kind == gt.kind == "hole":
                return Leaf()
            if kt.kind in ("const", "input", "index") and gt.kind == kt.kind:
                self.rules.leaves_agree(kt, gt, r)
                return Leaf()
            raise Mismatch("equal", f"the kernel has {show(kt, 3)} where the graph has {show(gt, 3)}", r, kt, gt)
        return self.first(alternatives)

    def first(self, alternatives: list[Callable[[], Script]]) -> Script:
        """The first alternative that works; of failures the deepest is reported. What a failed one tabled as open is gone."""
        best: Mismatch | Unknown | None = None
        depth, opened = self.depth, len(self.t.open)
        for a in alternatives:
            self.depth = depth
            try:
                return a()
            except (Mismatch, Unknown) as e:
                del self.t.open[opened:]
                self.prune()
                if best is None or rank(e) > rank(best):
                    best = e
        assert best is not None
        raise best

    def prune(self) -> None:
        """Settled claims that rest on a claim which was given up go with it."""
        live = set(self.t.open)
        for ids in self.t.settled.values():
            live |= set(ids)
        while True:
            settled = [i for ids in self.t.settled.values() for i in ids]
            dead = {i for i in settled if not uses(self.t.claims[i].script or Vacuous()) <= live}
            if not dead:
                return
            live -= dead
            for key, ids in self.t.settled.items():
                self.t.settled[key] = [i for i in ids if i not in dead]

    def split(self, side: str, kt: Term, gt: Term, r: Map) -> Script:
        t = kt if side == "k" else gt
        cut = self.sets.restrict_domain if side == "k" else self.sets.restrict_range
        rest, arms = r, []
        for s, a in zip(t.sets, t.args, strict=True):
            part = cut(r, s)
            rest = self.sets.minus(rest, part)
            arms.append(self.goal(a, gt, part) if side == "k" else self.goal(kt, a, part))
        if not self.sets.empty(rest):
            raise Mismatch("equal", "no case covers some instances", rest, kt, gt)
        return Split(side, tuple(arms))

    def apply(self, kt: Term, gt: Term, r: Map, order: tuple[int, ...]) -> Script:
        for i in self.rules.contracted(kt):
            kind = kt.name.split(".")[1]
            if not self.rules.allowed(kt.args[i], gt.args[order[i]], kind):
                raise Mismatch("equal", f"nvcc may contract this product and {kind} add into one rounding", r, kt, gt)
        self.depth += 1
        return Apply(order, tuple(self.goal(a, gt.args[o], r) for a, o in zip(kt.args, order, strict=True)))

    def rewrite(self, side: str, law: str, new: Term, kt: Term, gt: Term, r: Map) -> Script:
        self.fuel -= 1
        then = self.goal(new, gt, r) if side == "k" else self.goal(kt, new, r)
        return Rewrite(side, law, then)

    # -------------------------------------------------------------- claims
    def known(self, kernel: str, graph: str) -> list[Map]:
        key = (kernel, graph)
        out = [self.t.claims[i].relation for i in self.t.settled.get(key, ())]
        return out + [
            self.t.claims[i].relation for i in self.t.open if (self.t.claims[i].kernel, self.t.claims[i].graph) == key
        ]

    def claim(self, kernel: str, graph: str, r: Map) -> tuple[int, ...]:
        key, rest = (kernel, graph), r
        used: list[int] = []
        for i in self.t.settled.get(key, ()):
            c = self.t.claims[i]
            if self.sets.subset(rest, c.relation):
                return (*used, i)
            if not self.sets.disjoint(rest, c.relation):
                used.append(i)
                rest = self.sets.minus(rest, c.relation)
        for i in self.t.open:
            c = self.t.claims[i]
            if (c.kernel, c.graph) == key:
                if self.sets.subset(rest, c.relation):
                    return (*used, i)
                raise Grew(c, rest)
        if self.p.pinned and any(self.sets.subset(x, rest) for x in self.t.failed.get(key, ())):
            raise Mismatch("equal", "added in another order", rest)  # what failed once is not tried along every path
        try:
            return (*used, self.enter(key, rest))
        except Mismatch:
            self.t.failed.setdefault(key, []).append(rest)
            raise

    def enter(self, key: tuple[str, str], r: Map) -> int:
        """Claims r, or first its envelope: the path that led here leaves its constraints in r."""
        ku, gu = self.p.kernel.units[key[0]], self.p.graph.units[key[1]]
        if self.sets.messy(r) and key not in self.t.no_envelope:
            wide = self.sets.envelope(r, ku.domain, gu.domain)
            if not self.sets.messy(wide) or not self.sets.subset(wide, r):
                opened = len(self.t.open)
                try:
                    return self.settle(key, wide)
                except (Mismatch, Unknown):
                    del self.t.open[opened:]
                    self.prune()
                    self.t.no_envelope.add(key)
        return self.settle(key, r)

    def settle(self, key: tuple[str, str], r: Map) -> int:
        ku, gu = self.p.kernel.units[key[0]], self.p.graph.units[key[1]]
        for _ in range(4):
            c = Claim(len(self.t.claims), key[0], key[1], r)
            self.t.claims[c.id] = c
            self.t.open.append(c.id)
            self.progress(f"{key[0]} ~ {key[1]}")
            opened = len(self.t.open)
            try:
                c.script = self.goal(ku.value, self.rules.opposite(ku, gu), r)
            except Grew as g:
                del self.t.open[opened - 1 :]
                if g.claim is not c:
                    raise
                r = self.sets.orbit(r, g.relation, ku.domain, gu.domain)
                if not self.sets.subset(g.relation, r):
                    raise Unknown("TV0605", f"no invariant found for `{key[0]}` and `{key[1]}`", ku.span) from None
                continue
            except Mismatch as e:
                e.tensor = e.tensor or key[1]
                e.unit = e.unit or key[0]
                raise
            self.t.open.remove(c.id)
            self.t.settled.setdefault(key, []).append(c.id)
            return c.id
        raise Unknown("TV0605", f"no invariant found for `{key[0]}` and `{key[1]}`", ku.span)

    # -------------------------------------------------------------- reductions
    def sum_op(self, kt: Term, gt: Term) -> str:
        """The operation over which both sides may be flattened, or nothing."""
        for t in (gt, kt):
            name = t.name if t.kind in ("op", "reduce") else ""
            name = name.replace("ffma", "fadd")
            if name and accumulates(name) and all(self.sums(x, name) for x in (kt, gt)):
                return name
        return ""

    def sums(self, t: Term, op: str) -> bool:
        return t.kind in ("op", "reduce") and t.name.replace("ffma", "fadd") == op

    def sum(self, op: str, kt: Term, gt: Term, r: Map) -> Script:
        claims = frozenset((*self.t.settled, *self.open_keys()))
        key = (op, kt.id, gt.id, self.sets.text(r), claims)
        if key in self.unpaired:
            raise self.unpaired[key]
        try:
            stop, k, g, links = self.paired(op, kt, gt, r, claims)
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
        pairs = [Pairing(i, j, link.leaves, self.goal(k[i].leaf, g[j].leaf, link.leaves)) for i, j, link in links]
        return Sum(op, tuple(sorted(stop)), tuple(pairs))

    def paired(
        self, op: str, kt: Term, gt: Term, r: Map, claims: Collection[tuple[str, str]]
    ) -> tuple[frozenset[str], list[Contribution], list[Contribution], list[tuple[int, int, Link]]]:
        """Where flattening stops, the summands of both sides, and which of them are partners."""
        elements, domain = self.sets.identity(self.sets.range(r)), self.sets.identity(self.sets.domain(r))
        g, reduced, starts_g = self.rules.flatten("g", gt, elements, op, frozenset(), None)
        leaves = {c.leaf.name for c in g if c.leaf.kind == "ref"}
        stop = frozenset(k for k, t in claims if t in leaves)
        k, _, starts_k = self.rules.flatten("k", kt, domain, op, stop, self.rules.droppable(r, reduced))
        self.rules.same_start(op, r, starts_k, starts_g)
        with self.sets.limited(PAIRING):
            matching = Matching(self.sets, r, k, g, op.startswith("fadd"))
            links = self.links(matching)
            matching.check(links)
        return stop, k, g, links

    def open_keys(self) -> list[tuple[str, str]]:
        return [(self.t.claims[i].kernel, self.t.claims[i].graph) for i in self.t.open]

    def links(self, m: Matching) -> list[tuple[int, int, Link]]:
        """Candidate pairings: exact input cells first, common footprints only where those leave it open."""
        out: list[tuple[int, int, Link]] = []
        for i, a in enumerate(m.k):
            for j, b in enumerate(m.g):
                link = None
                for wide in (False, True):
                    candidate = self.candidates.relation(a.leaf, b.leaf, wide)
                    if candidate is None:
                        continue
                    link = m.pairing(i, j, candidate)
                    if link is None or not m.counted or m.one_to_one(link):
                        break
                if link is not None:
                    out.append((i, j, link))
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
        for x, y in pairs:
            candidate = self.candidates.relation(x, y, False)
            if candidate is None and self.propose is not None:
                candidate = self.candidates.relation(x, y, True)
            along = over if candidate is None else self.sets.meet(over, candidate)
            try:
                self.rules.in_step(kt, gt, r, along)
                return along
            except Mismatch as e:
                last = last or e
        raise last or Mismatch("equal", "reductions of different form", r, kt, gt)


def rank(e: Mismatch | Unknown) -> int:
    if isinstance(e, Unknown):
        return -1
    return (
        e.depth + (1000 if "several paths" in e.why or "added twice" in e.why else 0) + (500 if e.kind == "init" else 0)
    )


def compatible(a: Term, b: Term) -> bool:
    """Could a rewritten term match at its root?"""
    if a.kind == "op" and b.kind == "op":
        return op_head(a) == op_head(b) and a.name == b.name
    return a.kind == b.kind or a.kind in ("ref", "case") or b.kind in ("ref", "case")
