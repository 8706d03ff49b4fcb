"""What a kernel's choice is held against: rows of a graph, one for each result, and the extremes that are looked for in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tv.arithmetic import decode
from tv.equiv.problem import Mismatch
from tv.equiv.rules import Rules
from tv.equiv.summands import IDENTITY_BITS
from tv.sets import Affine, Map, Sets
from tv.sets.ordering import lex_less
from tv.system import Extreme
from tv.term import Term

INTEGERS = "Z"
FLOATS = ("f16", "bf16", "f32", "f64")
NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Pair:
    """place: a term; at: results -> its instances. value: the value there, None where it is not known yet; over: instances of
    the place -> of the value. met: it went on from a comparison. spared: of the places left out, those that it is known not to be."""

    place: Term
    at: Map
    value: Term | None
    over: Map
    met: bool = False
    spared: frozenset[int] = NOTHING


@dataclass(frozen=True, slots=True)
class Candidate:
    """An element that may win: a place that indices or a constant give, and its value; what is known of it as of a pair."""

    place: Term
    at: Map
    value: Term
    over: Map
    met: bool
    spared: frozenset[int]


@dataclass(frozen=True, slots=True)
class Sought:
    """r: results -> instances of the graph's reduction. elements: these -> its rounds; places: the rounds -> their places.

    bound: no element of a row lies beyond, below it where the largest is asked for; None where nothing is known. exact: the value
    that goes on with a place is asked for too, which zero included.
    """

    wanted: Extreme
    r: Map
    elements: Map
    places: Map
    bound: float | None
    exact: bool

    def of(self, sets: Sets, over: Map) -> Sought:
        """The same for other results, which `over` leads to from those."""
        r = sets.compose(sets.reverse(over), self.r)
        return Sought(self.wanted, r, self.elements, self.places, self.bound, self.exact)

    def never(self, t: Term, kind: str) -> bool:
        """A literal beyond all elements: whatever its place is, it loses against each of them."""
        if t.kind != "const" or kind not in FLOATS or self.bound is None:
            return False
        x = number(t, kind)
        return x < self.bound if self.wanted.largest else x > self.bound

    def no_better(self, t: Term, kind: str) -> bool:
        """A literal that no element is worse than."""
        if t.kind != "const":
            return False
        if t.bits == IDENTITY_BITS.get(kind, {}).get("max" if self.wanted.largest else "min"):
            return True
        if kind not in FLOATS or self.bound is None:
            return False
        x = number(t, kind)
        return x <= self.bound if self.wanted.largest else x >= self.bound

    def outside(self, sets: Sets, at: Map) -> bool:
        """Is a place (at: results -> where it stands) that of no element of its row?"""
        to_k, to_g = sets.projections(self.r)
        return sets.disjoint(sets.compose(to_k, at), self.row(sets, to_g))

    def behind_enough(self, sets: Sets, at: Map) -> bool:
        """Does a place come after (or is it one of) so many elements of each of its rows that one of them is not left out?"""
        to_k, to_g = sets.projections(self.r)
        mine, first = sets.compose(to_k, at), self.row(sets, to_g)
        less = lex_less(sets, INTEGERS, 0, tied=False)
        after = sets.reverse(less) if self.wanted.last else less
        row = first
        for _ in self.wanted.taken:
            first = sets.meet(row, sets.compose(first, after))
        return sets.subset(mine, sets.join(sets.compose(first, after), first))

    def row(self, sets: Sets, to_g: Map) -> Map:
        return sets.compose(sets.compose(to_g, self.elements), self.places)


def number(t: Term, kind: str) -> float:
    """A constant's number; NaN compares with nothing."""
    return float(np.asarray(decode(np.array([t.bits], np.uint64), kind)).astype(np.float64)[0])


def sought(rules: Rules, gt: Term, r: Map, exact: bool) -> Sought:
    """gt: the place of an extreme, R over its scope. Raises Mismatch."""
    wanted = rules.p.graph.extremes.get(gt.id)
    if wanted is None:
        raise Mismatch("equal", "not the place of an extreme", r, None, gt)
    sets, embedding = rules.sets, gt.embedding()
    scope = rules.p.graph.scopes[sets.target_name(embedding)]
    elements = sets.restrict_domain(embedding, sets.range(r))
    if wanted.place.kind == "index":
        places = wanted.place.embedding()
    else:
        places = sets.map(scope.name, scope.dims, scope.domain, INTEGERS, [Affine.of(signed(wanted.place))])
    bound = rules.p.bounds.get(gt.id)
    return Sought(wanted, r, elements, places, None if bound is None else bound.value, exact)


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
