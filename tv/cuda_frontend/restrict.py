"""What `__restrict__` lets a compiler presume: loads through the read-only path, and memory that is reached in one way only.

Loads that nvcc takes through the read-only path because a `__restrict__` parameter is never written through.

Not only `const T* __restrict__`: nvcc infers it for `T* __restrict__` too (checked on its PTX), so a buffer that is also
written under another name would be read incoherently.

And where an object is accessed through a `__restrict__` pointer in the pointer's scope, and past it, the two have to be
different cells wherever one of them is written: compilers exchange such accesses. Those accesses are marked here. So are the barriers that
stand in the scope of such a pointer: a compiler takes it that no other thread accesses what this one reaches through its pointer,
so that it moves such accesses across barriers, or leaves a store out (seen in nvcc's PTX).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tv.kernel import (
    AsyncCopy,
    Atomic,
    Barrier,
    Expr,
    If,
    Load,
    Loop,
    MemRef,
    Parameter,
    Stmt,
    Store,
    mapped,
    references,
    walk,
)


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


# ------------------------------------------------------------------------------------------------ one way only
def based_on(bases: frozenset[str]) -> tuple[tuple[str, bool], ...]:
    """The claims of an access through a pointer with these bases, while their scopes last."""
    return tuple((name, True) for name in sorted(bases))


def claimed(body: tuple[Stmt, ...], ending: frozenset[str]) -> tuple[Stmt, ...]:
    """The statements of the scope in which these pointers end. Of each that has to be alone and is not, the accesses past it
    are marked; claims of the others are dropped."""
    if not ending:
        return body
    body = around_barriers(body, ending, lambda r: {n for n, based in r.claims if based})
    marks: dict[str, frozenset[str]] = {}  # object -> claims that other accesses to it do not share
    for name in sorted(ending):
        for object in {r.object for s in walk(body) for r in references(s) if (name, True) in r.claims}:
            if written(body, object) and any(
                r.object == object and (name, True) not in r.claims for s in walk(body) for r in references(s)
            ):
                marks[object] = marks.get(object, frozenset()) | {name}
    return _claimed(body, ending, marks)


def around_barriers(
    body: tuple[Stmt, ...], ending: frozenset[str], bases: Callable[[MemRef], set[str]] = lambda r: {r.object}
) -> tuple[Stmt, ...]:
    """The statements of the scope in which these pointers end, with those of its accesses and barriers marked that do not wait for
    each other. bases: pointers that an address is based on; of parameters, each is the only way to the object of its name."""
    if not any(isinstance(s, Barrier) for s in walk(body)):
        return body
    through = {(r.object, n) for s in walk(body) for r in references(s) for n in bases(r) & ending}
    names = {n for o, n in through if written(body, o)}
    if not names:
        return body

    def marked(x: Expr | Stmt | MemRef) -> Expr | Stmt | MemRef:
        match x:
            case MemRef():
                return replace(x, restricted=(*x.restricted, *sorted(bases(x) & names)))
            case Barrier():
                return replace(x, inside=(*x.inside, *sorted(names)))
            case _:
                return x

    return mapped(body, marked)


def written(body: tuple[Stmt, ...], object: str) -> bool:
    for s in walk(body):
        match s:
            case Store(ref=r) | AsyncCopy(dst=r) if r.object == object:
                return True
            case Atomic(ref=r, op=op) if r.object == object and op != "load":
                return True
            case _:
                pass
    return False


def _claimed(body: tuple[Stmt, ...], ending: frozenset[str], marks: dict[str, frozenset[str]]) -> tuple[Stmt, ...]:
    def of(r: MemRef) -> MemRef:
        own = {n for n, based in r.claims if based}
        ended = tuple((n, n in own) for n in sorted(marks.get(r.object, frozenset())))
        return replace(r, claims=tuple(c for c in r.claims if c[0] not in ending) + ended)

    def inner(b: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        return _claimed(b, ending, marks)

    out: list[Stmt] = []
    for s in body:
        match s:
            case Load(ref=r) | Store(ref=r) | Atomic(ref=r):
                out.append(replace(s, ref=of(r)))
            case AsyncCopy(dst=d, src=r):
                out.append(replace(s, dst=of(d), src=of(r)))
            case If(then=a, orelse=b):
                out.append(replace(s, then=inner(a), orelse=inner(b)))
            case Loop(body=b, step=c, prelude=p):
                out.append(replace(s, body=inner(b), step=inner(c), prelude=inner(p)))
            case _:
                out.append(s)
    return tuple(out)
