"""A graph whose sums are added as a certificate's orders say, as a system: what `bitwise` means under `--order`.

Every order becomes units of the graph, one for each statement of its program and for each of its leaves; the sum that it is
about becomes a reference to the first of them. Nothing of the certificate is trusted: that the order is one of the graph's own
sum is for the ordinary proof to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tv.diagnostic import BadInput, Unknown
from tv.equiv.formats import FLOATS
from tv.order.masked import NOTHING_MASKED, Masked
from tv.order.places import rewritten, term_at_place
from tv.order.products import Copies
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
    Rounds,
    walk,
)
from tv.sets import TRUE, Affine, Map, Set
from tv.sets.foreign import adopt_map, adopt_set, least, tuple_of_target
from tv.sets.formulas import all_of, eq
from tv.system import Scope, System, Unit
from tv.term import Term, type_width


@dataclass(slots=True)
class Program:
    """One order on its way into the graph. reach: statement -> the instances that are asked for."""

    number: int
    order: Order
    reach: dict[str, Set] = field(default_factory=dict)
    children: int = 0

    @property
    def kind(self) -> str:
        return self.order.op.split(".")[1]

    @property
    def width(self) -> int:
        return type_width(self.kind)

    def space(self, statement: str) -> str:
        return f"o{self.number}_{statement}"


class Pinned:
    """Raises BadInput (TV0655) for orders that are not about this graph, Unknown (TV0404, TV0656) for damaged ones."""

    def __init__(self, graph: System, orders: Sequence[Order], masked: Masked = NOTHING_MASKED) -> None:
        self.old, self.sets, self.terms, self.masked = graph, graph.sets, graph.terms, masked
        self.new = System(
            graph.sets,
            graph.terms,
            {},
            dict(graph.scopes),
            dict(graph.scope_sets),
            dict(graph.indices),
            dict(graph.conditions),
            extremes=dict(graph.extremes),
            winners=set(graph.winners),
        )
        self.after: dict[int, Term] = {}
        self.by_term: dict[int, list[Program]] = {}
        self.done: dict[tuple[int, str], Term] = {}
        self.busy: set[int] = set()
        self.roots: dict[int, Map] = {}  # number of an order -> instance of its sum to instance of its root unit
        self.copies = Copies(self.old, self.new, self.replaced)
        for n, o in enumerate(orders):
            if o.scope not in graph.scopes:
                raise BadInput("TV0655", f"an order of `{o.op}` over `{o.scope}`")
            self.by_term.setdefault(term_at_place(graph, o.place, masked).id, []).append(Program(n, o))
            self.after |= {before.id: now for _, before, now in rewritten(graph, o, masked)}

    def system(self) -> System:
        """The graph's units, their sums in order, and the units that the orders need."""
        for name, u in self.old.units.items():
            self.new.units[name] = replace(u, value=self.replaced(u.value, name))
        return self.new

    # -------------------------------------------------------------- the graph's own terms
    def replaced(self, t: Term, scope: str) -> Term:
        """A term of a scope with every sum in it added in its order."""
        key = (t.id, scope)
        if key not in self.done:
            if t.id in self.busy:
                raise BadInput("TV0655", "an order of a sum that needs the sum itself")
            self.busy.add(t.id)
            self.done[key] = self.ordered(t, scope)
            self.busy.discard(t.id)
        return self.done[key]

    def ordered(self, t: Term, scope: str) -> Term:
        if t.id in self.after:
            return self.replaced(self.after[t.id], scope)
        left = self.masked.left(t)
        if left is not None:
            return self.without_masked(t, left.term, scope)
        rest, pieces = self.old.scope_sets[scope], []
        for p in self.by_term.get(t.id, ()):
            if p.order.scope != scope:
                raise BadInput("TV0655", f"an order over `{p.order.scope}` of a sum over `{scope}`")
            root = self.root(p)
            here = self.sets.meet(rest, self.sets.domain(root))
            if not self.sets.empty(here):
                at = self.sets.restrict_domain(root, here)
                pieces.append((here, self.terms.ref(self.sets.target_name(root), at, p.width)))
                rest = self.sets.minus(rest, here)
        if not pieces:
            return self.plain(t, scope)
        if not self.sets.empty(rest):
            pieces.append((rest, self.plain(t, scope)))
        return pieces[0][1] if len(pieces) == 1 else self.terms.case(pieces)

    def without_masked(self, t: Term, left: Term, scope: str) -> Term:
        """A tensor's value without what a mask takes out; in cases of which one may be the value as the graph has it."""
        if t not in left.args:
            return self.replaced(left, scope)
        arms = [self.plain(a, scope) if a is t else self.replaced(a, scope) for a in left.args]
        return self.terms.case(list(zip(left.sets, arms, strict=True)))

    def plain(self, t: Term, scope: str) -> Term:
        """The term as the graph has it, its operands replaced."""
        args = [self.replaced(a, t.scope if t.scope and i == 0 else scope) for i, a in enumerate(t.args)]
        if all(a is b for a, b in zip(args, t.args, strict=True)):
            return t
        return self.terms.make(
            t.kind,
            name=t.name,
            args=tuple(args),
            map=t.map,
            sets=t.sets,
            bits=t.bits,
            width=t.width,
            attr=t.attr,
            scope=t.scope,
        )

    # -------------------------------------------------------------- an order's units
    def root(self, p: Program) -> Map:
        """Makes the units of an order; the map from instances of the graph's sum to the unit that holds it."""
        if p.number not in self.roots:
            o = p.order
            name = p.space(f"sum_{tuple_of_target(o.choose)}")
            choose = least(self.sets, adopt_map(self.sets, o.choose, o.scope, name))
            at = self.sets.restrict_domain(choose, self.old.scope_sets[o.scope])
            self.add(name, self.sets.range(at), p, o.value)
            for statement in in_order(o):
                if statement in p.reach:
                    self.add(p.space(statement), p.reach[statement], p, o.units[statement])
            self.roots[p.number] = at
        return self.roots[p.number]

    def add(self, name: str, domain: Set, p: Program, value: Expr) -> None:
        dims = tuple(f"d{k}" for k in range(self.sets.arity(name)))
        scope = Scope(name, dims, TRUE, name)
        self.new.scopes[name], self.new.scope_sets[name] = scope, domain
        made = Unit(name, scope, domain, p.width, self.expr(p, value, name, domain), 0, uses=1)
        made.format = p.kind if p.kind in FLOATS else ""
        self.new.units[name] = made

    def expr(self, p: Program, e: Expr, space: str, here: Set) -> Term:
        """An expression of an order over the instances `here` of a space."""
        match e:
            case Number(bits=bits):
                return self.terms.const(bits, p.width)
            case LeafAt(leaf=i):
                return self.leaf(p, i, "", space, here)
            case Hole():
                return self.terms.hole(p.width)
            case Add(a=a, b=b):
                return self.terms.op(f"fadd.{p.kind}", self.expr(p, a, space, here), self.expr(p, b, space, here))
            case Negate(a=a):
                return self.terms.op(f"fneg.{p.kind}", self.expr(p, a, space, here))
            case Fuse(leaf=i, negated=negated, rest=rest):
                x, y = self.leaf(p, i, "x", space, here), self.leaf(p, i, "y", space, here)
                x = self.terms.op(f"fneg.{p.kind}", x) if negated else x
                return self.terms.op(f"ffma.{p.kind}", x, y, self.expr(p, rest, space, here))
            case Link(unit=unit, map=text):
                return self.link(p, unit, text, space, here)
            case Cases(pieces=pieces):
                return self.cases(p, pieces, space, here)
            case Rounds():
                return self.rounds(p, e, space, here)
            case _:
                raise TypeError(f"not an expression of an order: {e!r}")

    def link(self, p: Program, unit: str, text: str, space: str, here: Set) -> Term:
        m = self.sets.restrict_domain(adopt_map(self.sets, text, space, p.space(unit)), here)
        if not self.sets.equal(self.sets.domain(m), here) or not self.sets.single_valued(m):
            raise Unknown("TV0656", f"an order refers to `{unit}` where it has no value")
        there = self.sets.range(m)
        p.reach[unit] = self.sets.join(p.reach[unit], there) if unit in p.reach else there
        return self.terms.ref(p.space(unit), m, p.width)

    def cases(self, p: Program, pieces: tuple[tuple[str, Expr], ...], space: str, here: Set) -> Term:
        out, rest = [], here
        for text, e in pieces:
            part = self.sets.meet(rest, adopt_set(self.sets, text, space))
            if not self.sets.empty(part):
                out.append((part, self.expr(p, e, space, part)))
                rest = self.sets.minus(rest, part)
        if not self.sets.empty(rest):
            raise Unknown("TV0656", "an order leaves a case open")
        return self.one_of(out)

    def rounds(self, p: Program, e: Rounds, space: str, here: Set) -> Term:
        p.children += 1
        child = f"{space}_r{p.children}"
        rounds = adopt_set(self.sets, e.rounds, child)
        outer, inner = self.sets.arity(space), self.sets.arity(child)
        if inner <= outer:
            raise BadInput("TV0655", "an order with a loop that has no rounds of its own")
        dims = tuple(f"d{k}" for k in range(outer))
        there = tuple(f"r{k}" for k in range(inner))
        extends = all_of(*(eq(Affine.dim(a), Affine.dim(b)) for a, b in zip(dims, there, strict=False)))
        embed = self.sets.relation(space, dims, child, there, extends)
        embed = self.sets.restrict_range(self.sets.restrict_domain(embed, here), rounds)
        inside = self.sets.range(embed)
        self.new.scopes[child] = Scope(child, there, TRUE, self.new.scopes[space].unit)
        self.new.scope_sets[child] = inside
        step = self.expr(p, e.step, child, inside)
        return self.terms.reduce(f"fadd.{p.kind}", embed, child, step, self.expr(p, e.init, space, here))

    def leaf(self, p: Program, i: int, factor: str, space: str, here: Set) -> Term:
        """The graph's value that leaf i stands for, or a factor of it, at the instances `here`."""
        out, rest = [], here
        zero = self.sets.meet(here, adopt_set(self.sets, p.order.zeros[i], space)) if i in p.order.zeros else None
        if zero is not None and not self.sets.empty(zero):
            out.append((zero, self.terms.const(0, int(p.kind[1:]))))
            rest = self.sets.minus(here, zero)
        for part in p.order.leaves[i]:
            copy, width = self.part(part, factor)
            m = least(self.sets, adopt_map(self.sets, part.map, space, part.scope))
            at = self.sets.restrict_domain(self.sets.compose(m, copy), rest)
            known = self.sets.domain(at)
            if not self.sets.empty(known):
                out.append((known, self.terms.ref(self.sets.target_name(copy), at, width)))
                rest = self.sets.minus(rest, known)
        if not self.sets.empty(rest):
            raise Unknown("TV0656", "an order has no value for a summand")
        return self.one_of(out)

    def one_of(self, pieces: list[tuple[Set, Term]]) -> Term:
        """Raises Unknown (TV0656) where there is no piece: nothing is ever asked for there."""
        if not pieces:
            raise Unknown("TV0656", "an order has a part that no instance reaches")
        return pieces[0][1] if len(pieces) == 1 else self.terms.case(pieces)

    def part(self, part: Part, factor: str) -> tuple[Map, int]:
        """Instances of a leaf's scope -> the unit that holds it (or a factor), and its width."""
        if part.scope not in self.old.scopes:
            raise BadInput("TV0655", f"an order is about instances of `{part.scope}`, which the graph does not have")
        t = term_at_place(self.old, part.place, self.masked)
        return self.copies.of(t, part.scope, factor), t.width


def in_order(o: Order) -> list[str]:
    """The statements of an order, each before those that it links to. Raises BadInput (TV0655) for a circle."""
    links = {n: {x.unit for x in walk(e) if isinstance(x, Link)} for n, e in o.units.items()}
    out: list[str] = []
    open_: set[str] = set()

    def visit(name: str) -> None:
        if name in open_:
            raise BadInput("TV0655", "an order whose statements need each other")
        if name in out or name not in links:
            return
        open_.add(name)
        for other in sorted(links[name]):
            visit(other)
        open_.discard(name)
        out.append(name)

    for name in sorted(links):
        visit(name)
    return out[::-1]
