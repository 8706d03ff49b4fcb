"""Library calls on what the compiler may know, and library results that reach an addition it may contract (S7)."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.checking import F32, checked, graph, pointwise
from tv.verdict import CheckResult, Verdict

EXP = graph([("Exp", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
PLUS_EXP = graph([("Exp", "x", "e"), ("Add", "x e", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})
CONTRACTED = "nvcc does not contract the inside of `exp` into the addition it feeds, where that is subnormal"


def times(function: str, value: float) -> onnx.ModelProto:
    nodes = [(function, "c", "e"), ("Mul", "x e", "y")]
    return graph(nodes, {"x": (F32, [64])}, {"y": (F32, [64])}, c=(F32, [], [value]))


def folded(result: CheckResult) -> bool:
    return any("on the host" in o.help for o in result.obligations if o.kind == "equal")


@pytest.mark.parametrize(
    ("function", "value", "call"),
    [("Exp", 1.0, "expf(1.0f)"), ("Log", 2.0, "logf(2.0f)"), ("Tanh", 0.5, "tanhf(0.25f + 0.25f)"), ("Sin", 1.0, "sinf((float)1)")],
)  # fmt: skip
def test_a_call_on_a_constant_is_another_function(function: str, value: float, call: str, tmp_path: Path) -> None:
    result = checked(tmp_path, pointwise(f"X * {call}"), times(function, value))
    assert result.verdict is Verdict.UNKNOWN
    assert (
        folded(result) or "0.25" in call
    )  # a sum of constants is no constant of the graph's, whatever is called on it


@pytest.mark.parametrize(
    ("function", "value", "call"), [("Exp", 0.0, "expf(0.0f)"), ("Log", 1.0, "logf(1.0f)"), ("Cos", 0.0, "cosf(0.0f)")]
)
def test_a_stated_value_is_the_same_everywhere(function: str, value: float, call: str, tmp_path: Path) -> None:
    assert checked(tmp_path, pointwise(f"X * {call}"), times(function, value)).verdict is Verdict.PROVED


def test_an_argument_of_the_launch_is_not_known_to_the_compiler(tmp_path: Path) -> None:
    kernel = "__global__ void k(const float* x, float* y, float c) {\n  y[threadIdx.x] = x[threadIdx.x] * expf(c);\n}\n"
    assert checked(tmp_path, kernel, times("Exp", 1.0), "[args]\nc = 1.0\n").verdict is Verdict.PROVED


@pytest.mark.parametrize(
    "body",
    [
        "float c = 1.0f; for (int j = 0; j < 3; ++j) { y[i] = x[i] * expf(c); }",
        "float c = 2.0f; for (int j = 0; j < 3; ++j) { c = c > 5.0f ? c : 1.0f; } y[i] = x[i] * expf(c);",
        "__shared__ float s[64]; s[i] = 1.0f; __syncthreads(); y[i] = x[i] * expf(s[i]);",
        "float c = __shfl_xor_sync(0xffffffffu, 1.0f, 1); y[i] = x[i] * expf(c);",
        "float c[2]; c[0] = 1.0f; c[1] = 1.0f; y[i] = x[i] * expf(c[i % 2]);",
    ],
)
def test_constants_are_known_through_loops_memory_and_lanes(body: str, tmp_path: Path) -> None:
    kernel = f"__global__ void k(const float* x, float* y) {{\n  int i = threadIdx.x;\n  {body}\n}}\n"
    assert checked(tmp_path, kernel, times("Exp", 1.0)).verdict is not Verdict.PROVED


def test_what_rests_on_data_stays_the_devices(tmp_path: Path) -> None:
    body = "float p = 1.0f, s = 0.0f;\n  for (int j = 0; j < 2; ++j) { s = expf(p); p = X; }\n  y[i] = s"
    kernel = pointwise("0.0f").replace("y[i] = 0.0f", body)
    assert checked(tmp_path, kernel, EXP).verdict is Verdict.PROVED
    assert checked(tmp_path, pointwise("X > 1.0f ? expf(X) : expf(X + 0.0f)"), EXP).verdict is not Verdict.PROVED
    above = graph(
        [("Greater", "x c", "g"), ("Exp", "x", "e"), ("Where", "g e x", "y")],
        {"x": (F32, [64])}, {"y": (F32, [64])}, c=(F32, [], [1]),
    )  # fmt: skip
    assert checked(tmp_path, pointwise("X > 1.0f ? expf(X) : X"), above).verdict is Verdict.PROVED


def test_a_function_of_the_thread_is_computed_by_the_device(tmp_path: Path) -> None:
    nodes = [("Range", "zero count one", "r"), ("Cast", "r", "f"), ("Exp", "f", "e"), ("Mul", "x e", "y")]
    numbers = {n: (6, [], [v]) for n, v in (("zero", 0), ("count", 64), ("one", 1))}
    model = graph(nodes, {"x": (F32, [64])}, {"y": (F32, [64])}, **numbers)
    model.graph.node[1].attribute.append(onnx.helper.make_attribute("to", F32))
    assert checked(tmp_path, pointwise("X * expf((float)i)"), model).verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("kernel", "assumed"),
    [
        (pointwise("X + expf(X)"), True),
        (pointwise("__fadd_rn(X, expf(X))"), False),
        (pointwise("E + X").replace("y[i]", "float E = 0.0f; for (int j = 0; j < 2; ++j) { E = expf(X); } y[i]"), True),
        (pointwise("X + s[i]").replace("  int i", "  __shared__ float s[64];\n  int i").replace("y[i]", "s[i] = expf(X); y[i]"), True),
        (pointwise("X + (i < 32 ? expf(X) : expf(X))"), True),
    ],
)  # fmt: skip
def test_a_library_result_in_a_contractible_addition_is_an_assumption(
    kernel: str, assumed: bool, tmp_path: Path
) -> None:
    result = checked(tmp_path, kernel, PLUS_EXP)
    assert result.verdict is Verdict.PROVED, result.why
    assert (CONTRACTED in result.assumptions) == assumed


def test_a_sum_of_library_results_carries_the_assumption(tmp_path: Path) -> None:
    nodes = [("Exp", "x", "e"), ("ReduceSum", "e axes", "t"), ("Squeeze", "t axes", "y")]
    model = graph(nodes, {"x": (F32, [64, 8])}, {"y": (F32, [64])}, axes=(7, [1], [1]))
    text = "__global__ void k(const float* x, float* y) {{\n  int i = threadIdx.x;\n  float s = 0.0f;\n  for (int j = 7; j >= 0; --j) s = {add};\n  y[i] = s;\n}}\n"  # fmt: skip
    for add, assumed in (("s + expf(x[i * 8 + j])", True), ("__fadd_rn(s, expf(x[i * 8 + j]))", False)):
        result = checked(tmp_path, text.format(add=add), model)
        assert result.verdict is Verdict.PROVED, result.why
        assert (CONTRACTED in result.assumptions) == assumed
