"""What statements read and write, for the evaluation orders that the language leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tv.kernel import (
    Assume,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Expr,
    Fence,
    Load,
    MemoryObject,
    Space,
    Stmt,
    Store,
    Var,
    assigned,
    children,
    expressions,
    walk,
)  # fmt: skip

Part = tuple[tuple[Stmt, ...], tuple[Expr, ...]]


def variables(e: Expr) -> Iterable[str]:
    """Names of the variables in an expression."""
    stack = [e]
    while stack:
        top = stack.pop()
        if isinstance(top, Var):
            yield top.name
        stack.extend(children(top))


@dataclass(slots=True)
class Effects:
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)
    order: bool = False  # a barrier, fence, atomic or asynchronous copy


def effects(part: Part) -> Effects:
    """Variables and memory objects of the statements, and variables of the expressions evaluated after them."""
    statements, results = part
    found = Effects()
    for e in results:
        found.reads.update(variables(e))
    for s in walk(statements):
        found.writes.update(v.name for v in assigned(s))
        for e in expressions(s):
            found.reads.update(variables(e))
        match s:
            case Load(ref=r):
                if r.access != "readonly":
                    found.loads.add(r.object)
            case Store(ref=r):
                found.stores.add(r.object)
            case Atomic(ref=r):
                found.stores.add(r.object)
                found.order = True
            case AsyncCopy(dst=d, src=r):
                found.stores.add(d.object)
                found.loads.add(r.object)
                found.order = True
            case Barrier() | Fence() | AsyncCommit() | AsyncWait() | Assume():
                found.order = True
            case _:
                pass
    return found


def _memory_clash(a: Effects, b: Effects, objects: Mapping[str, MemoryObject]) -> str:
    def spaces(names: set[str]) -> set[str]:
        # buffers may overlap where the launch binds them so: all global memory counts as one here
        return {"global memory" if space_of(n, objects) is Space.GLOBAL else n for n in names}

    shared = spaces(a.stores) & (spaces(b.stores) | spaces(b.loads))
    return f"`{min(shared)}` is written and used" if shared else ""


def clash(one: Part, other: Part, objects: Mapping[str, MemoryObject]) -> str:
    """What two parts both touch so that their order could be seen; empty where it cannot."""
    if not one[0] and not other[0]:
        return ""
    a, b = effects(one), effects(other)
    for x, y in ((a, b), (b, a)):
        both = x.writes & (y.reads | y.writes)
        if both:
            return f"`{min(both)}` is changed and used"
        what = _memory_clash(x, y, objects)
        if what:
            return what
        if x.order and (y.order or _visible(y, objects)):
            return "a synchronisation or atomic stands beside other memory accesses"
    return ""


def _visible(e: Effects, objects: Mapping[str, MemoryObject]) -> bool:
    return any(space_of(n, objects) is not Space.LOCAL for n in e.loads | e.stores)


def space_of(name: str, objects: Mapping[str, MemoryObject]) -> Space:
    """An object that is not declared stands for a variable without a value, which is local."""
    return objects[name].space if name in objects else Space.LOCAL
