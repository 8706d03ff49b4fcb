"""Maxima spelled as comparisons: which kernels compute a ReduceMax or ReduceMin, and which only on some inputs."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from tests.checking import F32, I32, checked, graph
from tv.arithmetic import apply
from tv.verdict import Verdict

I8, U8 = TensorProto.INT8, TensorProto.UINT8
FINITE = "[inputs]\nx = { finite = true }\n"


def reduced(operator: str, element: int, before: str = "") -> onnx.ModelProto:
    nodes = [(before, "x", "a")] if before else []
    last = (TensorProto.INT64, [1], [-1])
    model = graph(
        [*nodes, (operator, f"{'a' if before else 'x'} last", "y")],
        {"x": (element, [64, 8])},
        {"y": (element, [64, 1])},
        last=last,
    )
    return model


def fold(kind: str, start: str, step: str) -> str:
    """A thread a row; `start` and `step` call the row p, what is kept m, and an element v."""
    return (
        f"__global__ void k(const {kind}* x, {kind}* y) {{\n  const {kind}* p = x + threadIdx.x * 8;\n  {kind} m = {start};\n"
        f"  for (int c = 0; c < 8; ++c) {{\n    const {kind} v = p[c];\n    {step}\n  }}\n  y[threadIdx.x] = m;\n}}\n"
    )


INTEGERS = [
    ("int", I32, "ReduceMax", "m = v > m ? v : m;"),
    ("int", I32, "ReduceMax", "m = m >= v ? m : v;"),
    ("int", I32, "ReduceMin", "if (!(m < v)) m = v;"),
    ("int", I32, "ReduceMin", "if (v <= m) m = v;"),
    ("signed char", I8, "ReduceMax", "m = v > m ? v : m;"),
    ("unsigned char", U8, "ReduceMin", "m = v < m ? v : m;"),
]


@pytest.mark.parametrize(("kind", "element", "operator", "step"), INTEGERS)
def test_of_integers_every_comparison_will_do(
    kind: str, element: int, operator: str, step: str, tmp_path: Path
) -> None:
    result = checked(tmp_path, fold(kind, "p[0]", step), reduced(operator, element))
    assert result.verdict is Verdict.PROVED, result.why


WRONG_INTEGERS = [
    ("int", I32, "ReduceMax", "m = v < m ? v : m;"),
    ("int", I32, "ReduceMax", "m = (unsigned)v > (unsigned)m ? v : m;"),
    ("int", I32, "ReduceMax", "m = v > p[0] ? v : m;"),
    ("signed char", I8, "ReduceMax", "m = (unsigned)m < (unsigned)v ? v : m;"),
    ("unsigned char", U8, "ReduceMax", "m = (signed char)m < (signed char)v ? v : m;"),
]


@pytest.mark.parametrize(("kind", "element", "operator", "step"), WRONG_INTEGERS)
def test_of_integers_read_in_another_way_none_will(
    kind: str, element: int, operator: str, step: str, tmp_path: Path
) -> None:
    stated = "[inputs]\nx = { min = -100, max = 100 }\n" if element != U8 else ""
    assert checked(tmp_path, fold(kind, "p[0]", step), reduced(operator, element), stated).verdict is Verdict.REFUTED


MAGNITUDES = [  # start, step, what is stated, whether it holds
    ("-INFINITY", "if (fabsf(v) > m) m = fabsf(v);", "", True),
    ("0.0f", "if (fabsf(v) > m) m = fabsf(v);", FINITE, True),
    ("-0.0f", "m = fmaxf(m, fabsf(v));", FINITE, True),
    ("0.0f", "m = fmaxf(fabsf(v), m);", "", False),  # a row of NaN
    ("1e-30f", "m = fmaxf(m, fabsf(v));", FINITE, False),
    ("0.0f", "m = fmaxf(m, v);", FINITE, False),
    ("-INFINITY", "m = m > fabsf(v) ? m : fabsf(v);", "", False),  # keeps a NaN
    ("-INFINITY", "if (v > m) m = fabsf(v);", FINITE, False),
]


@pytest.mark.parametrize(("start", "step", "stated", "holds"), MAGNITUDES)
def test_of_magnitudes(start: str, step: str, stated: str, holds: bool, tmp_path: Path) -> None:
    result = checked(tmp_path, fold("float", start, step), reduced("ReduceMax", F32, "Abs"), stated)
    assert (result.verdict is Verdict.PROVED) == holds, result.why


SIGNED = [
    ("p[0]", "m = fmaxf(m, v);", FINITE, True),
    ("p[0]", "m = fmaxf(m, v);", "", False),  # a row of NaN
    ("-INFINITY", "m = fmaxf(m, v);", "", True),
    ("-INFINITY", "if (v > m) m = v;", FINITE, False),  # zeros of both signs
]


@pytest.mark.parametrize(("start", "step", "stated", "holds"), SIGNED)
def test_of_numbers_of_either_sign(start: str, step: str, stated: str, holds: bool, tmp_path: Path) -> None:
    result = checked(tmp_path, fold("float", start, step), reduced("ReduceMax", F32), stated)
    assert (result.verdict is Verdict.PROVED) == holds, result.why


def test_what_the_rules_say_of_comparisons() -> None:
    """`a < b ? b : a` is the maximum where a is a number, but for which zero it is; and where a is a NaN it is not."""
    values = (0x80000000, 0, 0x3F800000, 0xBF800000, 0xFF800000, 0x7F800000, 0x7FC00000)
    differs = set()
    for a, b in product(values, repeat=2):
        args = [np.array([v], np.uint64) for v in (a, b)]
        upper, most = (int(apply(f"{n}.f32", args)[0]) for n in ("fupper", "fmax"))
        if upper != most:
            differs.add((a, b))
    assert differs
    assert all(a == 0x7FC00000 or {a, b} == {0, 0x80000000} for a, b in differs)
