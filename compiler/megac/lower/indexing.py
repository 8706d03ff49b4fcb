"""Gather and scatter: elements at places that are data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from megac import index as ix
from megac.errors import CompileError
from megac.expr import as_index, select
from megac.ir import Data, Expr, Index
from megac.lower.builder import Builder, Place
from megac.lower.registry import lowers
from megac.lower.tensors import Tensor, normal_axis
from megac.lower.view import View
from megac.size import ONE, Size

UPDATES = 16  # rows that a scatter may write, each of which is a choice in the formula


def place_of(p: Place, value: Expr, extent: Size) -> Index:
    """An element of an index tensor as an index below `extent`: negative ones that are known count from the end, data
    are taken to be in range (a precondition of the program)."""
    index = as_index(value)
    if any(isinstance(a, Data) for a, _ in index.terms) or p.ranges.non_negative(index):
        return index
    if p.ranges.non_negative(ix.shifted(ix.scaled(index, -1), -1)):
        return ix.shifted(index, extent)
    raise CompileError("its indices may be negative here and not there")


def counted(b: Builder, i: Tensor, extent: Size) -> Tensor:
    """Known indices, negative ones counted from the end; raises CompileError for one outside. Data as they are."""
    if i.known is None or not i.known.size:
        return i
    out = np.empty(i.known.shape, dtype=object)
    for at in np.ndindex(*i.known.shape):
        v: Size = i.known.item(at)
        place = v if v.never_negative else v + extent
        out[at] = place
        if not place.never_negative or not place.at_most(extent - 1):
            raise CompileError(f"an index is {v}, outside an extent of {extent}")
    return b.of_known(f"{i.name}.counted", out, i.dtype)


@lowers("Gather")
def gather(n: View, b: Builder) -> None:
    t, i = n.input(0), n.input(1)
    axis = n.axis(0, t.rank)
    if not i.dtype.is_integer:
        raise CompileError(f"its indices are of type {i.dtype.value}")
    if t.known is not None and i.known is not None and all(s.constant is not None for s in i.known.ravel()):
        places = np.array([s.const for s in i.known.ravel()], dtype=np.int64).reshape(i.known.shape)
        if places.size and not -t.known.shape[axis] <= places.min() <= places.max() < t.known.shape[axis]:
            raise CompileError(f"an index is outside an extent of {t.shape[axis]}")
        found = np.empty(t.known.shape[:axis] + places.shape + t.known.shape[axis + 1 :], dtype=object)
        found[...] = np.take(t.known, places, axis)
        b.bind(n.output(), b.of_known(n.output(), found, t.dtype))
        return
    i = counted(b, i, t.shape[axis])
    shape = t.shape[:axis] + i.shape + t.shape[axis + 1 :]

    def body(p: Place) -> Expr:
        own = p.index
        at = place_of(p, p.get(i, own[axis : axis + i.rank]), t.shape[axis])
        return p.get(t, (*own[:axis], at, *own[axis + i.rank :]))

    b.bind(n.output(), b.define(n.output(), t.dtype, shape, body))


@lowers("GatherElements")
def gather_elements(n: View, b: Builder) -> None:
    t, i = n.input(0), n.input(1)
    axis = n.axis(0, t.rank)
    if i.rank != t.rank:
        raise CompileError("its indices have other dimensions than its data")
    i = counted(b, i, t.shape[axis])

    def body(p: Place) -> Expr:
        at = place_of(p, p.get(i), t.shape[axis])
        return p.get(t, tuple(at if k == axis else own for k, own in enumerate(p.index)))

    b.bind(n.output(), b.define(n.output(), t.dtype, i.shape, body))


def from_the_start(i: Tensor) -> Tensor:
    """Index tuples, none of which is known to be negative."""
    if i.known is not None and not all(v.never_negative for v in i.known.ravel()):
        raise CompileError("its index tuples count from the end")
    return i


@lowers("GatherND")
def gather_nd(n: View, b: Builder) -> None:
    t, i = n.input(0), from_the_start(n.input(1))
    batch = n.attribute("batch_dims", 0)
    many = i.shape[-1].constant if i.rank else None
    if many is None or batch + many > t.rank:
        raise CompileError("its index tuples are longer than its data have dimensions")
    lead = i.shape[:-1]
    shape = lead + t.shape[batch + many :]

    def body(p: Place) -> Expr:
        own = p.index[: len(lead)]
        tuples = (p.get(i, (*own, ix.constant(k))) for k in range(many))
        at = [place_of(p, v, t.shape[batch + k]) for k, v in enumerate(tuples)]
        return p.get(t, (*own[:batch], *at, *p.index[len(lead) :]))

    b.bind(n.output(), b.define(n.output(), t.dtype, shape, body))


@lowers("ScatterND")
def scatter_nd(n: View, b: Builder) -> None:
    """A copy with slices replaced, in order: of equal index tuples the last one stays."""
    t, i, u = n.input(0), from_the_start(n.input(1)), n.input(2)
    if n.attribute("reduction", "none") != "none":
        raise CompileError("it combines what it writes", hint="`reduction` has to be `none`")
    many, rows = i.shape[-1].constant if i.rank else None, [e.constant for e in i.shape[:-1]]
    if many is None or None in rows or many > t.rank:
        raise CompileError("its index tuples are of no fixed number or length")
    count = int(np.prod([r for r in rows if r is not None], dtype=np.int64))
    if count > UPDATES:
        raise CompileError(f"it writes {count} slices, more than {UPDATES}")
    if u.shape != i.shape[:-1] + t.shape[many:]:
        raise CompileError("its updates are of another shape than the slices they replace")

    def body(p: Place) -> Expr:
        out = p.get(t)
        for flat in range(count):
            lead = _lead(flat, [r for r in rows if r is not None])
            out = _replaced(p, t, i, u, lead, many, out)
        return out

    b.bind(n.output(), b.define(n.output(), t.dtype, t.shape, body))


def _lead(flat: int, rows: Sequence[int]) -> tuple[Index, ...]:
    return tuple(ix.constant(int(k)) for k in np.unravel_index(flat, tuple(rows))) if rows else ()


def _replaced(p: Place, t: Tensor, i: Tensor, u: Tensor, lead: tuple[Index, ...], many: int, otherwise: Expr) -> Expr:
    """The update's element where the own place is in its slice."""
    out = p.get(u, (*lead, *p.index[many:]))
    for k in range(many):
        at = place_of(p, p.get(i, (*lead, ix.constant(k))), t.shape[k])
        if t.shape[k] != ONE:
            out = select(p.test("eq", ix.subtract(p.index[k], at)), out, otherwise)
    return out


@lowers("TensorScatter")
def tensor_scatter(n: View, b: Builder) -> None:
    """A cache with new rows from a position on."""
    t, u, at = n.input(0), n.input(1), n.optional(2)
    axis = normal_axis(n.attribute("axis", -2), t.rank)
    if n.attribute("mode", "linear") != "linear":
        raise CompileError("it goes round its cache", hint="`mode` has to be `linear`")
    if at is None or at.rank != 1 or t.rank != u.rank or t.shape[0] != ONE or u.shape[axis].constant is None:
        raise CompileError("it writes without positions, for several sequences, or an open number of rows")
    count = u.shape[axis]

    def body(p: Place) -> Expr:
        start = place_of(p, p.get(at, (ix.constant(0),)), t.shape[axis])
        row = ix.subtract(p.index[axis], start)
        new = p.get(u, tuple(row if k == axis else i for k, i in enumerate(p.index)))
        if count == ONE:
            return select(p.test("eq", row), new, p.get(t))
        inside = p.op("and", p.test("ge", row), p.below(row, count))
        return select(inside, new, p.get(t))

    b.bind(n.output(), b.define(n.output(), t.dtype, t.shape, body))
