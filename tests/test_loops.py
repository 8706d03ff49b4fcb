"""Loops with `break`, `continue`, a test at the end or `!=`: the same stores and values as C has, or no answer."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.executing import Run, program_of
from tv.diagnostic import Unknown, Unsupported
from tv.symexec.flow.recurrences import find_recurrences
from tv.symexec.flow.resolve import resolve

THREADS, N = 4, 64
NUMBERS = random.Random(7)
X = [NUMBERS.randrange(-9, 10) for _ in range(N)]


def outputs(body: str) -> list[float]:
    """What the threads leave in `out[t]`."""
    text = f"__global__ void k(const float* x, float* out) {{ int t = threadIdx.x; {body} }}"
    program = program_of(text, (THREADS, 1, 1), 1, {"x": N, "out": THREADS})
    resolve(program)
    find_recurrences(program)
    run = Run(program, {"x": X})
    (unit,) = [u for u, m in program.accesses.items() if m.access.object == "out"]
    return [run.value(unit, at) for at in sorted(run.instances(unit))]


def rounds(start: int, going: Callable[[int], bool], step: int = 1) -> list[int]:
    out = []
    while going(start):
        out.append(start)
        start += step
    return out


LOOPS: dict[str, tuple[str, Callable[[int], float]]] = {
    "break first": (
        "float a = 0.0f; for (int i = 0;; ++i) { if (i >= 5 + t) break; a += x[i]; } out[t] = a;",
        lambda t: sum(X[: 5 + t]),
    ),
    "break last": (
        "float a = 0.0f; for (int i = t; i < 40; i += 4) { a += x[i]; if (i > 20) break; } out[t] = a;",
        lambda t: sum(X[i] for i in range(t, 25, 4)),
    ),
    "break between": (
        "float a = 0.0f; for (int i = 0; i < 9; ++i) { a += x[i]; if (i == 2 * t) break; a += x[i + 9]; } out[t] = a;",
        lambda t: sum(X[: 2 * t + 1]) + sum(X[9 : 9 + 2 * t]),
    ),
    "the earlier of two": (
        "float a = 0.0f; for (int i = 0; i < 9; ++i) { if (i > 2 * t) break; a += x[i]; if (i > 3) break; } out[t] = a;",
        lambda t: sum(X[: min(2 * t + 1, 5)]),
    ),
    "break in a branch": (
        "float a = 0.0f; for (int i = 0; i < 9; ++i) { if (i > 3) { if (t > 1) break; } a += x[i]; } out[t] = a;",
        lambda t: sum(X[:4]) if t > 1 else sum(X[:9]),
    ),
    "continue": (
        "float a = 0.0f; for (int i = 0; i < 9; ++i) { if (i < t) continue; a += x[i]; } out[t] = a;",
        lambda t: sum(X[t:9]),
    ),
    "continue and break": (
        "float a = 0.0f; for (int i = 0;; ++i) { if (i == t) continue; if (i > 6) break; a += x[i]; } out[t] = a;",
        lambda t: sum(X[:7]) - X[t],
    ),
    "do": (
        "float a = 0.0f; int i = t; do { a += x[i]; i += 4; } while (i < 30); out[t] = a;",
        lambda t: sum(X[t:30:4]),
    ),
    "do once at least": (
        "float a = 0.0f; int i = 8 * t; do { a += x[i]; ++i; } while (i < 12); out[t] = a;",
        lambda t: sum(X[i] for i in [8 * t, *range(8 * t + 1, 12)]),
    ),
    "do with continue": (
        "float a = 0.0f; int i = 0; do { ++i; if (i == 3) continue; a += x[i]; } while (i < 5 + t); out[t] = a;",
        lambda t: sum(X[1 : 6 + t]) - X[3],
    ),
    "not equal, up": (
        "float a = 0.0f; for (int i = t; i != 12; ++i) a += x[i]; out[t] = a;",
        lambda t: sum(X[t:12]),
    ),
    "not equal, down": (
        "float a = 0.0f; for (int i = 12; i != 0; i -= 4) a += x[i + t]; out[t] = a;",
        lambda t: sum(X[i + t] for i in (12, 8, 4)),
    ),
    "halving until a break": (
        "float a = 0.0f; for (int s = 16;; s >>= 1) { if (s == 1) break; a += x[s + t]; } out[t] = a;",
        lambda t: sum(X[s + t] for s in (16, 8, 4, 2)),
    ),
    "rounds by counts of bits": (
        "unsigned w = 16; int n = __popc(w * 7u) + __clz(w << 20) + __ffs(w) + (__brev(w) >> 27);"
        + " float a = 0.0f; for (int i = 0; i < n; ++i) a += x[i + t]; out[t] = a;",
        lambda t: sum(X[t : t + 3 + 7 + 5 + 1]),
    ),
    "a break of the inner loop only": (
        "float a = 0.0f; for (int i = 0; i < 3; ++i) for (int j = 0; j < 8; ++j)"
        + " { if (j > i + t) break; a += x[8 * i + j]; } out[t] = a;",
        lambda t: sum(X[8 * i + j] for i in range(3) for j in range(8) if j <= i + t),
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_rounds_are_those_of_c(name: str) -> None:
    body, want = LOOPS[name]
    assert outputs(body) == [want(t) for t in range(THREADS)]


REFUSED = {
    "a break on data": "float a = 0.0f; for (int i = 0; i < 9; ++i) { if (x[i] > 0.0f) break; a += x[i]; } out[t] = a;",
    "not equal, jumped over": "float a = 0.0f; for (int i = t; i != 12; i += 2) a += x[i & 31]; out[t] = a;",
    "not equal, from the other side": "float a = 0.0f; for (int i = 13; i != 12; ++i) a += x[i & 31]; out[t] = a;",
    "no end": "float a = 0.0f; for (int i = 0;; ++i) { if (i < 0) break; a += x[i & 31]; } out[t] = a;",
    "left, and entered again": "float a = 0.0f; for (int i = 0; i < 9; ++i) { if (i % 3 == 2) break; a += x[i]; } out[t] = a;",
    "a counter after a break": "int i = 0; for (; i < 9; ++i) { if (i > t) break; } out[t] = x[i];",
    "a break that a round decides": "int m = 9; for (int i = 0; i < 9; ++i) { if (i >= m) break; m = t; } out[t] = x[m];",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_loop_that_is_not_understood_has_no_answer(name: str) -> None:
    with pytest.raises((Unknown, Unsupported)):
        outputs(REFUSED[name])


def test_values_left_by_a_break_reach_what_follows() -> None:
    body = "float a = 1.0f; for (int i = 0; i < 9; ++i) { a = x[i]; if (i == t) break; a = 0.0f; } out[t] = a;"
    assert outputs(body) == [X[t] for t in range(THREADS)]
