"""Variables that may be read before anything is assigned to them.

A scalar declared without a value keeps, in the IR, whatever an earlier round of a loop left in it; in C its value is
indeterminate in every round. Where some path reads it unassigned, its declaration therefore becomes a load from a memory
object that nobody writes, so that the read is judged as a read of uninitialised memory.
"""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend.context import Context
from tv.cuda_frontend.effects import variables
from tv.kernel import (
    Break,
    Const,
    Continue,
    Expr,
    If,
    Load,
    Loop,
    MemoryObject,
    Return,
    Space,
    Stmt,
    assigned,
    expressions,
)  # fmt: skip

Assigned = frozenset[str] | None  # None: this point is not reached


class _Walk:
    """Definite assignment over structured statements; collects the names that are read too early."""

    def __init__(self, watched: frozenset[str]) -> None:
        self.watched = watched
        self.early: set[str] = set()
        self.exits: list[list[frozenset[str]]] = []

    def use(self, e: Expr, have: frozenset[str]) -> None:
        for name in variables(e):
            if name in self.watched and name not in have:
                self.early.add(name)

    def block(self, body: tuple[Stmt, ...], have: Assigned) -> Assigned:
        for s in body:
            if have is None:
                return None
            have = self.statement(s, have)
        return have

    def statement(self, s: Stmt, have: frozenset[str]) -> Assigned:
        if not isinstance(s, Loop):
            for e in expressions(s):
                self.use(e, have)
        match s:
            case If(then=a, orelse=b):
                return join(self.block(a, have), self.block(b, have))
            case Loop():
                return self.loop(s, have)
            case Break():
                self.exits[-1].append(have)
                return None
            case Continue() | Return():
                return None
            case Load(dests=(v,), ref=r) if r.object == undefined_object(v.name):
                return have - {v.name}
            case _:
                return have | {v.name for v in assigned(s) if v.name in self.watched}

    def loop(self, s: Loop, have: frozenset[str]) -> Assigned:
        """What a round assigns does not count before the loop, and after it only what the test's path has."""
        self.exits.append([])
        before = self.block(s.prelude, have)
        assert before is not None
        forever = isinstance(s.cond, Const) and s.cond.bits == 1
        if s.test_first:
            self.use(s.cond, before)
        after = self.block(s.body, before)
        # a `continue` reaches the step with at least what held before the body
        reached = before if has_continue(s.body) or after is None else after
        stepped = self.block(s.step, reached)
        if stepped is not None:
            stepped = self.block(s.prelude, stepped)
        if not s.test_first and stepped is not None:
            self.use(s.cond, stepped)
        broken = self.exits.pop()
        ends: Assigned = None if forever else (before if s.test_first else stepped)
        for b in broken:
            ends = join(ends, b)
        return ends


def join(a: Assigned, b: Assigned) -> Assigned:
    if a is None or b is None:
        return b if a is None else a
    return a & b


def has_continue(body: tuple[Stmt, ...]) -> bool:
    """Whether a `continue` of this loop stands in its body."""
    return any(
        isinstance(s, Continue) or (isinstance(s, If) and (has_continue(s.then) or has_continue(s.orelse)))
        for s in body
    )


def undefined_object(name: str) -> str:
    """The object that stands for the contents of a variable declared without a value."""
    return f"{name}.undefined"


def define_undefined(body: tuple[Stmt, ...], ctx: Context) -> tuple[Stmt, ...]:
    """The statements without those loads of unknown memory whose variable is always assigned before it is read."""
    if not ctx.undefined:
        return body
    walk = _Walk(frozenset(ctx.undefined))
    walk.block(body, frozenset())
    for name in walk.early:
        var, span = ctx.undefined[name]
        own = undefined_object(name)
        ctx.objects[own] = MemoryObject(own, Space.LOCAL, var.type, (1,), var.type.bytes, span)
    dropped = {undefined_object(n) for n in ctx.undefined if n not in walk.early}
    return _without(body, dropped)


def _without(body: tuple[Stmt, ...], dropped: set[str]) -> tuple[Stmt, ...]:
    kept: list[Stmt] = []
    for s in body:
        match s:
            case Load(ref=r) if r.object in dropped:
                continue
            case If(then=a, orelse=b):
                kept.append(replace(s, then=_without(a, dropped), orelse=_without(b, dropped)))
            case Loop(body=b, step=c, prelude=p):
                kept.append(
                    replace(s, body=_without(b, dropped), step=_without(c, dropped), prelude=_without(p, dropped))
                )
            case _:
                kept.append(s)
    return tuple(kept)
