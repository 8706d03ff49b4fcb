"""A kernel's place of an extreme against a graph's: the same elements take part on both sides, each with its own place.

The pairs that the kernel's choices start from are those of the graph, element by element, so the one that is left is the same.
What remains to be shown is that the values of each pair of partners are equal.
"""

from __future__ import annotations

from collections.abc import Sequence

from tv.equiv.choosing import INTEGERS, Candidate, Choosing, Pair, place_map, signed
from tv.equiv.comparing import integer_conversion
from tv.equiv.matching import Link, Matching
from tv.equiv.problem import Mismatch
from tv.equiv.rules import Rules
from tv.equiv.summands import IDENTITY_BITS, Contribution
from tv.sets import Affine, Map
from tv.sets.ordering import lex_less
from tv.system import Extreme
from tv.term import Term

WIDER = {("f32", "f16"), ("f32", "bf16"), ("f64", "f32"), ("f64", "f16"), ("f64", "bf16")}
Goal = tuple[Term, Term, Map]


def place_of(rules: Rules, gt: Term) -> bool:
    """Is this value of the graph the place of an extreme, or a conversion of one?"""
    while True:
        if gt.kind == "op" and integer_conversion(gt.name):
            gt = gt.args[0]
        elif gt.kind == "ref":
            gt = rules.p.graph.units[gt.name].value
        else:
            return gt.id in rules.p.graph.extremes


def chosen(rules: Rules, kt: Term, gt: Term, r: Map) -> list[Goal]:
    """What remains to be shown so that kt is the place gt on R: values of partners. Raises Mismatch, Unknown."""
    bits = min(kt.width, gt.width)
    while gt.kind == "ref" or (gt.kind == "op" and integer_conversion(gt.name)):
        if gt.kind == "ref":
            r, gt = rules.graph_step(r, gt), rules.p.graph.units[gt.name].value
        else:
            gt = gt.args[0]
        bits = min(bits, gt.width)
    wanted = rules.p.graph.extremes.get(gt.id)
    if wanted is None:
        raise Mismatch("equal", "not the place of an extreme", r, kt, gt)
    search = Choosing(rules, wanted)
    search.bits = bits
    start = rules.sets.identity(rules.sets.domain(r))
    found = search.run(Pair(kt, start, None, start))
    search.in_range(found)
    return Partners(rules, wanted, r, gt.embedding(), "".join(search.types)).goals(found)


class Partners:
    """type: in which the kernel compares values."""

    def __init__(self, rules: Rules, wanted: Extreme, r: Map, embedding: Map, type: str) -> None:
        self.rules, self.wanted, self.r, self.type = rules, wanted, r, type
        self.sets = rules.sets
        self.elements = self.sets.restrict_domain(embedding, self.sets.range(r))
        scope = rules.p.graph.scopes[self.sets.target_name(embedding)]
        self.places = (
            wanted.place.embedding()
            if wanted.place.kind == "index"
            else self.sets.map(scope.name, scope.dims, scope.domain, INTEGERS, [Affine.of(signed(wanted.place))])
        )

    def goals(self, found: Sequence[Candidate]) -> list[Goal]:
        kernel = [c for c in found if not self.loses(c)]
        ours, theirs = [Contribution(c.at, c.place) for c in kernel], [Contribution(self.elements, self.wanted.place)]
        matching = Matching(self.sets, self.r, ours, theirs, False)
        links: list[tuple[int, int, Link]] = []
        for i, c in enumerate(kernel):
            same = self.sets.compose(place_map(self.rules, c.place, c.at), self.sets.reverse(self.places))
            link = matching.pairing(i, 0, same)
            if link is not None:
                links.append((i, 0, link))
        matching.check(links)
        return [self.goal(kernel[i], link) for i, _, link in links]

    def goal(self, c: Candidate, link: Link) -> Goal:
        value, over = self.narrowed(c)
        return value, self.wanted.value, self.sets.compose(self.sets.reverse(over), link.leaves)

    def loses(self, c: Candidate) -> bool:
        """A literal infinity whose place is not before some element of each of its results (or, of the last, not after)."""
        low = "max" if self.wanted.largest else "min"
        if c.value.kind != "const" or c.value.bits != IDENTITY_BITS.get(self.type, {}).get(low):
            return False
        to_k, to_g = self.sets.projections(self.r)
        mine = self.sets.compose(self.sets.compose(to_k, c.at), place_map(self.rules, c.place, c.at))
        theirs = self.sets.compose(self.sets.compose(to_g, self.elements), self.places)
        less = lex_less(self.sets, INTEGERS, 0, tied=False)
        other = self.sets.reverse(less) if self.wanted.last else less
        beyond = self.sets.join(self.sets.compose(theirs, other), theirs)
        if not self.sets.subset(mine, beyond):
            raise Mismatch(
                "equal", "an infinity to start from stands at a place that no element comes before", c.at, c.place
            )
        return True

    def narrowed(self, c: Candidate) -> tuple[Term, Map]:
        """A candidate's value as the graph's type has it: behind an exact conversion into the type of the comparisons."""
        kernel, value, over = self.rules.p.kernel, c.value, c.over
        if self.type == self.wanted.type or self.type == f"i{self.wanted.type[1:]}":
            return value, over
        if (self.type, self.wanted.type) not in WIDER:
            raise Mismatch("equal", "values are compared in another type than the graph's", c.at, c.place)
        while value.kind == "ref":
            over = self.sets.step_range(over, value.embedding(), f"value {value.name}")
            value = kernel.units[value.name].value
        if value.kind != "op" or value.name != f"cvt.{self.type}.{self.wanted.type}":
            raise Mismatch("equal", "the value of a place is no element of the graph's", c.at, c.place)
        return value.args[0], over
