"""Sums, means and extremes over axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from megac import index as ix
from megac.dtype import DType
from megac.errors import CompileError
from megac.expr import cast
from megac.ir import Expr, Index, IndexValue
from megac.lower.builder import Builder, Place
from megac.lower.elementwise import a_float
from megac.lower.registry import lowers
from megac.lower.tensors import Shape, Tensor
from megac.lower.view import View
from megac.size import ONE, Size, product

Finish = Callable[[Place, Expr], Expr]


def reduced_shape(shape: Shape, axes: Sequence[int], keep: bool) -> Shape:
    return tuple(ONE if k in axes else e for k, e in enumerate(shape) if keep or k not in axes)


def source(
    rank: int, axes: Sequence[int], keep: bool, own: tuple[Index, ...], inner: tuple[Index, ...]
) -> tuple[Index, ...]:
    """Where an element of the result at `own` reads for the reduced indices `inner`."""
    rest = iter([i for k, i in enumerate(own) if not keep or k not in axes])
    over = iter(inner)
    return tuple(next(over) if k in axes else next(rest) for k in range(rank))


def count_of(p: Place, extents: Sequence[Size], dtype: DType) -> Expr:
    """How many elements are reduced, as a float."""
    return cast(IndexValue(ix.constant(product(extents)), DType.I64), dtype)


def folded(
    b: Builder, name: str, t: Tensor, axes: Sequence[int], keep: bool, op: Literal["sum", "max", "min"],
    each: Callable[[Place, Expr], Expr] = lambda p, x: x, finish: Finish = lambda p, total: total,
) -> Tensor:  # fmt: skip
    """`op` over axes of each(element)."""
    extents = [t.shape[a] for a in axes]
    shape = reduced_shape(t.shape, axes, keep)

    def element(p: Place, inner: tuple[Index, ...]) -> Expr:
        return each(p, p.get(t, source(t.rank, axes, keep, p.index, inner)))

    return b.fold(name, shape, op, extents, element, finish)


def _axes(n: View, t: Tensor) -> tuple[int, ...]:
    """In ascending order; all of them where none is given."""
    found = n.axes(1, t.rank)
    noop = n.flag("noop_with_empty_axes")
    if found:
        return tuple(sorted(found))
    if noop:
        raise CompileError("it reduces nothing")
    return tuple(range(t.rank))


@lowers("ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceL1", "ReduceL2")
def sums(n: View, b: Builder) -> None:
    """In f32 for 16-bit types, rounded once; a mean divides by the count."""
    t = n.input(0)
    e = a_float(t) if n.op != "ReduceSum" or t.dtype.is_float else t.dtype
    axes, keep, w = _axes(n, t), n.flag("keepdims", True), e.wide

    def each(p: Place, x: Expr) -> Expr:
        v = cast(x, w)
        if n.op in ("ReduceSumSquare", "ReduceL2"):
            return p.op("mul", v, v)
        return p.op("abs", v) if n.op == "ReduceL1" else v

    def finish(p: Place, total: Expr) -> Expr:
        if n.op == "ReduceMean":
            total = p.op("div", total, count_of(p, [t.shape[a] for a in axes], w))
        return cast(p.op("sqrt", total) if n.op == "ReduceL2" else total, e)

    b.bind(n.output(), folded(b, n.output(), t, axes, keep, "sum", each, finish))


@lowers("ReduceMax", "ReduceMin")
def extremes(n: View, b: Builder) -> None:
    """fmaxf from -inf, fminf from +inf."""
    t = n.input(0)
    op: Literal["max", "min"] = "max" if n.op == "ReduceMax" else "min"
    b.bind(n.output(), folded(b, n.output(), t, _axes(n, t), n.flag("keepdims", True), op))


@lowers("ReduceProd")
def products(n: View, b: Builder) -> None:
    """Of sizes only."""
    known = n.known(0)
    if n.axes(1, known.ndim) not in (None, tuple(range(known.ndim))) or n.flag("noop_with_empty_axes"):
        raise CompileError("it multiplies along some axes only")
    total = np.array(product(known.ravel()), dtype=object)
    if n.flag("keepdims", True):
        total = total.reshape((1,) * known.ndim)
    b.bind(n.output(), b.of_known(n.output(), total, n.input(0).dtype))
