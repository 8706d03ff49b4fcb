"""What running a kernel needs of a device; `megac.host.cuda` is the one, tests have another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from megac.dtype import DType
from megac.plan import Plan

Bytes = NDArray[np.uint8]


class Memory(Protocol):
    """Memory of a device. size: bytes."""

    size: int


class Device(Protocol):
    """Whatever fails on it raises RunError. name: as its driver has it; facts: of the loaded kernel, for reports."""

    name: str
    facts: dict[str, Any]

    def load(self, plan: Plan) -> None:
        """Compiles the kernel beside the plan; `launch` runs it then."""

    def allocate(self, size: int) -> Any:
        """Memory of `size` bytes, with any content."""

    def write(self, memory: Any, offset: int, data: Bytes) -> None:
        """Copies bytes to the device. offset: in bytes."""

    def read(self, memory: Any, offset: int, size: int) -> Bytes:
        """Copies bytes back, after all that was begun has ended."""

    def clear(self, memory: Any) -> None:
        """All bytes become 0."""

    def fill(self, memory: Any, dtype: DType, offset: int, count: int, normal: tuple[float, float], seed: int) -> None:
        """Elements offset .. offset + count - 1 become random, from a normal distribution of this mean and deviation; the same
        ones for the same seed."""

    def largest(self, memory: Any, dtype: DType, count: int) -> int:
        """Which of the first elements is the largest, the first of equals; -1 where one is NaN."""

    def launch(self, arguments: Sequence[Any]) -> None:
        """Begins a launch. arguments: memory for pointers, numpy scalars of the parameters' types for the others."""

    def timed(self, steps: Sequence[Callable[[], None]]) -> list[float]:
        """Milliseconds that each of these takes on the device, one begun behind the other."""

    def bandwidth(self, memory: Any, repeats: int) -> list[float]:
        """Bytes per second of reading all of the memory, or of more where it fits into caches, for each of some repetitions."""
