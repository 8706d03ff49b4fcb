"""Quasi-affine expressions and formulas against evaluation at every point of a small box."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tv.sets import FALSE, TRUE, Affine, Dim, Formula, Quotient, Sets, Sym
from tv.sets.affine import Parity, Range, floordiv, mod
from tv.sets.formulas import all_of, any_of, eq, ge, lt, negate, within, without_floor

RANGES: dict[str, tuple[int, int]] = {"x": (0, 7), "y": (-3, 5), "N": (1, 4)}
POINTS = [dict(zip(RANGES, p, strict=True)) for p in product(*(range(lo, hi + 1) for lo, hi in RANGES.values()))]
FEW = settings(max_examples=150, deadline=None, derandomize=True)
Env = dict[str, int]


def ranges(a: Dim | Sym) -> Range:
    return RANGES[a.name]


def unbounded(a: Dim | Sym) -> Range:
    return None, None


@dataclass(frozen=True)
class Both:
    """An expression, and what it has to be at a point."""

    affine: Affine
    value: Callable[[Env], int]

    def __repr__(self) -> str:
        return self.affine.text()


def evaluate(a: Affine, env: Env) -> int:
    """The meaning of an Affine, from its record alone."""
    total = a.const
    for atom, c in a.terms:
        total += c * (
            evaluate(atom.numerator, env) // atom.denominator
            if isinstance(atom, Quotient)
            else evaluate(atom.numerator, env) % 2
            if isinstance(atom, Parity)
            else env[atom.name]
        )
    return total


def holds(f: Formula, env: Env) -> bool:
    match f.op:
        case "true" | "false":
            return f.op == "true"
        case "ge":
            assert f.affine is not None
            return evaluate(f.affine, env) >= 0
        case "eq":
            assert f.affine is not None
            return evaluate(f.affine, env) == 0
        case "and":
            return all(holds(g, env) for g in f.args)
        case "or":
            return any(holds(g, env) for g in f.args)
        case "not":
            return not holds(f.args[0], env)
        case _:
            raise AssertionError(f.op)


LEAVES = [
    Both(Affine.dim("x"), lambda e: e["x"]),
    Both(Affine.dim("y"), lambda e: e["y"]),
    Both(Affine.sym("N"), lambda e: e["N"]),
]


def grown(inner: st.SearchStrategy[Both]) -> st.SearchStrategy[Both]:
    small, divisor = st.integers(-9, 9), st.integers(-12, 12).filter(bool)
    known = st.sampled_from([ranges, unbounded, None])
    return st.one_of(
        st.builds(lambda a, b: Both(a.affine + b.affine, lambda e: a.value(e) + b.value(e)), inner, inner),
        st.builds(lambda a, b: Both(a.affine - b.affine, lambda e: a.value(e) - b.value(e)), inner, inner),
        st.builds(lambda a, k: Both(a.affine * k, lambda e: a.value(e) * k), inner, small),
        st.builds(lambda a, k: Both(a.affine + k, lambda e: a.value(e) + k), inner, small),
        st.builds(lambda a, k, r: Both(floordiv(a.affine, k, r), lambda e: a.value(e) // k), inner, divisor, known),
        st.builds(lambda a, k, r: Both(mod(a.affine, k, r), lambda e: a.value(e) % k), inner, divisor, known),
    )


EXPRESSIONS = st.recursive(st.sampled_from(LEAVES), grown, max_leaves=6)


@FEW
@given(EXPRESSIONS)
def test_arithmetic_means_what_it_says(a: Both) -> None:
    for env in POINTS:
        assert evaluate(a.affine, env) == a.value(env)


@FEW
@given(EXPRESSIONS)
def test_a_record_is_normal(a: Both) -> None:
    """No zero coefficient, no atom twice, no floor by 1: equal records are then the usual case of equal values."""
    keys = [atom.key for atom, _ in a.affine.terms]
    assert keys == sorted(set(keys))
    assert all(c for _, c in a.affine.terms)
    assert all(atom.denominator > 1 for atom, _ in a.affine.terms if isinstance(atom, Quotient))


@FEW
@given(EXPRESSIONS)
def test_intervals_hold_every_value(a: Both) -> None:
    lo, hi = a.affine.interval(ranges)
    assert lo is not None
    assert hi is not None
    assert all(lo <= a.value(env) <= hi for env in POINTS)


@FEW
@given(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS)
def test_substitution_is_composition(a: Both, for_x: Both, for_n: Both) -> None:
    got = a.affine.substitute({Dim("x"): for_x.affine, Sym("N"): for_n.affine})
    for env in POINTS[::7]:
        assert evaluate(got, env) == evaluate(a.affine, {**env, "x": for_x.value(env), "N": for_n.value(env)})


@FEW
@given(EXPRESSIONS)
def test_dropping_a_floor_keeps_the_sign(a: Both) -> None:
    b = without_floor(a.affine)
    for env in POINTS:
        assert (evaluate(b, env) >= 0) == (a.value(env) >= 0)


COMPARISONS = st.one_of(
    st.builds(lambda a, b: (ge(a.affine, b.affine), lambda e: a.value(e) >= b.value(e)), EXPRESSIONS, EXPRESSIONS),
    st.builds(lambda a, b: (lt(a.affine, b.affine), lambda e: a.value(e) < b.value(e)), EXPRESSIONS, EXPRESSIONS),
    st.builds(lambda a, b: (eq(a.affine, b.affine), lambda e: a.value(e) == b.value(e)), EXPRESSIONS, EXPRESSIONS),
    st.builds(lambda a, k: (within(a.affine, k), lambda e: 0 <= a.value(e) < k), EXPRESSIONS, st.integers(1, 9)),
)


def combined(
    inner: st.SearchStrategy[tuple[Formula, Callable[[Env], bool]]],
) -> st.SearchStrategy[tuple[Formula, Callable[[Env], bool]]]:
    return st.one_of(
        st.builds(lambda f: (negate(f[0]), lambda e: not f[1](e)), inner),
        st.builds(lambda f, g: (all_of(f[0], g[0]), lambda e: f[1](e) and g[1](e)), inner, inner),
        st.builds(lambda f, g: (any_of(f[0], g[0]), lambda e: f[1](e) or g[1](e)), inner, inner),
    )


FORMULAS = st.recursive(COMPARISONS, combined, max_leaves=4)


@FEW
@given(FORMULAS)
def test_formulas_mean_what_they_say(f: tuple[Formula, Callable[[Env], bool]]) -> None:
    for env in POINTS[::3]:
        assert holds(f[0], env) == f[1](env)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(FORMULAS)
def test_isl_reads_a_formula_as_it_was_meant(f: tuple[Formula, Callable[[Env], bool]]) -> None:
    """The text handed to isl denotes the same points as the record."""
    context = within(Affine.sym("N") - 1, 4)
    sets = Sets(("N",), context)
    box = all_of(within(Affine.dim("x"), 8), within(Affine.dim("y") + 3, 9))
    for n in range(1, 5):
        here = sets.set("A", ("x", "y"), all_of(box, f[0], eq(Affine.sym("N"), n)))
        flat = Sets().set("A", ("x", "y"))
        found = set(sets.points(here.project_out_all_params().intersect(flat)))
        assert found == {(e["x"], e["y"]) for e in POINTS if e["N"] == n and f[1](e)}


def test_constants_fold() -> None:
    assert ge(Affine.of(0)) == TRUE
    assert ge(Affine.of(-1)) == FALSE
    assert eq(Affine.dim("x") - Affine.dim("x")) == TRUE
    assert all_of() == TRUE
    assert any_of() == FALSE
    assert all_of(TRUE, FALSE) == FALSE
    assert any_of(FALSE, TRUE) == TRUE


def digits() -> Iterator[tuple[Affine, int, str]]:
    w, low = Affine.dim("w"), Affine.dim("l")
    t = w * 32 + low
    yield floordiv(t, 32, thread), 32, "w"
    yield mod(t, 32, thread), 32, "l"
    yield floordiv(t * 4 + 3, 128, thread), 32, "w"
    yield mod(t + 32, 32, thread), 32, "l"
    yield floordiv(floordiv(Affine.dim("x"), 4), 8), 32, "floor((x)/32)"


def thread(a: Dim | Sym) -> Range:
    return {"w": (0, 7), "l": (0, 31)}[a.name]


def test_ranges_take_a_thread_index_apart_without_a_floor() -> None:
    for got, _, text in digits():
        assert got.text() == text


def test_a_range_that_is_too_wide_keeps_the_floor() -> None:
    """l up to 32 is no digit of base 32."""
    t = Affine.dim("w") * 32 + Affine.dim("l")
    got = floordiv(t, 32, lambda a: (0, 32))
    assert any(isinstance(a, Quotient) for a, _ in got.terms)
    assert evaluate(got, {"w": 1, "l": 32}) == 2


@pytest.mark.parametrize("a", range(-9, 10))
def test_division_is_floor_not_truncation(a: int) -> None:
    for k in (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5):
        assert floordiv(Affine.of(a), k).constant == a // k
        assert mod(Affine.of(a), k).constant == a % k
