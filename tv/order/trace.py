"""The additions that a flattened sum went through, as a program: flattening itself, watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tv.diagnostic import Unknown
from tv.equiv.flattening import Flattening
from tv.equiv.rules import Rules
from tv.order.contraction import LEFT, RIGHT
from tv.order.program import Add, Cases, Expr, Fuse, Hole, LeafAt, Link, Number, Rounds
from tv.sets import Map, Set, Sets
from tv.sets.affine import Affine
from tv.sets.formulas import all_of, eq
from tv.system import System
from tv.term import Term, op_type


@dataclass(slots=True)
class Visit:
    """One visit of flattening: its term, the instances, the contributions [first, last) made on the way, inner visits.

    padding: instances at which the visit's own contribution was a product of zero.
    """

    term: Term
    at: Map
    first: int
    last: int = 0
    entered: bool = False
    inner: list[Visit] = field(default_factory=list)
    padding: Set | None = None


class Watched(Flattening):
    """roots: the visit of the sum's own term, then one for each joined unit."""

    def __init__(
        self, rules: Rules, op: str, stop: frozenset[str], drop: Set | None, from_zero: Set | None = None
    ) -> None:
        super().__init__(rules, "k", op, stop, drop, from_zero=from_zero)
        self.roots: list[Visit] = []
        self.stack: list[Visit] = []

    def visit(self, t: Term, at: Map) -> None:
        v = Visit(t, at, len(self.items))
        (self.stack[-1].inner if self.stack else self.roots).append(v)
        self.stack.append(v)
        super().visit(t, at)
        self.stack.pop()
        v.last = len(self.items)

    def pad(self, nodes: Set) -> None:
        self.stack[-1].padding = nodes

    def enter(self, t: Term, at: Map) -> None:
        self.stack[-1].entered = True
        super().enter(t, at)


class Recorder:
    """Visits to expressions. fused(sum) says which operand of an addition is fused, if any."""

    def __init__(self, sets: Sets, kernel: System, op: str, fused: Callable[[Term], str]) -> None:
        self.sets, self.kernel, self.op, self.fused = sets, kernel, op, fused
        self.zeros: dict[int, str] = {}  # by leaf

    def program(self, w: Watched) -> tuple[Expr, dict[str, Expr]]:
        """The root's expression, and those of the joined units by name."""
        root, *joined = w.roots
        units = {self.sets.target_name(v.at): self.expr(v) for v in joined}
        if len(units) != len(joined):
            raise _unclear()
        return self.expr(root), units

    def expr(self, v: Visit) -> Expr:
        t = v.term
        if v.entered:
            return Link(t.name, self.sets.text(t.embedding()))
        if t.kind == "case":
            return self.case(v)
        if t.kind == "op" and t.name == self.op and len(v.inner) == 2:
            return self.addition(t, v.inner[0], v.inner[1])
        if t.kind == "op" and t.name == "ffma." + op_type(self.op) and len(v.inner) == 1:
            rest = self.expr(v.inner[0])
            return self.padded(v, Fuse(v.first, False, rest), Add(Number(0), rest))
        if t.kind == "reduce" and t.name == self.op and len(v.inner) == 2:
            return Rounds(rounds(self.sets, self.kernel, t), self.expr(v.inner[0]), self.expr(v.inner[1]))
        if v.inner:
            raise _unclear()
        if t.kind == "hole":
            return Hole()
        if v.last == v.first + 1 or v.padding is not None:
            return self.padded(v, LeafAt(v.first), Number(0))
        if t.kind == "const" and v.last == v.first:
            return Number(t.bits)
        raise _unclear()

    def case(self, v: Visit) -> Expr:
        """Pieces that are never reached were not visited."""
        inner, pieces = iter(v.inner), []
        for s, a in zip(v.term.sets, v.term.args, strict=True):
            if self.sets.empty(self.sets.restrict_range(v.at, s)):
                continue
            arm = next(inner, None)
            if arm is None or arm.term is not a:
                raise _unclear()
            pieces.append((self.sets.text(s), self.expr(arm)))
        if next(inner, None) is not None:
            raise _unclear()
        return Cases(tuple(pieces))

    def addition(self, t: Term, left: Visit, right: Visit) -> Expr:
        which = self.fused(t)
        if not which:
            return Add(self.expr(left), self.expr(right))
        product, rest = {LEFT: (left, right), RIGHT: (right, left)}[which]
        if product.inner or (product.last != product.first + 1 and product.padding is None):
            raise _unclear()
        other = self.expr(rest)
        return self.padded(product, Fuse(product.first, False, other), Add(Number(0), other))

    def padded(self, v: Visit, usual: Expr, zero: Expr) -> Expr:
        """The expression of a contribution; that it is +0 * +0 somewhere is noted of its leaf."""
        if v.padding is None:
            return usual
        if self.sets.subset(self.sets.range(v.at), v.padding):
            return zero
        if v.first in self.zeros:
            raise _unclear()
        self.zeros[v.first] = self.sets.text(v.padding)
        return usual


def rounds(sets: Sets, system: System, t: Term) -> str:
    """The instances that a reduction runs over; checked to extend the coordinates of what holds the sum."""
    child = system.scopes[t.scope]
    parent = system.scopes[sets.source_name(t.embedding())]
    there = tuple(f"{d}__" for d in child.dims)
    extends = all_of(*(eq(Affine.dim(d), Affine.dim(f"{c}__")) for d, c in zip(parent.dims, child.dims, strict=False)))
    if not sets.subset(t.embedding(), sets.relation(parent.name, parent.dims, child.name, there, extends)):
        raise _unclear()
    return sets.text(sets.range(t.embedding()))


def _unclear() -> Unknown:
    return Unknown("TV0663", "the order of a sum could not be written down")
