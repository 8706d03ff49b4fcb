"""`__popc`, `__clz`, `__ffs` and `__brev` on the bits of 32-bit integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tv.replay.carriers import Array


def _word(a: Array) -> Array:
    return np.asarray(a).astype(np.int64) & 0xFFFFFFFF


def _ones(a: Array) -> Array:
    x = _word(a)
    return np.asarray(sum((x >> i) & 1 for i in range(32)))


def _length(a: Array) -> Array:
    """Bits up to the highest that is set."""
    x = _word(a)
    return np.asarray(sum(((x >> i) > 0).astype(np.int64) for i in range(32)))


def _leading(a: Array) -> Array:
    return 32 - _length(a)


def _first(a: Array) -> Array:
    """The place of the lowest bit that is set, from 1; 0 of none."""
    x = _word(a)
    return _length(x & -x)


def _reversed(a: Array) -> Array:
    x = _word(a)
    return np.asarray(sum(((x >> i) & 1) << (31 - i) for i in range(32)))


BIT_COUNTS: dict[str, Callable[[Array], Array]] = {
    "popc": lambda a: _ones(a).astype(np.int32),
    "clz": lambda a: _leading(a).astype(np.int32),
    "ffs": lambda a: _first(a).astype(np.int32),
    "brev": lambda a: _reversed(a).astype(np.uint32),
}
