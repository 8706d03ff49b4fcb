"""Einsum and Conv: sums of products over dimensions that an equation or a window names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Body, Builder
from tv.graph_frontend.contraction import wide
from tv.graph_frontend.elements import Element
from tv.graph_frontend.place import Place
from tv.graph_frontend.pooling import window
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE, Shape, broadcast, require_same, text
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.affine import ZERO, floordiv
from tv.sets.formulas import negate
from tv.term import Term


def rounded(n: NodeView, b: Builder, e: Element, shape: Shape, body: Body) -> None:
    """Output 0: the body's value in the wide type, its own tensor where it has to be rounded to e."""
    w = wide(e)
    if w == e:
        b.define(n, 0, e, shape, body)
        return
    total = b.inner(n, "f32", w, shape, body)
    b.define(n, 0, e, shape, lambda p: p.convert(p.get(total), w, e))


def multiplied(p: Place, e: Element, factors: Sequence[Term]) -> Term:
    w = wide(e)
    out, *rest = (p.convert(f, e, w) for f in factors)
    for f in rest:
        out = p.op(f"fmul.{w.op}" if w.is_float else f"mul.i{w.width}", out, f)
    return out


def _equation(n: NodeView, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Letters of each operand and of the result (without one: those that occur once, sorted).

    The dimensions behind an ellipsis are digits, counted from the last one: operands are broadcast along them.
    """
    text = n.attribute("equation", "").replace(" ", "")
    left, arrow, right = text.partition("->")
    operands = left.split(",")
    if not arrow:
        once = sorted(c for c in set(left) - {",", "."} if left.count(c) == 1)
        right = ("..." if "..." in left else "") + "".join(once)
    letters = set(left) - {",", "."}
    plain = right.replace("...", "", 1)
    if not all(c.isalpha() for c in letters) or not set(plain) <= letters or len(set(plain)) != len(plain):
        raise BadInput("TV0302", f"{n.what}: equation `{text}`")
    if len(operands) != len(ranks):
        raise BadInput("TV0302", f"{n.what}: the equation does not fit the operands")
    hidden = [r - len(o.replace("...", "", 1)) if "..." in o else 0 for o, r in zip(operands, ranks, strict=True)]
    if (
        min(hidden) < 0
        or max(hidden) > 9
        or ("..." in left) != ("..." in right)
        or any("." in o.replace("...", "", 1) for o in operands)
    ):
        raise BadInput("TV0302", f"{n.what}: equation `{text}`")
    spelled = [
        o.replace("...", "".join(str(k) for k in reversed(range(h)))) for o, h in zip(operands, hidden, strict=True)
    ]
    return spelled, right.replace("...", "".join(str(k) for k in reversed(range(max(hidden)))))


@denotes("Einsum", since=12)
def einsum(n: NodeView, b: Builder) -> None:
    """the sum of products that the equation says, in f32 with ascending letters in order of appearance, rounded once"""
    xs = n.inputs()
    e = n.one_type(*xs)
    operands, result = _equation(n, [x.rank for x in xs])
    if any(len(o) != x.rank for o, x in zip(operands, xs, strict=True)) or e.kind == "bool":
        raise BadInput("TV0302", f"{n.what}: the equation does not fit the operands")
    extents: dict[str, Affine] = {}
    for o, x in zip(operands, xs, strict=True):
        for letter, extent in zip(o, x.shape, strict=True):
            if letter.isdigit():
                extents[letter] = broadcast(b.system.sets, [(extents.get(letter, ONE),), (extent,)], n.what)[0]
            else:
                require_same(b.system.sets, extents.setdefault(letter, extent), extent, n.what)
    summed = [c for c in extents if c not in result]

    def read(letters: str, x: Tensor, at: Mapping[str, Affine]) -> tuple[Affine, ...]:
        return tuple(ZERO if c.isdigit() and d == ONE else at[c] for c, d in zip(letters, x.shape, strict=True))

    def body(p: Place) -> Term:
        def factors(q: Place, inner: tuple[Affine, ...]) -> Term:
            at = dict(zip((*result, *summed), (*p.index, *inner), strict=True))
            return multiplied(q, e, [q.get(x, read(o, x, at)) for o, x in zip(operands, xs, strict=True)])

        if not summed:
            return factors(p, ())
        w = wide(e)
        add = f"fadd.{w.op}" if w.is_float else f"add.i{w.width}"
        return p.reduce(add, [extents[c] for c in summed], factors, p.bits(0, w.width))

    rounded(n, b, e, tuple(extents[c] for c in result), body)


# ------------------------------------------------------------------------------------------------ convolution
@denotes("Conv", since=1)
def convolution(n: NodeView, b: Builder) -> None:
    """the sum over channels and window, in f32 in ascending order, then the bias, rounded once; padding counts as +0 terms"""
    x, k, bias = n.input(0), n.input(1), n.optional(2)
    e = n.one_type(*([x, k] if bias is None else [x, k, bias]))
    group = n.attribute("group", 1)
    if x.rank < 3 or k.rank != x.rank or not e.is_float:
        raise BadInput("TV0302", f"{n.what}: operands do not fit")
    stated = n.integers("kernel_shape")
    if stated is not None and stated != tuple(e.constant for e in k.shape[2:]):
        raise BadInput("TV0302", f"{n.what}: kernel_shape {stated} is not the weight's")
    win = window(n, b, x, k.shape[2:])
    channels, features = k.shape[1], k.shape[0].constant
    if group < 1 or features is None or features < 1 or features % group:
        raise BadInput("TV0302", f"{n.what}: {group} groups")
    require_same(b.system.sets, channels * group, x.shape[1], n.what)
    if bias is not None and bias.shape != (k.shape[0],):
        raise BadInput("TV0302", f"{n.what}: the bias has shape {text(bias.shape)}")
    shape = (x.shape[0], k.shape[0], *win.count)
    w = wide(e)

    def total(p: Place) -> Term:
        first = floordiv(p.index[1], features // group, p.ranges)

        def term(q: Place, inner: tuple[Affine, ...]) -> Term:
            at = win.at(p.index[2:], inner[1:])
            inside = win.inside(at, x.shape[2:])
            source = (p.index[0], _scaled(first, channels, group) + inner[0], *at)

            def product(r: Place) -> Term:
                return multiplied(r, e, [r.get(x, source), r.get(k, (p.index[1], *inner))])

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
