"""Loads that a compiler merges with read-only ones (S5)."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.checking import F32, checked, graph
from tv.verdict import Verdict

SCRATCH = "[args]\nq = { extent = 64 }\n"
NEXT = graph([("Gather", "x n", "s"), ("Neg", "s", "y")], {"x": (F32, [64])}, {"y": (F32, [64])},
             n=(7, [64], [(i + 1) % 64 for i in range(64)]))  # fmt: skip
SUM = graph([("Gather", "x n", "s"), ("Add", "x s", "y")], {"x": (F32, [64])}, {"y": (F32, [64])},
            n=(7, [64], [(i + 1) % 64 for i in range(64)]))  # fmt: skip
HEAD = """__global__ void k(const float* {x} x, float* q, float* y) {{
  const int i = threadIdx.x;
  q[i] = x[i];
  __syncthreads();
  {body}
}}
"""
MERGED: dict[str, tuple[str, onnx.ModelProto]] = {
    "a choice": ("const float v = i < 63 ? q[i + 1] : x[0]; y[i] = -v;", NEXT),
    "a variable": ("float v; if (i < 63) v = q[i + 1]; else v = x[0]; y[i] = -v;", NEXT),
    "a load before": ("float v = x[0]; if (i < 63) v = q[i + 1]; y[i] = -v;", NEXT),
    "equal operations": ("float v; if (i < 63) v = -q[i + 1]; else v = -x[0]; y[i] = v;", NEXT),
    "stores": ("if (i < 63) y[i] = -q[i + 1]; else y[i] = -x[0];", NEXT),
    "one operand": ("float v; if (i < 63) v = x[i] + q[i + 1]; else v = x[i] + x[0]; y[i] = v;", SUM),
}
APART: dict[str, tuple[str, onnx.ModelProto]] = {
    "an arm without one": ("const float own = x[i]; if (i < 63) y[i] = own + q[i + 1]; else y[i] = own + q[0];", SUM),
    "a barrier between": (
        "float v = 0; if (i == 63) v = x[0]; __syncthreads(); if (i < 63) v = q[i + 1]; y[i] = -v;",
        NEXT,
    ),
    "an operand each": ("float v = x[i]; if (i >= 0) v = v + q[(i + 1) % 64]; y[i] = v;", SUM),
}


@pytest.mark.parametrize("case", MERGED)
def test_a_load_beside_a_read_only_one_may_be_read_only_too(case: str, tmp_path: Path) -> None:
    body, model = MERGED[case]
    r = checked(tmp_path / "restrict", HEAD.format(x="__restrict__", body=body), model, SCRATCH)
    assert r.verdict is Verdict.UNKNOWN, r.why
    assert {o.kind for o in r.obligations if o.status.value != "proved"} == {"race"}
    assert checked(tmp_path / "plain", HEAD.format(x="", body=body), model, SCRATCH).verdict is Verdict.PROVED


@pytest.mark.parametrize("case", APART)
def test_other_loads_stay_what_they_are(case: str, tmp_path: Path) -> None:
    body, model = APART[case]
    r = checked(tmp_path, HEAD.format(x="__restrict__", body=body), model, SCRATCH)
    assert r.verdict is Verdict.PROVED, r.why
