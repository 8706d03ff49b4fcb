"""Integers that a launch keeps for itself, as indices: between which numbers they lie, and what nobody may conclude of them (S26)."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

import tv.check
from tests.checking import F32, checked, graph
from tv.verdict import CheckResult, Verdict

COLS = 40
I32 = onnx.TensorProto.INT32
TAIL = "y[t] = table[kept[t]];"
SEARCH = (
    "int e = 0; float best = -INFINITY;\n  for (int j = 0; j < COLS; ++j) { if (r[j] > best) { best = r[j]; e = j; } }"
)


def kernel(after: str, before: str = SEARCH, shared: str = "__shared__ int kept[64];", cols: int = COLS) -> str:
    """y[t] = the element of a table at the place of the greatest element of row t."""
    return f"""#define COLS {cols}
__global__ void k(const float* x, const float* table, float* y) {{
  {shared}
  const int t = threadIdx.x;
  const float* r = x + t * COLS;
  {before}
  {after}
}}
"""


def typed(name: str) -> str:
    return f"__shared__ {name} kept[64];"


def model(cols: int) -> onnx.ModelProto:
    nodes: list[tuple[str, str, str] | onnx.NodeProto] = [
        helper.make_node("ArgMax", ["x"], ["p"], axis=1, keepdims=0),
        ("Gather", "table p", "y"),
    ]
    return graph(nodes, {"x": (F32, [64, cols]), "table": (F32, [cols])}, {"y": (F32, [64])})


KEPT: dict[str, str] = {
    "in a register, by a loop and a branch": kernel("y[t] = table[e];"),
    "in shared memory": kernel(f"kept[t] = e; __syncthreads(); {TAIL}"),
    "by another thread": kernel("kept[t] = e; __syncthreads(); y[63 - t] = table[kept[63 - t]];"),
    "by either of two statements": kernel(f"if (t < 20) {{ kept[t] = e; }} else {{ kept[t] = e; }} {TAIL}"),
    "overwritten by a number in range": kernel(
        f"kept[t] = COLS; kept[t] = e; {TAIL}".replace("= COLS;", "= COLS - 1;")
    ),
    "as 16 bits": kernel(f"kept[t] = (short)e; {TAIL}", shared=typed("short")),
    "as a byte": kernel(f"kept[t] = (unsigned char)e; {TAIL}", shared=typed("unsigned char")),
    "in an array of the thread": kernel("int own[2]; own[0] = e; own[1] = 0; y[t] = table[own[0]];"),
}
NEAR: dict[str, tuple[str, int]] = {
    "overwritten by a number out of range": (kernel(f"kept[t] = e; if (t == 5) {{ kept[t] = COLS; }} {TAIL}"), COLS),
    "overwritten below zero": (kernel(f"kept[t] = e; if (t == 5) {{ kept[t] = -1; }} {TAIL}"), COLS),
    "overwritten under a condition on data": (kernel(f"kept[t] = e; if (r[0] > 9.0f) {{ kept[t] = COLS; }} {TAIL}"), COLS),
    "overwritten by another thread": (
        kernel(f"kept[t] = e; __syncthreads(); if (t == 3) {{ kept[7] = COLS; }} __syncthreads(); {TAIL}"), COLS),
    "one further": (kernel(f"kept[t] = e + 1; {TAIL}"), COLS),
    "half of it never stored": (kernel(f"if (t < 32) {{ kept[t] = e; }} __syncthreads(); {TAIL}"), COLS),
    "added to": (kernel(f"kept[t] = e; atomicAdd(&kept[t], 1); {TAIL}"), COLS),
    "counted in the loop": (kernel("y[t] = table[e];", SEARCH.replace("e = j;", "e += 1;")), COLS),
    "used in the loop, made too large after it": (
        kernel("y[t] = s;", SEARCH.replace("int e = 0;", "int e = 0; float s = 0.0f;").replace("if (r[j]", "s = table[e]; if (r[j]").replace("e = j;", "e = 2 * j;")), COLS),
    "as a byte that is too narrow": (
        kernel(f"kept[t] = (unsigned char)e; {TAIL}", shared=typed("unsigned char"), cols=300), 300),
    "as a signed byte": (kernel(f"kept[t] = (signed char)e; {TAIL}", shared=typed("signed char"), cols=200), 200),
    "as the bits of a float": (
        kernel("kept[t] = (float)e; y[t] = table[__float_as_int(kept[t])];", shared=typed("float")), COLS),
    "of another row": (kernel("kept[t] = e; __syncthreads(); y[t] = table[kept[63 - t]];"), COLS),
}  # fmt: skip


@pytest.mark.parametrize("case", KEPT)
def test_an_index_that_is_kept_is_in_range(case: str, tmp_path: Path) -> None:
    result = related(tmp_path, KEPT[case], COLS)
    assert result.verdict is Verdict.PROVED, result.why


@pytest.mark.parametrize("case", NEAR)
def test_near_it_nothing_is_proved(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tv.check, "shown", lambda request, spec, kernel, launch, f, start, progress: (f.obligations, None)
    )
    text, cols = NEAR[case]
    assert related(tmp_path, text, cols).verdict is not Verdict.PROVED


def related(folder: Path, text: str, cols: int) -> CheckResult:
    return checked(folder, text, model(cols), '[inputs]\nfinite = ["x"]\n')


# What is added to, and copied back: each feeds the other, so that neither stays where its first values lie.
FED = {
    "two arrays": ("s[i] = 0; t[i] = 0;", "if (ids[k] > 0) s[i] = t[i] + 1u; if (ids[k] > 1) t[i] = s[i];", "s[i] + 62u"),
    "two arrays, of neighbours": (
        "s[i] = 0; t[i] = 0;",
        "__syncthreads(); if (ids[k] > 0) s[i] = t[i] - 1u; __syncthreads(); if (ids[k] > 1) t[i] = s[i ^ 1];", "s[i] + 1u"),
    "two arrays, shifted": ("s[i] = 1; t[i] = 1;", "if (ids[k] > 0) s[i] = t[i] << 1; if (ids[k] > 1) t[i] = s[i];", "s[i] + 61u"),
    "two arrays, narrowed": (
        "s[i] = 0; t[i] = 0;", "if (ids[k] > 0) s[i] = (signed char)(t[i] + 1); if (ids[k] > 1) t[i] = s[i];", "s[i] + 62u"),
    "a register and its copy": (
        "int v = 0, w = 0; for (int k = 0; k < 4; ++k) if (ids[k] > 5) v = 10; for (int k = 0; k < 4; ++k) if (ids[k] > 3) w = v;",
        "if (ids[k] > 7) v = v + min(max(w, 0), 10);", "v + 43"),
}  # fmt: skip


@pytest.mark.parametrize("case", FED)
def test_what_feeds_itself_has_no_range(case: str, tmp_path: Path) -> None:
    first, step, index = FED[case]
    text = f"""__global__ void k(const float* x, const int* ids, float* y, int* z) {{
  const int i = threadIdx.x;
  __shared__ unsigned s[64], t[64];
  {first}
  for (int k = 0; k < 8; ++k) {{ {step} }}
  __syncthreads();
  const float q = x[{index}];
  y[i] = q > 0.f ? -x[i] : -x[i]; z[i] = ids[i];
}}
"""
    nodes = [helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Identity", ["ids"], ["z"])]
    both = graph(nodes, {"x": (F32, [64]), "ids": (I32, [64])}, {"y": (F32, [64]), "z": (I32, [64])})
    assert checked(tmp_path, text, both, "[inputs]\nids = { min = 0, max = 100 }\n").verdict is Verdict.REFUTED
