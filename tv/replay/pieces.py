"""Values put together from values of parts of their elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.replay.sums import Sum, Value, part

Truths = npt.NDArray[np.bool_]
Shape = tuple[int, ...]


def either(mask: Truths, a: Value, b: Value) -> Value:
    """a where the mask holds, else b."""
    return joined([(mask, a.map(lambda x: x[mask])), (~mask, b.map(lambda x: x[~mask]))], mask.shape)


def full(v: Value, shape: Shape) -> Value:
    """The value with all arrays of that shape."""
    return v.map(lambda a: np.broadcast_to(a, shape))


def joined(pieces: Sequence[tuple[Any, Value]], shape: int | Shape) -> Value:
    """One value from values of parts (a mask or a slice of it, and what is there)."""
    values = [v for _, v in pieces]
    label = next((v.label for v in values if v.label), "")

    def gather(of: Callable[[Value], Any], missing: Callable[[Value], Any], kind: type[np.generic]) -> Any:
        if all(of(v) is None for v in values):
            return None
        out = np.zeros(shape, kind)
        for (where, v), x in zip(pieces, (of(v) for v in values), strict=True):
            out[where] = missing(v) if x is None else x
        return out

    if not label:
        bits = gather(lambda v: v.bits, lambda v: v.bits, np.uint64)
        return Value(bits, None, "", gather(lambda v: v.radius, lambda v: 0.0, np.float64))
    centre = gather(lambda v: v.numbers(label), lambda v: None, np.float64)
    radius = gather(lambda v: v.radius, lambda v: 0.0, np.float64)
    product = gather(lambda v: v.product, lambda v: v.numbers(label), np.float64)
    if all(v.sum is None for v in values):
        return Value(None, centre, label, radius, product)
    parts = [part(v, label) for v in values]
    keep = [(w, p) for (w, _), p in zip(pieces, parts, strict=True)]

    def sums(of: Callable[[Sum], Any]) -> Any:
        out = np.zeros(shape)
        for where, (_, s) in keep:
            found = of(s)
            out[where] = 0.0 if found is None else found
        return out

    centre = np.zeros(shape)
    for where, (x, _) in keep:
        centre[where] = x
    slack = None if all(s.slack is None for _, s in parts) else sums(lambda s: s.slack)
    single = None if any(s.single is None for _, s in parts) else sums(lambda s: s.single)
    whole = Sum(sums(lambda s: s.mass), min(s.grain for _, s in parts), sums(lambda s: s.count), slack, single)
    return Value(None, centre, label, sum=whole)
