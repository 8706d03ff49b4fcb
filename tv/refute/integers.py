"""Contents of integer tensors: between which integers each pattern draws them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tv.graph_frontend.elements import BY_LABEL
from tv.refute.slots import Slot, mixed

Bits = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

_WORD = (1 << 64) - 1
FEW = 3  # above the least integer that is drawn
WIDE = 1000  # magnitudes of integers of which nothing is known: what they add up to stays in their type
WHOLE = frozenset({"uneven", "deep", "edges"})  # patterns that draw from all integers there are
BACKWARDS = frozenset(
    {"deep", "edges"}
)  # of these, the ones with indices that count from the end although none is stated


def of_integers(slot: Slot, kind: str, seed: int, linear: Ints) -> Bits:
    """The elements at row-major positions `linear`, as the pattern `kind` with this seed has them."""
    width = BY_LABEL[slot.label].width
    low, high = between(slot, kind)
    least, most = (np.uint64(v & _WORD) for v in (low, high))  # modulo 2^64, as 64 bits of either sign need
    if kind == "edges" and slot.bounded:
        least_here = linear % 2 == 1 if seed > 1 else np.full(linear.shape, seed == 1)
        values = np.where(least_here, least, most)
    else:
        salt = sum(kind.encode())  # integers are of other elements in every pattern
        values = mixed(linear, slot.ordinal, seed + salt).astype(np.uint64)
        if high - low >> 32:
            values |= mixed(linear, slot.ordinal, seed + salt + 1).astype(np.uint64) << np.uint64(32)
        if high - low < _WORD:
            values %= np.uint64(high - low + 1)
        values = values + least
    return values & np.uint64((1 << width) - 1)


def between(slot: Slot, kind: str) -> tuple[int, int]:
    """The least and the greatest integer that a pattern draws; both are ones that the tensor may hold."""
    if slot.low is not None or slot.high is not None:
        return _stated(slot, kind)
    if slot.index is not None:
        low, high = slot.index
        low = low if kind in BACKWARDS else max(low, min(0, high))
        return low, high if kind in WHOLE else min(high, low + FEW)
    least, most = BY_LABEL[slot.label].limits()
    if BY_LABEL[slot.label].width < 32:
        return (least, most) if kind in WHOLE else (max(least, min(0, most)), min(most, FEW))
    if not slot.free:  # they may decide about indices
        return (0, FEW) if kind in WHOLE else (0, 0)
    return (max(least, -WIDE), WIDE) if kind in WHOLE else (0, FEW)


def _stated(slot: Slot, kind: str) -> tuple[int, int]:
    """Where a bound at least is stated; what the graph takes for no index is left out, as far as that leaves something."""
    least, most = BY_LABEL[slot.label].limits()
    low, high = slot.low, slot.high
    if slot.index is not None:
        first, last = slot.index
        if max(first, least if low is None else low) <= min(last, most if high is None else high):
            low, high = first if low is None else max(low, first), last if high is None else min(high, last)
    whole = kind in WHOLE and (BY_LABEL[slot.label].width < 32 or (low is not None and high is not None))
    start = max(least, (least if whole else 0) if low is None else low)
    start = start if high is None else min(start, high)
    end = most if high is None else min(most, high)
    return start, end if whole else min(end, start + FEW)
