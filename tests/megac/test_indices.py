"""Index arithmetic against numbers: what is simplified is equal at every point, and what may differ stays."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping

import pytest
from megac import index as ix
from megac.dtype import DType
from megac.errors import CompileError
from megac.expr import Rewriter, index_test
from megac.index import Ranges
from megac.ir import Axis, AxisRef, Const, Index, IndexTest, IndexValue, Quotient, Remainder
from megac.printing import index_text
from megac.size import ONE, Size, product

P = Size.dim("P")


def value(i: Index, at: Mapping[str, int], dims: Mapping[str, int]) -> int:
    total = i.const.at(dims)
    for atom, factor in i.terms:
        match atom:
            case AxisRef(name):
                one = at[name]
            case Quotient(inner, by):
                one = value(inner, at, dims) // by.at(dims)
            case Remainder(inner, by):
                one = value(inner, at, dims) % by.at(dims)
            case _:
                raise AssertionError(atom)
        total += factor.at(dims) * one
    return total


def points(axes: list[Axis], dims: Mapping[str, int]) -> list[dict[str, int]]:
    spans = [range(a.extent.at(dims)) for a in axes]
    return [dict(zip((a.name for a in axes), place, strict=True)) for place in itertools.product(*spans)]


@pytest.mark.parametrize("seed", range(60))
def test_random_divisions_keep_every_value(seed: int) -> None:
    rng = random.Random(seed)
    axes = [Axis(n, rng.choice([Size(2), Size(3), Size(4), Size(8), P + 1])) for n in "abc"]
    r = Ranges.of(axes)

    def draw(depth: int) -> tuple[Index, object]:
        """An index, simplified, and what it means."""
        out, meaning = ix.constant(0), []
        for a in axes:
            factor = rng.choice([0, 1, 2, 3, 4, 6, 8, 16])
            out = ix.add(out, ix.scaled(ix.axis(a.name), factor))
            meaning.append((factor, a.name))
        shift = rng.randrange(-5, 20)
        out = ix.shifted(out, shift)

        def plain(at: Mapping[str, int], dims: Mapping[str, int]) -> int:
            return shift + sum(f * at[n] for f, n in meaning)

        evaluate = plain
        for _ in range(depth):
            by = Size(rng.choice([2, 3, 4, 6, 8, 16, 32])) if rng.random() < 0.8 else P + 1
            divide = rng.random() < 0.5
            out = r.quotient(out, by) if divide else r.remainder(out, by)

            def step(at, dims, before=evaluate, by=by, divide=divide):
                n, d = before(at, dims), by.at(dims)
                return n // d if divide else n % d

            evaluate = step
        return out, evaluate

    for _ in range(8):
        found, meaning = draw(rng.randrange(1, 4))
        for dims in ({"P": 0}, {"P": 1}, {"P": 6}):
            for at in points(axes, dims):
                assert value(found, at, dims) == meaning(at, dims), index_text(found)  # type: ignore[operator]


def test_a_flat_index_comes_apart_and_together_again() -> None:
    r = Ranges.of([Axis("h", Size(4)), Axis("p", P + 1), Axis("d", Size(16))])
    h, p, d = map(ix.axis, "hpd")
    flat = ix.add(ix.scaled(ix.add(ix.scaled(h, P + 1), p), 1), ix.constant(0))
    assert (r.quotient(flat, P + 1), r.remainder(flat, P + 1)) == (h, p)
    mixed = ix.add(ix.scaled(h, 16), d)
    assert (r.quotient(mixed, Size(16)), r.remainder(mixed, Size(16))) == (h, d)
    again = ix.add(ix.scaled(r.quotient(p, Size(3)), 3), r.remainder(p, Size(3)))
    assert again == p


def test_an_index_that_came_apart_is_one_again_in_memory() -> None:
    """A vector that is read as [heads, 16], or as [groups, 2, 16], is read one element after the other."""
    r = Ranges.of([Axis("k", Size(64))])
    k = ix.axis("k")
    parts = [r.quotient(k, Size(32)), r.remainder(r.quotient(k, Size(16)), Size(2)), r.remainder(k, Size(16))]
    assert ix.row_major(parts, [Size(2), Size(2), Size(16)]) == k
    assert ix.row_major([r.quotient(k, Size(16)), r.remainder(k, Size(16))], [Size(4), Size(16)]) == k
    assert ix.row_major([r.quotient(k, Size(16)), r.remainder(k, Size(16))], [Size(4), Size(17)]) != k
    cache = ix.row_major([ix.axis("h"), ix.axis("p"), ix.axis("d")], [Size(2), P + 1, Size(16)])
    assert index_text(cache) == "d + h*(16*P + 16) + p*16"
    with pytest.raises(CompileError, match="not affine"):
        ix.row_major([ix.axis("a"), ix.axis("b"), ix.axis("c")], [P, P, P])


def test_a_remainder_stays_where_the_range_does_not_permit_its_end() -> None:
    r = Ranges.of([Axis("d", Size(17)), Axis("p", P + 1)])
    assert index_text(r.remainder(ix.axis("d"), Size(16))) == "d%16"
    assert index_text(r.quotient(ix.axis("p"), P)) != "0"
    assert index_text(r.remainder(ix.axis("p"), Size(4))) == "p%4"


@pytest.mark.parametrize(
    ("index", "kind", "answer"),
    [
        (ix.subtract(ix.constant(P), ix.axis("p")), "ge", True),  # p <= P
        (ix.subtract(ix.constant(P - 1), ix.axis("p")), "ge", None),  # p < P: not for the last one
        (ix.shifted(ix.axis("p"), 1), "ge", True),
        (ix.shifted(ix.scaled(ix.axis("p"), -1), -1), "ge", False),
        (ix.subtract(ix.axis("p"), ix.constant(P)), "eq", None),
        (ix.subtract(ix.axis("p"), ix.constant(P + 1)), "eq", False),
    ],
)
def test_questions_are_decided_only_where_all_points_agree(index: Index, kind: str, answer: bool | None) -> None:
    found = index_test(kind, index, Ranges.of([Axis("p", P + 1)]))
    assert found == (IndexTest(kind, index) if answer is None else Const(DType.BOOL, int(answer)))  # type: ignore[arg-type]


def test_what_a_choice_has_decided_is_known_in_its_branches() -> None:
    r = Ranges.of([Axis("d", Size(16))])
    first = ix.subtract(ix.constant(7), ix.axis("d"))
    assert r.given("ge", first, True).bounds(ix.axis("d")) == (Size(0), Size(7))
    assert r.given("ge", first, False).bounds(ix.axis("d")) == (Size(8), Size(15))
    low = r.given("eq", ix.shifted(ix.axis("d"), -3), True)
    assert Rewriter().expr(IndexValue(ix.axis("d"), DType.I64), low) == IndexValue(ix.constant(3), DType.I64)
    assert r.given("eq", ix.shifted(ix.axis("d"), -3), False).bounds(ix.axis("d")) == (Size(0), Size(15))


def test_sizes_are_affine_or_refused() -> None:
    assert str(product([Size(2), P + 1, Size(3)])) == "6*P + 6"
    assert (P * 4 + 8).divided(Size(4)) == P + 2
    assert (P * 4 + 6).divided(Size(4)) is None
    assert (P * 2 + 2).divided(P + 1) == Size(2)
    assert (P * 2 + 3).divided(P + 1) is None
    assert not P.at_most(Size(100))
    assert Size(0).at_most(P)
    assert not ONE.at_most(P)
    with pytest.raises(CompileError, match="not affine"):
        P * (P + 1)
