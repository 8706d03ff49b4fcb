"""Places that were chosen before, which a kernel has to leave out where the graph does.

An element that may be one of them is met with a test for it, in a select that lets the other one go on whatever the values are; or
its value gives way to a literal that loses against every element; or the pair gives way to a pair of literals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tv.equiv.alike import Alike
from tv.equiv.comparing import Comparison, atoms, of_places
from tv.equiv.guards import Guards, Test, by_tests
from tv.equiv.problem import Mismatch
from tv.equiv.rules import Rules
from tv.equiv.sought import NOTHING, Candidate, Pair, Sought, place_map
from tv.sets import Map, Sets
from tv.system import Extreme, System
from tv.term import Term


class LeavingOut:
    """What a choice knows of the places that are left out. bits: the narrowest type that a place goes through."""

    rules: Rules
    sets: Sets
    kernel: System
    sought: Sought
    wanted: Extreme
    alike: Alike
    guards: Guards
    bits: int

    def visit(self, p: Pair) -> None:
        """Follows a pair."""
        raise NotImplementedError

    def met_with(self, p: Pair, sought: Sought) -> list[Candidate]:
        """All candidates that a pair may turn out to be; sought: for its own instances."""
        raise NotImplementedError

    def never(self, value: Term) -> bool:
        """A literal that loses against every element."""
        raise NotImplementedError

    def through(self, over: Map, v: Term) -> Map:
        """A relation to a value's scope, moved to what the value refers to."""
        raise NotImplementedError

    def tests(self, p: Pair, own: Map) -> dict[int, tuple[int, int]]:
        """Equalities in a select's condition, by id: of which arm's place, and with which of those left out."""
        c, *arms = p.place.args
        out: dict[int, tuple[int, int]] = {}
        for arm, place in enumerate(arms):
            for t in self.guards.tests(c, own, place, own):
                if t.atom.id not in out and not of_places(t.atom, *arms):
                    out[t.atom.id] = (arm, self.which(t, p.at))
        return out

    def which(self, t: Test, at: Map) -> int:
        """at: results -> instances of the test."""
        self.bits = min(self.bits, t.other.width)
        return self.guards.which(t, self.sets.compose(self.sets.reverse(at), self.sought.r))

    def left_out(self, how: Comparison, arms: tuple[Pair, Pair], tests: Mapping[int, tuple[int, int]], p: Pair) -> None:
        """An element that may be left out does not go on from here; a literal's place passes no test by chance."""
        inside, raw = self.sought.of(self.sets, p.at), [False, False]
        for arm, pair in enumerate(arms):
            asked = {s for a, s in tests.values() if a == arm}
            for c in self.met_with(pair, inside):
                literal = c.value.kind == "const"
                if literal and asked:
                    at = self.sets.compose(c.at, place_map(self.rules, c.place, c.at))
                    if not inside.outside(self.sets, at):
                        raise Mismatch(
                            "equal", "a literal stands at a place that may be one of those left out", p.at, p.place
                        )
                open_ = NOTHING if literal else self.guards.all - (self.guards.all if c.met else c.spared)
                if open_ or (c.spared and asked):
                    open_ |= c.spared if asked else NOTHING
                    raw[arm] = True
                    if any((arm, s) not in how.left_out for s in open_):
                        raise Mismatch("equal", "a place that was chosen before may be chosen again", p.at, p.place)
        if all(raw):
            raise Mismatch("equal", "of two places that may have been chosen before, one goes on", p.at, p.place)

    def marked(self, p: Pair, v: Term, tests: Mapping[int, tuple[int, int]], own: Map) -> None:
        """A pair that is replaced by literals where its place is left out."""
        c = p.place.args[0]
        over = self.sets.restrict_domain(p.over, self.sets.range(p.at))
        arms = {arm for arm, _ in tests.values()}
        if v.kind != "op" or v.name != "select" or len(arms) != 1 or not self.alike.alike(c, own, v.args[0], over):
            raise Mismatch("equal", "a place is replaced otherwise than its value", p.at, p.place)
        mine = arms.pop()
        keeps = mine == 0  # the condition's value where the pair stays
        by = {i: s for i, (_, s) in tests.items()}
        if (
            by_tests(c, by, None) is not keeps
            or v.args[2 - mine].kind != "const"
            or p.place.args[2 - mine].kind != "const"
        ):
            raise Mismatch("equal", "no pair of literals for a place that is left out", p.at, p.place)
        gone = {s for s in by.values() if by_tests(c, by, s) is (not keeps)}
        for arm in (0, 1):
            spared = p.spared | gone if arm == mine else NOTHING
            self.visit(
                replace(p, place=p.place.args[1 + arm], value=v.args[1 + arm], over=over, spared=frozenset(spared))
            )

    def unmasked(self, p: Pair) -> Pair:
        """A known place whose value gives way to a literal where the place is left out: with the value that it is otherwise."""
        v, over, spared = p.value, p.over, p.spared
        while self.wanted.taken and v is not None:
            if v.kind == "ref" and v.name not in self.kernel.chains:
                v, over = self.kernel.units[v.name].value, self.through(over, v)
                continue
            if v.kind != "op" or v.name != "select":
                break
            here = self.sets.restrict_domain(over, self.sets.range(p.at))
            found = self.guards.tests(v.args[0], here, p.place, self.sets.identity(self.sets.range(p.at)))
            if not found or len(found) != len([*atoms(v.args[0])]):
                break
            by = {t.atom.id: self.which(t, self.sets.compose(p.at, over)) for t in found}
            stays = by_tests(v.args[0], by, None)
            if stays is None or not self.never(v.args[2 if stays else 1]):
                break
            spared |= {s for s in by.values() if by_tests(v.args[0], by, s) is (not stays)}
            v = v.args[1 if stays else 2]
            p = replace(p, value=v, over=over, spared=spared)
        return p
