"""What a plan does with data: operations on whole arrays, of which it holds where the operands lie.

Every node gives bits [n] for the n instances that it was laid out for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tv.arithmetic import apply
from tv.diagnostic import BadInput
from tv.replay.graph_values import Bits, GraphValues, Ints, Truths
from tv.sets.points import Shape, put
from tv.term import Term


@dataclass(frozen=True, slots=True)
class Data:
    """values: the graph on some inputs. kind: of the sum's numbers, such as `f32`. tables: unit -> values of its instances."""

    values: GraphValues
    kind: str
    tables: Mapping[str, Bits]


class Node(Protocol):
    def run(self, data: Data, hole: Bits | None) -> Bits:
        """hole: the sum so far, in a loop."""


@dataclass(frozen=True, slots=True)
class Constant:
    bits: int
    count: int

    def run(self, data: Data, hole: Bits | None) -> Bits:
        return np.full(self.count, self.bits, np.uint64)


@dataclass(frozen=True, slots=True)
class SoFar:
    def run(self, data: Data, hole: Bits | None) -> Bits:
        if hole is None:
            raise BadInput("TV0655", "an order with a sum so far outside a loop")
        return hole


@dataclass(frozen=True, slots=True)
class LeafPart:
    """A term of the graph at `count` instances of its scope, and where among all points they are; None: everywhere."""

    unit: str
    term: Term
    env: Mapping[str, Ints]
    count: int
    where: Truths | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """The graph's own values; +0 where no part says one."""

    parts: tuple[LeafPart, ...]
    shape: Shape

    def run(self, data: Data, hole: Bits | None) -> Bits:
        def value(p: LeafPart) -> Bits:
            return data.values.term_at(p.unit, p.term, p.env, p.count)

        return _gathered(self.shape, [(p.where, value(p)) for p in self.parts])

    def factors(self, data: Data) -> tuple[Bits, Bits]:
        """Of a leaf that is a product."""
        both = [factors(data.values, p.unit, p.term, p.env, p.count, data.kind) for p in self.parts]
        x, y = (_gathered(self.shape, [(p.where, b[k]) for p, b in zip(self.parts, both, strict=True)]) for k in (0, 1))
        return x, y


@dataclass(frozen=True, slots=True)
class Added:
    a: Node
    b: Node

    def run(self, data: Data, hole: Bits | None) -> Bits:
        return apply(f"fadd.{data.kind}", [self.a.run(data, hole), self.b.run(data, hole)])


@dataclass(frozen=True, slots=True)
class Negated:
    a: Node

    def run(self, data: Data, hole: Bits | None) -> Bits:
        return apply(f"fneg.{data.kind}", [self.a.run(data, hole)])


@dataclass(frozen=True, slots=True)
class Product:
    """Factors of a leaf, the first negated or not."""

    leaf: Leaf
    negated: bool

    def run(self, data: Data) -> tuple[Bits, Bits]:
        x, y = self.leaf.factors(data)
        return (apply(f"fneg.{data.kind}", [x]) if self.negated else x), y


@dataclass(frozen=True, slots=True)
class Fused:
    product: Product
    rest: Node

    def run(self, data: Data, hole: Bits | None) -> Bits:
        x, y = self.product.run(data)
        return apply(f"ffma.{data.kind}", [x, y, self.rest.run(data, hole)])


@dataclass(slots=True)
class Taken:
    """Values of another statement; the places of its instances are known when all that are asked for are."""

    unit: str
    places: Ints | None = None

    def run(self, data: Data, hole: Bits | None) -> Bits:
        assert self.places is not None
        return data.tables[self.unit][self.places]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Pieces: where they apply, which of the sums so far are theirs (None: they ask for none)."""

    pieces: tuple[tuple[Truths, Truths | None, Node], ...]
    shape: Shape

    def run(self, data: Data, hole: Bits | None) -> Bits:
        parts = []
        for where, theirs, node in self.pieces:
            parts.append((where, node.run(data, hole if hole is None or theirs is None else hole[theirs])))
        return _gathered(self.shape, parts)


@dataclass(frozen=True, slots=True)
class Chain:
    """Rounds whose step is a chain of additions to the sum so far: their other operands are computed for all rounds at once."""

    operands: tuple[Node | Product, ...]
    present: Truths
    shape: Shape  # rounds, instances

    def run(self, data: Data, acc: Bits) -> Bits:
        some = [(x.run(data, None),) if not isinstance(x, Product) else x.run(data) for x in self.operands]
        spread = [[_gathered(self.shape, [(self.present, a)]).reshape(self.shape) for a in args] for args in some]
        for k, mask in enumerate(np.broadcast_to(self.present, (self.shape[0], self.present.shape[1]))):
            new = acc
            for args in spread:
                name = "fadd" if len(args) == 1 else "ffma"
                new = apply(f"{name}.{data.kind}", [*(a[k] for a in args), new])
            acc = new if mask.all() else np.where(mask, new, acc)
        return acc


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Rounds with any other step: the instances that have each, and what is computed there."""

    rounds: tuple[tuple[Ints, Node], ...]

    def run(self, data: Data, acc: Bits) -> Bits:
        acc = acc.copy()
        for here, step in self.rounds:
            acc[here] = step.run(data, acc[here])
        return acc


@dataclass(frozen=True, slots=True)
class Loop:
    """blocks: of rounds, one after the other; laid out anew for each run where they are many."""

    init: Node
    blocks: Callable[[], Iterable[Chain | OneByOne]]

    def run(self, data: Data, hole: Bits | None) -> Bits:
        acc = self.init.run(data, hole)
        for b in self.blocks():
            acc = b.run(data, acc)
        return acc


def _gathered(shape: Shape, parts: Sequence[tuple[Truths | None, Bits]]) -> Bits:
    """One array of the values of parts, by where each applies."""
    if len(parts) == 1 and (parts[0][0] is None or parts[0][0].all()):
        return parts[0][1]
    out = np.zeros(int(np.prod(shape, dtype=np.int64)), np.uint64)
    for where, values in parts:
        if where is None:
            return values
        put(out, shape, where, values)
    return out


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
