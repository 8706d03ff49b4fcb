"""Guesses in which store a kernel keeps the place of a value: one in the same loops that is chosen by the same condition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tv.equiv.choosing import places_within
from tv.equiv.comparing import integer_conversion
from tv.equiv.problem import Problem
from tv.sets import Affine, Map, Set
from tv.sets.formulas import eq
from tv.term import Term, fold

INTEGERS = (8, 16, 32, 64)


def beside(p: Problem, kt: Term, scope: str) -> list[str]:
    """Stores of places for a value of the scope; the empty name where its own condition compares places."""
    out = [""] if compares_places(kt) else []
    unit = p.kernel.units.get(scope)
    if unit is None or unit.value is not kt:
        return out
    mine = conditions(stored(p, scope))
    for name, u in p.kernel.units.items():
        alike = name != scope and u.scope.dims == unit.scope.dims and u.width in INTEGERS
        if alike and mine & conditions(stored(p, name)):
            out.append(name)
    return out


def compares_places(t: Term) -> bool:
    return t.kind == "op" and t.name == "select" and next(places_within(t), None) is not None


def stored(p: Problem, name: str) -> Term:
    chain = p.kernel.chains.get(name)
    return p.kernel.units[name].value if chain is None else chain.step


def conditions(t: Term) -> set[int]:
    """Of the selects that a value is, through the cases of where it is stored; by what they read, wherever that is."""
    if t.kind == "case":
        return set().union(*(conditions(a) for a in t.args))
    if t.kind == "op" and integer_conversion(t.name):
        return conditions(t.args[0])
    if t.kind != "op" or t.name != "select":
        return set()
    return {form(t.args[0])}.union(*(conditions(a) for a in t.args[1:]))


def form(root: Term) -> int:
    return fold(root, lambda t, args: hash((t.kind, t.name, t.bits, *args)))


def won(p: Problem, t: Term) -> list[Set]:
    """Where a value of the graph is made of the element at the place of one extreme, of another one, and so on; [] where of none."""
    return Won(p).parts(t) if p.graph.winners else []


@dataclass(slots=True)
class Won:
    p: Problem
    fuel: int = 60  # terms looked at

    def parts(self, t: Term) -> list[Set]:
        self.fuel -= 1
        sets = self.p.graph.sets
        if t.kind == "op" and self.fuel > 0:
            return next((found for a in t.args if (found := self.parts(a))), [])
        if t.kind != "ref" or self.fuel <= 0:
            return []
        value, at = self.p.graph.units[t.name].value, t.embedding()
        if value.id in self.p.graph.winners:
            return [sets.domain(at)]
        inner = self.of_case(value) if value.kind == "case" else self.parts(value)
        found = [sets.domain(sets.restrict_range(at, s)) for s in inner]
        return [x for x in found if not sets.empty(x)]

    def of_case(self, t: Term) -> list[Set]:
        arms = [(s, self.parts(a)) for s, a in zip(t.sets, t.args, strict=True)]
        return [self.p.graph.sets.meet(s, x) for s, found in arms for x in found] if all(f for _, f in arms) else []


def in_step(p: Problem, every: Map) -> Iterator[Map]:
    """Of a relation from a kernel's scope to a graph's: the pairs in which one of the kernel's dimensions is one of the graph's."""
    sets = p.kernel.sets
    ours, theirs = p.kernel.scopes[sets.source_name(every)], p.graph.scopes[sets.target_name(every)]
    there = tuple(f"{d}__" for d in theirs.dims)
    for mine in reversed(ours.dims):
        for other in reversed(there):
            same = sets.relation(ours.name, ours.dims, theirs.name, there, eq(Affine.dim(mine), Affine.dim(other)))
            yield sets.meet(every, same)
