"""Groups of asynchronous copies: which commit closes a copy's group, and which wait is the first to cover it."""

from __future__ import annotations

from collections.abc import Mapping

from tv.sets.algebra import Sets
from tv.sets.ordering import lex_less
from tv.sets.spaces import Map, Set, tidy


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
    if w.commits is None:
        return None
    with w.sets._ask("groups of copies"):
        follows = _first(w.later.intersect_domain(w.commits).intersect_range(w.commits))
        found: Map | None = None
        reached: Map = w.commits.identity()
        for n in range(max(w.waits, default=-1) + 1):
            if n in w.waits:
                covered = _first(reached.apply_range(w.later.intersect_range(w.waits[n])))
                found = covered if found is None else found.union(covered)
            reached = tidy(reached.apply_range(follows))
        return None if found is None else _first(found)


def first_after(w: Waits, issued: Map) -> Map | None:
    """Each copy -> the commit that closes its group; copies that none closes are not in the domain."""
    if w.commits is None:
        return None
    with w.sets._ask("groups of copies"):
        return _first(issued.apply_range(w.later.intersect_range(w.commits)))


def _first(m: Map) -> Map:
    """The least image of every element. Exact; isl raises where there is none, which an order from below excludes."""
    return m if m.is_empty() else tidy(m.lexmin())
