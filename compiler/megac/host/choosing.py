"""The next token: the place of the largest logit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from megac.dtype import DType
from megac.errors import RunError

# exponent bits that infinities have, by a float's bytes and type
_INFINITY = {DType.F16: 0x7C00, DType.BF16: 0x7F80, DType.F32: 0x7F800000, DType.F64: 0x7FF0000000000000}


def largest(bits: NDArray[np.uint8], dtype: DType) -> int:
    """The lowest of the places with the largest number, -0 and 0 being one; -1 where one is NaN. Raises RunError for a type
    that is no float's.

    Floats are compared as integers: numpy has no fast comparison for those of 16 bits."""
    if dtype not in _INFINITY:
        raise RunError(f"logits of type {dtype.value}")
    words: NDArray[Any] = bits.view(f"<i{dtype.bytes}")
    top = np.iinfo(words.dtype).max  # all bits but the sign
    size = words & top
    if size.max() > _INFINITY[dtype]:
        return -1
    return int(np.argmax(np.where(words < 0, -size, size)))
