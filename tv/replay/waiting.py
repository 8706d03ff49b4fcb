"""Loops that wait for other threads: found in the text, and what is known of one when nothing moves any more."""

from __future__ import annotations

from collections.abc import Iterable

from tv.kernel import (
    Assign,
    Atomic,
    Barrier,
    Break,
    Expr,
    If,
    Kernel,
    Load,
    Loop,
    Return,
    Shuffle,
    Space,
    Stmt,
    Vote,
    assigned,
    expressions,
    walk,
)
from tv.replay.contraction import variables
from tv.source import Span


def _observed(body: Iterable[Stmt]) -> set[str]:
    """Variables that get a value which other threads may change: by an atomic or a volatile load, or computed from one."""
    statements = list(walk(tuple(body)))
    found: set[str] = set()
    for s in statements:
        if isinstance(s, Atomic) or (isinstance(s, Load) and s.ref.access == "volatile"):
            found.update(v.name for v in assigned(s))
    size = -1
    while size != len(found):
        size = len(found)
        for s in statements:
            if isinstance(s, Assign | Shuffle | Vote) and any(_reads(e, found) for e in expressions(s)):
                found.update(v.name for v in assigned(s))
    return found


def _reads(e: Expr, names: set[str]) -> bool:
    return not names.isdisjoint(variables(e))


def waits(s: Loop) -> bool:
    """Whether leaving a loop hangs on memory that other threads may change while it runs."""
    inside = (*s.prelude, *s.body, *s.step)
    found = _observed(inside)
    if not found:
        return False
    if _reads(s.cond, found):
        return True
    for t in walk(inside):
        leaves = isinstance(t, If) and any(isinstance(u, Break | Return) for u in walk((*t.then, *t.orelse)))
        if leaves and isinstance(t, If) and _reads(t.cond, found):
            return True
    return False


class Spin:
    """A waiting loop: where it is, and the variables that one round changes."""

    def __init__(self, s: Loop) -> None:
        self.source, self.span = s, s.span
        self.names = sorted({v.name for t in walk((*s.prelude, *s.body, *s.step)) for v in assigned(t)})


def waits_across_blocks(kernel: Kernel) -> Span | None:
    """The first grid barrier or loop that waits on global memory; None: blocks are independent."""
    for s in walk(kernel.body):
        if isinstance(s, Barrier) and s.scope == "grid":
            return s.span
        if isinstance(s, Loop) and waits(s):
            for t in walk((*s.prelude, *s.body, *s.step)):
                if isinstance(t, Atomic | Load) and kernel.objects[t.ref.object].space is Space.GLOBAL:
                    return s.span
    return None
