"""Buffers: bytes, widths, initialisation; generated contents under an overlay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tv.replay import Buffer, DenseBuffer, GeneratedBuffer

SIZE = 5 * 4096 + 12
WIDTHS = (1, 2, 4, 8)


def pattern(index: np.ndarray) -> np.ndarray:
    return (index * 2654435761 >> 7) & 0xFFFFFFFF


def generated() -> GeneratedBuffer:
    return GeneratedBuffer(SIZE, 4, pattern)


def dense() -> DenseBuffer:
    return DenseBuffer.of(pattern(np.arange(SIZE // 4)).astype(np.uint32))


actions = st.lists(
    st.tuples(
        st.sampled_from(["store", "load", "forget"]),
        st.sampled_from(WIDTHS),
        st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=6, unique=True),
        st.integers(0, 2**64 - 1),
    ),
    max_size=12,
)


@given(actions)
@settings(max_examples=80, deadline=None)
def test_a_generated_buffer_is_the_dense_one(todo: list[tuple[str, int, list[int], int]]) -> None:
    a, b = generated(), dense()
    for action, width, places, bits in todo:
        offsets = np.unique(np.array(places, dtype=np.int64) // width * width)
        offsets = offsets[offsets + width <= SIZE]
        value = (np.full(len(offsets), bits, dtype=np.uint64) + np.arange(len(offsets), dtype=np.uint64)) & np.uint64(
            (1 << 8 * width) - 1
        )
        for buffer in (a, b):
            if action == "store":
                buffer.store(offsets, width, value)
            elif action == "forget":
                buffer.forget(offsets, width)
        assert np.array_equal(a.load(offsets, width), b.load(offsets, width))
        assert np.array_equal(flags(a, offsets, width), flags(b, offsets, width))
    every = np.arange(0, SIZE, 4, dtype=np.int64)
    assert np.array_equal(a.load(every, 4), b.load(every, 4))


def flags(buffer: Buffer, offsets: np.ndarray, width: int) -> np.ndarray:
    good = buffer.initialised(offsets, width)
    return np.ones(len(offsets), dtype=bool) if good is None else good


@pytest.mark.parametrize("make", [lambda: DenseBuffer.empty(64), lambda: GeneratedBuffer(64, 4, None)])
def test_initialisation_is_by_byte(make: type) -> None:
    buffer = make()
    at = np.array([8], dtype=np.int64)
    buffer.store(at, 2, np.array([7], dtype=np.uint16))
    assert flags(buffer, at, 2)[0]
    assert not flags(buffer, at, 4)[0]
    buffer.store(at + 2, 2, np.array([7], dtype=np.uint16))
    assert flags(buffer, at, 4)[0]
    buffer.forget(at + 3, 1)
    assert not flags(buffer, at, 4)[0]


def test_masked_stores_write_only_there() -> None:
    for buffer in (DenseBuffer.zeros(32), GeneratedBuffer(32, 4, lambda i: i * 0)):
        offsets = np.arange(0, 32, 4, dtype=np.int64)
        mask = offsets % 8 == 0
        buffer.store(offsets, 4, np.arange(1, 9, dtype=np.uint32), mask)
        assert buffer.load(offsets, 4).tolist() == [1, 0, 3, 0, 5, 0, 7, 0]


def test_restoring_brings_contents_and_initialisation_back() -> None:
    at = np.array([0, 4], dtype=np.int64)
    for buffer in (generated(), dense(), DenseBuffer.empty(16)):
        before, known = buffer.load(at, 4).copy(), flags(buffer, at, 4).copy()
        state = buffer.snapshot()
        buffer.store(at, 4, np.array([1, 2], dtype=np.uint32))
        buffer.forget(at[:1], 4)
        buffer.restore(state)
        assert np.array_equal(buffer.load(at, 4), before)
        assert np.array_equal(flags(buffer, at, 4), known)


def test_restoring_keeps_what_was_written_before() -> None:
    buffer = generated()
    at = np.array([64], dtype=np.int64)
    buffer.store(at, 4, np.array([5], dtype=np.uint32))
    state = buffer.snapshot()
    for _ in range(2):
        buffer.store(at, 4, np.array([6], dtype=np.uint32))
        buffer.store(at + 8192, 4, np.array([6], dtype=np.uint32))
        buffer.restore(state)
        assert buffer.load(at, 4)[0] == 5
        assert buffer.load(at + 8192, 4)[0] == pattern(at + 8192 >> 2)[0]


def test_a_huge_buffer_costs_what_is_touched() -> None:
    buffer = GeneratedBuffer(1 << 37, 2, lambda i: i & 0xFFFF)
    far = np.array([(1 << 37) - 8, 1 << 36], dtype=np.int64)
    buffer.store(far, 8, np.array([1, 2], dtype=np.uint64))
    assert buffer.load(far, 8).tolist() == [1, 2]
    assert buffer.load(far - 2, 2).tolist() == [((int(f) - 2) // 2) & 0xFFFF for f in far]


def test_a_buffer_that_is_written_whole_is_uninitialised_again_where_it_is_forgotten() -> None:
    buffer = DenseBuffer.empty(64)
    every = np.arange(0, 64, 4)
    buffer.store(every[:8], 4, np.arange(8, dtype=np.uint32))
    half = buffer.snapshot()
    buffer.store(every[8:], 4, np.arange(8, 16, dtype=np.uint32))
    for _ in range(40):
        assert buffer.initialised(every, 4) is None
    assert buffer.init.all()
    buffer.forget(np.array([8]), 4)
    assert buffer.initialised(every, 4).tolist() == [k != 2 for k in range(16)]
    assert buffer.load(every, 4)[8:].tolist() == list(range(8, 16))
    buffer.restore(half)
    assert buffer.initialised(every, 4).tolist() == [k < 8 for k in range(16)]
