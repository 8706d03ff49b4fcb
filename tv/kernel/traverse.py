"""The parts of expressions and statements: one list for every kind, so that no walk forgets one."""

from __future__ import annotations

from collections.abc import Iterator

from tv.kernel.expressions import (
    Binary,
    Bitcast,
    Builtin,
    Call,
    Compare,
    Const,
    Convert,
    Expr,
    Extract,
    NotNull,
    Pack,
    Param,
    Select,
    Unary,
    Var,
)
from tv.kernel.memory import MemRef
from tv.kernel.statements import (
    Aligned,
    Assign,
    Assume,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Break,
    Continue,
    Declare,
    Fence,
    If,
    Inside,
    Load,
    Loop,
    Return,
    Shuffle,
    Stmt,
    Store,
    Vote,
)


def children(e: Expr) -> tuple[Expr, ...]:
    """Direct operands of an expression."""
    match e:
        case Const() | Var() | Param() | Builtin() | NotNull():
            return ()
        case Unary(a=a) | Convert(a=a) | Bitcast(a=a) | Extract(a=a):
            return (a,)
        case Binary(a=a, b=b) | Compare(a=a, b=b):
            return (a, b)
        case Select(cond=c, a=a, b=b):
            return (c, a, b)
        case Pack(parts=parts):
            return parts
        case Call(args=args):
            return args
        case _:
            raise TypeError(f"not an expression of the Kernel IR: {e!r}")


def blocks(s: Stmt) -> tuple[tuple[Stmt, ...], ...]:
    """The statement lists inside a statement."""
    match s:
        case If(then=a, orelse=b):
            return (a, b)
        case Loop(prelude=p, body=b, step=c):
            return (p, b, c)
        case _:
            return ()


def walk(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """Every statement, outer before inner, in text order."""
    stack = list(reversed(body))
    while stack:
        s = stack.pop()
        yield s
        for inner in reversed(blocks(s)):
            stack.extend(reversed(inner))


def expressions(s: Stmt) -> tuple[Expr, ...]:
    """The expressions that a statement evaluates itself (not those of its inner statements)."""
    match s:
        case Assign(value=v):
            return (v,)
        case Load(ref=r):
            return located(r)
        case Aligned(offset=at):
            return (at,)
        case Inside(entry=entry, offset=at):
            return (entry, at)
        case Store(ref=r, values=vs):
            return (*located(r), *vs)
        case If(cond=c) | Loop(cond=c) | Assume(cond=c):
            return (c,)
        case Barrier(mask=m, target=t):
            return tuple(e for e in (m, t) if e is not None)
        case Shuffle(value=v, lane=lane, mask=m):
            return (v, lane, m)
        case Vote(value=v, mask=m):
            return (v, m)
        case Atomic(ref=r, operands=ops):
            return (*located(r), *ops)
        case AsyncCopy(dst=d, src=r, zero_fill=z):
            return (*located(d), *located(r)) if z is None else (*located(d), *located(r), z)
        case Break() | Continue() | Return() | Fence() | AsyncCommit() | AsyncWait() | Declare():
            return ()
        case _:
            raise TypeError(f"not a statement of the Kernel IR: {s!r}")


def located(r: MemRef) -> tuple[Expr, ...]:
    """The expressions in an access's address."""
    return (r.offset,) if r.entry is None else (r.entry, r.offset)


def assigned(s: Stmt) -> tuple[Var, ...]:
    """The variables that a statement itself writes."""
    match s:
        case Assign(var=v):
            return (v,)
        case Load(dests=vs):
            return vs
        case Shuffle(dest=v) | Vote(dest=v):
            return (v,)
        case Atomic(dest=v):
            return () if v is None else (v,)
        case _:
            return ()


def references(s: Stmt) -> tuple[MemRef, ...]:
    match s:
        case Load(ref=r) | Store(ref=r) | Atomic(ref=r):
            return (r,)
        case AsyncCopy(dst=d, src=r):
            return (d, r)
        case _:
            return ()
