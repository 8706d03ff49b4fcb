"""Loops whose rounds exchange values over distances that are no affine function of the round: `v += shfl_xor(v, 16 >> i)`.

Such a loop runs on constants, round by round, where it has no more rounds than a warp has distances.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.symexec.loops.ordinals import variables
from tv.symexec.warps.lanes import WARP

if TYPE_CHECKING:
    from tv.symexec.execute import Executor


def exchanges_by_round(x: Executor, s: ir.Loop, counters: Iterable[str]) -> bool:
    """Does the loop have such an exchange, and few rounds that constants decide?"""
    depending, bent = set(counters), set[str]()
    inner = list(ir.walk(s.body))
    before = -1
    while before != len(depending) + len(bent):
        before = len(depending) + len(bent)
        for t in inner:
            if isinstance(t, ir.Assign) and set(variables(t.value)) & depending:
                depending.add(t.var.name)
                if is_bent(t.value, depending, bent):
                    bent.add(t.var.name)
    lanes = [t for t in inner if isinstance(t, ir.Shuffle) and set(variables(t.lane)) & depending]
    found = any(t.mode == "xor" or is_bent(t.lane, depending, bent) for t in lanes)
    return found and few_rounds(x, s, set(counters))


def is_bent(e: ir.Expr, depending: set[str], bent: set[str]) -> bool:
    """A shift by what depends on the round, or a value that has such a shift in it."""
    if isinstance(e, ir.Var):
        return e.name in bent
    if isinstance(e, ir.Binary) and e.op in ("shl", "shr") and set(variables(e.b)) & depending:
        return True
    return any(is_bent(c, depending, bent) for c in ir.children(e))


def few_rounds(x: Executor, s: ir.Loop, counters: set[str]) -> bool:
    """Do constants decide that the loop ends within a warp's number of rounds?"""
    updates = [t for t in (*s.body, *s.step) if isinstance(t, ir.Assign) and t.var.name in counters]
    saved, x.silent = dict(x.env), x.silent + 1
    try:
        for _ in range(WARP + 1):
            test = x.evaluator.value(s.cond).constant
            if test is None or not test:
                return test is not None
            for t in updates:
                x.env[t.var.name] = x.evaluator.value(t.value)
        return False
    finally:
        x.env, x.silent = saved, x.silent - 1
