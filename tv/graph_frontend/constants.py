"""Stored tensors: which are constants of the graph, and which stay free for a kernel's buffer.

A stored tensor is read where no buffer holds it, and is then a constant as far as it consists of few pieces: a scale, a table of
positions, a mask. What is more than that, or lies outside the model's file, is never read, and stays arbitrary.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from onnx import TensorProto

from tv.diagnostic import Unsupported
from tv.graph_frontend import regions, static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import Element, element_of, integer_of, proto_bits, stored_array
from tv.graph_frontend.load import Declared
from tv.graph_frontend.place import Place
from tv.graph_frontend.tensors import Indexed, Stored, Tensor
from tv.sets import Affine
from tv.term import Term

SMALL = 4096  # elements of a tensor that may have more pieces than a large one
SPELLED = 1024  # of it, pieces


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


def contents(t: TensorProto, e: Element) -> static.Pieces | None:
    """What a tensor stores, by pieces: integers, or the bits of floats. None where there are too many."""
    short = stored_pieces(t, e)
    if short is not None:
        return short
    a, limit = stored_array(t, e), SPELLED if element_count(t) <= SMALL else static.LIMIT
    found = regions.decomposed(a, False, limit)
    if found is not None and (e.is_float or e.kind == "unsigned"):  # 64 bits are read as signed ones
        return tuple((c, Affine.of(v.const % (1 << e.width))) for c, v in found)
    if e.kind != "signed":
        return found
    sloped = regions.decomposed(a, True, limit if found is None else len(found))
    return found if sloped is None else sloped


def constant_tensor(b: Builder, name: str, t: TensorProto) -> Tensor:
    """A `Constant` node in a function body, by value."""
    shape = tuple(Affine.of(int(d)) for d in t.dims)
    return stored(b, Declared(name, element_of(t.data_type, name), shape, t, True, True, True))


def stored(b: Builder, d: Declared) -> Tensor:
    """An initializer or Constant. A tensor in `b.known` or inside a function body is constants; others are free."""
    t = d.data
    if d.name in b.known and b.depth == 0:
        return by_value(b, d, b.known[d.name])
    if t is not None and b.depth > 0:
        pieces = contents(t, d.element)
        if pieces is None:
            raise Unsupported("TV0313", f"`{d.name}` has {element_count(t)} elements and is bound to no buffer",
                              help="let it be an initializer, and bind it under [args]")  # fmt: skip
        return by_value(b, d, pieces)
    b.stored[d.name] = d
    ints = None if t is None else lru_cache(maxsize=1)(partial(stored_pieces, t, d.element))
    return Tensor(d.name, d.element, d.shape, Stored(d.name), ints)


def by_value(b: Builder, d: Declared, pieces: static.Pieces) -> Tensor:
    """A tensor as index values or as a case of constants."""
    if not d.element.is_float and len(pieces) <= static.LIMIT:
        return Tensor(d.name, d.element, d.shape, Indexed(), lambda: pieces)
    if len(pieces) == 1 and pieces[0][1].constant is not None:
        return b.uniform(d.name, d.element, d.shape, pieces[0][1].constant)

    def body(p: Place) -> Term:
        return p.spread(pieces, p.index, d.element)

    layers, b.layers = b.layers, None
    try:
        return b.unit(d.name, d.element, d.shape, body)
    finally:
        b.layers = layers
