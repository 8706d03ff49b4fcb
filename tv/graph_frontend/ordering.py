"""Operators that look for places in sorted order: TopK, ArgMax, ArgMin."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import I64, Element
from tv.graph_frontend.place import Place
from tv.graph_frontend.reductions import fold_axes
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE, Shape
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import TRUE, Affine
from tv.sets.affine import ZERO, ge, lt
from tv.system import Extreme
from tv.term import Term


def _replaced(index: Sequence[Affine], axis: int, by: Affine) -> tuple[Affine, ...]:
    return tuple(by if d == axis else i for d, i in enumerate(index))


def _below(p: Place, e: Element, strict: bool, a: Term, b: Term) -> Term:
    """a < b, or a <= b."""
    name = "lt" if strict else "le"
    if e.is_float:
        return p.op(f"f{name}.{e.op}", a, b)
    return p.op(f"{'s' if e.kind == 'signed' else 'u'}{name}.i{e.width}", a, b)


def ranks(n: NodeView, b: Builder, x: Tensor, axis: int, largest: bool, last_first: bool) -> Tensor:
    """How many elements along the axis come before each one: larger (or smaller) ones, and of equal ones the lower index
    (or, with last_first, the higher)."""
    e = x.element
    if e.kind == "bool":
        raise Unsupported("TV0312", f"{n.what} on booleans")
    b.assume(f"{n.node.op} sees no NaN", numbers_only=True)

    def body(p: Place) -> Term:
        mine = p.index[axis]

        def counts(q: Place, inner: tuple[Affine, ...]) -> Term:
            def before(or_equal: bool) -> Term:
                here, other = (b.suppose(q.get(x, i), e) for i in (p.index, _replaced(p.index, axis, inner[0])))
                pair = (here, other) if largest else (other, here)
                return q.select(_below(q, e, not or_equal, *pair), q.bits(1, 64), q.bits(0, 64))

            earlier = lt(inner[0], mine) if not last_first else ge(inner[0], mine + 1)
            later = ge(inner[0], mine) if not last_first else ge(mine, inner[0])
            first, second = before(True), before(False)
            return q.case([(earlier, lambda r: first), (later, lambda r: second)])

        return p.reduce("add.i64", [x.shape[axis]], counts, p.bits(0, 64))

    return b.inner(n, "rank", I64, x.shape, body)


def _at_rank(
    n: NodeView, b: Builder, k: int, x: Tensor, rank: Tensor, axis: int, shape: Shape, keep: bool = True
) -> Tensor:
    """Output k: the index along the axis whose rank is the result's own index there (0 where the axis is gone)."""

    def body(p: Place) -> Term:
        full = p.index if keep else (*p.index[:axis], ZERO, *p.index[axis:])
        wanted = p.integer(((TRUE, full[axis]),), (), I64)

        def one(q: Place, inner: tuple[Affine, ...]) -> Term:
            found = q.op("eq.i64", q.get(rank, _replaced(full, axis, inner[0])), wanted)
            return q.select(found, q.integer(((TRUE, inner[0]),), (), I64), q.bits(0, 64))

        return p.reduce("add.i64", [x.shape[axis]], one, p.bits(0, 64))

    return b.define(n, k, I64, shape, body)


@denotes("TopK", since=11)
def top_k(n: NodeView, b: Builder) -> None:
    """the k largest (or smallest) along an axis in order, and their indices; of equals the lower index first"""
    x = n.input(0)
    k = n.input(1).scalar(n.what)
    axis = n.axis("axis", -1, x.rank)
    largest = n.attribute("largest", 1) != 0
    if n.attribute("sorted", 1) != 1:
        raise Unsupported("TV0311", f"{n.what} with `sorted = 0`, whose results may stand in any order")
    if not b.system.sets.empty(b.system.sets.set("extent", (), lt(x.shape[axis], k))):
        raise BadInput("TV0302", f"{n.what} takes {k.text()} of {x.shape[axis].text()} elements")
    shape = _replaced(x.shape, axis, k)
    rank = ranks(n, b, x, axis, largest, last_first=False)
    chosen = _at_rank(n, b, 1, x, rank, axis, shape)

    def value(p: Place) -> Term:
        return p.pick([x.shape[axis]], [p.get(chosen)], lambda q, i: q.get(x, _replaced(p.index, axis, i[0])))

    b.define(n, 0, x.element, shape, value)


@denotes("ArgMax", "ArgMin", since=1)
def arg_extreme(n: NodeView, b: Builder) -> None:
    """the index of the largest (smallest) element along an axis; of equals the lowest, or with select_last_index the highest"""
    x = n.input(0)
    axis = n.axis("axis", 0, x.rank)
    keep = n.flag("keepdims", True)
    last = n.flag("select_last_index", False)
    largest, e = n.node.op == "ArgMax", x.element
    if e.kind == "bool":
        raise Unsupported("TV0312", f"{n.what} on booleans")
    b.assume(f"{n.node.op} sees no NaN", numbers_only=True)
    sign = "" if e.is_float else e.kind[0]
    head, first = ("max", -inf) if largest else ("min", inf)

    def start(p: Place) -> Term:
        return p.number(first, e) if e.is_float else p.bits(e.limits()[0 if largest else 1], e.width)

    def element(q: Place, t: Term) -> Term:
        return b.suppose(t, e)

    op = f"f{head}.{e.op}" if e.is_float else f"{sign}{head}.i{e.width}"
    extreme = b.inner(n, head, e, _replaced(x.shape, axis, ONE), fold_axes(n, b, x, [axis], True, op, start, element))
    shape = _replaced(x.shape, axis, ONE) if keep else x.shape[:axis] + x.shape[axis + 1 :]

    def place(p: Place) -> Term:
        """The first (last) index at which the extreme stands."""
        full = p.index if keep else (*p.index[:axis], ZERO, *p.index[axis:])
        met: list[tuple[Term, Term]] = []
        none = p.bits(-1 if last else I64.limits()[1], 64)

        def one(q: Place, inner: tuple[Affine, ...]) -> Term:
            value = q.get(x, _replaced(full, axis, inner[0]))
            met.append((value, q.integer(((TRUE, inner[0]),), (), I64)))
            same = q.op(
                f"feq.{e.op}" if e.is_float else f"eq.i{e.width}", value, q.get(extreme, _replaced(full, axis, ZERO))
            )
            return q.select(same, met[0][1], none)

        t = p.reduce("smax.i64" if last else "smin.i64", [x.shape[axis]], one, none)
        b.system.extremes[t.id] = Extreme(*met[0], largest, last, e.op if e.is_float else f"{sign}{e.width}")
        return t

    b.define(n, 0, I64, shape, place)
