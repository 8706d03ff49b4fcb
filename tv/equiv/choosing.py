"""The place of an extreme, followed through the kernel: pairs of a value and its place, of which the greater go on.

Of pairs (x[j], j) without a NaN among the x, "greater, and of equal ones the earlier" is a total order, so that the last one left is
the same in whatever order they meet. A select that keeps the value it has on a tie does so only where every place that it may
have already is the earlier one: asked at every select, of all pairs that can meet there (S27). A literal infinity beside a place
that is not before some element of its own result loses against that element or ties with a later place, so it never wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tv.diagnostic import Unknown
from tv.equiv.alike import Alike
from tv.equiv.comparing import FIRST, RULE, SECOND, Comparison, compared, integer_conversion, operands
from tv.equiv.problem import Mismatch, is_view, uninitialised
from tv.equiv.rules import Rules
from tv.sets import Affine, Map
from tv.sets.affine import all_of, eq, ge, lt
from tv.sets.ordering import lex_less
from tv.system import Extreme
from tv.term import Term

INTEGERS = "Z"
LIMIT = 4000  # pairs of terms looked at for one goal
EXTREME_OPS = {  # by what the comparison reads: floats, signed or unsigned integers
    ("f", True): ("fmax", "fupper", "fmaximum"),
    ("f", False): ("fmin", "flower", "fminimum"),
    ("s", True): ("smax",),
    ("s", False): ("smin",),
    ("u", True): ("umax",),
    ("u", False): ("umin",),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """place: a term; at: results -> its instances. value: the value there, None where it is not known yet; over: instances of
    the place -> of the value."""

    place: Term
    at: Map
    value: Term | None
    over: Map


@dataclass(frozen=True, slots=True)
class Candidate:
    """An element that may win: a place that indices or a constant give, and its value."""

    place: Term
    at: Map
    value: Term
    over: Map


class Choosing:
    """ordered: whether ties are looked into; without, it only collects what may meet."""

    def __init__(self, rules: Rules, wanted: Extreme, ordered: bool = True) -> None:
        self.rules, self.wanted, self.ordered = rules, wanted, ordered
        self.sets, self.kernel = rules.sets, rules.p.kernel
        self.letter = "f" if wanted.type[:1] in "fb" else wanted.type[:1]
        self.alike = Alike(rules)
        self.found: list[Candidate] = []
        self.pending: dict[tuple[str, str], Pair] = {}
        self.closed: dict[tuple[str, str], Pair] = {}
        self.types: set[str] = set()
        self.bits = 64  # the narrowest type that a place goes through
        self.steps = 0

    def run(self, pair: Pair) -> list[Candidate]:
        """All candidates of the results. Raises Mismatch where something else than a choice is met."""
        self.visit(pair)
        while self.pending:
            key = max(self.pending, key=lambda k: self.kernel.units[k[0]].order)
            self.unit(key, self.pending.pop(key))
        if len(self.types) > 1:
            raise Unknown("TV0614", "values of one choice are compared in different types")
        return self.found

    # -------------------------------------------------------------- terms
    def visit(self, p: Pair) -> None:
        self.steps += 1
        if self.steps > LIMIT:
            raise Unknown("TV0604", "too many candidates for the place of an extreme")
        if self.sets.empty(p.at):
            return
        t, v = p.place, p.value
        if t.kind == "case":
            self.by_case(p)
        elif v is not None and v.kind == "case":
            self.by_value(p, v)
        elif t.kind == "op" and t.name == "select":
            self.select(p)
        elif t.kind == "op" and integer_conversion(t.name):
            self.bits = min(self.bits, t.width, t.args[0].width)
            self.visit(Pair(t.args[0], p.at, v, p.over))
        elif t.kind == "ref":
            self.reference(p)
        elif t.kind in ("const", "index") and v is not None:
            self.candidate(p, v)
        elif t.kind == "undefined":
            raise Mismatch("init", f"{uninitialised(t)} reaches an output", p.at, t)
        else:
            raise Mismatch("equal", "not the place of a value that is compared", p.at, t)

    def by_case(self, p: Pair) -> None:
        rest = p.at
        for s, a in zip(p.place.sets, p.place.args, strict=True):
            part = self.sets.restrict_range(p.at, s)
            rest = self.sets.minus(rest, part)
            self.visit(Pair(a, part, p.value, self.sets.restrict_domain(p.over, s)))
        if not self.sets.empty(rest):
            raise Mismatch("equal", "no case covers a place", rest, p.place)

    def by_value(self, p: Pair, v: Term) -> None:
        rest = p.at
        for s, a in zip(v.sets, v.args, strict=True):
            over = self.sets.restrict_range(p.over, s)
            part = self.sets.restrict_range(p.at, self.sets.domain(over))
            rest = self.sets.minus(rest, part)
            self.visit(Pair(p.place, part, a, over))
        if not self.sets.empty(rest):
            raise Mismatch("equal", "no case covers a value", rest, v)

    def candidate(self, p: Pair, v: Term) -> None:
        """A place that is known; its value where a view is left behind, since it may be a literal infinity at some instances."""
        if v.kind == "ref" and is_view(self.kernel.units[v.name].value):
            self.visit(Pair(p.place, p.at, self.kernel.units[v.name].value, self.through(p.over, v)))
            return
        self.fits(p)
        self.bits = min(self.bits, p.place.width)
        self.found.append(Candidate(p.place, p.at, v, p.over))

    # -------------------------------------------------------------- references
    def reference(self, p: Pair) -> None:
        """To the stores behind a place and its value, both at once where both are references."""
        t, v, over = p.place, p.value, p.over
        self.rules.descends(self.sets.target_name(p.at), t)
        self.fits(p)
        label = "" if v is None else f"={v.id}"
        if v is not None and v.kind == "ref":
            over, label = self.through(over, v), v.name
            v = self.behind(v.name)
        here = self.sets.restrict_domain(t.embedding(), self.sets.range(p.at))
        at = self.sets.step_range(p.at, t.embedding(), f"place {t.name}")
        moved = Pair(t, at, v, self.sets.compose(self.sets.reverse(here), over))
        whole = self.kernel.units[t.name].value
        if is_view(whole):  # passed through: only what is computed is met from several sides
            self.visit(Pair(whole, moved.at, v, moved.over))
        else:
            self.enter((t.name, label), moved)

    def through(self, over: Map, v: Term) -> Map:
        self.rules.descends(self.sets.target_name(over), v)
        return self.sets.step_range(over, v.embedding(), f"value {v.name}")

    def behind(self, name: str) -> Term:
        """A unit's value; of a store that a loop carries, in the loop's own terms."""
        chain = self.kernel.chains.get(name)
        return self.kernel.units[name].value if chain is None else chain.step

    def enter(self, key: tuple[str, str], p: Pair) -> None:
        done, waiting = self.closed.get(key), self.pending.get(key)
        if done is not None:
            if not (self.sets.subset(p.at, done.at) and self.sets.subset(p.over, done.over)):
                raise Mismatch("equal", f"`{key[0]}` is met with another value or by another way", p.at, p.place)
            return
        if waiting is not None:
            p = Pair(p.place, self.sets.join(waiting.at, p.at), p.value, self.sets.join(waiting.over, p.over))
        self.pending[key] = p

    def unit(self, key: tuple[str, str], p: Pair) -> None:
        """A store's place and value: of a loop's store with its own value's, of all rounds that came before too."""
        chain = self.kernel.chains.get(key[0])
        if chain is not None and key[1] in self.kernel.chains:
            at = self.sets.compose(p.at, chain.rounds)
            p = Pair(p.place, at, p.value, self.abreast(key, p.over, at))
        self.closed[key] = p
        self.fits(p)
        self.visit(Pair(self.behind(key[0]), p.at, p.value, p.over))

    def abreast(self, key: tuple[str, str], over: Map, at: Map) -> Map:
        """Two stores of one loop in the same round: a guess that holds for the rounds met first, and that every step back keeps."""
        a, b = (self.kernel.units[k].scope for k in key)
        if a.dims != b.dims:
            raise Mismatch("equal", "a place and its value are kept in different loops", at)
        there = tuple(f"{d}__" for d in b.dims)
        same = all_of(*(eq(Affine.dim(x), Affine.dim(y)) for x, y in zip(a.dims, there, strict=True)))
        both = self.sets.relation(a.name, a.dims, b.name, there, same)
        both = self.sets.restrict_range(
            self.sets.restrict_domain(both, self.sets.range(at)), self.kernel.scope_sets[b.name]
        )
        if not self.sets.subset(over, both):
            raise Mismatch("equal", "a place and its value are of different rounds", at)
        return both

    def fits(self, p: Pair) -> None:
        """Every instance of the place has one of the value."""
        whole = self.sets.subset(self.sets.range(p.at), self.sets.domain(p.over))
        if p.value is not None and not (whole and self.sets.single_valued(p.over)):
            raise Mismatch("equal", "a place is met with several values", p.at, p.place)

    # -------------------------------------------------------------- choices
    def select(self, p: Pair) -> None:
        w, v = self.wanted, p.value
        while v is not None and v.kind == "ref":
            p = Pair(p.place, p.at, self.behind(v.name), self.through(p.over, v))
            v = p.value
        if v is not None and v.kind == "case":
            self.visit(p)
            return
        how = compared(p.place, self.letter, w.largest, w.last)
        if how is None:
            raise Mismatch("equal", "no choice by the greater value", p.at, p.place)
        self.types.add(how.type)
        self.bits = min(self.bits, p.place.width)
        here = self.sets.range(p.at)
        own = self.sets.identity(here)
        if v is not None:
            self.fits(p)
            if not self.same_extreme(how, v, own, self.sets.restrict_domain(p.over, here)):
                raise Mismatch("equal", "a place is not that of the value it goes with", p.at, p.place)
        a, b = (Pair(t, own, x, own) for t, x in zip(p.place.args[1:], (how.first, how.second), strict=True))
        if self.ordered and how.tie != RULE:
            self.on_tie(how.tie, a, b, p)
        for x in (a, b):
            self.visit(Pair(x.place, p.at, x.value, own))

    def same_extreme(self, how: Comparison, v: Term, own: Map, over: Map) -> bool:
        """Is v, whatever it is where the two are equal, the greater of the two values that are compared?"""
        if v.kind != "op":
            return False
        if v.name in [f"{op}.{how.type}" for op in EXTREME_OPS[self.letter, self.wanted.largest]]:
            ways = [tuple(v.args), tuple(v.args[::-1])]
        elif v.name == "select":
            found = [x for x in operands(v, self.letter, self.wanted.largest) if x[4] == how.type]
            ways = [
                x[2:4]
                for x in found
                if self.alike.alike(x[0], over, x[2], over) and self.alike.alike(x[1], over, x[3], over)
            ]
            ways += [x[::-1] for x in ways]
        else:
            return False
        mine = (how.first, how.second)
        return any(all(self.alike.alike(x, own, y, over) for x, y in zip(mine, way, strict=True)) for way in ways)

    def on_tie(self, tie: str, a: Pair, b: Pair, p: Pair) -> None:
        """Where a tie always goes to one arm, each of its places comes first (or last) among all that it can meet."""
        assert tie in (FIRST, SECOND)
        early, late = (a, b) if (tie == FIRST) != self.wanted.last else (b, a)
        left, right = (self.places(x) for x in (early, late))
        wrong = self.sets.reverse(lex_less(self.sets, INTEGERS, 0, tied=False))
        if left is not None and right is not None:
            met = self.sets.compose(self.sets.reverse(left), right)
            if not self.sets.disjoint(met, wrong):
                raise Mismatch("equal", "on a tie this keeps a place that need not be the one asked for", p.at, p.place)

    def places(self, p: Pair) -> Map | None:
        """results -> the places that a pair may turn out to have."""
        inner = Choosing(self.rules, self.wanted, ordered=False)
        found = inner.run(p)
        self.bits = min(self.bits, inner.bits)
        out: Map | None = None
        for c in found:
            m = self.sets.compose(c.at, place_map(self.rules, c.place, c.at))
            out = m if out is None else self.sets.join(out, m)
        return out

    # -------------------------------------------------------------- what is left
    def in_range(self, found: Sequence[Candidate]) -> None:
        """No place is negative or leaves the narrowest type it goes through, so that all comparisons of places agree."""
        z = Affine.dim("z")
        good = self.sets.set(INTEGERS, ("z",), all_of(ge(z), lt(z, 1 << (self.bits - 1))))
        for c in found:
            if not self.sets.subset(self.sets.range(place_map(self.rules, c.place, c.at)), good):
                raise Mismatch("equal", "a place may leave its type", c.at, c.place)


def place_map(rules: Rules, t: Term, at: Map) -> Map:
    """Instances of a place's scope, those that `at` leads to -> the integer it is there."""
    sets = rules.sets
    here = sets.range(at)
    if t.kind == "index":
        whole = t.embedding()
    else:
        s = rules.p.kernel.scopes[sets.target_name(at)]
        whole = sets.map(s.name, s.dims, s.domain, INTEGERS, [Affine.of(signed(t))])
    out = sets.restrict_domain(whole, here)
    if not sets.subset(here, sets.domain(out)):
        raise Mismatch("equal", "a place is not known at some instances", at, t)
    return out


def signed(t: Term) -> int:
    return t.bits - (1 << t.width) if t.bits >> (t.width - 1) else t.bits
