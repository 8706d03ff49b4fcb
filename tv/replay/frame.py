"""The state of a running group: variables, which of their lanes are undefined, loops, steps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tv.kernel import MemRef
from tv.replay.carriers import Array
from tv.replay.events import Event, Halt, Recorder
from tv.replay.group import Group
from tv.replay.masks import Mask, union
from tv.replay.memory import Access, Memory
from tv.replay.ordering import Order
from tv.replay.waiting import Spin
from tv.source import Span


@dataclass(slots=True)
class Hole:
    """Undefined lanes of a variable; `clean`: a mask in which there are none; `everywhere`: never assigned.

    origin: the read of what was never written, where the lanes are not the variable's own.
    """

    lanes: NDArray[np.bool_]
    clean: Mask | None = None
    everywhere: bool = False
    origin: Span | None = None


def cell_name(object: str, offset: int) -> str:
    """The variable that stands for a cell of a local array, by byte offset, where the array was taken apart."""
    return f"{object}[{offset}]"


class Scheduler(Protocol):
    """How a group waits for others."""

    def at_grid_barrier(self, frame: Frame, span: Span) -> None: ...

    def spinning(self, frame: Frame, spin: Spin, active: Mask) -> None: ...

    def done_waiting(self) -> None: ...

    def before_atomic(self) -> None: ...


@dataclass(slots=True)
class Budget:
    """Vector statements that a launch may still execute; deadline: of `time.monotonic()`, asked about now and then.

    grace: seconds that are left after the recorder's first event.
    """

    left: int
    used: int = 0
    deadline: float | None = None
    grace: float | None = None
    recorder: Recorder | None = None

    def spend(self) -> None:
        self.used += 1
        if self.used > self.left:
            raise Halt("budget")
        if self.used % 16 == 0 and self.deadline is not None:
            now = time.monotonic()
            if self.grace is not None and self.recorder is not None and self.recorder.events:
                self.deadline, self.grace = min(self.deadline, now + self.grace), None
            if now > self.deadline:
                raise Halt("budget")


@dataclass(slots=True)
class PendingCopy:
    """Asynchronous copies in flight: for each thread its commit group, source and destination, bytes copied."""

    target: MemRef
    origin: MemRef
    group: NDArray[np.int64]
    to: Access
    source: Access
    size: NDArray[np.int64]


@dataclass(slots=True)
class LoopState:
    """A loop that is executed: the threads of its round, and of these the ones that `continue`d."""

    round: Mask | None = None
    continued: Mask | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch that is executed: who entered it, and the kinds of warp instructions that stand behind it, its sibling's too."""

    mask: Mask
    later: frozenset[tuple[str, str]]


@dataclass(slots=True)
class Frame:
    """written: memory objects that some thread of the launch may write. branches: those that are executed, outermost first.
    later: of the statement that is executed, the kinds of warp instructions that stand after it in the text."""

    group: Group
    memory: Memory
    order: Order
    recorder: Recorder
    scheduler: Scheduler
    budget: Budget
    params: dict[str, Array]
    builtins: dict[str, Array]
    variables: dict[str, Array]
    holes: dict[str, Hole]
    written: frozenset[str]
    loops: list[LoopState] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    later: frozenset[tuple[str, str]] = frozenset()
    ordered_atomics: bool = False
    at_barrier: NDArray[np.bool_] | None = (
        None  # threads that wait there for those that are in the innermost `if` before one
    )
    copies: list[PendingCopy] = field(default_factory=list)
    commits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    _cells: dict[str, list[str]] = field(default_factory=dict)

    def assign(
        self, name: str, value: Array, mask: Mask, undefined: Array | None = None, origin: Span | None = None
    ) -> None:
        """Sets a variable for the threads of a mask; `undefined`: lanes whose value means nothing, because of `origin`."""
        hole = self.holes.get(name)
        if mask.lanes is None:
            self.variables[name] = value
            if undefined is not None:
                self.holes[name] = Hole(np.broadcast_to(undefined, (mask.width,)), origin=origin)
            elif hole is not None:
                del self.holes[name]
            return
        if hole is not None and hole.everywhere:
            self.variables[name] = value
            outside = ~mask.lanes
            self.holes[name] = Hole(outside, mask) if undefined is None else Hole(outside | undefined, origin=origin)
            return
        self.variables[name] = np.where(mask.lanes, value, self.variables[name])
        if hole is None and undefined is None:
            return
        rest = np.zeros(mask.width, dtype=np.bool_) if hole is None else hole.lanes & ~mask.lanes
        if undefined is not None:
            rest = rest | undefined & mask.lanes
        if rest.any():
            older = None if hole is None else hole.origin
            self.holes[name] = Hole(rest, mask if undefined is None else None, origin=origin or older)
        else:
            self.holes.pop(name, None)

    def begin(self, name: str, mask: Mask) -> None:
        """The lifetime of a local object begins: its bytes, or the variables of its cells, are undefined again."""
        self.memory.begin(name, mask)
        if name not in self._cells:
            self._cells[name] = [n for n in self.variables if n.startswith(f"{name}[")]
        for n in self._cells[name]:
            hole = self.holes.get(n)
            lanes = mask.flags if hole is None else hole.lanes | mask.flags
            if hole is None or not hole.everywhere:
                self.holes[n] = Hole(lanes)

    def hollow(self, names: frozenset[str], mask: Mask) -> bool:
        """Whether one of the variables may be undefined for a thread of the mask."""
        if not self.holes:
            return False
        for name in names:
            hole = self.holes.get(name)
            if hole is None or (hole.clean is not None and mask.within(hole.clean)):
                continue
            if hole.everywhere or (hole.lanes & mask.flags).any():
                return True
        return False

    def keep_continued(self, mask: Mask) -> None:
        loop = self.loops[-1]
        loop.continued = union(loop.continued, mask, Mask(mask.width))

    def report(
        self,
        kind: str,
        text: str,
        span: Span,
        bad: NDArray[np.bool_],
        *,
        origin: Span | None = None,
        fatal: bool = False,
    ) -> None:
        """An event of the first bad thread; `origin`: where what is wrong came from."""
        thread = self.group.name(int(np.argmax(bad)))
        spans = (span,) if origin is None else (span, origin)
        self.recorder.report(Event(kind, text, spans, (thread,)), fatal=fatal)
