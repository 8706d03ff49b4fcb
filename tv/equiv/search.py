"""The search for a proof: a walk over pairs of terms that writes the script the checker will follow.

Nothing here is trusted. Claims are tabled by (kernel unit, graph unit); a pair met again inside its own proof is a hypothesis;
where the pairs met grow by a constant step, the whole orbit is claimed instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import permutations

from tv.diagnostic import Unknown
from tv.equiv.candidates import Candidates
from tv.equiv.laws import rewrites
from tv.equiv.pairs import beside
from tv.equiv.places import chosen, place_of
from tv.equiv.problem import OTHER, Mismatch, Problem, is_view, uninitialised
from tv.equiv.rules import Goal, Rules
from tv.equiv.script import (
    Apply,
    Choice,
    Claim,
    Leaf,
    Pick,
    Rewrite,
    Script,
    Split,
    Unfold,
    Use,
    Vacuous,
    uses,
)
from tv.equiv.summands import COMMUTATIVE
from tv.equiv.summing import Summing, Tables
from tv.sets import Map, Set
from tv.sets.guesses import envelope, messy, orbit
from tv.term import Term, op_head

FUEL = 20_000
GUESSES, ORBITS = 4, 2  # relations that a claim is tried with, and how many of them grow by steps
MOST_PICKED = 4  # terms of a pick whose integers are tried in every order


class Grew(Exception):
    """A pair was met again inside its own proof, outside what is claimed: the claim has to grow to hold `relation`."""

    def __init__(self, claim: Claim, relation: Map) -> None:
        self.claim, self.relation = claim, relation


class Search(Summing):
    def __init__(self, problem: Problem, progress: Callable[[str], None] = lambda _: None) -> None:
        self.p, self.sets, self.rules = problem, problem.sets, Rules(problem)
        self.t, self.fuel, self.depth = Tables(), FUEL, 0
        self.candidates = Candidates(problem, self.known)
        self.progress = progress
        self.tried: dict[tuple[int, int], list[tuple[Map, Script | None]]] = {}
        self.unpaired: dict[
            tuple[str, int, int, str, frozenset[tuple[str, str]]], Mismatch | Unknown
        ] = {}  # sums whose terms do not pair
        self.inside: set[int] = set()  # graph terms that are being replaced by their alternatives
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
            raise Mismatch("init", f"{uninitialised(kt)} reaches an output", r, kt, gt)
        if gt.id in self.p.graph.winners and (stores := beside(self.p, kt, self.sets.source_name(r))):
            return self.first(
                [*(partial(self.choice, kt, gt, r, c) for c in stores), lambda: self.otherwise(kt, gt, r)]
            )
        return self.otherwise(kt, gt, r)

    def otherwise(self, kt: Term, gt: Term, r: Map) -> Script:
        if kt.kind == "case":
            return self.first([*self.whole(kt, gt, r), lambda: self.split("k", kt, gt, r)])
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
            alternatives += [partial(self.apply, kt, gt, r, o) for o in orders]
        if kt.kind == "pick" and gt.kind == "pick" and len(kt.args) == len(gt.args) <= MOST_PICKED:
            every = permutations(range(len(kt.args) - 1))
            alternatives += [partial(self.pick, kt, gt, r, o) for o in every]
        alternatives += self.centres(kt, gt, r)
        alternatives += self.whole(kt, gt, r) if kt.kind == "const" else []
        op = self.sum_op(kt, gt)
        if op and not (self.p.pinned and op.startswith("fadd")):
            alternatives.append(lambda: self.sum(op, kt, gt, r))
        for side, t in (("k", kt), ("g", gt)):
            for law, new in rewrites(self.p.terms, t):
                other = gt if side == "k" else kt
                if compatible(new, other):
                    alternatives.append(partial(self.rewrite, side, law, new, kt, gt, r))
        if place_of(self.rules, gt):
            alternatives.append(lambda: self.choice(kt, gt, r))
        if gt.id in self.p.alternatives and gt.id not in self.inside:
            alternatives.append(lambda: self.alternative(kt, gt, r))
        if not alternatives:
            if kt.kind == gt.kind == "hole":
                return Leaf()
            if kt.kind in ("const", "input", "index") and gt.kind == kt.kind:
                self.rules.leaves_agree(kt, gt, r)
                return Leaf()
            raise Mismatch("equal", OTHER, r, kt, gt)
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

    def pick(self, kt: Term, gt: Term, r: Map, order: tuple[int, ...]) -> Script:
        self.depth += 1
        indices = tuple(self.goal(kt.args[1 + i], gt.args[1 + o], r) for i, o in enumerate(order))
        return Pick(order, indices, self.goal(kt.args[0], gt.args[0], self.rules.picked(kt, gt, r, order)))

    def choice(self, kt: Term, gt: Term, r: Map, beside: str = "") -> Script:
        taken: list[int] = []

        def named(_: Term, goals: Sequence[Goal]) -> int:
            taken.append(next((i for i, g in enumerate(goals) if self.attempt(*g) is not None), -1))
            return taken[-1]

        self.depth += 1
        goals = chosen(self.rules, kt, gt, r, named, beside)
        return Choice(tuple(self.goal(*g) for g in goals), tuple(taken), beside)

    def rewrite(self, side: str, law: str, new: Term, kt: Term, gt: Term, r: Map) -> Script:
        self.fuel -= 1
        then = self.goal(new, gt, r) if side == "k" else self.goal(kt, new, r)
        return Rewrite(side, law, then)

    def alternative(self, kt: Term, gt: Term, r: Map) -> Script:
        """gt by another term of the same value; one of its arms may be gt itself."""
        other = self.p.alternatives[gt.id]
        self.inside.add(gt.id)
        try:
            return self.rewrite("g", other.law, other.term, kt, gt, r)
        finally:
            self.inside.discard(gt.id)

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
        if messy(r) and key not in self.t.no_envelope:
            wide = envelope(self.sets, r, ku.domain, gu.domain)
            if not messy(wide) or not self.sets.subset(wide, r):
                opened = len(self.t.open)
                try:
                    return self.settle(key, wide)
                except (Mismatch, Unknown):
                    del self.t.open[opened:]
                    self.prune()
                    self.t.no_envelope.add(key)
        return self.settle(key, r)

    def widened(self, r: Map, met: Map, kernel: Set, graph: Set, tried: int) -> Map:
        """A guess that holds both: r along the step from one to the other, else, or after as many guesses, all that their common
        equations relate, as where one part of the threads leads to another."""
        along = orbit(self.sets, r, met, kernel, graph) if tried < ORBITS else r
        if self.sets.subset(met, along):
            return along
        return envelope(self.sets, self.sets.join(r, met), kernel, graph)

    def settle(self, key: tuple[str, str], r: Map) -> int:
        ku, gu = self.p.kernel.units[key[0]], self.p.graph.units[key[1]]
        for tried in range(GUESSES):
            c = Claim(len(self.t.claims), key[0], key[1], r)
            self.t.claims[c.id] = c
            self.t.open.append(c.id)
            self.progress(f"{key[0]} ~ {key[1]}")
            opened = len(self.t.open)
            try:
                c.script = self.goal(ku.value, self.rules.opposite(ku, gu), r)
            except Grew as g:
                del self.t.open[opened - 1 :]
                self.prune()
                if g.claim is not c:
                    raise
                r = self.widened(r, g.relation, ku.domain, gu.domain, tried)
                continue
            except Mismatch as e:
                e.tensor = e.tensor or key[1]
                e.unit = e.unit or key[0]
                raise
            self.t.open.remove(c.id)
            self.t.settled.setdefault(key, []).append(c.id)
            return c.id
        raise Unknown("TV0605", f"no invariant found for {self.p.called(key[0])} and {self.p.called(key[1])}", ku.span)


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
