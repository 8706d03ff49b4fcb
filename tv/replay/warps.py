"""Shuffles and votes: who takes part, from which lane a value comes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tv.diagnostic import Unsupported
from tv.kernel import Scalar, Shuffle, Vote
from tv.replay.carriers import CARRIER, Array
from tv.replay.events import Event
from tv.replay.expressions import Expression
from tv.replay.frame import Frame
from tv.replay.group import WARP
from tv.replay.masks import Mask
from tv.replay.mathlib import MathLibrary
from tv.source import Span

Effect = Callable[[Frame, Mask], None]
Named = NDArray[np.uint32]


def spread(value: Array, width: int) -> Array:
    """A value as one entry a thread."""
    return np.broadcast_to(value, (width,)) if value.size == 1 else value


def participants(frame: Frame, mask: Mask, named: Expression, span: Span) -> Named:
    """The mask operand of a warp instruction, one a position, after its rules were checked.

    A thread names itself; every living thread named is at this statement and names the same lanes. Lanes that do not
    exist, or returned, may be named.
    """
    group = frame.group
    named.require(frame, mask, "a warp mask", span)
    values = spread(named.value(frame, mask), group.width).astype(np.uint32)
    here = mask.flags
    own = (values >> group.lane.astype(np.uint32)) & np.uint32(1)
    selfless = here & (own == 0)
    if selfless.any():
        frame.report("barrier", "the warp mask does not name the calling thread", span, selfless, fatal=True)
    power = np.uint32(1) << np.arange(WARP, dtype=np.uint32)
    active, alive = (
        np.where(group.per_warp(flags, False), power, np.uint32(0)).sum(axis=1, dtype=np.uint32)
        for flags in (here, ~group.exited)
    )
    absent = here & ((values & (alive & ~active)[group.warp]) != 0)
    if absent.any():
        _report_absent(frame, absent, values, (alive & ~active)[group.warp], span)
    grid = group.per_warp(values)
    met = values & active[group.warp]
    lowest = np.log2((met & (~met + np.uint32(1))).astype(np.float64), where=met != 0, out=np.zeros(group.width))
    other = here & (grid[group.warp, lowest.astype(np.int64)] != values)
    if other.any():
        frame.report("barrier", "threads of one warp instruction name different masks", span, other, fatal=True)
    return values


def _report_absent(frame: Frame, absent: NDArray[np.bool_], values: Named, missing: Named, span: Span) -> None:
    group = frame.group
    at = int(np.argmax(absent))
    bits = int(values[at] & missing[at])
    lane = (bits & -bits).bit_length() - 1
    threads = (group.name(at), group.name(at - int(group.lane[at]) + lane))
    text = "the warp mask names a thread that is not at this statement"
    frame.recorder.report(Event("barrier", text, (span, span), threads), fatal=True)


def source_lanes(mode: str, lane: NDArray[np.int64], operand: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """The lane that each lane reads (PTX `shfl.sync` with CUDA's clamps); a clamped one reads itself."""
    first = lane & ~(width - 1)
    last = first + width - 1
    operand = operand & (WARP - 1)
    match mode:
        case "idx":
            return first + (operand & (width - 1))
        case "up":
            source = lane - operand
            return np.where(source < first, lane, source)
        case "down":
            source = lane + operand
        case "xor":
            source = lane ^ operand
        case _:
            raise KeyError(mode)
    return np.where(source > last, lane, source)


def compile_shuffle(s: Shuffle, math: MathLibrary) -> Effect:
    """Raises Unsupported for an unknown mode or a width that is no power of two up to 32."""
    if s.mode not in ("idx", "up", "down", "xor"):
        raise Unsupported("TV0705", f"shuffle mode `{s.mode}`", s.span, "the modes are idx, up, down and xor")
    if s.width not in (1, 2, 4, 8, 16, 32):
        raise Unsupported("TV0705", f"shuffle width {s.width}", s.span, "the width is a power of two up to 32")
    value, lane, named = Expression(s.value, math), Expression(s.lane, math), Expression(s.mask, math)

    def run(frame: Frame, mask: Mask) -> None:
        group = frame.group
        masks = participants(frame, mask, named, s.span)
        lane.require(frame, mask, "a shuffle's lane", s.span)
        operand = spread(lane.value(frame, mask), group.width).astype(np.int64)
        source = source_lanes(s.mode, group.lane, operand, s.width)
        here = group.per_warp(mask.flags, False)[group.warp, source]
        in_mask = (masks >> source.astype(np.uint32)) & np.uint32(1) != 0
        absent = mask.flags & ~(here & in_mask)
        if absent.any():
            frame.report("init", "a shuffle reads a lane that does not take part", s.span, absent)
        position = np.where(absent, np.arange(group.width), np.arange(group.width) - group.lane + source)
        position = np.minimum(position, group.width - 1)
        hollow = value.undefined(frame, mask)
        undefined = absent if absent.any() else None
        if hollow is not None:
            undefined = hollow[position] | absent
        moved = spread(value.value(frame, mask), group.width)[position]
        origin = s.span if hollow is None else value.origin(frame, mask, s.span)
        frame.assign(s.dest.name, moved, mask, undefined, origin)

    return run


def compile_vote(s: Vote, math: MathLibrary) -> Effect:
    """Raises Unsupported for an unknown mode."""
    if s.mode not in ("ballot", "any", "all"):
        raise Unsupported("TV0705", f"vote mode `{s.mode}`", s.span, "the modes are ballot, any and all")
    value, named = Expression(s.value, math), Expression(s.mask, math)

    def run(frame: Frame, mask: Mask) -> None:
        group = frame.group
        masks = participants(frame, mask, named, s.span)
        value.require(frame, mask, "a vote", s.span)
        voted = spread(value.value(frame, mask) != 0, group.width)
        result = _count_votes(s.mode, frame, mask.flags, voted, masks)
        kind = s.dest.type
        frame.assign(s.dest.name, result != 0 if kind is Scalar.BOOL else result.astype(CARRIER[kind]), mask)

    return run


def _count_votes(mode: str, frame: Frame, here: NDArray[np.bool_], voted: Array, masks: Named) -> Array:
    group = frame.group
    power = np.uint32(1) << np.arange(WARP, dtype=np.uint32)
    votes: list[Array] = [
        np.where(group.per_warp(flags, False), power, np.uint32(0)).sum(axis=1, dtype=np.uint32)[group.warp] & masks
        for flags in (here & voted, here)
    ]
    yes, active = votes
    result: Array = {"ballot": yes, "any": yes != 0, "all": yes == active}[mode]
    return result
