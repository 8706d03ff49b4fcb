"""An order at some instances, laid out: which values of the graph and of other statements each addition takes.

That depends on the order and the open sizes, not on what tensors hold. Of each statement, all instances that are asked for are laid
out together, after all that ask for them; statements that ask for each other, as often as they ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias, TypeVar

import numpy as np

from tv.diagnostic import BadInput, Unknown
from tv.order.nodes import (
    Added,
    Chain,
    Chosen,
    Constant,
    Data,
    Fused,
    Leaf,
    LeafPart,
    Loop,
    Negated,
    Node,
    OneByOne,
    Product,
    SoFar,
    Taken,
)
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
    walk,
)
from tv.order.tables import Table
from tv.replay.graph_values import Bits, GraphValues, Ints, Truths
from tv.sets.numeric import PointMap, PointSet
from tv.sets.points import Points, embedded
from tv.system import System
from tv.term import Term

CHUNK = 1 << 18  # instances of a loop's rounds at once
MOST_KEPT = 1 << 20  # instances of a loop's rounds that are laid out before it runs
MOST_ROUNDS = 1 << 32


class Source:
    """An order whose sets and maps are read once. system: the graph's."""

    def __init__(
        self,
        system: System,
        order: Order,
        term: Callable[[Place], Term],
        read_map: Callable[[str], PointMap],
        read_set: Callable[[str], PointSet],
    ) -> None:
        self.system, self.order, self._term = system, order, term
        self._read_map, self._read_set = read_map, read_set
        self._maps: dict[str, PointMap] = {}
        self._sets: dict[str, PointSet] = {}
        self._terms: dict[Place, Term] = {}
        self._symbols: tuple[str, ...] | None = None
        self.reached = _reached(order)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Open sizes that any of its sets and maps hangs on."""
        if self._symbols is None:
            texts = _texts(self.order)
            found = {s for t in texts[0] for s in self.map(t).symbols} | {
                s for t in texts[1] for s in self.set(t).symbols
            }
            self._symbols = tuple(sorted(found))
        return self._symbols

    def map(self, text: str) -> PointMap:
        if text not in self._maps:
            self._maps[text] = self._read_map(text)
        return self._maps[text]

    def set(self, text: str) -> PointSet:
        if text not in self._sets:
            self._sets[text] = self._read_set(text)
        return self._sets[text]

    def term(self, place: Place) -> Term:
        if place not in self._terms:
            self._terms[place] = self._term(place)
        return self._terms[place]


def _texts(order: Order) -> tuple[set[str], set[str]]:
    """The maps and the sets of an order."""
    maps, sets = {order.choose, *(p.map for parts in order.leaves for p in parts)}, set(order.zeros.values())
    for x in (x for e in (order.value, *order.units.values()) for x in walk(e)):
        match x:
            case Link(map=m):
                maps.add(m)
            case Cases(pieces=pieces):
                sets |= {text for text, _ in pieces}
            case Rounds(rounds=text):
                sets.add(text)
    return maps, sets


def _reached(order: Order) -> dict[str, frozenset[str]]:
    """Each statement, and those that it asks for, directly or not; itself only where it asks for itself."""
    asked = {n: {x.unit for x in walk(e) if isinstance(x, Link)} for n, e in order.units.items()}
    out = {n: set(a) for n, a in asked.items()}
    changed = True
    while changed:
        changed = False
        for a in out.values():
            more = set().union(*(out[m] for m in a)) - a
            a |= more
            changed = changed or bool(more)
    return {n: frozenset(a) for n, a in out.items()}


Step: TypeAlias = tuple[str, int, Node]
Array = TypeVar("Array", bound="np.ndarray[Any, Any]")


@dataclass(frozen=True, slots=True)
class Plan:
    """steps: (statement, the first of the places that get a value, what gives them), in the order of running."""

    value: Node
    steps: tuple[Step, ...]
    places: Mapping[str, int]  # of every statement
    bytes: int  # held, about

    def run(self, values: GraphValues, kind: str) -> Bits:
        tables = {n: np.zeros(count, np.uint64) for n, count in self.places.items()}
        data = Data(values, kind, tables)
        for unit, start, node in self.steps:
            found = node.run(data, None)
            tables[unit][start : start + len(found)] = found
        return self.value.run(data, None)


@dataclass(frozen=True, slots=True)
class Site:
    """Where instances of another statement are asked for."""

    node: Taken
    points: Points

    def columns(self) -> list[Ints]:
        return [self.points.flat(d) for d in range(len(self.points.columns))]


@dataclass(slots=True)
class Layout:
    """Lays out one plan. Raises what an order that does not fit its graph raises (TV0655, TV0656)."""

    source: Source
    symbols: Mapping[str, int]
    bytes: int = 0
    _sites: list[Site] = field(default_factory=list)  # of what is being laid out
    _tables: dict[str, Table] = field(default_factory=dict)  # the place of each instance
    _places: dict[str, int] = field(default_factory=dict)
    _steps: list[Step] = field(default_factory=list)

    def plan(self, points: Points) -> Plan:
        """Of the order's value."""
        value, reached = self._lower(self.source.order.value, points), self.source.reached
        asked: dict[str, list[Site]] = {}
        self._ask(asked)
        blocks: list[list[Step]] = []
        while asked:
            first = max(asked, key=lambda u: len(reached[u] | {u}))  # nothing that is still asked for asks for it
            around = {u for u in reached[first] if first in reached[u]}
            self._steps = []
            for unit in [u for u in asked if u == first or u in around]:
                self._instances(unit, asked.pop(unit), around, asked)
            blocks.append(self._steps)
        return Plan(value, tuple(s for b in reversed(blocks) for s in b), dict(self._places), self.bytes)

    def _ask(self, asked: dict[str, list[Site]]) -> None:
        """Adds what was asked for since the last time."""
        for s in self._sites:
            asked.setdefault(s.node.unit, []).append(s)
        self._sites = []

    def _instances(self, unit: str, sites: list[Site], around: set[str], asked: dict[str, list[Site]]) -> None:
        """Instances of a statement, each once, and first what they ask for of those `around` that ask for it in turn."""
        every = [s.columns() for s in sites]
        columns = [np.concatenate(c) for c in zip(*every, strict=True)]
        table = self._tables.setdefault(unit, Table())
        self._places.setdefault(unit, 0)
        new = table.missing(columns, sum(s.points.count for s in sites))
        if len(new):
            mine = [c[new] for c in columns]
            node = self._lower(self.source.order.units[unit], Points.along(mine, len(new)))
            within: dict[str, list[Site]] = {}
            self._ask(within)
            for other, theirs in within.items():
                if other in around:
                    self._instances(other, theirs, around, asked)
                else:
                    asked.setdefault(other, []).extend(theirs)
            start = self._places[unit]
            self._places[unit] += len(new)
            table.add(mine, np.arange(start, start + len(new), dtype=np.uint64))
            self._steps.append((unit, start, node))
        for s, own in zip(sites, every, strict=True):
            s.node.places = self._kept(table.values_at(own, s.points.count).astype(np.int64))

    def _kept(self, a: Array) -> Array:
        self.bytes += a.nbytes
        return a

    # -------------------------------------------------------------- expressions
    def _lower(self, e: Expr, points: Points) -> Node:
        match e:
            case Number(bits=bits):
                return Constant(bits, points.count)
            case LeafAt(leaf=i):
                return self._leaf(i, points)
            case Hole():
                return SoFar()
            case Add(a=a, b=b):
                return Added(self._lower(a, points), self._lower(b, points))
            case Negate(a=a):
                return Negated(self._lower(a, points))
            case Fuse(leaf=i, negated=negated, rest=rest):
                return Fused(Product(self._leaf(i, points), negated), self._lower(rest, points))
            case Link(unit=unit, map=m):
                at, found = self.source.map(m).image(points, self.symbols)
                if not found.all():
                    raise Unknown("TV0656", f"an order refers to `{unit}` where it has no value")
                self._sites.append(Site(Taken(unit), at))
                return self._sites[-1].node
            case Cases(pieces=pieces):
                return self._cases(pieces, points)
            case Rounds():
                return self._loop(e, points)
            case _:
                raise TypeError(f"not an expression of an order: {e!r}")

    def _cases(self, pieces: tuple[tuple[str, Expr], ...], points: Points) -> Node:
        out, left = [], np.ones((1,) * len(points.shape), np.bool_)
        for text, e in pieces:
            mask = self.source.set(text).holds(points, self.symbols) & left
            if mask.any():
                theirs = np.broadcast_to(mask, points.shape).reshape(-1) if hollow(e) and not mask.all() else None
                out.append((self._kept(mask), theirs, self._lower(e, points.only(mask))))
                left = left & ~mask
        if left.any() and points.count:
            raise Unknown("TV0656", "an order leaves a case open")
        return out[0][2] if len(out) == 1 else Chosen(tuple(out), points.shape)

    # -------------------------------------------------------------- loops
    def _loop(self, e: Rounds, points: Points) -> Node:
        child, outer, n = self.source.set(e.rounds), len(points.columns), points.count
        box = child.box(self.symbols)
        if len(box) <= outer:
            raise BadInput("TV0655", "an order with a loop that has no rounds of its own")
        extents = [high - low + 1 for low, high in box[outer:]]
        steps = prod(extents)
        if steps > MOST_ROUNDS:
            raise Unknown("TV0656", f"an order with a loop of {steps} rounds")
        init, spine = self._lower(e.init, points), _spine(e.step)

        def blocks(here: Layout) -> Iterator[Chain | OneByOne]:
            size = max(1, CHUNK // max(1, n))
            for start in range(0, steps if n else 0, size):
                count = min(size, steps - start)
                index = np.unravel_index(np.arange(start, start + count), extents)
                inner = [i + low for i, (low, _) in zip(index, box[outer:], strict=True)]
                every = points.times(inner, count)
                present = child.holds(every, self.symbols)
                if not present.any():
                    continue
                yield here._one_by_one(e.step, every, present) if spine is None else here._chain(spine, every, present)

        if n * steps > MOST_KEPT and not any(isinstance(x, Link) for x in walk(e.step)):
            return Loop(init, lambda: blocks(Layout(self.source, self.symbols)))
        kept = tuple(blocks(self))
        return Loop(init, lambda: kept)

    def _one_by_one(self, step: Expr, every: Points, present: Truths) -> OneByOne:
        rounds = []
        for k, mask in enumerate(np.broadcast_to(present, every.shape)):
            if mask.any():
                here = np.flatnonzero(mask)
                rounds.append((self._kept(here), self._lower(step, every.take(here + k * every.shape[1]))))
        return OneByOne(tuple(rounds))

    def _chain(self, spine: list[Expr], every: Points, present: Truths) -> Chain:
        some, operands = every.only(present), list[Node | Product]()
        for e in spine:
            match e:
                case Add(a=a, b=b):
                    operands.append(self._lower(b if hollow(a) else a, some))
                case Fuse(leaf=i, negated=negated):
                    operands.append(Product(self._leaf(i, some), negated))
        return Chain(tuple(operands), self._kept(present), (every.shape[0], every.shape[1]))

    # -------------------------------------------------------------- the graph's own values
    def _leaf(self, i: int, points: Points) -> Leaf:
        order, parts = self.source.order, list[LeafPart]()
        left = np.ones((1,) * len(points.shape) if points.count else points.shape, np.bool_)
        if i in order.zeros:
            left = ~self.source.set(order.zeros[i]).holds(points, self.symbols)
        for p in order.leaves[i]:
            if not left.any():
                break
            here = left
            for mask, at in self.source.map(p.map).images(points.only(here), self.symbols):
                where = embedded(here, mask, points.shape)
                env = {d: self._kept(a) for d, a in self._env(p, at).items()}
                whole = bool(where.all()) and points.count > 0
                parts.append(
                    LeafPart(p.place[0], self.source.term(p.place), env, at.count, None if whole else self._kept(where))
                )
                left = left & ~where
        if left.any():
            raise Unknown("TV0656", "an order has no value for a summand")
        return Leaf(tuple(parts), points.shape)

    def _env(self, p: Part, at: Points) -> dict[str, Ints]:
        if p.scope not in self.source.system.scopes:
            raise BadInput("TV0655", f"an order is about instances of `{p.scope}`, which the graph does not have")
        dims = self.source.system.scopes[p.scope].dims
        if len(at.columns) != len(dims):
            raise BadInput(
                "TV0655", f"an order with instances of {len(at.columns)} dimensions for those of `{p.scope}`"
            )
        return {d: at.flat(k) for k, d in enumerate(dims)}


def _spine(e: Expr) -> list[Expr] | None:
    """The additions around the hole, innermost first; None where the step is another expression."""
    match e:
        case Hole():
            return []
        case Add(a=a, b=b) if hollow(a) != hollow(b):
            inside = _spine(a if hollow(a) else b)
        case Fuse(rest=rest) if hollow(rest):
            inside = _spine(rest)
        case _:
            return None
    return None if inside is None else [*inside, e]
