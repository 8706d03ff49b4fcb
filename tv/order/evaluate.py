"""A graph evaluated in a certificate's order: every sum that a kernel adds in an order of its own is added in that order.

Statements' values are computed where they are asked for, each instance once; a loop's summands all at once, its additions
one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from tv.arithmetic import apply
from tv.diagnostic import BadInput, Unknown
from tv.order.places import rewritten, term_at_place
from tv.order.program import (
    Add,
    Cases,
    Expr,
    Fuse,
    Hole,
    LeafAt,
    Link,
    Negate,
    Number,
    Order,
    Part,
    Place,
    Rounds,
    hollow,
)
from tv.replay.graph_values import Bits, GraphValues, Ints, Truths
from tv.sets.numeric import PointMap, PointSet, point_map, point_set
from tv.term import Term

CHUNK = 1 << 18  # instances of a loop's rounds at once
MOST_ROUNDS = 1 << 32


def use_orders(values: GraphValues, orders: Iterable[Order]) -> None:
    """From now on `values` adds as the orders say. Raises BadInput where an order is not about this graph."""
    by_term: dict[int, tuple[Term, list[Sum]]] = {}
    for o in orders:
        t = term_of(values, o.place)
        by_term.setdefault(t.id, (t, []))[1].append(Sum(values, o))
        for unit, before, after in rewritten(values.system, o):  # evaluated as rewritten
            values.overrides[before.id] = lambda env, n, plain, unit=unit, t=after: values.term_at(unit, t, env, n)  # type: ignore[misc]
    for id, (t, sums) in by_term.items():
        values.overrides[id] = Ordered(t, tuple(sums))


def term_of(values: GraphValues, place: Place) -> Term:
    """Raises BadInput where the graph has no such place."""
    return term_at_place(values.system, place)


@dataclass(slots=True)
class Ordered:
    """One sum of the graph: the first order that has an instance adds it; what none has is added as the graph stands."""

    term: Term
    sums: tuple[Sum, ...]

    def __call__(self, env: Mapping[str, Ints], n: int, plain: object) -> Bits:
        out, open_ = np.zeros(n, np.uint64), np.ones(n, np.bool_)
        for s in self.sums:
            at = s.values.system.scopes[s.order.scope].dims
            points = np.stack([env[d] for d in at], axis=1) if at else np.zeros((n, 0), np.int64)
            instances, found = s.choose.image(points, s.values.symbols)
            found &= open_
            if found.any():
                out[found] = s.expr(s.order.value, instances[found], None)
                open_ &= ~found
        if open_.any():
            assert callable(plain)
            out[open_] = plain(open_)
        return out


@dataclass(slots=True)
class Table:
    """Values of a statement at the instances met so far."""

    known: dict[bytes, int] = field(default_factory=dict)
    values: list[np.uint64] = field(default_factory=list)


class Sum:
    """One order, ready to run on one evaluation of its graph."""

    def __init__(self, values: GraphValues, order: Order) -> None:
        if order.scope not in values.system.scopes:
            raise BadInput("TV0655", f"an order of `{order.op}` over `{order.scope}`")
        self.values, self.order, self.kind = values, order, order.op.split(".")[1]
        self.choose = point_map(order.choose)
        self.maps: dict[str, PointMap] = {}
        self.sets: dict[str, PointSet] = {}
        self.tables: dict[str, Table] = {}

    def map(self, text: str) -> PointMap:
        if text not in self.maps:
            self.maps[text] = point_map(text)
        return self.maps[text]

    def set(self, text: str) -> PointSet:
        if text not in self.sets:
            self.sets[text] = point_set(text)
        return self.sets[text]

    # -------------------------------------------------------------- expressions
    def expr(self, e: Expr, points: Ints, hole: Bits | None) -> Bits:
        """At instances [n, dims]; hole: the sum so far."""
        match e:
            case Number(bits=bits):
                return np.full(len(points), bits, np.uint64)
            case LeafAt(leaf=i):
                return self.leaf(i, points)
            case Hole():
                if hole is None:
                    raise BadInput("TV0655", "an order with a sum so far outside a loop")
                return hole
            case Add(a=a, b=b):
                return apply(f"fadd.{self.kind}", [self.expr(a, points, hole), self.expr(b, points, hole)])
            case Negate(a=a):
                return apply(f"fneg.{self.kind}", [self.expr(a, points, hole)])
            case Fuse(leaf=i, negated=negated, rest=rest):
                x, y = self.factors(i, negated, points)
                return apply(f"ffma.{self.kind}", [x, y, self.expr(rest, points, hole)])
            case Link(unit=unit, map=m):
                at, found = self.map(m).image(points, self.values.symbols)
                if not found.all():
                    raise Unknown("TV0656", f"an order refers to `{unit}` where it has no value")
                return self.unit(unit, at)
            case Cases(pieces=pieces):
                return self.cases(pieces, points, hole)
            case Rounds():
                return self.rounds(e, points, hole)
            case _:
                raise TypeError(f"not an expression of an order: {e!r}")

    def cases(self, pieces: tuple[tuple[str, Expr], ...], points: Ints, hole: Bits | None) -> Bits:
        out, left = np.zeros(len(points), np.uint64), np.ones(len(points), np.bool_)
        for text, e in pieces:
            mask = self.set(text).holds(points, self.values.symbols) & left
            if mask.any():
                out[mask] = self.expr(e, points[mask], None if hole is None else hole[mask])
                left &= ~mask
        if left.any():
            raise Unknown("TV0656", "an order leaves a case open")
        return out

    def unit(self, name: str, points: Ints) -> Bits:
        """A statement's value; every instance is computed once."""
        table = self.tables.setdefault(name, Table())
        rows = np.ascontiguousarray(points)
        keys = [r.tobytes() for r in rows]
        new = {k: i for i, k in enumerate(keys) if k not in table.known}
        if new:
            found = self.expr(self.order.units[name], rows[list(new.values())], None)
            for k, v in zip(new, found, strict=True):
                table.known[k] = len(table.values)
                table.values.append(v)
        return np.array([table.values[table.known[k]] for k in keys], np.uint64)

    # -------------------------------------------------------------- loops
    def rounds(self, e: Rounds, points: Ints, hole: Bits | None) -> Bits:
        acc = self.expr(e.init, points, hole)
        child, outer = self.set(e.rounds), points.shape[1]
        box = child.box(self.values.symbols)
        if len(box) <= outer:
            raise BadInput("TV0655", "an order with a loop that has no rounds of its own")
        extents = [high - low + 1 for low, high in box[outer:]]
        steps, n = prod(extents), len(points)
        if steps > MOST_ROUNDS:
            raise Unknown("TV0656", f"an order with a loop of {steps} rounds")
        spine = self.spine(e.step)
        block = max(1, CHUNK // max(1, n))
        for start in range(0, steps, block):
            count = min(block, steps - start)
            inner = np.stack(np.unravel_index(np.arange(start, start + count), extents), axis=1) + np.array(
                [low for low, _ in box[outer:]]
            )
            every = np.concatenate([np.tile(points, (count, 1)), np.repeat(inner, n, axis=0)], axis=1)
            present = child.holds(every, self.values.symbols).reshape(count, n)
            if spine is None:
                acc = self.one_by_one(e.step, every, present, acc)
            else:
                acc = self.run(spine, every, present, acc)
        return acc

    def one_by_one(self, step: Expr, every: Ints, present: Truths, acc: Bits) -> Bits:
        """Rounds whose step is no chain of additions."""
        points, acc = every.reshape(*present.shape, -1), acc.copy()
        for k, mask in enumerate(present):
            if mask.any():
                acc[mask] = self.expr(step, points[k][mask], acc[mask])
        return acc

    def spine(self, e: Expr) -> list[Expr] | None:
        """The additions around the hole, innermost first; None where the step is another expression."""
        match e:
            case Hole():
                return []
            case Add(a=a, b=b) if hollow(a) != hollow(b):
                inside = self.spine(a if hollow(a) else b)
            case Fuse(rest=rest) if hollow(rest):
                inside = self.spine(rest)
            case _:
                return None
        return None if inside is None else [*inside, e]

    def run(self, spine: list[Expr], every: Ints, present: Truths, acc: Bits) -> Bits:
        """The additions of `spine`, round by round; their other operands are computed for all rounds at once."""
        mask = present.reshape(-1)
        some = every[mask]

        def spread(x: Bits) -> Bits:
            out = np.zeros(len(mask), np.uint64)
            out[mask] = x
            return out.reshape(present.shape)

        operands: list[tuple[Bits, ...]] = []
        for e in spine:
            match e:
                case Add(a=a, b=b):
                    operands.append((spread(self.expr(b if hollow(a) else a, some, None)),))
                case Fuse(leaf=i, negated=negated):
                    operands.append(tuple(map(spread, self.factors(i, negated, some))))
        for k in range(len(present)):
            new = acc
            for args in operands:
                name = "fadd" if len(args) == 1 else "ffma"
                new = apply(f"{name}.{self.kind}", [*(a[k] for a in args), new])
            acc = new if present[k].all() else np.where(present[k], new, acc)
        return acc

    # -------------------------------------------------------------- the graph's own values
    def parts(self, i: int, points: Ints) -> Iterator[tuple[Part, Term, Truths, dict[str, Ints]]]:
        """For each part of leaf i: it, the term, where it applies, and its scope's dimensions there."""
        left = np.ones(len(points), np.bool_)
        if i in self.order.zeros:
            left &= ~self.set(self.order.zeros[i]).holds(points, self.values.symbols)
        for p in self.order.leaves[i]:
            at, found = self.map(p.map).image(points, self.values.symbols)
            found &= left
            if found.any():
                left &= ~found
                yield p, term_of(self.values, p.place), found, self.env(p, at[found])
        if left.any():
            raise Unknown("TV0656", "an order has no value for a summand")

    def env(self, p: Part, at: Ints) -> dict[str, Ints]:
        if p.scope not in self.values.system.scopes:
            raise BadInput("TV0655", f"an order is about instances of `{p.scope}`, which the graph does not have")
        dims = self.values.system.scopes[p.scope].dims
        if at.shape[1] != len(dims):
            raise BadInput("TV0655", f"an order with instances of {at.shape[1]} dimensions for those of `{p.scope}`")
        return {d: at[:, k] for k, d in enumerate(dims)}

    def leaf(self, i: int, points: Ints) -> Bits:
        out = np.zeros(len(points), np.uint64)
        for p, t, found, env in self.parts(i, points):
            out[found] = self.values.term_at(p.place[0], t, env, int(found.sum()))
        return out

    def factors(self, i: int, negated: bool, points: Ints) -> tuple[Bits, Bits]:
        x, y = np.zeros(len(points), np.uint64), np.zeros(len(points), np.uint64)
        for p, t, found, env in self.parts(i, points):
            x[found], y[found] = factors(self.values, p.place[0], t, env, int(found.sum()), self.kind)
        return (apply(f"fneg.{self.kind}", [x]) if negated else x), y


def factors(v: GraphValues, unit: str, t: Term, env: Mapping[str, Ints], n: int, kind: str) -> tuple[Bits, Bits]:
    """The two factors of a graph value that is a product, through references and cases. BadInput where it is none."""
    if t.kind == "op" and t.name == f"fmul.{kind}":
        return v.term_at(unit, t.args[0], env, n), v.term_at(unit, t.args[1], env, n)
    if t.kind == "op" and t.name == f"fneg.{kind}":
        x, y = factors(v, unit, t.args[0], env, n, kind)
        return apply(t.name, [x]), y
    if t.kind == "ref":
        there = v.system.units[t.name]
        index = [v.affine(a, env, n) for a in v.system.indices[t.id]]
        return factors(v, t.name, there.value, dict(zip(there.scope.dims, index, strict=True)), n, kind)
    if t.kind == "case":
        x, y = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        for condition, arm in zip(v.system.conditions[t.id], t.args, strict=True):
            mask = v.formula(condition, env, n)
            if mask.any():
                x[mask], y[mask] = factors(v, unit, arm, {d: i[mask] for d, i in env.items()}, int(mask.sum()), kind)
        return x, y
    raise BadInput("TV0655", f"an order fuses a value of `{unit}` that is no product")
