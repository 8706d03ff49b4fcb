"""The evaluator that laws are tested against, itself against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tiny_float import ARITHMETIC, INF, REAL, Float, Format, convert, fmax, fmin, less

HALF = REAL["f16"]
RANDOM = np.random.default_rng(7)
EDGES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x3BFF]
BITS = [*EDGES, *(int(b) for b in RANDOM.integers(0, 1 << 16, 50))]
NUMPY = {"fadd": np.add, "fsub": np.subtract, "fmul": np.multiply, "fdiv": np.divide}


def same(a: Float, bits: int) -> bool:
    return a == HALF.decode(bits)


@pytest.mark.parametrize("name", NUMPY)
def test_halves_are_numpy_s(name: str) -> None:
    with np.errstate(all="ignore"):
        for a in BITS:
            for b in BITS:
                x, y = (np.uint16(v).view(np.float16) for v in (a, b))
                want = int(NUMPY[name](x, y).view(np.uint16))
                assert same(ARITHMETIC[name](HALF, HALF.decode(a), HALF.decode(b)), want), (a, b)


def test_roots_and_conversions_are_numpy_s() -> None:
    with np.errstate(all="ignore"):
        for a in range(0, 1 << 16, 7):
            x = np.uint16(a).view(np.float16)
            assert same(ARITHMETIC["fsqrt"](HALF, HALF.decode(a)), int(np.sqrt(x).view(np.uint16)))
        for b in RANDOM.integers(0, 1 << 32, 3000):
            wide = np.uint32(b).view(np.float32)
            assert same(convert(HALF, REAL["f32"].decode(int(b))), int(wide.astype(np.float16).view(np.uint16)))


def test_comparisons_and_maxima() -> None:
    with np.errstate(all="ignore"):
        for a in BITS:
            for b in BITS:
                x, y = (np.uint16(v).view(np.float16) for v in (a, b))
                p, q = HALF.decode(a), HALF.decode(b)
                assert less(p, q) == bool(x < y)
                if x != 0 or y != 0:
                    assert same(fmax(p, q), int(np.fmax(x, y).view(np.uint16)))
                    assert same(fmin(p, q), int(np.fmin(x, y).view(np.uint16)))
    plus, minus = HALF.decode(0), HALF.decode(0x8000)
    assert fmax(plus, minus) == fmax(minus, plus) == plus
    assert fmin(plus, minus) == fmin(minus, plus) == minus


def test_a_tiny_format_by_hand() -> None:
    """1-2-1: 0, 1/2 (subnormal), 1, 3/2, 2, 3, infinity."""
    f = Format(2, 1)
    positive = [v.magnitude for v in f.values if v.sign == 0 and not v.is_nan]
    assert positive == [0, 0.5, 1, 1.5, 2, 3, INF]
    assert f.round(f.quantum * 5) == Float(0, 2)  # tie to even
    assert f.round(f.overflow).magnitude == INF
    assert f.round(f.overflow - f.quantum / 8).magnitude == 3
    assert f.round(f.quantum / 2) == Float(0, 0)
