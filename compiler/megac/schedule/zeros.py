"""Additions of +0.0 that nobody sees: they change the sign of a zero only, and exp(x - m) has none."""

from __future__ import annotations

from dataclasses import replace

from megac.expr import walk
from megac.ir import Cast, Const, Expr, Load, Op, Program, Reduced, Stage


def without_unseen_zeros(p: Program) -> Program:
    """The program in which no stage ends by adding +0.0 whose results are read only as x or m in exp(x - m), or by
    maxima that are. x + 0.0 is x but for -0.0, and exp is 1 at either zero. An addition that the graph has as a node of
    its own stays: only the masks that operators such as Attention add inside are left out."""
    kept = {o.tensor for o in p.outputs} | {a.rows for a in p.appends}
    if p.layers is not None:
        kept |= {n for c in p.layers.carried for n in c.produced}
    readers: dict[str, list[Stage]] = {}
    for s in p.stages:
        for name in {x.tensor for e in s.expressions for x in walk(e) if isinstance(x, Load)}:
            readers.setdefault(name, []).append(s)
    unseen = {s.name for s in p.stages if _inside(s) and s.name not in kept and _hidden(s.name, readers)}
    return replace(p, stages=tuple(replace(s, body=_bare(s.body)) if s.name in unseen else s for s in p.stages))


def _inside(s: Stage) -> bool:
    return all(o.op != "Add" for o in s.origin)


def _bare(e: Expr) -> Expr:
    match e:
        case Op("add", (x, Const(bits=0))) | Op("add", (Const(bits=0), x)) if e.dtype.is_float:
            return x
        case _:
            return e


def _hidden(name: str, readers: dict[str, list[Stage]]) -> bool:
    """Is every reader blind to the sign of the tensor's zeros?"""
    found = readers.get(name, [])
    return bool(found) and all(_blind(s, name, readers) for s in found)


def _blind(s: Stage, name: str, readers: dict[str, list[Stage]]) -> bool:
    r = s.reduction
    if r is not None and r.op == "max" and r.where is None and _is_load(r.element, name):
        return isinstance(s.body, Reduced) and _hidden(s.name, readers)
    return all(_seen(e, name) == 0 for e in s.expressions)


def _seen(e: Expr, name: str) -> int:
    """How often the tensor is read otherwise than in exp(x - m)."""
    every = sum(isinstance(x, Load) and x.tensor == name for x in walk(e))
    inside = 0
    for x in walk(e):
        match x:
            case Op("exp", (Op("sub", (a, b)),)):
                inside += _is_load(a, name) + _is_load(b, name)
            case _:
                pass
    return every - inside


def _is_load(e: Expr, name: str) -> bool:
    while isinstance(e, Cast) and e.dtype.holds(e.arg.dtype):
        e = e.arg
    return isinstance(e, Load) and e.tensor == name
