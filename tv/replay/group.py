"""A group of blocks whose threads are executed as one vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tv.replay.carriers import Array
from tv.replay.events import Thread

Positions = NDArray[np.int64]
Dim = tuple[int, int, int]

WARP = 32


def coordinates(linear: int, extent: Dim) -> Dim:
    """A linear index as (x, y, z), x fastest."""
    x, y, _ = extent
    return linear % x, linear // x % y, linear // (x * y)


class Geometry:
    """Sizes of a launch, and names of its threads. A thread's global number is block * block_threads + thread."""

    def __init__(self, grid: Dim, block: Dim) -> None:
        self.grid, self.block = grid, block
        self.block_threads = block[0] * block[1] * block[2]
        self.blocks = grid[0] * grid[1] * grid[2]
        self.block_warps = -(-self.block_threads // WARP)

    def name(self, thread: int) -> Thread:
        """(block, thread) coordinates of a global thread number."""
        block, inner = divmod(thread, self.block_threads)
        return coordinates(block, self.grid), coordinates(inner, self.block)


class Group:
    """The threads of some blocks. A thread's position counts through the blocks in their given order."""

    def __init__(self, geometry: Geometry, blocks: Sequence[int]) -> None:
        self.geometry = geometry
        self.blocks = np.array(blocks, dtype=np.int64)
        n = geometry.block_threads
        self.width = n * len(blocks)
        self.inner = np.tile(np.arange(n, dtype=np.int64), len(blocks))  # thread within its block
        self.place = np.repeat(np.arange(len(blocks), dtype=np.int64), n)  # block within the group
        self.block_of = self.blocks[self.place]
        self.threads = self.block_of * n + self.inner
        self.lane = self.inner % WARP
        self.warp = self.place * geometry.block_warps + self.inner // WARP  # warp within the group
        self.warps = geometry.block_warps * len(blocks)
        self.exited = np.zeros(self.width, dtype=np.bool_)
        self.exits = 0  # changes whenever a thread returns

    def builtin(self, name: str) -> Array:
        """`threadIdx.x` and its kin as U32. Raises KeyError for another name."""
        kind, axis = name.split(".")
        i = "xyz".index(axis)
        grid, block = self.geometry.grid, self.geometry.block
        match kind:
            case "gridDim":
                return np.array([grid[i]], dtype=np.uint32)
            case "blockDim":
                return np.array([block[i]], dtype=np.uint32)
            case "threadIdx":
                return self._axis(self.inner, block, i)
            case "blockIdx":
                return self._axis(self.blocks if len(self.blocks) == 1 else self.block_of, grid, i)
            case _:
                raise KeyError(name)

    def _axis(self, linear: Positions, extent: Dim, i: int) -> Array:
        x, y, _ = extent
        index = (linear % x, linear // x % y, linear // (x * y))[i]
        return np.zeros(1, dtype=np.uint32) if extent[i] == 1 else index.astype(np.uint32)

    def per_warp(self, values: Array, fill: int | bool = 0) -> Array:
        """Values of all positions as an array (warps, 32), lanes that do not exist filled."""
        out = np.full((self.warps, WARP), fill, dtype=values.dtype)
        out[self.warp, self.lane] = values
        return out

    def name(self, position: int) -> Thread:
        return self.geometry.name(int(self.threads[position]))
