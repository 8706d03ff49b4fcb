"""The part of a kernel that one value of one store hangs on: a huge kernel's values differ in it much sooner.

A thread that leaves 64 results need only compute one of them to show that it is wrong. What the other stores leave in the
same object goes to a copy of it, so that afterwards it is known where they would have stored: an element counts only where
the chosen value alone was stored. Everything that this value, the addresses and the control flow hang on is executed as in
the whole kernel; so what it leaves in such an element is what the kernel leaves there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from tv.kernel import (
    AsyncCopy,
    Atomic,
    Binary,
    Const,
    If,
    Kernel,
    Load,
    Loop,
    MemRef,
    Scalar,
    Space,
    Stmt,
    Store,
    references,
    walk,
)
from tv.refute.scattering import scattered
from tv.refute.slicing import Cut, sliced
from tv.refute.unrolling import unrolled
from tv.replay.contraction import contract

OTHERS = "'"  # ends the name of the object that holds what the other stores leave
FEWEST = 8  # values that a kernel stores, for one of them to be chosen


@dataclass(frozen=True, slots=True)
class Target:
    """The value of a store, of the kernel with its loops unrolled: the store's place among all, and which element."""

    object: str
    store: int
    element: int


def targets(kernel: Kernel, outputs: tuple[str, ...]) -> list[Target]:
    """Values that may be shown alone: a few of those that go to outputs which the kernel does not read. None where they are few."""
    out: list[Target] = []
    for name in outputs:
        if not _only_stored(kernel, name):
            continue
        own = [Target(name, k, e) for k, s in _stores(prepared(kernel, False), name) for e in range(len(s.values))]
        if len(own) >= FEWEST:
            out += [own[0], own[-1], own[len(own) // 2]]
    return out


def alone(kernel: Kernel, target: Target, fmad: bool) -> Kernel:
    """The part of the kernel, contracted if `fmad`, that the target hangs on."""
    whole = prepared(kernel, fmad)
    objects = dict(whole.objects)
    original = objects[target.object]
    objects[target.object + OTHERS] = replace(original, name=target.object + OTHERS)
    chosen: list[Store] = []
    body = _redirected(whole.body, target, iter(range(1 << 30)), chosen)
    return sliced(replace(whole, objects=objects, body=body), Cut((target.object + OTHERS,)), [id(s) for s in chosen])


@lru_cache(maxsize=4)
def _prepared_by_id(key: _Same, fmad: bool) -> Kernel:
    return scattered(unrolled(contract(key.kernel) if fmad else key.kernel))


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A kernel, compared by identity."""

    kernel: Kernel

    def __hash__(self) -> int:
        return id(self.kernel)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.kernel is self.kernel


def prepared(kernel: Kernel, fmad: bool) -> Kernel:
    """The kernel, contracted if `fmad`, with its short loops written out and its local arrays as variables: so it runs faster."""
    return _prepared_by_id(_Same(kernel), fmad)


def _only_stored(kernel: Kernel, name: str) -> bool:
    if name not in kernel.objects or kernel.objects[name].space is not Space.GLOBAL:
        return False
    for s in walk(kernel.body):
        if isinstance(s, Load | Atomic | AsyncCopy) and any(r.object == name for r in references(s)):
            return False
    return True


def _stores(kernel: Kernel, name: str) -> Iterator[tuple[int, Store]]:
    """The stores to an object, with their place among all stores to it."""
    own = [s for s in walk(kernel.body) if isinstance(s, Store) and s.ref.object == name]
    yield from enumerate(own)


def _redirected(body: tuple[Stmt, ...], target: Target, places: Iterator[int], chosen: list[Store]) -> tuple[Stmt, ...]:
    """The statements with all stores to the target's object but its own sent to the copy, in the order of the text."""
    out: list[Stmt] = []
    for s in body:
        match s:
            case Store(ref=r) if r.object == target.object:
                out += _parts(s, target, next(places), chosen)
            case If(then=a, orelse=b):
                then = _redirected(a, target, places, chosen)
                out.append(replace(s, then=then, orelse=_redirected(b, target, places, chosen)))
            case Loop(prelude=p, body=b, step=c):
                first = _redirected(p, target, places, chosen)
                second = _redirected(b, target, places, chosen)
                out.append(replace(s, prelude=first, body=second, step=_redirected(c, target, places, chosen)))
            case _:
                out.append(s)
    return tuple(out)


def _parts(s: Store, target: Target, place: int, chosen: list[Store]) -> Iterator[Stmt]:
    """A store as one of each element: the target's goes where it belongs, the others to the copy."""
    copy = replace(s.ref, object=target.object + OTHERS)
    if place != target.store:
        yield replace(s, ref=copy)
        return
    for e, value in enumerate(s.values):
        one = replace(_element(s.ref if e == target.element else copy, e))
        part = Store(s.span, one, (value,))
        if e == target.element:
            chosen.append(part)
        yield part


def _element(r: MemRef, k: int) -> MemRef:
    offset = Binary(Scalar.I64, "add", r.offset, Const(Scalar.I64, k * r.type.bytes), span=r.span) if k else r.offset
    return replace(r, offset=offset, count=1)
