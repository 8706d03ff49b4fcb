"""Einsum and Conv: sums of products over dimensions that an equation or a window names."""

from __future__ import annotations

from collections.abc import Sequence

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Body, Builder
from tv.graph_frontend.contraction import wide
from tv.graph_frontend.elements import Element
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import Shape, require_same, text
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.affine import all_of, floordiv, ge, lt, negate
from tv.term import Term


def rounded(n: NodeView, b: Builder, e: Element, shape: Shape, body: Body) -> None:
    """Output 0: the body's value in the wide type, its own tensor where it has to be rounded to e."""
    w = wide(e)
    if w == e:
        b.define(n, 0, e, shape, body)
        return
    total = b.inner(n, "f32", w, shape, body)
    b.define(n, 0, e, shape, lambda p: p.convert(p.get(total), w, e))


def _product(p: Place, e: Element, factors: Sequence[Term]) -> Term:
    w = wide(e)
    out, *rest = (p.convert(f, e, w) for f in factors)
    for f in rest:
        out = p.op(f"fmul.{w.op}" if w.is_float else f"mul.i{w.width}", out, f)
    return out


def _equation(n: NodeView) -> tuple[list[str], str]:
    """Letters of each operand and of the result (without one: those that occur once, sorted)."""
    text = n.attribute("equation", "").replace(" ", "")
    if "." in text:
        raise Unsupported("TV0313", f"{n.what} with an ellipsis")
    left, arrow, right = text.partition("->")
    operands = left.split(",")
    if not arrow:
        right = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    letters = set(left) - {","}
    if not all(c.isalpha() for c in letters) or not set(right) <= letters or len(set(right)) != len(right):
        raise BadInput("TV0302", f"{n.what}: equation `{text}`")
    return operands, right


@denotes("Einsum", since=12)
def einsum(n: NodeView, b: Builder) -> None:
    """the sum of products that the equation says, in f32 with ascending letters in order of appearance, rounded once"""
    xs = n.inputs()
    e = n.one_type(*xs)
    operands, result = _equation(n)
    if len(operands) != len(xs) or any(len(o) != x.rank for o, x in zip(operands, xs, strict=True)) or e.kind == "bool":
        raise BadInput("TV0302", f"{n.what}: the equation does not fit the operands")
    extents: dict[str, Affine] = {}
    for o, x in zip(operands, xs, strict=True):
        for letter, extent in zip(o, x.shape, strict=True):
            require_same(b.system.sets, extents.setdefault(letter, extent), extent, n.what)
    summed = [c for c in extents if c not in result]

    def body(p: Place) -> Term:
        def factors(q: Place, inner: tuple[Affine, ...]) -> Term:
            at = dict(zip((*result, *summed), (*p.index, *inner), strict=True))
            return _product(q, e, [q.get(x, tuple(at[c] for c in o)) for o, x in zip(operands, xs, strict=True)])

        if not summed:
            return factors(p, ())
        w = wide(e)
        add = f"fadd.{w.op}" if w.is_float else f"add.i{w.width}"
        return p.reduce(add, [extents[c] for c in summed], factors, p.bits(0, w.width))

    rounded(n, b, e, tuple(extents[c] for c in result), body)


# ------------------------------------------------------------------------------------------------ convolution
def _window(
    n: NodeView, x: Tensor, kernel: Shape
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """strides, dilations, and padding before and after each spatial dimension."""
    r = x.rank - 2
    strides, dilations = n.integers("strides") or (1,) * r, n.integers("dilations") or (1,) * r
    pads = n.integers("pads") or (0,) * (2 * r)
    stated = n.integers("kernel_shape")
    if n.attribute("auto_pad", "NOTSET") != "NOTSET":
        raise Unsupported("TV0311", f"auto_pad of {n.what}")
    if stated is not None and stated != tuple(e.constant for e in kernel):
        raise BadInput("TV0302", f"{n.what}: kernel_shape {stated} is not the weight's")
    if not (len(strides) == len(dilations) == r and len(pads) == 2 * r) or min((*strides, *dilations), default=1) < 1:
        raise BadInput("TV0302", f"{n.what}: strides, dilations and pads do not fit {r} spatial dimensions")
    if min(pads, default=0) < 0:
        raise Unsupported("TV0311", f"negative pads of {n.what}")
    return strides, dilations, pads[:r], pads[r:]


@denotes("Conv", since=1)
def convolution(n: NodeView, b: Builder) -> None:
    """the sum over channels and window, in f32 in ascending order, then the bias, rounded once; padding counts as +0 terms"""
    x, k, bias = n.input(0), n.input(1), n.optional(2)
    e = n.one_type(*([x, k] if bias is None else [x, k, bias]))
    group = n.attribute("group", 1)
    if x.rank < 3 or k.rank != x.rank or not e.is_float:
        raise BadInput("TV0302", f"{n.what}: operands do not fit")
    strides, dilations, before, after = _window(n, x, k.shape[2:])
    channels, features = k.shape[1], k.shape[0].constant
    if group < 1 or features is None or features < 1 or features % group:
        raise BadInput("TV0302", f"{n.what}: {group} groups")
    require_same(b.system.sets, channels * group, x.shape[1], n.what)
    if bias is not None and bias.shape != (k.shape[0],):
        raise BadInput("TV0302", f"{n.what}: the bias has shape {text(bias.shape)}")
    space = []
    for d, extent in enumerate(x.shape[2:]):
        reach = (k.shape[2 + d] - 1) * dilations[d] + 1
        space.append(floordiv(extent + before[d] + after[d] - reach, strides[d]) + 1)
        if not b.system.sets.empty(b.system.sets.set("extent", (), lt(space[-1], 1))):
            raise Unsupported("TV0313", f"{n.what}: the window is larger than the padded operand")
    shape = (x.shape[0], k.shape[0], *space)
    w = wide(e)

    def total(p: Place) -> Term:
        first = floordiv(p.index[1], features // group, p.ranges)

        def term(q: Place, inner: tuple[Affine, ...]) -> Term:
            at = tuple(
                i * s + j * t - z
                for i, s, j, t, z in zip(p.index[2:], strides, inner[1:], dilations, before, strict=True)
            )
            inside = all_of(*(c for i, extent in zip(at, x.shape[2:], strict=True) for c in (ge(i), lt(i, extent))))
            source = (p.index[0], _scaled(first, channels, group) + inner[0], *at)

            def product(r: Place) -> Term:
                return _product(r, e, [r.get(x, source), r.get(k, (p.index[1], *inner))])

            return q.case([(inside, product), (negate(inside), lambda r: r.number(0.0, w))])

        return p.reduce(f"fadd.{w.op}", [channels, *k.shape[2:]], term, p.number(0.0, w))

    if bias is None:
        rounded(n, b, e, shape, total)
        return
    summed = b.inner(n, "f32" if e.narrow else "sum", w, shape, total)
    b.define(n, 0, e, shape, lambda p: p.convert(
        p.op(f"fadd.{w.op}", p.get(summed), p.convert(p.get(bias, (p.index[1],)), e, w)), w, e))  # fmt: skip


def _scaled(index: Affine, channels: Affine, group: int) -> Affine:
    """index * channels; affine as one of them is a number (a single group has index 0)."""
    if group == 1:
        return Affine.of(0)
    if channels.constant is None:
        raise Unsupported("TV0314", "a grouped convolution over an open number of channels")
    return index * channels.constant
