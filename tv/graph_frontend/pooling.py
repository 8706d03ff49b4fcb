"""Windows that slide over the spatial dimensions: where they stand, and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import F32
from tv.graph_frontend.functions import extreme_name
from tv.graph_frontend.place import Place
from tv.graph_frontend.reductions import count_of, float_sum
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE, Shape
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine, Formula
from tv.sets.affine import floordiv
from tv.sets.formulas import all_of, ge, lt, negate
from tv.term import Term

Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Of each spatial dimension: how many elements a window has, how far apart, how far windows are apart; the padding in front
    and behind; how many windows there are."""

    size: Shape
    strides: Numbers
    dilations: Numbers
    before: Numbers
    after: Numbers
    count: Shape

    def at(self, own: Sequence[Affine], inner: Sequence[Affine]) -> tuple[Affine, ...]:
        """Where in the operand element `inner` of window `own` lies, padding included."""
        rows = zip(own, self.strides, inner, self.dilations, self.before, strict=True)
        return tuple(i * s + j * t - z for i, s, j, t, z in rows)

    def inside(self, at: Sequence[Affine], shape: Shape, more: Sequence[int] | None = None) -> Formula:
        """Is that an element of the operand (or, with `more`, of the padding around it)?"""
        rows = zip(at, shape, more or (0,) * len(shape), self.before, strict=True)
        parts = [(ge(i + (z if more else 0)), lt(i, e + m)) for i, e, m, z in rows]
        return all_of(*(c for pair in parts for c in pair))


def window(n: NodeView, b: Builder, x: Tensor, size: Shape, ceil: bool = False) -> Window:
    """From strides, dilations, pads or auto_pad. ceil: a last window may reach past the padding.

    Raises BadInput where they do not fit, Unsupported for negative pads, windows larger than the operand, and open sizes
    where they would matter.
    """
    r = x.rank - 2
    strides, dilations = n.integers("strides") or (1,) * r, n.integers("dilations") or (1,) * r
    pads = n.integers("pads") or (0,) * (2 * r)
    if not (len(strides) == len(dilations) == r and len(pads) == 2 * r) or min((*strides, *dilations), default=1) < 1:
        raise BadInput("TV0302", f"{n.what}: strides, dilations and pads do not fit {r} spatial dimensions")
    if min(pads, default=0) < 0:
        raise Unsupported("TV0311", f"negative pads of {n.what}")
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilations, strict=True)]
    mode = n.attribute("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        before, after = _same(n, x.shape[2:], reach, strides, mode == "SAME_UPPER")
    elif mode in ("NOTSET", "VALID", ""):
        before, after = ((0,) * r, (0,) * r) if mode == "VALID" else (pads[:r], pads[r:])
    else:
        raise BadInput("TV0302", f"auto_pad `{mode}` of {n.what}")
    count = []
    for d, extent in enumerate(x.shape[2:]):
        span = extent + before[d] + after[d] - reach[d]
        windows = floordiv(span + (strides[d] - 1 if ceil else 0), strides[d]) + 1
        if not b.system.sets.empty(b.system.sets.set("extent", (), lt(windows, 1))):
            raise Unsupported("TV0313", f"{n.what}: the window is larger than the padded operand")
        count.append(_started(n, windows, extent, strides[d], before[d]) if ceil else windows)
    return Window(size, strides, dilations, before, after, tuple(count))


def _same(
    n: NodeView, extents: Shape, reach: Sequence[Affine], strides: Numbers, upper: bool
) -> tuple[Numbers, Numbers]:
    """Padding that gives ceil(extent / stride) windows; an odd rest goes behind (upper) or in front."""
    before, after = [], []
    for extent, own, s in zip(extents, reach, strides, strict=True):
        if extent.constant is None or own.constant is None:
            raise Unsupported("TV0314", f"{n.what} pads an open size by itself", help="state the pads")
        total = (-(-extent.constant // s) - 1) * s + own.constant - extent.constant
        if total < 0:  # the standard's formula cuts elements off, runtimes take it for 0
            raise Unsupported("TV0314", f"{n.what} with strides past its windows", help="state the pads")
        small, large = total // 2, total - total // 2
        before.append(small if upper else large)
        after.append(large if upper else small)
    return tuple(before), tuple(after)


def _started(n: NodeView, windows: Affine, extent: Affine, stride: int, before: int) -> Affine:
    """Without a last window that would start behind the operand and the padding in front."""
    if windows.constant is None or extent.constant is None:
        raise Unsupported("TV0314", f"ceil_mode of {n.what} with an open size")
    late = (windows.constant - 1) * stride >= extent.constant + before
    return windows - 1 if late else windows


def _kernel(n: NodeView, x: Tensor) -> Shape:
    sizes = n.integers("kernel_shape")
    if x.rank < 3 or sizes is None or len(sizes) != x.rank - 2 or min(sizes) < 1:
        raise BadInput("TV0302", f"{n.what}: kernel_shape does not fit the operand")
    return tuple(Affine.of(k) for k in sizes)


@denotes("MaxPool", since=1)
def max_pool(n: NodeView, b: Builder) -> None:
    """ReduceMax over each window, padding left out; values only"""
    x = n.input(0)
    if n.wants(1):
        raise Unsupported("TV0313", f"the indices of {n.what}")
    n.ignore("storage_order")  # of the indices only
    w = window(n, b, x, _kernel(n, x), n.flag("ceil_mode", False))
    _extreme(n, b, x, w)


def _extreme(n: NodeView, b: Builder, x: Tensor, w: Window) -> None:
    e = x.element
    if e.kind == "bool":
        raise BadInput("TV0302", f"{n.what} on booleans")
    strict = b.options.strict_nan
    if e.is_float:
        b.assume(f"{n.node.op} starts from -inf and {'propagates' if strict else 'ignores'} NaN")
    name = (
        extreme_name(True, strict) + f".{e.op}" if e.is_float else f"{'s' if e.kind == 'signed' else 'u'}max.i{e.width}"
    )

    def lowest(p: Place) -> Term:
        return p.number(-inf, e) if e.is_float else p.bits(e.limits()[0], e.width)

    def body(p: Place) -> Term:
        def term(q: Place, inner: tuple[Affine, ...]) -> Term:
            at = w.at(p.index[2:], inner)
            inside = w.inside(at, x.shape[2:])
            return q.case([(inside, lambda r: r.get(x, (*p.index[:2], *at))), (negate(inside), lowest)])

        return p.reduce(name, w.size, term, lowest(p))

    b.define(n, 0, e, (*x.shape[:2], *w.count), body)


@denotes("AveragePool", since=7)
def average_pool(n: NodeView, b: Builder) -> None:
    """the sum of each window in f32 from +0, divided by how many elements it has (with count_include_pad, its padding too)"""
    x = n.input(0)
    e = n.require_float(x)
    w = window(n, b, x, _kernel(n, x), n.flag("ceil_mode", False))
    padded = n.flag("count_include_pad", False)
    wide = F32 if e.narrow else e
    shape = (*x.shape[:2], *w.count)

    def total(p: Place) -> Term:
        def term(q: Place, inner: tuple[Affine, ...]) -> Term:
            at = w.at(p.index[2:], inner)
            inside = w.inside(at, x.shape[2:])
            value = q.case([(inside, lambda r: r.convert(r.get(x, (*p.index[:2], *at)), e, wide)), (negate(inside), lambda r: r.number(0.0, wide))])  # fmt: skip
            return value

        return p.reduce(f"fadd.{wide.op}", w.size, term, p.number(0.0, wide))

    def count(p: Place) -> Term:
        def one(q: Place, inner: tuple[Affine, ...]) -> Term:
            inside = w.inside(w.at(p.index[2:], inner), x.shape[2:], w.after if padded else None)
            return q.case([(inside, lambda r: r.bits(1, 64)), (negate(inside), lambda r: r.bits(0, 64))])

        return p.op(f"cvt.{wide.op}.s64", p.reduce("add.i64", w.size, one, p.bits(0, 64)))

    summed = b.inner(n, "sum", wide, shape, total)
    partial = any((*w.before, *w.after)) or n.flag("ceil_mode", False)

    def divisor(p: Place) -> Term:
        if not partial:
            whole = 1
            for k in w.size:
                whole *= k.constant or 1
            return p.number(float(whole), wide)
        return count(p)

    b.define(n, 0, e, shape, lambda p: p.convert(p.op(f"fdiv.{wide.op}", p.get(summed), divisor(p)), wide, e))


@denotes("GlobalAveragePool", since=1)
def global_average(n: NodeView, b: Builder) -> None:
    """ReduceMean over the spatial dimensions"""
    x = n.input(0)
    e = n.require_float(x)
    axes = tuple(range(2, x.rank))
    w = F32 if e.narrow else e
    total, count = float_sum(n, b, x, axes, True), count_of(n, x.shape, axes)
    shape = (*x.shape[:2], *(ONE for _ in axes))
    b.define(n, 0, e, shape, lambda p: p.convert(p.op(f"fdiv.{w.op}", p.get(total), p.count(count, w)), w, e))


@denotes("GlobalMaxPool", since=1)
def global_maximum(n: NodeView, b: Builder) -> None:
    """ReduceMax over the spatial dimensions"""
    x = n.input(0)
    r = x.rank - 2
    size = x.shape[2:]
    _extreme(n, b, x, Window(size, (1,) * r, (1,) * r, (0,) * r, (0,) * r, (ONE,) * r))
