"""Tests by which a kernel leaves out places that were chosen before: `i == first`, of the place that a choice may take.

What such a test compares with has to be proved a place that the graph leaves out; which one is found by a search, and followed by
the checker (`Named`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tv.equiv.alike import Alike
from tv.equiv.comparing import atoms, plain, truth
from tv.equiv.problem import Mismatch
from tv.equiv.rules import Goal
from tv.sets import Map
from tv.system import Extreme
from tv.term import Term, Terms, op_head

Named = Callable[[Term, Sequence[Goal]], int]  # which of these goals holds of a term; -1 where none does


@dataclass(frozen=True, slots=True)
class Test:
    """An equality of a place that may be taken, and the term that it is compared with."""

    atom: Term
    other: Term


class Guards:
    """named: tells which of the places that are left out a term is, where there are several. goals: what is to be shown for it."""

    def __init__(self, wanted: Extreme, alike: Alike, terms: Terms, named: Named) -> None:
        self.wanted, self.alike, self.terms, self.named = wanted, alike, terms, named
        self.known: dict[int, int] = {}
        self.goals: list[Goal] = []

    @property
    def all(self) -> frozenset[int]:
        return frozenset(range(len(self.wanted.taken)))

    def tests(self, c: Term, to_c: Map, place: Term, to_place: Map) -> list[Test]:
        """Equalities of the place with another integer among a condition's comparisons. to_c, to_place: from one domain."""
        found = []
        for a in atoms(c):
            if a.kind != "op" or op_head(a) != "eq" or not self.wanted.taken:
                continue
            for own, other in (a.args, a.args[::-1]):
                mine, theirs = plain(place), plain(own)
                if mine is theirs and to_c is to_place or self.alike.alike(mine, to_place, theirs, to_c):
                    found.append(Test(a, other))
                    break
        return found

    def which(self, t: Test, over: Map) -> int:
        """The place that a test leaves out. over: instances of the test -> of the graph's reduction. Raises Mismatch."""
        z = t.other if t.other.width == 64 else self.terms.op(f"cvt.s64.s{t.other.width}", t.other)
        goals = [(z, taken, over) for taken in self.wanted.taken]
        if z.id not in self.known:
            self.known[z.id] = 0 if len(goals) == 1 else self.named(z, goals)
        s = self.known[z.id]
        if not 0 <= s < len(goals):
            raise Mismatch("equal", "a place is compared with one that was not chosen before", None, t.atom)
        self.goals.append(goals[s])
        return s


def by_tests(c: Term, tests: dict[int, int], s: int | None) -> bool | None:
    """A condition that is made of tests alone, where the place is the s-th of those left out (None: none of them)."""
    return truth(c, lambda x: tests[x.id] == s if x.id in tests else None)
