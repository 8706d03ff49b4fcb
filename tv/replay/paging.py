"""Sparse arrays by pages: huge index spaces of which a run touches little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tv.replay.distinct import distinct

Index = NDArray[np.int64]

PAGE = 4096  # entries of a page
_SHIFT = 12


class PageTable:
    """Maps indices below `length` to slots of a growing pool of pages; a page exists once it was asked for."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._table = np.zeros((length >> _SHIFT) + 1, dtype=np.int32)  # page -> 1 + its place in the pool
        self.pages = 0

    def lookup(self, index: Index) -> Index:
        """Slots of indices; -1 where the page does not exist."""
        place = self._table[index >> _SHIFT].astype(np.int64)
        return np.where(place > 0, ((place - 1) << _SHIFT) + (index & (PAGE - 1)), -1)

    def missing(self, index: Index) -> Index:
        """The pages that `index` touches and that do not exist, ascending."""
        pages = index >> _SHIFT
        new = pages[self._table[pages] == 0]
        if len(self._table) > 16 * new.size:
            return distinct(new)
        marked = np.zeros(len(self._table), dtype=np.bool_)
        marked[new] = True
        return np.flatnonzero(marked)

    def add(self, pages: Index) -> None:
        """Gives missing pages the next places of the pool, in order."""
        self._table[pages] = np.arange(self.pages + 1, self.pages + 1 + len(pages), dtype=np.int32)
        self.pages += len(pages)

    def copy(self) -> PageTable:
        other = PageTable(self.length)
        other._table, other.pages = self._table.copy(), self.pages
        return other

    @property
    def capacity(self) -> int:
        """Slots in use."""
        return self.pages << _SHIFT
