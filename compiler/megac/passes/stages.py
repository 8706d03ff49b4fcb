"""What every pass does to stages: rewrite, reorder, drop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from megac import index as ix
from megac.dtype import DType, value_of
from megac.expr import Rewriter, loads
from megac.index import Ranges
from megac.ir import Axis, Const, Expr, Index, IndexValue, Load, Origin, Program, Select, Stage
from megac.printing import stage_key
from megac.size import ONE

Inline = Callable[[Load, Ranges], Expr | None]
TYPICAL = 1024  # what a named dimension is taken to be where work is compared


def reads(s: Stage) -> Iterator[Load]:
    """All loads of a stage."""
    for e in s.expressions:
        yield from loads(e)


def rewritten(s: Stage, axes: tuple[Axis, ...] | None = None, moved: Mapping[str, Index] | None = None,
              inline: Inline | None = None) -> Stage:  # fmt: skip
    """The stage over other axes (`moved`: an index for each old one), with loads replaced, simplified."""
    own = s.axes if axes is None else axes
    rewriter = Rewriter(moved, inline)
    outer = Ranges.of(own)
    if s.reduction is None:
        return replace(s, axes=own, body=rewriter.expr(s.body, outer))
    r = s.reduction
    inner = Ranges.of((*own, *r.axes))
    element = rewriter.expr(r.element, inner)
    where = None if r.where is None else rewriter.expr(r.where, inner)
    folded = _of_one_value(r.op, r.axes, element, outer)
    body = rewriter.expr(s.body, outer)
    if folded is not None:
        return replace(s, axes=own, body=Rewriter(reduced=folded).expr(body, outer), reduction=None)
    return replace(s, axes=own, body=body, reduction=replace(r, element=element, where=where))


def _of_one_value(kind: str, axes: tuple[Axis, ...], element: Expr, outer: Ranges) -> Expr | None:
    """What a max or min comes to where there is an element at least and every one is one number, or one of two of which the
    first or the last element is surely the extreme, as of a row of a causal mask."""
    if kind not in ("max", "min") or not element.dtype.is_float or not all((a.extent - 1).never_negative for a in axes):
        return None
    if isinstance(element, Const):
        return element
    if not (isinstance(element, Select) and isinstance(element.yes, Const) and isinstance(element.no, Const)):
        return None
    yes, no = (float(value_of(e.bits, e.dtype)) for e in (element.yes, element.no))
    if not (yes < no or no < yes):
        return None
    extreme = element.yes if (yes > no) == (kind == "max") else element.no
    ends = ({a.name: ix.constant(a.extent - 1 if last else 0) for a in axes} for last in (False, True))
    return extreme if any(Rewriter(at).expr(element, outer) == extreme for at in ends) else None


def put(made: Stage, x: Load, r: Ranges) -> Expr:
    """A stage's expression at the place of a load."""
    return Rewriter({a.name: i for a, i in zip(made.axes, x.index, strict=True)}).expr(made.body, r)


def named_axes(s: Stage) -> Stage:
    """Axes called i0, i1, ... and k0, k1, ... in their order, those of extent 1 left out."""
    names = {a.name: f"i{k}" for k, a in enumerate(a for a in s.axes if a.extent != ONE)}
    over = s.reduction.axes if s.reduction is not None else ()
    names |= {a.name: f"k{k}" for k, a in enumerate(over)}
    if all(old == new for old, new in names.items()):
        return s
    moved = {old: ix.axis(new) for old, new in names.items()}
    axes = tuple(Axis(names[a.name], a.extent) for a in s.axes)
    if s.reduction is not None:
        s = replace(s, reduction=replace(s.reduction, axes=tuple(Axis(names[a.name], a.extent) for a in over)))
    return rewritten(s, axes, moved)


def joined_origins(*groups: Iterable[Origin]) -> tuple[Origin, ...]:
    return tuple(dict.fromkeys(o for g in groups for o in g))


def inlined_origins(s: Stage, used: Iterable[Stage]) -> Stage:
    return replace(s, origin=joined_origins(*(u.origin for u in used), s.origin))


def kept_names(p: Program) -> set[str]:
    """Stages whose tensors are wanted by name: outputs and new rows of caches."""
    return {o.tensor for o in p.outputs} | {a.rows for a in p.appends}


def live(p: Program) -> Program:
    """Without stages, weights and constants that no output needs."""
    by_name = {s.name: s for s in p.stages}
    caches = {a.output: a for a in p.appends}
    waiting = [o.tensor for o in p.outputs]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in caches:
            waiting += [caches[name].rows, caches[name].input]
            waiting += [x.tensor for i in (caches[name].position,) for x in loads_of_index(i)]
        if name in by_name:
            waiting += [x.tensor for x in reads(by_name[name])]
    return replace(
        p,
        stages=tuple(s for s in p.stages if s.name in seen),
        weights=tuple(w for w in p.weights if w.name in seen),
        constants=tuple(c for c in p.constants if c.name in seen),
    )


def loads_of_index(i: Index) -> Iterator[Load]:
    yield from loads(IndexValue(i, DType.I64))


def shared(p: Program) -> Program:
    """Stages that compute the same from the same are one: the first."""
    first: dict[str, str] = {}
    same: dict[str, str] = {}
    kept: list[Stage] = []
    names = kept_names(p)
    for s in p.stages:
        text = stage_key(s, lambda n: same.get(n, n))
        if text in first and s.name not in names:
            same[s.name] = first[text]
            continue
        first.setdefault(text, s.name)
        kept.append(s)
    if not same:
        return p

    def instead(x: Load, r: Ranges) -> Expr | None:
        return replace(x, tensor=same[x.tensor]) if x.tensor in same else None

    return replace(
        p, stages=tuple(rewritten(s, inline=instead) if any(x.tensor in same for x in reads(s)) else s for s in kept)
    )


def work(axes: Iterable[Axis]) -> int:
    """How many elements, with a typical number for each named dimension."""
    out = 1
    for a in axes:
        out *= a.extent.at(dict.fromkeys(a.extent.names, TYPICAL))
    return out


def early_stages(p: Program) -> set[str]:
    """Stages that no layer need wait for: what they are computed from has no reduction in it, or no weight."""
    caches = {a.output: a.rows for a in p.appends}
    weights = {w.name for w in p.weights}
    reduced: set[str] = set()
    weighed: set[str] = set()
    out: set[str] = set()
    for s in p.stages:
        names = {caches.get(x.tensor, x.tensor) for x in reads(s)}
        if s.reduction is not None or names & reduced:
            reduced.add(s.name)
        if names & (weights | weighed) or any(x.tensor in caches for x in reads(s)):
            weighed.add(s.name)
        if not (s.name in reduced and s.name in weighed):
            out.add(s.name)
    return out
