"""Barriers of warp, block and grid, and fences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tv.diagnostic import Unsupported
from tv.kernel import Barrier, Fence
from tv.replay.carriers import Array
from tv.replay.elsewhere import require_here
from tv.replay.events import Event
from tv.replay.expressions import Expression
from tv.replay.frame import Frame
from tv.replay.masks import Mask
from tv.replay.mathlib import MathLibrary
from tv.replay.ordering import Who
from tv.replay.warps import participants
from tv.source import Span

Effect = Callable[[Frame, Mask], None]

FULL = 0xFFFFFFFF


def compile_barrier(s: Barrier, math: MathLibrary) -> Effect:
    """Raises Unsupported for an unknown scope."""
    match s.scope:
        case "block":
            return lambda frame, mask: block_barrier(frame, mask, s.span, s.threads)
        case "grid":
            if s.counter:
                text = "a grid barrier that stands for an atomic counter"
                raise Unsupported("TV0704", text, s.span, "execute the kernel as it was read")
            return lambda frame, mask: _grid_barrier(frame, mask, s)
        case "warp":
            return _warp_barrier(s, math)
        case _:
            raise Unsupported("TV0704", f"barrier of scope `{s.scope}`", s.span, "the scopes are warp, block and grid")


def _report(frame: Frame, text: str, span: Span, here: int, other: int, severity: str = "error") -> None:
    threads = (frame.group.name(here), frame.group.name(other))
    event = Event("barrier", text, (span, span), threads, severity=severity)
    frame.recorder.report(event, fatal=severity == "error")


def block_barrier(frame: Frame, mask: Mask, span: Span, threads: int = 0) -> None:
    """All living threads of each block that is here (or its first `threads`), or an event. A thread that returned before is a
    note."""
    group = frame.group
    n = group.geometry.block_threads
    here: Array = mask.flags.reshape(-1, n)
    arrived: Array = np.any(here, axis=1)
    gone = group.exited.reshape(-1, n)
    absent: Array = arrived[:, None] & ~here & ~gone
    if threads:
        absent[:, threads:] = False
    if absent.any():
        other = int(np.argmax(absent))
        block = other // n
        arrival = block * n + int(np.argmax(here[block]))
        _report(frame, "not all threads of the block reach this barrier", span, arrival, other)
    left: Array = arrived[:, None] & gone
    if left.any():
        other = int(np.argmax(left))
        arrival = other // n * n + int(np.argmax(here[other // n]))
        _report(frame, "a thread returned before this barrier of its block", span, arrival, other, "note")
    frame.order.block_barrier(group.blocks[arrived], span)


def _grid_barrier(frame: Frame, mask: Mask, s: Barrier) -> None:
    """All living threads, or an event. Raises Unknown (TV0712) where whole blocks may come to another barrier of the grid."""
    group, span = frame.group, s.span
    absent = ~mask.flags & ~group.exited
    if absent.any():
        n = group.geometry.block_threads
        arrived = np.repeat(mask.flags.reshape(-1, n).any(axis=1), n)
        if not (absent & arrived).any():
            require_here(frame, s, absent, span)
        text = "not all threads of the grid reach this barrier"
        _report(frame, text, span, int(mask.indices[0]), int(np.argmax(absent)))
    if group.exited.any():
        text = "a thread returned before this barrier of the grid"
        _report(frame, text, span, int(mask.indices[0]), int(np.argmax(group.exited)), "note")
    frame.scheduler.at_grid_barrier(frame, span)


def _warp_barrier(s: Barrier, math: MathLibrary) -> Effect:
    named = None if s.mask is None else Expression(s.mask, math)

    def run(frame: Frame, mask: Mask) -> None:
        if named is None:
            values: NDArray[np.uint32] = np.full(frame.group.width, FULL, dtype=np.uint32)
        else:
            values = participants(frame, mask, named, s)
        if named is None:
            check_full_warps(frame, mask, s)
        frame.order.warp_barrier(frame.group, mask.flags, values, s.span)

    return run


def check_full_warps(frame: Frame, mask: Mask, s: Barrier) -> None:
    """An event unless each warp that is here is here with all its living threads. Raises Unknown (TV0712)."""
    group = frame.group
    here: Array = group.per_warp(mask.flags, False)
    alive = group.per_warp(~group.exited, False)
    arrived: Array = np.any(here, axis=1)
    absent: Array = arrived[:, None] & alive & ~here
    if absent.any():
        warp, lane = (int(i[0]) for i in np.nonzero(absent))
        first = int(np.argmax(here[warp]))
        at = {int(x): i for i, x in enumerate(group.lane) if group.warp[i] == warp}
        require_here(frame, s, absent[group.warp, group.lane], s.span)
        _report(frame, "not all threads of the warp reach this barrier", s.span, at[first], at[lane])


def compile_fence(s: Fence) -> Effect:
    """Raises Unsupported for an unknown scope."""
    if s.scope not in ("block", "device", "system"):
        raise Unsupported("TV0704", f"fence of scope `{s.scope}`", s.span, "the scopes are block, device and system")

    def run(frame: Frame, mask: Mask) -> None:
        group, at = frame.group, mask.indices
        frame.order.fence(Who(group, at, group.threads[at], group.block_of[at]), s.span, s.scope)

    return run
