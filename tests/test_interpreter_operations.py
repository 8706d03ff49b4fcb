"""Every operation, comparison and conversion of every type on the interpreter, and a function that has no outside means."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tv.arithmetic import apply, float_bits
from tv.kernel import (
    Binary,
    Bitcast,
    Compare,
    Const,
    Convert,
    Expr,
    Kernel,
    MemoryObject,
    MemRef,
    Scalar,
    Select,
    Space,
    Store,
    Unary,
    check,
)
from tv.kernel.rules import COMPARES, FLOAT_OPS, INT_OPS
from tv.replay import DenseBuffer, run
from tv.replay.mathlib import erf_inverse
from tv.source import NOWHERE

INTEGERS = [t for t in Scalar if t.is_int]
FLOATS = [t for t in Scalar if t.is_float]


def evaluated(e: Expr) -> int:
    """The bits of an expression without variables, as the interpreter computes it."""
    k = Kernel("k", (), {"y": MemoryObject("y", Space.GLOBAL, e.type, None, 256)}, (
        Store(NOWHERE, MemRef("y", Const(Scalar.I64, 0), e.type), (e,)),
    ))  # fmt: skip
    y = DenseBuffer.zeros(8)
    done = run(check(k), (1, 1, 1), (1, 1, 1), {"y": y}, {}, fmad=False)
    assert done.clean, done.events
    return int.from_bytes(y.data[: e.type.bytes].tobytes(), "little")


def sample(t: Scalar, n: int) -> Const:
    """A small positive number."""
    return Const(t, float_bits(n + 0.5, t.label) if t.is_float else n)


@pytest.mark.parametrize("t", INTEGERS, ids=repr)
def test_integer_operations_of_every_type(t: Scalar) -> None:
    a, b = sample(t, 77), sample(t, 5)
    expected = {"add": 82, "sub": 72, "mul": 385 % (1 << t.bits), "div": 15, "rem": 2, "and": 5, "or": 77, "xor": 72, "shl": 77 << 5,
                "shr": 2, "min": 5, "max": 77}  # fmt: skip
    assert set(expected) == INT_OPS
    for op, value in expected.items():
        small = op in ("mul", "shl") and t.bits < 32  # C promotes, so that readers make no such product or shift
        if not small:
            assert evaluated(Binary(t, op, a, b)) == value
    assert evaluated(Unary(t, "neg", a)) == (1 << t.bits) - 77
    assert evaluated(Unary(t, "not", a)) == (1 << t.bits) - 78


@pytest.mark.parametrize("t", FLOATS, ids=repr)
def test_float_operations_of_every_type(t: Scalar) -> None:
    a, b = sample(t, 77), sample(t, 5)
    for op in FLOAT_OPS:
        wanted = apply(f"f{op}.{t.label}", [np.array([x.bits], np.uint64) for x in (a, b)])
        assert evaluated(Binary(t, op, a, b)) == int(wanted[0])
    assert evaluated(Unary(t, "neg", a)) == a.bits | 1 << (t.bits - 1)


@pytest.mark.parametrize("t", [*INTEGERS, *FLOATS], ids=repr)
def test_comparisons_and_selects_of_every_type(t: Scalar) -> None:
    a, b = sample(t, 77), sample(t, 5)
    wanted = {"eq": False, "ne": True, "lt": False, "le": False, "gt": True, "ge": True}
    assert set(wanted) == COMPARES
    for op, truth in wanted.items():
        assert evaluated(Compare(Scalar.BOOL, op, a, b)) == truth
        assert evaluated(Select(t, Compare(Scalar.BOOL, op, a, b), a, b)) == (a.bits if truth else b.bits)


@pytest.mark.parametrize("source", Scalar, ids=repr)
def test_conversions_between_all_types(source: Scalar) -> None:
    one = Const(source, float_bits(1.0, source.label) if source.is_float else 1)
    for target in Scalar:
        modes = (
            ["rn", "rz", "ru", "rd"]
            if target.is_float
            else ["rn", "sat"]
            if source.is_float and target.is_int
            else ["rn"]
        )
        for mode in modes:
            wanted = float_bits(1.0, target.label) if target.is_float else 1
            assert evaluated(Convert(target, one, mode)) == wanted
        if target.bits == source.bits:
            assert evaluated(Bitcast(target, one)) == one.bits


@pytest.mark.parametrize("y", [0.0, 1e-12, 0.25, -0.5, 0.9, 0.999999, 1 - 2.0**-50, -1.0, 1.0])
def test_the_inverse_of_the_error_function(y: float) -> None:
    x = erf_inverse(y)
    assert math.copysign(1.0, x) == math.copysign(1.0, y)
    assert math.isinf(x) if abs(y) == 1 else math.erfc(abs(x)) == pytest.approx(1 - abs(y), rel=1e-12)
    assert math.erf(x) == pytest.approx(y, rel=1e-14)


def test_the_error_function_has_no_inverse_beyond_one() -> None:
    assert math.isnan(erf_inverse(1.5))
    assert math.isnan(erf_inverse(math.nan))
