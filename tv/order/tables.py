"""Values of statements' instances, each kept once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tv.diagnostic import Unknown
from tv.replay.graph_values import Bits, Ints, Truths

MOST_KEYS = 1 << 62


class Table:
    """The instances met so far, as numbers of the box around them, with their values: ascending in each of a few runs, of which an
    earlier one is at least twice as long as the next."""

    def __init__(self) -> None:
        self._runs: list[tuple[Ints, Bits]] = []
        self._box: list[
            tuple[int, int]
        ] = []  # least and greatest of each coordinate; nothing before the first instance

    def missing(self, columns: Sequence[Ints], n: int) -> Ints:
        """Of n instances, by coordinate, places of those without a value: each of these instances once."""
        if not n:
            return np.zeros(0, np.int64)
        keys, first = np.unique(self._numbers(columns, n), return_index=True)
        new: Ints = first[~self._found(keys)[1]]
        return new

    def add(self, columns: Sequence[Ints], values: Bits) -> None:
        """Values of distinct instances; what has one keeps it."""
        keys = self._numbers(columns, len(values))
        fresh = ~self._found(keys)[1]
        if not fresh.any():
            return
        run = _sorted(keys[fresh], values[fresh])
        while self._runs and len(self._runs[-1][0]) < 2 * len(run[0]):
            before = self._runs.pop()
            run = _sorted(np.concatenate([before[0], run[0]]), np.concatenate([before[1], run[1]]))
        self._runs.append(run)

    def values_at(self, columns: Sequence[Ints], n: int) -> Bits:
        """Of n instances that all have one."""
        return self._found(self._numbers(columns, n))[0]

    def _found(self, keys: Ints) -> tuple[Bits, Truths]:
        """The values of instances, and which have one."""
        out, known = np.zeros(len(keys), np.uint64), np.zeros(len(keys), np.bool_)
        for here, values in self._runs:
            if len(here) and not known.all():
                at = np.minimum(np.searchsorted(here, keys), len(here) - 1)
                mine = here[at] == keys
                out[mine] = values[at[mine]]
                known |= mine
        return out, known

    def _numbers(self, columns: Sequence[Ints], n: int) -> Ints:
        """The instances as numbers, after the box has grown around them."""
        if not n:
            return np.zeros(0, np.int64)
        old, box = self._box, [(int(c.min()), int(c.max())) for c in columns]
        if old:
            box = [(min(a, c), max(b, d)) for (a, b), (c, d) in zip(old, box, strict=True)]
        if box != old:  # the order of the instances in it stays as it is
            self._runs = [(numbered(box, coordinates(old, keys), len(keys)), values) for keys, values in self._runs]
            self._box = box
        return numbered(box, columns, n)


def _sorted(keys: Ints, values: Bits) -> tuple[Ints, Bits]:
    order = np.argsort(keys, kind="stable")
    return keys[order], values[order]


def numbered(box: Sequence[tuple[int, int]], columns: Sequence[Ints], n: int) -> Ints:
    """The places of points in a box, row-major. Raises Unknown (TV0656) for a box of too many."""
    out, size = np.zeros(n, np.int64), 1
    for (low, high), c in zip(box, columns, strict=True):
        size *= high - low + 1
        if size > MOST_KEYS:
            raise Unknown("TV0656", "an order with instances too far apart")
        out = out * (high - low + 1) + (c - low)
    return out


def coordinates(box: Sequence[tuple[int, int]], keys: Ints) -> list[Ints]:
    """The points at such places."""
    out: list[Ints] = []
    for low, high in reversed(box):
        keys, inner = np.divmod(keys, high - low + 1)
        out.append(inner + low)
    return out[::-1]
