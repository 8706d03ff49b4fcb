"""Every proof of the corpus, at full size, as a certificate that is valid without a search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tv.check import check
from tv.expectation import find_cases, mismatch
from tv.recheck import recheck
from tv.verdict import Verdict

ROOT = Path(__file__).resolve().parent.parent
PROVED = {c.name: c for c in find_cases(str(ROOT / "corpus")) if c.expectation.verdict is Verdict.PROVED}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED)
def test_the_certificate_of_a_case_is_valid(name: str, tmp_path: Path) -> None:
    case = PROVED[name]
    request = replace(case.request, certificate=str(tmp_path / "certificate.json"))
    assert mismatch(case.expectation, check(request)) == ""
    answer = recheck(str(tmp_path / "certificate.json"), case.request)
    assert answer.holds, answer.text
