"""Loops that run at most one round: the first step of the counter leads past the bound.

`for (i = ...; i < n; i += gridDim.x * blockDim.x)` in a grid that covers all n. Its step is a symbol's, so the counter is no
affine function of the round; but there is no second round, and the loop is an `if`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unknown
from tv.sets import TRUE, Dim
from tv.sets.formulas import negate
from tv.symexec.branches import branch
from tv.symexec.loops.ordinals import single_update, variables, writers
from tv.symexec.values import Value

if TYPE_CHECKING:
    from tv.symexec.execute import Executor


def at_most_once(x: Executor, s: ir.Loop) -> bool:
    """A guess, which `run_once` confirms: does the counter's second value, a symbol's step on, end the loop?"""
    writes = writers(s)
    counters = writes.keys() & set(variables(s.cond))
    if s.prelude or not s.test_first or len(counters) != 1:
        return False
    (name,) = counters
    start, update = x.env.get(name), single_update(s, name, writes)
    if start is None or start.pieces is None or update is None or update.step is None or update.negative:
        return False
    if writes.keys() & set(variables(update.step)):
        return False
    step = x.quietly(update.step).pieces
    if step is None or len(step) != 1 or step[0][1].constant is not None:
        return False
    if any(isinstance(a, Dim) for a in step[0][1].atoms()):
        return False
    first = x.quietly(s.cond).formula
    x.env[name] = Value(start.type, pieces=tuple((c, a + step[0][1]) for c, a in start.pieces))
    second = x.quietly(s.cond).formula
    x.env[name] = start
    return first is not None and second is not None and x.integers.holds(first, negate(second))


def run_once(x: Executor, s: ir.Loop) -> None:
    """Runs the loop as an `if`. Raises Unknown (TV0509) where another round may follow after all."""
    branch(x, ir.If(s.span, s.cond, (*s.body, *s.step), ()))
    again = x.evaluator.value(s.cond).formula
    if again is None or not x.integers.holds(TRUE, negate(again)):
        raise Unknown("TV0509", "the loop's rounds are not an affine interval with an end", s.span)
