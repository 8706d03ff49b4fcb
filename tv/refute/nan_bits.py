"""Whether a kernel computes with the bits of floats that it computed: which NaN an operation gives is not specified.

Another NaN than the interpreter's may lead such a kernel elsewhere, so no inputs with NaN are tried there. That what a run shows
hangs on no NaN is asked apart from that, by other runs (`otherwise`).
"""

from __future__ import annotations

from collections.abc import Iterator

from tv.kernel import (
    Assign,
    AsyncCopy,
    Atomic,
    Binary,
    Bitcast,
    Call,
    Compare,
    Convert,
    Expr,
    Extract,
    Kernel,
    Load,
    Pack,
    Select,
    Shuffle,
    Stmt,
    Store,
    Unary,
    Var,
    children,
    expressions,
    located,
    walk,
)


def sees_bits(kernel: Kernel) -> bool:
    """Does an operation on integers, an address, a condition, a mask or a vote have bits of floats as an operand? Moving them,
    taking them apart and putting them together is none."""
    names: set[str] = set()  # of variables and memory objects that may hold such bits
    while True:
        new = {n for s in walk(kernel.body) for n in _spread(s, names)} - names
        if not new:
            break
        names |= new
    found = (e for s in walk(kernel.body) for root in expressions(s) for e in _all(root))
    return any(_computes(s, names) for s in walk(kernel.body)) or any(
        isinstance(e, Unary | Binary | Compare | Convert | Call) and any(_bits(a, names) for a in children(e))
        for e in found
    )


def _computes(s: Stmt, names: set[str]) -> bool:
    """Does a statement do more with such bits than move them?"""
    match s:
        case Assign():
            return False
        case Store(ref=r) | Atomic(ref=r, op="exch" | "load" | "store"):
            used = located(r)
        case Shuffle(lane=lane, mask=mask):
            used = lane, mask
        case Atomic(ref=r) if r.type.is_int and f"[{r.object}]" in names:
            return True
        case _:
            used = expressions(s)
    return any(_bits(e, names) for e in used)


def _spread(s: Stmt, names: set[str]) -> Iterator[str]:
    """What a statement leaves bits of floats in."""
    match s:
        case Assign(var=var, value=value) if _bits(value, names):
            yield var.name
        case Shuffle(dest=var, value=value) if _bits(value, names):
            yield var.name
        case Store(ref=r, values=values) if any(v.type.is_float or _bits(v, names) for v in values):
            yield f"[{r.object}]"
        case Load(ref=r, dests=dests) if f"[{r.object}]" in names:
            yield from (d.name for d in dests if d.type.is_int)
        case AsyncCopy(dst=to, src=source) if f"[{source.object}]" in names:
            yield f"[{to.object}]"
        case Atomic(ref=r, dest=dest, operands=values):
            if any(v.type.is_float or _bits(v, names) for v in values):
                yield f"[{r.object}]"
            if dest is not None and dest.type.is_int and f"[{r.object}]" in names:
                yield dest.name


def _bits(e: Expr, names: set[str]) -> bool:
    """Is this an integer that consists of bits of floats?"""
    if e.type.is_float:
        return False
    match e:
        case Var(name=name):
            return name in names
        case Bitcast() | Pack() | Extract():
            return any(a.type.is_float or _bits(a, names) for a in children(e))
        case Select(a=a, b=b):
            return _bits(a, names) or _bits(b, names)
        case _:
            return False


def _all(e: Expr) -> Iterator[Expr]:
    yield e
    for a in children(e):
        yield from _all(a)
