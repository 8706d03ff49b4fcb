"""The last write before a read, guessed from linear shadows and then proved: relations of one piece where isl's own dataflow,
which maximises over digits one by one, answers with dozens.

Of the writes before a read those that agree with its time longest are the latest. Level by level, a writer's latest instance is
where its time reaches the maximum of the rational shadow of all its times, up to the coordinate that tells its instances apart.
That is a guess from above: where exactly one instance has that time, it is the latest. Everything used here (that it has one, for which reads, which of two writers is later) is
asked of isl, and where an answer is no the guess is given up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import islpy as isl

from tv.sets.algebra import Sets
from tv.sets.spaces import Map, Set, tidy

_D = isl.dim_type


@dataclass(frozen=True, slots=True)
class Last:
    """Of one writer at one level: reader -> its latest instance, for which readers exactly, and at which time."""

    writer: int
    source: Map
    domain: Set
    time: Map


Found: TypeAlias = list[tuple[Map, Set] | None]


class _NoGuess(Exception):
    """The guess does not hold, or was not simple enough to be worth it."""


def guess(
    sets: Sets, read: tuple[Map, Map], writes: list[tuple[Map, Map]], once: Callable[[int], bool]
) -> tuple[Found, Set] | None:
    """(cells, time) of a read and of the writes -> for each write (reader instance -> last writer, its domain), None where it is
    never the last; and the readers that no write precedes. once: does the
    i-th write store to no cell twice? None where the guess fails or costs too much."""
    with sets._ask("last write"):
        try:
            return _search(read, writes, once)
        except (_NoGuess, isl.Error):
            return None


def _search(read: tuple[Map, Map], writes: list[tuple[Map, Map]], once: Callable[[int], bool]) -> tuple[Found, Set]:
    cells, time = read
    same = [tidy(cells.apply_range(w.reverse())) for w, _ in writes]
    found: Found = [None] * len(writes)
    rest: Set = cells.domain()
    for level in reversed(range(time.dim(_D.out))):
        earlier = _earlier(time.get_space().range(), level)
        before = {
            i: p
            for i, (_, t) in enumerate(writes)
            if not (p := same[i].intersect(time.apply_range(earlier).apply_range(t.reverse()))).is_empty()
        }
        lasts = [_last(i, p, writes[i][1], rest, once) for i, p in before.items()]
        for k in _latest_first([x for x in lasts if x is not None]):
            where = tidy(k.domain.intersect(rest))
            if not where.is_empty():
                part = k.source.intersect_domain(where)
                old = found[k.writer]
                found[k.writer] = (
                    (part, where) if old is None else (tidy(old[0].union(part)), tidy(old[1].union(where)))
                )
                rest = tidy(rest.subtract(where))
        if rest.is_empty():
            break
    return found, rest


def _earlier(times: isl.Space, level: int) -> Map:
    """{ t -> u : t and u agree before `level`, and u is smaller there }."""
    n = times.dim(_D.set)
    m = isl.Map.universe(times.map_from_set())
    for k in range(level):
        m = m.equate(_D.in_, k, _D.out, k)
    return m.order_gt(_D.in_, level, _D.out, level) if level < n else m


def _last(writer: int, before: Map, time: Map, rest: Set, once: Callable[[int], bool]) -> Last | None:
    before = tidy(before.intersect_domain(rest))
    if before.is_empty():
        return None
    if once(writer) or before.is_single_valued():  # a read is of one cell
        return Last(writer, before, tidy(before.domain()), tidy(before.apply_range(time)))
    if before.n_basic_map() > 4:
        raise _NoGuess
    times = tidy(before.apply_range(time))
    shadow = _shadow(before, time)
    whole = time.dim(_D.out)
    for n in range(1, whole + 1):  # coordinates that are constant tell nothing apart
        if n == whole or times.plain_get_val_if_fixed(_D.out, n - 1).is_nan():
            found = _latest(before, _first(shadow, n), _first(time, n))
            if found is not None:
                break
    else:
        raise _NoGuess
    domain = tidy(_domain(found).intersect(rest))
    if not before.domain().is_subset(domain) or not domain.is_subset(found.domain()):
        raise _NoGuess
    return Last(writer, found, domain, tidy(found.apply_range(time)))


def _latest(before: Map, shadow: Map, time: Map) -> Map | None:
    """reader -> its instance of the latest time, as far as these coordinates of time tell; None where they tell instances not
    apart. _NoGuess where the maximum of the shadow is not taken."""
    top = tidy(shadow.lexmax())
    if top.n_basic_map() > 4:
        raise _NoGuess
    found = tidy(before.intersect(top.apply_range(time.reverse())))
    if found.is_empty():
        raise _NoGuess
    if not found.is_single_valued():
        return None
    later = isl.Map.lex_gt(top.get_space().range()).reverse()
    if not before.intersect(top.apply_range(later).apply_range(time.reverse())).is_empty():
        raise _NoGuess  # the shadow was not from above
    return found


def _first(times: Map, n: int) -> Map:
    """Of every time its first n coordinates."""
    whole = times.dim(_D.out)
    return tidy(times.project_out(_D.out, n, whole - n).set_tuple_name(_D.out, f"first_{n}")) if n < whole else times


def _shadow(before: Map, time: Map) -> Map:
    """reader -> times of its earlier writes, their instances eliminated over the rationals: a superset."""
    n = before.dim(_D.out)
    with_time = before.apply_range(time.domain().identity().range_product(time))
    flat = with_time.flatten_range().eliminate(_D.out, 0, n).project_out(_D.out, 0, n)
    return tidy(flat.set_tuple_name(_D.out, time.get_tuple_name(_D.out)))


def _domain(source: Map) -> Set:
    """The readers in the rational shadow of `source`: a superset of its domain."""
    return tidy(source.eliminate(_D.out, 0, source.dim(_D.out)).domain())


def _latest_first(lasts: list[Last]) -> list[Last]:
    """Writers of one level in an order that is right for every read that has several."""
    out: list[Last] = []
    for x in lasts:
        at = max((i + 1 for i, y in enumerate(out) if _later(y, x)), default=0)
        if any(_later(x, y) for y in out[:at]):
            raise _NoGuess
        out.insert(at, x)
    return out


def _later(a: Last, b: Last) -> bool:
    """For every read of both, a is later; for no read of both is an answer too. NoGuess where it depends on the read."""
    both = a.domain.intersect(b.domain)
    if both.is_empty():
        return False
    pairs = a.time.intersect_domain(both).reverse().apply_range(b.time)
    space = pairs.get_space().range()
    if pairs.intersect(isl.Map.lex_le(space)).is_empty():
        return True
    if pairs.intersect(isl.Map.lex_ge(space)).is_empty():
        return False
    raise _NoGuess
