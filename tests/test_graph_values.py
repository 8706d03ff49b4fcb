"""The evaluator of graphs: exact arithmetic on bits, single elements of huge graphs, replaced orders, and guards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto as T
from onnx import helper

from tests.graph_running import from_bits, model_of, read_model, save, values_of
from tv.arithmetic import apply, float_bits, fold
from tv.diagnostic import BadInput, Unsupported
from tv.replay.graph_values import Fold, GraphValues, ascending

node = helper.make_node
F32, I64 = np.float32, np.int64
FORMATS = {"f16": (5, 10), "bf16": (8, 7), "f32": (8, 23)}


def exact(bits: int, label: str) -> Fraction | None:
    """The rational number that finite bits mean; None for infinities and NaN."""
    e, m = FORMATS[label]
    sign, exponent, mantissa = bits >> (e + m), (bits >> m) & ((1 << e) - 1), bits & ((1 << m) - 1)
    if exponent == (1 << e) - 1:
        return None
    scale = max(exponent, 1) - ((1 << (e - 1)) - 1) - m
    value = Fraction(mantissa | (1 << m if exponent else 0)) * Fraction(2) ** scale
    return -value if sign else value


def nearest(x: Fraction, label: str) -> int:
    """Bits of x rounded to nearest even, by search among the format's numbers (sign of zero: plus)."""
    e, m = FORMATS[label]
    top = ((1 << e) - 1) << m
    low, high = 0, top  # magnitudes are ordered as their bits; `top` stands for the next power of two, that is infinity
    size = abs(x)

    def magnitude(b: int) -> Fraction:
        value = exact(b, label)
        return value if value is not None else Fraction(2) ** (1 << (e - 1))

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if magnitude(middle) <= size else (low, middle)
    if size >= magnitude(high):
        low = high
    below, above = size - magnitude(low), magnitude(min(low + 1, top)) - size
    chosen = low if below < above or (below == above and low % 2 == 0) or low == top else low + 1
    return chosen | (1 << (e + m) if x < 0 else 0)


words = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("label", FORMATS)
@settings(max_examples=300, deadline=None)
@given(words, words, words)
def test_arithmetic_is_rounded_once(label: str, a: int, b: int, c: int) -> None:
    width = sum(FORMATS[label]) + 1
    bits = [v & ((1 << width) - 1) for v in (a, b, c)]
    x, y, z = (exact(v, label) for v in bits)
    if x is None or y is None or z is None:
        return
    cases: list[tuple[str, Sequence[int], Fraction | None]] = [
        ("fadd", bits[:2], x + y), ("fsub", bits[:2], x - y), ("fmul", bits[:2], x * y),
        ("fdiv", bits[:2], x / y if y else None), ("ffma", bits, x * y + z),
    ]  # fmt: skip
    for name, args, want in cases:
        if want:  # signed zeros are numpy's own
            got = int(apply(f"{name}.{label}", [np.array([v], np.uint64) for v in args])[0])
            assert got == nearest(want, label), name


@settings(max_examples=300, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(-(2**63), 2**63 - 1))
def test_conversions_are_rounded_once(x: float, k: int) -> None:
    bits = np.array([x], np.float64).view(np.uint64)
    for label in FORMATS:
        if x:
            assert int(apply(f"cvt.{label}.f64", [bits])[0]) == nearest(Fraction(x), label)
            assert float_bits(x, label) == nearest(Fraction(x), label)
    word = np.array([k], np.int64).view(np.uint64)
    if k:
        assert int(apply("cvt.f32.s64", [word])[0]) == nearest(Fraction(k), "f32")
        assert int(apply("cvt.f16.s64", [word])[0]) == nearest(Fraction(k), "f16")
    if abs(x) < 2**31 - 1:
        assert int(apply("cvt.s32.f64", [bits])[0]) == math.trunc(x) % 2**32


@settings(max_examples=200, deadline=None)
@given(words, words)
def test_integers_wrap_and_divide_as_c(a: int, b: int) -> None:
    def signed(v: int) -> int:
        return v - 2**32 if v >> 31 else v

    def run(name: str) -> int:
        return int(apply(f"{name}.i32", [np.array([a], np.uint64), np.array([b], np.uint64)])[0])

    assert run("add") == (a + b) % 2**32
    assert run("sub") == (a - b) % 2**32
    assert run("mul") == (a * b) % 2**32
    assert run("slt") == int(signed(a) < signed(b))
    assert run("ult") == int(a < b)
    if b:
        assert run("udiv") == a // b
        q = abs(signed(a)) // abs(signed(b)) * (1 if (signed(a) < 0) == (signed(b) < 0) else -1)
        assert run("sdiv") == q % 2**32
        assert run("srem") == (signed(a) - q * signed(b)) % 2**32


def test_functions_are_never_folded() -> None:
    assert fold("exp.f32", [0]) is None
    assert fold("fadd.f32", [float_bits(1.5, "f32"), float_bits(2.0, "f32")]) == float_bits(3.5, "f32")
    with pytest.raises(Unsupported):
        apply("mystery.f32", [np.zeros(1, np.uint64)])


# ------------------------------------------------------------------------------------------------ graphs
def test_single_elements_of_a_graph_that_fits_no_memory(tmp_path: Path) -> None:
    """64 Mi x 4096 outputs: two of them, each a sum of 4096 products and a softmax over 4096."""
    n, k = 2**26, 4096
    m = model_of([node("MatMul", ["x", "w"], ["a"]), node("Softmax", ["a"], ["y"])],
                 {"x": (T.FLOAT, [n, 8]), "w": (T.FLOAT, [8, k])}, {"y": (T.FLOAT, [n, k])})  # fmt: skip
    g = read_model(save(m, tmp_path))

    def inputs(unit: str, index: Sequence[Any]) -> Any:
        value = ((index[0] * 7 + index[1] * 3) % 5).astype(F32) * F32(0.125)
        return value.view(np.uint32).astype(np.uint64)

    got = from_bits(GraphValues(g, {}, inputs).values_at(g.outputs["y"].unit, [[12345678, 5], [n - 1, k - 1]]), "f32")
    for (row, column), v in zip([(12345678, 5), (n - 1, k - 1)], got, strict=True):
        x = ((row * 7 + np.arange(8) * 3) % 5) * 0.125
        w = ((np.arange(8)[:, None] * 7 + np.arange(k)[None] * 3) % 5) * 0.125
        e = np.exp(x @ w - (x @ w).max())
        assert abs(v - (e / e.sum())[column]) < 1e-8


def test_a_sum_in_another_order(tmp_path: Path) -> None:
    m = model_of([node("ReduceSum", ["x"], ["y"])], {"x": (T.FLOAT, ["N"])}, {"y": (T.FLOAT, [1])})
    x = np.array([1e8, 1.0, -1e8, 1.0], F32)
    g = read_model(save(m, tmp_path))
    unit = g.outputs["y"].unit

    def pairs_apart(f: Fold) -> Any:
        first, second = (Fold(f.unit, f.op, f.points, f.init, f.contributions[k::2], None, None) for k in (0, 1))
        return apply(f.op, [ascending(first), ascending(second)])

    assert from_bits(values_of(g, m, {"x": x}).output("y"), "f32").item() == 1.0
    assert from_bits(values_of(g, m, {"x": x}, orders={unit: pairs_apart}).output("y"), "f32").item() == 2.0


def test_sums_of_different_lengths_skip_absent_terms(tmp_path: Path) -> None:
    m = model_of(
        [node("CumSum", ["x", "a"], ["y"], exclusive=1)],
        {"x": (T.FLOAT, ["N"])},
        {"y": (T.FLOAT, [None])},
        {"a": np.array(0, I64)},
    )
    x = np.array([-0.0, 2.0, 4.0], F32)
    g = read_model(save(m, tmp_path))
    assert from_bits(values_of(g, m, {"x": x}).output("y"), "f32").tolist() == [0.0, 0.0, 2.0]


def test_indices_out_of_range_are_an_error_not_a_wrapped_read(tmp_path: Path) -> None:
    m = model_of([node("Gather", ["x", "i"], ["y"])], {"x": (T.FLOAT, [5]), "i": (T.INT64, [1])}, {"y": (T.FLOAT, [1])})
    g = read_model(save(m, tmp_path))
    x = np.arange(5, dtype=F32)
    assert from_bits(values_of(g, m, {"x": x, "i": np.array([-1])}).output("y"), "f32") == 4.0
    for i in (5, -6):
        with pytest.raises(BadInput):
            values_of(g, m, {"x": x, "i": np.array([i])}).output("y")
    with pytest.raises(IndexError):
        values_of(g, m, {"x": x, "i": np.array([0])}).values_at(g.outputs["y"].unit, [[1]])


def test_a_missing_size_is_bad_input(tmp_path: Path) -> None:
    g = read_model(
        save(model_of([node("Neg", ["x"], ["y"])], {"x": (T.FLOAT, ["N"])}, {"y": (T.FLOAT, ["N"])}), tmp_path)
    )
    with pytest.raises(BadInput):
        GraphValues(g, {}, lambda unit, index: np.zeros(len(index[0]), np.uint64))
