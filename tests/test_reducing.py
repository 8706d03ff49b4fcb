"""Contributions taken all at once against the same taken one by one; the sums and checks that make a run quick."""

from __future__ import annotations

import numpy as np
import pytest

from tv.kernel import Scalar
from tv.replay import integers
from tv.replay.buffers import GeneratedBuffer
from tv.replay.distinct import distinct
from tv.replay.enclosure import operation
from tv.replay.reducing import reduced
from tv.replay.sums import Value

INTEGER = [f"{head}.{label}" for head in ("add", "xor", "or", "and") for label in ("i8", "i32", "i64")]
INTEGER += [f"{head}.{label}" for head in ("umin", "umax", "smin", "smax") for label in ("i8", "i32", "i64")]


def bits_of(name: str, rng: np.random.Generator, steps: int = 7, points: int = 33) -> np.ndarray:
    width = int(name.rpartition("i")[2])
    anything = rng.integers(0, (1 << width) - 1, (steps, points), np.uint64, endpoint=True)
    edges = np.array([0, 1, (1 << (width - 1)) - 1, 1 << (width - 1), (1 << width) - 1], np.uint64)
    return np.where(rng.random((steps, points)) < 0.5, anything, rng.choice(edges, (steps, points)))


@pytest.mark.parametrize("name", INTEGER)
@pytest.mark.parametrize("everywhere", [True, False])
def test_integers_at_once_are_integers_one_by_one(name: str, everywhere: bool) -> None:
    rng = np.random.default_rng(3)
    terms = bits_of(name, rng)
    present = None if everywhere else rng.random(terms.shape) < 0.6
    start = bits_of(name, rng)[0]
    best = reduced(name, Value(terms), present)
    assert best is not None
    at_once = operation(name, [Value(start), best], free_zero=False).encoded()
    total = start
    for k, row in enumerate(terms):
        new = operation(name, [Value(total), Value(row)], free_zero=False).encoded()
        total = new if present is None else np.where(present[k], new, total)
    assert (at_once == total).all()


@pytest.mark.parametrize("name", ["add.f32", "fadd.f16", "sub.i32", "shl.i32", "fmax.f32"])
def test_what_hangs_on_order_or_on_who_is_there_is_left(name: str) -> None:
    terms = np.zeros((3, 4), np.uint64)
    assert reduced(name, Value(terms), np.ones((3, 4), np.bool_)) is None


def test_uncertain_contributions_are_left() -> None:
    terms = Value(np.zeros((3, 4), np.uint64), radius=np.full((3, 4), np.inf))
    assert reduced("add.i32", terms, None) is None


@pytest.mark.parametrize("uniform", ["neither", "first", "second"])
def test_an_addition_overflows_where_the_sum_does_not_fit(uniform: str) -> None:
    every = np.arange(-128, 128, dtype=np.int8)
    for x in every:
        a = np.array([x]) if uniform == "first" else np.full(256, x) if uniform == "neither" else every
        b = np.array([x]) if uniform == "second" else every
        wide = a.astype(np.int64) + b.astype(np.int64)
        value, bad = integers.binary("add", a, b, Scalar.I8)
        lost = (wide < -128) | (wide > 127)
        assert (value == wide.astype(np.int8)).all()
        assert ((np.zeros(256, np.bool_) if bad is None else bad) == lost).all()


@pytest.mark.parametrize("element", [2, 4])
def test_contents_that_are_kept_are_those_that_were_generated(element: int) -> None:
    """A thousand requests generate more than the buffer holds; before and after each gets the same bits at every width."""
    kinds = {2: np.uint16, 4: np.uint32}
    buffer = GeneratedBuffer(6002 * element, element, lambda at: (at * 40503 + 7).astype(kinds[element]))
    rng = np.random.default_rng(5)
    requests = [(w, rng.integers(0, 6002 * element // w - 1, 9) * w) for w in (1, 2, 4, 8) for _ in range(6)]
    fresh = [
        GeneratedBuffer(6002 * element, element, lambda at: (at * 40503 + 7).astype(kinds[element])).load(at, w)
        for w, at in requests
    ]
    for _ in range(3):
        assert all((buffer.load(at, w) == want).all() for (w, at), want in zip(requests, fresh, strict=True))


def test_distinct_integers() -> None:
    rng = np.random.default_rng(1)
    for shape in ((0,), (1,), (50,), (20, 30)):
        a = rng.integers(-9, 9, shape)
        assert distinct(a).tolist() == sorted(set(a.reshape(-1).tolist()))
