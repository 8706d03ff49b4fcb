"""Softmax and the normalisations: their official bodies, with the precision that those fix, else f32."""

from __future__ import annotations

from collections.abc import Callable

from megac import index as ix
from megac.dtype import DType, from_onnx
from megac.errors import CompileError
from megac.expr import cast, number, select
from megac.ir import Expr
from megac.lower.builder import Builder, Place
from megac.lower.elementwise import a_float
from megac.lower.reductions import count_of, folded, reduced_shape
from megac.lower.registry import lowers
from megac.lower.tensors import Tensor, broadcast, broadcast_index, normal_axis
from megac.lower.view import View


def row(p: Place, t: Tensor, axes: tuple[int, ...]) -> Expr:
    """The element of a statistic (extents of 1 along axes) that belongs to the own place."""
    return p.get(t, tuple(ix.constant(0) if k in axes else i for k, i in enumerate(p.index)))


def softmax_of(
    b: Builder, name: str, t: Tensor, axis: int, inside: DType, to: DType, logarithm: bool = False
) -> Tensor:
    """exp(x - max) / sum, or its logarithm, along an axis: in the type `inside`, rounded to `to` at the end."""
    axes = (axis,)
    high = folded(b, f"{name}.max", t, axes, True, "max", lambda p, x: cast(x, inside))

    def centred(p: Place) -> Expr:
        return p.op("sub", cast(p.get(t), inside), row(p, high, axes))

    powers = b.define(f"{name}.exp", inside, t.shape, lambda p: p.op("exp", centred(p)))
    total = folded(b, f"{name}.sum", powers, axes, True, "sum")
    if logarithm:
        return b.define(name, to, t.shape, lambda p: cast(
            p.op("sub", centred(p), p.op("log", row(p, total, axes))), to))  # fmt: skip
    return b.define(name, to, t.shape, lambda p: cast(p.op("div", p.get(powers), row(p, total, axes)), to))


@lowers("Softmax", "LogSoftmax")
def softmax(n: View, b: Builder) -> None:
    t = n.input(0)
    e = a_float(t)
    axis = n.axis(-1, t.rank)
    b.bind(n.output(), softmax_of(b, n.output(), t, axis, e.wide, e, n.op == "LogSoftmax"))


def _scaled(
    b: Builder, name: str, t: Tensor, others: list[Tensor], finish: Callable[[Place, list[Expr]], Expr]
) -> Tensor:
    """finish(element, elements of tensors that broadcast to it)."""
    for o in others:
        if broadcast([t.shape, o.shape]) != t.shape:
            raise CompileError(f"`{o.name}` does not broadcast to what is normalised")

    def body(p: Place) -> Expr:
        return finish(p, [p.get(t), *(p.get(o, broadcast_index(o.shape, p.index)) for o in others)])

    return b.define(name, t.dtype, t.shape, body)


def _stash(n: View) -> DType:
    return from_onnx(n.attribute("stash_type", 1), "its stage one")


def _epsilon(n: View, w: DType) -> Expr:
    """An f32 attribute, in the type of stage one."""
    return cast(number(n.attribute("epsilon", 1e-5), DType.F32), w)


@lowers("RMSNormalization")
def rms_normalization(n: View, b: Builder) -> None:
    """x / sqrt(mean(x x) + epsilon) in the stash type, rounded, times the scale."""
    t, scale = n.input(0), n.input(1)
    e, w, name = a_float(t), _stash(n), n.output()
    epsilon = _epsilon(n, w)
    axes = tuple(range(n.axis(-1, t.rank), t.rank))

    def square(p: Place, x: Expr) -> Expr:
        return p.op("mul", cast(x, w), cast(x, w))

    def root(p: Place, total: Expr) -> Expr:
        mean = p.op("div", total, count_of(p, [t.shape[a] for a in axes], w))
        return p.op("sqrt", p.op("add", mean, epsilon))

    rms = folded(b, f"{name}.rms", t, axes, True, "sum", square, root)
    if scale.dtype != e:
        raise CompileError(f"its scale is of type {scale.dtype.value}, its input of {e.value}")
    normal = b.define(f"{name}.normal", e, t.shape, lambda p: cast(
        p.op("div", cast(p.get(t), w), row(p, rms, axes)), e))  # fmt: skip
    b.bind(name, _scaled(b, name, normal, [scale], lambda p, a: p.op("mul", *a)))


@lowers("LayerNormalization")
def layer_normalization(n: View, b: Builder) -> None:
    """(x - mean) / sqrt(mean(x x) - mean mean + epsilon) in the stash type, rounded, times the scale, plus the bias."""
    t, scale, bias = n.input(0), n.input(1), n.optional(2)
    e, w, name = a_float(t), _stash(n), n.output()
    if n.output(1) or n.output(2):
        raise CompileError("its statistics are outputs")
    epsilon = _epsilon(n, w)
    axes = tuple(range(n.axis(-1, t.rank), t.rank))
    shape = reduced_shape(t.shape, axes, True)

    def mean_of(p: Place, total: Expr) -> Expr:
        return p.op("div", total, count_of(p, [t.shape[a] for a in axes], w))

    mean = folded(b, f"{name}.mean", t, axes, True, "sum", lambda p, x: cast(x, w), mean_of)
    squares = folded(
        b, f"{name}.squares", t, axes, True, "sum", lambda p, x: p.op("mul", cast(x, w), cast(x, w)), mean_of
    )

    def deviation(p: Place) -> Expr:
        variance = p.op("sub", p.get(squares), p.op("mul", p.get(mean), p.get(mean)))
        return p.op("sqrt", p.op("add", variance, epsilon))

    spread = b.define(f"{name}.deviation", w, shape, deviation)
    normal = b.define(f"{name}.normal", e, t.shape, lambda p: cast(
        p.op("div", p.op("sub", cast(p.get(t), w), row(p, mean, axes)), row(p, spread, axes)), e))  # fmt: skip
    others = [scale] if bias is None else [scale, bias]

    def finish(p: Place, a: list[Expr]) -> Expr:
        out = p.op("mul", a[0], a[1])
        return out if bias is None else p.op("add", out, a[2])

    b.bind(name, _scaled(b, name, normal, others, finish))


@lowers("LpNormalization")
def lp_normalization(n: View, b: Builder) -> None:
    """x divided by the sum of |x|, or the root of the sum of x x, in f32; 0 where that is 0."""
    t = n.input(0)
    e, w, name = a_float(t), t.dtype.wide, n.output()
    axes = (normal_axis(n.attribute("axis", -1), t.rank),)
    order = n.attribute("p", 2)
    if order not in (1, 2):
        raise CompileError(f"its attribute `p` is {order}")

    def each(p: Place, x: Expr) -> Expr:
        v = cast(x, w)
        return p.op("mul", v, v) if order == 2 else p.op("abs", v)

    norm = folded(b, f"{name}.norm", t, axes, True, "sum", each, lambda p, s: p.op("sqrt", s) if order == 2 else s)
    zero = number(0.0, w)

    def body(p: Place) -> Expr:
        by = row(p, norm, axes)
        return cast(select(p.op("eq", by, zero), zero, p.op("div", cast(p.get(t), w), by)), e)

    b.bind(name, b.define(name, e, t.shape, body))
