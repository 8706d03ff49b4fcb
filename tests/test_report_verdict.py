"""The one rule by which obligations become a verdict: nothing but a complete set of closed obligations is a proof."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tv.diagnostic import BadInput, Diagnostic, TvError, Unknown, Unsupported
from tv.obligation import KINDS, Obligation, Relation, Status
from tv.request import CheckRequest
from tv.source import Span
from tv.verdict import (
    CheckResult,
    Counterexample,
    KernelInfo,
    Verdict,
    conclude,
    failed,
    gave_up,
    proved_relation,
    verdict_of,
)

EQUAL = Obligation("k.y.equal", "equal", Status.PROVED, relation=Relation.REASSOC)
RACE = Obligation("k.race", "race", Status.PROVED)
EXPECTED = ("k.y.equal", "k.race")
PROVED = CheckResult(
    Verdict.PROVED, Relation.REASSOC, KernelInfo("k.cu", "k"), "m.onnx", Relation.REASSOC, (EQUAL, RACE)
)


def test_everything_closed_is_a_proof() -> None:
    c = conclude([EQUAL, RACE], Relation.REASSOC, EXPECTED)
    assert (c.verdict, c.relation) == (Verdict.PROVED, Relation.REASSOC)


def test_no_obligation_is_no_proof() -> None:
    assert conclude([], Relation.REAL, []).verdict is Verdict.UNKNOWN
    assert conclude([], Relation.REAL, EXPECTED).verdict is Verdict.UNKNOWN


def test_nothing_expected_is_no_proof() -> None:
    assert conclude([EQUAL, RACE], Relation.REASSOC, []).verdict is Verdict.UNKNOWN
    assert conclude([EQUAL, RACE], Relation.REASSOC, ["k.race"]).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("missing", EXPECTED)
def test_an_obligation_that_was_never_asked_is_no_proof(missing: str) -> None:
    c = conclude([o for o in (EQUAL, RACE) if o.id != missing], Relation.REASSOC, EXPECTED)
    assert c.verdict is Verdict.UNKNOWN
    assert missing in c.why


def test_an_equal_for_one_output_does_not_stand_for_another() -> None:
    c = conclude([EQUAL, RACE], Relation.REASSOC, (*EXPECTED, "k.z.equal"))
    assert c.verdict is Verdict.UNKNOWN
    assert "k.z.equal" in c.why
    assert c.relation is None


def test_an_equal_without_a_relation_is_no_proof() -> None:
    assert conclude([replace(EQUAL, relation=None), RACE], Relation.REAL, EXPECTED).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("required", list(Relation))
@pytest.mark.parametrize("shown", list(Relation))
def test_a_weaker_relation_than_required_is_unknown(required: Relation, shown: Relation) -> None:
    c = conclude([replace(EQUAL, relation=shown), RACE], required, EXPECTED)
    assert c.relation is shown
    strong_enough = list(Relation).index(shown) <= list(Relation).index(required)
    assert c.verdict is (Verdict.PROVED if strong_enough else Verdict.UNKNOWN)
    assert strong_enough or f"--require {shown.value}" in c.help


def test_the_relation_is_that_of_the_weakest_output() -> None:
    other = Obligation("k.z.equal", "equal", Status.PROVED, relation=Relation.REAL)
    c = conclude([replace(EQUAL, relation=Relation.BITWISE), other, RACE], Relation.REASSOC, (*EXPECTED, "k.z.equal"))
    assert (c.verdict, c.relation) == (Verdict.UNKNOWN, Relation.REAL)
    assert "k.z.equal" in c.why


def test_no_relation_while_an_output_is_open() -> None:
    assert proved_relation([replace(EQUAL, status=Status.UNKNOWN)], ["k.y.equal"]) is None


def test_precedence() -> None:
    race = {s: replace(RACE, id=f"k.race.{s.value}", status=s) for s in Status}
    order = [Verdict.REFUTED, Verdict.UNSUPPORTED, Verdict.UNKNOWN, Verdict.PROVED]
    for first in range(len(order)):
        chosen = [race[s] for s in list(Status)[first:]]
        c = conclude([EQUAL, RACE, *reversed(chosen)], Relation.REASSOC, EXPECTED)
        assert c.verdict is order[first]
        assert (c.relation is not None) == (c.verdict is Verdict.PROVED)


def test_a_guessed_binding_never_refutes() -> None:
    bad = replace(EQUAL, status=Status.REFUTED)
    c = conclude([bad, RACE], Relation.REASSOC, EXPECTED, guessed=("x", "y"))
    assert c.verdict is Verdict.UNKNOWN
    assert "guessed" in c.why
    assert "x =" in c.help


def test_a_guessed_binding_does_not_hide_what_is_unsupported() -> None:
    found = [replace(EQUAL, status=Status.REFUTED), replace(RACE, status=Status.UNSUPPORTED)]
    assert conclude(found, Relation.REASSOC, EXPECTED, guessed=("x",)).verdict is Verdict.UNSUPPORTED


def test_a_guessed_binding_may_be_proved() -> None:
    assert conclude([EQUAL, RACE], Relation.REASSOC, EXPECTED, guessed=("x",)).verdict is Verdict.PROVED


def test_two_obligations_of_one_id_and_unknown_kinds_are_defects() -> None:
    with pytest.raises(ValueError, match="two obligations"):
        conclude([EQUAL, EQUAL], Relation.REASSOC, EXPECTED)
    with pytest.raises(ValueError, match="no known kind"):
        conclude([EQUAL, replace(RACE, kind="data-race")], Relation.REASSOC, EXPECTED)


_obligations = st.lists(
    st.builds(
        Obligation,
        id=st.sampled_from(["a", "b", "c", "d"]),
        kind=st.sampled_from(KINDS),
        status=st.sampled_from(Status),
        relation=st.none() | st.sampled_from(Relation),
    ),
    max_size=4,
    unique_by=lambda o: o.id,
)


@settings(max_examples=400, deadline=None)
@given(_obligations, st.sampled_from(Relation), st.sets(st.sampled_from("abcd")), st.booleans())
def test_a_proof_has_everything(found: list[Obligation], required: Relation, expected: set[str], guess: bool) -> None:
    c = conclude(found, required, expected, ("p",) if guess else ())
    statuses = {o.status for o in found}
    ranks = {r: n for n, r in enumerate((Relation.BITWISE, Relation.REASSOC, Relation.REAL))}
    complete = statuses == {Status.PROVED} and expected <= {o.id for o in found}
    related = all(o.relation is not None and ranks[o.relation] <= ranks[required] for o in found if o.kind == "equal")
    asked = any(o.kind == "equal" and o.id in expected for o in found)
    assert (c.verdict is Verdict.PROVED) == (complete and related and asked)
    if Status.REFUTED in statuses and not guess:
        assert c.verdict is Verdict.REFUTED
    elif Status.UNSUPPORTED in statuses:
        assert c.verdict is Verdict.UNSUPPORTED
    elif c.verdict is not Verdict.PROVED:
        assert c.verdict is Verdict.UNKNOWN
        assert c.why


# ------------------------------------------------------------------------------------------------ results
def test_exit_codes() -> None:
    assert {v.value: v.exit_code for v in Verdict} == {
        "proved": 0,
        "refuted": 1,
        "bad-input": 2,
        "unknown": 3,
        "unsupported": 4,
        "internal-error": 5,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"obligations": ()},
        {"obligations": (EQUAL, replace(RACE, status=Status.UNKNOWN))},
        {"obligations": (RACE,)},
        {"relation": None},
        {"relation": Relation.REAL},
        {"counterexample": Counterexample("value", "cpu")},
        {"diagnostics": (Diagnostic("TV0001", "error", "x"),)},
    ],
)
def test_a_proof_that_its_fields_contradict_cannot_be_built(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="verdict `proved`"):
        replace(PROVED, **change)  # type: ignore[arg-type]


def test_a_refutation_needs_a_witness_that_was_executed() -> None:
    refuted = replace(PROVED, verdict=Verdict.REFUTED, counterexample=Counterexample("value", "cpu"))
    assert refuted.verdict.exit_code == 1
    for wrong in (None, Counterexample("value", None), Counterexample("race", "yes")):
        with pytest.raises(ValueError, match="verdict `refuted`"):
            replace(refuted, counterexample=wrong)
    with pytest.raises(ValueError, match="guessed"):
        replace(refuted, guessed=("x",))
    assert replace(refuted, counterexample=Counterexample("read-only", None)).verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (BadInput, Verdict.BAD_INPUT),
        (Unsupported, Verdict.UNSUPPORTED),
        (Unknown, Verdict.UNKNOWN),
        (TvError, Verdict.INTERNAL_ERROR),
    ],
)
def test_every_exception_has_a_verdict_and_none_is_a_proof(error: type[TvError], verdict: Verdict) -> None:
    e = error("TV0202", "unknown key `grdi`", Span("k.toml", 2), "did you mean `grid`?")
    assert verdict_of(e) is verdict
    result = failed(CheckRequest("k.cu", "m.onnx"), e)
    assert (result.verdict, result.why, result.diagnostics) == (verdict, "unknown key `grdi`", (e.diagnostic(),))


def test_giving_up_is_never_more_than_unknown() -> None:
    request = CheckRequest("k.cu", "m.onnx")
    assert gave_up(request, Verdict.UNKNOWN, "out of time").verdict.exit_code == 3
    for verdict in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNSUPPORTED, Verdict.BAD_INPUT):
        with pytest.raises(ValueError, match="did not finish"):
            gave_up(request, verdict, "out of time")


def test_results_and_requests_survive_pickling() -> None:
    request = CheckRequest("k.cu", "m.onnx", require=Relation.BITWISE)
    assert pickle.loads(pickle.dumps((request, PROVED))) == (request, PROVED)
