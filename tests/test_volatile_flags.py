"""Volatile accesses of shared memory are relaxed atomic ones where fences stand: two of them are no race that a run shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.checking import F32, Ends, graph, write
from tv.execution import opened
from tv.replay.buffers import Buffer, DenseBuffer
from tv.replay.interpreter import run

START = "__shared__ float s[64]; __shared__ volatile int f; if (t == 0) f = 0; __syncthreads();"
PUBLISH = "s[t] = x[t]; __syncwarp(); __threadfence_block(); if (t == 0) f = 1;"
AWAIT = "while (f == 0) { } __threadfence_block(); y[t] = s[t - 32];"
SUM = "volatile float* v = s; v[t] = v[t] + v[t + 16]; v[t] = v[t] + v[t + 8];"


def events(folder: Path, body: str, threads: int = 64) -> list[str]:
    """Kinds of the events of one block."""
    ends: dict[str, Ends] = {n: {n: (F32, [64])} for n in "xy"}
    text = f"__global__ void k(const float* x, float* y)\n{{\n  int t = threadIdx.x;\n  {body}\n}}\n"
    spec = 'kernel = "k"\n[args]\nx = "x"\ny = "y"\n'
    _, kernel, _ = opened(write(folder, text, graph([("Neg", "x", "y")], ends["x"], ends["y"]), spec))
    buffers: dict[str, Buffer] = {n: DenseBuffer(np.zeros(256, np.uint8)) for n in "xy"}
    return [e.kind for e in run(kernel, (1, 1, 1), (threads, 1, 1), buffers, {}).events]


@pytest.mark.parametrize(
    "body",
    [
        f"{START} if (t < 32) {{ {PUBLISH} }} else {{ {AWAIT} }}",
        f"{START} if (t < 32) {{ s[t] = x[t]; __threadfence_block(); atomicAdd((int*)&f, 1); }} else {{ {AWAIT.replace('f == 0', 'f < 32')} }}",
        f"{START} if (t < 32) {{ {PUBLISH.replace('f = 1', 'atomicExch((int*)&f, 1)')} }} else {{ {AWAIT} }}",
        f"{START} if (t < 32) {{ {PUBLISH.replace('_block', '')} }} else {{ {AWAIT.replace('_block', '')} }}",
    ],
    ids=["flag", "counter", "exchange", "fence of the device"],
)
def test_flags_behind_fences_are_no_race(tmp_path: Path, body: str) -> None:
    assert events(tmp_path, body) == []


@pytest.mark.parametrize(
    "body",
    [
        f"{START} if (t < 32) {{ {PUBLISH.replace('__threadfence_block();', '')} }} else {{ {AWAIT} }}",
        f"{START} if (t < 32) {{ {PUBLISH} }} else {{ {AWAIT.replace('__threadfence_block();', '')} }}",
        f"{START} if (t < 32) {{ {PUBLISH.replace('f = 1', '*(int*)&f = 1')} }} else {{ {AWAIT} }}",
        f"{START} if (t < 32) {{ {PUBLISH} }} else {{ y[t] = *(int*)&f; }}",
        f"{START} s[t] = x[t]; __syncthreads(); if (t < 32) {{ {SUM} }}",
        f"{START} s[t] = x[t]; __threadfence(); __syncthreads(); if (t < 32) {{ {SUM} }}",
    ],
    ids=[
        "no fence before",
        "no fence after",
        "plain store",
        "plain load",
        "lanes in step",
        "lanes in step, fence before a barrier",
    ],
)
def test_other_volatile_accesses_race_as_plain_ones(tmp_path: Path, body: str) -> None:
    assert "race" in events(tmp_path, body)
