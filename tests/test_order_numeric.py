"""Index maps and sets as functions on arrays, against isl's own enumeration of their points."""

from __future__ import annotations

import itertools

import islpy as isl
import numpy as np
import pytest

from tv.diagnostic import Unknown
from tv.order.tables import Table
from tv.sets.numeric import point_map, point_set, same_text
from tv.sets.points import Points, embedded, put

GRID = np.array(list(itertools.product(range(-4, 13), range(-3, 11))), dtype=np.int64)
SETS = [
    "{ A[i, j] : 0 <= i < 9 and 0 <= j <= i }",
    "[P] -> { A[i, j] : 0 <= i < P and (i + j) mod 3 = 1 and 0 <= j < 8 }",
    "[P] -> { A[i, j] : exists (e, f : i = 2e + 1 and j = 3f + i and -3 <= j < P) and -4 <= i < 10; A[i, j] : i = j and 0 <= i < P }",
    "{ A[i, j] : 1 = 0 }",
    "[P] -> { A[i, j] : floor((2i + j) / 5) = floor((j + P) / 3) and -3 <= i, j < 9 }",
]
MAPS = [
    "{ A[i, j] -> B[j, i + 2j, 3] : 0 <= i < 9 and 0 <= j < 5 }",
    "[P] -> { A[i, j] -> B[floor((i + 3j) / 5), i mod 4] : 0 <= i < P and -2 <= j < 7 }",
    "[P] -> { A[i, j] -> B[o, j] : exists (e : i = 2e + 1) and 5o <= i + 3j < 5o + 5 and 0 <= j < P and -4 <= i < 12 }",
    "[P] -> { A[i, j] -> B[i] : i < j and 0 <= i < 9 and j < 9; A[i, j] -> B[j + P] : i > j and 0 <= j and i < 9 }",
    "[P] -> { A[i, j] -> B[k] : i <= k < P and 0 <= i, j < 5 }",  # several images: the least
]


def points(s: isl.Set, p: int) -> set[tuple[int, ...]]:
    for k in range(s.dim(isl.dim_type.param)):
        s = s.fix_val(isl.dim_type.param, k, isl.Val(p))
    s = s.project_out(isl.dim_type.param, 0, s.dim(isl.dim_type.param))
    found: set[tuple[int, ...]] = set()
    n = s.dim(isl.dim_type.set)
    s.foreach_point(
        lambda x: found.add(tuple(int(x.get_coordinate_val(isl.dim_type.set, k).to_python()) for k in range(n)))
    )
    return found


@pytest.mark.parametrize("p", [1, 4, 7])
@pytest.mark.parametrize("text", SETS)
def test_a_set_holds_the_points_that_isl_lists(text: str, p: int) -> None:
    here = set(map(tuple, GRID.tolist()))
    box = isl.Set("{ A[i, j] : -4 <= i < 13 and -3 <= j < 11 }")
    wanted = points(isl.Set(text).intersect(box), p)
    mask = np.broadcast_to(point_set(text).holds(Points.of(GRID), {"P": p}), len(GRID))
    assert {tuple(x) for x in GRID[mask].tolist()} == wanted & here


@pytest.mark.parametrize("p", [1, 4, 7])
@pytest.mark.parametrize("text", MAPS)
def test_a_map_has_the_least_image_that_isl_lists(text: str, p: int) -> None:
    box = isl.Set("{ A[i, j] : -4 <= i < 13 and -3 <= j < 11 }")
    wanted: dict[tuple[int, ...], tuple[int, ...]] = {}
    for x in sorted(points(isl.Map(text).intersect_domain(box).wrap(), p)):
        wanted.setdefault(x[:2], x[2:])
    images, mask = point_map(text).image(Points.of(GRID), {"P": p})
    found = np.broadcast_to(mask, len(GRID))
    assert {
        tuple(a): tuple(b) for a, b in zip(GRID[found].tolist(), images.rows()[found].tolist(), strict=True)
    } == wanted


PRODUCT_SETS = [
    "[P] -> { A[i, j, r, s] : 0 <= r < i + 2 and s <= P; A[i, j, r, s] : r = 4 and s >= 0 and j = 1 }",
    "[P] -> { A[i, j, r, s] : r >= 1 and s = 1 and 0 <= i < 50 }",
    "[P] -> { A[i, j, r, s] : (i + 2r + s) mod 3 = 0 and j >= 0 }",
    "[P] -> { A[i, j, r, s] : i = 3 and j <= P }",
    "[P] -> { A[i, j, r, s] : r > 90 }",
]
PRODUCT_MAPS = [
    "[P] -> { A[i, j, r, s] -> B[i + r, floor((s + j) / 2), P] : r > 0; A[i, j, r, s] -> B[0, r, s] : r = 0 and i > 1 }",
    "[P] -> { A[i, j, r, s] -> B[i, k] : k mod 4 = r and 0 <= k - s < 4 }",
    "[P] -> { A[i, j, r, s] -> B[] : i <= r }",
]


def product(rng: np.random.Generator, constant: bool) -> Points:
    """Instances with rounds beside them, the first coordinate the same for all if `constant`."""
    instances = rng.integers(-2, 6, (rng.integers(1, 9), 2))
    if constant:
        instances[:, 0] = 3
    rounds = rng.integers(0, 6, (rng.integers(1, 7), 2))
    return Points.of(instances).times([rounds[:, 0], rounds[:, 1]], len(rounds))


@pytest.mark.parametrize("seed", range(12))
def test_a_product_is_treated_as_the_points_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = product(rng, seed % 3 == 0)
    plain = Points.of(p.rows())
    for text in PRODUCT_SETS:
        s = point_set(text)
        mask = s.holds(p, {"P": 4})
        wanted = np.broadcast_to(s.holds(plain, {"P": 4}), plain.count)
        assert np.array_equal(np.broadcast_to(mask, p.shape).reshape(-1), wanted)
        if mask.any():
            some = p.only(mask)
            assert np.array_equal(some.rows(), plain.rows()[wanted])
            inner = point_set(PRODUCT_SETS[0]).holds(some, {"P": 4})
            back, both = np.zeros(p.count, np.int64), embedded(mask, inner, p.shape)
            put(back, p.shape, mask, np.arange(1, some.count + 1))
            assert np.array_equal(back[wanted], np.arange(1, some.count + 1))
            assert not back[~wanted].any()
            kept = np.broadcast_to(inner, some.shape).reshape(-1)
            assert np.array_equal(back[np.broadcast_to(both, p.shape).reshape(-1)], np.arange(1, some.count + 1)[kept])
    for text in PRODUCT_MAPS:
        m = point_map(text)
        there, found = m.image(p, {"P": 4})
        expected, wanted = m.image(plain, {"P": 4})
        wanted = np.broadcast_to(wanted, plain.count)
        assert np.array_equal(np.broadcast_to(found, p.shape).reshape(-1), wanted)
        assert np.array_equal(there.rows()[wanted], expected.rows()[wanted])


def test_no_points_lie_anywhere() -> None:
    none = Points.of(np.zeros((0, 2), np.int64))
    there, found = point_map(MAPS[0]).image(none, {})
    assert there.count == 0
    assert found.size == 0


def test_instances_keep_their_first_value() -> None:
    rng, table, known = np.random.default_rng(1), Table(), {}
    for _ in range(20):
        rows = rng.integers(-9, 9 + rng.integers(1, 200), (rng.integers(0, 30), 2))
        columns = [rows[:, 0], rows[:, 1]]
        new = table.missing(columns, len(rows))
        assert {tuple(r) for r in rows[new].tolist()} == {tuple(r) for r in rows.tolist()} - set(known)
        assert len({tuple(r) for r in rows[new].tolist()}) == len(new)
        values = rng.integers(0, 1 << 40, len(new)).astype(np.uint64)
        known |= dict(zip(map(tuple, rows[new].tolist()), values.tolist(), strict=True))
        table.add([c[new] for c in columns], values)
        assert table.values_at(columns, len(rows)).tolist() == [known[tuple(r)] for r in rows.tolist()]


def test_bounds_of_a_set() -> None:
    s = point_set("[P] -> { A[i, j] : 0 <= j < P and j <= i < 2j + 1 }")
    assert s.box({"P": 5}) == [(0, 8), (0, 4)]
    assert s.box({"P": 0}) == [(0, -1), (0, -1)]
    with pytest.raises(Unknown):
        point_set("{ A[i] : i >= 0 }").box({})


def test_a_symbol_is_left_out_where_no_value_in_its_range_changes_anything() -> None:
    plain, moved = (
        "[P] -> { A[i, j] : 0 <= i < 9 and 0 <= P <= 9 }",
        "[P] -> { A[i, j] : 0 <= i < 9 and (j < P or j < 0) }",
    )
    assert point_set(plain, {"P": (0, 9)}).symbols == ()
    assert point_set(plain, {"P": (0, 10)}).symbols == point_set(plain).symbols == ("P",)
    assert point_set(moved, {"P": (0, 0)}).symbols == ()
    assert point_set(moved, {"P": (0, 1)}).symbols == ("P",)
    assert point_map("[P] -> { A[i] -> B[i + 1] : 0 < P }", {"P": (1, 5), "Q": (0, 1)}).symbols == ()
    assert point_map("[P] -> { A[i] -> B[i + P] }", {"P": (1, 5)}).symbols == ("P",)
    for text, ranges in ((plain, (0, 9)), (moved, (0, 3))):
        for p in range(ranges[0], ranges[1] + 1):
            mine, wanted = (point_set(text, r).holds(Points.of(GRID), {"P": p}) for r in ({"P": ranges}, {}))
            assert np.array_equal(*np.broadcast_arrays(mine, wanted))


@pytest.mark.parametrize("text", ["", "{ A[i] -> }", "7", "{ A[i] : i = j }"])
def test_text_that_is_no_map(text: str) -> None:
    with pytest.raises(Unknown):
        point_map(text)


def test_texts_of_one_set_are_the_same() -> None:
    assert same_text("{ A[i] : 0 <= i <= 3 }", "{ A[k] : k >= 0 and k < 4 }")
    assert not same_text("{ A[i] : 0 <= i <= 3 }", "{ B[i] : 0 <= i <= 3 }")
    assert not same_text("{ A[i] -> B[i] }", "{ A[i] : 0 <= i }")
    assert same_text("[P] -> { A[i] -> B[i + P] }", "[P] -> { A[i] -> B[P + i] }")
    assert not same_text("rubbish {", "{ A[i] }")
