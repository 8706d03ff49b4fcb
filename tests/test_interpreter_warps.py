"""Votes and folds of warps and blocks, and tiles of cooperative groups, run by the interpreter against plain Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from tv import cuda_frontend
from tv.launch import CompileOptions
from tv.replay import DenseBuffer, Execution, run

RNG = np.random.default_rng(5)
GIVEN = RNG.integers(-(2**31), 2**31, 96).astype(np.int32)
UNSIGNED = GIVEN.view(np.uint32)


def launch(body: str, element: str = "int", threads: int = 96) -> tuple[Execution, list[int]]:
    """`y[t] = ...` over x = GIVEN, one block."""
    head = (
        "#include <cooperative_groups.h>\n#include <cooperative_groups/reduce.h>\nnamespace cg = cooperative_groups;\n"
    )
    text = f"{head}__global__ void k({element}* y, const {element}* x) {{ const int t = threadIdx.x; {body} }}"
    (kernel,) = cuda_frontend.read(Path("k.cu"), text, CompileOptions()).kernels.values()
    y = DenseBuffer.empty(4 * threads)
    buffers = {"x": DenseBuffer.of(GIVEN), "y": y}
    done = run(kernel, (1, 1, 1), (threads, 1, 1), buffers, {}, outputs=("y",))
    return done, y.array(np.uint32 if element == "unsigned" else np.int32)[:threads].tolist()


def wrapped(x: int) -> int:
    return (x + 2**31) % 2**32 - 2**31


FOLDS: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: wrapped(a + b),
    "min": min,
    "max": max,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
}


@pytest.mark.parametrize("op", FOLDS)
@pytest.mark.parametrize("size", [32, 16, 4])
def test_folds_of_integers(op: str, size: int) -> None:
    mask = "0xffffffffu" if size == 32 else f"{(1 << size) - 1}u << (t & {32 - size})"
    done, seen = launch(f"y[t] = (int)__reduce_{op}_sync({mask}, x[t]);")
    assert done.clean
    groups = [GIVEN[i : i + size].tolist() for i in range(0, 96, size)]
    assert seen == [reduce(FOLDS[op], g) for g in groups for _ in g]


@pytest.mark.parametrize(("op", "fold"), [("min", min), ("max", max), ("add", lambda a, b: (a + b) % 2**32)])
def test_folds_of_unsigned_integers(op: str, fold: Callable[[int, int], int]) -> None:
    done, seen = launch(f"y[t] = __reduce_{op}_sync(0xffffffffu, x[t]);", "unsigned")
    assert done.clean
    assert seen == [reduce(fold, UNSIGNED[t - t % 32 : t - t % 32 + 32].tolist()) for t in range(96)]


def test_a_fold_of_some_lanes_leaves_out_the_others() -> None:
    done, seen = launch("y[t] = 0; if (t % 32 < 5) { y[t] = __reduce_max_sync(0x1fu, x[t]); }")
    assert done.clean
    assert seen == [max(GIVEN[t - t % 32 :][:5].tolist()) if t % 32 < 5 else 0 for t in range(96)]
    done, _ = launch("if (t % 32 < 5) { y[t] = __reduce_max_sync(0x3fu, x[t]); }")
    assert [e.kind for e in done.events] == ["barrier"]


@pytest.mark.parametrize("threads", [96, 80])
def test_votes_of_a_block(threads: int) -> None:
    positive = [bool(x > 0) for x in GIVEN[:threads]]
    for word, result in (("count", sum(positive)), ("or", 1), ("and", 0)):
        done, seen = launch(f"y[t] = __syncthreads_{word}(x[t] > 0);", threads=threads)
        assert done.clean
        assert seen == [result] * threads
    for bound, result in ((threads, 1), (threads - 1, 0)):
        assert launch(f"y[t] = __syncthreads_and(t < {bound});", threads=threads)[1] == [result] * threads


def test_a_vote_of_a_block_needs_all_its_threads() -> None:
    done, _ = launch("if (t < 64) { y[t] = __syncthreads_or(x[t] > 0); }")
    assert [e.kind for e in done.events] == ["barrier"]


@pytest.mark.parametrize("size", [2, 8, 16, 32])
def test_tiles(size: int) -> None:
    head = f"auto g = cg::tiled_partition<{size}>(cg::this_thread_block());"
    groups = [GIVEN[i : i + size].tolist() for i in range(0, 96, size)]
    for call, result in {
        "g.shfl_xor(x[t], 1)": lambda g, i: g[i ^ 1],
        "g.shfl(x[t], 1)": lambda g, i: g[1],
        "g.shfl_up(x[t], 1)": lambda g, i: g[max(i - 1, 0)],
        "g.shfl_down(x[t], 1)": lambda g, i: g[min(i + 1, size - 1)],
        "g.any(x[t] > 2000000000)": lambda g, i: int(any(v > 2000000000 for v in g)),
        "g.all(x[t] < 2000000000)": lambda g, i: int(all(v < 2000000000 for v in g)),
        "(int)g.ballot(x[t] > 0)": lambda g, i: wrapped(sum(1 << k for k, v in enumerate(g) if v > 0)),
        "cg::reduce(g, x[t], cg::greater<int>())": lambda g, i: max(g),
        "cg::reduce(g, x[t], cg::less<int>())": lambda g, i: min(g),
        "cg::reduce(g, x[t], cg::bit_xor<int>())": lambda g, i: reduce(FOLDS["xor"], g),
    }.items():
        done, seen = launch(f"{head} y[t] = {call};")
        assert done.clean, call
        assert seen == [result(g, i) for g in groups for i in range(size)], call
