"""Operators that fold a tensor along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from tv.diagnostic import Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import F32
from tv.graph_frontend.functions import extreme_name
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE, Product, Shape
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.term import Term


def reduced_axes(n: NodeView, rank: int) -> tuple[tuple[int, ...], bool]:
    """Axes to reduce, sorted, and whether they stay as extents of 1: from the attribute or, in later versions, input 1."""
    keep = n.flag("keepdims", True)
    empty_is_none = n.flag("noop_with_empty_axes", False)
    axes = n.integers("axes")
    given = n.optional(1)
    if axes is None and given is not None:
        axes = given.integers(n.what)
    if not axes:
        axes = () if empty_is_none else tuple(range(rank))
    return tuple(sorted({n.wrap_axis(a, rank) for a in axes})), keep


def reduced_shape(shape: Shape, axes: Sequence[int], keep: bool) -> Shape:
    return tuple(ONE if k in axes else e for k, e in enumerate(shape) if keep or k not in axes)


def source_index(
    rank: int, axes: Sequence[int], keep: bool, own: Sequence[Affine], inner: Sequence[Affine]
) -> tuple[Affine, ...]:
    """The index into the operand: inner indices along the axes, the result's own elsewhere."""
    rest = list(own) if not keep else [i for k, i in enumerate(own) if k not in axes]
    along = dict(zip(axes, inner, strict=True))
    return tuple(along[k] if k in along else rest.pop(0) for k in range(rank))


def fold_axes(n: NodeView, b: Builder, x: Tensor, axes: Sequence[int], keep: bool, op: str, init: Callable[[Place], Term],
              map_element: Callable[[Place, Term], Term]) -> Callable[[Place], Term]:  # fmt: skip
    """The body of a reduction of map_element(x) along axes."""
    extents = [x.shape[a] for a in axes]

    def body(p: Place) -> Term:
        def contribution(q: Place, inner: tuple[Affine, ...]) -> Term:
            return map_element(q, q.get(x, source_index(x.rank, axes, keep, p.index, inner)))

        return p.reduce(op, extents, contribution, init(p))

    return body


def float_sum(
    n: NodeView, b: Builder, x: Tensor, axes: Sequence[int], keep: bool, square: bool = False, absolute: bool = False
) -> Tensor:
    """The sum (of squares, of absolute values) along axes in f32, or f64 for f64, from +0; its own tensor."""
    e = x.element
    w = F32 if e.narrow else e

    def element(p: Place, t: Term) -> Term:
        v = p.op(f"fabs.{w.op}", p.convert(t, e, w)) if absolute else p.convert(t, e, w)
        return p.op(f"fmul.{w.op}", v, v) if square else v

    body = fold_axes(n, b, x, axes, keep, f"fadd.{w.op}", lambda p: p.number(0.0, w), element)
    return b.inner(n, "f32" if e.narrow else "sum", w, reduced_shape(x.shape, axes, keep), body)


def count_of(n: NodeView, shape: Shape, axes: Sequence[int]) -> Affine:
    """How many elements are averaged; Unsupported where that is a product of open sizes."""
    return Product.of([shape[a] for a in axes]).extent(n.what)


@denotes("ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceMean", since=1)
def float_reduction(n: NodeView, b: Builder) -> None:
    """the sum (of x, x*x, |x|) in f32 from +0, one rounding at the end; L2 takes the root, Mean divides by the count"""
    x = n.input(0)
    axes, keep = reduced_axes(n, x.rank)
    e, op = x.element, n.node.op
    if not e.is_float:
        integer_sum(n, b, x, axes, keep)
        return
    w = F32 if e.narrow else e
    shape = reduced_shape(x.shape, axes, keep)
    if not axes:
        identity_reduction(n, b, x)
        return
    square, absolute = op in ("ReduceSumSquare", "ReduceL2"), op == "ReduceL1"
    if not e.narrow and op not in ("ReduceMean", "ReduceL2"):
        w_add, name = f"fadd.{w.op}", f"fmul.{w.op}"

        def element(p: Place, t: Term) -> Term:
            v = p.op(f"fabs.{w.op}", t) if absolute else t
            return p.op(name, v, v) if square else v

        b.define(n, 0, e, shape, fold_axes(n, b, x, axes, keep, w_add, lambda p: p.number(0.0, w), element))
        return
    count = count_of(n, x.shape, axes) if op == "ReduceMean" else Affine.of(1)
    total = float_sum(n, b, x, axes, keep, square, absolute)

    def finish(p: Place) -> Term:
        s = p.get(total)
        if op == "ReduceMean":
            s = p.op(f"fdiv.{w.op}", s, p.count(count, w))
        if op == "ReduceL2":
            s = p.op(f"fsqrt.{w.op}", s)
        return p.convert(s, w, e)

    b.define(n, 0, e, shape, finish)


def integer_sum(n: NodeView, b: Builder, x: Tensor, axes: Sequence[int], keep: bool) -> None:
    if not axes:
        identity_reduction(n, b, x)
        return
    if n.node.op != "ReduceSum" or x.element.kind == "bool":
        raise Unsupported("TV0312", f"{n.what} on {x.element.label}")
    w = x.element.width
    body = fold_axes(n, b, x, axes, keep, f"add.i{w}", lambda p: p.bits(0, w), lambda p, t: t)
    b.define(n, 0, x.element, reduced_shape(x.shape, axes, keep), body)


def identity_reduction(n: NodeView, b: Builder, x: Tensor) -> None:
    """noop_with_empty_axes: the tensor itself; what squares and roots do then is not settled."""
    if n.node.op not in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"):
        raise Unsupported("TV0311", f"{n.what} over no axes")
    b.define(n, 0, x.element, x.shape, lambda p: p.get(x))


@denotes("ReduceMax", "ReduceMin", since=1)
def extreme_reduction(n: NodeView, b: Builder) -> None:
    """fmaxf over the axes from -inf (fminf from +inf): elements that are no NaN win (--strict-nan: NaN wins); integers from
    the type's end"""
    x = n.input(0)
    axes, keep = reduced_axes(n, x.rank)
    e, largest = x.element, n.node.op == "ReduceMax"
    shape = reduced_shape(x.shape, axes, keep)
    if not axes:
        identity_reduction(n, b, x)
        return
    if e.kind == "bool":
        raise Unsupported("TV0312", f"{n.what} on booleans")
    if e.is_float:
        strict = b.options.strict_nan
        b.assume(
            f"{n.node.op} starts from {'-' if largest else '+'}inf and {'propagates' if strict else 'ignores'} NaN"
        )
        op, first = f"{extreme_name(largest, strict)}.{e.op}", -inf if largest else inf
        b.define(n, 0, e, shape, fold_axes(n, b, x, axes, keep, op, lambda p: p.number(first, e), lambda p, t: t))
        return
    op = ("s" if e.kind == "signed" else "u") + ("max" if largest else "min") + f".i{e.width}"
    end = e.limits()[0 if largest else 1]
    b.define(n, 0, e, shape, fold_axes(n, b, x, axes, keep, op, lambda p: p.bits(end, e.width), lambda p, t: t))


@denotes("ReduceProd", since=1)
def product_reduction(n: NodeView, b: Builder) -> None:
    """the product over the axes in f32 from 1, in ascending order, one rounding at the end; integers wrap"""
    x = n.input(0)
    axes, keep = reduced_axes(n, x.rank)
    e = x.element
    if not axes or e.kind == "bool":
        raise Unsupported(
            "TV0311" if not axes else "TV0312", f"{n.what} {'over no axes' if not axes else 'on booleans'}"
        )
    w = F32 if e.narrow else e
    shape = reduced_shape(x.shape, axes, keep)
    op = f"fmul.{w.op}" if e.is_float else f"mul.i{w.width}"

    def one(p: Place) -> Term:
        return p.number(1.0, w) if e.is_float else p.bits(1, w.width)

    body = fold_axes(n, b, x, axes, keep, op, one, lambda p, t: p.convert(t, e, w))
    if w == e:
        b.define(n, 0, e, shape, body)
        return
    total = b.inner(n, "f32", w, shape, body)
    b.define(n, 0, e, shape, lambda p: p.convert(p.get(total), w, e))


@denotes("CumSum", since=11)
def cumulative_sum(n: NodeView, b: Builder) -> None:
    """the sum of the elements up to (or, exclusive, before) the index, from the front or, reverse, from the back; f32 inside"""
    cumulative(n, b, "add", 0)


@denotes("CumProd", since=26)
def cumulative_product(n: NodeView, b: Builder) -> None:
    """as CumSum, of products, from 1"""
    cumulative(n, b, "mul", 1)


def cumulative(n: NodeView, b: Builder, fold: str, start: int) -> None:
    """Output 0: `start` folded with the elements up to the own index."""
    x = n.input(0)
    along = n.input(1).scalar(n.what).constant
    if along is None:
        raise Unsupported("TV0314", f"{n.what}: an axis that depends on open sizes")
    axis = n.wrap_axis(along, x.rank)
    exclusive, reverse = n.flag("exclusive", False), n.flag("reverse", False)
    e = x.element
    if e.kind == "bool":
        raise Unsupported("TV0313", f"{n.what} on booleans")
    last = x.shape[axis] - 1
    w = F32 if e.narrow else e

    def body(p: Place) -> Term:
        count = (last - p.index[axis] if reverse else p.index[axis]) + (0 if exclusive else 1)

        def contribution(q: Place, inner: tuple[Affine, ...]) -> Term:
            at = last - inner[0] if reverse else inner[0]
            return q.convert(q.get(x, tuple(at if k == axis else i for k, i in enumerate(p.index))), e, w)

        op = f"f{fold}.{w.op}" if w.is_float else f"{fold}.i{w.width}"
        return p.reduce(op, [count], contribution, p.number(start, w) if w.is_float else p.bits(start, w.width))

    if not e.narrow:
        b.define(n, 0, e, x.shape, body)
        return
    total = b.inner(n, "f32", w, x.shape, body)
    b.define(n, 0, e, x.shape, lambda p: p.convert(p.get(total), w, e))
