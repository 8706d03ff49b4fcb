"""A launch's statements inside a sequence: names of its own, and which memory earlier launches wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tv.kernel import (
    Aligned,
    AsyncCopy,
    Atomic,
    Barrier,
    Builtin,
    Declare,
    Expr,
    Inside,
    MemRef,
    NotNull,
    Param,
    Stmt,
    Store,
    Var,
    mapped,
    walk,
)

Body = tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """variables: what is put before the names of variables and of `__restrict__` scopes. objects, scalars: old name -> new.
    geometry: built-in variable -> what it is in the whole. threads: of the launch's blocks, 0 where these are the whole's."""

    variables: str
    objects: Mapping[str, str]
    scalars: Mapping[str, str]
    geometry: Mapping[str, Expr]
    threads: int


def renamed(body: Body, names: Names, written: set[str]) -> Body:
    """written: objects that earlier launches write; those of this one are added."""
    own = {names.objects[t] for t in _targets(body)}

    def change(x: Expr | Stmt | MemRef) -> Expr | Stmt | MemRef:
        match x:
            case Var(name=n):
                return replace(x, name=names.variables + n)
            case Param(name=n):
                return replace(x, name=names.scalars[n])
            case Builtin(name=n):
                return names.geometry.get(n, x)
            case NotNull(object=o) | Declare(object=o) | Aligned(object=o) | Inside(object=o):
                return replace(x, object=names.objects[o])
            case MemRef():
                return _reference(x, names, own, written)
            case Barrier(scope="block" | "warp", inside=pointers):
                return replace(x, threads=names.threads, inside=tuple(names.variables + p for p in pointers))
            case _:
                return x

    out = mapped(body, change)
    written |= own
    return out


def _targets(body: Body) -> set[str]:
    found: set[str] = set()
    for s in walk(body):
        match s:
            case Store(ref=r) | Atomic(ref=r) | AsyncCopy(dst=r):
                found.add(r.object)
            case _:
                pass
    return found


def _reference(r: MemRef, names: Names, own: set[str], written: set[str]) -> MemRef:
    """An access of the whole. The read-only path sees what earlier launches wrote, and a value from there was in memory: no
    compiler joined its computation with what follows. `volatile` says both, and forbids nothing where this launch only reads."""
    name = names.objects[r.object]
    claims = tuple((names.variables + pointer, based) for pointer, based in r.claims)
    mode = r.access
    if name not in own:
        mode = "volatile" if name in written else "weak" if mode == "readonly" else mode
    restricted = tuple(names.variables + pointer for pointer in r.restricted)
    return replace(r, object=name, claims=claims, restricted=restricted, access=mode)
