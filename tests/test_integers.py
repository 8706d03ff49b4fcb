"""C's integer arithmetic on affine values, against the integers at every point: truncation, wrap-around, bits, overflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.test_affine import Env, evaluate, holds
from tv.kernel import Scalar
from tv.sets import TRUE, Affine, Dim, Formula, Sym
from tv.sets.affine import Range, floordiv
from tv.sets.formulas import ge, lt
from tv.source import NOWHERE
from tv.symexec.instances import Cuts
from tv.symexec.integers import Integers, RangeCheck, compare
from tv.symexec.values import Pieces, type_range

RANGES = {"a": (0, 11), "b": (-4, 5)}
POINTS = [dict(zip(RANGES, p, strict=True)) for p in product(*(range(lo, hi + 1) for lo, hi in RANGES.values()))]
MANY = settings(max_examples=60, deadline=None, derandomize=True)
SMALL = (Scalar.I8, Scalar.U8)


def ranges(a: Dim | Sym) -> Range:
    return RANGES[a.name]


def proved_by_trying(f: Formula) -> bool:
    return all(holds(f, env) for env in POINTS)


@dataclass
class Bench:
    """An `Integers` whose proofs are enumerations; strict: one that proves nothing beyond intervals."""

    strict: bool = False
    refused: list[RangeCheck] = field(default_factory=list)

    @property
    def integers(self) -> Integers:
        return Integers(ranges, Cuts(), (lambda f: False) if self.strict else proved_by_trying, self.refused.append)


def value_at(pieces: Pieces, env: Env) -> int:
    """The value at a point: exactly one condition holds there."""
    found = [evaluate(a, env) for c, a in pieces if holds(c, env)]
    assert len(found) == 1, f"{len(found)} pieces at {env}"
    return found[0]


def c_value(op: str, t: Scalar, x: int, y: int) -> int | None:
    """What C computes in type t, wrapped where t is unsigned; None where the program is undefined."""
    exact: int
    match op:
        case "add" | "sub" | "mul" | "and" | "or" | "xor":
            exact = {"add": x + y, "sub": x - y, "mul": x * y, "and": x & y, "or": x | y, "xor": x ^ y}[op]
        case "min" | "max":
            exact = min(x, y) if op == "min" else max(x, y)
        case "div" | "rem":
            quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
            exact = quotient if op == "div" else x - quotient * y
        case "shl" | "shr":
            exact = x << y if op == "shl" else x >> y
        case _:
            raise AssertionError(op)
    low, high = type_range(t)
    if t.signed:
        return exact if low <= exact <= high else None
    return exact % (1 << t.bits)


COEFFICIENT = st.integers(-9, 9)


def values(t: Scalar) -> st.SearchStrategy[Affine]:
    """Affine functions of the dimensions whose values t holds."""
    low, high = type_range(t)

    def placed(p: int, q: int, at: float) -> Affine:
        slope = Affine.dim("a") * p + Affine.dim("b") * q
        least, most = slope.interval(ranges)
        assert least is not None
        assert most is not None
        room = max((high - low) - (most - least), 0)
        return slope + (low - least + int(at * room))

    affine = st.builds(placed, COEFFICIENT, COEFFICIENT, st.floats(0, 1))
    near_zero = st.builds(
        lambda p, q: Affine.dim("a") * p + (Affine.dim("b") + 4) * q, st.integers(0, 6), st.integers(0, 6)
    )
    return st.one_of(affine, near_zero)


def agree(op: str, t: Scalar, x: Affine, y: Affine, bench: Bench) -> bool:
    """Compares the operation at every point; False where it gave no affine answer."""
    got = bench.integers.binary(op, t, ((TRUE, x),), ((TRUE, y),), NOWHERE)
    if got is None:
        return False
    for env in POINTS:
        want = c_value(op, t, evaluate(x, env), evaluate(y, env))
        defined = all(holds(c.must, env) for c in bench.refused)
        if want is None:
            assert not defined, f"{op} overflows at {env}, and no obligation says so"
        else:
            assert value_at(got, env) == want, (op, t, x.text(), y.text(), env)
            assert defined, f"an obligation fails at {env}, where {op} is defined"
    return True


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("t", SMALL)
@pytest.mark.parametrize("op", ["add", "sub", "min", "max"])
def test_sums_and_extrema(op: str, t: Scalar, strict: bool) -> None:
    @MANY
    @given(values(t), values(t))
    def run(x: Affine, y: Affine) -> None:
        assert agree(op, t, x, y, Bench(strict))

    run()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("t", SMALL)
@pytest.mark.parametrize(
    ("op", "constants"), [("mul", (-3, 9)), ("div", (-6, 6)), ("rem", (-6, 6)), ("shl", (0, 6)), ("shr", (0, 6))]
)
def test_by_a_constant(op: str, constants: tuple[int, int], t: Scalar, strict: bool) -> None:
    @MANY
    @given(values(t), st.integers(*constants))
    def run(x: Affine, k: int) -> None:
        assume((k >= 0 or t.signed) and not (k == 0 and op in ("div", "rem")))
        assert agree(op, t, x, Affine.of(k), Bench(strict))

    run()


@pytest.mark.parametrize("t", SMALL)
@pytest.mark.parametrize("op", ["and", "or", "xor"])
def test_bits(op: str, t: Scalar) -> None:
    """Masks of any form: some combinations are not affine, and then there is no answer; a wrong one never."""
    answered = []

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(values(t), st.one_of(values(t), st.builds(Affine.of, st.integers(*type_range(t)))), st.booleans())
    def run(x: Affine, y: Affine, swapped: bool) -> None:
        x, y = (y, x) if swapped else (x, y)
        answered.append(agree(op, t, x, y, Bench()))

    run()
    assert any(answered)


def test_a_tile_index_and_its_lane_are_put_together_by_or() -> None:
    """(b << 4 | a), a in [0, 16): a sum, and no floor."""
    x, y = (Affine.dim("b") + 4) * 16, Affine.dim("a")
    for op, want in (("or", x + y), ("xor", x + y), ("and", Affine.of(0))):
        got = Bench().integers.binary(op, Scalar.I32, ((TRUE, x),), ((TRUE, y),), NOWHERE)
        assert got == ((TRUE, want),)


@pytest.mark.parametrize("op", ["div", "rem"])
def test_no_answer_for_zero_and_wild_shifts(op: str) -> None:
    x = ((TRUE, Affine.dim("a")),)
    assert Bench().integers.binary(op, Scalar.I32, x, ((TRUE, Affine.of(0)),), NOWHERE) is None
    assert Bench().integers.binary(op, Scalar.I32, x, ((TRUE, Affine.dim("b")),), NOWHERE) is None
    for k in (-1, 32):
        assert Bench().integers.binary("shl", Scalar.I32, x, ((TRUE, Affine.of(k)),), NOWHERE) is None
    assert Bench().integers.binary("mul", Scalar.I32, x, ((TRUE, Affine.dim("b")),), NOWHERE) is None


def test_overflow_is_asked_at_the_operator_s_own_type() -> None:
    """int * int overflows before it is widened (`long o = row * K`)."""
    bench = Bench()
    bench.integers.binary("mul", Scalar.I32, ((TRUE, Affine.dim("a")),), ((TRUE, Affine.of(1 << 28)),), NOWHERE)
    (check,) = bench.refused
    assert [env["a"] for env in POINTS if not holds(check.must, env) and env["b"] == 0] == [8, 9, 10, 11]


@pytest.mark.parametrize(("source", "target"), list(product((Scalar.I8, Scalar.U8, Scalar.I16, Scalar.U16), SMALL)))
def test_conversions_are_modulo(source: Scalar, target: Scalar) -> None:
    @MANY
    @given(values(source), st.booleans())
    def run(x: Affine, strict: bool) -> None:
        bench = Bench(strict)
        got = bench.integers.convert(((TRUE, x),), source, target)
        low = type_range(target)[0]
        for env in POINTS:
            assert value_at(got, env) == (evaluate(x, env) - low) % (1 << target.bits) + low
        assert not bench.refused

    run()


ANY = values(Scalar.I8)
OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
}


@pytest.mark.parametrize("op", OPERATORS)
def test_comparisons_of_values_in_pieces(op: str) -> None:
    @MANY
    @given(ANY, ANY, ANY, ANY)
    def run(x: Affine, y: Affine, u: Affine, cut: Affine) -> None:
        pieces = ((ge(cut), x), (lt(cut, 0), y))
        f = compare(op, pieces, ((TRUE, u),))
        for env in POINTS[::3]:
            assert holds(f, env) == OPERATORS[op](value_at(pieces, env), evaluate(u, env))

    run()


def test_values_in_pieces_stay_functions() -> None:
    """Operations on values given by cases: still exactly one case at every point."""

    @MANY
    @given(ANY, ANY, ANY, st.sampled_from(["add", "sub", "max", "div", "rem"]))
    def run(x: Affine, y: Affine, cut: Affine, op: str) -> None:
        pieces = ((ge(cut), x), (lt(cut, 0), y))
        other = ((TRUE, Affine.of(3)),)
        got = Bench().integers.binary(op, Scalar.I32, pieces, other, NOWHERE)
        assert got is not None
        for env in POINTS[::3]:
            assert value_at(got, env) == c_value(op, Scalar.I32, value_at(pieces, env), 3)

    run()


def test_a_remainder_is_bounded_together_with_what_it_is_taken_of() -> None:
    """What is found to be at least 0 beyond plain intervals is so at every point; a row and its column are found."""

    @MANY
    @given(ANY, ANY, st.integers(2, 9), st.integers(-3, 3), st.integers(-20, 20))
    def run(x: Affine, n: Affine, k: int, copies: int, shift: int) -> None:
        a = x + (n - floordiv(n, k) * k) * copies + shift
        if Bench(strict=True).integers._at_least(a):
            assert all(evaluate(a, env) >= 0 for env in POINTS)

    run()
    column = Affine.dim("a") - floordiv(Affine.dim("a"), 4) * 4
    assert Bench(strict=True).integers._at_least(column)
    assert not Bench(strict=True).integers._at_least(column - 1)
