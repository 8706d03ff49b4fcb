"""Accumulations under a condition on indices, and constants and comparisons that are simplified where terms are made."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tests.checking import F32, checked, graph, pointwise
from tv.obligation import Relation
from tv.verdict import Verdict

U8, I8 = TensorProto.UINT8, TensorProto.INT8
DOT = graph([("MatMul", "x w", "y")], {"x": (F32, [64, 37]), "w": (F32, [37])}, {"y": (F32, [64])})


def dot(step: str) -> str:
    return f"""__global__ void k(const float* x, const float* w, float* y) {{
  int t = threadIdx.x;
  float sum = 0.0f;
  for (int r = 0; r < 10; ++r)
    for (int j = 0; j < 4; ++j) {{ int c = 4 * r + j; {step} }}
  y[t] = sum;
}}
"""


GUARDED = dot("if (c < 37) sum += x[37 * t + c] * w[c];")


def test_a_guarded_sum_is_the_graphs(tmp_path: Path) -> None:
    assert checked(tmp_path / "fused", GUARDED, DOT).relation is Relation.REASSOC
    assert checked(tmp_path / "plain", GUARDED, DOT, "fmad = false\n").verdict is Verdict.PROVED


@pytest.mark.parametrize(
    "step",
    [
        "if (c < 36) sum += x[37 * t + c] * w[c];",
        "if (c < 37 && c != 20) sum += x[37 * t + c] * w[c];",
        "if (c < 37) sum += x[37 * t + c] * w[c]; else sum += 1.0f;",
        "if (c < 37) sum += x[37 * t + c] * w[c]; else sum = 0.0f;",
        "if (c < 37) sum += x[37 * t + c] * w[c]; else sum = -sum;",
        "if (c < 37) sum = x[37 * t + c] * w[c];",
    ],
)
def test_a_guarded_sum_of_other_terms_is_refuted(step: str, tmp_path: Path) -> None:
    assert checked(tmp_path, dot(step), DOT).verdict is Verdict.REFUTED


def test_a_sum_guarded_by_data_is_not_proved(tmp_path: Path) -> None:
    step = "if (c < 37) { if (w[c] != 0.0f) sum += x[37 * t + c] * w[c]; }"
    assert checked(tmp_path, dot(step), DOT).verdict is not Verdict.PROVED


# ------------------------------------------------------------------------------------------------ constants
DIVIDED = graph([("Div", "x c", "y")], {"x": (F32, [64])}, {"y": (F32, [64])}, c=(F32, [], [3.0]))
ROOT = graph([("Sqrt", "c", "e"), ("Mul", "x e", "y")], {"x": (F32, [64])}, {"y": (F32, [64])}, c=(F32, [], [0.9]))
EXP = graph([("Exp", "c", "e"), ("Mul", "x e", "y")], {"x": (F32, [64])}, {"y": (F32, [64])}, c=(F32, [], [1.5]))


def test_a_root_of_constants_is_that_constant(tmp_path: Path) -> None:
    assert checked(tmp_path / "root", pointwise("X * sqrtf(0.9f)"), ROOT).verdict is Verdict.PROVED
    assert checked(tmp_path / "quotient", pointwise("X / (6.0f / 2.0f)"), DIVIDED).verdict is Verdict.PROVED


def test_a_rounded_reciprocal_is_no_divisor(tmp_path: Path) -> None:
    assert checked(tmp_path / "factor", pointwise("X * (1.0f / 3.0f)"), DIVIDED).verdict is Verdict.REFUTED
    assert checked(tmp_path / "double", pointwise("X * (float)sqrt(0.9)"), ROOT).verdict is not Verdict.PROVED


def test_what_a_quotient_is_made_of_decides_whether_nvcc_knows_it(tmp_path: Path) -> None:
    kernel = (
        "__global__ void k(const float* x, float* y, float c) {{\n  y[threadIdx.x] = x[threadIdx.x] * expf({});\n}}\n"
    )
    argument = "[args]\nc = 3.0\n"
    assert checked(tmp_path / "open", kernel.format("c / 2.0f"), EXP, argument).verdict is Verdict.PROVED
    assert checked(tmp_path / "known", kernel.format("3.0f / 2.0f"), EXP, argument).verdict is Verdict.UNKNOWN


# ------------------------------------------------------------------------------------------------ comparisons
def flags(element: int, value: int) -> onnx.ModelProto:
    nodes: list[tuple[str, str, str] | onnx.NodeProto] = [
        ("Equal", "x c", "e"),
        helper.make_node("Cast", ["e"], ["y"], to=U8),
    ]
    return graph(nodes, {"x": (element, [64])}, {"y": (U8, [64])}, c=(element, [], [value]))


@pytest.mark.parametrize(
    ("element", "value", "kind", "body", "same"),
    [
        (U8, 7, "unsigned char", "x[i] == 7", True),
        (U8, 255, "unsigned char", "x[i] == -1", False),
        (U8, 7, "unsigned char", "x[i] == 263", False),
        (I8, -1, "signed char", "x[i] == -1", True),
        (I8, -1, "signed char", "x[i] == 255", False),
        (I8, -1, "signed char", "(unsigned char)x[i] == 255", True),
    ],
)
def test_a_promoted_comparison(element: int, value: int, kind: str, body: str, same: bool, tmp_path: Path) -> None:
    kernel = f"__global__ void k(const {kind}* x, unsigned char* y) {{ int i = threadIdx.x; y[i] = {body}; }}\n"
    result = checked(tmp_path, kernel, flags(element, value))
    assert (result.verdict is Verdict.PROVED) is same
