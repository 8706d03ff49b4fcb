"""Accumulations turned into reductions: the same value at every instance, and none where the loop is no accumulation."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.executing import Run, program_of
from tv.symexec.build import Program
from tv.symexec.flow.recurrences import find_recurrences
from tv.symexec.flow.resolve import resolve

THREADS, N = 4, 64
NUMBERS = random.Random(3)
X = [NUMBERS.randrange(-9, 10) for _ in range(N)]
Y = [NUMBERS.randrange(-9, 10) for _ in range(N)]


def prepared(body: str) -> Program:
    """`out[t] = ...` at the end of a kernel; x and y have 64 elements."""
    text = f"__global__ void k(const float* x, const float* y, float* out) {{ int t = threadIdx.x; {body} }}"
    program = program_of(text, (THREADS, 1, 1), 1, {"x": N, "y": N, "out": THREADS})
    resolve(program)
    return program


def reductions(program: Program) -> list[str]:
    return [u.value.name for u in program.system.units.values() if u.value.kind == "reduce"]


def stored(program: Program) -> str:
    (unit,) = [u for u, m in program.accesses.items() if m.access.object == "out"]
    return unit


def agrees(program: Program, want: Callable[[int], float]) -> None:
    """Values of the store to `out` and of every other unit, before and after the rewriting."""
    plain = Run(program, {"x": X, "y": Y})
    units = [(u, at) for u in program.system.units for at in plain.instances(u)]
    before = {key: plain.value(*key) for key in units}
    find_recurrences(program)
    after = Run(program, {"x": X, "y": Y})
    for key in units:
        assert after.value(*key) == before[key], key
    out = stored(program)
    assert [after.value(out, at) for at in sorted(after.instances(out))] == [want(t) for t in range(THREADS)]


def prefix_sum(t: int) -> float:
    total = partial = 0
    for i in range(5):
        partial += X[8 * t + i]
        total += partial
    return total


def two_deep(t: int) -> float:
    return sum(X[8 * i + j] * Y[8 * j + t] for i in range(3) for j in range(4))


def handed_in_turn(t: int) -> float:
    a, b = 0.0, float(Y[t])
    for i in range(4):
        a, b = b, a + X[2 * i] + X[2 * i + 1]
    return a - b


def fibonacci(t: int) -> float:
    a, b = 1.0, float(Y[t])
    for _ in range(5):
        a, b = b, a + b
    return a


ACCUMULATIONS: dict[str, tuple[str, list[str], Callable[[int], float]]] = {
    "a sum": (
        "float a = 0.0f; for (int i = 0; i < 8; ++i) a += x[8 * t + i]; out[t] = a;",
        ["fadd.f32"],
        lambda t: sum(X[8 * t : 8 * t + 8]),
    ),
    "a dot product": (
        "float a = 0.0f; for (int i = 0; i < 8; ++i) a += x[8 * i + t] * y[i]; out[t] = a;",
        ["fadd.f32"],
        lambda t: sum(X[8 * i + t] * Y[i] for i in range(8)),
    ),
    "a fused dot product from a bias": (
        "float a = y[t]; for (int i = 0; i < 8; ++i) a = fmaf(x[8 * i + t], y[i], a); out[t] = a;",
        ["fadd.f32"],
        lambda t: Y[t] + sum(X[8 * i + t] * Y[i] for i in range(8)),
    ),
    "a maximum": (
        "float a = x[t]; for (int i = 1; i < 8; ++i) a = fmaxf(a, x[8 * i + t]); out[t] = a;",
        ["fmax.f32"],
        lambda t: max(X[8 * i + t] for i in range(8)),
    ),
    "two loops, one sum": (
        "float a = 0.0f; for (int i = 0; i < 3; ++i) for (int j = 0; j < 4; ++j) a += x[8 * i + j] * y[8 * j + t]; out[t] = a;",
        ["fadd.f32"],
        two_deep,
    ),
    "a triangle": (
        "float a = 0.0f; for (int i = 0; i < 4; ++i) for (int j = 0; j <= i; ++j) a += x[8 * i + j]; out[t] = a + y[t];",
        ["fadd.f32"],
        lambda t: sum(X[8 * i + j] for i in range(4) for j in range(i + 1)) + Y[t],
    ),
    "rounds that hang on the thread": (
        "float a = 0.0f; for (int i = t; i < 8; i += 2) a += x[8 * t + i]; out[t] = a;",
        ["fadd.f32"],
        lambda t: sum(X[8 * t + i] for i in range(t, 8, 2)),
    ),
    "no rounds for some": (
        "float a = y[t]; for (int i = 0; i < t; ++i) a += x[i]; out[t] = a;",
        ["fadd.f32"],
        lambda t: Y[t] + sum(X[:t]),
    ),
    "two loops, one after the other": (
        "float a = 0.0f; for (int i = 0; i < 4; ++i) a += x[i]; for (int i = 0; i < 4; ++i) a += y[i + t]; out[t] = a;",
        ["fadd.f32", "fadd.f32"],
        lambda t: sum(X[:4]) + sum(Y[t : t + 4]),
    ),
    "two summands a round": (
        "float a = 0.0f; for (int i = 0; i < 4; ++i) a = (a + x[i]) + y[i + t]; out[t] = a;",
        ["fadd.f32"],
        lambda t: sum(X[:4]) + sum(Y[t : t + 4]),
    ),
    "a prefix sum of a prefix sum": (
        "float a = 0.0f, b = 0.0f; for (int i = 0; i < 5; ++i) { b += x[8 * t + i]; a += b; } out[t] = a;",
        ["fadd.f32", "fadd.f32"],
        prefix_sum,
    ),
    "two values in turn, one of which sums the other": (
        "float a = 1.0f, b = y[t]; for (int i = 0; i < 5; ++i) { float c = a + b; a = b; b = c; } out[t] = a;",
        ["fadd.f32"],
        fibonacci,
    ),
    "a sum of the rounds that an index chooses": (
        "float a = y[t]; for (int i = 0; i < 4; ++i) { int c = t + 4 * i; if (c < 14) a += x[c]; } out[t] = a;",
        ["fadd.f32"],
        lambda t: Y[t] + sum(X[c] for c in range(t, 14, 4)),
    ),
    "a maximum that skips rounds in the middle": (
        "float a = x[t]; for (int i = 0; i < 8; ++i) { if (i % 3 != 1) a = fmaxf(a, x[8 * t + i]); } out[t] = a;",
        ["fmax.f32"],
        lambda t: max(X[t], *(X[8 * t + i] for i in range(8) if i % 3 != 1)),
    ),
    "a sum that an inner loop takes over and hands back": (
        (
            "float a = y[t]; for (int i = 0; i < 3; ++i) { float s = a; for (int j = 0; j < 4; ++j) s += x[8 * i + j] * y[8 * j + t]; a = s; }"
            " out[t] = a;"
        ),
        ["fadd.f32"],
        lambda t: Y[t] + two_deep(t),
    ),
    "a sum handed on in turn with another": (
        (
            "float a = 0.0f, b = y[t]; for (int i = 0; i < 4; ++i) { float c = a; for (int j = 0; j < 2; ++j) c += x[2 * i + j]; a = b; b = c; }"
            " out[t] = a - b;"
        ),
        ["fadd.f32"],
        handed_in_turn,
    ),
    "accumulators in an array": (
        "float a[2] = {}; for (int i = 0; i < 4; ++i) for (int j = 0; j < 2; ++j) a[j] += x[8 * i + j]; out[t] = a[0] - a[1];",
        ["fadd.f32"],
        lambda t: sum(X[8 * i] - X[8 * i + 1] for i in range(4)),
    ),
}


@pytest.mark.parametrize("name", ACCUMULATIONS)
def test_an_accumulation_is_a_reduction(name: str) -> None:
    body, kinds, want = ACCUMULATIONS[name]
    program = prepared(body)
    agrees(program, want)
    assert sorted(reductions(program)) == sorted(kinds)


def horner(t: int) -> float:
    a = 1.0
    for i in range(4):
        a = a * X[i] + Y[i + t]
    return a


def doubling(t: int) -> float:
    a = float(Y[t])
    for i in range(4):
        a = a + a + X[i]
    return a


def alternating(t: int) -> float:
    a = float(Y[t])
    for i in range(4):
        a = X[i] - a
    return a


OTHERS: dict[str, tuple[str, Callable[[int], float]]] = {
    "a sum in some rounds, doubled in the others": (
        "float a = y[t]; for (int i = 0; i < 5; ++i) { if (i < 3) a += x[i + t]; else a = a + a; } out[t] = a;",
        lambda t: 4 * (Y[t] + sum(X[t : t + 3])),
    ),
    "a sum in some rounds, another value kept in the others": (
        "float a = 0.0f, b = y[t]; for (int i = 0; i < 5; ++i) { if (i != 3) a += x[i + t]; else a = b; } out[t] = a;",
        lambda t: Y[t] + X[t + 4],
    ),
    "a product and a sum": (
        "float a = 1.0f; for (int i = 0; i < 4; ++i) a = a * x[i] + y[i + t]; out[t] = a;",
        horner,
    ),
    "the carried value twice": (
        "float a = y[t]; for (int i = 0; i < 4; ++i) a = a + a + x[i]; out[t] = a;",
        doubling,
    ),
    "subtraction from": (
        "float a = y[t]; for (int i = 0; i < 4; ++i) a = x[i] - a; out[t] = a;",
        alternating,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_recurrence_is_left_alone(name: str) -> None:
    body, want = OTHERS[name]
    program = prepared(body)
    agrees(program, want)
    assert not reductions(program)


def test_a_maximum_of_sums_is_not_one_reduction() -> None:
    """The spine mixes two operations: folding it by either would be another value."""
    body = "float a = 0.0f; for (int i = 0; i < 4; ++i) a = fmaxf(a + x[i], y[i + t]); out[t] = a;"

    def want(t: int) -> float:
        a = 0.0
        for i in range(4):
            a = max(a + X[i], Y[i + t])
        return a

    program = prepared(body)
    agrees(program, want)
    assert not reductions(program)


def test_a_sum_that_starts_anew_is_not_joined() -> None:
    """An accumulator cleared in the outer loop: each stretch is its own sum."""
    body = """float last = 0.0f;
    for (int i = 0; i < 3; ++i) { float a = 0.0f; for (int j = 0; j < 4; ++j) a += x[8 * i + j + t]; last = a; }
    out[t] = last;"""
    program = prepared(body)
    agrees(program, lambda t: sum(X[16 + j + t] for j in range(4)))


def test_an_accumulator_that_is_skipped_in_some_rounds() -> None:
    body = "float a = y[t]; for (int i = 0; i < 6; ++i) { if (i % 2 == 0) a += x[i + t]; } out[t] = a;"
    program = prepared(body)
    agrees(program, lambda t: Y[t] + sum(X[i + t] for i in range(0, 6, 2)))
