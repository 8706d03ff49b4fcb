"""Float operations against exact rational arithmetic, rounded once by an independent oracle."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tv.diagnostic import Unsupported
from tv.kernel import Scalar
from tv.replay import integers, rounding
from tv.replay.carriers import constant, from_bits, to_bits
from tv.replay.conversions import convert
from tv.replay.mathlib import MathLibrary
from tv.source import NOWHERE

FORMAT = {
    Scalar.F16: (11, -24, 15),
    Scalar.BF16: (8, -133, 127),
    Scalar.F32: (24, -149, 127),
    Scalar.F64: (53, -1074, 1023),
}
FLOATS = list(FORMAT)


def round_exact(x: Fraction, scalar: Scalar, mode: str = "rn") -> float:
    """The value of the type that IEEE 754 rounds x to, by integer arithmetic alone (x is not zero)."""
    precision, least, most = FORMAT[scalar]
    size = abs(x)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > size
    unit = Fraction(2) ** max(exponent - precision + 1, least)
    whole, rest = divmod(size, unit)
    up = {"rz": False, "ru": x > 0, "rd": x < 0}.get(mode, rest * 2 > unit or (rest * 2 == unit and whole % 2 == 1))
    result = (whole + (up and rest != 0)) * unit
    if result >= Fraction(2) ** (most + 1):
        saturates = mode == "rz" or (mode == "ru" and x < 0) or (mode == "rd" and x > 0)
        biggest = (2 - Fraction(2) ** (1 - precision)) * Fraction(2) ** most
        return math.copysign(float(biggest) if saturates else math.inf, 1 if x > 0 else -1)
    return math.copysign(float(result), 1 if x > 0 else -1)


def number(bits: int, scalar: Scalar) -> float:
    return float(from_bits(np.array([bits], dtype=np.uint64), scalar)[0])


def array(values: list[float], scalar: Scalar) -> np.ndarray:
    return np.array(values, dtype=np.float64).astype(constant(0, scalar).dtype)


def interesting(scalar: Scalar) -> list[int]:
    """Bit patterns at the edges of a format: zeros, subnormals, powers, neighbours, the largest, infinity."""
    precision, _, most = FORMAT[scalar]
    fraction = precision - 1
    top = scalar.bits - 1
    points = [0, 1, 2, 3, (1 << fraction) - 1, 1 << fraction, (1 << fraction) + 1, (2 * most + 1) << fraction]
    points += [((2 * most + 1) << fraction) - 1, most << fraction, (most << fraction) + 1, (most << fraction) - 1]
    points += [
        ((most + 3) << fraction) + 5,
        ((most // 2) << fraction) + 3,
        (most // 2 << fraction) + (1 << fraction) - 1,
    ]
    return points + [p | 1 << top for p in points]


def same(got: float, want: float) -> bool:
    return (math.isnan(got) and math.isnan(want)) or (got == want and math.copysign(1, got) == math.copysign(1, want))


OPERATIONS = {
    "add": (rounding.add, lambda a, b: a + b),
    "sub": (rounding.sub, lambda a, b: a - b),
    "mul": (rounding.mul, lambda a, b: a * b),
    "div": (rounding.div, lambda a, b: a / b),
}


@pytest.mark.parametrize("scalar", FLOATS)
@pytest.mark.parametrize("op", OPERATIONS)
def test_two_operand_arithmetic_rounds_once(scalar: Scalar, op: str) -> None:
    compute, exact = OPERATIONS[op]
    rng = np.random.default_rng(7)
    bits = interesting(scalar) + [
        int(b) for b in rng.integers(0, 1 << scalar.bits, 40, dtype=np.uint64, endpoint=False)
    ]
    pairs = list(itertools.product(bits, bits))
    a, b = (from_bits(np.array(side, dtype=np.uint64), scalar) for side in zip(*pairs, strict=True))
    with np.errstate(all="ignore"):
        got = compute(a, b, scalar)
    for x, y, z in zip(a.tolist(), b.tolist(), got.tolist(), strict=True):
        if not (math.isfinite(x) and math.isfinite(y)) or (op == "div" and y == 0):
            continue
        value = exact(Fraction(x), Fraction(y))
        if value != 0:
            assert same(z, round_exact(value, scalar)), (x, y)
        else:
            assert z == 0


def fma_cases(scalar: Scalar, extra: int) -> list[tuple[int, int, int]]:
    rng = np.random.default_rng(11)
    few = interesting(scalar)
    picked = [tuple(int(v) for v in rng.choice(few, 3)) for _ in range(extra)]
    drawn = [tuple(int(v) for v in rng.integers(0, (1 << scalar.bits) - 1, 3, dtype=np.uint64)) for _ in range(extra)]
    return picked + drawn + near_ties(scalar, extra)


def near_ties(scalar: Scalar, count: int) -> list[tuple[int, int, int]]:
    """Products that sit on or next to a midpoint after a much larger or smaller addend: where double rounding shows."""
    rng = np.random.default_rng(13)
    precision, _, most = FORMAT[scalar]
    fraction = precision - 1
    out = []
    for _ in range(count):
        exponent = int(rng.integers(most // 2, most + most // 2))
        a = exponent << fraction | int(rng.integers(0, 1 << fraction)) & ~((1 << fraction // 2) - 1)
        b = most << fraction | 1 << int(rng.integers(0, fraction))
        shift = int(rng.integers(-precision - 3, precision + 3))
        c = min(max(exponent + shift, 0), 2 * most) << fraction | int(rng.choice([0, 1, (1 << fraction) - 1]))
        out.append((a, b, c | int(rng.integers(0, 2)) << scalar.bits - 1))
    return out


@pytest.mark.parametrize("scalar", FLOATS)
def test_fma_rounds_once(scalar: Scalar) -> None:
    cases = fma_cases(scalar, 1500)
    a, b, c = (from_bits(np.array(side, dtype=np.uint64), scalar) for side in zip(*cases, strict=True))
    with np.errstate(all="ignore"):
        got = rounding.fma(a, b, c, scalar)
    checked = 0
    for x, y, z, r in zip(a.tolist(), b.tolist(), c.tolist(), got.tolist(), strict=True):
        if not all(map(math.isfinite, (x, y, z))):
            continue
        value = Fraction(x) * Fraction(y) + Fraction(z)
        if value != 0:
            assert same(r, round_exact(value, scalar)), (x, y, z, r)
            checked += 1
    assert checked > 2000


def test_fma_differs_from_rounding_twice_in_half_precision() -> None:
    """A half fma through one f32 rounding is wrong for this triple; the exact one is not."""
    bits = np.random.default_rng(5).integers(0, 0x7C00, (3, 200_000), dtype=np.uint64)
    a, b, c = (from_bits(x, Scalar.F16) for x in bits)
    with np.errstate(all="ignore"):
        got = rounding.fma(a, b, c, Scalar.F16)
        twice = (a.astype(np.float32) * b.astype(np.float32) + c.astype(np.float32)).astype(np.float16)
    wrong = np.flatnonzero(got != twice)
    assert len(wrong) > 0
    for i in wrong[:20]:
        value = Fraction(float(a[i])) * Fraction(float(b[i])) + Fraction(float(c[i]))
        assert same(float(got[i]), round_exact(value, Scalar.F16))


@pytest.mark.parametrize(
    ("a", "b", "c", "want"),
    [(math.inf, 0.0, 1.0, math.nan), (math.inf, 1.0, -math.inf, math.nan), (2.0, 3.0, math.inf, math.inf)]
    + [(-0.0, 1.0, -0.0, -0.0), (-0.0, 1.0, 0.0, 0.0), (1.0, 1.0, -1.0, 0.0), (math.nan, 1.0, 1.0, math.nan)],
)
@pytest.mark.parametrize("scalar", FLOATS)
def test_fma_of_special_values(scalar: Scalar, a: float, b: float, c: float, want: float) -> None:
    with np.errstate(all="ignore"):
        got = rounding.fma(array([a], scalar), array([b], scalar), array([c], scalar), scalar)
    assert same(float(got[0]), want)


@pytest.mark.parametrize("scalar", FLOATS)
def test_square_root_rounds_once(scalar: Scalar) -> None:
    bits = np.random.default_rng(3).integers(0, 1 << (scalar.bits - 1), 500, dtype=np.uint64)
    x = from_bits(bits, scalar)
    with np.errstate(all="ignore"):
        root = rounding.sqrt(x, scalar)
    for value, r in zip(x.tolist(), root.tolist(), strict=True):
        if not math.isfinite(value) or value <= 0:
            continue
        scale = 1 << 2400  # floor of the root of value * scale^2, then an exact comparison of the midpoint's side
        wide = Fraction(math.isqrt(int(Fraction(value) * scale * scale)), scale)
        exact = wide if wide * wide == Fraction(value) else wide + Fraction(1, 2 * scale)
        assert r == round_exact(exact, scalar)


@pytest.mark.parametrize("target", FLOATS)
@pytest.mark.parametrize("mode", ["rn", "rz", "ru", "rd"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_float_conversions_follow_their_rounding(target: Scalar, mode: str, data: st.DataObject) -> None:
    x = data.draw(st.floats(allow_nan=False, allow_infinity=False, width=64))
    with np.errstate(all="ignore"):
        got, bad = convert(np.array([x]), Scalar.F64, target, mode, NOWHERE)
    assert bad is None
    assert same(float(got[0]), round_exact(Fraction(x), target, mode) if x else x)


@pytest.mark.parametrize("source", [Scalar.I32, Scalar.U32, Scalar.I64, Scalar.U64])
@pytest.mark.parametrize("target", FLOATS)
def test_integer_to_float_rounds_once(source: Scalar, target: Scalar) -> None:
    rng = np.random.default_rng(17)
    edges = [(1 << k) + d for k in range(source.bits) for d in (-1, 0, 1)]
    bits = [b % (1 << source.bits) for b in edges] + [
        int(b) for b in rng.integers(0, (1 << source.bits) - 1, 300, dtype=np.uint64)
    ]
    ints = from_bits(np.array(bits, dtype=np.uint64), source)
    for mode in ("rn", "rz", "ru", "rd"):
        with np.errstate(all="ignore"):
            got, _ = convert(ints, source, target, mode, NOWHERE)
        for i, f in zip(ints.tolist(), got.tolist(), strict=True):
            assert same(f, round_exact(Fraction(i), target, mode) if i else 0.0), (i, mode)


def test_every_half_converts_to_every_integer_type() -> None:
    halves = from_bits(np.arange(1 << 16, dtype=np.uint64), Scalar.F16)
    for target in (Scalar.I8, Scalar.U8, Scalar.I16, Scalar.U32, Scalar.I64):
        with np.errstate(all="ignore"):
            got, bad = convert(halves, Scalar.F16, target, "rn", NOWHERE)
        assert bad is not None
        low, high = (
            (-(1 << target.bits - 1), (1 << target.bits - 1) - 1) if target.signed else (0, (1 << target.bits) - 1)
        )
        for x, i, b in zip(halves.tolist(), got.tolist(), bad.tolist(), strict=True):
            fits = math.isfinite(x) and low <= math.trunc(x) <= high
            assert b == (not fits)
            assert not fits or i == math.trunc(x)


def test_every_bf16_survives_its_bits() -> None:
    bits = np.arange(1 << 16, dtype=np.uint16)
    assert np.array_equal(to_bits(from_bits(bits, Scalar.BF16), Scalar.BF16), bits)


def test_fmax_prefers_numbers_and_plus_zero() -> None:
    values = [math.nan, -0.0, 0.0, 1.0, -1.0, math.inf]
    for x, y in itertools.product(values, values):
        a, b = array([x], Scalar.F32), array([y], Scalar.F32)
        high, low = float(rounding.maximum(a, b)[0]), float(rounding.minimum(a, b)[0])
        if math.isnan(x) or math.isnan(y):
            other = y if math.isnan(x) else x
            assert same(high, other)
            assert same(low, other)
        else:
            ordered = sorted((x, y), key=lambda v: (v, math.copysign(1, v)))
            assert same(high, ordered[1])
            assert same(low, ordered[0])


SMALL = [-128, -127, -7, -1, 0, 1, 2, 3, 100, 126, 127]


@pytest.mark.parametrize("op", ["add", "sub", "mul", "div", "rem", "shl", "shr"])
@pytest.mark.parametrize("scalar", [Scalar.I8, Scalar.I32, Scalar.I64, Scalar.U32, Scalar.U64])
def test_integer_operations_are_those_of_c(op: str, scalar: Scalar) -> None:
    low, high = (-(1 << scalar.bits - 1), (1 << scalar.bits - 1) - 1) if scalar.signed else (0, (1 << scalar.bits) - 1)
    values = sorted(
        {v for v in (*SMALL, low, low + 1, high, high - 1, high // 3, 1 << scalar.bits // 2) if low <= v <= high}
    )
    for x, y in itertools.product(values, values):
        a, b = (np.array([v], dtype=constant(0, scalar).dtype) for v in (x, y))
        with np.errstate(all="ignore"):
            got, bad = integers.binary(op, a, b, scalar)
        want = oracle(op, x, y, scalar)
        fits = want is not None and (not scalar.signed or op in ("shl", "shr") or low <= want <= high)
        assert (bad is None or not bad[0]) == fits, (op, x, y)
        if fits and want is not None:
            wrapped = want & ((1 << scalar.bits) - 1)
            assert int(got[0]) & ((1 << scalar.bits) - 1) == wrapped


def oracle(op: str, x: int, y: int, scalar: Scalar) -> int | None:
    """The mathematical result, None where C leaves it undefined for another reason than overflow."""
    if op in ("shl", "shr"):
        return None if not 0 <= y < scalar.bits else x << y if op == "shl" else x >> y
    if op in ("div", "rem"):
        if y == 0 or (scalar.signed and y == -1 and x == -(1 << scalar.bits - 1)):
            return None
        q = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
        return q if op == "div" else x - q * y
    return {"add": x + y, "sub": x - y, "mul": x * y}[op]


def test_symbols_are_recorded_and_unknown_ones_refused() -> None:
    math_functions = MathLibrary()
    value = math_functions.resolve("exp", 1, Scalar.F32, NOWHERE)(np.array([1.0], dtype=np.float32))
    assert value[0] == np.float32(math.e)
    math_functions.resolve("fabs", 1, Scalar.F32, NOWHERE)(value)
    assert math_functions.used == {"exp.f32"}
    with pytest.raises(Unsupported, match="gamma_of_nothing"):
        math_functions.resolve("gamma_of_nothing", 1, Scalar.F32, NOWHERE)
    with pytest.raises(Unsupported, match="3 operands"):
        math_functions.resolve("fmax", 3, Scalar.F32, NOWHERE)


def test_exact_functions_at_their_edges() -> None:
    library = MathLibrary()

    def value(function: str, *args: float) -> float:
        call = library.resolve(function, len(args), Scalar.F32, NOWHERE)
        with np.errstate(all="ignore"):
            return float(call(*(array([a], Scalar.F32) for a in args))[0])

    assert [value("round", x) for x in (0.5, -0.5, 1.5, 2.5, 0.49999997, 8388609.0)] == [1, -1, 2, 3, 0, 8388609]
    assert [value("rint", x) for x in (0.5, 1.5, 2.5)] == [0, 2, 2]
    assert same(value("round", -0.25), -0.0)
    assert value("remainder", 5.0, 3.0) == -1
    assert value("fmod", -5.0, 3.0) == -2
    assert math.isnan(value("remainder", math.inf, 3.0))
    assert value("fdim", 1.0, 3.0) == 0
    assert math.isnan(value("fdim", math.nan, 3.0))
    assert [value("saturate", x) for x in (-1.0, 0.25, 7.0, math.nan)] == [0, 0.25, 1, 0]
    assert library.used == set()
