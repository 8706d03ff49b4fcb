"""Local arrays as variables: a cell of an array that is only accessed at constant offsets is a variable of its own.

A cell is as wide as the narrowest access, so an access to several of them packs or extracts. The kernel executes as before:
a declaration of the array still makes its cells undefined (`tv.replay.frame.Frame.begin`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tv.kernel import (
    Aligned,
    Assign,
    Bitcast,
    Const,
    Expr,
    Extract,
    If,
    Kernel,
    Load,
    Loop,
    MemRef,
    Pack,
    Scalar,
    Space,
    Stmt,
    Store,
    Var,
    references,
    walk,
)
from tv.replay.frame import cell_name

_WORDS = {1: Scalar.U8, 2: Scalar.U16, 4: Scalar.U32, 8: Scalar.U64}


@dataclass(frozen=True, slots=True)
class _Cells:
    """How an array is taken apart: the type of each cell."""

    name: str
    type: Scalar

    def of(self, r: MemRef, element: int) -> list[Var]:
        """The cells of one element of a reference, the low end first."""
        assert isinstance(r.offset, Const)
        start = r.offset.bits + element * r.type.bytes
        return [
            Var(self.type, cell_name(self.name, start + k), r.span) for k in range(0, r.type.bytes, self.type.bytes)
        ]


def scattered(kernel: Kernel) -> Kernel:
    """The kernel with variables in place of those local arrays whose accesses all name their cells."""
    found = {n: _cells(kernel, n) for n, o in kernel.objects.items() if o.space is Space.LOCAL}
    cells = {n: c for n, c in found.items() if c is not None}
    if not cells:
        return kernel
    objects = {n: o for n, o in kernel.objects.items() if n not in cells}
    return replace(kernel, objects=objects, body=_rewritten(kernel.body, cells))


def _cells(kernel: Kernel, name: str) -> _Cells | None:
    """None for an object with an access that leaves it, is no load or store, or is at an offset that is not constant."""
    o = kernel.objects[name]
    size = o.element.bytes
    for extent in o.extents or (0,):
        size *= extent
    refs = [(s, r) for s in walk(kernel.body) for r in references(s) if r.object == name]
    for s, r in refs:
        at, width = r.offset.bits if isinstance(r.offset, Const) else -1, r.count * r.type.bytes
        plain = isinstance(s, Load | Store) and r.access != "volatile" and width <= o.align
        if not plain or not 0 <= at <= size - width or at % width:
            return None
    types = {r.type for _, r in refs}
    least = min((t.bytes for t in types), default=0)
    narrow = {t for t in types if t.bytes == least}
    if not narrow or any(t is Scalar.BOOL for t in types):
        return None
    made = _Cells(name, narrow.pop() if len(narrow) == 1 else _WORDS[least])
    used = {v.name for _, r in refs for k in range(r.count) for v in made.of(r, k)}
    stored = {v.name for s, r in refs if isinstance(s, Store) for k in range(r.count) for v in made.of(r, k)}
    return made if used <= stored else None  # a cell that is never written stays memory: a variable has a value


def _rewritten(body: tuple[Stmt, ...], cells: Mapping[str, _Cells]) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    for s in body:
        match s:
            case Load(ref=r, dests=dests) if r.object in cells:
                values = [_joined(cells[r.object].of(r, k), d) for k, d in enumerate(dests)]
                out += [Assign(s.span, d, v) for d, v in zip(dests, values, strict=True)]
            case Store(ref=r, values=values) if r.object in cells:
                out += _stored(s, cells[r.object])
            case Aligned(object=name) if name in cells:
                pass  # a variable has no address
            case If(then=a, orelse=b):
                out.append(replace(s, then=_rewritten(a, cells), orelse=_rewritten(b, cells)))
            case Loop(prelude=p, body=b, step=c):
                parts = [_rewritten(x, cells) for x in (p, b, c)]
                out.append(replace(s, prelude=parts[0], body=parts[1], step=parts[2]))
            case _:
                out.append(s)
    return tuple(out)


def _joined(parts: list[Var], dest: Var) -> Expr:
    """An element of the destination's type from its cells."""
    if len(parts) == 1:
        return parts[0] if parts[0].type is dest.type else Bitcast(dest.type, parts[0], dest.span)
    word = _WORDS[dest.type.bytes]
    whole = Pack(word, tuple(parts), dest.span)
    return whole if word is dest.type else Bitcast(dest.type, whole, dest.span)


def _stored(s: Store, cells: _Cells) -> list[Stmt]:
    """Values may read the cells that are written, so all of them are taken first."""
    out: list[Stmt] = []
    taken: list[tuple[list[Var], Expr]] = []
    for k, value in enumerate(s.values):
        parts = cells.of(s.ref, k)
        if len(s.values) > 1 or len(parts) > 1:
            whole = Var(value.type, f"{parts[0].name}'", s.span)
            out.append(Assign(s.span, whole, value))
            value = whole
        taken.append((parts, value))
    for parts, value in taken:
        for k, part in enumerate(parts):
            if len(parts) == 1:
                new = value if value.type is part.type else Bitcast(part.type, value, s.span)
            else:
                new = Extract(part.type, value, 8 * k * part.type.bytes, s.span)
            out.append(Assign(s.span, part, new))
    return out
