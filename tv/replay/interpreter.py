"""Execution of a kernel of the Kernel IR: every thread, bit for bit, with its defects reported as events.

Blocks that never wait for each other run in chunks, each chunk one vector of threads. Where a kernel has a grid barrier or
a loop that waits on global memory all blocks run as one vector; if that cannot go on, block by block in turns. Only memory
that is accessed is touched, so a `GeneratedBuffer` of any size serves as a weight.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tv.arithmetic import Functions
from tv.diagnostic import BadInput, Unknown
from tv.kernel import (
    AsyncCopy,
    Atomic,
    Binary,
    Convert,
    Kernel,
    MemoryObject,
    Space,
    Store,
    assigned,
    children,
    expressions,
    references,
    walk,
)
from tv.replay.aliases import Aliases
from tv.replay.buffers import Buffer, DenseBuffer
from tv.replay.carriers import CARRIER, UNSIGNED, Array, constant
from tv.replay.contraction import contract
from tv.replay.events import Execution, Halt, Recorder
from tv.replay.frame import Budget, Frame, Hole, Scheduler
from tv.replay.group import Dim, Geometry, Group
from tv.replay.guesses import with_guesses
from tv.replay.launches import in_order, launches, shared_objects
from tv.replay.masks import Mask
from tv.replay.mathlib import MathLibrary
from tv.replay.memory import Changes, Memory, Region, StoreWitness
from tv.replay.nans import NanForm
from tv.replay.ordering import Order
from tv.replay.races import Shadow
from tv.replay.scheduling import Lockstep, Stuck, Turns, deadlock
from tv.replay.statements import compile_body
from tv.replay.waiting import waits_across_blocks

STEP_LIMIT = 5_000_000  # vector statements
_CHUNK = 1 << 16  # threads that run as one vector
_KEPT = 1 << 25  # values that operations keep of their last evaluation, each for every thread of a vector
_MOST_TURNS = 1024  # blocks that may run in turns


def run(
    kernel: Kernel,
    grid: Dim,
    block: Dim,
    buffers: dict[str, Buffer],
    scalars: dict[str, int],
    *,
    shared_bytes: int = 0,
    fmad: bool = True,
    blocks: Sequence[Dim] | None = None,
    step_limit: int = STEP_LIMIT,
    event_limit: int = 1,
    schedule: str = "auto",
    outputs: Collection[str] | None = None,
    deadline: float | None = None,
    grace: float | None = None,
    variant: int = 0,
    races: bool = True,
    witness: StoreWitness | None = None,
    functions: Functions | None = None,
    nan: NanForm | None = None,
) -> Execution:
    """Executes a launch and leaves its effects in `buffers`.

    buffers: pointer parameters (and module-scope objects; those left out get their initialiser, else zeros) by name; one
    buffer under two names is one memory. scalars: parameters by value, as bits of their type. shared_bytes: dynamic shared
    memory. fmad: contract multiplies as `contraction.contract` says. blocks: run only these, x y z. outputs: objects for
    which storing an undefined value is an event at once, None: all global ones; elsewhere the bytes merely become
    uninitialised. event_limit: errors collected before the run stops. deadline: of `time.monotonic()`, ends it as a `budget`;
    grace: so does this many seconds after the first event. variant: of the functions' bits, see `tv.replay.doubt`.
    schedule: where blocks wait for each other, `auto` runs them all in step as far as that goes, `turns` block by block,
    which shows races that only an uneven pace brings out. races: whether to look for them; without, a kernel that has one is
    run in one of its orders. witness: told of the stores to its bytes. functions: asked first for the bits of mathematical ones.
    nan: what NaNs operations give; None: whatever the machine gives.

    Raises BadInput for arguments that do not fit the kernel, or `blocks` where blocks wait for each other; Unsupported for
    what the interpreter has no meaning for; Unknown where it cannot schedule threads that wait for each other.
    """
    if schedule not in ("auto", "turns"):
        raise BadInput("TV0720", f"no schedule `{schedule}`", help="the schedules are auto and turns")
    geometry = Geometry(grid, block)
    _check_launch(kernel, geometry, buffers, scalars)
    launch = _Launch(
        contract(kernel) if fmad else kernel,
        geometry,
        buffers,
        scalars,
        shared_bytes,
        outputs,
        step_limit,
        event_limit,
        deadline,
        grace,
        variant,
        races,
        witness,
        functions,
        nan,
    )
    wait = waits_across_blocks(launch.kernel)
    if blocks is not None and wait is not None:
        raise BadInput("TV0721", "some blocks alone cannot run: blocks wait for each other here", wait)
    chosen = range(geometry.blocks) if blocks is None else [_linear(b, grid) for b in blocks]
    parts = launches(launch.kernel)
    if len(parts) > 1:
        kept = {n: module_buffer(kernel.objects[n], kernel.globals.get(n, ())) for n in shared_objects(kernel)}
        launch = replace(launch, buffers={**kept, **buffers})

    def one(part: Kernel, spent: int) -> Execution:
        here = replace(launch, kernel=part, step_limit=step_limit - spent)
        return here.execute(chosen, schedule if waits_across_blocks(part) is not None else "chunks")

    with np.errstate(all="ignore"):
        return in_order(parts, one)


def _linear(block: Dim, grid: Dim) -> int:
    if not all(0 <= b < g for b, g in zip(block, grid, strict=True)):
        raise BadInput("TV0721", f"block {block} is outside the grid {grid}")
    return (block[2] * grid[1] + block[1]) * grid[0] + block[0]


def _check_launch(kernel: Kernel, geometry: Geometry, buffers: dict[str, Buffer], scalars: dict[str, int]) -> None:
    if min(*geometry.grid, *geometry.block) < 1 or geometry.block_threads > 1024:
        text = f"a launch of {geometry.grid} blocks of {geometry.block} threads"
        raise BadInput("TV0720", text, kernel.span, "each extent is at least 1, a block has at most 1024 threads")
    if kernel.max_threads is not None and geometry.block_threads > kernel.max_threads:
        text = f"{geometry.block_threads} threads in a block, but `__launch_bounds__` allows {kernel.max_threads}"
        raise BadInput("TV0720", text, kernel.span)
    used = {r.object for s in walk(kernel.body) for r in references(s)}
    for p in kernel.parameters:
        if p.type is not None and p.name not in scalars:
            raise BadInput("TV0720", f"no value for parameter `{p.name}`", p.span)
        if p.type is None and p.name in used and p.name not in buffers:
            raise BadInput("TV0720", f"no buffer for parameter `{p.name}`", p.span)


@dataclass(slots=True)
class _Launch:
    kernel: Kernel
    geometry: Geometry
    buffers: dict[str, Buffer]
    scalars: dict[str, int]
    shared_bytes: int
    outputs: Collection[str] | None
    step_limit: int
    event_limit: int
    deadline: float | None = None
    grace: float | None = None
    variant: int = 0
    races: bool = True
    witness: StoreWitness | None = None
    functions: Functions | None = None
    nan: NanForm | None = None

    def execute(self, blocks: Sequence[int], way: str) -> Execution:
        """way: chunks, auto, turns."""
        match way:
            case "chunks":
                return _Run(self, len(blocks)).in_chunks(blocks)
            case "turns":
                return self._in_turns(blocks)
        changed = {id(b): b for n, b in self.buffers.items() if n in written_objects(self.kernel)}
        states = [(b, b.snapshot()) for b in changed.values()]
        try:
            return _Run(self, len(blocks)).in_lockstep(blocks)
        except Stuck:
            for buffer, state in states:
                buffer.restore(state)
        return self._in_turns(blocks)

    def _in_turns(self, blocks: Sequence[int]) -> Execution:
        if len(blocks) > _MOST_TURNS:
            raise Unknown(
                "TV0722",
                f"{len(blocks)} blocks wait for each other",
                self.kernel.span,
                f"the interpreter runs at most {_MOST_TURNS} blocks in turns; launch fewer, or give the sizes that the grid depends on a smaller `max`",
            )
        return _Run(self, len(blocks)).in_turns(blocks)


class _Run:
    """One attempt at a launch: its clocks, events and global memory."""

    def __init__(self, launch: _Launch, running: int) -> None:
        self._launch, self._kernel = launch, launch.kernel
        self._order = Order(launch.geometry, running)
        self._recorder = Recorder(launch.event_limit)
        self._budget = Budget(launch.step_limit, 0, launch.deadline, launch.grace, self._recorder)
        self._changes = Changes()
        self._math = MathLibrary(launch.variant, launch.functions, launch.nan)
        self._body = compile_body(with_guesses(self._kernel.body), self._math)
        self._ordered_atomics = False
        self._written = written_objects(self._kernel)
        self._global = self._global_regions()

    # -------------------------------------------------------------------------------------------- ways to run
    def in_chunks(self, blocks: Sequence[int]) -> Execution:
        size = max(1, self._chunk(len(blocks)) // self._launch.geometry.block_threads)

        def work() -> None:
            for at in range(0, len(blocks), size):
                self._group(blocks[at : at + size], Lockstep(self._order, self._changes))

        return self._finish(work)

    def _chunk(self, blocks: int) -> int:
        """How many threads may run as one vector: fewer where the kernel's text is long."""
        if blocks * self._launch.geometry.block_threads <= _CHUNK >> 4:
            return _CHUNK
        kept, todo = 1, [e for s in walk(self._kernel.body) for e in expressions(s)]
        while todo:
            e = todo.pop()
            kept += isinstance(e, Binary | Convert)
            todo += children(e)
        return min(_CHUNK, max(_CHUNK >> 4, _KEPT // kept))

    def in_lockstep(self, blocks: Sequence[int]) -> Execution:
        return self._finish(
            lambda: self._group(blocks, Lockstep(self._order, self._changes)), turns_left=len(blocks) > 1
        )

    def in_turns(self, blocks: Sequence[int]) -> Execution:
        turns = Turns(self._order, self._recorder, self._changes)
        return self._finish(lambda: turns.run(blocks, lambda b, scheduler: self._group([b], scheduler)))

    def _finish(self, work: object, *, turns_left: bool = False) -> Execution:
        assert callable(work)
        ended = "done"
        try:
            try:
                work()
            except Stuck as stuck:
                if turns_left:
                    raise
                deadlock(self._recorder, stuck.frame, stuck.spin, stuck.active)
        except Halt as halt:
            ended = halt.ended
        return Execution(
            tuple(self._recorder.events),
            ended,
            tuple(self._recorder.notes),
            frozenset(self._math.used),
            self._ordered_atomics or not self._changes.sums.exact(),
            self._budget.used,
            {"memory statements and barriers": self._order.tick},
            self._math.rounded_product,
            frozenset(self._math.loose),
            self._math.nans.made,
        )

    def _group(self, blocks: Sequence[int], scheduler: Scheduler) -> None:
        group = Group(self._launch.geometry, blocks)
        memory = Memory(group, self._order, self._recorder, self._global | self._own_regions(group), self._changes)
        params = {
            p.name: constant(self._launch.scalars[p.name], p.type)
            for p in self._kernel.parameters
            if p.type is not None
        }
        names = [f"{k}.{a}" for k in ("threadIdx", "blockIdx", "blockDim", "gridDim") for a in "xyz"]
        types = {v.name: v.type for s in walk(self._kernel.body) for v in assigned(s)}
        everywhere = np.ones(group.width, dtype=np.bool_)
        frame = Frame(
            group,
            memory,
            self._order,
            self._recorder,
            scheduler,
            self._budget,
            params,
            {n: group.builtin(n) for n in names},
            {n: np.zeros(1, dtype=CARRIER[t]) for n, t in types.items()},
            {n: Hole(everywhere, everywhere=True) for n in types},
            self._written,
        )
        self._body(frame, Mask(group.width))
        self._ordered_atomics |= frame.ordered_atomics
        self._order.finish(group)

    # -------------------------------------------------------------------------------------------- memory
    def _global_regions(self) -> dict[str, Region]:
        found = {o.name: self._buffer(o) for o in self._objects(Space.GLOBAL)}
        written = {id(found[n]) for n in self._written if n in found and self._launch.races}
        shadows: dict[int, Shadow] = {}
        regions = {}
        for name, buffer in found.items():
            unit = self._unit({n for n, b in found.items() if b is buffer})
            if id(buffer) in written and id(buffer) not in shadows:
                shadows[id(buffer)] = Shadow(buffer.size // unit + 1, self._order, one_block=False)
            output = self._launch.outputs is None or name in self._launch.outputs
            shadow = shadows.get(id(buffer))
            region = Region(name, Space.GLOBAL, buffer, buffer.size, 0, unit, buffer.align, shadow, output)
            witness = self._launch.witness
            region.witness = witness if witness is not None and witness.object == name else None
            regions[name] = region
        for shared in (
            [r for r in regions.values() if r.buffer is b] for b in {id(b): b for b in found.values()}.values()
        ):
            self._join(shared)
        return regions

    def _join(self, regions: list[Region]) -> None:
        """Tells the regions of one buffer of each other."""
        restricted = {p.name for p in self._kernel.parameters if p.restrict}
        flags = [r.name in restricted for r in regions]
        first = regions[0]
        if len(regions) > 1 and any(flags) and first.shadow is not None:
            aliases = Aliases.of(first.size // first.unit + 1, flags)
            for i, r in enumerate(regions):
                r.aliases = (aliases, i)
        for r in regions:
            r.serial = first.serial

    def _objects(self, space: Space) -> Iterable[MemoryObject]:
        used = {r.object for s in walk(self._kernel.body) for r in references(s)}
        return [o for n, o in self._kernel.objects.items() if n in used and o.space is space]

    def _buffer(self, o: MemoryObject) -> Buffer:
        """The caller's buffer; else a module-scope object's initial contents, zeros where nothing is said."""
        if o.entries is not None:
            raise TypeError(f"where the buffers of `{o.name}` lie is open")
        if o.name in self._launch.buffers:
            return self._launch.buffers[o.name]
        return module_buffer(o, self._kernel.globals.get(o.name, ()))

    def _unit(self, names: Collection[str]) -> int:
        widths = [r.type.bytes for s in walk(self._kernel.body) for r in references(s) if r.object in names]
        return min(widths)

    def _own_regions(self, group: Group) -> dict[str, Region]:
        """Shared memory of the group's blocks and local memory of its threads."""
        regions = {}
        for o in (*self._objects(Space.SHARED), *self._objects(Space.LOCAL)):
            size = self._launch.shared_bytes if o.extents is None else _count(o) * o.element.bytes
            stride = -(-size // 16) * 16
            instances = len(group.blocks) if o.space is Space.SHARED else group.width
            buffer = DenseBuffer.empty(instances * stride)
            unit = self._unit({o.name})
            shadow = None
            if o.space is Space.SHARED and o.name in self._written and self._launch.races:
                shadow = Shadow(buffer.size // unit + 1, self._order, one_block=True)
            regions[o.name] = Region(
                o.name,
                o.space,
                buffer,
                size,
                stride,
                unit,
                o.align,
                shadow,
                output=False,
                unwritten=o.space is Space.LOCAL and o.name not in self._written,
            )
        return regions


def written_objects(kernel: Kernel) -> frozenset[str]:
    """Names of the memory objects that some statement of the kernel writes."""
    found: set[str] = set()
    for s in walk(kernel.body):
        match s:
            case AsyncCopy(dst=target):
                found.add(target.object)
            case Store(ref=target) | Atomic(ref=target):
                found.add(target.object)
    return frozenset(found)


def module_buffer(o: MemoryObject, initial: Sequence[int] = ()) -> DenseBuffer:
    """A module-scope object as a module starts: its initial elements (bits), then zeros. Pass it to every launch that
    shares the object. Raises BadInput for an object without extents."""
    if o.extents is None:
        raise BadInput("TV0720", f"no buffer for `{o.name}`", o.span)
    elements: Array = np.zeros(_count(o), dtype=UNSIGNED[o.element.bytes])
    elements[: len(initial)] = np.array(initial, dtype=elements.dtype)
    return DenseBuffer.of(elements, align=o.align)


def _count(o: MemoryObject) -> int:
    """Elements of an object whose extents are known."""
    count = 1
    for extent in o.extents or ():
        count *= extent
    return count
