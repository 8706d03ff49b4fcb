"""Sums in which every instance adds data, beside numbers that a compiler knows in other rounds: no number is known of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.test_foreseen import Kernel, known
from tv.foreseen import Foreseen
from tv.foreseen.spoilt import Spoilt, hands_on, sums_up
from tv.sets import TRUE, Affine, Formula
from tv.sets.formulas import all_of, ge, lt, negate, within
from tv.system import Scope, Unit
from tv.term import Term

TX, I = Affine.dim("tx"), Affine.dim("i")
Value = Callable[[Kernel, Term], Term]


def total(k: Kernel, where: Formula, value: Value = lambda k, x: x, other: float = 0.0, op: str = "fadd.f32") -> Term:
    """For each of 32 threads the sum over 4 rounds of a value of x[tx + i], or of another number where the condition fails."""
    sets = k.system.sets
    child = k.system.scope(k.scope.extend("rounds", ("i",), within(I, 4)))
    back = sets.map("rounds", child.dims, child.domain, "S", [TX])
    x = k.terms.input("x", sets.map("rounds", child.dims, child.domain, "x", [TX + I]), 32)
    pieces = [(where, value(k, x)), (negate(where), k.float(other))]
    live = [(c, t) for c, t in pieces if c.op != "false"]
    added = k.system.case(child, live) if len(live) > 1 else live[0][1]
    step = k.op(op, k.terms.hole(32), added)
    return k.terms.reduce(op, sets.reverse(back), "rounds", step, k.float(0))


UNKNOWN: dict[str, tuple[Formula, Value]] = {
    "data in every round": (TRUE, lambda k, x: x),
    "data in two rounds": (lt(I, 2), lambda k, x: x),
    "data in another round for each thread": (all_of(ge(I, 3)), lambda k, x: x),
    "a product": (lt(I, 2), lambda k, x: k.op("fmul.f32", x, k.float(0.5))),
    "an exponential": (lt(I, 1), lambda k, x: k.op("exp.f32", x)),
    "a quotient of roots": (lt(I, 1), lambda k, x: k.op("fdiv.f32", k.op("fsqrt.f32", x), k.float(3))),
}
KNOWN: dict[str, tuple[Formula, Value]] = {
    "one thread adds none": (all_of(lt(I, 2), ge(TX, 1)), lambda k, x: x),
    "what a condition chooses": (lt(I, 2), lambda k, x: k.op("select", k.load("b"), x, k.float(1))),
    "the larger of it and a number": (lt(I, 2), lambda k, x: k.op("fmin.f32", k.op("fmax.f32", x, k.float(1)), k.float(1))),
    "integers that are converted": (lt(I, 2), lambda k, x: k.op("cvt.f32.s32", k.op("and.i32", x, k.int(0)))),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_sum_with_data_is_no_number(case: str) -> None:
    k = Kernel()
    assert not known(k, total(k, *UNKNOWN[case]))


@pytest.mark.parametrize("case", KNOWN)
def test_a_sum_that_may_be_of_numbers_alone_is_one(case: str) -> None:
    k = Kernel()
    assert known(k, total(k, *KNOWN[case]))


def test_a_known_nan_is_the_sums() -> None:
    for other in (float("nan"), float("inf")):
        k = Kernel()
        assert known(k, total(k, lt(I, 2), other=other))


@pytest.mark.parametrize("start", ["literal", "of data", "stored"])
def test_a_sum_that_starts_from_nan_is_nan(start: str) -> None:
    k = Kernel()
    found = total(k, TRUE)
    begin = k.float(float("nan"))
    if start != "literal":
        begin = k.op("fsub.f32", k.load("z"), begin)
    if start == "stored":
        scope = k.system.scope(Scope("stored", ("tx",), k.scope.domain, "stored"))
        z = k.terms.input("z", k.system.sets.map("stored", ("tx",), k.scope.domain, "z", [TX]), 32)
        begin = k.op("fsub.f32", z, k.float(float("nan")))
        k.system.units["stored"] = Unit("stored", scope, k.system.scope_sets["stored"], 32, begin, 0)
        begin = k.terms.ref("stored", k.system.sets.map("S", ("tx",), k.scope.domain, "stored", [TX]), 32)
    t = k.terms.reduce(found.name, found.embedding(), found.scope, found.args[0], begin)
    assert known(k, k.op("fmax.f32", t, k.float(1)))


def test_fused_products_that_overflow_may_make_a_nan() -> None:
    for size, there in ((1e30, True), (1e3, False)):
        k = Kernel()
        found = total(k, lt(I, 2), other=size)
        step = k.op("ffma.f32", found.args[0].args[1], k.float(size), k.terms.hole(32))
        t = k.terms.reduce(found.name, found.embedding(), found.scope, step, found.args[1])
        assert known(k, t) == there


def test_bits_of_a_known_nan_may_be_any() -> None:
    k = Kernel()
    nan = k.op("fsub.f32", k.load("x"), k.float(float("nan")))
    assert k.foreseen.may_be(k.op("sub.i32", nan, k.int(0x3FFFFFFF)), "f32", 1.0)


def test_a_maximum_hands_no_nan_on() -> None:
    k = Kernel()
    t = total(k, lt(I, 2), other=float("inf"), op="fmax.f32")
    assert k.foreseen.may_be(t, "f32", float("inf"))


def test_what_a_condition_tells_is_no_data() -> None:
    k = Kernel()
    t = total(k, lt(I, 2))
    assert not known(k, t)
    k.foreseen.pin([k.op("feq.f32", k.load("x"), k.float(2))])
    assert known(k, t)
    k.foreseen = Foreseen(k.system, ("tx",), lambda t: False)
    k.foreseen.pin([k.op("feq.f32", k.load("z"), k.float(2))])
    assert not known(k, t)


def test_a_result_that_a_condition_tells_is_no_data() -> None:
    k = Kernel()
    t = total(k, lt(I, 2), lambda k, x: k.op("exp.f32", x))
    k.foreseen.pin([k.op("feq.f32", k.op("exp.f32", k.load("z")), k.float(2))])
    assert known(k, t)


@pytest.mark.parametrize(
    "name", ["fmax.f32", "fmin.f32", "select", "cvt.f32.s32", "cvt.s32.f32.rz", "and.i32", "pow.f32", "flt.f32"]
)
def test_what_may_lose_a_nan(name: str) -> None:
    k = Kernel()
    args = [k.load("x"), k.load("z")] + ([k.load("b")] if name == "select" else [])
    assert not hands_on(k.op(name, *args[: 1 if name.startswith("cvt") else len(args)]))


def test_a_round_that_does_more_than_add_is_not_followed() -> None:
    k = Kernel()
    hole, x = k.terms.hole(32), k.load("x")
    assert sums_up(k.op("fadd.f32", x, hole))
    assert sums_up(k.op("ffma.f32", x, x, hole))
    assert sums_up(k.op("fadd.f32", x, k.op("ffma.f32", x, x, hole)))
    assert not sums_up(k.op("ffma.f32", hole, x, x))
    assert not sums_up(k.op("fmul.f32", hole, x))
    assert not sums_up(k.op("fadd.f32", x, k.op("fmax.f32", hole, x)))
    assert not sums_up(k.op("fadd.f32", x, x))


def test_around_a_loop_nothing_is_taken_for_granted() -> None:
    """A statement that is a copy of itself, whichever round: no data is seen."""
    k = Kernel()
    own = k.system.sets.identity(k.system.scope_sets["S"])
    value = k.op("fadd.f32", k.terms.ref("S", own, 32), k.float(1))
    k.system.units["S"] = Unit("S", k.scope, k.system.scope_sets["S"], 32, value, 0)
    assert k.system.sets.empty(Spoilt(k.system, ()).unit("S"))
