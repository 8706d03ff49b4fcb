"""Kernels rewritten part by part: one walk over every kind of statement and expression, so that no part is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

from tv.kernel.expressions import Expr
from tv.kernel.memory import MemRef
from tv.kernel.statements import Stmt

Part = Expr | Stmt | MemRef


def mapped(body: tuple[Stmt, ...], change: Callable[[Part], Part]) -> tuple[Stmt, ...]:
    """The statements with every part (inner ones first) put through `change`, which keeps the kind of what it is given."""
    out: list[Stmt] = []
    for s in body:
        new = _part(s, change)
        assert isinstance(new, Stmt)
        out.append(new)
    return tuple(out)


def _part(x: Part, change: Callable[[Part], Part]) -> Part:
    changed: dict[str, object] = {}
    for f in fields(x):
        old = getattr(x, f.name)
        new = _field(old, change)
        if new is not old:
            changed[f.name] = new
    return change(replace(x, **changed) if changed else x)  # type: ignore[arg-type]


def _field(x: object, change: Callable[[Part], Part]) -> object:
    match x:
        case Expr() | Stmt() | MemRef():
            return _part(x, change)
        case tuple():
            new = tuple(_field(y, change) for y in x)
            return x if all(a is b for a, b in zip(x, new, strict=True)) else new
        case _:
            return x
