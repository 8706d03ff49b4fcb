"""Casts, comparisons, and what is chosen by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from tv.diagnostic import BadInput
from tv.graph_frontend import static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import BOOL, I32, Element, element_of
from tv.graph_frontend.elementwise import by_index, pointwise
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import broadcast, broadcast_index
from tv.graph_frontend.static import Pieces
from tv.graph_frontend.tensors import Indexed, Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import Affine
from tv.sets.formulas import eq, ge, lt, negate
from tv.term import Term


@denotes("Cast", since=6)
def cast(n: NodeView, b: Builder) -> None:
    """to another type: floats to nearest even, floats to integers toward zero (in range by assumption), integers wrap"""
    n.ignore("saturate", "round_mode")  # both speak of float8 and smaller, which are refused as element types
    code = n.attribute("to", 0)
    convert_to(n, b, n.input(0), element_of(code, n.node.outputs[0]))


@denotes("CastLike", since=15)
def cast_like(n: NodeView, b: Builder) -> None:
    """Cast to the second operand's type"""
    n.ignore("saturate", "round_mode")
    convert_to(n, b, n.input(0), n.input(1).element)


def convert_to(n: NodeView, b: Builder, x: Tensor, to: Element) -> None:
    e = x.element
    if not e.is_float and not to.is_float and x.ints is not None:
        pieces = x.ints if to.kind != "bool" else static.truth(static.holds(x.ints))
        if b.define_ints(n, 0, to, x.shape, pieces):
            return
    known = x.ints if isinstance(x.source, Indexed) else None
    if known is not None and to.is_float:
        # a position: the same number from 32 bits, as kernels hold it, where it fits
        source = I32 if b.fits(known, I32, x.shape) else e
        b.define(n, 0, to, x.shape, lambda p: p.convert(p.integer(known, p.index, source), source, to))
        return
    if e.is_float and not to.is_float and to.kind != "bool":
        b.assume("floats cast to integers are in range", numbers_only=True)
        low, high = (Affine.of(v) for v in to.limits())
        pointwise(n, b, [x], to, lambda p, a: p.convert(b.suppose(a[0], e, low, high), e, to))
        return
    pointwise(n, b, [x], to, lambda p, a: p.convert(a[0], e, to))


@denotes("Where", since=9)
def where(n: NodeView, b: Builder) -> None:
    """condition ? a : b; a condition on positions and shapes selects by index set"""
    c, x, y = n.input(0), n.input(1), n.input(2)
    e = n.one_type(x, y)
    if c.element.kind != "bool":
        raise BadInput("TV0302", f"{n.what}: the condition is not boolean")
    if by_index(n, b, [c, x, y], e, lambda k, u, v: u if k.constant else v):
        return
    shape = broadcast(b.system.sets, [c.shape, x.shape, y.shape], n.what)

    def body(p: Place) -> Term:
        ints = c.ints

        def arm(t: Tensor) -> Callable[[Place], Term]:
            return lambda q: q.get(t, broadcast_index(t.shape, p.index))

        if ints is not None:
            f = static.holds(static.at(ints, broadcast_index(c.shape, p.index), p.ranges))
            return p.case([(f, arm(x)), (negate(f), arm(y))])
        return p.select(p.get(c, broadcast_index(c.shape, p.index)), arm(x)(p), arm(y)(p))

    b.define(n, 0, e, shape, body)


# ------------------------------------------------------------------------------------------------ comparisons and logic
@denotes("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", since=7)
def compare(n: NodeView, b: Builder) -> None:
    """the comparison; false where an operand is NaN"""
    x, y = n.input(0), n.input(1)
    e = n.one_type(x, y)
    swap = n.node.op.startswith("Greater")
    strict = n.node.op in ("Less", "Greater")

    def relation(u: Affine, v: Affine) -> Pieces:
        if n.node.op == "Equal":
            return static.truth(eq(u, v))
        u, v = (v, u) if swap else (u, v)
        return static.truth(lt(u, v) if strict else ge(v, u))

    if not e.is_float and by_index(n, b, [x, y], BOOL, relation):
        return

    def compute(p: Place, a: Sequence[Term]) -> Term:
        u, v = (a[1], a[0]) if swap else (a[0], a[1])
        name = "eq" if n.node.op == "Equal" else "lt" if strict else "le"
        if e.is_float:
            return p.op(f"f{name}.{e.op}", u, v)
        prefix = "" if name == "eq" else "s" if e.kind == "signed" else "u"
        return p.op(f"{prefix}{name}.i{e.width}", u, v)

    pointwise(n, b, [x, y], BOOL, compute)


@denotes("And", "Or", "Xor", since=7)
def logic(n: NodeView, b: Builder) -> None:
    """of two booleans; one known by position decides by index set"""
    x, y = n.input(0), n.input(1)
    op = n.node.op
    if n.one_type(x, y).kind != "bool":
        raise BadInput("TV0302", f"{n.what} on {x.element.label}")

    def relation(u: Affine, v: Affine) -> Affine:
        i, j = bool(u.constant), bool(v.constant)
        return Affine.of(int((i and j) if op == "And" else (i or j) if op == "Or" else i != j))

    if by_index(n, b, [x, y], BOOL, relation):
        return
    known, other = (x, y) if x.ints is not None else (y, x)
    if known.ints is None:
        pointwise(n, b, [x, y], BOOL, lambda p, a: p.op(f"{op.lower()}.i1", *a))
        return
    pieces = static.boolean(known.ints)

    def body(p: Place) -> Term:
        here = static.at(pieces, broadcast_index(known.shape, p.index), p.ranges)
        return p.case([(c, partial(arm, v.const)) for c, v in here])

    def arm(truth: int, p: Place) -> Term:
        return p.op(f"{op.lower()}.i1", p.bits(truth, 1), p.get(other, broadcast_index(other.shape, p.index)))

    b.define(n, 0, BOOL, broadcast(b.system.sets, [x.shape, y.shape], n.what), body)


@denotes("Not", since=1)
def logical_not(n: NodeView, b: Builder) -> None:
    """of a boolean"""
    x = n.input(0)
    if x.element.kind != "bool":
        raise BadInput("TV0302", f"{n.what} on {x.element.label}")
    if by_index(n, b, [x], BOOL, lambda u: Affine.of(int(not u.constant))):
        return
    pointwise(n, b, [x], BOOL, lambda p, a: p.op("xor.i1", a[0], p.bits(1, 1)))


@denotes("IsNaN", since=9)
def is_nan(n: NodeView, b: Builder) -> None:
    """is it NaN?"""
    e = n.require_float(n.input(0))
    pointwise(n, b, [n.input(0)], BOOL, lambda p, a: p.is_nan(a[0], e))


@denotes("IsInf", since=10)
def is_infinite(n: NodeView, b: Builder) -> None:
    """is it an infinity (of the signs asked for)?"""
    e = n.require_float(n.input(0))
    wanted = [v for name, v in (("detect_positive", inf), ("detect_negative", -inf)) if n.flag(name, True)]

    def compute(p: Place, a: Sequence[Term]) -> Term:
        out = p.bits(0, 1)
        for k, v in enumerate(wanted):
            hit = p.op(f"feq.{e.op}", a[0], p.number(v, e))
            out = hit if k == 0 else p.op("or.i1", out, hit)
        return out

    pointwise(n, b, [n.input(0)], BOOL, compute)
