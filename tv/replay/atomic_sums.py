"""Whether sums that threads add to by atomics are the same in every order: where none of them can round, they are.

All that is added to a cell, and all that was ever found in it, are multiples of one power of two q; if their magnitudes together
are at most 2^p q, every partial sum in every order is a multiple of q with no more than p bits, and none rounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tv.replay.distinct import distinct
from tv.replay.precision import MOST, PRECISION
from tv.replay.sums import Floats, grain

MOST_KEPT = 1 << 22  # contributions; with more nothing is said
NORMAL = {"f16": 2.0**-14, "bf16": 2.0**-126, "f32": 2.0**-126, "f64": 2.0**-1022}  # below, global memory flushes


@dataclass(slots=True)
class AtomicSums:
    """What one run adds, by memory object and format."""

    _kept: dict[tuple[int, str], list[tuple[NDArray[np.int64], Floats, Floats]]] = field(default_factory=dict)
    _count: int = 0

    def add(self, serial: int, label: str, address: NDArray[np.int64], added: Floats, found: Floats) -> None:
        """Threads add `added` to cells in which they find `found`."""
        self._count += len(address)
        if self._count <= MOST_KEPT:
            self._kept.setdefault((serial, label), []).append((address, added, found))

    def exact(self) -> bool:
        """Has every cell one sum, whatever the order?"""
        if self._count > MOST_KEPT:
            return False
        formats: dict[int, str] = {}
        for (serial, label), parts in self._kept.items():
            if formats.setdefault(serial, label) != label:  # two formats in one memory
                return False
            address, added, found = (np.concatenate(column) for column in zip(*parts, strict=True))
            if not _exact(address, added, found, label):
                return False
        return True


def _exact(address: NDArray[np.int64], added: Floats, found: Floats, label: str) -> bool:
    both = np.concatenate([added, found])
    if (
        not np.isfinite(both).all() or (np.signbit(both) & (both == 0)).any()
    ):  # the sign of a zero may hang on the order
        return False
    q = grain(both)
    if q < NORMAL[label]:
        return False
    cells = distinct(address)
    place = np.searchsorted(cells, address)
    most = np.bincount(place, np.abs(added), len(cells))
    before = np.zeros(len(cells))
    np.maximum.at(before, place, np.abs(found))
    mass = float((most + before).max(initial=0.0))
    return mass <= q * 2.0 ** PRECISION[label] and mass < MOST[label]
