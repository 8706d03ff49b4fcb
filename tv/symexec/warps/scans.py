"""Is a move towards lower lanes a step of a scan? Each lane then keeps what it has where there is nothing to add.

A guess: it decides how the lane is taken apart, on which no proof depends. From the lanes that a tree of moves is read from no
carry goes anywhere, and its sets are boxes of binary digits; those of a scan are ranges of whole lanes.
"""

from __future__ import annotations

from collections.abc import Iterator

from tv import kernel as ir
from tv.symexec.loops.ordinals import variables


def scan_steps(body: tuple[ir.Stmt, ...]) -> frozenset[str]:
    """The variables that take what such a move brings, and are used under a condition that the move itself is not under."""
    return frozenset(_used(body, {}))


def _used(body: tuple[ir.Stmt, ...], brought: dict[str, str]) -> Iterator[str]:
    """brought: variables that hold what a move has brought, with the variable that it was brought into."""
    for s in body:
        for e in ir.expressions(s):
            yield from (brought[n] for n in _chosen(e) if n in brought)
        match s:
            case ir.Shuffle(mode="down", dest=dest):
                brought[dest.name] = dest.name
            case ir.Assign(var=var, value=ir.Var(name=name)) if name in brought:
                brought[var.name] = brought[name]
            case ir.If():
                inner = [n for t in ir.walk((*s.then, *s.orelse)) for e in ir.expressions(t) for n in variables(e)]
                yield from (brought[n] for n in inner if n in brought)
                for block in ir.blocks(s):
                    yield from _used(block, {})
            case _:
                for block in ir.blocks(s):
                    yield from _used(block, brought)


def _chosen(e: ir.Expr) -> Iterator[str]:
    """Variables in the arms of a conditional expression."""
    if isinstance(e, ir.Select):
        yield from (*variables(e.a), *variables(e.b))
    for c in ir.children(e):
        yield from _chosen(c)
