"""Elements picked one by one: GatherElements, OneHot, EyeLike; and placed one by one: ScatterElements, TensorScatter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend import static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import I64, element_of
from tv.graph_frontend.indexing import counted_from_front, in_range, known_index
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.scatter import MOST, some_alike
from tv.graph_frontend.shapes import require_same
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import TRUE, Affine
from tv.sets.formulas import all_of, eq, ge, lt, negate
from tv.term import Term

Index = tuple[Affine, ...]


def _with(index: Index, axis: int, by: Affine) -> Index:
    return tuple(by if d == axis else i for d, i in enumerate(index))


@denotes("GatherElements", since=11)
def gather_elements(n: NodeView, b: Builder) -> None:
    """the element at the own index, its entry along the axis replaced by an index; in range by assumption, negative ones count
    from the end"""
    x, i = n.input(0), n.input(1)
    axis = n.axis("axis", 0, x.rank)
    if i.rank != x.rank:
        raise BadInput("TV0302", f"{n.what}: indices of rank {i.rank} into rank {x.rank}")
    for d in range(x.rank):
        _reaches(n, b, i, x, d, axis)
    extent = x.shape[axis]

    def body(p: Place) -> Term:
        if i.ints is not None:
            arms = known_index(static.at(i.ints, p.index, p.ranges), extent)
            return p.case([(c, partial(_read, x, _with(p.index, axis, v))) for c, v in arms])
        chosen = counted_from_front(p, p.get(i), i.element, extent)
        return p.pick([extent], [chosen], lambda q, k: q.get(x, _with(p.index, axis, k[0])))

    if i.ints is not None:
        in_range(n, b, i, extent)
    b.define(n, 0, x.element, i.shape, body)


def _reaches(n: NodeView, b: Builder, i: Tensor, x: Tensor, d: int, axis: int) -> None:
    """Beside the axis no index tensor is longer than the data."""
    if d != axis and not b.system.sets.empty(b.system.sets.set("extent", (), lt(x.shape[d], i.shape[d]))):
        raise BadInput("TV0302", f"{n.what}: dimension {d} of the indices is longer than the data")


def _read(t: Tensor, index: Index, p: Place) -> Term:
    return p.get(t, index)


@denotes("ScatterElements", since=11)
def scatter_elements(n: NodeView, b: Builder) -> None:
    """a copy with elements replaced at indices along an axis of at most 16 entries, in
    ascending order; in range by assumption"""
    x, i, u = n.input(0), n.input(1), n.input(2)
    e = n.one_type(x, u)
    axis = n.axis("axis", 0, x.rank)
    reduction = n.attribute("reduction", "none")
    if reduction != "none":
        raise Unsupported("TV0311", f"reduction `{reduction}` of {n.what}")
    if i.rank != x.rank or i.rank != u.rank:
        raise BadInput("TV0302", f"{n.what}: ranks {x.rank}, {i.rank} and {u.rank}")
    for d in range(x.rank):
        require_same(b.system.sets, i.shape[d], u.shape[d], n.what)
        _reaches(n, b, i, x, d, axis)
    count = i.shape[axis].constant
    if count is None or count > MOST:
        raise Unsupported("TV0313", f"{n.what} with more than {MOST} indices along the axis, or an open number of them")
    b.assume("indices that are data (Gather and kin) are in range")
    beside = [(d, i.shape[d]) for d in range(x.rank) if d != axis]

    def body(p: Place) -> Term:
        reached = all_of(*(lt(p.index[d], extent) for d, extent in beside))
        return p.case([(reached, written), (negate(reached), lambda q: q.get(x))])

    def written(p: Place) -> Term:
        out = p.get(x)
        own = p.integer(((TRUE, p.index[axis]),), (), I64)
        for k in range(count):
            at = _with(p.index, axis, Affine.of(k))
            chosen = counted_from_front(p, p.get(i, at), i.element, x.shape[axis])
            out = p.select(p.op("eq.i64", chosen, own), p.get(u, at), out)
        return out

    b.define(n, 0, e, x.shape, body)
    if i.ints is None:
        rows = _with(i.shape, axis, Affine.of(1))

        def places(p: Place) -> Term:
            entries = (p.get(i, _with(p.index, axis, Affine.of(k))) for k in range(count))
            return some_alike(p, [[counted_from_front(p, v, i.element, x.shape[axis])] for v in entries])

        b.excluded(n, rows, places)


@denotes("TensorScatter", since=24)
def tensor_scatter(n: NodeView, b: Builder) -> None:
    """a cache with an update written along the axis from each batch's position (0 without one); circular: modulo its length.
    Positions that are data are in range by assumption"""
    x, u, at = n.input(0), n.input(1), n.optional(2)
    e = n.one_type(x, u)
    axis = n.axis("axis", -2, x.rank)
    mode = n.attribute("mode", "linear")
    if mode not in ("linear", "circular") or axis == 0:
        raise BadInput("TV0302", f"{n.what}: mode `{mode}` along axis {axis}")
    if u.rank != x.rank:
        raise BadInput("TV0302", f"{n.what} joins ranks {x.rank} and {u.rank}")
    for d in range(x.rank):
        if d != axis:
            require_same(b.system.sets, x.shape[d], u.shape[d], n.what)
    if mode == "circular":
        raise Unsupported("TV0311", f"mode `circular` of {n.what}")
    if at is not None and at.rank != 1:
        raise BadInput("TV0302", f"{n.what}: positions of rank {at.rank}, not 1")
    extent, length = x.shape[axis], u.shape[axis]
    if at is not None and at.ints is None:
        b.define(n, 0, e, x.shape, _at_data(n, b, (x, u, at), axis))
        return
    pieces = ((TRUE, Affine.of(0)),) if at is None or at.ints is None else at.ints
    outside = [all_of(c, f) for c, v in pieces for f in (lt(v, 0), lt(extent, v + length))]
    rows = ("i0",)
    for f in outside:
        if not b.system.sets.empty(
            b.system.sets.set("fits1", rows, all_of(ge(static.own(0)), lt(static.own(0), x.shape[0]), f))
        ):
            raise BadInput("TV0302", f"{n.what} writes past the end of its cache")

    def body(p: Place) -> Term:
        arms = []
        for c, v in static.at(pieces, (p.index[0],), p.ranges):
            k = p.index[axis] - v
            new = all_of(ge(k), lt(k, length))
            arms.append((all_of(c, new), partial(_read, u, _with(p.index, axis, k))))
            arms.append((all_of(c, negate(new)), partial(_read, x, p.index)))
        return p.case(arms)

    b.define(n, 0, e, x.shape, body)


def _at_data(n: NodeView, b: Builder, tensors: tuple[Tensor, Tensor, Tensor], axis: int) -> Callable[[Place], Term]:
    """A cache with the entries of an update written from a position that is data."""
    x, u, at = tensors
    extent, count = x.shape[axis], u.shape[axis].constant
    if count is None or count > MOST:
        what = f"{n.what} of more than {MOST} entries, or an open number of them, at positions that are data"
        raise Unsupported("TV0313", what, help='state them: [inputs] NAME = "P"')
    b.assume("indices that are data (Gather and kin) are in range")

    def body(p: Place) -> Term:
        position = p.get(at, (p.index[0],))
        p.b.suppose(position, at.element, Affine.of(0), extent - count)
        first, out = p.convert(position, at.element, I64), p.get(x)
        for k in range(count):
            own = p.integer(((TRUE, p.index[axis] - k),), (), I64)
            out = p.select(p.op("eq.i64", first, own), p.get(u, _with(p.index, axis, Affine.of(k))), out)
        return out

    return body


@denotes("OneHot", since=11)
def one_hot(n: NodeView, b: Builder) -> None:
    """a new axis of `depth` entries: the second value where its index is the given one (negative ones count from the end)"""
    i, depth, values = n.input(0), n.input(1).scalar(n.what), n.input(2)
    if values.shape != (Affine.of(2),):
        raise BadInput("TV0302", f"{n.what}: the values must be two")
    axis = n.wrap_axis(n.attribute("axis", -1), i.rank + 1)
    if i.element.is_float or i.element.kind == "bool":
        raise Unsupported("TV0312", f"{n.what} of {i.element.label} indices")
    shape = (*i.shape[:axis], depth, *i.shape[axis:])

    def body(p: Place) -> Term:
        rest = (*p.index[:axis], *p.index[axis + 1 :])
        off, on = (partial(_read, values, (Affine.of(k),)) for k in (0, 1))
        own = p.index[axis]
        if i.ints is not None:
            arms = []
            for c, v in static.at(i.ints, rest, p.ranges):
                hit = eq(own, v)
                back = all_of(lt(v, 0), eq(own, v + depth))
                arms += [(all_of(c, hit), on), (all_of(c, back), on), (all_of(c, negate(hit), negate(back)), off)]
            return p.case(arms)
        w = p.convert(p.get(i, rest), i.element, I64)
        here = p.op("eq.i64", w, p.integer(((TRUE, own),), (), I64))
        if i.element.kind == "signed":
            here = p.op("or.i1", here, p.op("eq.i64", w, p.integer(((TRUE, own - depth),), (), I64)))
        return p.select(here, on(p), off(p))

    b.define(n, 0, values.element, shape, body)


@denotes("EyeLike", since=9)
def eye_like(n: NodeView, b: Builder) -> None:
    """1 on a diagonal of a matrix, 0 elsewhere"""
    x = n.input(0)
    if x.rank != 2:
        raise BadInput("TV0302", f"{n.what} of rank {x.rank}")
    code, k = n.attribute("dtype", 0), n.attribute("k", 0)
    e = element_of(code, n.what) if code else x.element

    def body(p: Place) -> Term:
        f = eq(p.index[1], p.index[0] + k)
        one = p.number(1.0, e) if e.is_float else p.bits(1, e.width)
        return p.case([(f, lambda q: one), (negate(f), lambda q: q.bits(0, e.width))])

    b.define(n, 0, e, x.shape, body)
