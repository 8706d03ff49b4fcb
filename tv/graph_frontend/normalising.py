"""Normalisation over statistics that are given, or that are taken over the spatial dimensions or one axis."""

from __future__ import annotations

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.contraction import wide
from tv.graph_frontend.elements import Element
from tv.graph_frontend.place import Place
from tv.graph_frontend.reductions import count_of, float_sum, reduced_shape, source_index
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import require_same
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.affine import ZERO
from tv.term import Term


def _by_channel(n: NodeView, b: Builder, x: Tensor, *given: Tensor) -> None:
    if x.rank < 2:
        raise BadInput("TV0302", f"{n.what} of rank {x.rank}, which has no channels")
    for t in given:
        if t.rank != 1:
            raise BadInput("TV0302", f"{n.what}: `{t.name}` is not one number a channel")
        require_same(b.system.sets, t.shape[0], x.shape[1], n.what)


def _normalised(p: Place, w: Element, x: Term, mean: Term, variance: Term, epsilon: float) -> Term:
    """(x - mean) / sqrt(variance + epsilon)"""
    root = p.op(f"fsqrt.{w.op}", p.op(f"fadd.{w.op}", variance, p.number(epsilon, w)))
    return p.op(f"fdiv.{w.op}", p.op(f"fsub.{w.op}", x, mean), root)


def _scaled(p: Place, e: Element, w: Element, y: Term, scale: Tensor, bias: Tensor) -> Term:
    """y * scale + bias, rounded to e."""
    factor, shift = (p.convert(p.get(t, (p.index[1],)), t.element, w) for t in (scale, bias))
    return p.convert(p.op(f"fadd.{w.op}", p.op(f"fmul.{w.op}", y, factor), shift), w, e)


@denotes("BatchNormalization", since=9)
def batch_normalization(n: NodeView, b: Builder) -> None:
    """inference: (x - mean) / sqrt(variance + epsilon) * scale + bias of each channel, in f32, rounded once (training has no
    meaning)"""
    x, scale, bias, mean, variance = (n.input(k) for k in range(5))
    e = n.require_float(x)
    n.ignore("momentum")  # of the running statistics, which training updates
    if n.flag("training_mode", False) or any(n.wants(k) for k in range(1, 5)):
        raise Unsupported("TV0313", f"{n.what} in training mode", help="export the model in evaluation mode")
    epsilon, w = n.attribute("epsilon", 1e-5), wide(e)
    _by_channel(n, b, x, scale, bias, mean, variance)
    for t in (scale, bias, mean, variance):
        n.require_float(t)

    def body(p: Place) -> Term:
        at = (p.index[1],)
        m, v = (p.convert(p.get(t, at), t.element, w) for t in (mean, variance))
        y = _normalised(p, w, p.convert(p.get(x), e, w), m, v, epsilon)
        return _scaled(p, e, w, y, scale, bias)

    b.define(n, 0, e, x.shape, body)


@denotes("InstanceNormalization", since=6)
def instance_normalization(n: NodeView, b: Builder) -> None:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, mean and variance (of x - mean) over the spatial dimensions, in
    f32, rounded once"""
    x, scale, bias = (n.input(k) for k in range(3))
    e = n.one_type(x, scale, bias)
    n.require_float(x)
    _by_channel(n, b, x, scale, bias)
    axes, w, epsilon = tuple(range(2, x.rank)), wide(e), n.attribute("epsilon", 1e-5)
    if not axes:
        raise BadInput("TV0302", f"{n.what} of rank {x.rank}, which has no spatial dimensions")
    count, shape = count_of(n, x.shape, axes), reduced_shape(x.shape, axes, True)
    total = float_sum(n, b, x, axes, True)
    mean = b.inner(n, "mean", w, shape, lambda p: p.op(f"fdiv.{w.op}", p.get(total), p.count(count, w)))

    def squares(p: Place) -> Term:
        def one(q: Place, inner: tuple[Affine, ...]) -> Term:
            v = q.convert(q.get(x, source_index(x.rank, axes, True, p.index, inner)), e, w)
            d = q.op(f"fsub.{w.op}", v, q.get(mean, p.index))
            return q.op(f"fmul.{w.op}", d, d)

        return p.reduce(f"fadd.{w.op}", [x.shape[a] for a in axes], one, p.number(0.0, w))

    summed = b.inner(n, "squares", w, shape, squares)
    variance = b.inner(n, "variance", w, shape, lambda p: p.op(f"fdiv.{w.op}", p.get(summed), p.count(count, w)))

    def body(p: Place) -> Term:
        at = (*p.index[:2], *(ZERO for _ in axes))
        y = _normalised(p, w, p.convert(p.get(x), e, w), p.get(mean, at), p.get(variance, at), epsilon)
        return _scaled(p, e, w, y, scale, bias)

    b.define(n, 0, e, x.shape, body)


@denotes("LpNormalization", since=1)
def lp_normalization(n: NodeView, b: Builder) -> None:
    """x divided by the sum of |x| (p = 1), or by the root of the sum of x x (p = 2), along an axis, in f32; 0 where that is 0"""
    x = n.input(0)
    e = n.require_float(x)
    axis, p_norm, w = n.axis("axis", -1, x.rank), n.attribute("p", 2), wide(e)
    if p_norm not in (1, 2):
        raise BadInput("TV0302", f"{n.what}: p = {p_norm}, neither 1 nor 2")
    total = float_sum(n, b, x, (axis,), True, square=p_norm == 2, absolute=p_norm == 1)

    def body(p: Place) -> Term:
        s = p.get(total, tuple(ZERO if k == axis else i for k, i in enumerate(p.index)))
        norm = p.op(f"fsqrt.{w.op}", s) if p_norm == 2 else s
        quotient = p.op(f"fdiv.{w.op}", p.convert(p.get(x), e, w), norm)
        zero = p.number(0.0, w)
        return p.convert(p.select(p.op(f"feq.{w.op}", norm, zero), zero, quotient), w, e)

    b.define(n, 0, e, x.shape, body)
