"""Integers that are the bits of floats: what only moves a NaN keeps them, what computes one does not (S28)."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from tests.checking import F32, I32, I64, Ends, checked, graph
from tv.equiv.laws import LAWS, TO_THE_BIT
from tv.term import Term, Terms

SPEC = 'kernel = "k"\n[args]\nx = "x"\ny = "y"\n'
ROW: Ends = {"x": (F32, [64])}
NANS = {"f16": (0x7C01, 0x7E00, 0xFFFF), "f32": (0x7F800001, 0x7FC00000, 0xFFFFFFFF)}


def of_bits(*nodes: tuple[str, str, str] | onnx.NodeProto, result: int = I32) -> onnx.ModelProto:
    """y [64] of type `result` from x [64]."""
    stored: dict[str, tuple[int, list[int], list[int]]] = {"low": (I32, [], [0xFFFF]), "zero": (I32, [], [0])}
    model = graph(nodes, ROW, {"y": (result, [64])}, **stored)
    model.opset_import[0].version = 26  # of BitCast
    return model


def bits(source: str, to: str, kind: int = I32) -> onnx.NodeProto:
    return helper.make_node("BitCast", [source], [to], to=kind)


def kernel(body: str, result: str = "int") -> str:
    return (
        f"__global__ void k(const float* x, {result}* y) {{\n"
        f"  __shared__ float s[64];\n  int i = threadIdx.x;\n  float v = x[i];\n  {body}\n}}\n"
    )


@pytest.mark.parametrize(
    "value",
    [
        "v",
        "v > 0.0f ? v : v",
        "__shfl_sync(0xffffffffu, v, i & 31)",
        "__int_as_float(__float_as_int(v))",
    ],
)
def test_what_is_moved_keeps_its_bits(tmp_path: Path, value: str) -> None:
    result = checked(tmp_path, kernel(f"y[i] = __float_as_int({value});"), of_bits(bits("x", "y")), SPEC)
    assert result.verdict.value == "proved", result.why


@pytest.mark.parametrize(
    "value",
    [
        "v * 1.0f",
        "v - 0.0f",
        "-(-v)",
        "fmaxf(v, v)",
        "(float)(double)v",
        "v == v ? v : v + v",
        "__shfl_sync(0xffffffffu, v * 1.0f, i & 31)",
    ],
)
def test_what_computes_a_nan_does_not(tmp_path: Path, value: str) -> None:
    """As floats all of these are x."""
    result = checked(tmp_path, kernel(f"y[i] = __float_as_int({value});"), of_bits(bits("x", "y")), SPEC)
    assert result.verdict.value == "unknown", result.why
    as_float = graph([("Identity", "x", "y")], ROW, {"y": (F32, [64])})
    result = checked(tmp_path / "f", kernel(f"y[i] = {value};", "float"), as_float, SPEC)
    assert result.verdict.value == "proved", result.why


TIMES = "s[i] = v * 1.0f; __syncthreads(); int b = __float_as_int(s[i]);"
MOVED = "s[i] = v; __syncthreads(); int b = __float_as_int(s[i]);"
AND = ("BitwiseAnd", "b low", "y")
SIGN = [("Less", "b zero", "l"), helper.make_node("Cast", ["l"], ["y"], to=I32)]


@pytest.mark.parametrize(("way", "verdict"), [(MOVED, "proved"), (TIMES, "unknown")])
@pytest.mark.parametrize(
    ("use", "nodes"),
    [
        ("y[i] = b & 0xffff;", [AND]),
        ("y[i] = b < 0 ? 1 : 0;", SIGN),
        ("y[i] = b;", [("Identity", "b", "y")]),
    ],
)
def test_an_operation_on_integers_sees_them(
    tmp_path: Path, way: str, verdict: str, use: str, nodes: list[tuple[str, str, str] | onnx.NodeProto]
) -> None:
    """In a value of its own that is kept in memory, too."""
    result = checked(tmp_path, kernel(f"{way} {use}"), of_bits(bits("x", "b"), *nodes), SPEC)
    assert result.verdict.value == verdict, result.why


@pytest.mark.parametrize(("way", "verdict"), [(MOVED, "proved"), (TIMES, "unknown")])
def test_a_float_made_of_them_sees_them(tmp_path: Path, way: str, verdict: str) -> None:
    """The output is a float again, but it was computed from the integer."""
    model = of_bits(bits("x", "b"), ("BitwiseAnd", "b low", "m"), bits("m", "y", F32), result=F32)
    result = checked(tmp_path, kernel(f"{way} y[i] = __int_as_float(b & 0xffff);", "float"), model, SPEC)
    assert result.verdict.value == verdict, result.why


@pytest.mark.parametrize(
    ("body", "nodes"),
    [
        ("y[i] = v + v < 1.0f;", [("Add", "x x", "s"), ("Less", "s one", "y")]),
        ("y[i] = isnan(v + v);", [("Add", "x x", "s"), ("IsNaN", "s", "y")]),
        ("y[i] = v + v != 0.0f;", [("Add", "x x", "s"), helper.make_node("Cast", ["s"], ["y"], to=9)]),
    ],
)
def test_a_truth_about_floats_sees_no_bits(
    tmp_path: Path, body: str, nodes: list[tuple[str, str, str] | onnx.NodeProto]
) -> None:
    model = graph(nodes, ROW, {"y": (9, [64])}, one=(F32, [], [1.0]))
    result = checked(tmp_path, kernel(body, "bool"), model, SPEC)
    assert result.verdict.value == "proved", result.why


def test_the_place_of_an_extreme_sees_no_bits(tmp_path: Path) -> None:
    body = """float m = x[i * 4] * 2.0f; long long p = 0;
  for (int j = 1; j < 4; ++j) { float w = x[i * 4 + j] * 2.0f; if (w > m) { m = w; p = j; } }
  y[i] = p;"""
    model = graph(
        [("Mul", "x two", "d"), helper.make_node("ArgMax", ["d"], ["y"], axis=1, keepdims=0)],
        {"x": (F32, [16, 4])},
        {"y": (I64, [16])},
        two=(F32, [], [2.0]),
    )
    text = kernel(f"if (i >= 16) return;\n  {body}", "long long").replace("float v = x[i];", "")
    result = checked(tmp_path, text, model, SPEC)
    assert result.verdict.value == "proved", result.why


def made_of(terms: Terms, kind: str, nan: int) -> list[Term]:
    """Terms in which a constant NaN is converted, or stands by itself."""
    width = int(kind[1:])
    other = "f32" if width == 16 else "f16"
    constant = terms.const(nan, width)
    return [constant, terms.op(f"cvt.{other}.{kind}", constant, width=48 - width)]


@pytest.mark.parametrize(("kind", "nan"), [(k, n) for k, nans in NANS.items() for n in nans])
def test_laws_that_keep_bits_convert_no_nan(kind: str, nan: int) -> None:
    """Which NaN a conversion gives is the device's affair."""
    terms = Terms()
    for t in made_of(terms, kind, nan):
        assert [name for name in sorted(TO_THE_BIT) if LAWS[name](terms, t) is not None] == []
