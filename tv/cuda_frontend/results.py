"""Results that nobody uses: an atomic whose old value is not read has no result."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend.effects import variables
from tv.kernel import Atomic, If, Loop, Stmt, expressions, walk


def drop_unused(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The statements, with `dest` of an atomic left out where its variable is never read."""
    read = {name for s in walk(body) for e in expressions(s) for name in variables(e)}
    return _without(body, read)


def _without(body: tuple[Stmt, ...], read: set[str]) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    for s in body:
        match s:
            case Atomic(dest=d, op=op) if d is not None and d.name not in read and op != "load":
                out.append(replace(s, dest=None))
            case If(then=a, orelse=b):
                out.append(replace(s, then=_without(a, read), orelse=_without(b, read)))
            case Loop(body=b, step=c, prelude=p):
                out.append(replace(s, body=_without(b, read), step=_without(c, read), prelude=_without(p, read)))
            case _:
                out.append(s)
    return tuple(out)
