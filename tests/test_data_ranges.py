"""Signed arithmetic on values from memory: refused where it may overflow, which is undefined, and nowhere else."""

from __future__ import annotations

import pytest

from tests.executing import program_of
from tv.diagnostic import Unknown


def run(expression: str) -> None:
    text = f"__global__ void k(const int* x, int* y) {{ int t = threadIdx.x; int v = x[t]; y[t] = {expression}; }}"
    program_of(text, (4, 1, 1), 1, {"x": 4, "y": 4})


@pytest.mark.parametrize(
    "expression",
    [
        "v + 1",
        "v - t",
        "-v",
        "v * 2",
        "v << 1",
        "v / -1",
        "v % -1",
        "abs(v)",
        "(v & 0xffff) * (v & 0xffff)",
        "(short)v * 65537",
    ],
)
def test_what_may_overflow_is_refused(expression: str) -> None:
    with pytest.raises(Unknown) as caught:
        run(expression)
    assert caught.value.code == "TV0525"


@pytest.mark.parametrize(
    "expression",
    [
        "(int)((unsigned)v + 1u)",
        "(v & 0xff) + 1",
        "(short)v * (short)v",
        "(signed char)v - 200",
        "v / 2",
        "v % 7",
        "(v & 7) << 3",
        "~v",
    ],
)
def test_what_cannot_overflow_is_not(expression: str) -> None:
    run(expression)
