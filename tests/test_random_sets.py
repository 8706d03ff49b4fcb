"""Random programs: what index sets say of them against every thread run by itself, and values of terms against both runs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.random_kernels import enumeration
from tests.random_kernels.drawing import Recorded
from tests.random_kernels.enumeration import Case, Disagreement
from tests.random_kernels.programs import Program, program
from tests.random_kernels.terms import Values
from tv.obligation import Obligation, Status

ENDINGS = {"compared", "undefined", "barrier", "race", "bounds", "range"}


def drawn(data: st.DataObject) -> Program:
    return program(Recorded(lambda low, high: data.draw(st.integers(low, high))))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.data(), st.integers(0, 1 << 16))
def test_a_random_program_is_what_its_threads_do(data: st.DataObject, seed: int) -> None:
    """Accesses, bounds, ranges, barriers, races, coverage; then every cell's value, with recurrences and without."""
    source = drawn(data)
    try:
        ending = enumeration.check(source, seed).ending
    except Disagreement as e:
        raise AssertionError(f"{e}\n{source.grid} {source.block} {source.buffers}\n{source.text}") from e
    assert set(ending.removeprefix("open: ").split()) <= ENDINGS or ending.endswith("refused TV0509"), source.text


# ------------------------------------------------------------------------------------------------ by hand
HEAD = "__global__ void k(const float* x, float* y, float* w) {\n  __shared__ float s[8];\n  int t = threadIdx.x;\n"
PROGRAMS = {
    "s[t] = x[t]; __syncthreads(); y[t] = s[7 - t];": ("compared", set()),
    "s[t] = x[t]; y[t] = s[7 - t];": ("race", {"race"}),
    "s[t] = x[t]; __syncwarp(); y[t] = s[7 - t];": ("compared", set()),
    "if (t < 4) __syncthreads(); y[t] = x[t];": ("barrier", {"barrier"}),
    "s[t + 1] = x[t]; y[t] = x[t];": ("bounds", {"bounds"}),
    "if (t < 4) s[t] = x[t]; __syncthreads(); y[t] = s[t];": ("undefined", set()),
    "if (t < 7) y[t] = x[t];": ("undefined", set()),
    "y[t] = __shfl_xor_sync(0xffu, x[t], 3) + __shfl_down_sync(0xffu, x[t], 2, 4);": ("compared", set()),
    "y[t] = __shfl_sync(0xffu, x[t], t + 8);": ("undefined", set()),
    "if (t < 4) w[t] = __shfl_xor_sync(0xffu, x[t], 1); y[t] = x[t];": ("barrier", {"barrier"}),
    "int big = 1 << 30; int far = (big + t) * 4; y[t] = far > 0 ? x[t] : 1.0f;": ("range", {"range"}),
    "float a = 0.0f; for (int i = 0; i <= t; ++i) a += x[i]; y[t] = a;": ("compared", set()),
}


def by_hand(body: str) -> Program:
    buffers = {"x": (8, "input"), "y": (8, "undefined"), "w": (8, "undefined")}
    return Program(HEAD + "  " + body + "\n}\n", (1, 1, 1), (8, 1, 1), buffers, "float")


@pytest.mark.parametrize("body", PROGRAMS)
def test_threads_one_by_one_show_each_defect(body: str) -> None:
    """The comparison is only worth something if every kind of defect can end it."""
    ending, faults = PROGRAMS[body]
    source = by_hand(body)
    case = Case(source, 1)
    case.symbolic()
    assert case.threads().faults == faults
    assert enumeration.check(source, 1).ending == ending


BLIND = {
    "race": "s[t] = x[t]; y[t] = s[7 - t];",
    "barrier": "if (t < 4) __syncthreads(); y[t] = x[t];",
    "bounds": "s[t + 1] = x[t]; y[t] = x[t];",
}


@pytest.mark.parametrize("kind", BLIND)
def test_a_defect_that_index_sets_do_not_see_is_told(kind: str) -> None:
    case = Case(by_hand(BLIND[kind]), 1)
    case.symbolic()
    case.found = [Obligation(o.id, o.kind, Status.PROVED, o.span) for o in case.found]
    with pytest.raises(Disagreement, match=f"{kind}: wrongly proved"):
        case.compare()


def test_a_term_of_another_value_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(by_hand("s[t] = x[t]; __syncthreads(); y[t] = s[7 - t] + x[t];"), 1)
    case.symbolic()
    plain = Values.operation
    monkeypatch.setattr(Values, "operation", lambda self, t, at, hole: plain(self, t, at, hole) ^ 1)
    with pytest.raises(Disagreement, match="values of terms"):
        case.compare()
