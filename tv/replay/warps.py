"""Shuffles and votes: who takes part, from which lane a value comes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tv.diagnostic import Unsupported
from tv.kernel import Barrier, Scalar, Shuffle, Vote
from tv.replay.carriers import CARRIER, Array
from tv.replay.elsewhere import require_here
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


def participants(frame: Frame, mask: Mask, named: Expression, s: Shuffle | Vote | Barrier) -> Named:
    """The mask operand of the warp instruction `s`, one a position, after its rules were checked.

    A thread names itself; every living thread named is at this statement and names the same lanes. Lanes that do not
    exist, or returned, may be named. Raises Unknown (TV0712) where a lane may be named that comes to another such instruction.
    """
    span = s.span
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
        missing = (alive & ~active)[group.warp]
        require_here(frame, s, _lanes(frame, np.where(absent, values & missing, np.uint32(0))), span)
        _report_absent(frame, absent, values, missing, span)
    other = here & _differing(frame, values, values & active[group.warp])
    if other.any():
        frame.report("barrier", "threads of one warp instruction name different masks", span, other, fatal=True)
    return values


def _lanes(frame: Frame, bits: Named) -> NDArray[np.bool_]:
    """The positions that somebody of their warp has among his lanes."""
    group = frame.group
    found: Named = np.bitwise_or.reduce(group.per_warp(bits), axis=1)[group.warp]
    return np.asarray((found >> group.lane.astype(np.uint32)) & np.uint32(1) != 0)


def _differing(frame: Frame, values: Named, met: Named) -> NDArray[np.bool_]:
    """Threads that name, among the lanes `met`, one whose own mask is another."""
    group = frame.group
    out = np.zeros(group.width, dtype=np.bool_)
    if (values == values[0]).all():
        return out
    grid = group.per_warp(values)
    for lane in range(WARP):
        out |= ((met >> np.uint32(lane)) & np.uint32(1) != 0) & (grid[group.warp, lane] != values)
    return out


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
        masks = participants(frame, mask, named, s)
        lane.require(frame, mask, "a shuffle's lane", s.span)
        operand = spread(lane.value(frame, mask), group.width).astype(np.int64)
        source = source_lanes(s.mode, group.lane, operand, s.width)
        here = group.per_warp(mask.flags, False)[group.warp, source]
        in_mask = (masks >> source.astype(np.uint32)) & np.uint32(1) != 0
        absent = mask.flags & ~(here & in_mask)
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


FOLDS: dict[str, np.ufunc] = {
    "add": np.add,
    "min": np.minimum,
    "max": np.maximum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


def compile_vote(s: Vote, math: MathLibrary) -> Effect:
    """Raises Unsupported for an unknown scope or mode."""
    if s.scope == "block" and s.mode in ("any", "all", "count"):
        return _block_vote(s, math)
    if s.scope != "warp" or s.mode not in ("ballot", "any", "all", *FOLDS):
        help = "a warp votes by ballot, any, all, or folds integers; a block by any, all and count"
        raise Unsupported("TV0705", f"vote mode `{s.mode}` of a {s.scope}", s.span, help)
    value, named = Expression(s.value, math), Expression(s.mask, math)

    def run(frame: Frame, mask: Mask) -> None:
        group = frame.group
        masks = participants(frame, mask, named, s)
        value.require(frame, mask, "a vote", s.span)
        kind = s.dest.type
        if s.mode in FOLDS:
            given = spread(value.value(frame, mask), group.width)
            frame.assign(s.dest.name, _folded(FOLDS[s.mode], frame, mask.flags, given, masks), mask)
            return
        voted = spread(value.value(frame, mask) != 0, group.width)
        result = _count_votes(s.mode, frame, mask.flags, voted, masks)
        frame.assign(s.dest.name, result != 0 if kind is Scalar.BOOL else result.astype(CARRIER[kind]), mask)

    return run


def _folded(fold: np.ufunc, frame: Frame, here: NDArray[np.bool_], given: Array, masks: Named) -> Array:
    """The fold of what the lanes named gave, modulo the type's size: one lane after the other."""
    group = frame.group
    table, present = group.per_warp(given), group.per_warp(here, False)
    out, begun = np.zeros_like(given), np.zeros(group.width, dtype=np.bool_)
    for lane in range(WARP):
        takes_part = present[group.warp, lane] & ((masks >> np.uint32(lane)) & np.uint32(1) != 0)
        vote = table[group.warp, lane]
        with np.errstate(over="ignore"):
            out = np.where(takes_part, np.where(begun, fold(out, vote), vote), out)
        begun |= takes_part
    return out


def _block_vote(s: Vote, math: MathLibrary) -> Effect:
    """A vote of all threads of a block that are here: the barrier before it has asked that all are."""
    value = Expression(s.value, math)

    def run(frame: Frame, mask: Mask) -> None:
        group = frame.group
        value.require(frame, mask, "a vote", s.span)
        voted = spread(value.value(frame, mask) != 0, group.width) & mask.flags
        n = group.geometry.block_threads
        yes: Array = voted.reshape(-1, n).sum(axis=1)
        here: Array = mask.flags.reshape(-1, n).sum(axis=1)
        result = {"any": yes != 0, "all": yes == here, "count": yes}[s.mode]
        frame.assign(s.dest.name, np.repeat(result, n).astype(CARRIER[s.dest.type]), mask)

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
