"""Operators that only move elements: each becomes a map of indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from megac import index as ix
from megac.errors import CompileError
from megac.expr import select
from megac.index import Ranges
from megac.ir import Expr, Index
from megac.lower.builder import Builder, Place
from megac.lower.registry import lowers
from megac.lower.tensors import Known, Shape, Tensor, broadcast, broadcast_index, normal_axis, shape_text, small, valid
from megac.lower.view import View
from megac.size import ONE, ZERO, Size, product

Move = Callable[[tuple[Index, ...], Ranges], tuple[Index, ...]]


def move(
    b: Builder, name: str, t: Tensor, shape: Shape, where: Move, known: Callable[[Known], Any] | None = None
) -> Tensor:
    """The tensor whose element at an index is that of t at `where(index)`; `known` does the same with a numpy array."""
    if t.known is not None and known is not None and small(valid(shape)):
        return b.of_known(name, known(t.known), t.dtype)
    if t.uniform is not None:
        return b.of_uniform(name, t.uniform, shape)
    return b.define(name, t.dtype, shape, lambda p: p.get(t, where(p.index, p.ranges)))


def numbers(shape: Shape) -> tuple[int, ...]:
    return tuple(e.const for e in shape)


# ---------------------------------------------------------------------------------------------------------- shapes
def reshaped(b: Builder, name: str, t: Tensor, shape: Shape) -> Tensor:
    """The same elements, row-major, in another shape of as many. Raises CompileError for one of other than as many."""
    groups = _groups(t.shape, shape)
    return move(b, name, t, shape, lambda own, r: _unflatten(groups, t.shape, shape, own, r),
                lambda v: v.reshape(numbers(shape)))  # fmt: skip


def _groups(old: Shape, new: Shape) -> list[tuple[list[int], list[int]]]:
    """Runs of dimensions of the two with the same number of elements, those of extent 1 left out."""
    a = [k for k, e in enumerate(old) if e != ONE]
    c = [k for k, e in enumerate(new) if e != ONE]
    out: list[tuple[list[int], list[int]]] = []
    while a or c:
        left, right = ([a.pop(0)] if a else []), ([c.pop(0)] if c else [])
        x, y = product(old[k] for k in left), product(new[k] for k in right)
        while x != y:
            if c and y.at_most(x):
                right.append(c.pop(0))
                y = y * new[right[-1]]
            elif a and x.at_most(y):
                left.append(a.pop(0))
                x = x * old[left[-1]]
            else:
                raise CompileError(f"the shape {shape_text(old)} does not become {shape_text(new)}")
        out.append((left, right))
    return out


def _unflatten(
    groups: list[tuple[list[int], list[int]]], old: Shape, new: Shape, own: tuple[Index, ...], r: Ranges
) -> tuple[Index, ...]:
    out = [ix.constant(0)] * len(old)
    for left, right in groups:
        flat = ix.constant(0)
        for k in right:
            flat = ix.add(ix.scaled(flat, new[k]), own[k])
        for k in reversed(left[1:]):
            out[k] = r.remainder(flat, old[k])
            flat = r.quotient(flat, old[k])
        out[left[0]] = flat
    return tuple(out)


@lowers("Reshape")
def reshape(n: View, b: Builder) -> None:
    t, wanted = n.input(0), list(n.known(1).ravel())
    zero = n.flag("allowzero")
    shape = [t.shape[k] if s == ZERO and not zero and k < t.rank else s for k, s in enumerate(wanted)]
    if shape.count(Size(-1)) > 1:
        raise CompileError("its shape has -1 twice")
    if Size(-1) in shape:
        shape[shape.index(Size(-1))] = _rest(t.shape, [s for s in shape if s != Size(-1)])
    b.bind(n.output(), reshaped(b, n.output(), t, tuple(shape)))


def _rest(old: Shape, others: list[Size]) -> Size:
    """What is left of the product when the others are divided out."""
    left = [e for e in old if e != ONE]
    over = []
    for s in others:
        if s in left:
            left.remove(s)
        elif s != ONE:
            over.append(s)
    found = product(left).divided(product(over)) if ZERO not in over else None
    if found is None:
        raise CompileError(f"-1 in its shape is no whole number for {shape_text(old)}")
    return found


@lowers("Flatten")
def flatten(n: View, b: Builder) -> None:
    t = n.input(0)
    axis = n.attribute("axis", 1)
    at = axis if axis == t.rank else normal_axis(axis, t.rank)
    b.bind(n.output(), reshaped(b, n.output(), t, (product(t.shape[:at]), product(t.shape[at:]))))


@lowers("Squeeze")
def squeeze(n: View, b: Builder) -> None:
    t = n.input(0)
    axes = n.axes(1, t.rank)
    gone = tuple(k for k, e in enumerate(t.shape) if e == ONE) if axes is None else axes
    if any(t.shape[k] != ONE for k in gone):
        raise CompileError(f"it takes an extent other than 1 out of {shape_text(t.shape)}")
    b.bind(n.output(), reshaped(b, n.output(), t, tuple(e for k, e in enumerate(t.shape) if k not in gone)))


@lowers("Unsqueeze")
def unsqueeze(n: View, b: Builder) -> None:
    t = n.input(0)
    count = len(n.attribute("axes", ())) if n.given("axes") else len(n.integers(1))
    axes = n.axes(1, t.rank + count) or ()
    rest = iter(t.shape)
    shape = tuple(ONE if k in axes else next(rest) for k in range(t.rank + count))
    b.bind(n.output(), reshaped(b, n.output(), t, shape))


@lowers("Transpose")
def transpose(n: View, b: Builder) -> None:
    t = n.input(0)
    perm = n.attribute("perm", tuple(range(t.rank))[::-1])
    if sorted(perm) != list(range(t.rank)):
        raise CompileError(f"its permutation {list(perm)} is none of {t.rank} dimensions")
    shape = tuple(t.shape[k] for k in perm)
    place = {k: d for d, k in enumerate(perm)}
    moved = move(b, n.output(), t, shape, lambda own, r: tuple(own[place[k]] for k in range(t.rank)),
                 lambda v: v.transpose(perm))  # fmt: skip
    b.bind(n.output(), moved)


@lowers("Expand")
def expand(n: View, b: Builder) -> None:
    t = n.input(0)
    shape = broadcast([t.shape, tuple(n.known(1).ravel())])
    moved = move(b, n.output(), t, shape, lambda own, r: broadcast_index(t.shape, own),
                 lambda v: np.broadcast_to(v, numbers(shape)))  # fmt: skip
    b.bind(n.output(), moved)


@lowers("Tile")
def tile(n: View, b: Builder) -> None:
    t, times = n.input(0), list(n.known(1).ravel())
    if len(times) != t.rank or any(s.constant is None for s in times):
        raise CompileError("its repeats are of another number than its dimensions, or depend on one")
    shape = tuple(e * s for e, s in zip(t.shape, times, strict=True))
    counts = [s.const for s in times]
    moved = move(b, n.output(), t, shape,
                 lambda own, r: tuple(r.remainder(i, e) for i, e in zip(own, t.shape, strict=True)),
                 lambda v: np.tile(v, counts))  # fmt: skip
    b.bind(n.output(), moved)


# ------------------------------------------------------------------------------------------------------------- parts
def part(b: Builder, name: str, t: Tensor, axis: int, start: Size, extent: Size, step: int = 1) -> Tensor:
    """`extent` elements along an axis, from `start`, each `step` after the one before."""
    shape = tuple(extent if k == axis else e for k, e in enumerate(t.shape))

    def where(own: tuple[Index, ...], r: Ranges) -> tuple[Index, ...]:
        return tuple(ix.shifted(ix.scaled(i, step), start) if k == axis else i for k, i in enumerate(own))

    def known(v: Known) -> Any:
        return v.take(range(start.const, start.const + step * extent.const, step), axis)

    fixed = start.constant is not None and extent.constant is not None
    return move(b, name, t, shape, where, known if fixed else None)


@lowers("Slice")
def slices(n: View, b: Builder) -> None:
    t = n.input(0)
    starts, ends = list(n.known(1).ravel()), list(n.known(2).ravel())
    axes = tuple(normal_axis(a, t.rank) for a in n.integers(3)) if n.optional(3) is not None else range(len(starts))
    steps = n.integers(4) if n.optional(4) is not None else [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or len({*axes}) != len(axes):
        raise CompileError("its starts, ends, axes and steps do not fit each other")
    out = t
    for k, (start, end, axis, step) in enumerate(zip(starts, ends, axes, steps, strict=True)):
        if step <= 0:
            raise CompileError(f"its step {step} goes backwards")
        first, last = (_clamped(s, t.shape[axis]) for s in (start, end))
        count = last - first
        if not count.never_negative:
            count = ZERO if (-count).never_negative else _undecided(first, last)
        whole = (count + (step - 1)).divided(Size(step)) if count.constant is None else Size(-(-count.const // step))
        if whole is None:
            raise CompileError(f"{count} elements by steps of {step} are no whole number for every dimension")
        out = part(b, n.output() if k == len(axes) - 1 else f"{n.output()}.{k}", out, axis, first, whole, step)
    b.bind(n.output(), out)


def _undecided(a: Size, b: Size) -> Size:
    raise CompileError(f"its bounds {a} and {b} are in no fixed order")


def _clamped(s: Size, extent: Size) -> Size:
    """A bound of a slice in 0 .. extent; negative ones count from the end."""
    if (-s - 1).never_negative:  # surely negative
        s = (
            s + extent
            if (s + extent).never_negative
            else ZERO
            if (-(s + extent)).never_negative
            else _undecided(s, extent)
        )
    if not s.never_negative:
        return _undecided(s, extent)
    return s if s.at_most(extent) else extent if extent.at_most(s) else _huge(s, extent)


def _huge(s: Size, extent: Size) -> Size:
    """A number that no extent reaches, as exporters write for `to the end`."""
    return extent if s.constant is not None and s.const >= 2**31 - 1 else _undecided(s, extent)


@lowers("Split")
def split(n: View, b: Builder) -> None:
    t = n.input(0)
    axis = n.axis(0, t.rank)
    count = n.attribute("num_outputs", len(n.node.outputs))
    if count < 1:
        raise CompileError(f"it splits into {count} parts")
    if n.optional(1) is not None:
        extents = list(n.known(1).ravel())
    else:
        whole = t.shape[axis]
        each = whole.divided(Size(count))
        if each is None and whole.constant is None:
            raise CompileError(f"an extent of {whole} does not split into {count}")
        size = each if each is not None else Size(-(-whole.const // count))
        extents = [size] * (count - 1) + [whole - size * (count - 1)]
    if sum(extents, ZERO) != t.shape[axis] or len(extents) < len(n.node.outputs):
        raise CompileError(f"its parts do not make up an extent of {t.shape[axis]}")
    start = ZERO
    for k, name in enumerate(n.node.outputs):
        if name:
            b.bind(name, part(b, name, t, axis, start, extents[k]))
        start = start + extents[k]


@lowers("Concat")
def concat(n: View, b: Builder) -> None:
    tensors = n.inputs()
    rank = tensors[0].rank
    axis = n.axis(0, rank)
    shape = joined_shape(tensors, axis)
    if all(t.known is not None for t in tensors):
        values = [t.known for t in tensors if t.known is not None]
        b.bind(n.output(), b.of_known(n.output(), np.concatenate(values, axis), tensors[0].dtype))
        return
    b.bind(n.output(), joined(b, n.output(), [t for t in tensors if t.shape[axis] != ZERO], axis, shape))


def joined_shape(tensors: Sequence[Tensor], axis: int) -> Shape:
    first = tensors[0]
    for t in tensors:
        others = [(e, f) for k, (e, f) in enumerate(zip(t.shape, first.shape, strict=False)) if k != axis]
        if t.rank != first.rank or t.dtype != first.dtype or any(e != f for e, f in others):
            raise CompileError(f"{shape_text(first.shape)} and {shape_text(t.shape)} do not join along axis {axis}")
    return tuple(sum((t.shape[axis] for t in tensors), ZERO) if k == axis else e for k, e in enumerate(first.shape))


def joined(b: Builder, name: str, tensors: Sequence[Tensor], axis: int, shape: Shape) -> Tensor:
    """The tensors one after the other; copies of one are that one, its own index again and again."""
    if len({t.name for t in tensors}) == 1 and tensors[0].known is None and tensors[0].uniform is None:
        t = tensors[0]
        return b.define(name, t.dtype, shape, lambda p: p.get(t, tuple(
            p.ranges.remainder(i, t.shape[axis]) if k == axis else i for k, i in enumerate(p.index))))  # fmt: skip

    starts = [ZERO]
    for t in tensors:
        starts.append(starts[-1] + t.shape[axis])

    def piece(p: Place, first: int, last: int) -> Expr:
        """The element among tensors first .. last - 1."""
        if last - first == 1:
            at = (ix.shifted(i, -starts[first]) if k == axis else i for k, i in enumerate(p.index))
            return p.get(tensors[first], tuple(at))
        half = (first + last) // 2
        return select(p.below(p.index[axis], starts[half]), piece(p, first, half), piece(p, half, last))

    return b.define(name, tensors[0].dtype, shape, lambda p: piece(p, 0, len(tensors)))
