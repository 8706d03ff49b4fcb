"""Counters that tell a block that it comes last: the shapes that are understood, and how little may change."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import helper

from tests.checking import F32, checked, graph
from tv.obligation import Relation
from tv.verdict import CheckResult, Verdict

REVERSED = graph(
    [("Slice", "x first last axis step", "y")],
    {"x": (F32, [1024])},
    {"y": (F32, [1024])},
    **{n: (7, [1], [v]) for n, v in {"first": 1023, "last": -1025, "axis": 0, "step": -1}.items()},
)
SUM = graph(
    [helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)],
    {"x": (F32, [8, "R"])},
    {"y": (F32, ["R"])},
    axes=(7, [1], [0]),
)

# Sixteen blocks of 64 threads copy their share; the last of all turns the whole around.
WHOLE = """__global__ void k(const float* x, float* y, float* s, unsigned int* c) {{
  __shared__ {flag};
  const int t = threadIdx.x;
  s[blockIdx.x * 64 + t] = x[blockIdx.x * 64 + t];
  {before}
  if (t == 0) {{ {arrive} }}
  __syncthreads();
  if ({others}) return;
  {after}
  for (int j = t; j < 1024; j += 64) y[j] = s[1023 - j];
  if (t == 0) *c = 0;
}}
"""
SPEC = "grid = [16]\nblock = [64]\n[args]\ns = { extent = 1024 }\nc = { extent = 1, zeroed = true }\n"
USUAL = {
    "flag": "bool last",
    "before": "__threadfence(); __syncthreads();",
    "arrive": "last = atomicAdd(c, 1u) == gridDim.x - 1;",
    "others": "!last",
    "after": "__threadfence();",
}
ADD = "__nv_atomic_fetch_add(c, 1u, {order}, __NV_THREAD_SCOPE_DEVICE)"


def whole(folder: Path, **parts: str) -> CheckResult:
    return checked(folder, WHOLE.format(**{**USUAL, **parts}), REVERSED, SPEC)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"before": "__syncthreads();", "arrive": "__threadfence(); last = atomicAdd(c, 1u) == 15;"},
        {"arrive": "last = atomicAdd(c, 1u) == 15; __threadfence();", "after": ""},
        {"flag": "unsigned int ticket", "arrive": "ticket = atomicAdd(c, 1u);", "others": "ticket != 15"},
        {"flag": "int last", "arrive": "last = atomicInc(c, 15u) == 15;", "others": "last == 0"},
        {"arrive": "last = 15 == (int)atomicInc(c, 16u);"},
        {
            "before": "__syncthreads();",
            "arrive": f"last = {ADD.format(order='__NV_ATOMIC_ACQ_REL')} == 15;",
            "after": "",
        },
    ],
)
def test_shapes_that_are_understood(tmp_path: Path, parts: dict[str, str]) -> None:
    result = whole(tmp_path, **parts)
    assert (result.verdict, result.relation) == (Verdict.PROVED, Relation.BITWISE), result.why


@pytest.mark.parametrize(
    "parts",
    [
        {"before": "__syncthreads();"},
        {"before": "__threadfence();", "flag": "bool last; __shared__ int unused"},
        {"after": ""},
        {"after": "__threadfence_block();"},
        {"arrive": "last = atomicAdd(c, 1u) == 14;"},
        {"arrive": "last = atomicAdd(c, 1u) >= 15;"},
        {"arrive": "last = atomicAdd(c, 2u) == 30;"},
        {"arrive": "last = atomicInc(c, 14u) == 15;"},
        {"arrive": "last = atomicAdd(c + blockIdx.x % 2, 1u) == 15;"},
        {"arrive": "if (blockIdx.x != 3) last = atomicAdd(c, 1u) == 15;"},
        {"arrive": "*c = 0; last = atomicAdd(c, 1u) == 15;"},
        {
            "before": "__syncthreads();",
            "arrive": f"last = {ADD.format(order='__NV_ATOMIC_RELEASE')} == 15;",
            "after": "",
        },
        {
            "before": "__syncthreads();",
            "arrive": f"last = {ADD.format(order='__NV_ATOMIC_ACQUIRE')} == 15;",
            "after": "",
        },
    ],
)
def test_what_orders_less_is_not_proved(tmp_path: Path, parts: dict[str, str]) -> None:
    assert whole(tmp_path, **parts).verdict is not Verdict.PROVED


# Rows of 8 terms: eight blocks a column share, consecutive in the grid, and their counters lie side by side.
GROUPS = """__global__ void k(const float* x, float* y, float* s, unsigned int* c, int columns) {{
  __shared__ bool last;
  const int group = blockIdx.x / 8, part = blockIdx.x % 8, at = group * 32 + threadIdx.x;
  s[(group * 8 + part) * 32 + threadIdx.x] = at < columns ? x[(size_t)part * columns + at] : 0.0f;
  __syncthreads();
  if (threadIdx.x == 0) {{
    __threadfence();
    last = atomicAdd(&c[{counter}], 1u) == 7;
  }}
  __syncthreads();
  if (last) {{
    __threadfence();
    float sum = 0.0f;
    for (int p = 0; p < 8; ++p) sum += s[(group * 8 + p) * 32 + threadIdx.x];
    if (at < columns) y[at] = sum;
  }}
}}
"""
OPEN = """grid = ["8 * ceildiv(R, 32)"]
block = [32]
[args]
s = { extent = "256 * ceildiv(R, 32)" }
c = { extent = "ceildiv(R, 32)", zeroed = true }
columns = { symbol = "R", min = 1, max = 100000 }
"""


def test_groups_of_consecutive_blocks_for_every_size(tmp_path: Path) -> None:
    result = checked(tmp_path, GROUPS.format(counter="group"), SUM, OPEN)
    assert (result.verdict, result.relation) == (Verdict.PROVED, Relation.BITWISE), result.why


@pytest.mark.parametrize("counter", ["0", "blockIdx.x % 8", "group / 2"])
def test_groups_that_share_a_counter_are_not_proved(tmp_path: Path, counter: str) -> None:
    result = checked(tmp_path, GROUPS.format(counter=counter), SUM, OPEN)
    assert result.verdict in (Verdict.UNKNOWN, Verdict.REFUTED, Verdict.UNSUPPORTED), result.why
