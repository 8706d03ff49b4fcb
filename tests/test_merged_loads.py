"""Loads that a compiler merges with read-only ones (S5)."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.checking import F32, I32, checked, graph
from tv.cuda_frontend import read
from tv.kernel import Load, walk
from tv.launch import CompileOptions
from tv.verdict import Verdict

SCRATCH = "[args]\nq = { extent = 64 }\n"
NEXT = graph([("Gather", "x n", "s"), ("Neg", "s", "y")], {"x": (F32, [64])}, {"y": (F32, [64])},
             n=(7, [64], [(i + 1) % 64 for i in range(64)]))  # fmt: skip
SUM = graph([("Gather", "x n", "s"), ("Add", "x s", "y")], {"x": (F32, [64])}, {"y": (F32, [64])},
            n=(7, [64], [(i + 1) % 64 for i in range(64)]))  # fmt: skip
LESS = graph([("Gather", "x n", "s"), ("Sub", "s c", "y")], {"x": (F32, [64])}, {"y": (F32, [64])},
             n=(7, [64], [(i + 1) % 64 for i in range(64)]), c=(F32, [1], [3.0]))  # fmt: skip
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
    "a number": ("if (i < 63) y[i] = q[i + 1] - 3.0f; else y[i] = -3.0f + x[0];", LESS),
    "bits": ("if (i < 63) y[i] = -q[i + 1]; else y[i] = __int_as_float(__float_as_int(-x[0]));", NEXT),
    "a wider type": ("if (i < 63) y[i] = -q[i + 1]; else y[i] = -(float)(double)x[0];", NEXT),
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


@pytest.mark.parametrize("body", [
    "if (i < 63) y[i] = -x[q[i + 1]]; else y[i] = -x[n[i]];",
    "int j; if (i < 63) j = q[i + 1]; else j = n[i]; y[i] = -x[j];",
    "if (i < 63) y[i] = -x[(unsigned char)q[i + 1]]; else y[i] = -x[n[i] + 0];",
], ids=["loads", "an index", "converted"])  # fmt: skip
def test_addresses_are_values(body: str, tmp_path: Path) -> None:
    """x at what the next element of n says, the last at what its own says."""
    model = graph([("Gather", "n next", "p"), ("Gather", "x p", "s"), ("Neg", "s", "y")], {"x": (F32, [64]), "n": (I32, [64])},
                  {"y": (F32, [64])}, next=(7, [64], [min(i + 1, 63) for i in range(64)]))  # fmt: skip
    text = """__global__ void k(const float* x, const int* {n} n, int* q, float* y) {{
  const int i = threadIdx.x;
  q[i] = n[i];
  __syncthreads();
  {body}
}}
"""
    spec = SCRATCH + "[inputs]\nn = { min = 0, max = 63 }\n"
    r = checked(tmp_path / "restrict", text.format(n="__restrict__", body=body), model, spec)
    assert r.verdict is Verdict.UNKNOWN, r.why
    assert checked(tmp_path / "plain", text.format(n="", body=body), model, spec).verdict is Verdict.PROVED


FLOATS = {
    "one order": ("x[i] * q[i ^ 1]", "x[i ^ 1] * q[i]", False),
    "another order": ("x[i] * q[i ^ 1]", "q[i] * x[i ^ 1]", True),
    "ordered by their conversions": ("(float)n[i] * q[i ^ 1]", "x[i] * (float)p[i]", True),
}


@pytest.mark.parametrize("case", FLOATS)
def test_factors_meet_as_compilers_order_them(case: str) -> None:
    """The kernel's own loads, as they are marked."""
    one, two, marked = FLOATS[case]
    text = f"""__global__ void k(const float* __restrict__ x, const int* __restrict__ n, float* q, int* p, float* y) {{
  const int i = threadIdx.x;
  q[i] = 1.0f;
  p[i] = i;
  __syncthreads();
  if (i < 32) y[i] = {one};
  else y[i] = {two};
}}
"""
    body = read(Path("k.cu"), text, CompileOptions()).kernels["k"].body
    assert any(isinstance(s, Load) and s.ref.noncoherent for s in walk(body)) == marked
