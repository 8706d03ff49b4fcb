"""Stores under conditions on data, and at positions that are data: what they leave, and what of it is proved."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.checking import F32, I64, checked, graph
from tv.symexec.stores import may
from tv.symexec.values import Node, node_const
from tv.verdict import Verdict

RELU = graph([("Relu", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})

CONDITIONAL = [  # what a thread does, and the verdict
    ("y[i] = 0.0f; if (x[i] > 0.0f) y[i] = x[i];", "proved"),
    ("if (x[i] > 0.0f) y[i] = x[i]; else y[i] = 0.0f;", "proved"),
    ("y[i] = 0.0f; if (x[i] > -1.0f) { if (x[i] > 0.0f) y[i] = x[i]; }", "unknown"),
    ("y[i] = 0.0f; if (i < 63 && x[i] > 0.0f) y[i] = x[i]; if (i == 63) y[i] = x[i] > 0.0f ? x[i] : 0.0f;", "proved"),
    ("if (x[i] > 0.0f) y[i] = x[i];", "refuted"),
    ("y[i] = 0.0f; if (x[i] > 1.0f) y[i] = x[i];", "refuted"),
    ("if (x[i] > 0.0f) y[i] = x[i]; else y[63 - i] = 0.0f;", "refuted"),
    ("y[i] = 0.0f; if (x[63 - i] > 0.0f) y[i] = x[i];", "refuted"),
    ("if (x[i] > 0.0f) y[i] = x[i]; else y[i] = 1.0f;", "refuted"),
]


@pytest.mark.parametrize(("body", "verdict"), CONDITIONAL)
def test_under_a_condition(body: str, verdict: str, tmp_path: Path) -> None:
    kernel = f"__global__ void k(const float* x, float* y) {{ int i = threadIdx.x; {body} }}\n"
    assert checked(tmp_path, kernel, RELU).verdict.value == verdict


def cache(positions: int) -> onnx.ModelProto:
    ends = {"c": (F32, [16, 4]), "p": (I64, [positions, 1]), "u": (F32, [positions, 4])}
    return graph([("ScatterND", "c p u", "y")], ends, {"y": (F32, [16, 4])})


AT_DATA = [  # where a thread writes, what is stated of positions, and the verdict
    ("c[p[0] * 4 + i] = u[i];", "min = 0, max = 15", "proved"),
    ("c[p[0] * 4 + i] = u[i];", "min = 3, max = 9", "unknown"),
    ("int at = (int)p[0]; c[at * 4 + i] = u[i];", "min = 0, max = 15", "proved"),
    ("long long at = p[0]; at = at < 0 ? at + 16 : at; c[at * 4 + i] = u[i];", "min = -16, max = 15", "proved"),
    ("if (p[0] >= 0 && p[0] < 16) c[p[0] * 4 + i] = u[i];", "min = 0, max = 15", "proved"),
    ("c[(15 - p[0]) * 4 + i] = u[i];", "min = 0, max = 15", "refuted"),
    ("c[p[0] * 4 + 3 - i] = u[i];", "min = 0, max = 15", "refuted"),
    ("c[p[0] * 4 + i] = u[3 - i];", "min = 0, max = 15", "refuted"),
    ("c[p[0] * 4 + i / 2] = u[i];", "min = 0, max = 15", "refuted"),
    ("if (p[0] > 7) c[p[0] * 4 + i] = u[i];", "min = 0, max = 15", "refuted"),
]


@pytest.mark.parametrize(("body", "stated", "verdict"), AT_DATA)
def test_at_a_position(body: str, stated: str, verdict: str, tmp_path: Path) -> None:
    kernel = f"__global__ void k(float* c, const long long* p, const float* u) {{ int i = threadIdx.x; {body} }}\n"
    spec = f'grid = [1]\nblock = [4]\n[args]\nc = {{ input = "c", output = "y" }}\n[inputs]\np = {{ {stated} }}\n'
    result = checked(tmp_path, kernel, cache(1), spec)
    assert result.verdict.value == verdict, result.why


def test_without_bounds_of_the_position_nothing_is_proved(tmp_path: Path) -> None:
    kernel = "__global__ void k(float* c, const long long* p, const float* u) { c[p[0] * 4 + threadIdx.x] = u[threadIdx.x]; }\n"
    spec = 'grid = [1]\nblock = [4]\n[args]\nc = { input = "c", output = "y" }\n'
    result = checked(tmp_path, kernel, cache(1), spec)
    assert result.verdict is not Verdict.PROVED


def test_where_a_condition_may_hold() -> None:
    test, one, zero = Node("op", 1, "flt.f32", ()), node_const(1, 1), node_const(0, 1)
    assert may(test, True).op == may(test, False).op == "true"
    assert may(zero, True).op == "false"
    assert may(zero, False).op == "true"
    assert may(Node("op", 1, "and.i1", (test, zero)), True).op == "false"
    assert may(Node("op", 1, "and.i1", (test, zero)), False).op == "true"
    assert may(Node("op", 1, "or.i1", (test, one)), False).op == "false"
    assert may(Node("op", 1, "xor.i1", (zero, one)), True).op == "true"
