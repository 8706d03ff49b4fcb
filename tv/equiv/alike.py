"""Two terms of the kernel that are one value, instance by instance: the same operations on the same cells.

Evaluated twice, a sum that takes in a product may be rounded in two ways, so such an operation is like no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tv.equiv.problem import is_view
from tv.sets import Map
from tv.term import Term

if TYPE_CHECKING:
    from tv.equiv.rules import Rules


class Alike:
    def __init__(self, rules: Rules) -> None:
        self.rules, self.sets, self.kernel = rules, rules.sets, rules.p.kernel
        self.once: dict[int, bool] = {}

    def alike(self, a: Term, to_a: Map, b: Term, to_b: Map) -> bool:
        """to_a, to_b: from one domain, on which both are functions, into the scopes of a and b."""
        if a is b and to_a is to_b and self.steady(a):
            return True
        if a.kind == "case" or b.kind == "case":
            return self.by_case(a, to_a, b, to_b) if a.kind == "case" else self.by_case(b, to_b, a, to_a)
        if a.width != b.width:
            return False
        if a.kind == b.kind == "const":
            return a.bits == b.bits
        if a.kind == b.kind == "op":
            same = a.name == b.name and a.attr == b.attr and len(a.args) == len(b.args)
            if not same or self.rules.contracted(a) or self.rules.contracted(b):
                return False
            return all(self.alike(x, to_a, y, to_b) for x, y in zip(a.args, b.args, strict=True))
        if a.kind == b.kind and a.name == b.name and a.kind in ("ref", "input", "index"):
            left, right = self.sets.compose(to_a, a.embedding()), self.sets.compose(to_b, b.embedding())
            return self.sets.equal(left, right) and self.sets.subset(self.sets.domain(to_a), self.sets.domain(left))
        for x, to_x, y, to_y in ((a, to_a, b, to_b), (b, to_b, a, to_a)):
            if x.kind == "ref" and self.passes_on(x):
                behind = self.sets.compose(to_x, x.embedding())
                return self.alike(self.kernel.units[x.name].value, behind, y, to_y)
        return False

    def steady(self, t: Term) -> bool:
        """Is one term one value wherever it is evaluated?"""
        if t.id not in self.once:
            match t.kind:
                case "const" | "ref" | "input" | "index":
                    self.once[t.id] = True
                case "op" | "case":
                    fused = t.kind == "op" and bool(self.rules.contracted(t))
                    self.once[t.id] = not fused and all(self.steady(a) for a in t.args)
                case _:
                    self.once[t.id] = False
        return self.once[t.id]

    def passes_on(self, t: Term) -> bool:
        """A reference to what only passes on what was stored, or what a cell held before the launch, read in the ordinary way."""
        if t.name in self.kernel.chains:
            return False
        value, p = self.kernel.units[t.name].value, self.rules.p
        return is_view(value) and (value.kind == "ref" or t.name in p.private or t.name in p.memory)

    def by_case(self, a: Term, to_a: Map, b: Term, to_b: Map) -> bool:
        rest = to_a
        for s, arm in zip(a.sets, a.args, strict=True):
            part = self.sets.restrict_range(to_a, s)
            rest = self.sets.minus(rest, part)
            if self.sets.empty(part):
                continue
            if not self.alike(arm, part, b, self.sets.restrict_domain(to_b, self.sets.domain(part))):
                return False
        return self.sets.empty(rest)
