"""Masks: which threads of a group execute a statement."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tv.replay.carriers import Array

Lanes = NDArray[np.bool_]


class Mask:
    """A non-empty set of a group's threads. `lanes` is None where it is all of them.

    A mask is a subset of its `parent`, so what was once known for a parent needs no second look (`within`).
    """

    def __init__(self, width: int, lanes: Lanes | None = None, parent: Mask | None = None) -> None:
        self.width, self.lanes, self.parent = width, lanes, parent

    @cached_property
    def indices(self) -> NDArray[np.int64]:
        """Positions of the active threads, ascending."""
        if self.lanes is None:
            return np.arange(self.width, dtype=np.int64)
        return np.flatnonzero(self.lanes)

    @cached_property
    def count(self) -> int:
        return self.width if self.lanes is None else int(np.count_nonzero(self.lanes))

    @property
    def flags(self) -> Lanes:
        """One flag a thread."""
        return np.ones(self.width, dtype=np.bool_) if self.lanes is None else self.lanes

    def split(self, condition: Array) -> tuple[Mask | None, Mask | None]:
        """The threads where a condition (shape (1,) or (width,)) holds, and the others; None where there are none."""
        if condition.size == 1 and self.width != 1:
            return (self, None) if condition[0] else (None, self)
        chosen = condition if self.lanes is None else condition & self.lanes
        n = int(np.count_nonzero(chosen))
        if n == self.count:
            return self, None
        if n == 0:
            return None, self
        others = ~condition if self.lanes is None else self.lanes & ~condition
        return Mask(self.width, chosen, self), Mask(self.width, others, self)

    def holds(self, condition: Array) -> Lanes | None:
        """The active threads where a condition holds, None if there are none."""
        chosen = self.flags & condition
        return chosen if np.count_nonzero(chosen) else None

    def without(self, gone: Lanes) -> Mask | None:
        left = self.flags & ~gone
        return Mask(self.width, left, self) if np.count_nonzero(left) else None

    def within(self, other: Mask) -> bool:
        """Whether this mask was made by narrowing `other`; False says nothing."""
        at: Mask | None = self
        while at is not None:
            if at is other:
                return True
            at = at.parent
        return False


def union(a: Mask | None, b: Mask | None, parent: Mask) -> Mask | None:
    """The threads of either, inside `parent`."""
    if a is None or b is None:
        return b if a is None else a
    if a.lanes is None or b.lanes is None:
        return parent
    lanes = a.lanes | b.lanes
    if int(np.count_nonzero(lanes)) == parent.count:
        return parent
    return Mask(parent.width, lanes, parent)
