"""Two flattened sums are one sum up to order: a bijection of contributions, result by result."""

from __future__ import annotations

from dataclasses import dataclass

from tv.diagnostic import Unknown
from tv.equiv.problem import Mismatch, uninitialised
from tv.equiv.summands import Contribution
from tv.sets import Map, Set, Sets


@dataclass(slots=True)
class Matching:
    """R: kernel result -> graph result. k, g: contributions of each side.

    Where R and all reaches are one to one, a pairing is a map leaf -> leaf; else contributions are lifted to the space of
    result pairs, so that one leaf may serve many results.
    """

    sets: Sets
    relation: Map
    k: list[Contribution]
    g: list[Contribution]
    counted: bool
    simple: bool = False
    k_lifted: list[Map] | None = None
    g_lifted: list[Map] | None = None

    def __post_init__(self) -> None:
        s = self.sets
        one = s.single_valued(self.relation) and s.injective(self.relation)
        self.simple = one and all(s.injective(c.reach) for c in (*self.k, *self.g))
        if not self.simple:
            to_k, to_g = s.projections(self.relation)
            self.k_lifted = [s.compose(to_k, c.reach) for c in self.k]
            self.g_lifted = [s.compose(to_g, c.reach) for c in self.g]

    def pairing(self, i: int, j: int, candidate: Map) -> Link | None:
        """The pairs of contribution i and j inside the candidate that belong to related results; None where there are none."""
        s = self.sets
        if self.simple:
            m = s.compose(s.compose(s.reverse(self.k[i].reach), self.relation), self.g[j].reach)
            m = s.meet(m, candidate)
            if s.empty(m):
                return None
            return Link(m, m, s.reverse(m), s.domain(m), s.range(m))
        assert self.k_lifted is not None
        assert self.g_lifted is not None
        z = s.restrict_range(s.pair(self.k_lifted[i], self.g_lifted[j]), s.wrap(candidate))
        if s.empty(z):
            return None
        forward, backward = s.curried(z)
        return Link(s.unwrap(s.range(z)), forward, backward, s.domain(forward), s.domain(backward))

    def lift(self, reach: Map) -> Map:
        """A kernel's reach, from pairs of results."""
        return self.sets.compose(self.sets.projections(self.relation)[0], reach)

    def one_to_one(self, link: Link) -> bool:
        return self.sets.single_valued(link.forward) and self.sets.single_valued(link.backward)

    def complete(self, i: int, j: int, link: Link) -> bool:
        """Does the link have all of contribution i, or all of j?"""
        return self.sets.subset(self.whole(0, i), link.k_part) or self.sets.subset(self.whole(1, j), link.g_part)

    def whole(self, side: int, x: int) -> Set:
        """Everything that a contribution adds: instances of its leaf, with the results' pairs where these are carried along."""
        lifted, items = (self.k_lifted, self.k) if side == 0 else (self.g_lifted, self.g)
        return self.sets.range(items[x].reach) if lifted is None else self.sets.wrap(lifted[x])

    def check(self, links: list[tuple[int, int, Link]]) -> None:
        """Every contribution of either side has exactly one partner (of a maximum: at least one, or it is idle). Raises Mismatch."""
        s = self.sets
        covered: tuple[dict[int, Set], dict[int, Set]] = ({}, {})
        for i, j, link in links:
            if self.counted and not self.one_to_one(link):
                raise Unknown("TV0603", "the pairing of a sum's terms is not one to one")
            for side, x, part in ((0, i, link.k_part), (1, j, link.g_part)):
                old = covered[side].get(x)
                if old is not None and self.counted and not s.disjoint(old, part):
                    raise Unknown("TV0603", "a term of a sum has two partners")
                covered[side][x] = part if old is None else s.join(old, part)
        for side, items, lifted in ((0, self.k, self.k_lifted), (1, self.g, self.g_lifted)):
            for x, c in enumerate(items):
                whole = self.whole(side, x)
                rest = s.minus(whole, covered[side][x]) if x in covered[side] else whole
                if side == 0 and c.idle is not None and not self.counted:
                    rest = s.minus(rest, s.range(c.idle) if lifted is None else s.wrap(self.lift(c.idle)))
                if not s.empty(rest):
                    raise self.unmatched(side, c, rest)

    def unmatched(self, side: int, c: Contribution, rest: Set) -> Mismatch:
        if c.leaf.kind == "undefined":
            return Mismatch("init", f"{uninitialised(c.leaf)} is added", self.relation, c.leaf)
        if side == 0:
            return Mismatch("equal", "the kernel adds a term that the graph does not", self.relation, c.leaf)
        return Mismatch("equal", "a term of the graph's sum is missing in the kernel", self.relation, None, c.leaf)


@dataclass(frozen=True, slots=True)
class Link:
    """leaves: kernel leaf -> graph leaf. forward, backward: the same with the result pair carried along where that is needed."""

    leaves: Map
    forward: Map
    backward: Map
    k_part: Set
    g_part: Set
