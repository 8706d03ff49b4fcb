"""Asynchronous copies to shared memory: `cp.async` and its groups.

The destination is written when the copy completes, which is the first wait of the issuing thread that leaves fewer later
committed groups pending than its argument allows. From issue to completion every access to the destination, and every
write to the source, is a race. A copy that is never waited for leaves its destination uninitialised.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tv.kernel import AsyncCopy, MemRef
from tv.replay.carriers import UNSIGNED
from tv.replay.expressions import Expression
from tv.replay.frame import Frame, PendingCopy
from tv.replay.masks import Mask
from tv.replay.mathlib import MathLibrary
from tv.replay.memory import Access
from tv.replay.races import Conflict
from tv.replay.warps import spread
from tv.source import Span

Effect = Callable[[Frame, Mask], None]


def compile_copy(s: AsyncCopy, math: MathLibrary) -> Effect:
    to, source = Expression(s.dst.offset, math), Expression(s.src.offset, math)
    fill = None if s.zero_fill is None else Expression(s.zero_fill, math)
    operands = [to, source] if fill is None else [to, source, fill]
    width = s.dst.count * s.dst.type.bytes

    def run(frame: Frame, mask: Mask) -> None:
        for operand in operands:
            operand.require(frame, mask, "an asynchronous copy", s.span)
        size = np.full(mask.width, width, dtype=np.int64)
        if fill is not None:
            zeros = spread(fill.value(frame, mask), mask.width).astype(np.int64)
            wrong = mask.holds((zeros < 0) | (zeros > width))
            if wrong is not None:
                frame.report("range", f"zero fill outside 0 to {width} bytes", s.span, wrong)
            size -= np.clip(zeros, 0, width)
        _issue(frame, mask, s, (to, source), size)

    return run


def _issue(
    frame: Frame, mask: Mask, s: AsyncCopy, offsets: tuple[Expression, Expression], size: NDArray[np.int64]
) -> None:
    memory = frame.memory
    to = memory.locate(s.dst, offsets[0].value(frame, mask), mask)
    source = _locate_source(frame, mask, s.src, offsets[1], size)
    both = np.intersect1d(to.positions, source.positions, assume_unique=True)
    to, source = (a.only(np.isin(a.positions, both)) for a in (to, source))
    if not len(both):
        return
    if frame.commits.size == 1:
        frame.commits = np.zeros(mask.width, dtype=np.int64)
    tick = frame.order.advance(s.span)
    for kind, ref, access in (("copy", s.dst, to), ("copy_source", s.src, source)):
        region = memory.regions[ref.object]
        if region.shadow is not None:
            width = s.dst.count * s.dst.type.bytes
            cells, who = memory.cells(region, access, width)
            per = width // region.unit
            limit = size[access.positions] if kind == "copy_source" else np.full(len(both), width)
            used = np.flatnonzero(np.arange(per) * region.unit < limit[:, None])  # what is zero-filled is not read
            cells, who = memory.some(cells, who, used)
            for conflict in region.shadow.start_copy(kind, cells, who, tick):
                whole = Conflict(used[conflict.which], conflict.stamps, conflict.why)
                memory.report_race(whole, ref, access, per, s.span, None)
    _each_element(s.dst, to, lambda at, unit: memory.regions[s.dst.object].buffer.forget(at, unit))
    frame.copies.append(PendingCopy(s.dst, s.src, frame.commits[both], to, source, size[both]))


def _locate_source(frame: Frame, mask: Mask, ref: MemRef, offset: Expression, size: NDArray[np.int64]) -> Access:
    """Checks the bytes that are read, which may differ from thread to thread."""
    at = offset.value(frame, mask)
    parts = []
    for length in np.unique(size[mask.indices]):
        chosen = mask.split(size == length)[0]
        if chosen is not None:
            parts.append(frame.memory.locate(ref, at, chosen, int(length)))
    joined = [
        np.concatenate(column) for column in zip(*((p.positions, p.address, p.offset) for p in parts), strict=True)
    ]
    order = np.argsort(joined[0])
    return Access(*(column[order] for column in joined))


def _each_element(ref: MemRef, access: Access, act: Callable[[NDArray[np.int64], int], None]) -> None:
    for i in range(ref.count):
        act(access.address + i * ref.type.bytes, ref.type.bytes)


def commit(frame: Frame, mask: Mask) -> None:
    """Closes the current group of each thread; an empty one counts."""
    if frame.commits.size == 1:
        frame.commits = np.zeros(mask.width, dtype=np.int64)
    frame.commits = frame.commits + mask.flags


def compile_wait(groups: int, span: Span) -> Effect:
    def run(frame: Frame, mask: Mask) -> None:
        left = []
        for copy in frame.copies:
            ready = mask.flags[copy.to.positions] & (copy.group < frame.commits[copy.to.positions] - groups)
            if ready.any():
                _complete(frame, _part(copy, ready), span)
                copy = _part(copy, ~ready)
            if len(copy.to.positions):
                left.append(copy)
        frame.copies = left

    return run


def _part(copy: PendingCopy, keep: NDArray[np.bool_]) -> PendingCopy:
    to, source = copy.to.only(keep), copy.source.only(keep)
    return PendingCopy(copy.target, copy.origin, copy.group[keep], to, source, copy.size[keep])


def _complete(frame: Frame, copy: PendingCopy, span: Span) -> None:
    memory = frame.memory
    target, origin = memory.regions[copy.target.object], memory.regions[copy.origin.object]
    width = copy.target.count * copy.target.type.bytes
    for kind, region, access in (("copy", target, copy.to), ("copy_source", origin, copy.source)):
        if region.shadow is not None:
            region.shadow.end_copy(kind, memory.cells(region, access, width)[0])
    memory.watch("read", copy.origin, copy.source.only(copy.size == width), span)
    memory.watch("write", copy.target, copy.to, span)
    unit = copy.target.type.bytes
    for i in range(copy.target.count):
        inside = copy.size - i * unit  # bytes of this element that are copied
        bits = np.zeros(len(inside), dtype=UNSIGNED[unit])
        undefined = np.zeros(len(inside), dtype=np.bool_)
        for byte in range(unit) if (inside % unit != 0).any() else ():
            part = (inside > byte) & (inside < unit)
            at = copy.source.address[part] + i * unit + byte
            bits[part] |= origin.buffer.load(at, 1).astype(bits.dtype) << bits.dtype.type(8 * byte)
        whole = inside >= unit
        at = copy.source.address[whole] + i * unit
        bits[whole] = origin.buffer.load(at, unit)
        good = origin.buffer.initialised(at, unit)
        if good is not None:
            undefined[np.flatnonzero(whole)[~good]] = True
        target.buffer.store(copy.to.address + i * unit, unit, bits)
        if undefined.any():
            target.buffer.forget(copy.to.address[undefined] + i * unit, unit)
    memory.changes.count += 1
