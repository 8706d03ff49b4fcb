"""Groups of asynchronous copies: which commit closes a copy's group, and which wait is the first to cover it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial, reduce

import islpy as isl

from tv.sets.algebra import Sets, ask
from tv.sets.spaces import Map, Set, tidy

_D = isl.dim_type
WHAT = "groups of copies"


class Waits:
    """Events of threads on tuple `name`: `threads` coordinates of the thread, then time.

    commits: where a group is closed. waits: where at most so many later groups are left pending.
    """

    def __init__(self, sets: Sets, name: str, threads: int, commits: Set | None, waits: Mapping[int, Set]) -> None:
        self.sets, self.commits, self.waits = sets, commits, dict(waits)
        self.levels = range(threads, sets.arity(name))


def completion(w: Waits) -> Map | None:
    """Each commit -> the first wait that covers its group; commits that none covers are not in the domain.

    A wait that leaves n groups pending covers a group where n commits of the same thread stand between the two: where it
    stands after the n-th commit that follows.
    """
    if w.commits is None or not w.waits:
        return None
    sets, commits = w.sets, w.commits
    steps = {0: commits.identity(), 1: ask(sets, lambda: _next(w, commits.identity(), commits), WHAT)}
    parts = [ask(sets, partial(_next, w, _steps(sets, steps, n), w.waits[n]), WHAT) for n in sorted(w.waits)]
    found: Map = parts[0] if len(parts) == 1 else ask(sets, lambda: _first(reduce(isl.Map.union, parts)), WHAT)
    return found


def first_after(w: Waits, issued: Map) -> Map | None:
    """Each copy -> the commit that closes its group; copies that none closes are not in the domain."""
    if w.commits is None:
        return None
    with w.sets._ask(WHAT):
        return _next(w, issued, w.commits)


def indifferent(sets: Sets, events: Set, threads: Set, places: Sequence[int]) -> bool:
    """Does an event of one of `threads` happen whatever the coordinates at `places` are, as long as they are those of a thread?"""
    with sets._ask(WHAT):
        anywhere = reduce(lambda s, k: s.eliminate(_D.set, k, 1), places, events)
        return bool(anywhere.intersect(threads).is_subset(events))


def _steps(sets: Sets, known: dict[int, Map], n: int) -> Map:
    """Each commit -> the n-th after it: of so many steps as two halves, each question with a budget of its own."""
    if n not in known:
        a, b = _steps(sets, known, n // 2), _steps(sets, known, n - n // 2)
        known[n] = ask(sets, lambda: tidy(a.apply_range(b)), WHAT)
    return known[n]


def _next(w: Waits, at: Map, events: Set) -> Map:
    """Each element of a domain, which happens `at` one time -> the first of the events of its thread that come later.

    Level by level: of times that come later than t those that agree with it longer are the earlier ones, so that an element
    with an event at one level has its first one there, and is asked about at no level above."""
    found: Map | None = None
    rest: Set = at.domain()
    for level in reversed(w.levels):
        later = _later(events.get_space(), level).intersect_range(events)
        part = _first(at.intersect_domain(rest).apply_range(later))
        if part.is_empty():
            continue
        found = part if found is None else found.union(part)
        rest = tidy(rest.subtract(part.domain()))
        if rest.is_empty():
            break
    whole: Map = tidy(found) if found is not None else at.apply_range(events.identity()).subtract_domain(at.domain())
    return whole


def _later(times: isl.Space, level: int) -> Map:
    """{ t -> u : t and u agree before `level`, and u is greater there }."""
    m = isl.Map.universe(times.map_from_set())
    for k in range(level):
        m = m.equate(_D.in_, k, _D.out, k)
    return m.order_lt(_D.in_, level, _D.out, level)


def _first(m: Map) -> Map:
    """The least image of every element. Exact; isl raises where there is none, which an order from below excludes."""
    return m if m.is_empty() else tidy(m.lexmin())
