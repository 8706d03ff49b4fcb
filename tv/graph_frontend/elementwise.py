"""Operators that act on each element by itself, with numpy's broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tv.arithmetic import decode
from tv.diagnostic import Unsupported
from tv.graph_frontend import static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import F32, Element
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import Shape, broadcast, broadcast_index
from tv.graph_frontend.static import Pieces
from tv.graph_frontend.tensors import Tensor, Uniform
from tv.graph_frontend.view import NodeView
from tv.sets import TRUE, Affine, Formula
from tv.sets.affine import Dim, Range, Ranges, Sym, floordiv, mod
from tv.sets.formulas import all_of, eq, ge, lt
from tv.term import Term

Compute = Callable[[Place, Sequence[Term]], Term]


def pointwise(n: NodeView, b: Builder, inputs: Sequence[Tensor], element: Element, compute: Compute) -> None:
    """Output 0 = compute(elements of the broadcast inputs)."""
    shape = broadcast(b.system.sets, [t.shape for t in inputs], n.what)
    known = _constants(b, inputs, shape)

    def body(p: Place) -> Term:
        if known is not None:  # of constants by pieces, constants by pieces
            return p.case([(c, partial(_of_constants, compute, inputs, values)) for c, values in known])
        return compute(p, [p.get(t, broadcast_index(t.shape, p.index)) for t in inputs])

    b.define(n, 0, element, shape, body)


def _constants(b: Builder, inputs: Sequence[Tensor], shape: Shape) -> list[tuple[Formula, list[int]]] | None:
    """Pieces on each of which every operand is one constant: the operands' bits. None where one is not known so."""
    ranges = index_ranges(b, shape)
    own = [static.own(k) for k in range(len(shape))]
    rows: list[tuple[Formula, list[int]]] = [(TRUE, [])]
    for t in inputs:
        pieces = t.bits
        if pieces is None:
            return None
        here = static.at(pieces, broadcast_index(t.shape, own), ranges)
        both = ((static.reduce_formula(all_of(c, d), ranges), [*vs, v.const]) for c, vs in rows for d, v in here)
        rows = [(c, vs) for c, vs in both if c.op != "false"]
        if len(rows) > static.LIMIT:
            return None
    return rows or None


def _of_constants(compute: Compute, inputs: Sequence[Tensor], values: Sequence[int], p: Place) -> Term:
    return compute(p, [p.bits(v, t.element.width) for t, v in zip(inputs, values, strict=True)])


def by_index(
    n: NodeView, b: Builder, inputs: Sequence[Tensor], element: Element, f: Callable[..., Affine | Pieces | None]
) -> bool:
    """Output 0 as integers known by index, where all inputs are and f has an affine answer."""
    if element.is_float or any(t.element.is_float for t in inputs):
        return False
    shape = broadcast(b.system.sets, [t.shape for t in inputs], n.what)
    own = [static.own(k) for k in range(len(shape))]
    pieces = []
    for t in inputs:
        ints = t.ints
        if ints is None:
            return False
        pieces.append(static.at(ints, broadcast_index(t.shape, own)))
    ranges = index_ranges(b, shape)
    return b.define_ints(n, 0, element, shape, static.combine(pieces, f, ranges))


def index_ranges(b: Builder, shape: Shape) -> Ranges:
    def ranges(a: Dim | Sym) -> Range:
        if isinstance(a, Sym):
            return b.symbol_range(a.name)
        high = shape[int(a.name[1:])].interval(b.symbol_range_of)[1]
        return 0, None if high is None else high - 1

    return ranges


# ------------------------------------------------------------------------------------------------ arithmetic
def _scaled(x: Affine, y: Affine) -> Affine | None:
    if y.constant is not None:
        return x * y.constant
    return y * x.constant if x.constant is not None else None


def _quotient(x: Affine, y: Affine) -> Pieces | None:
    """Integer division toward zero by a positive constant."""
    if y.constant is None or y.constant <= 0:
        return None
    k = y.constant
    return ((ge(x), floordiv(x, k)), (lt(x, 0), -floordiv(-x, k)))


@denotes("Add", "Sub", "Mul", "Div", since=7)
def arithmetic(n: NodeView, b: Builder) -> None:
    """a + b, a - b, a * b, a / b in the tensors' own type, rounded once; integers wrap, integer division is toward zero"""
    x, y = n.input(0), n.input(1)
    e = n.one_type(x, y)
    if not e.is_float:
        exact: dict[str, Callable[..., Affine | Pieces | None]] = {
            "Add": lambda u, v: u + v, "Sub": lambda u, v: u - v, "Mul": _scaled, "Div": _quotient,
        }  # fmt: skip
        if by_index(n, b, [x, y], e, exact[n.node.op]):
            return
        if n.node.op == "Div" and e.kind != "bool":
            undivided(n, b, e, x, y)
    pointwise(n, b, [x, y], e, lambda p, a: p.op(operation(n.node.op.lower(), e), *a))


def undivided(n: NodeView, b: Builder, e: Element, x: Tensor, y: Tensor) -> None:
    """Integers that have no quotient: of a division by 0, and one that is too large."""
    shape = broadcast(b.system.sets, [x.shape, y.shape], n.what)
    eq, low = f"eq.i{e.width}", 1 << (e.width - 1)

    def body(p: Place) -> Term:
        u, v = (p.get(t, broadcast_index(t.shape, p.index)) for t in (x, y))
        zero = p.op(eq, v, p.bits(0, e.width))
        if e.kind == "unsigned":
            return zero
        large = p.op("and.i1", p.op(eq, u, p.bits(low, e.width)), p.op(eq, v, p.bits(2 * low - 1, e.width)))
        return p.op("or.i1", zero, large)

    b.excluded(n, shape, body)


def operation(name: str, e: Element) -> str:
    """The term operation of add, sub, mul, div on a type."""
    if e.is_float:
        return f"f{name}.{e.op}"
    if e.kind == "bool":
        raise Unsupported("TV0312", f"`{name}` on booleans")
    if name == "div":
        return f"{'s' if e.kind == 'signed' else 'u'}div.i{e.width}"
    return f"{name}.i{e.width}"


def _remainder(x: Affine, y: Affine) -> Affine | None:
    """Of a division by a positive constant, rounded down."""
    return mod(x, y.constant) if y.constant is not None and y.constant > 0 else None


@denotes("Mod", since=10)
def modulo(n: NodeView, b: Builder) -> None:
    """integers: x - y floor(x / y); with fmod, the sign of x, of floats too: fmodf, which is exact"""
    x, y = n.input(0), n.input(1)
    e = n.one_type(x, y)
    c_like = n.flag("fmod", False)
    if e.is_float and not c_like:
        raise Unsupported("TV0312", f"{n.what} on {e.label} without `fmod = 1`")
    if e.is_float:
        w = F32 if e.narrow else e
        pointwise(n, b, [x, y], e, lambda p, a: p.convert(p.op(f"fmod.{w.op}", *(p.convert(v, e, w) for v in a)), w, e))
        return
    if not c_like and by_index(n, b, [x, y], e, _remainder):
        return
    undivided(n, b, e, x, y)

    def compute(p: Place, a: Sequence[Term]) -> Term:
        w = e.width
        if e.kind == "unsigned":
            return p.op(f"urem.i{w}", *a)
        r, zero = p.op(f"srem.i{w}", *a), p.bits(0, w)
        if c_like:
            return r
        opposite = p.op("xor.i1", p.op(f"slt.i{w}", r, zero), p.op(f"slt.i{w}", a[1], zero))
        return p.select(
            p.op("and.i1", opposite, p.op("xor.i1", p.op(f"eq.i{w}", r, zero), p.bits(1, 1))),
            p.op(f"add.i{w}", r, a[1]),
            r,
        )

    pointwise(n, b, [x, y], e, compute)


@denotes("Neg", since=6)
def negation(n: NodeView, b: Builder) -> None:
    """-x: the sign bit flipped; integers wrap"""
    x = n.input(0)
    e = x.element
    if by_index(n, b, [x], e, lambda u: -u):
        return
    if e.is_float:
        pointwise(n, b, [x], e, lambda p, a: p.op(f"fneg.{e.op}", a[0]))
    else:
        pointwise(n, b, [x], e, lambda p, a: p.op(f"sub.i{e.width}", p.bits(0, e.width), a[0]))


@denotes("Abs", since=6)
def absolute(n: NodeView, b: Builder) -> None:
    """|x|: the sign bit cleared; integers: x < 0 ? -x : x"""
    x = n.input(0)
    e = x.element
    if by_index(n, b, [x], e, lambda u: ((ge(u), u), (lt(u, 0), -u))):
        return
    if e.is_float:
        pointwise(n, b, [x], e, lambda p, a: p.op(f"fabs.{e.op}", a[0]))
        return
    if e.kind != "signed":
        pointwise(n, b, [x], e, lambda p, a: a[0])
        return
    zero, w = 0, e.width

    def compute(p: Place, a: Sequence[Term]) -> Term:
        below = p.op(f"slt.i{w}", a[0], p.bits(zero, w))
        return p.select(below, p.op(f"sub.i{w}", p.bits(zero, w), a[0]), a[0])

    pointwise(n, b, [x], e, compute)


@denotes("Sqrt", since=6)
def square_root(n: NodeView, b: Builder) -> None:
    """the square root, rounded once"""
    e = n.require_float(n.input(0))
    pointwise(n, b, [n.input(0)], e, lambda p, a: p.op(f"fsqrt.{e.op}", a[0]))


@denotes("Reciprocal", since=6)
def reciprocal(n: NodeView, b: Builder) -> None:
    """1 / x, rounded once"""
    e = n.require_float(n.input(0))
    pointwise(n, b, [n.input(0)], e, lambda p, a: p.op(f"fdiv.{e.op}", p.number(1.0, e), a[0]))


@denotes("Floor", "Ceil", "Round", since=6)
def rounding(n: NodeView, b: Builder) -> None:
    """to a whole number: down, up, or to the nearest (halves to even)"""
    e = n.require_float(n.input(0))
    name = {"Floor": "floor", "Ceil": "ceil", "Round": "rint"}[n.node.op]
    pointwise(n, b, [n.input(0)], e, lambda p, a: p.op(f"{name}.{e.op}", a[0]))


@denotes("Identity", since=1)
def identity(n: NodeView, b: Builder) -> None:
    """the tensor itself"""
    view_of(n, b, n.input(0), n.input(0).shape, lambda p, index: index)


def view_of(n: NodeView, b: Builder, t: Tensor, shape: Shape, move: Callable[[Ranges, tuple[Affine, ...]], tuple[Affine, ...]],
            output: int = 0) -> None:  # fmt: skip
    """Output: the element of t at `move(ranges, own index)`; integers known by index stay so."""
    if t.ints is not None:
        own = tuple(static.own(k) for k in range(len(shape)))
        ranges = index_ranges(b, shape)
        if b.define_ints(n, output, t.element, shape, static.at(t.ints, move(ranges, own), ranges)):
            return
    known = t.regions
    if known is not None:
        b.define(n, output, t.element, shape, lambda p: p.spread(known, move(p.ranges, p.index), t.element))
        return
    b.define(n, output, t.element, shape, lambda p: p.get(t, move(p.ranges, p.index)))


@denotes("Sum", "Mean", since=8)
def variadic(n: NodeView, b: Builder) -> None:
    """operands added from the left (three or more 16-bit ones in f32, rounded once); Mean divides by their number"""
    inputs = n.inputs()
    e = n.one_type(*inputs)
    n.require_float(inputs[0])
    w = F32 if e.narrow and (len(inputs) > 2 or n.node.op == "Mean") else e

    def compute(p: Place, a: Sequence[Term]) -> Term:
        out, *rest = (p.convert(x, e, w) for x in a)
        for x in rest:
            out = p.op(f"fadd.{w.op}", out, x)
        if n.node.op == "Mean":
            out = p.op(f"fdiv.{w.op}", out, p.number(float(len(inputs)), w))
        return p.convert(out, w, e)

    pointwise(n, b, inputs, e, compute)


@denotes("Sign", since=9)
def sign(n: NodeView, b: Builder) -> None:
    """1, +0 or -1; of NaN itself"""
    x = n.input(0)
    e = x.element
    if by_index(n, b, [x], e, lambda u: ((ge(u, 1), Affine.of(1)), (eq(u), Affine.of(0)), (lt(u, 0), Affine.of(-1)))):
        return
    n.require_float(x)

    def compute(p: Place, a: Sequence[Term]) -> Term:
        zero = p.number(0.0, e)
        none = p.select(p.op(f"feq.{e.op}", a[0], zero), zero, a[0])
        low = p.select(p.op(f"flt.{e.op}", a[0], zero), p.number(-1.0, e), none)
        return p.select(p.op(f"flt.{e.op}", zero, a[0]), p.number(1.0, e), low)

    pointwise(n, b, [x], e, compute)


@denotes("Dropout", since=12)
def dropout(n: NodeView, b: Builder) -> None:
    """inference: the tensor itself (a training mode, or the mask output, has no meaning)"""
    n.ignore("seed")  # of training only
    mode = n.optional(2)
    if n.wants(1) or (mode is not None and constant_value(mode) != 0.0):
        raise Unsupported("TV0313", f"{n.what} in training mode")
    view_of(n, b, n.input(0), n.input(0).shape, lambda ranges, i: i)


def constant_value(t: Tensor) -> float | None:
    """The number that every element of a float or integer tensor is, where that is known."""
    if isinstance(t.source, Uniform):
        return float(decode(np.array([t.source.bits], np.uint64), t.element.op)[0])
    pieces = t.ints
    if pieces is not None and len(pieces) == 1 and pieces[0][1].constant is not None:
        return float(pieces[0][1].constant)
    return None
