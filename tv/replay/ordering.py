"""Which earlier accesses are ordered before a thread's next one: barriers, fences and atomics as clocks.

Every executed memory statement and barrier gets the next tick of one clock. A thread knows the accesses of another one
up to some tick: of its warp by `__syncwarp`, of its block by block barriers, of all by grid barriers, of others through
releases and acquires of atomics (fence patterns included). Where the memory model leaves room the clocks err toward
order, so that no race is reported that is none: a relaxed atomic after a fence releases what its block knows at that
moment, and what a relaxed atomic read counts as acquired at the next fence or block barrier.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tv.diagnostic import Unknown
from tv.replay.distinct import distinct
from tv.replay.group import WARP, Geometry, Group
from tv.source import Span

Ticks = NDArray[np.int64]
THREAD = (1 << 32) - 1  # low half of a stamp: thread; high half: tick

_MOST_THREADS = 4096  # that may publish through one cell: each that reads it learns of all of them
_MOST_BLOCKS = 2048  # that may synchronise by atomics: what those that run know of all is a matrix


@dataclass(slots=True)
class Knowledge:
    """Accesses known: of block b up to tick blocks[b], of single threads up to a tick."""

    blocks: Ticks
    threads: dict[int, int] = field(default_factory=dict)

    def merge(self, other: Knowledge) -> None:
        np.maximum(self.blocks, other.blocks, out=self.blocks)
        for thread, tick in other.threads.items():
            if tick > self.threads.get(thread, 0):
                self.threads[thread] = tick

    def copy(self) -> Knowledge:
        return Knowledge(self.blocks.copy(), dict(self.threads))


@dataclass(slots=True)
class Who:
    """The threads of one access: positions in their group, global numbers, blocks. Shapes (n,)."""

    group: Group
    positions: NDArray[np.int64]
    threads: NDArray[np.int64]
    blocks: NDArray[np.int64]

    def repeat(self, times: int) -> Who:
        if times == 1:
            return self
        parts = (np.repeat(a, times) for a in (self.positions, self.threads, self.blocks))
        return Who(self.group, *parts)


class Order:
    """The clocks of a launch."""

    def __init__(self, geometry: Geometry, running: int | None = None) -> None:
        """running: how many of the blocks run."""
        self.geometry, self.running = geometry, geometry.blocks if running is None else running
        self.spans: list[Span | None] = [None]  # by tick
        self.grid_tick = 0
        self.block_tick: Ticks = np.zeros(geometry.blocks, dtype=np.int64)
        self._block_know: dict[int, Knowledge] = {}
        self._thread_know: dict[int, dict[int, Knowledge]] = {}  # block -> thread -> what it acquired since
        self._pending: dict[int, dict[int, Knowledge]] = {}  # read by relaxed atomics, not yet acquired
        self._messages: dict[tuple[int, int], Knowledge] = {}  # released in a cell
        self._warp_know: dict[Group, Ticks] = {}  # (warps, lane, lane of the other)
        self._fences: dict[Group, Ticks] = {}  # tick of each thread's last fence
        self._near: dict[tuple[int, tuple[int, int]], Knowledge] = {}  # (block, cell): released to that block alone
        self._near_fences: dict[Group, Ticks] = {}  # likewise, of fences that a block alone sees

    @property
    def tick(self) -> int:
        return len(self.spans) - 1

    def advance(self, span: Span | None) -> int:
        """The tick of the statement that is executed next."""
        self.spans.append(span)
        return len(self.spans) - 1

    # -------------------------------------------------------------------------------------------- questions
    def unordered(self, stamps: Ticks, who: Who, *, one_block: bool) -> NDArray[np.bool_] | None:
        """Where an earlier access (stamp: tick << 32 | thread, 0 for none) by another thread is not ordered before `who`.

        one_block: both threads are always of one block (shared memory).
        """
        ticks = stamps >> 32
        bad = ticks > self.grid_tick
        if not np.count_nonzero(bad):
            return None
        bad &= (stamps & THREAD) != who.threads
        if not np.count_nonzero(bad):
            return None
        settled = ticks <= self.block_tick[who.blocks]
        if not one_block and self.geometry.blocks > 1:  # the block's own barrier says nothing of other blocks
            settled &= (stamps & THREAD) // self.geometry.block_threads == who.blocks
        bad &= ~settled
        if not np.count_nonzero(bad):
            return None
        at = np.flatnonzero(bad)
        bad[at] = ~self._known(stamps[at] & THREAD, ticks[at], who, at)
        return bad if np.count_nonzero(bad) else None

    def _known(self, thread: Ticks, tick: Ticks, who: Who, at: NDArray[np.int64]) -> NDArray[np.bool_]:
        n = self.geometry.block_threads
        block, own = thread // n, who.blocks[at]
        good = np.zeros(len(at), dtype=np.bool_)
        warp_know = self._warp_know.get(who.group)
        if warp_know is not None:
            group, positions = who.group, who.positions[at]
            same = (block == own) & (thread % n // WARP == group.inner[positions] // WARP)
            good = same & (warp_know[group.warp[positions], group.lane[positions], thread % n % WARP] >= tick)
        if not (self._block_know or self._thread_know):
            return good
        for b in distinct(own):
            here = np.flatnonzero(own == b)
            base = self._block_know.get(int(b))
            if base is not None:
                good[here] |= _holds(base, thread[here], block[here], tick[here])
            for t, extra in self._thread_know.get(int(b), {}).items():
                mine = here[who.threads[at[here]] == t]
                good[mine] |= _holds(extra, thread[mine], block[mine], tick[mine])
        return good

    # -------------------------------------------------------------------------------------------- barriers
    def block_barrier(self, blocks: NDArray[np.int64], span: Span) -> None:
        """All threads of the given blocks met."""
        tick = self.advance(span)
        self.block_tick[blocks] = tick
        if self._thread_know or self._pending:
            for b in blocks.tolist():
                for found in (*self._thread_know.pop(b, {}).values(), *self._pending.pop(b, {}).values()):
                    self._blank_for_block(b).merge(found)

    def finish(self, group: Group) -> None:
        """The group's threads have all returned."""
        self._warp_know.pop(group, None)
        self._fences.pop(group, None)
        self._near_fences.pop(group, None)

    def grid_barrier(self, span: Span) -> None:
        self.grid_tick = self.advance(span)
        self.block_tick[:] = self.grid_tick
        for known in (self._block_know, self._thread_know, self._pending, self._messages, self._near):
            known.clear()

    def warp_barrier(self, group: Group, active: NDArray[np.bool_], named: NDArray[np.uint32], span: Span) -> None:
        """`__syncwarp`: the active threads of a warp that hold one mask meet. Both arrays are per position."""
        tick = self.advance(span)
        know = self._warp_know.setdefault(group, np.zeros((group.warps, WARP, WARP), dtype=np.int64))
        lanes, masks = group.per_warp(active, False), group.per_warp(named)
        for value in distinct(named[active]):
            part = lanes & (masks == value)
            met = np.where(part[:, :, None], know, 0).max(axis=1)
            met[part] = tick
            w, lane = np.nonzero(part)
            know[w, lane] = met[w]
            if self._thread_know:
                self._share(group, part)

    def _share(self, group: Group, part: NDArray[np.bool_]) -> None:
        """What one of the lanes that met (warps, 32) had acquired, all of them know."""
        for warp in np.flatnonzero(part.any(axis=1)).tolist():
            place, inner = divmod(warp, self.geometry.block_warps)
            block = int(group.blocks[place])
            known = self._thread_know.get(block, {})
            first = block * self.geometry.block_threads + inner * WARP
            threads = [first + lane for lane in np.flatnonzero(part[warp]).tolist()]
            if not any(t in known for t in threads):
                continue
            total = self._blank()
            for t in threads:
                if t in known:
                    total.merge(known[t])
            known.update((t, total.copy()) for t in threads)

    # -------------------------------------------------------------------------------------------- atomics
    def fence(self, who: Who, span: Span, scope: str = "device") -> None:
        """`__threadfence` and its kin by the given threads."""
        tick = self.advance(span)
        fences = self._near_fences if scope == "block" else self._fences
        fences.setdefault(who.group, np.zeros(who.group.width, dtype=np.int64))[who.positions] = tick
        if self._pending:
            for thread, block in zip(who.threads.tolist(), who.blocks.tolist(), strict=True):
                found = self._pending.get(block, {}).pop(thread, None)
                if found is not None:
                    self._acquire(thread, block, found)

    def fenced(self, who: Who) -> bool:
        """Whether one of the threads has executed a fence since the last barrier of its block."""
        found = (fences.get(who.group) for fences in (self._fences, self._near_fences))
        since = np.maximum(self.block_tick[who.blocks], self.grid_tick)
        return any(bool((f[who.positions] > since).any()) for f in found if f is not None)

    def quiet(self, group: Group) -> bool:
        """Whether no relaxed atomic of the group can order anything: no fence and no release was met."""
        return not (self._messages or self._near or group in self._fences or group in self._near_fences)

    def atomic(self, who: Who, i: int, cell: tuple[int, int], order: str, *, reads: bool, writes: bool) -> None:
        """One thread's (the i-th of `who`) atomic access of a cell; a read-modify-write both reads and writes."""
        thread, block = int(who.threads[i]), int(who.blocks[i])
        self._atomic_near(who, i, cell, reads=reads, writes=writes)
        message = self._messages.get(cell)
        if message is not None and len(message.threads) > _MOST_THREADS:
            text = f"more than {_MOST_THREADS} threads publish what they wrote through one atomic"
            raise Unknown("TV0710", text, help="let one thread of a block do so, behind a block barrier")
        if reads and message is not None:
            if order in ("acquire", "acq_rel", "seq_cst"):
                self._acquire(thread, block, message)
            else:
                waiting = self._pending.setdefault(block, {})
                waiting.setdefault(thread, self._blank()).merge(message)
        if not writes:
            return
        fences = self._fences.get(who.group)
        fenced = 0 if fences is None else int(fences[who.positions[i]])
        strong = order in ("release", "acq_rel", "seq_cst")
        sent = self._released(who, i, self.tick if strong else fenced) if strong or fenced else None
        if reads and message is not None:
            if sent is not None:
                message.merge(sent)
        elif sent is not None:
            self._messages[cell] = sent
        elif not reads:
            self._messages.pop(cell, None)

    def _atomic_near(self, who: Who, i: int, cell: tuple[int, int], *, reads: bool, writes: bool) -> None:
        """What fences that a block alone sees order within it."""
        thread, block = int(who.threads[i]), int(who.blocks[i])
        message = self._near.get((block, cell))
        if reads and message is not None:
            self._pending.setdefault(block, {}).setdefault(thread, self._blank()).merge(message)
        fences = self._near_fences.get(who.group)
        fenced = 0 if fences is None or not writes else int(fences[who.positions[i]])
        if fenced:
            sent = self._released(who, i, fenced)
            if message is not None:
                sent.merge(message)
            self._near[(block, cell)] = sent

    def _released(self, who: Who, i: int, own_tick: int) -> Knowledge:
        thread, block, position = int(who.threads[i]), int(who.blocks[i]), int(who.positions[i])
        sent = self._block_know[block].copy() if block in self._block_know else self._blank()
        extra = self._thread_know.get(block, {}).get(thread)
        if extra is not None:
            sent.merge(extra)
        sent.blocks[block] = max(int(sent.blocks[block]), int(self.block_tick[block]))
        warp_know = self._warp_know.get(who.group)
        if warp_know is not None:
            group = who.group
            first = thread - int(group.lane[position])
            for lane, tick in enumerate(warp_know[group.warp[position], group.lane[position]].tolist()):
                if tick > sent.blocks[block]:
                    sent.threads[first + lane] = tick
        sent.threads[thread] = own_tick
        return sent

    def _acquire(self, thread: int, block: int, message: Knowledge) -> None:
        self._thread_know.setdefault(block, {}).setdefault(thread, self._blank()).merge(message)

    def _blank(self) -> Knowledge:
        if self.geometry.blocks * self.running > _MOST_BLOCKS**2:
            raise Unknown(
                "TV0710",
                f"{self.running} of {self.geometry.blocks} blocks synchronise through atomics",
                help=f"the interpreter orders at most {_MOST_BLOCKS}; launch fewer, or give the sizes that the grid depends on a smaller `max`",
            )
        return Knowledge(np.zeros(self.geometry.blocks, dtype=np.int64))

    def _blank_for_block(self, block: int) -> Knowledge:
        if block not in self._block_know:
            self._block_know[block] = self._blank()
        return self._block_know[block]


def _holds(known: Knowledge, thread: Ticks, block: Ticks, tick: Ticks) -> NDArray[np.bool_]:
    """Where a thread's access at a tick is known."""
    good: NDArray[np.bool_] = known.blocks[block] >= tick
    if known.threads and not good.all():
        for i in np.flatnonzero(~good):
            good[i] = known.threads.get(int(thread[i]), 0) >= tick[i]
    return good
