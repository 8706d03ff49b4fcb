"""Every case of the corpus, at full size, gives exactly what its first line and its marked lines state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tv.check import check
from tv.expectation import Case, find_cases, mismatch
from tv.limits import Finished, run_limited
from tv.refute import shrinking

ROOT = Path(__file__).resolve().parent.parent
CASES = {c.name: c for c in find_cases(str(ROOT / "corpus"))}
TIMEOUT_S, MEMORY_MB = 300, 8000


@pytest.fixture(autouse=True)
def _as_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counterexamples are not made small here, which changes neither verdict nor place: `make corpus` does, and test_hunt.py."""
    monkeypatch.setattr(shrinking, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(shrinking, "MOST_SECONDS", 0.0)


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_as_it_states(name: str) -> None:
    case: Case = CASES[name]
    outcome = run_limited(lambda: check(case.request), TIMEOUT_S, MEMORY_MB)
    assert isinstance(outcome, Finished), outcome
    assert mismatch(case.expectation, outcome.value) == ""
