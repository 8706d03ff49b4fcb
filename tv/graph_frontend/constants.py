"""Stored tensors: which are constants of the graph, and which stay free for a kernel's buffer."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from onnx import TensorProto

from tv.diagnostic import Unsupported
from tv.graph_frontend import static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import Element, element_of, integer_of, proto_bits
from tv.graph_frontend.load import Declared
from tv.graph_frontend.place import Place
from tv.graph_frontend.tensors import Indexed, Stored, Tensor
from tv.sets import Affine, Formula
from tv.sets.affine import all_of, any_of, eq
from tv.term import Term

SMALL = 4096  # elements; more are never spelled out


def element_count(t: TensorProto) -> int:
    out = 1
    for d in t.dims:
        out *= d
    return out


def stored_pieces(t: TensorProto, e: Element) -> static.Pieces | None:
    """A stored integer tensor as index values, where it is short or affine in the index."""
    if e.is_float or element_count(t) > SMALL:
        return None
    values = np.array([integer_of(int(b), e) for b in proto_bits(t)], dtype=object).reshape(tuple(t.dims))
    return static.from_array(values)


def constant_tensor(b: Builder, name: str, t: TensorProto) -> Tensor:
    """A `Constant` node in a function body, by value."""
    shape = tuple(Affine.of(int(d)) for d in t.dims)
    return stored(b, Declared(name, element_of(t.data_type, name), shape, t, True, True, True))


def stored(b: Builder, d: Declared) -> Tensor:
    """An initializer or Constant. A tensor in `b.fixed` or inside a function body is constants; others are free."""
    t = d.data
    if t is not None and (d.name in b.fixed or b.depth > 0):
        return (
            by_value(b, d, t) if element_count(t) != 1 else b.uniform(d.name, d.element, d.shape, int(proto_bits(t)[0]))
        )
    b.stored[d.name] = d
    ints = None if t is None else lru_cache(maxsize=1)(partial(stored_pieces, t, d.element))
    return Tensor(d.name, d.element, d.shape, Stored(d.name), ints)


def _bits(value: int, width: int, p: Place) -> Term:
    return p.bits(value, width)


def by_value(b: Builder, d: Declared, t: TensorProto) -> Tensor:
    """A small tensor as index values or as a case of constants, equal ones joined; Unsupported above 4096 elements."""
    if element_count(t) > SMALL:
        raise Unsupported(
            "TV0313",
            f"`{d.name}` has {element_count(t)} elements and is bound to no buffer",
            help="bind it under [args]",
        )
    pieces = stored_pieces(t, d.element)
    if pieces is not None:
        return Tensor(d.name, d.element, d.shape, Indexed(), lambda: pieces)
    bits = proto_bits(t)
    where: dict[int, list[int]] = {}
    for k, v in enumerate(bits):
        where.setdefault(int(v), []).append(k)
    extents = [int(x) for x in t.dims]

    def body(p: Place) -> Term:
        def holds(flat: int) -> Formula:
            at = np.unravel_index(flat, extents)
            return all_of(*(eq(i, int(a)) for i, a in zip(p.index, at, strict=True)))

        return p.case(
            [(any_of(*(holds(k) for k in ks)), partial(_bits, v, d.element.width)) for v, ks in where.items()]
        )

    layers, b.layers = b.layers, None
    try:
        return b.unit(d.name, d.element, d.shape, body)
    finally:
        b.layers = layers
