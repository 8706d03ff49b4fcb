"""In which order blocks run: all at once, or in turns where one waits for another.

`Lockstep` runs one group without turns. A waiting loop that finds nothing changed in a whole round raises `Stuck`; then
`Turns` runs each block as a group of its own, in threads of which one at a time holds the baton, and passes the baton on
at grid barriers, in each round of a waiting loop, and before each global atomic that writes. When a full turn changes nothing, the blocks wait for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tv.diagnostic import Unknown
from tv.replay.carriers import Array
from tv.replay.elsewhere import two_places
from tv.replay.events import Event, Recorder
from tv.replay.frame import Frame
from tv.replay.masks import Mask
from tv.replay.memory import Changes
from tv.replay.ordering import Order
from tv.replay.waiting import Spin
from tv.source import Span


class Stuck(Exception):
    """A waiting loop of a lockstep run can only go on if threads of the same group move that are held back."""

    def __init__(self, frame: Frame, spin: Spin, active: Mask) -> None:
        super().__init__(spin.span)
        self.frame, self.spin, self.active = frame, spin, active


class Idleness:
    """Whether a waiting loop's round changed nothing: no memory, no variable."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._seen: tuple[Spin, int, list[Array]] | None = None

    def check(self, frame: Frame, spin: Spin) -> bool:
        now = [frame.variables[n] for n in spin.names]
        before, self._seen = self._seen, (spin, self._changes.count, now)
        if before is None or before[0] is not spin or before[1] != self._changes.count:
            return False
        return all(a is b or np.array_equal(a, b) for a, b in zip(before[2], now, strict=True))


def waits_for_ever(frame: Frame, active: Mask) -> bool:
    """Whether, when nobody else moves, the threads of a block outside a waiting loop cannot move either: each of them waits at a
    barrier for the loop's. One that has left the loop, or never came to it, is only held back here."""
    others = ~frame.group.exited & ~active.flags
    if frame.at_barrier is not None:
        others &= ~frame.at_barrier
    return not others.any()


def deadlock(recorder: Recorder, frame: Frame, spin: Spin, active: Mask) -> None:
    """A `barrier` event, or Unknown where threads were held back that might have helped."""
    if not waits_for_ever(frame, active):
        raise Unknown(
            "TV0711",
            "the interpreter cannot run this waiting loop: threads of one block wait for each other",
            spin.span,
            "let threads of one block wait for each other at `__syncthreads()`, and one thread of it for other blocks",
        )
    thread = frame.group.name(int(active.indices[0]))
    recorder.report(Event("barrier", "a thread waits for ever in this loop", (spin.span,), (thread,)), fatal=True)


class Lockstep:
    """One group; a grid barrier is met by everybody at once."""

    def __init__(self, order: Order, changes: Changes) -> None:
        self._order, self._idle = order, Idleness(changes)

    def at_grid_barrier(self, frame: Frame, span: Span) -> None:
        self._order.grid_barrier(span)

    def spinning(self, frame: Frame, spin: Spin, active: Mask) -> None:
        if self._idle.check(frame, spin):
            raise Stuck(frame, spin, active)

    def done_waiting(self) -> None:
        pass

    def before_atomic(self) -> None:
        pass


class _Abandoned(BaseException):
    """Unwinds a worker whose run was stopped elsewhere."""


class _Worker:
    """A thread that runs only between `turn` and its next `pause`."""

    def __init__(self, pool: ThreadPoolExecutor, work: Callable[[_Worker], None]) -> None:
        self.state = "ready"  # ready | idle | grid
        self.idle_at: tuple[Frame, Spin, Mask] | None = None
        self.barrier: tuple[Frame, Span] | None = None
        self._abandoned = False
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._future = pool.submit(self._main, work)
        self._future.add_done_callback(lambda _: self._paused.release())

    def _main(self, work: Callable[[_Worker], None]) -> None:
        self._wait()
        with np.errstate(all="ignore"):  # the setting is each thread's own
            work(self)

    def _wait(self) -> None:
        self._go.acquire()
        if self._abandoned:
            raise _Abandoned

    @property
    def done(self) -> bool:
        return self._future.done()

    @property
    def moved(self) -> bool:
        return self.done or self.state == "ready"

    def turn(self) -> None:
        """Runs the worker until it pauses or ends. Raises what it raised."""
        self._go.release()
        self._paused.acquire()
        if self.done:
            self._future.result()

    def pause(self, state: str) -> None:
        self.state = state
        self._paused.release()
        self._wait()

    def abandon(self) -> None:
        self._abandoned = True
        self._go.release()


class _Turn:
    """The scheduler that one worker's frame sees."""

    def __init__(self, worker: _Worker, changes: Changes) -> None:
        self._worker, self._idle = worker, Idleness(changes)
        self._state = "ready"

    def at_grid_barrier(self, frame: Frame, span: Span) -> None:
        self._worker.barrier = (frame, span)
        self._worker.pause("grid")

    def spinning(self, frame: Frame, spin: Spin, active: Mask) -> None:
        self._worker.idle_at = (frame, spin, active)
        self._state = "idle" if self._idle.check(frame, spin) else "ready"
        self._worker.pause(self._state)

    def done_waiting(self) -> None:
        self._state = "ready"

    def before_atomic(self) -> None:
        """Lets others go first, so that what this block did since its last release is seen unordered."""
        self._worker.pause(self._state)


class Turns:
    """Each block a group of its own; one runs at a time."""

    def __init__(self, order: Order, recorder: Recorder, changes: Changes) -> None:
        self._order, self._recorder, self._changes = order, recorder, changes

    def run(self, blocks: Sequence[int], execute: Callable[[int, _Turn], None]) -> None:
        """Calls execute(block, scheduler) for every block, in turns, until all have ended."""

        def work_of(block: int) -> Callable[[_Worker], None]:
            return lambda worker: execute(block, _Turn(worker, self._changes))

        with ThreadPoolExecutor(max_workers=len(blocks)) as pool:
            workers = [_Worker(pool, work_of(b)) for b in blocks]
            try:
                while not all(w.done for w in workers):
                    self._round(workers)
            finally:
                for w in workers:
                    w.abandon()

    def _round(self, workers: list[_Worker]) -> None:
        before, moved = self._changes.count, False
        for w in workers:
            if not w.done and w.state != "grid":
                w.turn()
                moved |= w.moved
        if moved or self._changes.count != before:
            return
        if all(w.done or w.state == "grid" for w in workers):
            self._meet(workers)
            return
        idle = [w.idle_at for w in workers if not w.done and w.state == "idle" and w.idle_at is not None]
        # If threads of any of these blocks were held back and might move, nothing is known.
        for frame, spin, active in idle:
            if not waits_for_ever(frame, active):
                deadlock(self._recorder, frame, spin, active)
        for frame, spin, active in idle:
            deadlock(self._recorder, frame, spin, active)

    def _meet(self, workers: list[_Worker]) -> None:
        met = [w.barrier for w in workers if not w.done and w.barrier is not None]
        if not met:
            return
        frame, span = met[0]
        if any(w.barrier is not None and w.barrier[1] != span for w in workers if not w.done):
            raise two_places(span)
        for w in workers:
            if w.done:
                text = "not all threads of the grid reach this barrier"
                thread = frame.group.name(0)
                self._recorder.report(Event("barrier", text, (span,), (thread,)), fatal=True)
        self._order.grid_barrier(span)
        for w in workers:
            w.state = "ready"
