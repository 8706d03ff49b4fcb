"""A kernel's place of an extreme against a graph's: the same elements take part on both sides, each with its own place.

The pairs that the kernel's choices start from are those of the graph, element by element, so the one that is left is the same.
What remains to be shown is that the values of each pair of partners are equal, and that what a kernel leaves out is what the graph
leaves out. The value that goes on with the place, by the same choices, is then the element there.
"""

from __future__ import annotations

from collections.abc import Sequence

from tv.equiv.choosing import Choosing
from tv.equiv.comparing import integer_conversion
from tv.equiv.guards import Named
from tv.equiv.matching import Link, Matching
from tv.equiv.problem import Mismatch
from tv.equiv.rules import Goal, Rules
from tv.equiv.sought import Candidate, Pair, Sought, place_map, sought
from tv.equiv.summands import Contribution
from tv.sets import Map
from tv.term import Term

WIDER = {("f32", "f16"), ("f32", "bf16"), ("f64", "f32"), ("f64", "f16"), ("f64", "bf16")}


def place_of(rules: Rules, gt: Term) -> bool:
    """Is this value of the graph the place of an extreme, or a conversion of one?"""
    return extreme(rules, gt).id in rules.p.graph.extremes


def extreme(rules: Rules, gt: Term) -> Term:
    """What a value of the graph passes on, which may be the place of an extreme; of the element there, that place."""
    gt = gt.args[1] if gt.id in rules.p.graph.winners else gt
    while True:
        if gt.kind == "op" and integer_conversion(gt.name):
            gt = gt.args[0]
        elif gt.kind == "ref":
            gt = rules.p.graph.units[gt.name].value
        else:
            return gt


def chosen(rules: Rules, kt: Term, gt: Term, r: Map, named: Named, beside: str = "") -> list[Goal]:
    """What remains to be shown so that kt is gt on R: values of partners, and places that are left out. gt is the place of an
    extreme, or the element there; then beside is the kernel's store of its place, if there is one. Raises Mismatch, Unknown."""
    key = kt.id, gt.id, rules.sets.text(r), beside
    asked, goals = rules.choices.get(key, ([], []))
    if asked and all(named(z, of) == s for z, of, s in asked) or goals and not asked:
        return goals
    met: list[tuple[Term, Sequence[Goal], int]] = []

    def noted(z: Term, of: Sequence[Goal]) -> int:
        met.append((z, of, named(z, of)))
        return met[-1][2]

    goals = _chosen(rules, kt, gt, r, noted, beside)
    rules.choices[key] = met, goals
    return goals


def _chosen(rules: Rules, kt: Term, gt: Term, r: Map, named: Named, beside: str) -> list[Goal]:
    value = gt.id in rules.p.graph.winners
    if value:
        if beside:
            whole_store(rules, kt, r, beside)
        gt = gt.args[1]
    elif beside:
        raise Mismatch("equal", "a place is kept beside a value only", r, kt, gt)
    bits = gt.width if value else min(kt.width, gt.width)
    while gt.kind == "ref" or (gt.kind == "op" and integer_conversion(gt.name)):
        if gt.kind == "ref":
            r, gt = rules.graph_step(r, gt), rules.p.graph.units[gt.name].value
        else:
            gt = gt.args[0]
        bits = min(bits, gt.width)
    search = Choosing(rules, sought(rules, gt, r, value), named)
    search.bits = bits
    start = rules.sets.identity(rules.sets.domain(r))
    if value and not beside:
        found = search.run_by_condition(kt, start)
    elif value:
        found = search.run_abreast(beside, rules.p.kernel.scopes[rules.sets.source_name(r)].unit)
    else:
        found = search.run(Pair(kt, start, None, start))
    search.in_range(found)
    search.none_again(found)
    return Partners(rules, search.sought, "".join(search.types)).goals(found) + search.guards.goals


def whole_store(rules: Rules, kt: Term, r: Map, beside: str) -> None:
    """kt is all that its unit stores, and the other unit stores something too."""
    kernel, scope = rules.p.kernel, rules.sets.source_name(r)
    unit = kernel.units.get(kernel.scopes[scope].unit)
    if unit is None or unit.name != scope or unit.value is not kt or beside not in kernel.units:
        raise Mismatch("equal", "no value that is kept beside its place", r, kt)


class Partners:
    """type: in which the kernel compares values."""

    def __init__(self, rules: Rules, sought: Sought, type: str) -> None:
        self.rules, self.sought, self.wanted, self.r, self.type = rules, sought, sought.wanted, sought.r, type
        self.sets, self.elements, self.places = rules.sets, sought.elements, sought.places

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
        """A literal that no element loses against, or ties with from a later place (an earlier one, where the last is asked for)."""
        if not self.sought.no_better(c.value, self.type):
            return False
        at = self.sets.compose(c.at, place_map(self.rules, c.place, c.at))
        if not (self.sought.never(c.value, self.type) or self.sought.behind_enough(self.sets, at)):
            raise Mismatch(
                "equal", "a literal to start from stands at a place that no element comes before", c.at, c.place
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
