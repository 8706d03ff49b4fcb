"""The door to isl: no operation across spaces, no step that drops a pair, no answer after the budget is spent (SOUNDNESS S1, S3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tv.diagnostic import Unknown
from tv.sets import FALSE, TRUE, Affine, Map, Remainder, Set, Sets
from tv.sets.affine import floordiv, mod
from tv.sets.formulas import all_of, any_of, eq, ge, lt, within
from tv.sets.guesses import agreeing, envelope, orbit

I, J = Affine.dim("i"), Affine.dim("j")


def line(sets: Sets, name: str, n: int) -> Set:
    return sets.set(name, ("i",), within(I, n))


def shift(sets: Sets, source: str, target: str, n: int, by: int = 0) -> Map:
    """source[i] -> target[i + by], 0 <= i < n."""
    return sets.map(source, ("i",), within(I, n), target, [I + by])


# ------------------------------------------------------------------------------------------------ spaces (S3)
BINARY: dict[str, Callable[[Sets, Set, Set], object]] = {
    "subset": lambda s, a, b: s.subset(a, b),
    "equal": lambda s, a, b: s.equal(a, b),
    "disjoint": lambda s, a, b: s.disjoint(a, b),
    "meet": lambda s, a, b: s.meet(a, b),
    "join": lambda s, a, b: s.join(a, b),
    "minus": lambda s, a, b: s.minus(a, b),
}
STEPS: dict[str, Callable[[Sets, Map, Map], object]] = {
    "compose": lambda s, m, n: s.compose(m, n),
    "pair": lambda s, m, n: s.pair(m, n),
    "step_domain": lambda s, m, n: s.step_domain(m, n, "a step"),
    "step_range": lambda s, m, n: s.step_range(m, n, "a step"),
    "restrict_domain": lambda s, m, n: s.restrict_domain(m, s.range(n)),
    "restrict_range": lambda s, m, n: s.restrict_range(m, s.range(n)),
    "leaving": lambda s, m, n: s.leaving(m, s.range(n)),
}


@pytest.mark.parametrize("name", BINARY)
def test_no_question_across_two_names(name: str) -> None:
    """isl answers `empty` or `disjoint` to some of these; a misspelt array would then race with nobody."""
    sets = Sets()
    with pytest.raises(Unknown) as caught:
        BINARY[name](sets, line(sets, "s", 4), line(sets, "S", 4))
    assert caught.value.code == "TV0402"


@pytest.mark.parametrize("name", STEPS)
def test_no_step_across_two_names(name: str) -> None:
    sets = Sets()
    m, n = shift(sets, "A", "B", 4), shift(sets, "C", "D", 4)
    with pytest.raises(Unknown) as caught:
        STEPS[name](sets, m, n)
    assert caught.value.code == "TV0402"


def test_a_set_is_not_compared_with_a_map() -> None:
    sets = Sets()
    with pytest.raises((Unknown, TypeError)):
        sets.subset(line(sets, "A", 4), shift(sets, "A", "B", 4))


def test_one_name_has_one_shape() -> None:
    sets = Sets()
    line(sets, "A", 4)
    with pytest.raises(Unknown) as caught:
        sets.set("A", ("i", "j"))
    assert caught.value.code == "TV0402"
    with pytest.raises(Unknown):
        sets.map("B", ("i",), TRUE, "A", [I, I])
    with pytest.raises(Unknown):
        sets.arity("never")


# ------------------------------------------------------------------------------------------------ total steps (S1)
def test_a_step_that_would_drop_pairs_says_which() -> None:
    """R on i < 1024, a map on i < 1000: isl composes them to 1000 pairs without a word."""
    sets = Sets()
    r, f = shift(sets, "A", "B", 1024), shift(sets, "A", "C", 1000)
    with pytest.raises(Remainder) as caught:
        sets.step_domain(r, f, "a load")
    lost = sets.points(sets.domain(caught.value.rest))
    assert lost == [(i,) for i in range(1000, 1024)]
    g = shift(sets, "B", "C", 1000)
    with pytest.raises(Remainder) as caught:
        sets.step_range(r, g, "a load")
    assert sets.points(sets.range(caught.value.rest)) == lost
    assert len(sets.points(sets.domain(sets.compose(r, g)))) == 1000  # only for guesses


def test_a_total_step_composes() -> None:
    sets = Sets()
    r, f = shift(sets, "A", "B", 10), shift(sets, "A", "C", 20, by=5)
    moved = sets.step_domain(r, f, "a load")
    assert sets.points(sets.wrap(moved)) == [(i + 5, i) for i in range(10)]


def test_leaving_is_what_falls_outside() -> None:
    sets = Sets()
    outside = sets.leaving(shift(sets, "A", "B", 8, by=2), line(sets, "B", 8))
    assert sets.points(sets.domain(outside)) == [(6,), (7,)]


# ------------------------------------------------------------------------------------------------ budget
def hard(sets: Sets) -> object:
    """A question with many pieces and floors."""
    box = sets.set("A", ("i", "j"), all_of(within(I, 1000), within(J, 1000)))
    pieces = [all_of(eq(mod(I * k + J, 7 + k), k), ge(I * k - J, k)) for k in range(1, 7)]
    return sets.subset(box, sets.set("A", ("i", "j"), any_of(*pieces)))


def test_an_exhausted_budget_is_unknown() -> None:
    with pytest.raises(Unknown) as caught:
        hard(Sets(budget=2_000))
    assert caught.value.code == "TV0403"


def test_the_budget_is_one_question_s() -> None:
    """What a question used up does not take from the next one, and a spent budget does not stay in force."""
    sets = Sets(budget=2_000)
    with pytest.raises(Unknown):
        hard(sets)
    for n in range(200):
        assert not sets.empty(line(sets, f"L{n}", 4))
    assert hard(Sets()) is False


# ------------------------------------------------------------------------------------------------ symbols (S13)
@pytest.mark.parametrize("context", [FALSE, all_of(ge(Affine.sym("P"), 5), lt(Affine.sym("P"), 5))])
def test_no_value_for_the_symbols_is_unknown(context: object) -> None:
    with pytest.raises(Unknown) as caught:
        Sets(("P",), context)  # type: ignore[arg-type]
    assert caught.value.code == "TV0401"


def test_every_set_lies_in_the_context() -> None:
    p = Affine.sym("P")
    sets = Sets(("P",), within(p, 8))
    assert sets.empty(sets.set("A", ("i",), all_of(eq(p, 9), within(I, 3))))
    assert sets.sample(sets.set("A", ("i",), eq(I, p))) is not None
    a, b = sets.set("A", ("i",), within(I, p)), sets.set("A", ("i",), within(I, 8))
    assert sets.subset(a, b)
    assert not sets.subset(b, a)


def test_an_empty_set_for_one_value_is_not_empty_for_all() -> None:
    """Emptiness is over all symbols: one value at which a race exists is enough."""
    p = Affine.sym("P")
    sets = Sets(("P",), within(p, 100))
    assert not sets.empty(sets.set("A", ("i",), all_of(within(I, 4), eq(p, 57))))


# ------------------------------------------------------------------------------------------------ text of certificates
def test_maps_survive_their_text() -> None:
    p = Affine.sym("P")
    sets = Sets(("P",), within(p - 1, 64))
    cases = [
        sets.map("A", ("i",), within(I, p), "B", [floordiv(I, 4), mod(I, 4)]),
        sets.relation(
            "A", ("i",), "B", ("j", "k"), all_of(eq(I, J * 2), ge(Affine.dim("k"), I), lt(Affine.dim("k"), p))
        ),
    ]
    for m in cases:
        again = sets.read_map(sets.text(m))
        assert sets.equal(again, m)


@pytest.mark.parametrize(
    "text",
    [
        "{ A[i] -> C[i] }",
        "{ A[i, j] -> B[i] }",
        "[Q] -> { A[i] -> B[i] : i < Q }",
        "{ [A[i] -> B[j]] -> B[i] }",
        "{ A[i] -> B[i] ",
        "nonsense",
        "{ A[i] : i > 0 }",
        "{ }",
    ],
)
def test_a_map_over_what_is_not_there_is_refused(text: str) -> None:
    sets = Sets(("P",), within(Affine.sym("P"), 4))
    sets.declare("A", 1)
    sets.declare("B", 1)
    with pytest.raises(Unknown) as caught:
        sets.read_map(text)
    assert caught.value.code in ("TV0404", "TV0402")


# ------------------------------------------------------------------------------------------------ guesses
def test_envelope_and_orbit_are_supersets_inside_their_bounds() -> None:
    """They are claimed and proved whole; what has to hold here is that they contain what they were made from."""
    sets = Sets()
    a, b = sets.set("A", ("i",), within(I, 64)), sets.set("B", ("j",), within(J, 64))
    r = sets.relation("A", ("i",), "B", ("j",), all_of(eq(I, J), within(I, 3)))
    moved = sets.relation("A", ("i",), "B", ("j",), all_of(eq(I, J), eq(I, 10)))
    for wider in (envelope(sets, r, a, b), orbit(sets, r, moved, a, b)):
        assert sets.subset(r, wider)
        assert sets.subset(sets.domain(wider), a)
        assert sets.subset(sets.range(wider), b)


def test_pairs_agree_where_those_given_do() -> None:
    sets, dims = Sets(), ("i", "j")
    there = [Affine.dim(f"{d}_") for d in dims]
    box = all_of(within(I, 4), within(J, 4), within(there[0], 4), within(there[1], 4))
    everything = sets.relation("A", dims, "A", ("i_", "j_"), box)
    first = sets.relation("A", dims, "A", ("i_", "j_"), all_of(box, eq(I, there[0])))
    none = sets.relation("A", dims, "A", ("i_", "j_"), all_of(box, eq(I, there[0] + 1)))
    some = sets.relation(
        "A", dims, "A", ("i_", "j_"), all_of(eq(I, 2), eq(there[0], 2), ge(J, 1), eq(there[1], 0), within(J, 3))
    )
    assert sets.equal(sets.meet(everything, agreeing(sets, some)), first)
    assert sets.subset(everything, agreeing(sets, none))
    assert sets.subset(shift(sets, "B", "C", 4), agreeing(sets, shift(sets, "B", "C", 4)))


def test_points_above_the_limit_are_unknown() -> None:
    sets = Sets()
    with pytest.raises(Unknown):
        sets.points(line(sets, "A", 100), limit=10)


# ------------------------------------------------------------------------------------------------ answers kept
def test_an_answer_is_kept_for_operands_that_are_plainly_equal_only() -> None:
    sets = Sets(("n",), ge(Affine.sym("n"), 1))
    ten, eleven = (sets.set("A", ("i",), within(Affine.dim("i"), k)) for k in (10, 11))
    assert sets.subset(ten, eleven)
    assert not sets.subset(eleven, ten)
    kept = len(sets.answers)
    again = sets.join(sets.meet(ten, eleven), ten)
    assert sets.subset(again, eleven)
    assert len(sets.answers) == kept + 2
    other = sets.set("B", ("i",), within(Affine.dim("i"), 11))
    with pytest.raises(Unknown):
        sets.subset(ten, other)
    some = sets.set("A", ("i",), within(Affine.dim("i"), Affine.sym("n")))
    assert not sets.subset(ten, some)
    assert sets.equal(sets.meet(ten, some), sets.meet(some, ten))


def test_a_remainder_is_found_again() -> None:
    sets = Sets()
    r = sets.identity(sets.set("A", ("i",), within(Affine.dim("i"), 5)))
    f = sets.map("A", ("i",), within(Affine.dim("i"), 3), "C", [Affine.dim("i")])
    for _ in range(2):
        with pytest.raises(Remainder):
            sets.step_range(r, f, "a step")
