"""`__restrict__`: memory that is written is reached through one restricted pointer only, or through none.

C leaves it undefined to access an object through a restricted pointer and through another one if it is modified at all.
This matters where one buffer is bound to several parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tv.replay.paging import PageTable

Cells = NDArray[np.int64]

_WRITTEN = 1  # lowest bit: some access wrote the cell; above it one bit a pointer


@dataclass(slots=True)
class Aliases:
    """Through which pointers each cell of one buffer was accessed, over the whole launch."""

    restricted: int  # bits of the pointers that are restricted
    table: PageTable
    seen: NDArray[np.uint64]

    @classmethod
    def of(cls, cells: int, restricted: list[bool]) -> Aliases:
        """One flag a pointer."""
        bits = sum(2 << i for i, r in enumerate(restricted) if r)
        return cls(bits, PageTable(cells), np.zeros(0, dtype=np.uint64))

    def access(self, pointer: int, cells: Cells, *, writes: bool) -> NDArray[np.bool_] | None:
        """Records an access through pointer number `pointer`; returns the cells that break the rule, None if there are none."""
        new = self.table.missing(cells)
        if len(new):
            self.table.add(new)
            self.seen = np.concatenate([self.seen, np.zeros(self.table.capacity - len(self.seen), dtype=np.uint64)])
        slots = self.table.lookup(cells)
        now = self.seen[slots] | np.uint64((2 << pointer) | (_WRITTEN if writes else 0))
        self.seen[slots] = now
        pointers = now & ~np.uint64(_WRITTEN)
        several = (pointers & (pointers - np.uint64(1))) != 0
        bad: NDArray[np.bool_] = several & (now & np.uint64(_WRITTEN) != 0) & (now & np.uint64(self.restricted) != 0)
        return bad if bad.any() else None
