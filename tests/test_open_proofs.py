"""What executions still say where a proof stops early, or has one of its questions open: what is left out, within the time there is."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.checking import F32, checked, graph, write
from tv.check import check, search_seconds
from tv.request import CheckRequest
from tv.verdict import Verdict

SPEC = 'kernel = "k"\n[args]\nx = "x"\ny = "y"\n'
TWO = graph([("Abs", "x", "y")], {"x": (F32, [2])}, {"y": (F32, [2])})
NEGATED = graph([("Neg", "x", "y")], {"x": (F32, [64])}, {"y": (F32, [64])})


def kernel(body: str) -> str:
    return f"__global__ void k(const float* x, float* y) {{ const int t = threadIdx.x, o = t % 2; {body} }}\n"


@pytest.mark.parametrize(
    ("body", "index"),
    [
        ("y[0] = fabsf(x[0]);", (1,)),
        ("y[1] = fabsf(x[1]);", (0,)),
        ("if (x[0] > x[1]) y[o] = fabsf(x[o]);", (0,)),
        ("atomicExch(y, fabsf(x[0]));", (1,)),
    ],
)
def test_what_is_never_written_shows_where_a_race_is_open(tmp_path: Path, body: str, index: tuple[int, ...]) -> None:
    """All threads of the block write the same there."""
    result = checked(tmp_path, kernel(body), TWO, SPEC)
    assert result.verdict is Verdict.REFUTED
    assert [o.kind for o in result.obligations if o.status.value == "refuted"] == ["coverage"]
    assert result.counterexample is not None
    assert (result.counterexample.kind, result.counterexample.index) == ("coverage", index)


@pytest.mark.parametrize("body", ["y[o] = fabsf(x[o]);", "atomicExch(y + o, fabsf(x[o]));"])
def test_what_is_written_is_not_asked_for(tmp_path: Path, body: str) -> None:
    """A question that only an execution was to answer is none of the result's."""
    result = checked(tmp_path, kernel(body), TWO, SPEC)
    assert result.verdict is Verdict.UNKNOWN
    assert not [o for o in result.obligations if o.kind == "coverage"]


def test_what_an_exchange_finds_and_leaves_is_its_result_s_affair(tmp_path: Path) -> None:
    """Whatever stood in the output: of an addition it becomes a part, an exchange that is used hands it on."""
    for body in ("atomicAdd(y + o, fabsf(x[o]));", "if (atomicExch(y + o, fabsf(x[o])) > 0.0f) y[o] = fabsf(x[o]);"):
        result = checked(tmp_path, kernel(body), TWO, SPEC)
        assert result.verdict is Verdict.REFUTED
        assert "init" in {o.kind for o in result.obligations if o.status.value == "refuted"}


# ------------------------------------------------------------------------------------------------ time
@pytest.mark.parametrize(
    ("limit", "gone", "most", "low", "high"),
    [(None, 1e6, 60.0, 60.0, 60.0), (20, 0.0, 60.0, 8.0, 10.0), (20, 0.0, 5.0, 5.0, 5.0), (20, 14.0, 60.0, 1.0, 3.0), (20, 30.0, 60.0, 0.0, 0.0)],
)  # fmt: skip
def test_two_searches_end_before_the_check_has_to(
    limit: int | None, gone: float, most: float, low: float, high: float
) -> None:
    request = CheckRequest("k.cu", "m.onnx", timeout_s=limit)
    assert low <= search_seconds(request, time.perf_counter() - gone, most) <= high


@pytest.mark.parametrize(
    ("body", "stops"),
    [("y[t] = t == 5 ? x[t] : -x[t];", False), ("int n = (int)x[t]; y[t] = n + 1 > n ? x[t] : -x[t];", True)],
)
def test_a_search_without_time_is_none(tmp_path: Path, body: str, stops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether an obligation is open, or the proof stops before it has any."""
    request = write(tmp_path, kernel(body), NEGATED, SPEC)
    found = check(replace(request, timeout_s=60))
    assert found.verdict is Verdict.REFUTED
    assert any("the proof stopped here" in d.message for d in found.diagnostics) is stops
    monkeypatch.setattr("tv.check.SEARCH_SHARE", 0.0)
    assert check(request).verdict is Verdict.REFUTED
    assert check(replace(request, timeout_s=60)).verdict is Verdict.UNKNOWN
