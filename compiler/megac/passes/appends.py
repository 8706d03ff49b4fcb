"""Caches: graph outputs that are an input with new rows, made in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from megac import index as ix
from megac.index import Ranges
from megac.ir import Append, Axis, AxisRef, Data, Expr, Index, IndexTest, Input, Load, Output, Program, Select, Stage
from megac.passes.cost import is_layout, short
from megac.passes.stages import live, put, reads, rewritten
from megac.size import ONE, ZERO, Size


@dataclass(frozen=True, slots=True)
class _Found:
    append: Append
    rows: Stage


def with_appends(p: Program) -> Program:
    """The program with outputs of the form `input with rows` as appends, where nothing else reads the input."""
    refused: set[str] = set()
    while True:
        found = _found(p, refused)
        out = _applied(p, found)
        caches = {f.append.input for f in found}
        users = {x.tensor for s in out.stages for x in reads(s)} & caches
        if not users:
            return out
        refused |= users


def _found(p: Program, refused: set[str]) -> list[_Found]:
    inputs = {i.name: i for i in p.inputs if i.name not in refused}
    opened = _opened(p)
    out: list[_Found] = []
    for o in p.outputs:
        s = opened.get(o.tensor)
        found = None if s is None else _append(s, o, inputs)
        if found is not None:
            out.append(found)
            del inputs[found.append.input]
    return out


def _opened(p: Program) -> dict[str, Stage]:
    """Outputs that only move elements or write rows, with what they read of that kind put into them."""
    moving = {s.name: s for s in p.stages if is_layout(s) or _writes(s)}
    waiting = [o.tensor for o in p.outputs]
    wanted: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in moving and name not in wanted:
            wanted.add(name)
            waiting += [x.tensor for x in reads(moving[name])]
    out: dict[str, Stage] = {}

    def inline(x: Load, r: Ranges) -> Expr | None:
        return put(out[x.tensor], x, r) if x.tensor in out and short(out[x.tensor].body) else None

    for s in p.stages:
        if s.name in wanted:
            out[s.name] = rewritten(s, inline=inline)
    return out


def _writes(s: Stage) -> bool:
    return (
        s.reduction is None
        and isinstance(s.body, Select)
        and isinstance(s.body.cond, IndexTest)
        and s.body.cond.kind == "eq"
    )


def _append(s: Stage, o: Output, inputs: Mapping[str, Input]) -> _Found | None:
    if not isinstance(s.body, Select) or not isinstance(s.body.cond, IndexTest):
        return None
    test, yes, no = s.body.cond, s.body.yes, s.body.no
    old, new = (yes, no) if test.kind == "ge" else (no, yes)
    if not isinstance(old, Load) or old.tensor not in inputs:
        return None
    cache = inputs[old.tensor]
    place = _place(test, o.shape)
    if place is None or len(cache.shape) != len(o.shape) or cache.dtype != o.dtype:
        return None
    axis, position = place
    if not _is_identity(old, cache, o.shape, axis):
        return None
    count = o.shape[axis] - cache.shape[axis] if test.kind == "ge" else ONE
    if not _fits(test.kind, position, count, cache.shape[axis], o.shape[axis]):
        return None
    rows = _rows(s, new, axis, position, count)
    append = Append(cache.name, o.name, axis, position, count, rows.name, o.shape, o.dtype)
    return _Found(append, rows)


def _place(test: IndexTest, shape: tuple[Size, ...]) -> tuple[int, Index] | None:
    """The axis, and the position from which on rows are new: axis < position, or axis = position."""
    for axis in range(len(shape)):
        own = ix.axis(f"i{axis}")
        for sign in (1, -1):
            left = ix.subtract(test.index, ix.scaled(own, sign))
            if any(isinstance(a, AxisRef) for a, _ in left.terms):
                continue
            if test.kind == "ge" and sign == -1:  # position - 1 - axis >= 0
                return axis, ix.shifted(left, 1)
            if test.kind == "eq":
                return axis, ix.scaled(left, -sign)
    return None


def _is_identity(old: Load, cache: Input, shape: tuple[Size, ...], axis: int) -> bool:
    for k, (i, e, f) in enumerate(zip(old.index, cache.shape, shape, strict=True)):
        own = ix.constant(0) if e == ONE else ix.axis(f"i{k}")
        if i != own or (k != axis and e != f):
            return False
    return True


def _fits(kind: str, position: Index, count: Size, before: Size, after: Size) -> bool:
    if kind == "ge":
        return position.size == before and (count - 1).never_negative
    datum = len(position.terms) == 1 and isinstance(position.terms[0][0], Data) and position.terms[0][1] == ONE
    return datum and position.const == ZERO and before == after


def _rows(s: Stage, new: Expr, axis: int, position: Index, count: Size) -> Stage:
    name = f"i{axis}"
    own = position if count == ONE else ix.add(ix.axis(name), position)
    axes = tuple(Axis(name, count) if a.name == name else a for a in s.axes if a.name != name or count != ONE)
    return rewritten(replace(s, name=f"{s.name}.new", body=new), axes, {name: own})


def _applied(p: Program, found: list[_Found]) -> Program:
    rows = {f.append.output: f for f in found}
    tensors = {o.tensor: o.name for o in p.outputs if o.name in rows}

    def instead(x: Load, r: Ranges) -> Expr | None:
        """A read of the output's stage as one of the cache, in full rank."""
        if x.tensor not in tensors:
            return None
        given = iter(x.index)
        shape = rows[tensors[x.tensor]].append.shape
        return Load(tensors[x.tensor], tuple(ix.constant(0) if e == ONE else next(given) for e in shape), x.dtype)

    stages = []
    for s in p.stages:
        s = rows[tensors[s.name]].rows if s.name in tensors else s
        stages.append(rewritten(s, inline=instead) if any(x.tensor in tensors for x in reads(s)) else s)
    outputs = tuple(replace(o, tensor=o.name) if o.name in rows else o for o in p.outputs)
    appends = tuple(f.append for f in found)
    return live(replace(p, stages=tuple(stages), outputs=outputs, appends=appends))
