"""What a condition on results of library functions, or on integers that floats decide, tells a compiler of a call's argument (S7)."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.checking import F32, checked, graph, pointwise
from tv.verdict import Verdict

Nodes = list[tuple[str, str, str]]


def chosen(condition: Nodes, value: Nodes, otherwise: str = "zero") -> onnx.ModelProto:
    """y = where(c, v, otherwise), of x and e = exp(x)."""
    nodes = [("Exp", "x", "e"), *condition, *value, ("Where", f"c v {otherwise}", "y")]
    stored: dict[str, tuple[int, list[int], list[float]]] = {
        n: (F32, [], [v]) for n, v in (("zero", 0.0), ("one", 1.0), ("two", 2.0))
    }
    used = {name for _, inputs, _ in nodes for name in inputs.split()}
    return graph(
        nodes, {"x": (F32, [64])}, {"y": (F32, [64])}, **{k: v for k, v in stored.items() if k in used | {otherwise}}
    )


def kernel(before: str, value: str) -> str:
    return pointwise(value).replace("y[i]", f"const float v = x[i]; {before}\n  y[i]")


X_IS_TWO: Nodes = [("Equal", "x two", "c")]
E_IS_TWO: Nodes = [("Equal", "e two", "c")]
E_BETWEEN: Nodes = [("Greater", "e one", "c0"), ("Less", "e two", "c1"), ("And", "c0 c1", "c")]
EXP_X: Nodes = [("Exp", "x", "v")]
EXP_E: Nodes = [("Exp", "e", "v")]

TOLD: dict[str, tuple[str, str, onnx.ModelProto]] = {
    "a result that is called on": ("const float e = expf(v);", "e == 2.0f ? expf(e) : 0.0f", chosen(E_IS_TWO, EXP_E)),
    "a result between two numbers": (
        "const float e = expf(v);", "e > 1.0f && e < 2.0f ? expf(e) : 0.0f", chosen(E_BETWEEN, EXP_E)),
    "an integer that an equality decides": (
        "const int n = v == 2.0f ? 1 : 0;", "n == 1 ? expf(v) : 0.0f", chosen(X_IS_TWO, EXP_X)),
    "an integer in memory": (
        "__shared__ int n[64]; n[i] = v == 2.0f ? 7 : 3;", "n[i] > 4 ? expf(v) : 0.0f", chosen(X_IS_TWO, EXP_X)),
    "an integer that two bounds decide": (
        "const int n = (v >= 2.0f ? 1 : 0) + (v <= 2.0f ? 1 : 0);", "n == 2 ? expf(v) : 0.0f", chosen(X_IS_TWO, EXP_X)),
    "a result or the number itself": (
        "const float e = i < 65 ? v : expf(v);", "e == 2.0f ? expf(v) : 0.0f", chosen(X_IS_TWO, EXP_X)),
}  # fmt: skip
UNTOLD: dict[str, tuple[str, str, onnx.ModelProto]] = {
    "the argument of an equal result": (
        "const float e = expf(v);", "e == 2.0f ? expf(v) : 0.0f", chosen(E_IS_TWO, EXP_X)),
    "the argument of a result between two numbers": (
        "const float e = expf(v);", "e > 1.0f && e < 2.0f ? expf(v) : 0.0f", chosen(E_BETWEEN, EXP_X)),
    "an integer that a result decides": (
        "const int n = expf(v) == 2.0f ? 1 : 0;", "n == 1 ? expf(v) : 0.0f", chosen(E_IS_TWO, EXP_X)),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_what_a_compiler_may_know_is_not_the_devices(case: str, tmp_path: Path) -> None:
    before, value, model = TOLD[case]
    assert checked(tmp_path, kernel(before, value), model).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("case", UNTOLD)
def test_no_compiler_inverts_an_exponential(case: str, tmp_path: Path) -> None:
    before, value, model = UNTOLD[case]
    result = checked(tmp_path, kernel(before, value), model)
    assert result.verdict is Verdict.PROVED, result.why
