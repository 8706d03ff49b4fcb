"""Looking for lemmas: what two scalar terms share, and whether a solver shows the rest. Tried where all else has failed.

Nothing here is trusted: the checker makes the lemma's text anew from the terms and follows the proofs of its pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tv.diagnostic import Unknown
from tv.equiv.formats import format_of
from tv.equiv.lemmas import LEAVES, Body, Lemmas, Pair, above, facts, subterms
from tv.equiv.problem import Mismatch, is_view
from tv.equiv.samples import plausible
from tv.equiv.script import Joint, Lemma, Script
from tv.sets import Map
from tv.term import Term

MOST_TERMS = 120  # operations on one side
MOST_LEAVES = 16
MOST_QUESTIONS = 48  # of one check
MOST_OPEN = 2  # questions without an answer, each of which took its whole time
MOST_PLACES = 200  # of one check
MOST_DEPTH = 6  # tensors opened one behind the other

Attempt = Callable[[Term, Term, Map], Script | None]


class Proposer:
    """attempt: a proof that two terms are equal on R without lemmas, or None; what a failed one tabled is gone."""

    def __init__(self, rule: Lemmas, attempt: Attempt) -> None:
        self.rule, self.p, self.attempt = rule, rule.p, attempt
        self.failed: dict[tuple[int, int], list[Map]] = {}
        self.busy, self.places = False, 0

    def propose(self, kt: Term, gt: Term, r: Map) -> Script | None:
        """A lemma that shows kt equal to gt on R, as a step of a proof; None where none is found."""
        if self.busy or kt.width != gt.width or "op" not in (kt.kind, gt.kind) or not self.scalar(kt, gt):
            return None
        before = self.failed.setdefault((kt.id, gt.id), [])
        if (
            self.places == MOST_PLACES
            or len(self.p.asked.answers) >= MOST_QUESTIONS
            or self.p.asked.open() >= MOST_OPEN
        ):
            return None
        if any(self.p.sets.subset(r, m) for m in before):
            return None
        self.busy, self.places = True, self.places + 1
        try:
            for names in self.openings(gt, r):
                body = self.rule.body(gt, r, names)
                for coarse in (True, False):
                    found = self.try_lemma(kt, body, r, coarse)
                    if found is not None:
                        return Lemma(names, found)
        finally:
            self.busy = False
        before.append(r)
        return None

    @staticmethod
    def scalar(kt: Term, gt: Term) -> bool:
        fits = all(t.kind in ("op", "const", "ref", "input") for t in (kt, gt))
        return fits and all(len(subterms(t)) <= MOST_TERMS for t in (kt, gt))

    def openings(self, gt: Term, r: Map) -> Iterator[tuple[str, ...]]:
        """No tensor, then those referred to, then those that these refer to, and so on."""
        names: tuple[str, ...] = ()
        for _ in range(MOST_DEPTH):
            yield names
            try:
                body = self.rule.body(gt, r, names)
            except (Mismatch, Unknown):
                return
            more = {t.name for t in subterms(body.term) if self.rule.openable(t)} - set(names)
            if not more or len(subterms(body.term)) > MOST_TERMS:
                return
            names = tuple(sorted({*names, *more}))

    def try_lemma(self, kt: Term, body: Body, r: Map, coarse: bool) -> tuple[Joint, ...] | None:
        """The pairs under which a solver shows it. coarse: equal operations are pairs too, not only what they stand on."""
        equal = self.operations(kt, body, r) if coarse else []
        if coarse and not equal:
            return None
        pairs = self.complete(kt, body, r, equal)
        if pairs is None:
            return None
        given = facts(body, frozenset(p.graph.id for p in pairs))
        if not plausible(kt, body.term, pairs, format_of(self.rule.p.graph.units, body.term), given):
            return None
        try:
            text = self.rule.text(kt, body, r, pairs)
        except (Mismatch, Unknown):
            return None
        if not self.p.asked.valid(text):
            return None
        ours = {t.id: i for i, t in enumerate(subterms(kt))}
        theirs = {t.id: i for i, t in enumerate(subterms(body.term))}
        return tuple(Joint(ours[p.kernel.id], theirs[p.graph.id], p.proof) for p in pairs)

    # -------------------------------------------------------------- pairs
    def operations(self, kt: Term, body: Body, r: Map) -> list[Pair]:
        """The largest operations of both sides that are equal already, apart from the whole terms."""
        pairs: list[Pair] = []
        for g in reversed(subterms(body.term)):
            inner = g is not body.term and self.rule.may_pair(body, g)
            if g.kind not in ("op", "ref") or not inner or not self.reached(body.term, pairs, g):
                continue
            for k in reversed(subterms(kt)):
                if k is kt or k.kind not in ("op", "ref", "reduce") or not self.alike(k, g):
                    continue
                proof = self.attempt(k, g, r)
                if proof is not None:
                    pairs.append(Pair(k, g, proof))
        return pairs

    @staticmethod
    def reached(root: Term, pairs: list[Pair], t: Term) -> bool:
        """Is t above all pairs so far?"""
        return any(x is t for x in above(root, frozenset(p.graph.id for p in pairs)))

    def alike(self, k: Term, g: Term) -> bool:
        """Could the two be one operation, each perhaps behind a reference?"""
        ours = self.p.kernel.units[k.name].value if k.kind == "ref" else k
        theirs = self.p.graph.units[g.name].value if g.kind == "ref" else g
        if is_view(ours) or is_view(theirs) or (k.kind == g.kind == "ref") or k.width != g.width:
            return False
        return ours.name == theirs.name and "op" in (ours.kind, theirs.kind)

    def complete(self, kt: Term, body: Body, r: Map, pairs: list[Pair]) -> list[Pair] | None:
        """With the leaves of both sides: each of the graph's in some pair, else None; of the kernel's some may not matter."""
        cut_k, cut_g = frozenset(p.kernel.id for p in pairs), frozenset(p.graph.id for p in pairs)
        ours = [t for t in above(kt, cut_k) if t.kind in LEAVES and t.id not in cut_k]
        theirs = [t for t in above(body.term, cut_g) if t.kind in LEAVES and t.id not in cut_g]
        if max(len(ours), len(theirs)) > MOST_LEAVES:
            return None
        found = list(pairs)
        for g in theirs:
            for k in ours:
                proof = self.attempt(k, g, r) if k.width == g.width and self.rule.may_pair(body, g) else None
                if proof is not None:
                    found.append(Pair(k, g, proof))
            if not any(p.graph is g for p in found):
                return None
        return found
