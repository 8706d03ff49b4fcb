"""Every case of the corpus, at full size, gives exactly what its first line and its marked lines state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tv.check import check
from tv.expectation import Case, find_cases, mismatch
from tv.limits import Finished, run_limited

ROOT = Path(__file__).resolve().parent.parent
CASES = {c.name: c for c in find_cases(str(ROOT / "corpus"))}
TIMEOUT_S, MEMORY_MB = 300, 8000


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_as_it_states(name: str) -> None:
    case: Case = CASES[name]
    outcome = run_limited(lambda: check(case.request), TIMEOUT_S, MEMORY_MB)
    assert isinstance(outcome, Finished), outcome
    assert mismatch(case.expectation, outcome.value) == ""
