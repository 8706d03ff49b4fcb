"""Pieces of relations that step evenly: joined exactly, or left as they are."""

from __future__ import annotations

import random

import islpy as isl
import pytest

from tv.sets import Sets
from tv.sets.strides import evenly


def relation(text: str) -> isl.Map:
    return isl.Map(text).coalesce()


@pytest.mark.parametrize("distance", [1, 2, 8, 32])
def test_the_lanes_that_steps_of_a_scan_reach_are_one_piece(distance: int) -> None:
    shifts = " or ".join(f"u = t - {k}" for k in range(0, 64, distance))
    m = relation(f"{{ S[b, t] -> X[b, u] : ({shifts}) and 0 <= u and 0 <= t < 64 and 0 <= b < 10 }}")
    found = evenly(Sets(), m)
    assert found.is_equal(m)
    assert found.n_basic_map() == 1


def test_steps_onto_steps_are_one_piece() -> None:
    m = relation(
        "{ S[t] -> X[u] : 0 <= u and t < 64 and (((t - u) mod 16 = 0 and u <= t) or ((t - u) mod 16 = 8 and u <= t - 8)) }"
    )
    found = evenly(Sets(), m)
    assert found.is_equal(m)
    assert found.n_basic_map() == 1


def test_nodes_of_a_balanced_tree_before_an_element_are_one_piece() -> None:
    left = "(u mod 2 = 0 and 4u <= t - 4 and t - 7 <= 4u)"
    above = "(exists k : 8k <= t <= 8k + 7 and 0 <= u < 2k)"
    m = relation(f"{{ S[t] -> X[u] : 8 <= t < 64 and 0 <= u < 16 and ({left} or {above}) }}")
    found = evenly(Sets(), m)
    assert found.is_equal(relation("{ S[t] -> X[u] : 8 <= t < 64 and 0 <= u and 4u + 4 <= t }"))
    assert found.n_basic_map() == 1


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_added_and_nothing_lost(seed: int) -> None:
    """Random unions, most of which miss a step or end early somewhere."""
    rng = random.Random(seed)
    pieces = []
    for _ in range(rng.randint(2, 6)):
        shift, low, high = 2 * rng.randint(0, 6) + (rng.random() < 0.2), rng.randint(0, 8), rng.randint(9, 40)
        scale = rng.choice([1, 1, 1, 2, -1])
        slack = rng.choice(["", f" or (t - u) mod {rng.choice([2, 4, 6])} = {rng.randint(0, 1)}"])
        pieces.append(f"((u = {scale}t - {shift}{slack}) and {low} <= t < {high})")
    m = relation(f"{{ S[t, v] -> X[u, v] : 0 <= u < 40 and 0 <= t < 40 and 0 <= v < 3 and ({' or '.join(pieces)}) }}")
    found = evenly(Sets(), m)
    assert found.is_equal(m)
    assert found.n_basic_map() <= m.n_basic_map()


def test_without_effort_the_pieces_stay() -> None:
    m = relation("{ S[t] -> X[u] : (u = t or u = t - 2 or u = t - 4) and 0 <= u and 0 <= t < 64 }")
    with (sets := Sets()).limited(1):
        assert evenly(sets, m).is_equal(m)
