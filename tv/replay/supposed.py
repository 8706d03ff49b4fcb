"""What a graph's reading supposes of the values that its operators see, asked of a value of its evaluation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tv.arithmetic import signed
from tv.diagnostic import Unknown
from tv.graph import Supposed
from tv.graph_frontend.elements import BY_LABEL
from tv.replay.sums import Floats, Value, settled
from tv.sets import Affine


def require(s: Supposed, v: Value, size: Callable[[Affine], int]) -> None:
    """Raises Unknown (TV0745) where a value may be none that the graph's meaning supposes. size: a bound as a number."""
    at = settled(v)
    centre = numbers(at, s.label)
    radius = np.zeros(1) if at.radius is None else at.radius
    low, high = centre - radius, centre + radius
    good = ~np.isnan(low) & ~np.isnan(high)
    if s.low is not None:
        good &= low > size(s.low) - 1
    if s.high is not None:
        good &= high < size(s.high) + 1
    if not good.all():
        raise Unknown("TV0745", "an operator of the graph sees what it is assumed that it never sees")


def numbers(v: Value, label: str) -> Floats:
    """A value of any element type as numbers."""
    element = BY_LABEL[label]
    if element.is_float:
        return v.numbers(label)
    bits = v.encoded()
    whole = signed(bits, element.width) if element.kind == "signed" else bits
    return np.asarray(whole, np.float64)
