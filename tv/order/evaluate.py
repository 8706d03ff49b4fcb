"""A graph evaluated in a certificate's order: every sum that a kernel adds in an order of its own is added in that order.

Statements' values are computed where they are asked for, each instance once; a loop's summands all at once, its additions
one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from tv.arithmetic import apply
from tv.diagnostic import BadInput, Unknown
from tv.order.masked import NOTHING_MASKED, Masked
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
from tv.order.tables import Table
from tv.replay.graph_values import Bits, GraphValues, Ints, Truths
from tv.sets.numeric import PointMap, PointSet, point_map, point_set
from tv.sets.points import Points, embedded, put
from tv.system import System
from tv.term import Term

CHUNK = 1 << 18  # instances of a loop's rounds at once
MOST_ROUNDS = 1 << 32


class Sums:
    """The orders of a graph's sums and what is masked in it, ready for any inputs. Raises BadInput where an order is not about
    this graph."""

    def __init__(self, system: System, orders: Iterable[Order], masked: Masked = NOTHING_MASKED) -> None:
        self.masked = masked
        self.left = [(u, left) for u in system.units.values() if (left := masked.left(u.value)) is not None]
        self.by_term: dict[int, tuple[Term, list[Program]]] = {}
        self.rewritten: list[tuple[str, Term, Term]] = []
        for o in orders:
            if o.scope not in system.scopes:
                raise BadInput("TV0655", f"an order of `{o.op}` over `{o.scope}`")
            t = term_at_place(system, o.place, masked)
            self.by_term.setdefault(t.id, (t, []))[1].append(Program(system, o, masked))
            self.rewritten += rewritten(system, o, masked)

    def use(self, values: GraphValues) -> None:
        """From now on `values` adds as the orders say, without what is masked."""
        for u, known in self.left:
            values.overrides[u.value.id] = Left(values, u.name, u.value, known.term)
        values.partial = self.masked.added
        for unit, before, after in self.rewritten:  # evaluated as rewritten
            values.overrides[before.id] = lambda env, n, plain, unit=unit, t=after: values.term_at(unit, t, env, n)  # type: ignore[misc]
        for id, (t, programs) in self.by_term.items():
            values.overrides[id] = Ordered(t, tuple(Sum(values, p) for p in programs))


class Program:
    """An order whose sets and maps are read once."""

    def __init__(self, system: System, order: Order, masked: Masked) -> None:
        self.order, self.choose = order, point_map(order.choose)
        self._system, self._masked = system, masked
        self._maps: dict[str, PointMap] = {}
        self._sets: dict[str, PointSet] = {}
        self._terms: dict[Place, Term] = {}

    def map(self, text: str) -> PointMap:
        if text not in self._maps:
            self._maps[text] = point_map(text)
        return self._maps[text]

    def set(self, text: str) -> PointSet:
        if text not in self._sets:
            self._sets[text] = point_set(text)
        return self._sets[text]

    def term(self, place: Place) -> Term:
        if place not in self._terms:
            self._terms[place] = term_at_place(self._system, place, self._masked)
        return self._terms[place]


@dataclass(slots=True)
class Left:
    """A tensor's value without what a mask takes out; in cases of which one may be the tensor's value as the graph has it."""

    values: GraphValues
    unit: str
    before: Term
    after: Term

    def __call__(self, env: Mapping[str, Ints], n: int, plain: Callable[[Truths], Bits]) -> Bits:
        if self.before not in self.after.args:
            return self.values.term_at(self.unit, self.after, env, n)
        out = np.zeros(n, np.uint64)
        conditions = self.values.system.conditions[self.after.id]
        for condition, arm in zip(conditions, self.after.args, strict=True):
            mask = self.values.formula(condition, env, n)
            here = {d: i[mask] for d, i in env.items()}
            if mask.any():
                count = int(mask.sum())
                out[mask] = plain(mask) if arm is self.before else self.values.term_at(self.unit, arm, here, count)
        return out


@dataclass(slots=True)
class Ordered:
    """One sum of the graph: the first order that has an instance adds it; what none has is added as the graph stands."""

    term: Term
    sums: tuple[Sum, ...]

    def __call__(self, env: Mapping[str, Ints], n: int, plain: object) -> Bits:
        out, open_ = np.zeros(n, np.uint64), np.ones(n, np.bool_)
        for s in self.sums:
            points = Points.along([env[d] for d in s.values.system.scopes[s.order.scope].dims], n)
            instances, found = s.choose.image(points, s.values.symbols)
            found = found & open_
            if found.any():
                out[found] = s.expr(s.order.value, instances.only(found), None)
                open_ &= ~found
        if open_.any():
            assert callable(plain)
            out[open_] = plain(open_)
        return out


class Sum:
    """One order, run on one evaluation of its graph."""

    def __init__(self, values: GraphValues, program: Program) -> None:
        self.values, self.program, self.order = values, program, program.order
        self.kind = self.order.op.split(".")[1]
        self.map, self.set, self.choose = program.map, program.set, program.choose
        self.tables: dict[str, Table] = {}

    # -------------------------------------------------------------- expressions
    def expr(self, e: Expr, points: Points, hole: Bits | None) -> Bits:
        """At instances, [n]; hole: the sum so far."""
        match e:
            case Number(bits=bits):
                return np.full(points.count, bits, np.uint64)
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

    def cases(self, pieces: tuple[tuple[str, Expr], ...], points: Points, hole: Bits | None) -> Bits:
        out, left = np.zeros(points.count, np.uint64), np.ones((1,) * len(points.shape), np.bool_)
        for text, e in pieces:
            mask = self.set(text).holds(points, self.values.symbols) & left
            if mask.any():
                mine = None if hole is None else hole[np.broadcast_to(mask, points.shape).reshape(-1)]
                put(out, points.shape, mask, self.expr(e, points.only(mask), mine))
                left = left & ~mask
        if left.any() and points.count:
            raise Unknown("TV0656", "an order leaves a case open")
        return out

    def unit(self, name: str, points: Points) -> Bits:
        """A statement's value; every instance is computed once."""
        table = self.tables.setdefault(name, Table())
        columns = [points.flat(d) for d in range(len(points.columns))]
        new = table.missing(columns, points.count)
        if len(new):
            some = points.take(new)
            table.add([c[new] for c in columns], self.expr(self.order.units[name], some, None))
        return table.values_at(columns, points.count)

    # -------------------------------------------------------------- loops
    def rounds(self, e: Rounds, points: Points, hole: Bits | None) -> Bits:
        acc = self.expr(e.init, points, hole)
        child, outer, n = self.set(e.rounds), len(points.columns), points.count
        box = child.box(self.values.symbols)
        if len(box) <= outer:
            raise BadInput("TV0655", "an order with a loop that has no rounds of its own")
        extents = [high - low + 1 for low, high in box[outer:]]
        steps = prod(extents)
        if steps > MOST_ROUNDS:
            raise Unknown("TV0656", f"an order with a loop of {steps} rounds")
        spine = self.spine(e.step)
        block = max(1, CHUNK // max(1, n))
        for start in range(0, steps if n else 0, block):
            count = min(block, steps - start)
            index = np.unravel_index(np.arange(start, start + count), extents)
            every = points.times([i + low for i, (low, _) in zip(index, box[outer:], strict=True)], count)
            present = child.holds(every, self.values.symbols)
            if present.any():
                acc = (self.one_by_one if spine is None else self.run)(e.step, spine or [], every, present, acc)
        return acc

    def one_by_one(self, step: Expr, _: list[Expr], every: Points, present: Truths, acc: Bits) -> Bits:
        """Rounds whose step is no chain of additions."""
        acc, rows = acc.copy(), np.broadcast_to(present, every.shape)
        for k, mask in enumerate(rows):
            if mask.any():
                here = np.flatnonzero(mask)
                acc[here] = self.expr(step, every.take(here + k * every.shape[1]), acc[here])
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

    def run(self, _: Expr, spine: list[Expr], every: Points, present: Truths, acc: Bits) -> Bits:
        """The additions of `spine`, round by round; their other operands are computed for all rounds at once."""
        some = every.only(present)

        def spread(x: Bits) -> Bits:
            out = np.zeros(every.count, np.uint64)
            put(out, every.shape, present, x)
            return out.reshape(every.shape)

        operands: list[tuple[Bits, ...]] = []
        for e in spine:
            match e:
                case Add(a=a, b=b):
                    operands.append((spread(self.expr(b if hollow(a) else a, some, None)),))
                case Fuse(leaf=i, negated=negated):
                    operands.append(tuple(map(spread, self.factors(i, negated, some))))
        for k, mask in enumerate(np.broadcast_to(present, (every.shape[0], present.shape[1]))):
            new = acc
            for args in operands:
                name = "fadd" if len(args) == 1 else "ffma"
                new = apply(f"{name}.{self.kind}", [*(a[k] for a in args), new])
            acc = new if mask.all() else np.where(mask, new, acc)
        return acc

    # -------------------------------------------------------------- the graph's own values
    def parts(self, i: int, points: Points) -> Iterator[tuple[Part, Term, Truths, Points]]:
        """For each part of leaf i: it, the term, where it applies, and the instances of its scope there."""
        left = np.ones((1,) * len(points.shape) if points.count else points.shape, np.bool_)
        if i in self.order.zeros:
            left = ~self.set(self.order.zeros[i]).holds(points, self.values.symbols)
        for p in self.order.leaves[i]:
            if not left.any():
                break
            here = left
            for mask, at in self.map(p.map).images(points.only(here), self.values.symbols):
                where = embedded(here, mask, points.shape)
                yield p, self.program.term(p.place), where, at
                left = left & ~where
        if left.any():
            raise Unknown("TV0656", "an order has no value for a summand")

    def env(self, p: Part, at: Points) -> dict[str, Ints]:
        if p.scope not in self.values.system.scopes:
            raise BadInput("TV0655", f"an order is about instances of `{p.scope}`, which the graph does not have")
        dims = self.values.system.scopes[p.scope].dims
        if len(at.columns) != len(dims):
            raise BadInput(
                "TV0655", f"an order with instances of {len(at.columns)} dimensions for those of `{p.scope}`"
            )
        return {d: at.flat(k) for k, d in enumerate(dims)}

    def leaf(self, i: int, points: Points) -> Bits:
        out = np.zeros(points.count, np.uint64)
        for p, t, found, at in self.parts(i, points):
            put(out, points.shape, found, self.values.term_at(p.place[0], t, self.env(p, at), at.count))
        return out

    def factors(self, i: int, negated: bool, points: Points) -> tuple[Bits, Bits]:
        x, y = np.zeros(points.count, np.uint64), np.zeros(points.count, np.uint64)
        for p, t, found, at in self.parts(i, points):
            u, v = factors(self.values, p.place[0], t, self.env(p, at), at.count, self.kind)
            put(x, points.shape, found, u)
            put(y, points.shape, found, v)
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
