"""What both sides become before they are related: a system of units, each a domain and a value term at a symbolic instance.

A graph's unit is a tensor; a kernel's unit is a statement instance family (an access, a lane exchange, a synthetic reader of
an output). References between units are index maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tv.sets import Affine, Formula, Map, Set, Sets
from tv.sets.formulas import all_of
from tv.source import NOWHERE, Span
from tv.term import Term, Terms


@dataclass(frozen=True, slots=True)
class Scope:
    """An instance space: registered tuple `name`, dimension names, a domain. `unit`: the unit it belongs to."""

    name: str
    dims: tuple[str, ...]
    domain: Formula
    unit: str

    def extend(self, name: str, dims: Sequence[str], domain: Formula) -> Scope:
        """A child scope (of a reduction): its dimensions extend this one's."""
        return Scope(name, (*self.dims, *dims), all_of(self.domain, domain), self.unit)

    def where(self, cond: Formula) -> Scope:
        """The same space, narrowed: for the terms of one piece of a case."""
        return Scope(self.name, self.dims, all_of(self.domain, cond), self.unit)


def later(d: str) -> str:
    """In the scope of a fold over the rounds of dimension d: the round that is added."""
    return d + "_r"


@dataclass(slots=True)
class Unit:
    """name = its scope's tuple. width: bits of the value. span or node: where it comes from.

    shape: of a tensor, each extent an Affine over symbols. time, thread: of a statement, maps to `Time` and `Thread`.
    """

    name: str
    scope: Scope
    domain: Set
    width: int
    value: Term
    order: int
    span: Span = NOWHERE
    node: str = ""
    tensor: str = ""
    shape: tuple[Affine, ...] = ()
    time: Map | None = None
    thread: Map | None = None
    position: int = -1  # of a statement: its place in the kernel's top-level text, which decides most questions of time
    uses: int = 0  # graph: references by other tensors; a graph output counts as one more
    format: str = ""  # graph: the float format of its values; "" for integers
    inner: bool = False  # graph: no tensor of the model, but a step inside of an operator


@dataclass(frozen=True, slots=True)
class Chained:
    """What a store in a loop keeps or replaces, in the loop's own terms: step, which reads what the round before left; and
    rounds, exact: instance -> itself and all instances that came before it in its chain."""

    step: Term
    rounds: Map


@dataclass(frozen=True, slots=True)
class Extreme:
    """Of a graph's reduction that is the place of an extreme: over its child scope, the value and its place, an integer of no sign.

    largest: the place of the largest value, else of the smallest. last: of equal ones the last, else the first. type: of the values.
    scope: the child scope. taken: places that are left out, over the reduction's own scope: of extremes found before, no two alike.
    """

    value: Term
    place: Term
    largest: bool
    last: bool
    type: str
    scope: str
    taken: tuple[Term, ...] = ()


@dataclass(slots=True)
class System:
    """Units by name; every scope by tuple name; `inputs`: for graphs, tensor name -> unit name of the input."""

    sets: Sets
    terms: Terms
    units: dict[str, Unit] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    scope_sets: dict[str, Set] = field(default_factory=dict)
    indices: dict[int, tuple[Affine, ...]] = field(default_factory=dict)  # ref's term id -> its index expressions
    conditions: dict[int, tuple[Formula, ...]] = field(default_factory=dict)  # case's term id -> its conditions
    chains: dict[str, Chained] = field(default_factory=dict)  # of a kernel, by unit
    extremes: dict[int, Extreme] = field(default_factory=dict)  # of a graph, by the reduction's term id
    winners: set[int] = field(default_factory=set)  # of a graph: ids of picks of the element at the place of an extreme

    def scope(self, s: Scope) -> Scope:
        """Registers a scope once."""
        if s.name in self.scopes:
            raise TypeError(f"scope {s.name} defined twice")
        self.scopes[s.name] = s
        self.scope_sets[s.name] = self.sets.set(s.name, s.dims, s.domain)
        return s

    def ref(self, s: Scope, unit: str, index: Sequence[Affine]) -> Term:
        """The value of `unit` at `index`, as a term of scope s."""
        u = self.units[unit]
        u.uses += 1
        t = self.terms.ref(unit, self.sets.map(s.name, s.dims, s.domain, unit, index), u.width)
        self.indices[t.id] = tuple(index)
        return t

    def case(self, s: Scope, pieces: Sequence[tuple[Formula, Term]]) -> Term:
        """pieces: disjoint conditions that cover s's domain."""
        t = self.terms.case([(self.sets.set(s.name, s.dims, all_of(s.domain, c)), v) for c, v in pieces])
        self.conditions[t.id] = tuple(c for c, _ in pieces)
        return t

    def reduce(self, s: Scope, child: Scope, op: str, step: Term, init: Term) -> Term:
        """The fold over `child` (registered; its leading dims are s's) of `step`, from `init`."""
        embed = self.sets.map(child.name, child.dims, child.domain, s.name, [Affine.dim(d) for d in s.dims])
        return self.terms.reduce(op, self.sets.reverse(embed), child.name, step, init)
