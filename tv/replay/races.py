"""Race detection: for each cell of memory the last accesses, and whether a new one is ordered after them.

A cell keeps its last writer and up to three readers (the latest; another thread; another block), likewise for atomics.
What is reported is a race; of many unordered readers before one write only those kept are seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tv.replay.ordering import THREAD, Order, Ticks, Who
from tv.replay.paging import PageTable

Cells = NDArray[np.int64]

_DENSE = 1 << 22  # cells; larger objects get pages

# access -> what it conflicts with; each name is a family of fields
_CONFLICTS: dict[str, tuple[str, ...]] = {
    "read": ("write", "atomic_write"),
    "write": ("write", "read1", "read2", "read3", "atomic_write", "atomic_write2", "atomic_read", "atomic_read2"),
    "atomic_read": ("write",),
    "atomic_write": ("write", "read1", "read2", "read3"),
    "atomic_rewrite": ("write", "read1", "read2", "read3"),
}
_FAMILY = {
    "read": ("read1", "read2", "read3"),
    "atomic_read": ("atomic_read", "atomic_read2"),
    "atomic_write": ("atomic_write", "atomic_write2"),
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Accesses `which` (indices into the cells given) conflict with earlier stamps.

    why: unordered, overwrite (two writes), read-only (written in a launch that reads it through that path), copy (in flight).
    """

    which: NDArray[np.int64]
    stamps: Ticks
    why: str


class Shadow:
    """The history of one memory object's cells; all allocations of the object in flight share one index space."""

    def __init__(self, cells: int, order: Order, *, one_block: bool) -> None:
        """one_block: a cell is only ever accessed by threads of one block."""
        self._order, self._one_block = order, one_block
        self._table = PageTable(cells) if cells > _DENSE else None
        self._size = 0 if self._table else cells
        self._fields: dict[str, Ticks] = {}

    def access(self, kind: str, cells: Cells, who: Who, tick: int) -> list[Conflict]:
        """Records an access of distinct threads; returns conflicts. kind: read, write, read_only, atomic_read, atomic_write, or
        atomic_rewrite, which comes after all earlier atomics of its cell: they are in one order, and it saw the last of them."""
        slots = self._slots(cells)
        stamps = who.threads | (tick << 32)
        found = self._in_flight(slots, kind) + self._read_only(slots, kind)
        if kind == "read_only":
            self._field("read_only")[slots] = stamps
            return found
        found += self._unordered(kind, slots, who)
        if kind == "write":
            return found + self._write(slots, stamps)
        if kind == "atomic_rewrite":
            self._field("atomic_write")[slots] = stamps
            if "atomic_write2" in self._fields:
                self._fields["atomic_write2"][slots] = 0
            return found
        self._record(kind, slots, stamps, who)
        return found

    def start_copy(self, kind: str, cells: Cells, who: Who, tick: int) -> list[Conflict]:
        """Marks cells as source (`copy_source`) or destination (`copy`) of an asynchronous copy in flight."""
        found = self.access("read" if kind == "copy_source" else "write", cells, who, tick)
        slots = self._slots(cells)
        self._field(kind)[slots] = who.threads | (tick << 32)
        return found

    def end_copy(self, kind: str, cells: Cells) -> None:
        self._field(kind)[self._slots(cells)] = 0

    def _unordered(self, kind: str, slots: Cells, who: Who) -> list[Conflict]:
        found = []
        for name in _CONFLICTS[kind]:
            if name in self._fields:
                stamps = self._fields[name][slots]
                bad = self._order.unordered(stamps, who, one_block=self._one_block)
                if bad is not None:
                    at = np.flatnonzero(bad)
                    found.append(Conflict(at, stamps[at], "overwrite" if kind == name == "write" else "unordered"))
        return found

    def _read_only(self, slots: Cells, kind: str) -> list[Conflict]:
        """Cells read through the read-only path are written by nobody in the whole launch."""
        names = ("write", "atomic_write") if kind == "read_only" else ("read_only",) if "write" in kind else ()
        return self._nonzero(slots, names, "read-only")

    def _in_flight(self, slots: Cells, kind: str) -> list[Conflict]:
        return self._nonzero(slots, ("copy", "copy_source") if "write" in kind else ("copy",), "copy")

    def _nonzero(self, slots: Cells, names: tuple[str, ...], why: str) -> list[Conflict]:
        found = []
        for name in names:
            if name in self._fields:
                stamps = self._fields[name][slots]
                if np.count_nonzero(stamps):
                    at = np.flatnonzero(stamps)
                    found.append(Conflict(at, stamps[at], why))
        return found

    def _write(self, slots: Cells, stamps: Ticks) -> list[Conflict]:
        for family in _FAMILY.values():  # what this write is ordered after, later accesses are too
            for name in family:
                if name in self._fields:
                    self._fields[name][slots] = 0
        last = self._field("write")
        last[slots] = stamps
        kept = last[slots]
        if np.array_equal(kept, stamps):
            return []
        at = np.flatnonzero(kept != stamps)
        return [Conflict(at, kept[at], "overwrite")]

    def _record(self, kind: str, slots: Cells, stamps: Ticks, who: Who) -> None:
        names = _FAMILY[kind]
        first = self._field(names[0])
        before = first[slots]
        first[slots] = stamps
        now = first[slots]
        other = (before != 0) & ((before & THREAD) != who.threads)
        lost = now != stamps
        if np.count_nonzero(other) or np.count_nonzero(lost):
            self._spread(names[1], slots, stamps, before, other, lost)
        if len(names) == 3 and self._order.geometry.blocks > 1:
            n = self._order.geometry.block_threads
            other &= (before & THREAD) // n != who.blocks
            lost &= (now & THREAD) // n != who.blocks
            if np.count_nonzero(other) or np.count_nonzero(lost):
                self._spread(names[2], slots, stamps, before, other, lost)

    def _spread(
        self, name: str, slots: Cells, stamps: Ticks, before: Ticks, other: NDArray[np.bool_], lost: NDArray[np.bool_]
    ) -> None:
        field = self._field(name)
        field[slots[other]] = before[other]
        field[slots[lost]] = stamps[lost]

    def _field(self, name: str) -> Ticks:
        if name not in self._fields:
            self._fields[name] = np.zeros(self._size, dtype=np.int64)
        return self._fields[name]

    def _slots(self, cells: Cells) -> Cells:
        if self._table is None:
            return cells
        new = self._table.missing(cells)
        if len(new):
            self._table.add(new)
            if self._table.capacity > self._size:
                self._size = max(self._table.capacity, 2 * self._size)
                for name, old in self._fields.items():
                    self._fields[name] = np.concatenate([old, np.zeros(self._size - len(old), dtype=np.int64)])
        return self._table.lookup(cells)
