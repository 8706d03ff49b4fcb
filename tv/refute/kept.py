"""Which elements of the inputs keep what a pattern gives them; all others are zero, or as near to it as is stated of them.

Elements are intervals of row-major positions, so that half of a huge weight is named as shortly as one element of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
Interval = tuple[int, int]  # from, and up to without the end


@dataclass(frozen=True, slots=True)
class Kept:
    """parts: for each tensor its intervals, ascending and apart; a tensor that is not named is zero as a whole."""

    parts: tuple[tuple[str, tuple[Interval, ...]], ...] = ()

    @staticmethod
    def of(parts: Mapping[str, Sequence[Interval]]) -> Kept:
        return Kept(tuple((n, tuple(own)) for n, own in sorted(parts.items()) if own))

    def intervals(self, name: str) -> tuple[Interval, ...]:
        return next((own for n, own in self.parts if n == name), ())

    def where(self, name: str, linear: Ints) -> Truths:
        """Which of a tensor's elements, row-major, are kept."""
        starts, ends = _bounds(self.intervals(name))
        at = np.searchsorted(starts, linear, side="right") - 1
        return np.asarray((at >= 0) & (linear < ends[at]))


@lru_cache(maxsize=64)
def _bounds(intervals: tuple[Interval, ...]) -> tuple[Ints, Ints]:
    """Where intervals start and end; where there are none, one that holds nothing."""
    both = np.array(intervals or ((0, 0),), np.int64)
    return both[:, 0], both[:, 1]


def listed(linear: Ints) -> tuple[Interval, ...]:
    """The intervals of positions that are ascending and distinct."""
    if not len(linear):
        return ()
    breaks = np.flatnonzero(np.diff(linear) != 1)
    starts = linear[np.concatenate([[0], breaks + 1])]
    ends = linear[np.concatenate([breaks, [len(linear) - 1]])] + 1
    return tuple((int(a), int(b)) for a, b in zip(starts, ends, strict=True))


def halves(intervals: Sequence[Interval]) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
    """Intervals with more than one element, cut where half of their elements lie before."""
    total = sum(b - a for a, b in intervals)
    left, first, second = total // 2, [], []
    for a, b in intervals:
        middle = min(b, a + left)
        left -= middle - a
        first += [(a, middle)] if middle > a else []
        second += [(middle, b)] if b > middle else []
    return tuple(first), tuple(second)


def without(intervals: Sequence[Interval], taken: Sequence[Interval]) -> tuple[Interval, ...]:
    """What is left of intervals when others, ascending and each inside one of them, are taken out."""
    out: list[Interval] = []
    rest = iter([*taken, None])
    hole = next(rest)
    for a, b in intervals:
        while hole is not None and hole[1] <= b:
            out += [(a, hole[0])] if hole[0] > a else []
            a, hole = hole[1], next(rest)
        out += [(a, b)] if b > a else []
    return tuple(out)
