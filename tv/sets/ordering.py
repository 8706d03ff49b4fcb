"""Order between accesses of different threads: a barrier instance strictly between them, or none (S4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import islpy as isl

from tv.sets.algebra import Sets
from tv.sets.spaces import Map, Set, tidy

_D = isl.dim_type


@dataclass(frozen=True, slots=True)
class Placed:
    """An access as ordering sees it: instances -> cells, -> `When` (block coordinates, then time), -> `Thread`.

    done: of an asynchronous copy, which lasts from `when` on: instances -> `When` of its completion, none where it has none.
    """

    unit: str
    cells: Map
    when: Map
    thread: Map
    done: Map | None = None
    lasting: bool = False

    def end(self) -> Map | None:
        return self.done if self.lasting else self.when


@dataclass(frozen=True, slots=True)
class Apart:
    """A kind of thread pair: the relation on `Thread`; before: pairs of `When` of which the first is surely the earlier, a map for
    each barrier that makes them so."""

    threads: Map
    before: tuple[Map, ...]


def lex_less(sets: Sets, name: str, prefix: int, *, tied: bool) -> Map:
    """{ a -> b } on tuple `name`: lexicographically a < b after the first `prefix` coordinates, which are equal (tied) or free."""
    key = (name, prefix, tied)
    if key not in sets.orders:
        sets.orders[key] = _lex_less(sets, name, prefix, tied)
    return sets.orders[key]


def _lex_less(sets: Sets, name: str, prefix: int, tied: bool) -> Map:
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


def apart(sets: Sets, threads: Map, less: Map, barriers: Iterable[Set]) -> Apart:
    """Threads between which only a barrier instance strictly between orders two accesses. barriers: the instances of each."""
    with sets._ask("between"):
        each = (less.intersect_range(b).apply_range(less) for b in barriers)
        return Apart(threads, tuple(tidy(m) for m in each if not m.is_empty()))


def head(sets: Sets, m: Map, keep: int, name: str) -> Map:
    """A map's image cut to its first `keep` coordinates, renamed."""
    with sets._ask("head"):
        sets.declare(name, keep)
        return tidy(m.project_out(_D.out, keep, m.dim(_D.out) - keep).set_tuple_name(_D.out, name))


def head_set(sets: Sets, s: Set, keep: int, name: str) -> Set:
    with sets._ask("head"):
        sets.declare(name, keep)
        return tidy(s.project_out(_D.set, keep, s.dim(_D.set) - keep).set_tuple_name(name))


def conflicts(sets: Sets, a: Placed, b: Placed, apart: Sequence[Apart]) -> tuple[bool, Map | None]:
    """(some pair touches one cell at all, a set of unordered conflicting pairs or None)."""
    with sets._ask("race"):
        touching = a.cells.apply_range(b.cells.reverse())
        if touching.is_empty():
            return False, None
        for kind in apart:
            bad = touching.intersect(a.thread.apply_range(kind.threads).apply_range(b.thread.reverse()))
            if bad.is_empty():
                continue
            bad = (_during if a.lasting or b.lasting else _loose)(bad, a, b, kind.before)
            if not bad.is_empty():
                return True, tidy(bad)
        return True, None


def _loose(pairs: Map, a: Placed, b: Placed, before: Sequence[Map]) -> Map:
    """Pairs that no barrier orders, either way round: barrier by barrier, as one or two of them order most."""
    times = a.when.reverse().apply_range(pairs).apply_range(b.when)
    for m in before:
        for ordered in (m, m.reverse()):
            times = times.subtract(ordered)
            if times.is_empty():
                return times
        times = tidy(times)
    return pairs.intersect(a.when.apply_range(times).apply_range(b.when.reverse())) if before else pairs


def _during(pairs: Map, a: Placed, b: Placed, before: Sequence[Map]) -> Map:
    """Pairs of which neither has surely ended before the other begins; an access is not unordered with itself."""
    if a.unit == b.unit:
        pairs = pairs.subtract(pairs.domain().identity())
    for m in before:
        for first, second, turned in ((a, b, False), (b, a, True)):
            end = first.end()
            if pairs.is_empty() or end is None:
                continue
            ordered = end.apply_range(m).apply_range(second.when.reverse())
            pairs = tidy(pairs.subtract(ordered.reverse() if turned else ordered))
    return pairs


def full_over(sets: Sets, s: Set, keep: Map, whole: Set) -> Set:
    """What is missing from s to be a full product: instances of `whole` whose `keep` image some instance of s shares."""
    with sets._ask("full_over"):
        restricted = keep.intersect_domain(s)
        again = keep.intersect_range(restricted.range()).domain().intersect(whole)
        return tidy(again.subtract(s))


class Between:
    """{ a -> b : an instance of the barrier is strictly between } by `less`, barrier by barrier, when it is asked for."""

    def __init__(self, sets: Sets, less: Map, barriers: Sequence[Set]) -> None:
        self.sets, self.less, self.barriers = sets, less, barriers
        self.known: list[Map] = []

    def __iter__(self) -> Iterator[Map]:
        for i, at in enumerate(self.barriers):
            if i == len(self.known):
                with self.sets._ask("between"):
                    self.known.append(self.less.intersect_range(at).apply_range(self.less))
            yield self.known[i]


def outlasting(sets: Sets, a: Placed, b: Placed, threads: Map, between: Between) -> Map:
    """Pairs of a and, later, b by `threads` on one cell, with no barrier instance strictly between."""
    with sets._ask("between"):
        pairs = a.cells.apply_range(b.cells.reverse())
        pairs = pairs.intersect(a.thread.apply_range(threads).apply_range(b.thread.reverse()))
        times = a.when.reverse().apply_range(pairs).apply_range(b.when).intersect(between.less)
        for m in between:
            if times.is_empty():
                break
            times = tidy(times.subtract(m))
        return pairs.intersect(a.when.apply_range(times).apply_range(b.when.reverse()))
