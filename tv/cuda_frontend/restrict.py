"""Loads that nvcc takes through the read-only path because a `__restrict__` parameter is never written through.

Not only `const T* __restrict__`: nvcc infers it for `T* __restrict__` too (checked on its PTX), so a buffer that is also
written under another name would be read incoherently.
"""

from __future__ import annotations

from dataclasses import replace

from tv.kernel import AsyncCopy, Atomic, If, Load, Loop, Parameter, Stmt, Store, walk


def read_only_restrict(body: tuple[Stmt, ...], parameters: tuple[Parameter, ...]) -> tuple[Stmt, ...]:
    """The statements, with plain loads through unwritten restrict parameters marked `readonly`."""
    written = set()
    for s in walk(body):
        match s:
            case Store(ref=r) | Atomic(ref=r) | AsyncCopy(dst=r):
                written.add(r.object)
            case _:
                pass
    names = {p.name for p in parameters if p.restrict and p.name not in written}
    return _marked(body, names) if names else body


def _marked(body: tuple[Stmt, ...], names: set[str]) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    for s in body:
        match s:
            case Load(ref=r) if r.object in names and r.access == "weak":
                out.append(replace(s, ref=replace(r, access="readonly")))
            case If(then=a, orelse=b):
                out.append(replace(s, then=_marked(a, names), orelse=_marked(b, names)))
            case Loop(body=b, step=c, prelude=p):
                out.append(replace(s, body=_marked(b, names), step=_marked(c, names), prelude=_marked(p, names)))
            case _:
                out.append(s)
    return tuple(out)
