"""What is often taken for another computation is called by its name where it is not proved."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.checking import F16, F32, Ends, checked, graph, pointwise
from tv.verdict import Verdict

X: Ends = {"x": (F32, [64])}
Y: Ends = {"y": (F32, [64])}
HX: Ends = {"x": (F16, [64])}
HY: Ends = {"y": (F16, [64])}
SUM = graph([("ReduceSum", "x", "y")], {"x": (F16, [64])}, {"y": (F16, [1])})
MEAN = graph([("ReduceMean", "x", "y")], {"x": (F32, [48])}, {"y": (F32, [1])})
ONE = "__global__ void k(const {0}* x, {0}* y) {{ if (threadIdx.x == 0) {{ {0} s = {1}; for (int i = 0; i < {2}; ++i) {3} y[0] = {4}; }} }}"
HALF = "#include <cuda_fp16.h>\n"

CASES: dict[str, tuple[str, onnx.ModelProto, str]] = {
    "a fast exponential": (pointwise("__expf(X)"), graph([("Exp", "x", "y")], X, Y), "__expf"),
    "a reciprocal root": (
        pointwise("rsqrtf(X)"),
        graph([("Sqrt", "x", "r"), ("Reciprocal", "r", "y")], X, Y),
        "rsqrtf(x)",
    ),
    "an exponential of halves": (pointwise("hexp(X)", "half"), graph([("Exp", "x", "y")], HX, HY), "hexp"),
    "a sum of halves": (
        HALF + ONE.format("half", "__float2half(0.0f)", 64, "s = __hadd(s, x[i]);", "s"),
        SUM,
        "accumulates in half",
    ),
    "an average by a reciprocal": (
        ONE.format("float", "0.0f", 48, "s += x[i];", "s * (1.0f / 48)"),
        MEAN,
        "rounded reciprocal",
    ),
    "a quotient for a product": (
        pointwise("X / 10.0f"),
        graph([("Mul", "x c", "y")], X, Y, c=(F32, [], [0.1])),
        "divides where the graph multiplies",
    ),
    "a double constant": (
        pointwise("X * 0.1 + 0.3"),
        graph([("Mul", "x c", "p"), ("Add", "p d", "y")], X, Y, c=(F32, [], [0.1]), d=(F32, [], [0.3])),
        "computes in double",
    ),
    "a maximum by comparison": (
        pointwise("X > Z ? X : Z", names="xz"),
        graph([("Max", "x z", "y")], {**X, "z": (F32, [64])}, Y),
        "is no maximum",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_known_difference_is_named(name: str, tmp_path: Path) -> None:
    kernel, model, words = CASES[name]
    result = checked(tmp_path, kernel, model)
    assert result.verdict is not Verdict.PROVED
    said = [o.help for o in result.obligations if o.kind == "equal"]
    assert any(words in h for h in said), said


def test_another_difference_has_no_such_name(tmp_path: Path) -> None:
    result = checked(tmp_path, pointwise("X + 1.0f"), graph([("Neg", "x", "y")], X, Y))
    assert result.verdict is not Verdict.PROVED
    assert not any("other bits" in o.help for o in result.obligations)
