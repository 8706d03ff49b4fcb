"""Operators that write into a copy of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations, product

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend import static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import I64
from tv.graph_frontend.indexing import counted_from_front, known_index
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import require_same
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import TRUE, Affine, Formula
from tv.sets.formulas import all_of, any_of, eq, negate
from tv.term import Term

MOST = 16  # index tuples that are spelled out


@denotes("ScatterND", since=11)
def scatter_nd(n: NodeView, b: Builder) -> None:
    """a copy with slices replaced at index tuples (at most 16 of them), the last of equal ones staying; no reduction"""
    x, i, u = n.input(0), n.input(1), n.input(2)
    e = n.one_type(x, u)
    if n.attribute("reduction", "none") != "none":
        raise Unsupported("TV0311", f"reduction of {n.what}")
    depth = i.shape[-1].constant if i.rank else None
    counts = [d.constant for d in i.shape[:-1]]
    if depth is None or depth > x.rank or u.rank != i.rank - 1 + x.rank - depth:
        raise BadInput("TV0302", f"{n.what}: index tuples do not fit")
    for a, c in zip(u.shape, i.shape[:-1] + x.shape[depth:], strict=True):
        require_same(b.system.sets, a, c, n.what)
    total = 1
    for count in counts:
        total = total * count if count is not None else MOST + 1
    if total > MOST:
        raise Unsupported("TV0313", f"{n.what} with more than {MOST} index tuples, or an open number of them")
    tuples = [tuple(Affine.of(v) for v in at) for at in product(*(range(c or 0) for c in counts))]
    b.assume("indices that are data (Gather and kin) are in range")

    def body(p: Place) -> Term:
        out = p.get(x)
        for at in tuples:
            out = replaced(p, out, x, i, u, at, depth)
        return out

    def known_body(p: Place) -> Term:
        """Later tuples win: each piece excludes those after it."""
        arms: list[tuple[Formula, Callable[[Place], Term]]] = []
        free: list[Formula] = []
        for at in reversed(tuples):
            hit = _hit(p, x, i, at, depth)
            arms.append((all_of(hit, *free), partial(_read, u, at + p.index[depth:])))
            free.append(negate(hit))
        return p.case([*arms, (all_of(*free), lambda q: q.get(x, p.index))])

    b.define(n, 0, e, x.shape, body if i.ints is None else known_body)
    if i.ints is None:
        b.excluded(n, (), lambda p: some_alike(p, [index_tuple(p, x, i, at, depth) for at in tuples]))


def index_tuple(p: Place, x: Tensor, i: Tensor, at: tuple[Affine, ...], depth: int) -> list[Term]:
    """The index tuple at `at`, of data, counted from the front."""
    return [counted_from_front(p, p.get(i, (*at, Affine.of(d))), i.element, x.shape[d]) for d in range(depth)]


def some_alike(p: Place, tuples: Sequence[Sequence[Term]]) -> Term:
    """Are two of these tuples of 64-bit integers equal?"""
    found = p.bits(0, 1)
    for a, c in combinations(tuples, 2):
        same = p.bits(1, 1)
        for u, v in zip(a, c, strict=True):
            same = p.op("and.i1", same, p.op("eq.i64", u, v))
        found = p.op("or.i1", found, same)
    return found


def _read(t: Tensor, index: tuple[Affine, ...], p: Place) -> Term:
    return p.get(t, index)


def _hit(p: Place, x: Tensor, i: Tensor, at: tuple[Affine, ...], depth: int) -> Formula:
    """Where the own index is the known tuple at `at`."""
    parts = []
    for d in range(depth):
        pieces = known_index(static.at(i.ints or (), (*at, Affine.of(d)), p.ranges), x.shape[d])
        parts.append(any_of(*(all_of(c, eq(p.index[d], v)) for c, v in pieces)))
    return all_of(*parts)


def replaced(p: Place, old: Term, x: Tensor, i: Tensor, u: Tensor, at: tuple[Affine, ...], depth: int) -> Term:
    """old, or the update at `at` where the own index is the index tuple there (data)."""
    hit = p.bits(1, 1)
    for d, index in enumerate(index_tuple(p, x, i, at, depth)):
        same = p.op("eq.i64", index, p.integer(((TRUE, p.index[d]),), (), I64))
        hit = same if d == 0 else p.op("and.i1", hit, same)
    return p.select(hit, p.get(u, at + p.index[depth:]), old)
