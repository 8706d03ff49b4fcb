"""Where in a graph an order of a sum applies: a unit, then operand numbers and names of laws, from its value down."""

from __future__ import annotations

from collections.abc import Iterator

from tv.diagnostic import BadInput
from tv.equiv.laws import LAWS
from tv.order.masked import Masked
from tv.order.program import Order, Place
from tv.system import System
from tv.term import Term


def term_at_place(system: System, place: Place, masked: Masked) -> Term:
    """Raises BadInput (TV0655) where the graph has no such place."""
    unit, path = place
    if unit not in system.units:
        raise BadInput("TV0655", f"an order is about `{unit}`, which the graph does not have")
    t = system.units[unit].value
    for k in path:
        below: Term | None
        if isinstance(k, int):
            below = t.args[k] if 0 <= k < len(t.args) else None
        else:
            left = masked.left(t)
            below = left.term if left is not None and left.law == k else LAWS[k](system.terms, t) if k in LAWS else None
        if below is None:
            raise BadInput("TV0655", f"an order is about a part of `{unit}` that it does not have")
        t = below
    return t


def rewritten(system: System, order: Order, masked: Masked) -> Iterator[tuple[str, Term, Term]]:
    """The terms that laws rewrote on the way to the places of an order: the unit they are part of, before, after. Those that
    `masked` rewrites, it rewrites everywhere."""
    for unit, path in (order.place, *(p.place for parts in order.leaves for p in parts)):
        for i, k in enumerate(path):
            if isinstance(k, str) and k in LAWS:
                before, after = (term_at_place(system, (unit, path[:n]), masked) for n in (i, i + 1))
                yield unit, before, after
