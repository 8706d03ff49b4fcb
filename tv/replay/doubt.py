"""Other implementations of the mathematical functions: results moved by what their documented errors allow.

A difference that rests on the bits of `expf` is believed only if it outlives such moves. A moved function is still a
function: equal arguments give equal results, in the kernel as in the graph.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tv.arithmetic import decode
from tv.term import type_width

Bits = npt.NDArray[np.uint64]
ULPS = 2  # by which a result moves at most, either way
VARIANTS = (1, 2, 3, 4)


def moved(
    name: str, label: str, args: Sequence[Bits], result: Bits, certain: npt.NDArray[np.bool_], variant: int
) -> Bits:
    """`result` (bits, of a function applied to `args`), moved where it is a normal number and not `certain`; variant 0: unmoved."""
    if variant == 0:
        return result
    seed = zlib.crc32(f"{name}.{label}.{variant}".encode())
    h = np.full(result.shape, seed, np.uint64)
    for a in args:
        h = (h ^ a) * np.uint64(0x9E3779B97F4A7C15)
        h ^= h >> np.uint64(31)
    step = (h % np.uint64(2 * ULPS + 1)).astype(np.int64) - ULPS
    width = type_width(label)
    magnitude = result & np.uint64((1 << (width - 1)) - 1)
    steady = certain | ~np.isfinite(decode(result, label)) | (magnitude <= ULPS)
    shifted = (result.astype(np.int64) + step).astype(np.uint64)
    out: Bits = np.where(steady, result, shifted)
    return out
