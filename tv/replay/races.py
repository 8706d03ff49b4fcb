"""Race detection: for each cell of memory the last accesses, and whether a new one is ordered after them.

A cell keeps its last writer and up to four readers (the latest; another thread; another warp; another block), likewise for
atomics.
What is reported is a race; of many unordered readers before one write only those kept are seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tv.replay.group import WARP
from tv.replay.ordering import THREAD, Order, Ticks, Who
from tv.replay.paging import PageTable

Cells = NDArray[np.int64]

OVERWRITTEN = "two threads write the same memory without a barrier between"  # and not the same value
_DENSE = 1 << 22  # cells; larger objects get pages

# The fields of each kind that keeps several: the latest, another thread's, another warp's, another block's.
_FAMILY = {k: tuple(f"{k}{n}" for n in range(1, 5)) for k in ("read", "atomic_read", "atomic_write")}
# access -> the fields that it conflicts with
_CONFLICTS: dict[str, tuple[str, ...]] = {
    "read": ("write", *_FAMILY["atomic_write"]),
    "write": ("write", *_FAMILY["read"], *_FAMILY["atomic_write"], *_FAMILY["atomic_read"]),
    "atomic_read": ("write",),
    "atomic_write": ("write", *_FAMILY["read"]),
    "atomic_rewrite": ("write", *_FAMILY["read"]),
}


def _warp(threads: Cells, block: int, warps: int) -> Cells:
    """The warps of threads, numbered through the grid. block: threads of one; warps: of one."""
    return threads // block * warps + threads % block // WARP


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
            latest, *others = _FAMILY["atomic_write"]
            self._field(latest)[slots] = stamps
            self._forget(others, slots)
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
        written = ("write", *_FAMILY["atomic_write"])
        names = written if kind == "read_only" else ("read_only",) if "write" in kind else ()
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
            self._forget(family, slots)
        last = self._field("write")
        last[slots] = stamps
        kept = last[slots]
        if np.array_equal(kept, stamps):
            return []
        at = np.flatnonzero(kept != stamps)
        return [Conflict(at, kept[at], "overwrite")]

    def _forget(self, names: Iterable[str], slots: Cells) -> None:
        for name in names:
            if name in self._fields:
                self._fields[name][slots] = 0

    def _record(self, kind: str, slots: Cells, stamps: Ticks, who: Who) -> None:
        names = _FAMILY[kind]
        first = self._field(names[0])
        before = first[slots]
        first[slots] = stamps
        now = first[slots]
        other = (before != 0) & ((before & THREAD) != who.threads)
        lost = now != stamps
        if not (np.count_nonzero(other) or np.count_nonzero(lost)):
            return
        self._spread(names[1], slots, stamps, before, other, lost)
        geometry = self._order.geometry
        threads, warps = geometry.block_threads, geometry.block_warps
        earlier, later = before & THREAD, now & THREAD
        if warps > 1:
            own = _warp(who.threads, threads, warps)
            other &= _warp(earlier, threads, warps) != own
            lost &= _warp(later, threads, warps) != own
            self._spread(names[2], slots, stamps, before, other, lost)
        if geometry.blocks > 1:
            other &= earlier // threads != who.blocks
            lost &= later // threads != who.blocks
            self._spread(names[3], slots, stamps, before, other, lost)

    def _spread(
        self, name: str, slots: Cells, stamps: Ticks, before: Ticks, other: NDArray[np.bool_], lost: NDArray[np.bool_]
    ) -> None:
        if not (np.count_nonzero(other) or np.count_nonzero(lost)):
            return
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
