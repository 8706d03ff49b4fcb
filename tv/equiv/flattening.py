"""A sum or maximum followed to its summands: through loops, exchanges and memory. Search and checker both stand on it (S2, S12)."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from tv.equiv.larger import Larger
from tv.equiv.padding import padded, weightless, zeros
from tv.equiv.problem import Mismatch
from tv.equiv.summands import Contribution, counted, integer_identity, integral
from tv.sets import Map, Remainder, Set
from tv.sets.strides import evenly
from tv.term import Term, op_head, op_type

if TYPE_CHECKING:
    from tv.equiv.rules import Rules


class Flattening:
    """Additions followed through loops, exchanges and memory, by unit, latest first; all visits of a unit merged before it."""

    def __init__(
        self,
        rules: Rules,
        side: str,
        op: str,
        stop: frozenset[str],
        drop: Set | None,
        signless: bool = False,
        from_zero: Set | None = None,
    ) -> None:
        """from_zero: results known to have a literal +0 among their summands, so that they are never -0."""
        self.from_zero, self.light = from_zero, False  # light: some product is of zero and a finite number
        self.larger = Larger(rules, op, signless) if side == "k" else None
        self.rules, self.side, self.op, self.stop, self.drop = rules, side, op, stop, drop
        self.sets, self.system = rules.sets, rules.p.views(side)
        self.items: list[Contribution] = []
        self.pending: dict[str, Map] = {}
        self.done: set[str] = set()
        self.counted = counted(op)
        self.reduced: Set | None = None  # results that a reduction reaches
        self.contractible = False  # some addition on the way is not `_rn`
        self.neutral: Set | None = None  # results that an identity reaches

    def run(self, t: Term, at: Map) -> list[Contribution]:
        self.visit(t, at)
        while self.pending:
            name = max(self.pending, key=lambda n: self.system.units[n].order)
            reach = self.pending.pop(name)
            self.done.add(name)
            self.visit(self.system.units[name].value, reach)
        return [replace(c, idle=self.started(c.idle)) for c in self.items]

    def started(self, idle: Map | None) -> Map | None:
        """Of literals that contribute nothing, those to results that start from one."""
        return None if idle is None or self.neutral is None else self.sets.restrict_domain(idle, self.neutral)

    def visit(self, t: Term, at: Map) -> None:
        sets = self.sets
        if sets.empty(at):
            return
        if t.kind == "case":
            rest = at
            for s, a in zip(t.sets, t.args, strict=True):
                part = sets.restrict_range(at, s)
                if not sets.empty(part):
                    rest = sets.minus(rest, part)
                    self.visit(a, part)
            if not sets.empty(rest):
                raise Mismatch("equal", "no case covers a summand", rest, t)
        elif t.kind == "op" and t.name == self.op:
            self.contractible |= t.attr == "c"
            for a in t.args:
                self.visit(a, at)
        elif (chosen := self.chosen(t, at)) is not None:
            for a in chosen:
                self.visit(a, at)
        elif t.kind == "op" and t.name == "ffma." + op_type(self.op) and self.op.startswith("fadd"):
            self.leaf(self.rules.terms.op("fmul." + op_type(self.op), t.args[0], t.args[1], attr="u"), at)
            self.visit(t.args[2], at)
        elif t.kind == "reduce" and self.folds(t, sets.range(at)):
            here = sets.domain(at)
            self.reduced = here if self.reduced is None else sets.join(self.reduced, here)
            self.visit(t.args[0], sets.compose(at, t.embedding()))
            if self.side == "k" or not self.rules.identity_of(self.op, t.args[1]):
                self.visit(t.args[1], at)
            else:  # a graph's sum may start from its first term, if it has one
                some = sets.restrict_range(at, sets.domain(t.embedding()))
                self.starts(some)
                self.visit(t.args[1], sets.minus(at, some))
        elif t.kind == "hole":
            return
        elif integral(self.op) and self.rules.identity_of(self.op, t):
            self.starts(at)
        elif self.drop is not None and self.rules.identity_of(self.op, t):
            dropped = sets.restrict_domain(at, self.drop)
            if not sets.empty(dropped):
                self.starts(dropped)
            kept = sets.minus(at, dropped)
            if not sets.empty(kept):
                self.items.append(Contribution(kept, t))
        elif t.kind == "ref" and t.name not in self.done and self.joins(t):
            self.enter(t, at)
        elif t.kind == "ref" and t.name in self.stop and not self.counted:
            self.items.append(Contribution(at, t, self.padding(t, at)))
        else:
            self.leaf(t, at)

    def padding(self, t: Term, at: Map) -> Map | None:
        """Where a maximum's operand, which is claimed to be another value, is a literal that contributes nothing."""
        value, sets = self.system.units[t.name].value, self.sets
        if value.kind != "case" or sets.empty(at):
            return None
        pieces = [s for s, a in zip(value.sets, value.args, strict=True) if self.rules.identity_of(self.op, a)]
        if not pieces:
            return None
        self.rules.descends(sets.target_name(at), t)
        there = sets.restrict_range(t.embedding(), reduce(sets.join, pieces))
        return sets.restrict_range(at, sets.domain(there))

    def leaf(self, t: Term, at: Map) -> None:
        sets = self.sets
        if self.counted and self.drop is not None and t.kind == "op" and op_head(t) == "fmul":
            here = sets.restrict_domain(at, self.drop)
            others = sets.range(sets.minus(at, here))
            zero = padded(sets, self.system, t, sets.minus(sets.range(here), others))
            if not sets.empty(zero):
                self.pad(zero)
                self.starts(sets.restrict_range(at, zero))
                at = sets.minus(at, sets.restrict_range(at, zero))
            at = self.without_light(t, at)
        elif integral(self.op) and integer_identity(self.op) == 0 and t.kind in ("op", "ref"):
            zero = zeros(
                sets, self.system, t, sets.range(at), frozenset()
            )  # converted, or of lanes that vote for nothing
            if not sets.empty(zero):
                at = sets.minus(at, sets.restrict_range(at, zero))
        if not sets.empty(at):
            self.items.append(Contribution(at, t))

    def without_light(self, t: Term, at: Map) -> Map:
        """`at` without products of a literal +0 and a finite number, +0 or -0, in sums that have a literal +0 besides."""
        sets = self.sets
        if self.side != "k" or not self.rules.p.finite or sets.empty(at):
            return at
        nodes = weightless(self.rules.p, "k", t, sets.range(at))
        self.light |= not sets.empty(nodes)
        if self.from_zero is None or sets.empty(nodes):
            return at
        others = sets.range(sets.minus(at, sets.restrict_domain(at, self.from_zero)))
        nodes = sets.minus(nodes, others)
        if sets.empty(nodes):
            return at
        self.pad(nodes)
        return sets.minus(at, sets.restrict_range(at, nodes))

    def pad(self, nodes: Set) -> None:
        """For who watches: at these instances the leaf is a product of zero, and was dropped."""

    def starts(self, at: Map) -> None:
        here = self.sets.domain(at)
        self.neutral = here if self.neutral is None else self.sets.join(self.neutral, here)

    def enter(self, t: Term, at: Map) -> None:
        sets = self.sets
        if self.side == "k":
            self.rules.descends(sets.target_name(at), t)
        if self.counted and not self.single_path(at, t.embedding()):
            raise Mismatch(
                "equal",
                f"one instance of {self.rules.p.called(t.name)} reaches a result along several paths",
                at,
                t,
                None,
                t.name,
            )
        try:
            reach = sets.step_range(at, t.embedding(), f"summand {t.name}")
        except Remainder as e:
            raise Mismatch(
                "init", f"{self.rules.p.called(t.name)} is added where it was never computed", e.rest, t, None, t.name
            ) from None
        old = self.pending.get(t.name)
        if old is not None:
            if self.counted and not sets.disjoint(old, reach):
                raise Mismatch(
                    "equal", f"{self.rules.p.called(t.name)} is added twice", sets.meet(old, reach), t, None, t.name
                )
            reach = evenly(sets, sets.join(old, reach))
        self.pending[t.name] = reach

    def single_path(self, at: Map, m: Map) -> bool:
        """{(result, leaf) -> node} is a function (S2): a step that is injective by itself needs no further question."""
        if self.sets.injective(m):
            return True
        return self.sets.injective(
            self.sets.pair(self.sets.reverse(at), self.sets.restrict_domain(m, self.sets.range(at)))
        )

    def joins(self, t: Term) -> bool:
        """A graph tensor joins the one sum that uses it, element by element: it has one value, so one order (S15)."""
        if t.name in self.stop:
            return False
        u = self.system.units[t.name]
        if self.side == "g" and (u.uses != 1 or not self.sets.injective(t.embedding())):
            return False
        return self.summable(u.value, u.domain)

    def folds(self, t: Term, nodes: Set) -> bool:
        """A fold of this operation, or one that keeps the larger by comparison and never holds a NaN."""
        return t.name == self.op or (self.larger is not None and self.larger.folds(t, nodes))

    def chosen(self, t: Term, at: Map) -> tuple[Term, Term] | None:
        """The two values of which a select keeps the larger."""
        if self.larger is None or not self.larger.may_be(t):
            return None
        return self.larger.operands(t, self.sets.range(at))

    def summable(self, v: Term, nodes: Set) -> bool:
        if v.kind == "reduce":
            return self.folds(v, nodes)
        if v.kind in ("ref", "const", "undefined"):
            return True
        if v.kind == "op":
            fused = self.op.startswith("fadd") and v.name == "ffma." + op_type(self.op)
            return v.name == self.op or fused or self.chosen(v, self.sets.identity(nodes)) is not None
        return v.kind == "case" and any(
            self.summable(a, self.sets.meet(nodes, s)) for s, a in zip(v.sets, v.args, strict=True)
        )
