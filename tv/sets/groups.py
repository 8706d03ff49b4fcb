"""Groups of asynchronous copies: which commit closes a copy's group, and which wait is the first to cover it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial, reduce

import islpy as isl

from tv.sets.algebra import Sets, ask
from tv.sets.ordering import lex_less
from tv.sets.spaces import Map, Set, tidy

WHAT = "groups of copies"


class Waits:
    """Events of threads on tuple `name`: `threads` coordinates of the thread, then time.

    commits: where a group is closed. waits: where at most so many later groups are left pending.
    """

    def __init__(self, sets: Sets, name: str, threads: int, commits: Set | None, waits: Mapping[int, Set]) -> None:
        self.sets, self.commits, self.waits = sets, commits, dict(waits)
        self.later = lex_less(sets, name, threads, tied=True)


def completion(w: Waits) -> Map | None:
    """Each commit -> the first wait that covers its group; commits that none covers are not in the domain.

    A wait that leaves n groups pending covers a group where n commits of the same thread stand between the two: where it
    stands after the n-th commit that follows.
    """
    if w.commits is None or not w.waits:
        return None
    sets, commits = w.sets, w.commits
    steps = {0: commits.identity(), 1: ask(sets, lambda: _next(w, commits), WHAT)}
    parts = [ask(sets, partial(_covered, w, _steps(sets, steps, n), n), WHAT) for n in sorted(w.waits)]
    found: Map = ask(sets, lambda: _first(reduce(isl.Map.union, parts)), WHAT)
    return found


def _next(w: Waits, commits: Set) -> Map:
    """Each commit -> the next one of its thread; the last ones are not in the domain."""
    return _first(w.later.intersect_domain(commits).intersect_range(commits))


def _steps(sets: Sets, known: dict[int, Map], n: int) -> Map:
    """Each commit -> the n-th after it: of so many steps as two halves, each question with a budget of its own."""
    if n not in known:
        a, b = _steps(sets, known, n // 2), _steps(sets, known, n - n // 2)
        known[n] = ask(sets, lambda: tidy(a.apply_range(b)), WHAT)
    return known[n]


def _covered(w: Waits, reached: Map, n: int) -> Map:
    return _first(reached.apply_range(w.later.intersect_range(w.waits[n])))


def first_after(w: Waits, issued: Map) -> Map | None:
    """Each copy -> the commit that closes its group; copies that none closes are not in the domain."""
    if w.commits is None:
        return None
    with w.sets._ask(WHAT):
        return _first(issued.apply_range(w.later.intersect_range(w.commits)))


def _first(m: Map) -> Map:
    """The least image of every element. Exact; isl raises where there is none, which an order from below excludes."""
    return m if m.is_empty() else tidy(m.lexmin())
