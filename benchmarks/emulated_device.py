"""A device for `megac`'s runner without a GPU: launches go to `tv`'s interpreter, and end where a thread does what it may not."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "compiler")]

from megac.dtype import DType
from megac.errors import RunError
from megac.host.choosing import largest
from megac.host.device import Bytes
from megac.plan import Plan

from tv.cuda_frontend import read
from tv.kernel import Kernel
from tv.launch import CompileOptions
from tv.replay import DenseBuffer, run

STEPS = 50_000_000  # vector statements of a launch


@dataclass(slots=True)
class Interpreter:
    """Memory is the interpreter's, in which it is known what was written. races: whether it looks for them, which takes time."""

    races: bool = False
    name: str = "the interpreter"
    facts: dict[str, Any] = field(default_factory=dict)
    launches: int = 0
    _plan: Plan | None = None
    _kernel: Kernel | None = None

    def load(self, plan: Plan) -> None:
        path = plan.folder / "kernel.cu"
        module = read(path, path.read_text(), CompileOptions(arch=plan.arch), wanted=(plan.kernel,))
        self._plan, self._kernel = plan, module.kernels[plan.kernel]
        names = [p.name for p in self._kernel.parameters]
        if names != [x.name for x in plan.parameters]:
            raise RunError(f"the kernel's parameters are {names}")

    def allocate(self, size: int) -> DenseBuffer:
        return DenseBuffer.empty(size)

    def write(self, memory: DenseBuffer, offset: int, data: Bytes) -> None:
        if offset < 0 or offset + data.size > memory.size:
            raise RunError(f"{data.size} bytes at {offset} of {memory.size}")
        memory.store(np.arange(offset, offset + data.size), 1, data)

    def read(self, memory: DenseBuffer, offset: int, size: int) -> Bytes:
        return memory.data[offset : offset + size].copy()

    def clear(self, memory: DenseBuffer) -> None:
        self.write(memory, 0, np.zeros(memory.size, np.uint8))

    def fill(
        self, memory: DenseBuffer, dtype: DType, offset: int, count: int, normal: tuple[float, float], seed: int
    ) -> None:
        values = np.random.default_rng(seed).normal(*normal, count).astype(dtype.numpy)
        self.write(memory, offset * dtype.bytes, values.view(np.uint8))

    def largest(self, memory: DenseBuffer, dtype: DType, count: int) -> int:
        return largest(self.read(memory, 0, count * dtype.bytes), dtype)

    def launch(self, arguments: Sequence[Any]) -> None:
        assert self._plan is not None
        assert self._kernel is not None
        buffers, scalars = {}, {}
        for p, a in zip(self._kernel.parameters, arguments, strict=True):
            if p.type is None:
                buffers[p.name] = a
            elif a.nbytes != p.type.bytes:
                raise RunError(f"{a.nbytes} bytes for `{p.name}`, which has {p.type.bytes}")
            else:
                scalars[p.name] = int.from_bytes(a.tobytes(), "little")
        done = run(
            self._kernel, (self._plan.blocks, 1, 1), (self._plan.threads, 1, 1), buffers, scalars,
            step_limit=STEPS, races=self.races,
        )  # fmt: skip
        if not done.clean:
            raise RunError(f"the launch ends with {done.events[0] if done.events else done.ended}")
        self.launches += 1

    def timed(self, steps: Sequence[Callable[[], None]]) -> list[float]:
        """Milliseconds of the interpreter, which say nothing of a GPU."""
        out = []
        for step in steps:
            start = time.perf_counter()
            step()
            out.append(1e3 * (time.perf_counter() - start))
        return out

    def bandwidth(self, memory: DenseBuffer, repeats: int) -> list[float]:
        """Made up: there is nothing to measure."""
        return [1e12] * repeats
