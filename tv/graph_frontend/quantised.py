"""Linear quantisation: integers with a scale and a zero point."""

from __future__ import annotations

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.contraction import Operand, dot
from tv.graph_frontend.elements import I32, TO_ONNX, U8, Element, element_of
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE, Shape, broadcast, broadcast_index, require_same, text
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.affine import ZERO, floordiv
from tv.term import Term


def _scale_index(n: NodeView, b: Builder, x: Shape, scale: Tensor, zero: Tensor | None) -> tuple[int, int]:
    """(axis, block): how the scale's index follows from the element's; axis -1 where there is one scale for all."""
    axis, block = n.attribute("axis", 1), n.attribute("block_size", 0)
    if zero is not None and zero.shape != scale.shape:
        raise BadInput("TV0302", f"{n.what}: scale {text(scale.shape)} and zero point {text(zero.shape)} differ")
    if block < 0:
        raise BadInput("TV0302", f"{n.what}: block_size {block}")
    if block == 0 and (scale.rank == 0 or scale.shape == (ONE,)):
        return -1, 0
    axis = n.wrap_axis(axis, len(x))
    each = max(block, 1)
    along = floordiv(x[axis] + (each - 1), each)
    wanted = tuple(along if d == axis else e for d, e in enumerate(x)) if block else (along,)
    if len(wanted) != scale.rank:
        raise BadInput("TV0302", f"{n.what}: the scale has shape {text(scale.shape)}, not {text(wanted)}")
    for have, want in zip(scale.shape, wanted, strict=True):
        require_same(b.system.sets, have, want, n.what)
    return axis, block


def _at(p: Place, t: Tensor, axis: int, block: int) -> Term:
    if axis < 0:
        return p.get(t, (ZERO,) * t.rank)
    if block:
        index: tuple[Affine, ...] = tuple(
            floordiv(i, block, p.ranges) if d == axis else i for d, i in enumerate(p.index)
        )
        return p.get(t, index)
    return p.get(t, (p.index[axis],))


@denotes("DequantizeLinear", since=10)
def dequantize(n: NodeView, b: Builder) -> None:
    """(x - zero point) * scale: the difference in 32-bit integers, one rounded product in the scale's type"""
    x, scale, zero = n.input(0), n.input(1), n.optional(2)
    e = n.require_float(scale)
    if n.attribute("output_dtype", 0) not in (0, _code(e)):
        raise Unsupported("TV0311", f"output_dtype of {n.what}")
    if x.element.is_float or x.element.width > 32 or (e.narrow and x.element.width > 8):
        raise Unsupported("TV0312", f"{n.what} of {x.element.label} by {e.label}")
    axis, block = _scale_index(n, b, x.shape, scale, zero)

    def body(p: Place) -> Term:
        v = p.convert(p.get(x), x.element, I32)
        if zero is not None:
            v = p.op("sub.i32", v, p.convert(_at(p, zero, axis, block), zero.element, I32))
        return p.op(f"fmul.{e.op}", p.convert(v, I32, e), _at(p, scale, axis, block))

    b.define(n, 0, e, x.shape, body)


@denotes("QuantizeLinear", since=10)
def quantize(n: NodeView, b: Builder) -> None:
    """x / scale rounded once, then to the nearest whole number (halves to even), plus the zero point, saturated"""
    x, scale, zero = n.input(0), n.input(1), n.optional(2)
    e = n.one_type(x, scale)
    n.ignore("saturate")  # speaks of float8 only
    code = n.attribute("output_dtype", 0)
    to = zero.element if zero is not None else element_of(code, n.what) if code else U8
    if n.attribute("precision", 0) not in (0, _code(e)):
        raise Unsupported("TV0311", f"precision of {n.what}")
    if e.label != "f32" or to.is_float or to.width > 16 or to.kind == "bool":
        raise Unsupported("TV0312", f"{n.what} of {e.label} to {to.label}")
    axis, block = _scale_index(n, b, x.shape, scale, zero)
    low, high = to.limits()

    def body(p: Place) -> Term:
        q = p.op("rint.f32", b.suppose(p.op("fdiv.f32", p.get(x), _at(p, scale, axis, block)), e))
        if zero is not None:  # exact: whole numbers that matter are far below 2**24, larger ones saturate either way
            q = p.op("fadd.f32", q, p.convert(_at(p, zero, axis, block), to, e))
        q = p.op("fmin.f32", p.op("fmax.f32", q, p.number(float(low), e)), p.number(float(high), e))
        return p.convert(q, e, to)

    b.assume("QuantizeLinear sees no NaN", numbers_only=True)
    b.define(n, 0, to, x.shape, body)


@denotes("MatMulInteger", since=10)
def integer_product(n: NodeView, b: Builder) -> None:
    """numpy's matmul of 8-bit integers less their zero points, in 32-bit integers that wrap"""
    x, y = n.input(0), n.input(1)
    if any(t.element.is_float or t.element.width != 8 for t in (x, y)) or min(x.rank, y.rank) < 2:
        raise Unsupported("TV0312", f"{n.what} of {x.element.label} and {y.element.label}, ranks {x.rank} and {y.rank}")
    wide = [_less_zero(n, b, k, t, n.optional(2 + k)) for k, t in enumerate((x, y))]
    require_same(b.system.sets, x.shape[-1], y.shape[-2], n.what)
    batch = broadcast(b.system.sets, [x.shape[:-2], y.shape[:-2]], n.what)
    shape = (*batch, x.shape[-2], y.shape[-1])
    r = len(batch)
    left = Operand(wide[0], lambda own, k: (*broadcast_index(x.shape[:-2], own[:r]), own[r], k))
    right = Operand(wide[1], lambda own, k: (*broadcast_index(y.shape[:-2], own[:r]), k, own[-1]))
    b.define(n, 0, I32, shape, lambda p: dot(p, x.shape[-1], left, right))


def _less_zero(n: NodeView, b: Builder, k: int, t: Tensor, zero: Tensor | None) -> Tensor:
    """Operand k as 32-bit integers less its zero point: one for all, or one for each row of the first or column of the second."""
    along = t.rank - 2 + k
    if zero is not None and zero.element != t.element:
        raise BadInput("TV0302", f"{n.what}: a zero point of type {zero.element.label}")
    if zero is not None and not (zero.rank == 0 or zero.shape == (ONE,)):
        if zero.rank != 1:
            raise Unsupported("TV0313", f"{n.what} with zero points of shape {text(zero.shape)}")
        require_same(b.system.sets, zero.shape[0], t.shape[along], n.what)

    def body(p: Place) -> Term:
        v = p.convert(p.get(t), t.element, I32)
        if zero is None:
            return v
        one = zero.rank == 0 or zero.shape == (ONE,)
        at = (ZERO,) * zero.rank if one else (p.index[along],)
        return p.op("sub.i32", v, p.convert(p.get(zero, at), t.element, I32))

    return b.inner(n, f"in{k}", I32, t.shape, body)


def _code(e: Element) -> int:
    return TO_ONNX[e.label]
