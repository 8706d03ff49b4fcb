"""Loads that nvcc may merge with a read-only one, and take through the read-only path as it does that (S5).

Of two loads in the arms of a condition whose values meet, nvcc makes one load at a chosen address; where either was taken through
the read-only path, so is the result (seen in its PTX). For that their values have to go the same way to where they meet: the same
operations, down to a variable that both arms assign, to a store in both, or to a select.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import product

from tv.kernel import (
    Assign,
    AsyncCopy,
    Atomic,
    Expr,
    If,
    Load,
    MemoryObject,
    Select,
    Space,
    Stmt,
    Store,
    Var,
    assigned,
    children,
    expressions,
    mapped,
    walk,
)

MOST = 20_000  # pairs of values that are looked at; of more any load may be merged
Source = Expr | Load


def beside_read_only(body: tuple[Stmt, ...], objects: Mapping[str, MemoryObject]) -> tuple[Stmt, ...]:
    """The statements, with the loads of written global memory marked `noncoherent` that may be merged with a read-only one."""
    if not any(isinstance(s, Load) and s.ref.access == "readonly" for s in walk(body)):
        return body
    found = _Meetings(body, frozenset(n for n, o in objects.items() if o.space is Space.GLOBAL)).found()
    if not found:
        return body

    def marked(x: object) -> object:
        if isinstance(x, Load) and (x.span, x.ref) in found:
            return replace(x, ref=replace(x.ref, noncoherent=True))
        return x

    return mapped(body, marked)  # type: ignore[arg-type]


class _Meetings:
    def __init__(self, body: tuple[Stmt, ...], in_global: frozenset[str]) -> None:
        self.statements = tuple(walk(body))
        self.written = {r.object for s in self.statements if isinstance(s, Store | Atomic) for r in (s.ref,)}
        self.written |= {s.dst.object for s in self.statements if isinstance(s, AsyncCopy)}
        self.written &= in_global
        self.sources: dict[str, list[Source]] = {}
        for s in self.statements:
            for name, source in given(s):
                self.sources.setdefault(name, []).append(source)
        self.met: set[object] = set()
        self.seen: set[tuple[int, int]] = set()  # pairs of values, by identity

    def found(self) -> set[object]:
        if not any(isinstance(s, Load) and self.may_be_stale(s) for s in self.statements):
            return self.met
        for s in self.statements:
            if isinstance(s, If):
                self.at_join(s)
            for e in expressions(s):
                self.in_selects(e)
        return self.met

    def at_join(self, s: If) -> None:
        arms = [tuple(walk(b)) for b in (s.then, s.orelse)]
        own = [[pair for t in arm for pair in given(t)] for arm in arms]
        for here, there in ((own[0], own[1]), (own[1], own[0])):
            other: dict[str, list[Source]] = {}
            for name, source in there:
                other.setdefault(name, []).append(source)
            inside = {id(x) for _, x in here}
            for name, source in here:
                before = [x for x in self.sources[name] if id(x) not in inside]
                for met in other.get(name, before):
                    self.meet(source, met)
        stores = [[t for t in arm if isinstance(t, Store)] for arm in arms]
        for a, b in product(*stores):
            if a.ref.type.bytes == b.ref.type.bytes and len(a.values) == len(b.values):
                for v, w in zip(a.values, b.values, strict=True):
                    self.meet(v, w)

    def in_selects(self, e: Expr) -> None:
        if isinstance(e, Select):
            self.meet(e.a, e.b)
        for c in children(e):
            self.in_selects(c)

    def meet(self, a: Source, b: Source) -> None:
        """Notes the loads of written memory on the way down from two values that meet."""
        todo = [(a, b)]
        while todo:
            x, y = todo.pop()
            key = id(x), id(y)
            if key in self.seen:
                continue
            self.seen.add(key)
            if len(self.seen) > MOST:
                self.met.update(
                    (s.span, s.ref) for s in self.statements if isinstance(s, Load) and self.may_be_stale(s)
                )
                return
            match x, y:
                case Var(name=name), _:
                    todo += [(z, y) for z in self.sources.get(name, ())]
                case _, Var(name=name):
                    todo += [(x, z) for z in self.sources.get(name, ())]
                case Load(), Load():
                    for one, other in ((x, y), (y, x)):
                        if other.ref.access == "readonly" and self.may_be_stale(one) and width(one) == width(other):
                            self.met.add((one.span, one.ref))
                case Load(), _:
                    pass
                case _, Load():
                    pass
                case _ if operator(x) == operator(y):
                    todo += operands(x, y)

    def may_be_stale(self, s: Load) -> bool:
        return s.ref.access != "readonly" and s.ref.object in self.written


def width(s: Load) -> int:
    return s.ref.type.bytes * s.ref.count


def given(s: Stmt) -> Iterator[tuple[str, Source]]:
    """The variables that a statement gives a value which may be merged with another."""
    match s:
        case Assign(var=v, value=value):
            yield v.name, value
        case Load():
            for v in assigned(s):
                yield v.name, s
        case _:
            pass


def operands(x: Expr, y: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Operands of two like operations that become one: in their order, which compilers change among integers."""
    if x.type.is_float or len(children(x)) != 2:
        return zip(children(x), children(y), strict=False)
    return product(children(x), children(y))


def operator(e: Expr) -> tuple[object, ...]:
    """What two operations have to have in common to become one."""
    inner = {id(c) for c in children(e)}
    return (type(e), *(getattr(e, f.name) for f in fields(e) if f.name != "span" and id(getattr(e, f.name)) not in inner
                       and not isinstance(getattr(e, f.name), tuple)))  # fmt: skip
