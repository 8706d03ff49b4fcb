"""Launches on random normal inputs, as benchmarks of kernels make them: does the result pass a tolerance test?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gpu import Read, by_gpu

from tv.arithmetic import decode, encode
from tv.diagnostic import TvError
from tv.gpu.run import MOST_BYTES, GpuRunner
from tv.graph_frontend.elements import BY_LABEL
from tv.reference import evaluation, stored
from tv.refute.patterns import Pattern
from tv.refute.record import dense_inputs
from tv.refute.setting import Setting
from tv.refute.slots import Slot, mixed
from tv.refute.trials import Trial, execute

SEEDS = (1, 2, 3, 4, 5)
TOLERANCES = (1e-2, 1e-4)  # absolute and relative alike
Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]


class Normal(Pattern):
    """Floats from the standard normal distribution, cut to what is stated of them; integers from all that are allowed."""

    __slots__ = ()

    def __init__(self, seed: int) -> None:
        super().__init__("uneven", seed)

    def bits(self, slot: Slot, linear: Ints) -> Bits:
        if slot.stored is not None or not BY_LABEL[slot.label].is_float:
            return super().bits(slot, linear)
        kind: type[np.floating[Any]] = {"f64": np.float64, "f16": np.float16}.get(slot.label, np.float32)  # type: ignore[assignment]
        return encode(np.atleast_1d(self._drawn(slot, linear).astype(kind)), slot.label).reshape(linear.shape)

    def numbers(self, slot: Slot, linear: Ints) -> npt.NDArray[np.float64]:
        return _numbers(self.bits(slot, linear), slot.label)

    def _drawn(self, slot: Slot, linear: Ints) -> npt.NDArray[np.float64]:
        """By Box and Muller, from two hashes of the element."""
        u, v = (mixed(linear, slot.ordinal, 1000 * self.seed + k).astype(np.float64) for k in (1, 2))
        drawn = np.sqrt(-2 * np.log((u + 1) / 2**32)) * np.cos(2 * np.pi * v / 2**32)
        low, high = (np.inf * sign if end is None else end for sign, end in ((-1, slot.low), (1, slot.high)))
        found: npt.NDArray[np.float64] = np.clip(drawn, low, high)
        return found


class Endless(Exception):
    """A run that came to no end in its time."""


def passed(setting: Setting, fmad: bool, runner: GpuRunner | None, seconds: float) -> dict[str, bool] | None:
    """By tolerance: are all outputs near the graph's, on every input? None where inputs cannot be given. Raises Endless.

    On the interpreter a run that leaves the buffers or reads what is not initialised counts as one that fails; races do not.
    """
    out = dict.fromkeys(map(str, TOLERANCES), True)
    deadline = time.monotonic() + seconds
    for seed in SEEDS:
        answer = near(setting, Normal(seed), fmad, runner, deadline)
        if answer is None:
            return None
        out = {t: ok and answer[t] for t, ok in out.items()}
        if not any(out.values()):
            break
    return out


def near(
    setting: Setting, pattern: Pattern, fmad: bool, runner: GpuRunner | None, deadline: float
) -> dict[str, bool] | None:
    """One run beside the graph, its sums in plain order. Raises Endless."""
    failed = dict.fromkeys(map(str, TOLERANCES), False)
    if runner is not None:
        try:
            read = by_gpu(runner.run(setting, pattern))
        except TvError as e:
            return failed if e.code == "TV0763" else None
    else:
        run = execute(setting, Trial(tuple(setting.symbols.items()), pattern, None), fmad, deadline, races=False)
        if run.execution.events:
            return failed
        if run.execution.ended == "budget":
            raise Endless
        if not run.execution.clean:
            return failed
        read = lambda name, at, width: run.buffers[name].load(at, width).astype(np.uint64)
    return compared(setting, pattern, read)


def compared(setting: Setting, pattern: Pattern, read: Read) -> dict[str, bool] | None:
    """By tolerance: does what a run left lie near the graph's values?"""
    tensors: Mapping[str, Any] = {
        n: stored(b.astype(np.uint64), setting.graph.inputs[n].type).reshape(b.shape)
        for n, b in dense_inputs(setting, pattern, MOST_BYTES).items()
    }
    if set(tensors) != set(setting.graph.inputs):
        return None
    out = dict.fromkeys(map(str, TOLERANCES), True)
    with np.errstate(all="ignore"):
        values = evaluation(setting.graph, setting.symbols, tensors)
        for name, places in setting.places.items():
            for p in places:
                if not p.output:
                    continue
                label = setting.graph.outputs[p.tensor].type
                mine = _numbers(read(name, p.of_linear(np.arange(p.count)) * p.width, p.width), label)
                theirs = _numbers(values.output(p.tensor).reshape(-1), label)
                for t in TOLERANCES:
                    out[str(t)] &= bool(np.allclose(mine, theirs, rtol=t, atol=t, equal_nan=True))
    return out


def _numbers(bits: Bits, label: str) -> npt.NDArray[np.float64]:
    found = decode(bits, label) if BY_LABEL[label].is_float else stored(bits, label)
    out: npt.NDArray[np.float64] = np.asarray(found, np.float64)
    return out
