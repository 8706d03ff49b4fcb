"""Order between accesses of different threads: a barrier instance strictly between them, or none (S4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl

from tv.sets.algebra import Map, Set, Sets, tidy

_D = isl.dim_type


@dataclass(frozen=True, slots=True)
class Placed:
    """An access as ordering sees it: instances -> cells, -> `When` (block coordinates, then time), -> `Thread`."""

    unit: str
    cells: Map
    when: Map
    thread: Map


def lex_less(sets: Sets, name: str, prefix: int, *, tied: bool) -> Map:
    """{ a -> b } on tuple `name`: lexicographically a < b after the first `prefix` coordinates, which are equal (tied) or free."""
    n = sets.arity(name)
    xs, ys = [f"x{i}" for i in range(n)], [f"y{i}" for i in range(n)]
    same = [f"{xs[i]} = {ys[i]}" for i in range(prefix if tied else 0)]
    less = []
    for i in range(prefix, n):
        less.append(" and ".join([f"{xs[j]} = {ys[j]}" for j in range(prefix, i)] + [f"{xs[i]} < {ys[i]}"]))
    cond = " and ".join([*same, "(" + (" or ".join(f"({c})" for c in less) or "1 = 0") + ")"])
    with sets._ask("lex_less"):
        m = isl.Map(f"{sets._prefix}{{ {name}[{', '.join(xs)}] -> {name}[{', '.join(ys)}] : {cond} }}")
        return m.intersect_params(sets.context)


def unordered(sets: Sets, name: str, less: Map, barriers: Set | None) -> Map | None:
    """Pairs on tuple `name` without a barrier instance strictly between, either way round; None: no barrier, no pair is ordered."""
    if barriers is None or sets.empty(barriers):
        return None
    with sets._ask("unordered"):
        between = tidy(less.intersect_range(barriers).apply_range(less))
        whole = isl.Map.universe(less.get_space()).intersect_params(sets.context)
        return tidy(whole.subtract(between).subtract(between.reverse()))


def head(sets: Sets, m: Map, keep: int, name: str) -> Map:
    """A map's image cut to its first `keep` coordinates, renamed."""
    with sets._ask("head"):
        sets.declare(name, keep)
        return tidy(m.project_out(_D.out, keep, m.dim(_D.out) - keep).set_tuple_name(_D.out, name))


def head_set(sets: Sets, s: Set, keep: int, name: str) -> Set:
    with sets._ask("head"):
        sets.declare(name, keep)
        return tidy(s.project_out(_D.set, keep, s.dim(_D.set) - keep).set_tuple_name(name))


def conflicts(sets: Sets, a: Placed, b: Placed, apart: Sequence[tuple[Map, Map | None]]) -> tuple[bool, Map | None]:
    """(some pair touches one cell at all, a set of unordered conflicting pairs or None).

    apart: per kind of thread pair, (relation on `Thread`, pairs of times that no barrier of a scope holding both separates).
    """
    with sets._ask("race"):
        touching = a.cells.apply_range(b.cells.reverse())
        if touching.is_empty():
            return False, None
        for threads, loose in apart:
            bad = touching.intersect(a.thread.apply_range(threads).apply_range(b.thread.reverse()))
            if bad.is_empty():
                continue
            if loose is not None:
                bad = bad.intersect(a.when.apply_range(loose).apply_range(b.when.reverse()))
            if not bad.is_empty():
                return True, tidy(bad)
        return True, None


def full_over(sets: Sets, s: Set, keep: Map, whole: Set) -> Set:
    """What is missing from s to be a full product: instances of `whole` whose `keep` image some instance of s shares."""
    with sets._ask("full_over"):
        restricted = keep.intersect_domain(s)
        again = keep.intersect_range(restricted.range()).domain().intersect(whole)
        return tidy(again.subtract(s))
