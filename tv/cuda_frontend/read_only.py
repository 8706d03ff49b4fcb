"""Loads through pointers that nothing is stored through in their scope, and that nvcc may take through the read-only path for it.

Of a pointer that is local, or a parameter of an inlined function, that is a presumption: nvcc does so for some. Where nothing else in
the kernel writes the memory it does no harm. Where something does, before the scope or behind it, whether the load is the coherent
one stays open: the accesses are marked as two that must not meet, which proves nothing and refutes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tv.cuda_frontend.restrict import written
from tv.kernel import AsyncCopy, Atomic, Expr, Load, MemoryObject, MemRef, Space, Stmt, Store, mapped, references, walk

_READ = ".read"  # behind the name of a pointer: its loads, when its scope has ended


def presumed(body: tuple[Stmt, ...], ending: frozenset[str], objects: Mapping[str, MemoryObject]) -> tuple[Stmt, ...]:
    """The statements of the scope in which these pointers end, with the loads noted of those that nothing is stored through."""
    if not ending:
        return body
    stored = {n for s in walk(body) for r in writes(s) for n, based in r.claims if based}
    names = ending - stored

    def noted(x: Expr | Stmt | MemRef) -> Expr | Stmt | MemRef:
        if not isinstance(x, Load) or x.ref.access != "weak" or not x.ref.claims:
            return x
        if objects[x.ref.object].space is not Space.GLOBAL:
            return x
        own = tuple((n + _READ, True) for n, based in x.ref.claims if based and n in names)
        return replace(x, ref=replace(x.ref, claims=x.ref.claims + own)) if own else x

    return mapped(body, noted) if names else body


def settled(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The statements of a whole kernel: what was noted is `readonly` where the kernel writes none of the object, else it and what is
    written are marked."""
    noted: dict[str, set[str]] = {}
    for s in walk(body):
        for r in references(s):
            noted.setdefault(r.object, set()).update(n for n, _ in r.claims if n.endswith(_READ))
    open_ones = {o for o, names in noted.items() if names and written(body, o)}

    def marked(x: Expr | Stmt | MemRef) -> Expr | Stmt | MemRef:
        match x:
            case Load(ref=r) if r.object not in open_ones and any(n.endswith(_READ) for n, _ in r.claims):
                claims = tuple(c for c in r.claims if not c[0].endswith(_READ))
                return replace(x, ref=replace(r, access="readonly", claims=claims))
            case Store(ref=r) | Atomic(ref=r) if r.object in open_ones:
                return replace(x, ref=_past(r, noted[r.object]))
            case AsyncCopy(dst=r) if r.object in open_ones:
                return replace(x, dst=_past(r, noted[r.object]))
            case _:
                return x

    return mapped(body, marked) if any(noted.values()) else body


def _past(r: MemRef, names: set[str]) -> MemRef:
    return replace(r, claims=r.claims + tuple((n, False) for n in sorted(names)))


def writes(s: Stmt) -> tuple[MemRef, ...]:
    """What a statement itself writes to."""
    match s:
        case Store(ref=r) | AsyncCopy(dst=r):
            return (r,)
        case Atomic(ref=r, op=op) if op != "load":
            return (r,)
        case _:
            return ()
