"""Scans by shuffles: how the lane is taken apart, and what each lane's sum is made of."""

from __future__ import annotations

import pytest

from tests.executing import Run, program_of
from tv.symexec.flow.resolve import resolve

DOWN = "float u = __shfl_down_sync(0xffffffffu, v, d);"
UP = "float u = __shfl_up_sync(0xffffffffu, v, d);"


def kernel(step: str) -> str:
    return f"""__global__ void k(float* y, const float* x) {{
  const int t = threadIdx.x, lane = t & 31;
  float v = x[t];
  for (int d = 1; d < 32; d *= 2) {{ {step} }}
  y[t] = v;
}}"""


@pytest.mark.parametrize(
    ("step", "digits"),
    [
        (f"{UP} if (lane >= d) v += u;", 2),
        (f"{UP} v = lane < d ? v : v + u;", 2),
        (f"{DOWN} if (lane + d < 32) v += u;", 2),
        (f"{DOWN} v += lane + d < 32 ? u : 0.0f;", 2),
        (f"{DOWN} v += u;", 6),
        ("v += __shfl_down_sync(0xffffffffu, v, d);", 6),
        (f"if (t < 32) {{ {DOWN} v += u; }}", 6),
    ],
)
def test_a_scan_asks_for_no_digits_of_the_lane(step: str, digits: int) -> None:
    program = program_of(kernel(step), (64, 1, 1), 1, {"y": 64, "x": 64})
    assert len(program.trace.space.thread_dims) == digits


@pytest.mark.parametrize("step", [f"{UP} if (lane >= d) v += u;", f"{DOWN} if (lane + d < 32) v += u;"])
def test_what_each_lane_has_added(step: str) -> None:
    program = program_of(kernel(step), (64, 1, 1), 1, {"y": 64, "x": 64})
    resolve(program)
    x = [7 * i % 61 + i * i for i in range(64)]
    run = Run(program, {"x": x, "y": [0] * 64})
    (store,) = [n for n, m in program.accesses.items() if m.access.write and m.access.object == "y"]
    for at in run.instances(store):
        t = 32 * at[-2] + at[-1]
        first, last = (t - t % 32, t) if "up" in step else (t, t - t % 32 + 31)
        assert run.value(store, at) == sum(x[first : last + 1])
