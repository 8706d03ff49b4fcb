"""Differences from a maximum: what the maximum starts from, and which zero it is, checked on every small row."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tv.arithmetic import apply

VALUES = (0x80000000, 0, 0x3F800000, 0xBF800000, 0xFF800000, 0x7F800000, 0x7FC00000)  # zeros, ones, infinities, NaN
MINUS_INFINITY = 0xFF800000


def of(name: str, *args: int) -> int:
    return int(apply(f"{name}.f32", [np.array([a], np.uint64) for a in args])[0])


def fold(name: str, start: int, row: tuple[int, ...]) -> int:
    for v in row:
        start = of(name, start, v)
    return start


def same(a: int, b: int) -> bool:
    return a == b or bool(of("fisnan", a) and of("fisnan", b))


ROWS = list(product(VALUES, repeat=3))


def test_from_the_first_element_no_difference_changes() -> None:
    for row in ROWS:
        m, first = fold("fmax", MINUS_INFINITY, row), fold("fmax", row[0], row[1:])
        assert all(same(of("fsub", x, m), of("fsub", x, first)) for x in row), row


def test_by_comparison_no_exponential_changes() -> None:
    for row in ROWS:
        m, kept = fold("fmax", MINUS_INFINITY, row), fold("fupper", MINUS_INFINITY, row)
        assert all(same(of("exp", of("fsub", x, m)), of("exp", of("fsub", x, kept))) for x in row), row


@pytest.mark.parametrize("start", ["first", "exp"])
def test_the_conditions_are_needed(start: str) -> None:
    """By comparison from the first element a NaN stays, and without exp a zero's sign shows."""
    if start == "first":
        pairs = [(of("exp", of("fsub", x, fold("fmax", MINUS_INFINITY, row))),
                  of("exp", of("fsub", x, fold("fupper", row[0], row[1:])))) for row in ROWS for x in row]  # fmt: skip
    else:
        pairs = [(of("fsub", x, fold("fmax", MINUS_INFINITY, row)),
                  of("fsub", x, fold("fupper", MINUS_INFINITY, row))) for row in ROWS for x in row]  # fmt: skip
    assert not all(same(a, b) for a, b in pairs)


def test_of_another_value_the_difference_changes() -> None:
    nan = (0x7FC00000,) * 3
    one = 0x3F800000
    assert not same(of("fsub", one, fold("fmax", MINUS_INFINITY, nan)), of("fsub", one, fold("fmax", nan[0], nan[1:])))
