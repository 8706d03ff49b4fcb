"""MatMul and Gemm: sums of products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import F32, Element
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import Shape, broadcast, broadcast_index, require_same
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.term import Term

Index = tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """A factor: its tensor, and its index from (own indices, summed index)."""

    tensor: Tensor
    index: Callable[[Index, Affine], Index]


def wide(e: Element) -> Element:
    """The type in which products and partial sums are kept."""
    return F32 if e.narrow else e


def dot(p: Place, extent: Affine, x: Operand, y: Operand) -> Term:
    """The sum over `extent` of x * y, each product and partial sum rounded in the wide type, from +0 (or wrapping)."""
    e = x.tensor.element
    w = wide(e)
    mul, add = (f"fmul.{w.op}", f"fadd.{w.op}") if w.is_float else (f"mul.i{w.width}", f"add.i{w.width}")

    def contribution(q: Place, inner: Index) -> Term:
        factors = [q.convert(q.get(o.tensor, o.index(p.index, inner[0])), e, w) for o in (x, y)]
        return q.op(mul, *factors)

    return p.reduce(add, [extent], contribution, p.bits(0, w.width))


def contract(n: NodeView, b: Builder, shape: Shape, extent: Affine, x: Operand, y: Operand) -> Tensor:
    """The contraction as a tensor of the wide type: the output itself, unless that has to be rounded."""
    e = n.one_type(x.tensor, y.tensor)
    if e.kind == "bool":
        raise BadInput("TV0302", f"{n.what} on booleans")
    if not e.narrow:
        return b.define(n, 0, e, shape, lambda p: dot(p, extent, x, y))
    total = b.inner(n, "f32", F32, shape, lambda p: dot(p, extent, x, y))
    return b.define(n, 0, e, shape, lambda p: p.convert(p.get(total), F32, e))


@denotes("MatMul", since=1)
def matmul(n: NodeView, b: Builder) -> None:
    """numpy's matmul: products and partial sums in f32, in ascending order from +0, one rounding to the output type"""
    x, y = n.input(0), n.input(1)
    if x.rank == 0 or y.rank == 0:
        raise BadInput("TV0302", f"{n.what} of a scalar")
    row = x.rank > 1
    column = y.rank > 1
    extent = x.shape[-1]
    require_same(b.system.sets, extent, y.shape[-2] if column else y.shape[0], n.what)
    left, right = x.shape[:-2], y.shape[:-2]
    batch = broadcast(b.system.sets, [left, right], n.what)
    shape = batch + ((x.shape[-2],) if row else ()) + ((y.shape[-1],) if column else ())
    r = len(batch)

    def left_index(own: Index, k: Affine) -> Index:
        return broadcast_index(left, own[:r]) + ((own[r],) if row else ()) + (k,)

    def right_index(own: Index, k: Affine) -> Index:
        return broadcast_index(right, own[:r]) + (k,) + ((own[-1],) if column else ())

    contract(n, b, shape, extent, Operand(x, left_index), Operand(y, right_index))


@denotes("Gemm", since=11)
def gemm(n: NodeView, b: Builder) -> None:
    """alpha * (A' B') + beta * C, the sum and what follows it in f32, one rounding to the output type"""
    x, y, c = n.input(0), n.input(1), n.optional(2)
    e = n.one_type(*([x, y] if c is None else [x, y, c]))
    if x.rank != 2 or y.rank != 2:
        raise BadInput("TV0302", f"{n.what}: operands must be matrices")
    if not e.is_float:
        raise Unsupported("TV0312", f"{n.what} on {e.label}")
    across, down = n.flag("transA", False), n.flag("transB", False)
    alpha, beta = n.attribute("alpha", 1.0), n.attribute("beta", 1.0)
    rows, extent = (x.shape[1], x.shape[0]) if across else x.shape
    other, columns = (y.shape[1], y.shape[0]) if down else y.shape
    require_same(b.system.sets, extent, other, n.what)
    shape = (rows, columns)
    left = Operand(x, lambda own, k: (k, own[0]) if across else (own[0], k))
    right = Operand(y, lambda own, k: (own[1], k) if down else (k, own[1]))
    if c is not None and broadcast(b.system.sets, [shape, c.shape], n.what) != shape:
        raise BadInput("TV0302", f"{n.what}: C does not broadcast to the result")
    if c is None and alpha == 1.0:
        contract(n, b, shape, extent, left, right)
        return
    w = wide(e)
    total = b.inner(n, "f32" if e.narrow else "sum", w, shape, lambda p: dot(p, extent, left, right))

    def finish(p: Place) -> Term:
        out = p.get(total)
        if alpha != 1.0:
            out = p.op(f"fmul.{w.op}", p.number(alpha, w), out)
        if c is not None:
            bias = p.convert(p.get(c, broadcast_index(c.shape, p.index)), e, w)
            out = p.op(f"fadd.{w.op}", out, bias if beta == 1.0 else p.op(f"fmul.{w.op}", p.number(beta, w), bias))
        return p.convert(out, w, e)

    b.define(n, 0, e, shape, finish)
