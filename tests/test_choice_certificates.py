"""Certificates of a kernel's choices, falsified: which places are left out, where the place of a value is kept, which values meet."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from tests.proving import Proved, prove
from tests.test_checker import judged, text_of
from tv.diagnostic import TvError
from tv.equiv.problem import Mismatch

Json = Any
CASES = {"topk_gate/thread_token": 5, "topk_gate_softmax_f16/thread_token": 11, "moe_topk_f16/two_launches": 17}
OTHER_STEPS: tuple[Json, ...] = (["vacuous"], ["leaf"])


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Proved]:
    out = {}
    for case in CASES:
        with pytest.MonkeyPatch.context() as patch:
            out[case] = prove(case, tmp_path_factory.mktemp("case"), patch)
    return out


def choices(x: Json) -> Iterator[Json]:
    """The steps of this kind anywhere in x."""
    if isinstance(x, list) and x[:1] == ["choice"]:
        yield x
    for y in x.values() if isinstance(x, dict) else x if isinstance(x, list) else ():
        yield from choices(y)


def changed(step: Json, stores: list[str]) -> Iterator[tuple[str, Json]]:
    """The step with one fact changed."""
    _, values, taken, beside = step
    for i, s in enumerate(taken):
        for other in {-1, 0, 1, 2, 9} - {s}:
            yield "another place said to be left out", ["choice", values, [*taken[:i], other, *taken[i + 1 :]], beside]
        yield "a place not named", ["choice", values, taken[:i] + taken[i + 1 :], beside]
    yield "one place more", ["choice", values, [*taken, 0], beside]
    for name in {"", "S0", "nowhere", *stores} - {beside}:
        yield f"the place kept in `{name}` instead of `{beside}`", ["choice", values, taken, name]
    for i, v in enumerate(values):
        yield "a value left out", ["choice", values[:i] + values[i + 1 :], taken, beside]
        yield "a value twice", ["choice", [*values, v], taken, beside]
        for other in OTHER_STEPS:
            if v not in OTHER_STEPS:
                yield "a value said to be equal", ["choice", [*values[:i], other, *values[i + 1 :]], taken, beside]
    yield "no choice", values[0] if values else ["leaf"]
    yield "a choice of nothing", ["choice", [], taken, beside]


def falsified(data: Json, stores: list[str]) -> Iterator[tuple[str, Json]]:
    for n, step in enumerate(choices(data)):
        for what, new in changed(step, stores):
            wrong = copy.deepcopy(data)
            [*choices(wrong)][n][:] = new
            yield f"{n}: {what}", wrong


@pytest.mark.parametrize("case", CASES)
def test_no_fact_of_a_choice_can_be_changed(case: str, proofs: dict[str, Proved]) -> None:
    assert taken_for_true(proofs[case], CASES[case]) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_none_of_all_facts_of_a_choice_can_be_changed(case: str, proofs: dict[str, Proved]) -> None:
    assert taken_for_true(proofs[case], 1) == []


def taken_for_true(p: Proved, every: int) -> list[str]:
    """What the checker accepts of the falsified certificates; of these only every n-th is tried."""
    data = text_of(p)
    assert judged(p, data)
    stores = sorted({s[3] for s in choices(data)}.union([*p.problem.kernel.chains][:3]))
    tried, accepted = 0, list[str]()
    for what, wrong in islice(falsified(data, stores), 0, None, every):
        tried += 1
        try:
            judged(p, wrong)
        except (TvError, Mismatch):
            continue
        accepted.append(what)
    assert tried > 5
    return accepted
