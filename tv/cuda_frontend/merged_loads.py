"""Loads that nvcc may merge with a read-only one, and take through the read-only path as it does that (S5).

Of two loads that different ways through the kernel take, and whose values meet where these ways do, nvcc makes one load at a chosen
address; where either was taken through the read-only path, so is the result (seen in its PTX). For that their values have to go the
same way to where they meet: the same operations, down to a variable that both give a value, to a store on both ways, or to a select.
What nvcc may rewrite on these ways counts for nothing: conversions, operations on bits and integers, and all that takes a number
besides (`x - 3` is `-3 + x`, `x / 4` is `x * 0.25`, both seen). Addresses are such values. Ways meet behind conditions, where loops
go round or end, and where a thread returns; no load is moved past a barrier for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations, product

from tv.kernel import (
    Assign,
    AsyncCopy,
    Atomic,
    Barrier,
    Binary,
    Bitcast,
    Break,
    Call,
    Continue,
    Convert,
    Expr,
    If,
    Load,
    Loop,
    MemoryObject,
    Return,
    Select,
    Space,
    Stmt,
    Store,
    Unary,
    Var,
    assigned,
    children,
    expressions,
    mapped,
    walk,
)

MOST = 20_000  # pairs of values that are looked at; of more any load may be merged
_FOLDING = frozenset(
    {"fma", "fabs", "fmax", "fmin", "fmaximum", "fminimum"}
)  # functions that may be no more than an operand
Source = Expr | Load
Place = tuple[int, int]  # a part of the kernel, and a run of statements in it


def beside_read_only(body: tuple[Stmt, ...], objects: Mapping[str, MemoryObject], restricted: bool) -> tuple[Stmt, ...]:
    """The statements, with the loads of written global memory marked `noncoherent` that may be merged with a read-only one.
    restricted: has the kernel a `__restrict__` pointer? It makes loads read-only ones whatever pointer they are through, those too
    through a pointer that is read from a table anew, which nvcc takes for another than the one that was stored through."""
    found = _Meetings(body, objects, restricted).found()
    if not found:
        return body

    def marked(x: object) -> object:
        if isinstance(x, Load) and (x.span, x.ref) in found:
            return replace(x, ref=replace(x.ref, noncoherent=True))
        return x

    return mapped(body, marked)  # type: ignore[arg-type]


class _Meetings:
    def __init__(self, body: tuple[Stmt, ...], objects: Mapping[str, MemoryObject], restricted: bool) -> None:
        self.statements = tuple(walk(body))
        self.body, self.restricted = body, restricted
        self.in_global = {n for n, o in objects.items() if o.space is Space.GLOBAL}
        self.tables = {n for n in self.in_global if objects[n].entries is not None}
        self.written = {r.object for s in self.statements if isinstance(s, Store | Atomic) for r in (s.ref,)}
        self.written |= {s.dst.object for s in self.statements if isinstance(s, AsyncCopy)}
        self.written &= self.in_global
        self.sources: dict[str, list[Source]] = {}
        for s in self.statements:
            for name, source in given(s):
                self.sources.setdefault(name, []).append(source)
        self.met: set[object] = set()
        self.seen: set[tuple[int, int]] = set()  # pairs of values, by identity
        self.carriers: set[str] = set()  # variables in which a value may be that was computed from a load

    def found(self) -> set[object]:
        loads = [s for s in self.statements if isinstance(s, Load)]
        if self.restricted:
            self.met.update((s.span, s.ref) for s in loads if self.may_be_stale(s) and s.ref.object in self.tables)
        if not any(self.may_be_stale(s) for s in loads) or not any(self.may_be_read_only(s) for s in loads):
            return self.met
        self.note_carriers()
        parts = Stretches(self.body)
        for sources in parts.given.values():
            for (a, p), (b, q) in combinations(sources, 2):
                if parts.meet(p, q):
                    self.meet(a, b)
        for (one, p), (two, q) in combinations(parts.stores, 2):
            alike = one.ref.type.bytes * len(one.values) == two.ref.type.bytes * len(two.values)
            if alike and parts.meet(p, q):
                same = len(one.values) == len(two.values)
                for v, w in zip(one.values, two.values, strict=True) if same else product(one.values, two.values):
                    self.meet(v, w)
                self.meet(one.ref.offset, two.ref.offset)
        for s in self.statements:
            for e in expressions(s):
                self.in_selects(e)
        return self.met

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
                        if self.may_be_read_only(other) and self.may_be_stale(one) and width(one) == width(other):
                            self.met.add((one.span, one.ref))
                    todo.append((x.ref.offset, y.ref.offset))
                case Load(), Expr():
                    todo += [(x, z) for z in self.behind(y)]
                case Expr(), Load():
                    todo += [(z, y) for z in self.behind(x)]
                case Expr(), Expr():
                    todo += [(z, y) for z in self.behind(x)] + [(x, z) for z in self.behind(y)]
                    todo += self.operands(x, y)

    def behind(self, e: Expr) -> list[Expr]:
        """The operands that an operation may be no more than: of one with two loaded floats it is neither."""
        found = self.loaded(e)
        if isinstance(e, Call) and e.function not in _FOLDING:
            return []
        arithmetic = isinstance(e, Binary) or (isinstance(e, Call) and e.function == "fma")
        return [] if e.type.is_float and arithmetic and len(found) > 1 else found

    def operands(self, x: Expr, y: Expr) -> Iterator[tuple[Expr, Expr]]:
        """Operands of two operations that may become one: of floats in their order, unless they differ in what compilers order
        them by."""
        ones, others = self.loaded(x), self.loaded(y)
        if isinstance(x, Call) or isinstance(y, Call):
            alike = bool(kinds(x) & kinds(y))
        else:
            alike = len(ones) > 1 and len(others) > 1 and bool(kinds(x) & kinds(y))
        if not alike:
            return iter(())
        ranks = [[self.ranks(o) for o in operands] for operands in (ones, others)]
        ordered = x.type.is_float and y.type.is_float and ranks[0] == ranks[1] and all(len(r) == 1 for r in ranks[0])
        return zip(ones, others, strict=False) if ordered else product(ones, others)

    def ranks(self, e: Source) -> set[bool]:
        """Is it a conversion, a negation or the like?"""
        todo, seen, found = [e], set[str](), set[bool]()
        while todo:
            x = todo.pop()
            if not isinstance(x, Var):
                found.add(isinstance(x, Convert | Bitcast | Unary))
            elif x.name not in seen:
                seen.add(x.name)
                todo += self.sources.get(x.name, ())
        return found

    def loaded(self, e: Expr) -> list[Expr]:
        """The operands that hang on loads."""
        return [c for c in children(e) if self.hangs(c)]

    def hangs(self, e: Expr) -> bool:
        return not self.carriers.isdisjoint(variables(e))

    def note_carriers(self) -> None:
        used: dict[str, list[str]] = {}  # variable -> those that are computed from it
        todo: list[str] = []
        for name, sources in self.sources.items():
            for x in sources:
                if isinstance(x, Load):
                    todo.append(name)
                else:
                    for read in variables(x):
                        used.setdefault(read, []).append(name)
        while todo:
            name = todo.pop()
            if name not in self.carriers:
                self.carriers.add(name)
                todo += used.get(name, ())

    def may_be_stale(self, s: Load) -> bool:
        return s.ref.access != "readonly" and s.ref.object in self.written

    def may_be_read_only(self, s: Load) -> bool:
        if s.ref.access == "readonly":
            return True
        return self.restricted and s.ref.access == "weak" and s.ref.object in self.in_global - self.written


class Stretches:
    """Parts of a kernel between barriers, joined as ways through it join them. A place is a part, and the run of statements there
    of which each is executed whenever the first is."""

    def __init__(self, body: tuple[Stmt, ...]) -> None:
        self.above: list[int] = []  # of each part one that it is joined with, itself at the top
        self.runs = 0
        self.given: dict[str, list[tuple[Source, Place]]] = {}  # of each variable
        self.stores: list[tuple[Store, Place]] = []
        self.end = self.new()
        self.join(self.follow(body, self.new(), self.end, self.end), self.end)

    def meet(self, p: Place, q: Place) -> bool:
        """May ways through these two places meet, with no barrier between?"""
        return p[1] != q[1] and self.top(p[0]) == self.top(q[0])

    def new(self) -> int:
        self.above.append(len(self.above))
        return self.above[-1]

    def top(self, part: int) -> int:
        while self.above[part] != part:
            part = self.above[part]
        return part

    def join(self, a: int, b: int) -> None:
        self.above[self.top(a)] = self.top(b)

    def follow(self, body: tuple[Stmt, ...], part: int, again: int, behind: int) -> int:
        """Notes the statements of a block that begins in this part, and gives the part it ends in. again, behind: the part where the
        innermost loop goes on with its next round, and that behind it."""
        self.runs += 1
        run = self.runs
        for s in body:
            for name, source in given(s):
                self.given.setdefault(name, []).append((source, (part, run)))
            match s:
                case Store():
                    self.stores.append((s, (part, run)))
                case Barrier():
                    part = self.new()
                case If(then=then, orelse=orelse):
                    arms = [self.follow(arm, part, again, behind) for arm in (then, orelse)]
                    part = arms[0]
                    self.join(*arms)
                case Loop(prelude=prelude, body=inner, step=step):
                    first, after, following = part, self.new(), self.new()
                    tested = self.follow(prelude, first, following, after)
                    self.join(tested, after)
                    self.join(self.follow(inner, tested, following, after), following)
                    self.join(self.follow(step, following, following, after), first)
                    part = after
                case Break():
                    self.join(part, behind)
                case Continue():
                    self.join(part, again)
                case Return():
                    self.join(part, self.end)
            if isinstance(s, If | Loop) and any(isinstance(t, Break | Continue | Return) for t in walk((s,))):
                self.runs += 1  # what follows is not reached on every way
                run = self.runs
        return part


def variables(e: Expr) -> set[str]:
    found, todo = set[str](), [e]
    while todo:
        x = todo.pop()
        if isinstance(x, Var):
            found.add(x.name)
        todo += children(x)
    return found


def kinds(e: Expr) -> set[str]:
    """Names of operations that one of floats may become; all others may become each other."""
    if isinstance(e, Call):
        return {"add", "mul", "fma"} if e.function == "fma" else {e.function}
    if isinstance(e, Binary) and e.type.is_float:
        return {"add" if e.op == "sub" else e.op}
    return {"other"}


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
