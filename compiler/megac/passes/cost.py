"""What an expression costs, by a rough count: what decides whether it is computed again or kept."""

from __future__ import annotations

from megac.expr import walk
from megac.ir import FUNCTIONS, Cast, Data, Expr, Index, Load, Op, Quotient, Remainder, Select, Stage

FREE_OPS = frozenset({"neg", "abs", "not", "and", "or", "xor"})
LONG = 200  # parts of an expression
SLOW_OPS = frozenset({"div", "sqrt", "mod"})


def cost(e: Expr) -> int:
    """Moves, widening casts, signs and choices by index are free; an addition is 1, a division 4, a function 16."""
    total = 0
    for x in walk(e):
        match x:
            case Op(name):
                total += 0 if name in FREE_OPS else 16 if name in FUNCTIONS else 4 if name in SLOW_OPS else 1
            case Cast(arg, dtype):
                total += 0 if dtype.holds(arg.dtype) else 1
            case Select(cond):
                total += 0 if all(not isinstance(c, Load) for c in walk(cond)) else 1
            case _:
                pass
    return total


def short(e: Expr) -> bool:
    """Is it short enough to be put into others?"""
    return sum(1 for _ in walk(e)) <= LONG


def is_layout(s: Stage) -> bool:
    """Does it only move elements, by maps of indices?"""
    return s.reduction is None and short(s.body) and cost(s.body) == 0 and not by_data(s.body)


def by_data(e: Expr) -> bool:
    """Is a tensor read at a place that is data?"""
    return any(isinstance(x, Load) and any(_has_data(i) for i in x.index) for x in walk(e))


def _has_data(i: Index) -> bool:
    for atom, _ in i.terms:
        match atom:
            case Data():
                return True
            case Quotient(inner) | Remainder(inner) if _has_data(inner):
                return True
            case _:
                pass
    return False
