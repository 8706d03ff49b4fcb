"""Index maps and sets as functions on arrays, against isl's own enumeration of their points."""

from __future__ import annotations

import itertools

import islpy as isl
import numpy as np
import pytest

from tv.diagnostic import Unknown
from tv.sets.numeric import point_map, point_set, same_text

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
    mask = point_set(text).holds(GRID, {"P": p})
    assert {tuple(x) for x in GRID[mask].tolist()} == wanted & here


@pytest.mark.parametrize("p", [1, 4, 7])
@pytest.mark.parametrize("text", MAPS)
def test_a_map_has_the_least_image_that_isl_lists(text: str, p: int) -> None:
    box = isl.Set("{ A[i, j] : -4 <= i < 13 and -3 <= j < 11 }")
    wanted: dict[tuple[int, ...], tuple[int, ...]] = {}
    for x in sorted(points(isl.Map(text).intersect_domain(box).wrap(), p)):
        wanted.setdefault(x[:2], x[2:])
    images, found = point_map(text).image(GRID, {"P": p})
    assert {tuple(a): tuple(b) for a, b in zip(GRID[found].tolist(), images[found].tolist(), strict=True)} == wanted


def test_bounds_of_a_set() -> None:
    s = point_set("[P] -> { A[i, j] : 0 <= j < P and j <= i < 2j + 1 }")
    assert s.box({"P": 5}) == [(0, 8), (0, 4)]
    assert s.box({"P": 0}) == [(0, -1), (0, -1)]
    with pytest.raises(Unknown):
        point_set("{ A[i] : i >= 0 }").box({})


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
