"""Points of an index space as columns, one a dimension, that need not be written out where they are a product.

The rounds of a loop at many instances are all pairs of a round and an instance: what hangs on one of the two alone is computed
once for it. Bounds of the columns decide most conditions without looking at a single point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
Shape = tuple[int, ...]


class Column:
    """One coordinate of points; its array broadcasts to their shape."""

    def __init__(self, values: Ints) -> None:
        self.values = values
        self._bounds: tuple[int, int] | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value. Not of no values."""
        if self._bounds is None:
            self._bounds = int(self.values.min()), int(self.values.max())
        return self._bounds

    def laid(self, shape: Shape) -> Column:
        """The same values in another shape of as many, one alone where all are equal."""
        low, high = self.bounds
        values = np.full((1,) * len(shape), low, np.int64) if low == high else self.values.reshape(shape)
        out = Column(values)
        out._bounds = low, high
        return out


@dataclass(frozen=True, slots=True)
class Points:
    """Points in the order of `shape`, row-major. columns: arrays with as many axes as it has."""

    columns: tuple[Column, ...]
    shape: Shape

    @classmethod
    def of(cls, rows: npt.ArrayLike) -> Points:
        """Of an array [n, dimensions]."""
        a = np.asarray(rows, np.int64)
        return cls(tuple(Column(np.ascontiguousarray(a[:, d])) for d in range(a.shape[1])), (len(a),))

    @classmethod
    def along(cls, columns: Sequence[Ints], n: int) -> Points:
        """Of arrays [n], one a dimension."""
        return cls(tuple(map(Column, columns)), (n,))

    @property
    def count(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def flat(self, d: int) -> Ints:
        """Coordinate d of every point, [count]."""
        values = self.columns[d].values
        return (
            values if values.shape == self.shape == (self.count,) else np.broadcast_to(values, self.shape).reshape(-1)
        )

    def rows(self) -> Ints:
        """All points, [count, dimensions]."""
        if not self.columns:
            return np.zeros((self.count, 0), np.int64)
        return np.stack([self.flat(d) for d in range(len(self.columns))], axis=1)

    def take(self, index: Ints) -> Points:
        """The points at some places of the order."""
        return Points(tuple(Column(self.flat(d)[index]) for d in range(len(self.columns))), (len(index),))

    def only(self, mask: Truths) -> Points:
        """The points where a mask (it broadcasts to the shape) holds, in order; a product where one axis alone decides."""
        axes = [k for k, n in enumerate(mask.shape) if n > 1]
        if not axes and mask.all():
            return self
        if len(axes) != 1:
            whole = np.broadcast_to(mask, self.shape)
            columns = tuple(Column(np.broadcast_to(c.values, self.shape)[whole]) for c in self.columns)
            return Points(columns, (int(np.count_nonzero(whole)),))
        axis, kept = axes[0], np.flatnonzero(mask)
        shape = tuple(len(kept) if k == axis else n for k, n in enumerate(self.shape))
        columns = tuple(
            c if c.values.shape[axis] == 1 else Column(c.values.take(kept, axis=axis)) for c in self.columns
        )
        return Points(columns, shape)

    def times(self, inner: Sequence[Ints], count: int) -> Points:
        """Each of `count` further coordinates at each of these points, those of one further coordinate side by side."""
        n = self.count
        outer = [c if c.values.size in (1, n) else Column(self.flat(d)) for d, c in enumerate(self.columns)]
        columns = (*(c.laid((1, n)) for c in outer), *(Column(i).laid((count, 1)) for i in inner))
        return Points(columns, (count, n))


def put(out: npt.NDArray[np.uint64] | Ints, shape: Shape, mask: Truths, values: npt.NDArray[np.uint64] | Ints) -> None:
    """Writes the values of `Points.only(mask)` to their places in `out` [count]."""
    grid = out.reshape(shape)
    axes = [k for k, n in enumerate(mask.shape) if n > 1]
    if not axes and mask.all():
        grid[...] = values.reshape(shape)
    elif len(axes) == 1 and len(shape) > 1:
        kept = np.flatnonzero(mask)
        index = tuple(kept if k == axes[0] else slice(None) for k in range(len(shape)))
        grid[index] = values.reshape([len(kept) if k == axes[0] else n for k, n in enumerate(shape)])
    else:
        grid[np.broadcast_to(mask, shape)] = values


def embedded(left: Truths, mask: Truths, shape: Shape) -> Truths:
    """Where, of all points, those are of which `mask` holds among `Points.only(left)`; it broadcasts to `shape`."""
    if left.all():
        return mask & left
    axes = [k for k, n in enumerate(left.shape) if n > 1]
    if len(axes) == 1 and mask.ndim == left.ndim:
        out = np.zeros([left.shape[k] if k == axes[0] else n for k, n in enumerate(mask.shape)], np.bool_)
        out[tuple(np.flatnonzero(left) if k == axes[0] else slice(None) for k in range(left.ndim))] = mask
        return out
    out = np.zeros(shape, np.bool_)
    out[np.broadcast_to(left, shape)] = mask
    return out
