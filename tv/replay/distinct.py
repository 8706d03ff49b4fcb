"""Which integers an array holds: by sorting, where numpy's own search by hashing takes many times as long."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Integer = TypeVar("Integer", bound=np.integer)


def distinct(a: NDArray[Integer]) -> NDArray[Integer]:
    """The integers in `a`, of any shape: ascending, each once, shape (n,)."""
    found = np.sort(a, axis=None)
    if not found.size:
        return found
    first = np.ones(found.shape, np.bool_)
    np.not_equal(found[1:], found[:-1], out=first[1:])
    return found[first]
