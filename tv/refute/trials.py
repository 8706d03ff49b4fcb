"""Runs of a kernel at chosen sizes, and which sizes, blocks and contents are worth a run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tv.arithmetic import Functions
from tv.kernel import Atomic, Kernel, Space, walk
from tv.obligation import Witness
from tv.refute.patterns import Pattern
from tv.refute.setting import Dim3, Setting, Watched
from tv.refute.single import OTHERS, Target, alone, prepared
from tv.refute.slicing import Cut, sliced
from tv.replay.events import Execution
from tv.replay.interpreter import run
from tv.replay.memory import StoreWitness
from tv.replay.nans import NanForm
from tv.replay.waiting import waits_across_blocks

MOST_EVENTS = 12
GRACE = 0.3  # seconds that a run goes on after its first event
MOST_THREADS = 1 << 20  # of a launch that is run whole
MOST_PARTNERS = 128  # blocks that are run together as they may share a counter
VALUES = (1, 2, 3, 255, 257, 1 << 16, 1 << 62, 31, 64, 1000)  # of symbols, cut to their ranges, in the order of trial
UNEVEN = (5, 61)


@dataclass(slots=True)
class Clock:
    """Wall time that is left for a search."""

    seconds: float
    start: float = field(default_factory=time.monotonic)

    @property
    def deadline(self) -> float:
        return self.start + self.seconds

    @property
    def used(self) -> float:
        return time.monotonic() - self.start

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()


@dataclass(frozen=True, slots=True)
class Trial:
    """What was run: blocks None for all of them; cut: only a slice of the kernel; target: only what one of its values hangs on.

    turns: blocks that wait for each other run one at a time, not in step: some races need an uneven pace.
    """

    symbols: tuple[tuple[str, int], ...]
    pattern: Pattern
    blocks: tuple[Dim3, ...] | None
    cut: Cut | None = None
    target: Target | None = None
    turns: bool = False


@dataclass(slots=True)
class Outcome:
    trial: Trial
    setting: Setting
    execution: Execution
    buffers: dict[str, Watched]
    witness: StoreWitness | None = None


def execute(
    setting: Setting,
    trial: Trial,
    fmad: bool,
    deadline: float,
    variant: int = 0,
    races: bool = True,
    witness: StoreWitness | None = None,
    functions: Functions | None = None,
    nan: NanForm | None = None,
) -> Outcome:
    """One run; variant: of the functions' bits; races: whether to look for them; witness: of stores; functions: of a GPU; nan: what
    operations give. Raises what interpreter and binding raise."""
    kernel = setting.kernel if trial.cut is None else sliced(setting.kernel, trial.cut)
    if trial.cut is None and not races:
        kernel, fmad = prepared(setting.kernel, fmad), False
    buffers = setting.buffers(trial.pattern)
    if trial.target is not None:
        kernel, fmad = alone(setting.kernel, trial.target, fmad), False  # contracted before it was taken apart
        own = buffers[trial.target.object]
        buffers[trial.target.object + OTHERS] = Watched(own.size, 1, None, align=own.align)
    done = run(
        kernel, setting.grid, setting.launch.block, dict(buffers), setting.scalars(trial.pattern), shared_bytes=setting.shared_bytes,
        fmad=fmad, blocks=trial.blocks, event_limit=MOST_EVENTS, outputs=setting.outputs, deadline=deadline, grace=GRACE, variant=variant, races=races,
        witness=witness, functions=functions, nan=nan, schedule="turns" if trial.turns else "auto",
    )  # fmt: skip
    return Outcome(trial, setting, done, buffers, witness)


def sizes(ranges: Mapping[str, tuple[int, int]], first: Sequence[Mapping[str, int]]) -> Iterator[dict[str, int]]:
    """Values of all symbols: `first` (made complete and admissible), then small and large ones, each assignment once."""
    seen: set[tuple[int, ...]] = set()

    def fresh(values: Mapping[str, int]) -> Iterator[dict[str, int]]:
        full = {s: min(max(values.get(s, low), low), high) for s, (low, high) in ranges.items()}
        key = tuple(full.values())
        if key not in seen:
            seen.add(key)
            yield full

    for values in first:
        yield from fresh(values)
    yield from fresh({s: low for s, (low, _) in ranges.items()})
    if len(ranges) > 1:  # sizes that differ, so that one mistaken for another shows
        for v in UNEVEN:
            yield from fresh({s: v + 6 * k for k, s in enumerate(ranges)})
    if ranges:
        for v in VALUES:
            yield from fresh(dict.fromkeys(ranges, v))


def block_choices(
    setting: Setting, witness: Witness | None, most_threads: int = MOST_THREADS, whole: bool = False
) -> Iterator[tuple[Dim3, ...] | None]:
    """Blocks to run: those of the witness, a few at the ends of the grid, all of them where that is affordable, one.

    whole: all or none where blocks may work on one cell together, as each of them alone leaves something else there.
    """
    grid, block = setting.grid, setting.launch.block
    if waits_across_blocks(setting.kernel) is not None or (whole and _share_cells(setting.kernel)):
        yield None
        return
    count = grid[0] * grid[1] * grid[2]
    threads = count * block[0] * block[1] * block[2]
    inside = [b for b, _ in witness.threads if all(0 <= x < g for x, g in zip(b, grid, strict=True))] if witness else []
    if inside:
        yield tuple(dict.fromkeys(inside))
    if _takes_turns(setting.kernel):
        yield from groups(inside[0] if inside else (0, 0, 0), grid)
    if threads > 4096 or count > 4:
        ends = [*inside, *(place(n, grid) for n in (0, 1, count // 2, count - 2, count - 1) if 0 <= n < count)]
        yield tuple(dict.fromkeys(ends))
    if threads <= most_threads:
        yield None
    if count > 1:
        yield (place(0, grid),)


def _share_cells(kernel: Kernel) -> bool:
    return any(isinstance(s, Atomic) and kernel.objects[s.ref.object].space is Space.GLOBAL for s in walk(kernel.body))


def _takes_turns(kernel: Kernel) -> bool:
    """Does a block do what it finds to do in a counter?"""
    return any(isinstance(s, Atomic) and s.dest is not None for s in walk(kernel.body))


def groups(block: Dim3, grid: Dim3) -> Iterator[tuple[Dim3, ...]]:
    """Blocks that may share a counter with one: those along an axis of the grid, and its neighbours in linear order."""
    for axis in range(3):
        if 1 < grid[axis] <= MOST_PARTNERS:
            x, y, z = (range(grid[a]) if a == axis else (block[a],) for a in range(3))
            yield tuple((i, j, k) for i in x for j in y for k in z)
    linear, count = (block[2] * grid[1] + block[1]) * grid[0] + block[0], grid[0] * grid[1] * grid[2]
    first = linear - linear % MOST_PARTNERS
    if 1 < count:
        yield tuple(place(n, grid) for n in range(first, min(first + MOST_PARTNERS, count)))


def place(linear: int, grid: Dim3) -> Dim3:
    """The coordinates of a block."""
    return linear % grid[0], linear // grid[0] % grid[1], linear // (grid[0] * grid[1])
