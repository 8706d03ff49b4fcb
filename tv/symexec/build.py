"""From a trace to a system: every event a unit over its instances, every value a term over index maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

from tv.diagnostic import Unknown, Unsupported
from tv.kernel import Expr, Space
from tv.sets import TRUE, Affine, Dim, Formula, Map, Ranges, Set, Sets, Sym
from tv.sets.affine import Range, floordiv
from tv.sets.formulas import all_of, eq, negate, within
from tv.source import Span
from tv.symexec.events import Access, BarrierEvent, FenceEvent, Publication, Time, Trace
from tv.symexec.flow.gathers import gather
from tv.symexec.flow.simplify import extract, merge, operation
from tv.symexec.memory import Cells
from tv.symexec.threads.copies import ASYNC, Completions
from tv.symexec.values import Node
from tv.system import Scope, System, Unit
from tv.term import Term, Terms


@dataclass(slots=True)
class AccessMap:
    """An access over index sets: unit instances -> cells."""

    access: Access
    cells: Map


@dataclass(slots=True)
class Program:
    """The kernel as a system, with what its obligations need.

    objects: index spaces of memory; extents: their cells. accesses by unit. final: unit that reads an output's final content.
    """

    system: System
    trace: Trace
    objects: dict[str, Cells]
    extents: dict[str, Set] = field(default_factory=dict)
    accesses: dict[str, AccessMap] = field(default_factory=dict)
    publications: dict[str, Publication] = field(default_factory=dict)
    gathers: dict[str, str] = field(default_factory=dict)  # of loads at data: the unit that has what is read
    loads_at_data: dict[str, str] = field(default_factory=dict)  # and the other way round
    copies: dict[str, Map] = field(default_factory=dict)  # of asynchronous copies, by unit: `At` of their completion
    completions: Completions | None = None
    time_arity: int = 0
    origins: dict[int, int] = field(default_factory=dict)  # of operations, by term id: the evaluation they stand for
    joined: dict[int, list[Map]] = field(default_factory=dict)  # of indices, by term id: as they were under conditions
    spans: dict[int, Span] = field(default_factory=dict)  # of operations, by term id: where the kernel first has them
    sources: dict[int, dict[int, Expr]] = field(
        default_factory=dict
    )  # of additions that nvcc may contract, by term id: the expressions of the text that they stand for, by identity
    barriers: list[tuple[BarrierEvent, str, Set]] = field(default_factory=list)  # with its unit tuple and domain
    fences: list[tuple[FenceEvent, str, Set]] = field(default_factory=list)  # likewise


class Builder:
    def __init__(
        self, sets: Sets, terms: Terms, trace: Trace, objects: dict[str, Cells], symbols: dict[str, tuple[int, int]]
    ) -> None:
        self.sets, self.terms, self.trace, self.objects, self.symbols = sets, terms, trace, objects, symbols
        self.program = Program(System(sets, terms), trace, objects)
        times = [
            *((*a.time, Affine.of(1)) if a.data else a.time for a in trace.accesses),
            *(p.time for p in trace.publications),
            *(b.time for b in trace.barriers),
            *(g.time for g in trace.groups),
            *(f.time for f in trace.fences),
        ]
        self.program.time_arity = 1 + max((len(t) for t in times), default=1)
        self.program.completions = Completions(sets, trace, self.program.time_arity - 1)
        self.memo: dict[tuple[int, str, str], Term] = {}
        self.proofs: dict[tuple[str, str], bool] = {}

    def range_of(self, a: Dim | Sym) -> Range:
        if isinstance(a, Sym):
            return self.symbols[a.name]
        return self.trace.ranges.get(a.name, (None, None))

    def run(self) -> Program:
        p = self.program
        self.sets.declare("Time", p.time_arity)
        self.sets.declare("Thread", len(self.trace.space.dims))
        for name, cells in self.objects.items():
            p.extents[name] = self.extent(cells)
        by_name: dict[str, Access | Publication] = {a.name: a for a in self.trace.accesses}
        by_name |= {x.name: x for x in self.trace.publications}
        for name in self.trace.order:
            event = by_name[name]
            if isinstance(event, Access):
                self.access(event)
            else:
                self.publication(event)
        for i, b in enumerate(self.trace.barriers):
            p.barriers.append((b, f"B{i}", self.sets.set(f"B{i}", b.dims, b.domain)))
        for i, f in enumerate(self.trace.fences):
            p.fences.append((f, f"FE{i}", self.sets.set(f"FE{i}", f.dims, f.domain)))
        return p

    def extent(self, cells: Cells) -> Set:
        dims = tuple(f"c{i}" for i in range(cells.arity))
        owner = self.trace.space.domain.substitute(
            {Dim(d): Affine.dim(c) for d, c in zip(cells.owner, dims, strict=False)}
        )
        if cells.space is Space.SHARED:  # the launch's domain mentions thread digits: keep what is about blocks
            owner = all_of(
                *(
                    f
                    for f in (owner.args if owner.op == "and" else (owner,))
                    if not _mentions(f, self.trace.space.thread_dims)
                )
            )
        return self.sets.set(cells.name, dims, cells.domain(dims, TRUE if not cells.owner else owner))

    # -------------------------------------------------------------- units
    def time_map(self, scope: Scope, time: Time) -> Map:
        padded = [Affine.of(0), *time] + [Affine.of(0)] * (self.program.time_arity - 1 - len(time))
        return self.sets.map(scope.name, scope.dims, scope.domain, "Time", padded)

    def thread_map(self, scope: Scope) -> Map:
        return self.sets.map(
            scope.name, scope.dims, scope.domain, "Thread", [Affine.dim(d) for d in self.trace.space.dims]
        )

    def unit(
        self, scope: Scope, width: int, value: Term, event: Access | Publication, time: Time | None = None
    ) -> None:
        """time: where it is not the event's own."""
        system = self.program.system
        u = Unit(scope.name, scope, system.scope_sets[scope.name], width, value, len(system.units), event.span)
        u.position = event.time[0].constant or 0
        u.time, u.thread = self.time_map(scope, time or event.time), self.thread_map(scope)
        system.units[scope.name] = u

    def cells_per_access(self, a: Access) -> int:
        bits = a.type.bits if a.register else a.type.bytes * 8
        return a.count * bits // self.objects[a.object].bits

    def access(self, a: Access) -> None:
        cells, n = self.objects[a.object], self.cells_per_access(a)
        dims, domain = a.dims, a.domain
        if n > 1:
            dims, domain = (*dims, "c"), all_of(domain, within(Affine.dim("c"), n))
        scope = self.program.system.scope(Scope(a.name, dims, domain, a.name))
        first = a.offset if a.register else floordiv(a.offset, cells.bits // 8)
        cell = first + cell_of(a, cells, n)
        where = cells.coordinates(cell, self.cell_range(n), lambda f: self.proved(scope, f))
        threads = [Affine.dim(d) for d in cells.owner[: len(cells.owner) - len(a.owner)]]
        owner = [*threads, *a.owner]
        m = self.sets.map(scope.name, dims, domain, cells.name, [*owner, *where])
        self.program.accesses[a.name] = AccessMap(a, m)
        value = self.stored(scope, a, n) if a.write else self.terms.load(a.name, cells.bits)
        self.unit(scope, cells.bits, value, a)
        if a.mode == ASYNC:
            self.copy(scope, a)
        if a.data:
            gather(self, a, n)

    def copy(self, scope: Scope, a: Access) -> None:
        """When an asynchronous copy is complete; its destination is written then."""
        p = self.program
        assert p.completions is not None
        done = p.completions.of(scope.name, scope.dims, scope.domain, a)
        if done is not None:
            p.copies[scope.name] = done
        if a.write:
            u = p.system.units[scope.name]
            u.time, u.position = p.completions.time(done, scope.name, scope.dims, scope.domain), -1

    def cell_range(self, n: int) -> Ranges:
        return lambda d: (0, n - 1) if d == Dim("c") else self.range_of(d)

    def proved(self, scope: Scope, f: Formula) -> bool:
        key = (scope.name, f.text())
        if key not in self.proofs:
            self.proofs[key] = self.sets.empty(self.sets.set(scope.name, scope.dims, all_of(scope.domain, negate(f))))
        return self.proofs[key]

    def stored(self, scope: Scope, a: Access, n: int) -> Term:
        """The value of cell `c` of a store: one term for all cells, merged from the elements' terms."""
        bits, per = self.objects[a.object].bits, n // a.count
        if n == 1:
            return self.lower(a.values[0], scope)
        pieces = []
        for c in range(n):
            here = scope.where(eq(Affine.dim("c"), c))
            element = self.lower(a.values[c // per], here)
            term = element if per == 1 else extract(self.terms, element, (c % per) * bits, bits)
            pieces.append((self.sets.set(here.name, here.dims, here.domain), term))
        whole = merge(self.sets, self.terms, pieces, self.program.joined)
        for _, piece in pieces:
            inherit(self.program, whole, piece)
        return whole

    def publication(self, x: Publication) -> None:
        scope = self.program.system.scope(Scope(x.name, x.dims, x.domain, x.name))
        self.program.publications[x.name] = x
        self.unit(scope, x.value.width, self.lower(x.value, scope), x)

    # -------------------------------------------------------------- terms
    def lower(self, n: Node, scope: Scope) -> Term:
        key = (id(n), scope.name, scope.domain.text())
        if key not in self.memo:
            self.memo[key] = self._lower(n, scope)
        return self.memo[key]

    def _lower(self, n: Node, scope: Scope) -> Term:
        match n.kind:
            case "const":
                return self.terms.make("const", bits=n.bits, width=n.width, attr=n.attr)
            case "op":
                t = operation(self.terms, n.name, tuple(self.lower(a, scope) for a in n.args), n.attr, n.width)
                self.program.spans.setdefault(t.id, n.span)
                if self.program.origins.setdefault(t.id, id(n)) != id(n):
                    self.program.origins[t.id] = -1  # two evaluations look alike
                if n.source is not None:
                    self.program.sources.setdefault(t.id, {})[id(n.source)] = n.source
                return t
            case "undefined":
                return self.terms.make("undefined", name=n.name, width=n.width)
            case "fetch":
                return self.fetch(n, scope)
            case "exchange":
                return self.exchange(n, scope)
            case "parameter":
                at = self.sets.map(scope.name, scope.dims, scope.domain, parameter_space(n.name), [])
                return self.terms.input(n.name, at, n.width)
            case "index":
                return self.cases(scope, [(c, self.index(a, scope.where(c), n.width)) for c, a in n.pieces])
            case "case":
                return self.cases(
                    scope, [(c, self.lower(a, scope.where(c))) for c, a in zip(n.conditions, n.args, strict=True)]
                )
            case "ticket":
                text = "what this atomic operation found is used for something else than to tell who comes last"
                raise Unsupported("TV0531", text, n.span, "compare it with the number of members of its group, less 1")
            case _:
                raise TypeError(f"node {n.kind}")

    def cases(self, scope: Scope, pieces: list[tuple[Formula, Term]]) -> Term:
        out: list[tuple[Set, Term]] = []
        for c, t in pieces:
            s = self.sets.set(scope.name, scope.dims, all_of(scope.domain, c))
            if not self.sets.empty(s):
                out.append((s, t))
        if not out:
            return pieces[0][1]
        whole = merge(self.sets, self.terms, out, self.program.joined)
        for _, piece in out:
            inherit(self.program, whole, piece)
        return whole

    def index(self, a: Affine, scope: Scope, width: int) -> Term:
        if a.constant is not None:
            return self.terms.const(a.constant, width)
        m = self.sets.map(scope.name, scope.dims, scope.domain, "Z", [a])
        t = self.terms.make("index", map=m, width=width)
        self.program.system.indices[t.id] = (a,)
        return t

    def fetch(self, n: Node, scope: Scope) -> Term:
        """Element `index` of an access: its cells, put together."""
        name, place = self.trace.merged.get(n.name, (n.name, 0))
        source = self.program.system.units[self.program.gathers.get(name, name)]
        a = self.program.accesses[name].access
        own = a.dims[: len(a.dims) - len(a.data)]
        per, missing = self.cells_per_access(a) // a.count, [d for d in own if d not in scope.dims]
        if missing:
            raise Unknown("TV0515", f"a value of loop round {missing} is used outside its loop", a.span)
        base = [Affine.dim(d) for d in own]
        element = place + (n.index[0].constant or 0)
        parts = []
        for k in range(per):
            at = [*base, Affine.of(element * per + k)] if self.cells_per_access(a) > 1 else base
            m = self.sets.map(scope.name, scope.dims, scope.domain, source.name, at)
            parts.append(self.terms.ref(source.name, m, source.width))
        return parts[0] if per == 1 else operation(self.terms, "concat", tuple(parts), "", n.width)

    def exchange(self, n: Node, scope: Scope) -> Term:
        source = self.program.publications[n.name]
        threads = dict(zip(self.trace.space.thread_dims, n.index, strict=True))
        at = [threads.get(d, Affine.dim(d)) for d in source.dims]
        m = self.sets.map(scope.name, scope.dims, scope.domain, n.name, at)
        return self.terms.ref(n.name, m, n.width)


def inherit_source(program: Program, new: Term, old: Term) -> None:
    """A term rebuilt from another stands for the same expressions of the text."""
    if old.id in program.sources:
        program.sources.setdefault(new.id, {}).update(program.sources[old.id])


def inherit(program: Program, new: Term, old: Term) -> None:
    """A term rebuilt from another stands where that one stood."""
    if new.kind == old.kind and new.name == old.name:
        inherit_source(program, new, old)
        if old.id in program.spans:
            program.spans.setdefault(new.id, program.spans[old.id])
        if (
            old.id in program.origins
            and program.origins.setdefault(new.id, program.origins[old.id]) != program.origins[old.id]
        ):
            program.origins[new.id] = -1
    if new is not old and new.kind == old.kind and len(new.args) == len(old.args):
        for a, b in zip(new.args, old.args, strict=True):
            inherit(program, a, b)


def parameter_space(name: str) -> str:
    """The one-point index space in which an open scalar parameter lives."""
    return f"p_{name}"


def cell_of(a: Access, cells: Cells, n: int) -> Affine:
    """Distance in cells from an access's first cell to its cell `c` of n."""
    if n == 1:
        return Affine.of(0)
    c, per = Affine.dim("c"), n // a.count
    apart = a.stride * 8 // cells.bits
    if apart == per:
        return c
    if per == 1:
        return c * apart
    raise Unknown("TV0517", "scalar accesses a step apart whose elements span several cells", a.span)


def _mentions(f: Formula, dims: tuple[str, ...]) -> bool:
    return any(isinstance(a, Dim) and a.name in dims for a in f.atoms())


def union(sets: Sets, parts: list[Set]) -> Set:
    return reduce(sets.join, parts)
