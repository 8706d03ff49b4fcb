"""Contributions of a reduction [steps, ...] taken together along their first axis, where their order does not matter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tv.replay.sums import Sum, Value, part, together
from tv.term import type_width

Bits = npt.NDArray[np.uint64]
Truths = npt.NDArray[np.bool_]
_EXTREME = {"fmax": np.maximum, "fmaximum": np.maximum, "fmin": np.minimum, "fminimum": np.minimum}
_ALL = (1 << 64) - 1
# Integer operations whose order does not matter: on bits, what changes nothing, and whether the sign bit is turned first, which
# puts signed numbers in the order of unsigned ones.
_INTEGER: dict[str, tuple[np.ufunc, int, bool]] = {
    "add": (np.add, 0, False),
    "xor": (np.bitwise_xor, 0, False),
    "or": (np.bitwise_or, 0, False),
    "and": (np.bitwise_and, _ALL, False),
    "umin": (np.minimum, _ALL, False),
    "umax": (np.maximum, 0, False),
    "smin": (np.minimum, _ALL, True),
    "smax": (np.maximum, 0, True),
}


def more(label: str, total: Value, terms: Value, sign: float) -> Value:
    """A sum with contributions [steps, ...] added along the first axis; those that are not there are zeros."""
    before, s = part(total, label)
    centre, t = part(terms, label, s.grain)
    slack = together(s.slack, None if t.slack is None else t.slack.sum(axis=0))
    found = Sum(s.mass + t.mass.sum(axis=0), min(s.grain, t.grain), s.count + t.count.sum(axis=0), slack)
    return Value(None, before + sign * centre.sum(axis=0), label, sum=found)


def reduced(name: str, terms: Value, present: Truths | None) -> Value | None:
    """The contributions under the operation `name`, in whatever order; None where that has to be found step by step.

    terms: settled, [steps, ...]. present: where there are any, None for everywhere.
    """
    head, _, label = name.partition(".")
    if not terms.certain:
        return None
    if head in _EXTREME:
        return _extreme(head, label, terms) if present is None else None
    if head in _INTEGER and terms.bits is not None and not label.lstrip("b").startswith("f"):
        return Value(_integers(head, type_width(label), terms.bits, present))
    return None


def _extreme(head: str, label: str, terms: Value) -> Value:
    centre = terms.numbers(label)
    best = Value(None, _EXTREME[head].reduce(centre, axis=0), label)
    odd = np.isnan(centre).any(axis=0)
    if odd.any() and head in ("fmax", "fmin"):
        return Value(None, best.centre, label, np.where(odd, np.inf, 0.0))
    return best


def _integers(head: str, width: int, bits: Bits, present: Truths | None) -> Bits:
    combine, nothing, turned = _INTEGER[head]
    mask = np.uint64((1 << width) - 1)
    sign = np.uint64(1 << (width - 1)) if turned else np.uint64(0)
    terms = bits ^ sign
    if present is not None:
        terms = np.where(present, terms, np.uint64(nothing) & mask)
    found: Bits = (combine.reduce(terms, axis=0) & mask) ^ sign
    return found
