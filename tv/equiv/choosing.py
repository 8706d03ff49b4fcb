"""The place of an extreme, followed through the kernel: pairs of a value and its place, of which the greater go on.

Of pairs (x[j], j) without a NaN among the x, "greater, and of equal ones the earlier" is a total order, so that the last one left is
the same in whatever order they meet. A select that keeps the value it has on a tie does so only where every place that it may
have already is the earlier one: asked at every select, of all pairs that can meet there (S27). A literal that no element is worse than,
beside a place that is not before some element of its own result, loses against that element or ties with a later place, so it never
wins; a literal beyond all elements never does.

Where the graph leaves out places that were chosen before, so has the kernel to: an element that may be one of them is met with a
test for it, in a select that lets the other one go on, or its value is replaced by such a literal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tv.diagnostic import Unknown
from tv.equiv.alike import Alike
from tv.equiv.comparing import (
    FIRST,
    PLACES,
    RULE,
    SECOND,
    Comparison,
    atoms,
    compared,
    integer_conversion,
    operands,
)
from tv.equiv.guards import Guards, Named
from tv.equiv.leaving import LeavingOut
from tv.equiv.merging import merged, spelled_alike
from tv.equiv.problem import Mismatch, is_view, uninitialised
from tv.equiv.rules import Rules
from tv.equiv.sought import INTEGERS, Candidate, Pair, Sought, place_map
from tv.sets import Affine, Map
from tv.sets.formulas import all_of, eq, ge, lt
from tv.sets.ordering import lex_less
from tv.term import Term, op_head

LIMIT = 4000  # pairs of terms looked at for one goal
EXTREME_OPS = {  # by what the comparison reads: floats, signed or unsigned integers
    ("f", True): ("fmax", "fupper", "fmaximum"),
    ("f", False): ("fmin", "flower", "fminimum"),
    ("s", True): ("smax",),
    ("s", False): ("smin",),
    ("u", True): ("umax",),
    ("u", False): ("umin",),
}


Key = tuple[str, str, bool, frozenset[int]]  # a store of places, one of values or a term, and what is known of the pair


class Choosing(LeavingOut):
    """ordered: whether ties and what is left out are looked into; without, it only collects what may meet."""

    def __init__(self, rules: Rules, sought: Sought, named: Named, ordered: bool = True) -> None:
        self.rules, self.sought, self.wanted, self.ordered = rules, sought, sought.wanted, ordered
        self.sets, self.kernel = rules.sets, rules.p.kernel
        self.letter = "f" if self.wanted.type[:1] in "fb" else self.wanted.type[:1]
        self.alike = Alike(rules)
        self.guards = Guards(self.wanted, self.alike, rules.terms, named)
        self.found: list[Candidate] = []
        self.pending: dict[Key, Pair] = {}
        self.closed: dict[Key, Pair] = {}
        self.types: set[str] = set()
        self.bits = 64  # the narrowest type that a place goes through
        self.steps = 0

    def run(self, pair: Pair) -> list[Candidate]:
        """All candidates of the results. Raises Mismatch where something else than a choice is met."""
        self.visit(pair)
        return self.finished()

    def finished(self) -> list[Candidate]:
        while self.pending:
            key = max(self.pending, key=lambda k: self.kernel.units[k[0]].order)
            self.unit(key, self.pending.pop(key))
        if len(self.types) > 1:
            raise Unknown("TV0614", "values of one choice are compared in different types")
        return self.found

    def run_by_condition(self, kt: Term, start: Map) -> list[Candidate]:
        """As `run`, of a value that a condition chooses which compares places too."""
        select = self.rules.terms.op
        for a, b in places_within(kt) if kt.kind == "op" and kt.name == "select" else ():
            place = select("select", kt.args[0], a, b)
            if compared(place, self.letter, self.wanted.largest, self.wanted.last) is not None:
                return self.run(Pair(place, start, kt, start))
        raise Mismatch("equal", "no choice by the greater value and its place", start, kt)

    def run_abreast(self, place: str, value: str) -> list[Candidate]:
        """As `run`, of two stores whose instances are the same, by what they store: all of them, each its own result."""
        domain = self.sets.domain(self.sought.r)
        over = self.sets.identity(domain)
        at = self.sets.reverse(self.side_by_side(place, value, over))
        if not self.sets.subset(domain, self.sets.domain(at)):
            raise Mismatch("equal", "a value is kept where its place is not", over)
        for t in references(self.behind(place)):
            if not self.rules.before(value, t, at):
                raise Mismatch("equal", "a place is chosen by what comes after its value", at, t)
        self.enter((place, value), Pair(self.behind(place), at, self.behind(value), self.sets.reverse(at)))
        return self.finished()

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
            self.visit(replace(p, place=t.args[0]))
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
            self.visit(replace(p, place=a, at=part, over=self.sets.restrict_domain(p.over, s)))
        if not self.sets.empty(rest):
            raise Mismatch("equal", "no case covers a place", rest, p.place)

    def by_value(self, p: Pair, v: Term) -> None:
        rest = p.at
        for s, a in zip(v.sets, v.args, strict=True):
            over = self.sets.restrict_range(p.over, s)
            part = self.sets.restrict_range(p.at, self.sets.domain(over))
            rest = self.sets.minus(rest, part)
            self.visit(replace(p, at=part, value=a, over=over))
        if not self.sets.empty(rest):
            raise Mismatch("equal", "no case covers a value", rest, v)

    def candidate(self, p: Pair, v: Term) -> None:
        """A place that is known; its value where a view is left behind, since it may be a literal infinity at some instances."""
        if v.kind == "ref" and is_view(self.kernel.units[v.name].value):
            self.visit(replace(p, value=self.kernel.units[v.name].value, over=self.through(p.over, v)))
            return
        self.fits(p)
        self.bits = min(self.bits, p.place.width)
        otherwise = self.unmasked(p)
        if otherwise is not p:
            self.visit(otherwise)
            return
        self.found.append(Candidate(p.place, p.at, v, p.over, p.met, p.spared))

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
        moved = replace(p, at=at, value=v, over=self.sets.compose(self.sets.reverse(here), over))
        whole = self.kernel.units[t.name].value
        if is_view(whole):  # passed through: only what is computed is met from several sides
            self.visit(replace(moved, place=whole))
        else:
            self.enter((t.name, label), moved)

    def through(self, over: Map, v: Term) -> Map:
        self.rules.descends(self.sets.target_name(over), v)
        return self.sets.step_range(over, v.embedding(), f"value {v.name}")

    def behind(self, name: str) -> Term:
        """A unit's value; of a store that a loop carries, in the loop's own terms."""
        chain = self.kernel.chains.get(name)
        return self.kernel.units[name].value if chain is None else chain.step

    def enter(self, stores: tuple[str, str], p: Pair) -> None:
        key = (*stores, p.met, p.spared)
        done, waiting = self.closed.get(key), self.pending.get(key)
        if done is not None:
            if not (self.sets.subset(p.at, done.at) and self.sets.subset(p.over, done.over)):
                raise Mismatch("equal", f"`{key[0]}` is met with another value or by another way", p.at, p.place)
            return
        if waiting is not None:
            p = replace(p, at=self.sets.join(waiting.at, p.at), over=self.sets.join(waiting.over, p.over))
        self.pending[key] = p

    def unit(self, key: Key, p: Pair) -> None:
        """A store's place and value: of a loop's store with its own value's, of all rounds that came before too."""
        chain = self.kernel.chains.get(key[0])
        if chain is not None and key[1] in self.kernel.chains:
            at = self.sets.compose(p.at, chain.rounds)
            p = replace(p, at=at, over=self.abreast(key, p.over, at))
        self.closed[key] = p
        self.fits(p)
        self.visit(replace(p, place=self.behind(key[0])))

    def abreast(self, key: Key, over: Map, at: Map) -> Map:
        """Two stores of one loop in the same round: a guess that holds for the rounds met first, and that every step back keeps."""
        both = self.sets.restrict_domain(self.side_by_side(key[0], key[1], at), self.sets.range(at))
        if not self.sets.subset(over, both):
            raise Mismatch("equal", "a place and its value are of different rounds", at)
        return both

    def side_by_side(self, place: str, value: str, at: Map) -> Map:
        """Instances of one store -> those of another in the same rounds of the same loops."""
        a, b = (self.kernel.units[k].scope for k in (place, value))
        if a.dims != b.dims:
            raise Mismatch("equal", "a place and its value are kept in different loops", at)
        there = tuple(f"{d}__" for d in b.dims)
        same = all_of(*(eq(Affine.dim(x), Affine.dim(y)) for x, y in zip(a.dims, there, strict=True)))
        both = self.sets.relation(a.name, a.dims, b.name, there, same)
        both = self.sets.restrict_domain(both, self.kernel.scope_sets[a.name])
        return self.sets.restrict_range(both, self.kernel.scope_sets[b.name])

    def fits(self, p: Pair) -> None:
        """Every instance of the place has one of the value."""
        whole = self.sets.subset(self.sets.range(p.at), self.sets.domain(p.over))
        if p.value is not None and not (whole and self.sets.single_valued(p.over)):
            raise Mismatch("equal", "a place is met with several values", p.at, p.place)

    # -------------------------------------------------------------- choices
    def select(self, p: Pair) -> None:
        v = p.value
        while v is not None and v.kind == "ref":
            p = replace(p, value=self.behind(v.name), over=self.through(p.over, v))
            v = p.value
        if v is not None and v.kind == "case":
            self.visit(p)
            return
        own = self.sets.identity(self.sets.range(p.at))
        p = replace(p, place=spelled_alike(self.alike, self.rules.terms, p.place, own))
        tests = self.tests(p, own)
        if v is not None and tests and all(x.id in tests for x in atoms(p.place.args[0])):
            self.marked(p, v, tests, own)
            return
        how = compared(p.place, self.letter, self.wanted.largest, self.wanted.last, tests)
        if how is None:
            whole = merged(self.alike, self.rules.terms, p.place, own)
            if whole is None:
                raise Mismatch("equal", "no choice by the greater value", p.at, p.place)
            self.select(replace(p, place=whole))
            return
        self.types.add(how.type)
        self.bits = min(self.bits, p.place.width)
        if v is not None:
            self.fits(p)
            same = self.same_choice if self.sought.exact or tests else self.same_extreme
            if not same(how, p.place, v, own, self.sets.restrict_domain(p.over, self.sets.range(p.at))):
                raise Mismatch("equal", "a place is not that of the value it goes with", p.at, p.place)
        a, b = (Pair(t, own, x, own) for t, x in zip(p.place.args[1:], (how.first, how.second), strict=True))
        if self.ordered and how.tie != RULE:
            self.on_tie(how.tie, a, b, p)
        if self.ordered and self.wanted.taken:
            self.left_out(how, (a, b), tests, p)
        for x in (a, b):
            self.visit(replace(x, at=p.at, met=True))

    def same_choice(self, how: Comparison, place: Term, v: Term, own: Map, over: Map) -> bool:
        """Does v take the value of the same arm, by the same condition?"""
        if v.kind != "op" or v.name != "select":
            return False
        mine = (place.args[0], how.first, how.second)
        whole = merged(self.alike, self.rules.terms, v, self.sets.identity(self.sets.range(over)))
        ways = [v] if whole is None else [v, whole]
        return any(all(self.alike.alike(x, own, y, over) for x, y in zip(mine, w.args, strict=True)) for w in ways)

    def same_extreme(self, how: Comparison, place: Term, v: Term, own: Map, over: Map) -> bool:
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
        left, right = (self.places(x, self.sought.of(self.sets, p.at)) for x in (early, late))
        wrong = self.sets.reverse(lex_less(self.sets, INTEGERS, 0, tied=False))
        if left is not None and right is not None:
            met = self.sets.compose(self.sets.reverse(left), right)
            if not self.sets.disjoint(met, wrong):
                raise Mismatch("equal", "on a tie this keeps a place that need not be the one asked for", p.at, p.place)

    def places(self, p: Pair, inside: Sought) -> Map | None:
        """results -> the places that a pair may turn out to have, where its value may tie with an element's."""
        out: Map | None = None
        for c in self.met_with(p, inside):
            if not self.never(c.value):
                m = self.sets.compose(c.at, place_map(self.rules, c.place, c.at))
                out = m if out is None else self.sets.join(out, m)
        return out

    def met_with(self, p: Pair, sought: Sought) -> list[Candidate]:
        inner = Choosing(self.rules, sought, self.guards.named, ordered=False)
        inner.types |= self.types
        inner.guards.known = self.guards.known
        found = inner.run(p)
        self.bits = min(self.bits, inner.bits)
        return found

    def never(self, value: Term) -> bool:
        """A literal that loses against every element."""
        return len(self.types) == 1 and all(self.sought.never(value, t) for t in self.types)

    # -------------------------------------------------------------- what is left
    def in_range(self, found: Sequence[Candidate]) -> None:
        """No place that may win is negative or leaves the narrowest type it goes through, so that all comparisons of places agree."""
        z = Affine.dim("z")
        good = self.sets.set(INTEGERS, ("z",), all_of(ge(z), lt(z, 1 << (self.bits - 1))))
        for c in found:
            if not self.never(c.value) and not self.sets.subset(
                self.sets.range(place_map(self.rules, c.place, c.at)), good
            ):
                raise Mismatch("equal", "a place may leave its type", c.at, c.place)

    def none_again(self, found: Sequence[Candidate]) -> None:
        """No element comes here that may have been chosen before."""
        for c in found:
            if c.value.kind != "const" and not c.met and c.spared != self.guards.all:
                raise Mismatch("equal", "a place that was chosen before may be chosen again", c.at, c.place)


def references(root: Term) -> Iterator[Term]:
    """Raises Mismatch at what is no operation on references."""
    todo, seen = [root], {root.id}
    while todo:
        t = todo.pop()
        if t.kind == "ref":
            yield t
        elif t.kind in ("reduce", "pick", "load", "hole"):
            raise Mismatch("equal", "not the place of a value that is compared", None, t)
        fresh = [a for a in t.args if a.id not in seen]
        seen |= {a.id for a in fresh}
        todo += fresh


def places_within(t: Term) -> Iterator[tuple[Term, Term]]:
    """Of a select between two values: the integers that its condition compares beside them, as the places of its two arms."""
    for a in atoms(t.args[0]):
        if a.kind == "op" and op_head(a) in PLACES and "const" not in (a.args[0].kind, a.args[1].kind):
            yield a.args[0], a.args[1]
            yield a.args[1], a.args[0]
