"""Expressions are simplified only where every bit stays."""

from __future__ import annotations

import numpy as np
import pytest
from megac import index as ix
from megac.dtype import DType, bits_of
from megac.errors import CompileError
from megac.expr import FALSE, TRUE, as_index, cast, fmax, fmin, number, op, select
from megac.index import Ranges
from megac.ir import Cast, Const, IndexTest, IndexValue, Load, Op, Select
from megac.size import Size

NOWHERE = Ranges({}, {})
X = Load("x", (), DType.F16)
B = Load("b", (), DType.BOOL)


def f16(value: float) -> Const:
    return Const(DType.F16, bits_of(value, DType.F16))


@pytest.mark.parametrize(
    ("name", "value", "goes"),
    [
        ("add", 0.0, False),  # -0.0 + 0.0 is 0.0
        ("add", -0.0, True),
        ("sub", 0.0, True),
        ("sub", -0.0, False),
        ("mul", 1.0, True),
        ("mul", 0.0, False),  # of an infinity it is NaN
        ("mul", 2.0, False),
        ("div", 1.0, True),
        ("max", -np.inf, False),  # of a NaN it is -inf
    ],
)
def test_a_neutral_operand_goes_only_where_it_is_one(name: str, value: float, goes: bool) -> None:
    found = op(name, X, f16(value), ranges=NOWHERE)
    assert found == (X if goes else Op(name, (X, f16(value)), DType.F16))


def test_what_a_wider_type_gives_back_was_never_gone() -> None:
    assert cast(cast(X, DType.F32), DType.F16) is X
    narrow = Load("y", (), DType.F32)
    there = cast(cast(narrow, DType.F16), DType.F32)
    assert there == Cast(Cast(narrow, DType.F16), DType.F32)
    assert cast(cast(X, DType.BF16), DType.F16) == Cast(Cast(X, DType.BF16), DType.F16)


def test_constants_are_computed_in_their_own_type() -> None:
    assert op("add", f16(2048.0), f16(1.0), ranges=NOWHERE) == f16(2048.0)
    assert op("mul", f16(60000.0), f16(2.0), ranges=NOWHERE) == f16(np.inf)
    assert op("sqrt", f16(2.0), ranges=NOWHERE) == f16(float(np.sqrt(np.float16(2.0))))
    assert isinstance(op("exp", number(1.0, DType.F32), ranges=NOWHERE), Op)  # a GPU's exp is its own
    assert op("lt", f16(np.nan), f16(1.0), ranges=NOWHERE) == FALSE


def test_choices() -> None:
    assert select(TRUE, X, f16(0.0)) is X
    assert select(B, X, X) is X
    assert select(op("not", B, ranges=NOWHERE), X, f16(0.0)) == Select(B, f16(0.0), X)
    assert select(B, f16(0.0), f16(-0.0)) == Select(B, f16(0.0), f16(-0.0))
    pair = Select(B, number(0.0, DType.F32), number(-np.inf, DType.F32))
    assert cast(pair, DType.F16) == Select(B, f16(0.0), f16(-np.inf))
    with pytest.raises(CompileError, match="choice between"):
        select(B, X, number(0.0, DType.F32))


def test_integers_wrap_and_indices_stay_indices() -> None:
    def i(value: int, t: DType) -> IndexValue:
        return IndexValue(ix.constant(value), t)

    assert op("add", i(2**31 - 1, DType.I32), i(1, DType.I32), ranges=NOWHERE) == i(-(2**31), DType.I32)
    assert cast(i(300, DType.I64), DType.U8) == i(44, DType.U8)
    axis = IndexValue(ix.axis("p"), DType.I64)
    assert cast(axis, DType.I8) == Cast(axis, DType.I8)
    assert op("add", axis, i(2, DType.I64), ranges=NOWHERE) == IndexValue(ix.shifted(ix.axis("p"), 2), DType.I64)
    assert op("lt", axis, i(2, DType.I64), ranges=NOWHERE) == IndexTest(
        "ge", ix.shifted(ix.scaled(ix.axis("p"), -1), 1)
    )
    data = Load("n", (), DType.I64)
    assert op("add", i(0, DType.I64), data, ranges=NOWHERE) is data
    assert op("mul", data, i(1, DType.I64), ranges=NOWHERE) is data
    assert op("sub", i(0, DType.I64), data, ranges=NOWHERE) != data
    with pytest.raises(CompileError, match="used as indices"):
        as_index(X)


def test_extremes_prefer_numbers_and_positive_zero() -> None:
    values = np.array([np.nan, -np.inf, -1.0, -0.0, 0.0, 2.0, np.inf], np.float32)
    a, b = (v.ravel() for v in np.meshgrid(values, values))
    for f, numpys in ((fmax, np.fmax), (fmin, np.fmin)):
        found = f(a, b)
        np.testing.assert_array_equal(found, numpys(a, b))
        zero = (a == 0) & (b == 0)
        want = np.signbit(a) & np.signbit(b) if f is fmax else np.signbit(a) | np.signbit(b)
        np.testing.assert_array_equal(np.signbit(found[zero]), want[zero])


@pytest.mark.parametrize("t", [DType.F16, DType.BOOL, DType.I64])
def test_functions_are_of_wide_floats(t: DType) -> None:
    with pytest.raises(CompileError):
        op("exp", Load("x", (), t), ranges=NOWHERE)


def test_operands_of_two_types_are_refused() -> None:
    with pytest.raises(CompileError, match="f16 and f32"):
        op("add", X, number(1.0, DType.F32), ranges=NOWHERE)
    assert Size(1) == Size.of(1)
