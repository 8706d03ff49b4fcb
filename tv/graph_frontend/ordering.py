"""Operators that look for places in sorted order: TopK, ArgMax, ArgMin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elements import I64, Element
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE, Shape
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import TRUE, Affine
from tv.sets.affine import ZERO
from tv.sets.formulas import eq, ge, lt
from tv.system import Extreme
from tv.term import Term

ROUNDS = 16  # of the largest one after the other; beyond, elements are counted that come before each one


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
    largest = n.flag("largest", True)
    if n.attribute("sorted", 1) != 1:
        raise Unsupported("TV0311", f"{n.what} with `sorted = 0`, whose results may stand in any order")
    if x.element.kind == "bool":
        raise Unsupported("TV0312", f"{n.what} on booleans")
    if not b.system.sets.empty(b.system.sets.set("extent", (), lt(x.shape[axis], k))):
        raise BadInput("TV0302", f"{n.what} takes {k.text()} of {x.shape[axis].text()} elements")
    b.assume(f"{n.node.op} sees no NaN", numbers_only=True)
    if k.constant is not None and 0 < k.constant <= ROUNDS:
        _by_rounds(n, b, Row(n, b, x, axis, largest, False), k.constant)
    else:
        _by_ranks(n, b, x, axis, largest, k)


def _by_ranks(n: NodeView, b: Builder, x: Tensor, axis: int, largest: bool, k: Affine) -> None:
    shape = _replaced(x.shape, axis, k)
    rank = ranks(n, b, x, axis, largest, last_first=False)
    chosen = _at_rank(n, b, 1, x, rank, axis, shape)

    def value(p: Place) -> Term:
        read = partial(_read, x, p.index, axis)
        return p.pick([x.shape[axis]], [p.get(chosen)], lambda q, i: read(q, i[0]), inside=True)

    b.define(n, 0, x.element, shape, value)


def _by_rounds(n: NodeView, b: Builder, row: Row, k: int) -> None:
    """Each round chooses among what the rounds before have left."""
    x, axis = row.x, row.axis
    taken: list[Tensor] = []
    values: list[Tensor] = []
    for r in range(k):
        taken.append(row.place(f"place{r}", tuple(taken)))
        values.append(row.winner(f"value{r}", taken[r]))
    shape = _replaced(x.shape, axis, Affine.of(k))

    def of_round(tensors: Sequence[Tensor]) -> Callable[[Place], Term]:
        def body(p: Place) -> Term:
            own = _replaced(p.index, axis, ZERO)
            return p.case([(eq(p.index[axis], r), partial(_get, t, own)) for r, t in enumerate(tensors)])

        return body

    b.define(n, 0, x.element, shape, of_round(values))
    b.define(n, 1, I64, shape, of_round(taken))


def _get(t: Tensor, index: Sequence[Affine], p: Place) -> Term:
    return p.get(t, index)


def _read(x: Tensor, index: Sequence[Affine], axis: int, p: Place, at: Affine) -> Term:
    return p.get(x, _replaced(index, axis, at))


@dataclass(frozen=True, slots=True)
class Row:
    """The rows of x along an axis, in which extremes are looked for. last: of equals the last is the one."""

    n: NodeView
    b: Builder
    x: Tensor
    axis: int
    largest: bool
    last: bool

    @property
    def sign(self) -> str:
        e = self.x.element
        return "" if e.is_float else e.kind[0]

    def is_taken(self, p: Place, taken: Sequence[Tensor], index: Sequence[Affine], at: Affine) -> Term:
        """Is this place of the row one of those?"""
        found = p.bits(0, 1)
        for t in taken:
            same = p.op("eq.i64", p.get(t, index), p.integer(((TRUE, at),), (), I64))
            found = same if found.kind == "const" else p.op("or.i1", found, same)
        return found

    def extreme(self, name: str, taken: tuple[Tensor, ...]) -> Tensor:
        """The largest (smallest) element at a place that is not taken."""
        x, axis, e = self.x, self.axis, self.x.element
        head, first = ("max", -inf) if self.largest else ("min", inf)
        op = f"f{head}.{e.op}" if e.is_float else f"{self.sign}{head}.i{e.width}"

        def body(p: Place) -> Term:
            limit = e.limits()[0 if self.largest else 1] if not e.is_float else 0
            start = p.number(first, e) if e.is_float else p.bits(limit, e.width)

            def one(q: Place, inner: tuple[Affine, ...]) -> Term:
                own = self.b.suppose(_read(x, p.index, axis, q, inner[0]), e)
                return q.select(self.is_taken(q, taken, p.index, inner[0]), start, own)

            return p.reduce(op, [x.shape[axis]], one, start)

        return self.b.inner(self.n, name, e, _replaced(x.shape, axis, ONE), body)

    def place(self, name: str, taken: tuple[Tensor, ...], output: int | None = None, keep: bool = True) -> Tensor:
        """The first (last) place at which the extreme of those that are not taken stands; as an output of the node where one is
        given, without the axis where it is not kept."""
        x, axis, e = self.x, self.axis, self.x.element
        extreme = self.extreme(f"{name}_of", taken)

        def body(p: Place) -> Term:
            full = p.index if keep else (*p.index[:axis], ZERO, *p.index[axis:])
            met: list[tuple[Term, Term, str]] = []
            none = p.bits(-1 if self.last else I64.limits()[1], 64)

            def one(q: Place, inner: tuple[Affine, ...]) -> Term:
                value, place = _read(x, full, axis, q, inner[0]), q.integer(((TRUE, inner[0]),), (), I64)
                met.append((value, place, q.scope.name))
                same = q.op(
                    f"feq.{e.op}" if e.is_float else f"eq.i{e.width}",
                    value,
                    q.get(extreme, _replaced(full, axis, ZERO)),
                )
                left = q.op("xor.i1", self.is_taken(q, taken, full, inner[0]), q.bits(1, 1))
                return q.select(q.op("and.i1", left, same) if taken else same, place, none)

            t = p.reduce("smax.i64" if self.last else "smin.i64", [x.shape[axis]], one, none)
            value, place, scope = met[0]
            before = tuple(p.get(t, _replaced(full, axis, ZERO)) for t in taken)
            kind = e.op if e.is_float else f"{self.sign}{e.width}"
            self.b.system.extremes[t.id] = Extreme(value, place, self.largest, self.last, kind, scope, before)
            return t

        shape = _replaced(x.shape, axis, ONE) if keep else x.shape[:axis] + x.shape[axis + 1 :]
        if output is None:
            return self.b.inner(self.n, name, I64, shape, body)
        return self.b.define(self.n, output, I64, shape, body)

    def winner(self, name: str, place: Tensor) -> Tensor:
        """The element at a place of an extreme."""
        x, axis = self.x, self.axis

        def body(p: Place) -> Term:
            t = p.pick([x.shape[axis]], [p.get(place)], lambda q, i: _read(x, p.index, axis, q, i[0]), inside=True)
            if t.kind == "pick":
                self.b.system.winners.add(t.id)
            return t

        return self.b.inner(self.n, name, x.element, place.shape, body)


@denotes("ArgMax", "ArgMin", since=1)
def arg_extreme(n: NodeView, b: Builder) -> None:
    """the index of the largest (smallest) element along an axis; of equals the lowest, or with select_last_index the highest"""
    x = n.input(0)
    axis = n.axis("axis", 0, x.rank)
    keep = n.flag("keepdims", True)
    last = n.flag("select_last_index", False)
    if x.element.kind == "bool":
        raise Unsupported("TV0312", f"{n.what} on booleans")
    b.assume(f"{n.node.op} sees no NaN", numbers_only=True)
    Row(n, b, x, axis, n.node.op == "ArgMax", last).place("place", (), 0, keep)
