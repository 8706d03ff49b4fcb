"""Barriers order nothing that a thread reaches through a `__restrict__` pointer in whose scope they stand (S5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checking import F32, checked, graph
from tv.verdict import Verdict

REVERSED = graph([("Slice", "x last first axis back", "y")], {"x": (F32, [64])}, {"y": (F32, [64])},
                 last=(7, [1], [-1]), first=(7, [1], [-65]), axis=(7, [1], [0]), back=(7, [1], [-1]))  # fmt: skip
SCRATCH = "[args]\nq = { extent = 64 }\n"
HEAD = "__global__ void k(const float* x, {q}, float* y) {{\n  const int i = threadIdx.x;\n  {body}\n}}\n"
STAGE = """__device__ void stage({tile}, const float* x, float* y, int i) {{
  tile[i] = x[i];
  {inner}
  {use}
}}
"""


def kernel(body: str, q: str = "float* q", before: str = "") -> str:
    return before + HEAD.format(q=q, body=body)


def staged(tile: str, *, barrier_inside: bool) -> str:
    inner, use = ("__syncthreads();", "y[i] = tile[63 - i];") if barrier_inside else ("", "")
    after = "" if barrier_inside else "__syncthreads(); y[i] = s[63 - i];"
    return kernel(
        f"__shared__ float s[64]; stage(s, x, y, i); {after}", before=STAGE.format(tile=tile, inner=inner, use=use)
    )


EXCHANGE = "q[i] = x[i]; __syncthreads(); y[i] = q[63 - i];"
GRID = "q[i] = x[i]; cooperative_groups::this_grid().sync(); y[i] = q[63 - i];"
RIGHT = {
    "plain": kernel(EXCHANGE),
    "restricted elsewhere": kernel(EXCHANGE).replace("const float* x", "const float* __restrict__ x"),
    "own cells only": kernel("q[i] = x[63 - i]; __syncthreads(); y[i] = q[i];", "float* __restrict__ q"),
    "barrier outside of the scope": staged("float* __restrict__ tile", barrier_inside=False),
    "barrier inside a plain scope": staged("float* tile", barrier_inside=True),
}
WRONG = {
    "parameter": kernel(EXCHANGE, "float* __restrict__ q"),
    "local pointer": kernel("float* __restrict__ p = q; " + EXCHANGE.replace("q[", "p[")),
    "barrier inside of the scope": staged("float* __restrict__ tile", barrier_inside=True),
    "grid": "#include <cooperative_groups.h>\n" + kernel(GRID, "float* __restrict__ q"),
    "read before it is overwritten": kernel(
        "q[i] = x[i]; __syncthreads(); y[i] = q[63 - i]; __syncthreads(); q[i] = 0.0f;", "float* __restrict__ q"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_barriers_order_what_they_may(case: str, tmp_path: Path) -> None:
    r = checked(tmp_path, RIGHT[case], REVERSED, SCRATCH)
    assert r.verdict is Verdict.PROVED, r.why


@pytest.mark.parametrize("case", WRONG)
def test_no_exchange_through_a_restricted_pointer(case: str, tmp_path: Path) -> None:
    r = checked(tmp_path, WRONG[case], REVERSED, ("cooperative = true\n" if case == "grid" else "") + SCRATCH)
    assert r.verdict is Verdict.UNKNOWN, r.why
    assert {o.kind for o in r.obligations if o.status.value != "proved"} == {"race"}


COPIED = """#include <cuda_pipeline.h>
__device__ void stage(float* __restrict__ tile, const float* x, float* y, int i) {{
  __pipeline_memcpy_async(&tile[i], &x[i], 4);
  __pipeline_commit();
  {wait}
  y[i] = tile[i];
  __syncthreads();
}}
"""


@pytest.mark.parametrize("waits", [True, False])
def test_a_thread_s_own_copy_is_waited_for(waits: bool, tmp_path: Path) -> None:
    """No other thread touches its cell: what is asked of one thread is asked through such pointers too."""
    same = graph([("Identity", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
    before = COPIED.format(wait="__pipeline_wait_prior(0);" if waits else "")
    r = checked(tmp_path, kernel("__shared__ float s[64]; stage(s, x, y, i);", before=before), same, SCRATCH)
    assert (r.verdict is Verdict.PROVED) == waits, r.why
