"""Memory objects of a running group: bounds, alignment, initialisation and races around a buffer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tv.arithmetic import decode
from tv.kernel import MemRef, Scalar, Space
from tv.replay.aliases import Aliases
from tv.replay.atomic_sums import AtomicSums
from tv.replay.buffers import Buffer
from tv.replay.carriers import Array, from_bits, to_bits
from tv.replay.events import Event, Recorder, Thread
from tv.replay.group import Group
from tv.replay.masks import Mask
from tv.replay.ordering import THREAD, Order, Who
from tv.replay.races import OVERWRITTEN, Conflict, Shadow
from tv.source import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class Access:
    """Checked addresses: positions of the threads (ascending), and for each the byte in the buffer and in its object."""

    positions: NDArray[np.int64]
    address: NDArray[np.int64]
    offset: NDArray[np.int64]

    def only(self, keep: NDArray[np.bool_]) -> Access:
        return Access(self.positions[keep], self.address[keep], self.offset[keep])


@dataclass(slots=True)
class Region:
    """One memory object as a group sees it.

    size: bytes of one instance; stride: bytes between instances (blocks for shared memory, threads for local), 0 for global.
    unit: bytes of a race cell. align: of the base. output: storing an undefined value is an `init` event.
    """

    name: str
    space: Space
    buffer: Buffer
    size: int
    stride: int
    unit: int
    align: int
    shadow: Shadow | None
    output: bool
    aliases: tuple[Aliases, int] | None = None  # where several pointers share the buffer: which one this is
    unwritten: bool = False  # no statement of the kernel writes it: a read is that of an uninitialised variable
    origin: Span | None = None  # where the last undefined value that was stored here came from
    witness: StoreWitness | None = None
    serial: int = field(default_factory=itertools.count().__next__)


@dataclass(slots=True)
class StoreWitness:
    """Notes which thread stored last to some bytes of an object, and where in the text. first, width: of the bytes."""

    object: str
    first: int
    width: int
    span: Span = NOWHERE
    thread: Thread | None = None

    def stored(self, span: Span, at: NDArray[np.int64], width: int, thread: Callable[[int], Thread]) -> None:
        """A store of `width` bytes at each of these addresses; thread: of one of them."""
        met = np.flatnonzero((at < self.first + self.width) & (at + width > self.first))
        if len(met):
            self.span, self.thread = span, thread(int(met[-1]))


@dataclass(slots=True)
class Changes:
    """count grows whenever a store may have changed memory that other threads see. sums: what atomics added to floats."""

    count: int = 0
    sums: AtomicSums = field(default_factory=AtomicSums)


class Memory:
    """Loads and stores of one group."""

    def __init__(
        self, group: Group, order: Order, recorder: Recorder, regions: dict[str, Region], changes: Changes
    ) -> None:
        self.group, self.order, self.recorder, self.regions, self.changes = group, order, recorder, regions, changes
        self._bases: dict[str, NDArray[np.int64]] = {}

    def _base(self, region: Region, positions: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Where the instances of the threads at `positions` begin; None: all at the front."""
        if region.space is Space.GLOBAL or (region.space is Space.SHARED and len(self.group.blocks) == 1):
            return None
        if region.name not in self._bases:
            own = self.group.place if region.space is Space.SHARED else np.arange(self.group.width, dtype=np.int64)
            self._bases[region.name] = own * region.stride
        base = self._bases[region.name]
        return base if len(positions) == self.group.width else base[positions]

    # -------------------------------------------------------------------------------------------- addresses
    def locate(self, ref: MemRef, offset: Array, mask: Mask, width: int | None = None) -> Access:
        """The accesses of a mask that are in range and aligned; the others are events. width: bytes, the reference's."""
        region = self.regions[ref.object]
        width = ref.count * ref.type.bytes if width is None else width
        positions = mask.indices
        uniform = offset.size == 1
        if uniform:
            at = np.full(len(positions), offset[0], dtype=np.int64)
        else:
            at = offset if mask.lanes is None else offset[positions]
        base = self._base(region, positions)
        access = Access(positions, at if base is None else at + base, at)
        if width == 0 or not len(at):
            return access
        room = region.size - width
        bits = int(offset[0] if uniform else np.bitwise_or.reduce(at))  # negative if one is, and at least the greatest
        if bits < 0 or (bits > room and (uniform or int(np.maximum.reduce(at)) > room)):
            access = self._drop(access, (at < 0) | (at > region.size - width), ref, self._range_text(region, width))
        if bits & (width - 1) and np.count_nonzero(access.offset & (width - 1)):
            text = f"misaligned access of {width} bytes"
            access = self._drop(access, (access.offset & (width - 1)) != 0, ref, text)
        if width > region.align:
            text = f"access of {width} bytes to an object whose base is aligned to {region.align} only"
            self.recorder.report(Event("bounds", text, (ref.span,), object=ref.object, severity="note"))
        return access

    def require_aligned(self, object: str, align: int, offset: Array, mask: Mask, span: Span) -> None:
        """Reports threads whose address is no multiple of `align`."""
        region, positions = self.regions[object], mask.indices
        at = (
            np.full(len(positions), offset[0])
            if offset.size == 1
            else offset
            if mask.lanes is None
            else offset[positions]
        )
        bad = (at & (align - 1)) != 0
        if bad.any():
            i = int(np.argmax(bad))
            text = f"misaligned access of a type that is aligned to {align} bytes"
            thread = self.group.name(int(positions[i]))
            self.recorder.report(Event("bounds", text, (span,), (thread,), object, int(at[i])))
        if align > region.align:
            text = (
                f"access of a type aligned to {align} bytes in an object whose base is aligned to {region.align} only"
            )
            self.recorder.report(Event("bounds", text, (span,), object=object, severity="note"))

    def _range_text(self, region: Region, width: int) -> str:
        return f"access of {width} bytes outside the {region.size} bytes of `{region.name}`"

    def _drop(self, access: Access, bad: NDArray[np.bool_], ref: MemRef, text: str) -> Access:
        i = int(np.argmax(bad))
        thread = self.group.name(int(access.positions[i]))
        self.recorder.report(Event("bounds", text, (ref.span,), (thread,), ref.object, int(access.offset[i])))
        return access.only(~bad)

    def who(self, access: Access) -> Who:
        g, p = self.group, access.positions
        if len(p) == g.width:
            return Who(g, p, g.threads, g.block_of)
        return Who(g, p, g.threads[p], g.block_of[p])

    # -------------------------------------------------------------------------------------------- values
    def load(self, ref: MemRef, access: Access, mask: Mask) -> list[tuple[Array, NDArray[np.bool_] | None]]:
        """For each element of the reference its value, shape (width of the group,), and the threads where it is undefined."""
        region = self.regions[ref.object]
        out = []
        for i in range(ref.count):
            at = access.address + i * ref.type.bytes if i else access.address
            bits = region.buffer.load(at, ref.type.bytes)
            value = from_bits(bits, ref.type)
            good = _truths(region.buffer.initialised(at, ref.type.bytes), bits, ref.type)
            undefined = None
            if good is not None or len(access.positions) != mask.count:
                undefined = mask.flags.copy()
                undefined[access.positions] = False if good is None else ~good
            out.append((self._spread(value, access), undefined))
        return out

    def _spread(self, value: Array, access: Access) -> Array:
        if len(access.positions) == self.group.width:
            return value
        full = np.zeros(self.group.width, dtype=value.dtype)
        full[access.positions] = value
        return full

    def load_uniform(self, ref: MemRef, offset: Array) -> list[tuple[Array, NDArray[np.bool_] | None]]:
        """A load of one address by all, shape (1,); the address was located."""
        buffer = self.regions[ref.object].buffer
        out: list[tuple[Array, NDArray[np.bool_] | None]] = []
        for i in range(ref.count):
            at = offset + i * ref.type.bytes
            bits = buffer.load(at, ref.type.bytes)
            good = _truths(buffer.initialised(at, ref.type.bytes), bits, ref.type)
            undefined = None if good is None else np.ones(self.group.width, dtype=np.bool_)
            out.append((from_bits(bits, ref.type), undefined))
        return out

    def bits_of(self, value: Array, scalar: Scalar, access: Access) -> Array:
        """The bits of a value for the accesses, shape (n,)."""
        bits = to_bits(value, scalar)
        if bits.size == 1:
            return np.full(len(access.positions), bits[0], dtype=bits.dtype)
        return bits if len(access.positions) == self.group.width else bits[access.positions]

    def store(
        self,
        ref: MemRef,
        access: Access,
        element: int,
        bits: Array,
        undefined: Array | None,
        origin: Span | None,
    ) -> None:
        """Writes element `element` of the reference; undefined values leave the memory uninitialised."""
        region = self.regions[ref.object]
        at = access.address + element * ref.type.bytes
        region.buffer.store(at, ref.type.bytes, bits)
        if region.witness is not None:
            region.witness.stored(ref.span, at, ref.type.bytes, lambda i: self.group.name(int(access.positions[i])))
        self.changes.count += 1
        if undefined is not None:
            mine = undefined[access.positions] if undefined.size > 1 else np.full(len(at), undefined[0])
            if mine.any():
                if region.output:
                    text = f"a value that was never written is stored to `{ref.object}`"
                    self.undefined(access, mine, ref.span, text, ref.object, origin)
                region.origin = origin
                region.buffer.forget(at[mine], ref.type.bytes)

    def begin(self, name: str, mask: Mask) -> None:
        """The lifetime of a local object begins: every byte of it is uninitialised again."""
        region = self.regions.get(name)
        if region is None or region.space is not Space.LOCAL:
            return
        first = mask.indices * region.stride
        region.buffer.forget((first[:, None] + np.arange(region.size)).reshape(-1), 1)

    def undefined(
        self, access: Access, bad: Array, span: Span, text: str, name: str, origin: Span | None = None
    ) -> None:
        """An `init` event for the first of the accesses that is bad."""
        i = int(np.argmax(bad))
        thread = self.group.name(int(access.positions[i]))
        spans = (span,) if origin is None else (span, origin)
        self.recorder.report(Event("init", text, spans, (thread,), name, int(access.offset[i])))

    # -------------------------------------------------------------------------------------------- races
    def cells(self, region: Region, access: Access, width: int) -> tuple[NDArray[np.int64], Who]:
        """The race cells of accesses of `width` bytes, and the thread of each."""
        count = width // region.unit
        cells = access.address // region.unit
        who = self.who(access)
        if count == 1:
            return cells, who
        return (cells[:, None] + np.arange(count)).reshape(-1), who.repeat(count)

    def some(self, cells: NDArray[np.int64], who: Who, keep: NDArray[np.int64]) -> tuple[NDArray[np.int64], Who]:
        """Only some of the cells."""
        return cells[keep], Who(who.group, who.positions[keep], who.threads[keep], who.blocks[keep])

    def watch(self, kind: str, ref: MemRef, access: Access, span: Span, values: list[Array] | None = None) -> None:
        """Tells the race detector of an access. `values`: bits about to be stored, to tell same-value writes apart."""
        region = self.regions[ref.object]
        if region.shadow is None or not len(access.positions):
            return
        width = ref.count * ref.type.bytes
        cells, who = self.cells(region, access, width)
        if region.aliases is not None:
            self._check_aliases(region.aliases, cells, ref, access, width // region.unit, writes="write" in kind)
        for conflict in region.shadow.access(kind, cells, who, self.order.advance(span)):
            self.report_race(conflict, ref, access, width // region.unit, span, values)

    def fenced(self, access: Access) -> bool:
        """Whether a thread of an access stands behind a fence of its own, with no barrier of its block since: then a volatile store,
        to shared memory too, may be what a protocol of flags publishes by."""
        return self.order.fenced(self.who(access))

    def _check_aliases(
        self,
        aliases: tuple[Aliases, int],
        cells: NDArray[np.int64],
        ref: MemRef,
        access: Access,
        per: int,
        *,
        writes: bool,
    ) -> None:
        bad = aliases[0].access(aliases[1], cells, writes=writes)
        if bad is not None:
            i = int(np.argmax(bad)) // per
            thread = self.group.name(int(access.positions[i]))
            text = "memory that is written is reached through a `__restrict__` pointer and through another one"
            self.recorder.report(Event("race", text, (ref.span,), (thread,), ref.object, int(access.offset[i])))

    def report_race(
        self, conflict: Conflict, ref: MemRef, access: Access, per: int, span: Span, values: list[Array] | None
    ) -> None:
        """Turns a conflict into an event; `per`: cells of one access."""
        region = self.regions[ref.object]
        pick, severity, note = 0, "error", ""
        if conflict.why == "overwrite" and values is not None:
            differs = ~self._same_value(conflict, ref, access, per, values)
            pick = int(np.argmax(differs))
            if not differs.any():
                severity, note = "note", "; all write the same value"
        cell = int(conflict.which[pick])
        earlier = int(conflict.stamps[pick])
        there = self.order.spans[earlier >> 32] or NOWHERE
        text = {
            "unordered": "two threads access the same memory without a barrier between, one of them writes",
            "overwrite": OVERWRITTEN,
            "read-only": "memory that is read through the read-only path is written in the same launch",
            "copy": "memory of an asynchronous copy is accessed before the copy has completed",
        }[conflict.why]
        threads = (self.group.name(int(access.positions[cell // per])), self.group.geometry.name(earlier & THREAD))
        offset = int(access.offset[cell // per]) + cell % per * region.unit
        self.recorder.report(Event("race", text + note, (span, there), threads, ref.object, offset, severity))

    def _same_value(
        self, conflict: Conflict, ref: MemRef, access: Access, per: int, values: list[Array]
    ) -> NDArray[np.bool_]:
        """Which of the conflicting writes leave what is there, and what every thread of this statement writes there."""
        buffer, width = self.regions[ref.object].buffer, ref.type.bytes
        same = np.ones(len(conflict.which), dtype=np.bool_)
        which = conflict.which // per
        earlier = conflict.stamps >> 32 != self.order.tick
        for i, bits in enumerate(values):
            at = access.address + i * width
            if earlier.any():
                old = buffer.load(at[which], width)
                same &= ~earlier | _alike(old, bits[which], ref.type)
            order = np.argsort(at, kind="stable")
            winner = order[np.searchsorted(at[order], at[which], side="right") - 1]
            same &= earlier | _alike(bits[winner], bits[which], ref.type)
        return same


def _alike(a: Array, b: Array, scalar: Scalar) -> NDArray[np.bool_]:
    """Where bits are one value: any NaN is like any other, since no one says which of them an operation gives."""
    same: NDArray[np.bool_] = a == b
    if scalar.is_float and not same.all():
        x, y = (decode(v.astype(np.uint64), scalar.label) for v in (a, b))
        same |= np.isnan(x) & np.isnan(y)
    return same


def _truths(good: NDArray[np.bool_] | None, bits: Array, scalar: Scalar) -> NDArray[np.bool_] | None:
    """Where loaded values are defined, as `good` says of their bytes (None: everywhere): a `bool` is 0 or 1."""
    if scalar is not Scalar.BOOL or bits.max(initial=0) <= 1:
        return good
    truth: NDArray[np.bool_] = bits <= 1
    return truth if good is None else good & truth
