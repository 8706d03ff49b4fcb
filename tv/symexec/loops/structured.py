"""Loops in one form: a test at the head, `break` in branches, no `continue`.

`do body while (c)` is `for (;;) { body; if (!c) break; }`. What stands after a branch that may `continue` moves into the arms
that fall through.
"""

from __future__ import annotations

from dataclasses import replace

from tv import kernel as ir
from tv.diagnostic import Unsupported

Body = tuple[ir.Stmt, ...]
LIMIT = 10_000  # statements of a body after duplication


def structured(kernel: ir.Kernel) -> ir.Kernel:
    """The same kernel; Unsupported where the branches around `continue` would make a loop's body too long."""
    return replace(kernel, body=_inside(_ending(kernel.body)))


def _ending(body: Body) -> Body:
    """The kernel's last statements, in which to leave a loop is to return."""
    if not body:
        return body
    match body[-1]:
        case ir.Return():
            return (*_ending(body[:-1]), body[-1])
        case ir.If() as s:
            return (*body[:-1], replace(s, then=_ending(s.then), orelse=_ending(s.orelse)))
        case ir.Loop() as s:
            return (*body[:-1], replace(s, body=_leaving(s.body)))
        case _:
            return body


def _leaving(body: Body) -> Body:
    """The body of a loop with `break` for `return`; inside a loop of its own that is another loop's `break`."""
    out: list[ir.Stmt] = []
    for s in body:
        match s:
            case ir.Return():
                out.append(ir.Break(s.span))
            case ir.If():
                out.append(replace(s, then=_leaving(s.then), orelse=_leaving(s.orelse)))
            case _:
                out.append(s)
    return tuple(out)


def _inside(body: Body) -> Body:
    out: list[ir.Stmt] = []
    for s in body:
        match s:
            case ir.If():
                out.append(replace(s, then=_inside(s.then), orelse=_inside(s.orelse)))
            case ir.Loop():
                out.append(_loop(replace(s, body=_inside(s.body))))
            case _:
                out.append(s)
    return tuple(out)


def _loop(s: ir.Loop) -> ir.Loop:
    body = _forward(s.body)
    if sum(1 for _ in ir.walk(body)) > LIMIT:
        raise Unsupported("TV0504", "a loop with too many branches around `continue`", s.span, "nest them with `else`")
    if s.test_first:
        return replace(s, body=body)
    leave = ir.If(s.span, s.cond, (), (ir.Break(s.span),))
    always = ir.Const(s.cond.type, 1)
    return ir.Loop(s.span, always, (*body, *s.step, *s.prelude, leave))


def _forward(body: Body) -> Body:
    """The body without `continue`: every way through it ends at its end."""
    for i, s in enumerate(body):
        if isinstance(s, ir.Continue):
            return body[:i]
        if isinstance(s, ir.If) and continues(s):
            rest = body[i + 1 :]
            arms = [_forward((*arm, *rest)) for arm in (s.then, s.orelse)]
            return (*body[:i], replace(s, then=arms[0], orelse=arms[1]))
    return body


def continues(s: ir.Stmt) -> bool:
    """Does this statement hold a `continue` of the loop it stands in?"""
    match s:
        case ir.Continue():
            return True
        case ir.If():
            return any(continues(t) for t in (*s.then, *s.orelse))
        case _:
            return False


def breaks(s: ir.Stmt) -> bool:
    """Does this statement hold a `break` of the loop it stands in?"""
    match s:
        case ir.Break():
            return True
        case ir.If():
            return any(breaks(t) for t in (*s.then, *s.orelse))
        case _:
            return False
