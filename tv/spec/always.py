"""Does an expression stay inside its limits for all values of its symbols? Sampled values may refute that, and show nothing."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from tv.diagnostic import Unknown
from tv.sets import Affine, Sets
from tv.sets.formulas import all_of, any_of, ge, lt
from tv.source import Span
from tv.spec.affine import affine
from tv.spec.expression import Expression, Range, evaluate, names
from tv.spec.interval import SAMPLES, enclosure, samples
from tv.spec.polynomial import polynomial


def outside(
    e: Expression, low: int, high: int, ranges: Mapping[str, Range], span: Span, what: str
) -> dict[str, int] | None:
    """Values of the symbols in `e` at which it leaves low .. high; None where it never does.

    Raises Unknown (TV0242) where that cannot be decided, BadInput (TV0205, TV0206) where `e` has no value.
    """
    unknown = [n for n in names(e) if n not in ranges]
    if unknown:
        evaluate(e, dict.fromkeys(ranges, 1), span)  # names it
    used = {n: ranges[n] for n in names(e)}
    found = enclosure(e, used)
    if found is None or found[0] < low or high < found[1]:
        found = None if found is None else polynomial(e).range(used)  # with what cancels out left out
    if found is not None and low <= found[0] and found[1] <= high:
        return None
    for point in samples(used):
        if not low <= evaluate(e, point, span) <= high:
            return point
    if prod(b - a + 1 for a, b in used.values()) <= SAMPLES:
        return None
    return _asked(e, low, high, used, span, what)


def _asked(
    e: Expression, low: int, high: int, used: Mapping[str, Range], span: Span, what: str
) -> dict[str, int] | None:
    """As `outside`, by the exact sets of whole numbers."""
    known = {n: Affine.sym(n) for n in used}
    try:
        value = affine(e, known)
        inside = all_of(*(all_of(ge(known[n], a), ge(Affine.of(b), known[n])) for n, (a, b) in used.items()))
        if value.linear:
            sets = Sets(tuple(used), inside)
            return sets.sample(sets.set("beyond", (), any_of(lt(value, low), ge(value, high + 1))))
    except Unknown:
        pass
    raise Unknown("TV0242", f"it cannot be decided whether {what} always stay in {low} to {high}", span, _HELP)


_HELP = "narrow the ranges of its symbols, or write it without products of symbols, `min` and `max`"
