"""A check of a corpus case with its problem and its certificate kept: what tests of the checker tamper with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tv import check as checking
from tv.equiv.certificate import Certificate
from tv.equiv.problem import Problem
from tv.equiv.relate import Related
from tv.obligation import Relation
from tv.request import CheckRequest
from tv.verdict import Verdict

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "corpus"), str(ROOT / "benchmarks")]


@dataclass(frozen=True)
class Proved:
    problem: Problem
    certificate: Certificate
    relation: Relation
    laws: tuple[str, ...]


def prove(case: str, folder: Path, patch: pytest.MonkeyPatch) -> Proved:
    """Checks a case at its smallest sizes, which has to succeed; the problem is what the check related."""
    from redraw import small

    related: list[tuple[Problem, Related]] = []
    relate = checking.relate

    def keeping(problem: Problem, progress: Callable[[str], None]) -> Related:
        related.append((problem, relate(problem, progress)))
        return related[-1][1]

    out = small(ROOT / "corpus" / case, folder)
    patch.setattr(checking, "relate", keeping)
    result = checking.check(CheckRequest(str(out / "kernel.cu"), str(out / "model.onnx"), require=Relation.REAL))
    assert result.verdict is Verdict.PROVED, result.why
    ((problem, done),) = related
    assert done.proof is not None
    return Proved(problem, done.proof.certificate, done.proof.relation, done.proof.laws)
