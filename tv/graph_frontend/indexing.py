"""Shapes as values, constants, ranges, and reading at indices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from onnx import TensorProto

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend import static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import F32, I64, Element
from tv.graph_frontend.load import constant_proto
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import Product, Shape, require_same
from tv.graph_frontend.tensors import Tensor, Uniform
from tv.graph_frontend.view import NodeView
from tv.sets import TRUE, Affine, Formula
from tv.sets.affine import ZERO, floordiv
from tv.sets.formulas import all_of, eq, ge, lt
from tv.term import Term


def bind_list(n: NodeView, b: Builder, element: Element, values: Sequence[Affine], scalar: bool = False) -> None:
    """Output 0 is a list (or one) of known integers."""
    shape: Shape = () if scalar else (Affine.of(len(values)),)
    if scalar or len(values) == 1:
        pieces: static.Pieces = ((TRUE, values[0]),)
    else:
        pieces = (
            static.merge([(eq(static.own(0), k), v) for k, v in enumerate(values)])
            if values
            else static.constant_pieces(0)
        )
    if not b.define_ints(n, 0, element, shape, pieces):
        raise Unsupported("TV0314", f"{n.what}: values beyond {element.label}")


@denotes("Shape", since=1)
def shape_of(n: NodeView, b: Builder) -> None:
    """the extents, as integers known by their index"""
    x = n.input(0)
    start, end = n.attribute("start", 0), n.attribute("end", x.rank)
    bind_list(n, b, I64, x.shape[slice(start, end)])


@denotes("Size", since=1)
def size_of(n: NodeView, b: Builder) -> None:
    """the number of elements"""
    bind_list(n, b, I64, [Product.of(n.input(0).shape).extent(n.what)], scalar=True)


@denotes("Constant", since=1)
def constant(n: NodeView, b: Builder) -> None:
    """the value stored in the node"""
    from tv.graph_frontend.constants import constant_tensor

    n.ignore(
        "value", "value_float", "value_floats", "value_int", "value_ints"
    )  # constant_proto takes just one, and refuses others
    b.bind(n, 0, constant_tensor(b, n.node.outputs[0], constant_proto(n.node)))


@denotes("ConstantOfShape", since=9)
def constant_of_shape(n: NodeView, b: Builder) -> None:
    """one value everywhere (+0 without `value`)"""
    shape = n.input(0).elements(n.what)
    proto = n.raw("value")
    if proto is None:
        b.bind(n, 0, Tensor(n.node.outputs[0], F32, shape, Uniform(0)))
        return
    from tv.graph_frontend.elements import element_of, proto_bits

    if not isinstance(proto, TensorProto):
        raise BadInput("TV0302", f"attribute `value` of {n.what} is not a tensor")
    bits = proto_bits(proto)
    if bits.size != 1:
        raise BadInput("TV0302", f"attribute `value` of {n.what} has {bits.size} elements")
    b.bind(n, 0, b.uniform(n.node.outputs[0], element_of(proto.data_type, n.what), shape, int(bits[0])))


@denotes("Range", since=11)
def range_(n: NodeView, b: Builder) -> None:
    """start, start + delta, ... below (or above) limit; integers only"""
    e = n.one_type(*n.inputs())
    if e.is_float:
        raise Unsupported("TV0312", f"{n.what} on {e.label}")
    start, limit, delta = (n.input(k).scalar(n.what) for k in range(3))
    if delta.constant is None or delta.constant == 0:
        raise Unsupported("TV0314", f"{n.what} with step {delta.text()}")
    d = delta.constant
    span = limit - start if d > 0 else start - limit
    count = floordiv(span + (abs(d) - 1), abs(d))
    sets = b.system.sets
    if not sets.empty(sets.set("extent", (), lt(count, 0))):
        if not sets.empty(sets.set("extent", (), ge(count, 1))):
            raise Unsupported(
                "TV0314", f"{n.what}: whether its length {count.text()} is negative depends on the open sizes"
            )
        count = ZERO
    if not b.define_ints(n, 0, e, (count,), ((TRUE, start + static.own(0) * d),)):
        raise Unsupported("TV0314", f"{n.what}: values beyond {e.label}")


# ------------------------------------------------------------------------------------------------ gather
def counted_from_front(p: Place, t: Term, e: Element, extent: Affine) -> Term:
    """An index of data as a signed 64-bit term; a negative one counts from the end."""
    p.b.suppose(t, e, ZERO if e.kind == "unsigned" else -extent, extent - 1)
    w = p.convert(t, e, I64)
    if e.kind == "unsigned":
        return w
    end = p.integer(((TRUE, extent),), (), I64)
    return p.select(p.op("slt.i64", w, p.bits(0, 64)), p.op("add.i64", w, end), w)


def known_index(pieces: static.Pieces, extent: Affine) -> static.Pieces:
    """Index values with negative ones counted from the end."""
    out: list[tuple[Formula, Affine]] = []
    for c, v in pieces:
        for d, w in ((ge(v), v), (lt(v, 0), v + extent)):
            both = static.reduce_formula(all_of(c, d))
            if both.op != "false":
                out.append((both, w))
    return tuple(out)


def _read(t: Tensor, index: tuple[Affine, ...], p: Place) -> Term:
    return p.get(t, index)


@denotes("Gather", since=1)
def gather(n: NodeView, b: Builder) -> None:
    """slices along an axis at indices; indices that are data are in range by assumption, negative ones count from the end"""
    x, i = n.input(0), n.input(1)
    axis = n.axis("axis", 0, x.rank)
    if i.element.is_float:
        raise BadInput("TV0302", f"{n.what}: indices are {i.element.label}")
    shape = x.shape[:axis] + i.shape + x.shape[axis + 1 :]
    extent = x.shape[axis]
    r = i.rank

    def parts(own: Sequence[Affine]) -> tuple[tuple[Affine, ...], tuple[Affine, ...], tuple[Affine, ...]]:
        return tuple(own[:axis]), tuple(own[axis : axis + r]), tuple(own[axis + r :])

    if x.ints is not None and i.ints is not None:
        before, middle, after = parts([static.own(k) for k in range(len(shape))])
        pieces = []
        for c, v in known_index(static.at(i.ints, middle), extent):
            pieces += [(all_of(c, d), w) for d, w in static.at(x.ints, before + (v,) + after)]
        live = [(c, v) for c, v in ((static.reduce_formula(c), v) for c, v in pieces) if c.op != "false"]
        if live and b.define_ints(n, 0, x.element, shape, static.merge(live)):
            return

    def body(p: Place) -> Term:
        before, middle, after = parts(p.index)
        known = i.ints
        if known is not None:
            arms = known_index(static.at(known, middle, p.ranges), extent)
            return p.case([(c, partial(_read, x, (*before, v, *after))) for c, v in arms])
        chosen = counted_from_front(p, p.get(i, middle), i.element, extent)
        return p.pick([extent], [chosen], lambda q, k: q.get(x, before + k + after))

    if i.ints is not None:
        in_range(n, b, i, extent)
    b.define(n, 0, x.element, shape, body)


def in_range(n: NodeView, b: Builder, i: Tensor, extent: Affine, where: Formula = TRUE) -> None:
    """Known indices, those at which `where` holds, must lie inside the operand."""
    from tv.graph_frontend.place import box

    dims = tuple(f"i{k}" for k in range(i.rank))
    sets = b.system.sets
    for c, v in i.ints or ():
        for outside in (lt(v, -extent), ge(v, extent)):
            if not sets.empty(sets.set(f"fits{i.rank}", dims, all_of(box(dims, i.shape), c, where, outside))):
                raise BadInput("TV0302", f"{n.what}: an index is outside the extent {extent.text()}")


@denotes("GatherND", since=12)
def gather_nd(n: NodeView, b: Builder) -> None:
    """slices at index tuples (the last dimension of the indices); those that are data are in range by assumption, negative ones count
    from the end"""
    x, i = n.input(0), n.input(1)
    batch = n.attribute("batch_dims", 0)
    depth = i.shape[-1].constant if i.rank else None
    if depth is None or depth + batch > x.rank or batch < 0 or batch >= i.rank:
        raise BadInput("TV0302", f"{n.what}: index tuples do not fit the operand")
    for d in range(batch):
        require_same(b.system.sets, x.shape[d], i.shape[d], n.what)
    shape = i.shape[:-1] + x.shape[batch + depth :]
    extents = x.shape[batch : batch + depth]
    r = i.rank - 1

    def body(p: Place) -> Term:
        lead, rest = p.index[:r], p.index[r:]
        arms = None if i.ints is None else known_tuples(p, i.ints, lead, extents)
        if arms is not None:
            return p.case([(c, partial(_read, x, (*lead[:batch], *at, *rest))) for c, at in arms])
        chosen = [counted_from_front(p, p.get(i, (*lead, Affine.of(k))), i.element, extents[k]) for k in range(depth)]
        return p.pick(extents, chosen, lambda q, k: q.get(x, lead[:batch] + k + rest))

    for k in range(depth if i.ints is not None else 0):
        in_range(n, b, i, extents[k], eq(static.own(r), k))
    b.define(n, 0, x.element, shape, body)


def known_tuples(
    p: Place, pieces: static.Pieces, lead: Sequence[Affine], extents: Sequence[Affine]
) -> list[tuple[Formula, tuple[Affine, ...]]] | None:
    """The index tuples that are known at `lead`: each with where it is the one. They cover the place, and no two meet. None: too
    many."""
    rows: list[tuple[Formula, tuple[Affine, ...]]] = [(TRUE, ())]
    for k, extent in enumerate(extents):
        here = known_index(static.at(pieces, (*lead, Affine.of(k)), p.ranges), extent)
        both = [(static.reduce_formula(all_of(c, d), p.ranges), (*at, v)) for c, at in rows for d, v in here]
        rows = [(c, at) for c, at in both if c.op != "false"]
        if len(rows) > static.LIMIT:
            return None
    return rows
