"""A stored tensor as few pieces: boxes, bands and triangles of its index on each of which it is a constant or, of integers, affine.

Pieces are proposed from a few rows and then compared with every element: what is returned has exactly the stored contents. The
effort is a few passes over the data, and ends early where there is no such form, as in a matrix of weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.graph_frontend.static import LIMIT, Pieces, constant_pieces, merge, own
from tv.sets import TRUE, Affine, Formula
from tv.sets.affine import Dim, Range, Sym
from tv.sets.formulas import all_of, ge, lt

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
MOST = 1 << 28  # elements that are looked at
CHUNK = 1 << 20  # elements compared at once
FAR = 1 << 40  # larger integers lie in no piece with a slope, so that 64 bits are enough


def decomposed(a: Array, sloped: bool, limit: int = LIMIT) -> Pieces | None:
    """The contents of an array of integers of at most 64 bits, signed ones of 64, over its index; None where `limit` pieces are
    not enough, or there are too many elements.

    sloped: a piece may be affine in the index.
    """
    if a.size == 0:
        return constant_pieces(0)
    if a.size > MOST or (sloped and (int(a.min()) < -FAR or int(a.max()) > FAR)):
        return None
    core, axes = _varying(a, list(range(a.ndim)))
    found = _pieces(core, axes, sloped, limit)
    if found is None or len(found) > limit or any(_far(v, a) for _, v in found):
        return None
    return merge(found) if _agrees(found, a) else None


def _far(v: Affine, a: Array) -> bool:
    """May a value leave what 64 bits compute exactly?"""

    def ranges(d: Dim | Sym) -> Range:
        return 0, a.shape[int(d.name[1:])] - 1

    low, high = v.interval(ranges)
    return v.constant is None and (low is None or high is None or low < -(1 << 62) or high > 1 << 62)


def _varying(a: Array, axes: Sequence[int]) -> tuple[Array, list[int]]:
    """The array without the axes across which it is the same, at index 0 of each; the names of the others."""
    kept: list[int] = []
    for name in axes:
        across = np.moveaxis(a, len(kept), 0)
        if _same(across):
            a = across[0]
        else:
            kept.append(name)
    return a, kept


def _same(a: Array) -> bool:
    """Are all slices across the first axis the same?"""
    if len(a) == 1:
        return True
    if not np.array_equal(a[0], a[1]):
        return False
    step = max(1, CHUNK // max(1, a[0].size))
    return all(bool((a[k : k + step] == a[0]).all()) for k in range(2, len(a), step))


def _pieces(a: Array, axes: Sequence[int], sloped: bool, limit: int) -> list[tuple[Formula, Affine]] | None:
    """Disjoint conditions, not yet compared with the elements, of an array that varies along all of its axes."""
    match len(axes):
        case 0:
            return [(TRUE, Affine.of(int(a)))]
        case 1:
            return _of_rows(a.reshape(1, -1), (None, axes[0]), sloped, limit)
        case 2:
            return _of_rows(a, (axes[0], axes[1]), sloped, limit)
        case _:
            return _of_slices(a, axes, sloped, limit)


def _of_slices(a: Array, axes: Sequence[int], sloped: bool, limit: int) -> list[tuple[Formula, Affine]] | None:
    """Of three axes and more: runs of equal slices across the first."""
    starts = [0]
    for k in range(1, len(a)):
        if not np.array_equal(a[k], a[starts[-1]]):
            starts.append(k)
            if len(starts) > limit:
                return None
    out: list[tuple[Formula, Affine]] = []
    for start, stop in pairwise([*starts, len(a)]):
        rest = _pieces(*_varying(a[start], axes[1:]), sloped, limit - len(out))
        if rest is None or len(out) + len(rest) > limit:
            return None
        here = _between(own(axes[0]), start, stop, len(a))
        out += [(all_of(here, c), v) for c, v in rest]
    return out


def _between(i: Affine, start: int, stop: int, extent: int) -> Formula:
    return all_of(TRUE if start == 0 else ge(i, start), TRUE if stop == extent else lt(i, stop))


# ------------------------------------------------------------------------------------------------ rows and their runs
@dataclass(frozen=True, slots=True)
class Run:
    """Elements of a row from column `start` on: element j is slope * j + value."""

    start: int
    slope: int
    value: int


@dataclass(frozen=True, slots=True)
class Band:
    """Rows first .. last - 1 alike: run k of row i starts at column start + moves[k] * (i - base), its value grows by climbs[k] a row."""

    base: int
    runs: tuple[Run, ...]
    moves: tuple[int, ...]
    climbs: tuple[int, ...]
    first: int
    last: int

    def starts(self, k: int, rows: Ints) -> Ints:
        return self.runs[k].start + self.moves[k] * (rows - self.base)

    def fits(self, a: Array, rows: Ints) -> npt.NDArray[np.bool_]:
        """Which of these rows have this form, every element in exactly one run."""
        columns = np.arange(a.shape[1])
        met, good = np.zeros((len(rows), len(columns)), np.uint8), np.ones(len(rows), np.bool_)
        actual = a[rows[0] : rows[-1] + 1]
        for k, r in enumerate(self.runs):
            here = np.ones(met.shape, np.bool_)
            if k:
                here &= columns >= self.starts(k, rows)[:, None]
            if k + 1 < len(self.runs):
                here &= columns < self.starts(k + 1, rows)[:, None]
            met += here
            if r.slope or self.climbs[k]:
                value: Any = r.slope * columns + (r.value + self.climbs[k] * (rows - self.base))[:, None]
            else:
                value = r.value
            good &= (~here | (actual == value)).all(axis=1)
        whole: npt.NDArray[np.bool_] = good & (met == 1).all(axis=1)
        return whole

    def reach(self, a: Array, first: int, last: int) -> int:
        """The first of these rows that has another form; `last` where all have this one."""
        step = 1
        while first < last:
            good = self.fits(a, np.arange(first, min(first + step, last)))
            if not good.all():
                return first + int(np.argmin(good))
            first += len(good)
            step = min(2 * step, max(1, CHUNK // a.shape[1]))
        return last

    def pieces(self, axes: tuple[int | None, int], extents: tuple[int, int]) -> Iterator[tuple[Formula, Affine]]:
        row = Affine.of(0) if axes[0] is None else own(axes[0])
        column = own(axes[1])
        here = TRUE if axes[0] is None else _between(row, self.first, self.last, extents[0])
        edges = [(row - self.base) * m + r.start for r, m in zip(self.runs, self.moves, strict=True)]
        for k, r in enumerate(self.runs):
            low = TRUE if k == 0 else ge(column, edges[k])
            high = TRUE if k + 1 == len(self.runs) else lt(column, edges[k + 1])
            value = column * r.slope + (row - self.base) * self.climbs[k] + r.value
            yield all_of(here, low, high), value


def _of_rows(a: Array, axes: tuple[int | None, int], sloped: bool, limit: int) -> list[tuple[Formula, Affine]] | None:
    bands: list[Band] = []
    row = 0
    while row < len(a):
        runs = _runs(a[row], sloped, limit)
        if runs is None or sum(len(b.runs) for b in bands) + len(runs) > 4 * limit:  # some bands will become one
            return None
        band = _band(a, row, runs, _runs(a[row + 1], sloped, limit) if row + 1 < len(a) else None, sloped)
        # rows before may have this form as well, where its first runs end before column 0
        while bands and band.reach(a, bands[-1].first, bands[-1].last) == bands[-1].last:
            band = replace(band, first=bands.pop().first)
        bands.append(band)
        row = band.last
    return [p for b in bands for p in b.pieces(axes, (len(a), a.shape[1]))]


def _runs(row: Array, sloped: bool, limit: int) -> list[Run] | None:
    """A row's runs from the left; None where there are more than `limit`."""
    values = row.astype(np.int64)
    steps = np.diff(values)
    if not sloped:
        starts = [0, *(np.flatnonzero(steps)[: limit + 1] + 1)]
        return None if len(starts) > limit else [Run(int(k), 0, int(values[k])) for k in starts]
    # where the step from one element to the next is another than the one before
    changes = [*(int(k) for k in np.flatnonzero(np.diff(steps))[: 2 * limit + 2] + 1), len(steps)]
    out: list[Run] = []
    at = 0
    while at < len(row):
        if len(out) == limit:
            return None
        slope = int(steps[at]) if at < len(steps) else 0
        out.append(Run(at, slope, int(values[at]) - slope * at))
        at = 1 + next((k for k in changes if k > at), at)
    return out


def _band(a: Array, row: int, runs: list[Run], after: list[Run] | None, sloped: bool) -> Band:
    """The longest run of rows from `row` on whose form is that of this row and the next."""
    still = (0,) * len(runs)
    alone = Band(row, tuple(runs), still, still, row, row + 1)
    if after is None or [r.slope for r in after] != [r.slope for r in runs]:
        return alone
    moves = tuple(y.start - x.start for x, y in zip(runs, after, strict=True))
    climbs = tuple(y.value - x.value for x, y in zip(runs, after, strict=True))
    if any(climbs) and not sloped:
        return alone
    band = replace(alone, moves=moves, climbs=climbs)
    return replace(band, last=band.reach(a, row + 1, len(a)))


# ------------------------------------------------------------------------------------------------ every element
def _agrees(pieces: Sequence[tuple[Formula, Affine]], a: Array) -> bool:
    """Does every element lie in exactly one piece, and is it that piece's value?"""
    if not a.ndim:
        return len(pieces) == 1 and pieces[0][0].op == "true" and pieces[0][1].constant == int(a)
    rows = max(1, CHUNK // max(1, a.size // len(a)))
    for start in range(0, len(a), rows):
        part = a[start : start + rows]
        index = [i.astype(np.int64) for i in np.ogrid[tuple(slice(0, n) for n in part.shape)]]
        index[0] = index[0] + start
        met = np.zeros(part.shape, np.uint16)
        for c, v in pieces:
            here = _holds(c, index)
            met += here
            if bool((here & (part != _value(v, index))).any()):
                return False
        if bool((met != 1).any()):
            return False
    return True


def _value(a: Affine, index: Sequence[Ints]) -> Any:
    """An expression over a tensor's own dimensions; an array that broadcasts to the tensor's, or a number."""
    out: Any = a.const
    for atom, c in a.terms:
        if not isinstance(atom, Dim):
            raise TypeError(f"`{atom}` in a stored tensor")
        out = out + c * index[int(atom.name[1:])]
    return out


def _holds(f: Formula, index: Sequence[Ints]) -> Any:
    both: dict[str, Callable[[Any, Any], Any]] = {"and": np.logical_and, "or": np.logical_or}
    match f.op:
        case "true":
            return np.True_
        case "ge" if f.affine is not None:
            return _value(f.affine, index) >= 0
        case "eq" if f.affine is not None:
            return _value(f.affine, index) == 0
        case "and" | "or":
            out = _holds(f.args[0], index)
            for g in f.args[1:]:
                out = both[f.op](out, _holds(g, index))
            return out
        case _:
            raise TypeError(f"formula `{f.op}` of a stored tensor")
