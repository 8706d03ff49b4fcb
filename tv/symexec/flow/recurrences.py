"""Loop-carried accumulations as reductions.

A statement S that stores acc + e, acc being what S itself stored the round before (or something else at the start), holds a
prefix sum: the fold of e over the chain of earlier rounds. The chain is guessed (same coordinates where the self-dependence
keeps them, lexicographically earlier in the others) and proved by induction as two equalities of index sets:
chain = {s} at a start, and chain(s) = chain(previous(s)) + {s} elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from tv.sets import TRUE, Affine, Dim, Formula, Map, Set, Sym
from tv.sets.formulas import all_of, any_of, eq, ge, lt
from tv.symexec.build import Program, inherit, inherit_source
from tv.symexec.flow.rescoping import movable, moved, rescope
from tv.system import Chained, Scope, Unit, later
from tv.term import Term

ACCUMULATING = (
    "fadd",
    "fmax",
    "fmin",
    "fmaximum",
    "fminimum",
    "fupper",
    "flower",
    "add",
    "smax",
    "smin",
    "umax",
    "umin",
)


CHOSEN = "select"  # in place of an operation: each round keeps the carried value or replaces it


@dataclass(frozen=True, slots=True)
class Chain:
    """op: the accumulating operation; reads: the units of the carried read, each with S instance -> that read's instance."""

    op: str
    reads: tuple[tuple[str, Map], ...]


def find_recurrences(program: Program) -> None:
    """Rewrites the value of every accumulating store into a reduction, where the chain can be proved."""
    for name in list(program.accesses):
        u = program.system.units[name]
        am = program.accesses[name]
        if am.access.write and program.objects[am.access.object].space.value == "local":
            any(rewritten(Carrier(program, u, copies)) for copies in (True, False))


@dataclass(frozen=True, slots=True)
class Carrier:
    """A store that may accumulate. copies: what a thread copies (a parameter, a field, a result handed back) is followed."""

    program: Program
    unit: Unit
    copies: bool

    def alternatives(self, name: str) -> tuple[Term, ...]:
        v = self.program.system.units[name].value
        return v.args if v.kind == "case" else (v,)

    def reads(self, t: Term) -> bool:
        """t refers to a load whose sources include the store, or a copy of what it stored."""
        if t.kind != "ref" or t.name not in self.program.accesses or self.program.accesses[t.name].access.write:
            return False
        inner = [a for a in self.alternatives(t.name) if a.kind == "ref"]
        return any(a.name == self.unit.name or self.copied(a) for a in inner)

    def copied(self, t: Term, seen: frozenset[str] = frozenset()) -> bool:
        """Is t the thread's own copy of what was stored, at some instances?"""
        if not self.copies or t.kind != "ref" or t.name in seen or t.name not in self.program.accesses:
            return False
        if self.program.objects[self.program.accesses[t.name].access.object].space.value != "local":
            return False
        inner = self.alternatives(t.name)
        if not all(a.kind in ("ref", "const", "undefined") for a in inner):
            return False
        return any(a.name == self.unit.name or self.copied(a, seen | {t.name}) for a in inner if a.kind == "ref")

    def occurrences(self, t: Term) -> int:
        """How often the carried value is read in a step: a fold has it exactly once."""
        return int(self.reads(t)) + sum(self.occurrences(a) for a in t.args)

    def inside(self, t: Term) -> bool:
        return self.reads(t) or (t.kind == "op" and any(self.inside(a) for a in t.args))

    def sources(self, name: str, reach: Map, seen: frozenset[str] = frozenset()) -> Iterator[tuple[Map, Term]]:
        """The store's instance -> the instance that is read (reach: of `name`), or of the copy that it goes back to, by what
        is found there."""
        sets, system = self.program.system.sets, self.program.system
        value = system.units[name].value
        domains = value.sets if value.kind == "case" else (system.scope_sets[name],)
        for s, t in zip(domains, self.alternatives(name), strict=True):
            at = sets.restrict_range(reach, s)
            if t.name == self.unit.name or t.name in seen or not self.copied(t):
                yield at, t
            elif not sets.empty(at):
                yield from self.sources(t.name, sets.compose(at, t.embedding()), seen | {t.name})


def carried(by: Carrier, value: Term) -> Chain | None:
    """What u accumulates: in one way everywhere, or under a condition on indices and nothing elsewhere (`if (c < n) sum += ...`)."""
    if value.kind != "case":
        return accumulated(by, value)
    sets, ops, reads = by.program.system.sets, set[str](), list[tuple[str, Map]]()
    for s, piece in zip(value.sets, value.args, strict=True):
        kept = by.reads(piece)
        chain = Chain("", ((piece.name, piece.embedding()),)) if kept else accumulated(by, piece)
        if chain is None:
            return None
        reads += [(load, sets.restrict_domain(reach, s)) for load, reach in chain.reads]
        ops |= {chain.op} - {""}
    return Chain(ops.pop(), tuple(reads)) if len(ops) == 1 else None


def accumulated(by: Carrier, value: Term) -> Chain | None:
    """The spine of additions (or maxima) that ends in a read of the same cell, written by u itself the round before."""
    op = ""
    if by.occurrences(value) != 1:
        return None
    while True:
        head = value.name.split(".")[0] if value.kind == "op" else ""
        kind = value.name.split(".")[-1] if value.kind == "op" else ""
        this = f"fadd.{kind}" if head == "ffma" else value.name
        if head != "ffma" and head not in ACCUMULATING or (op and this != op):
            return None
        op = this
        steps = [value.args[2]] if head == "ffma" else list(value.args)
        candidates = [t for t in steps if by.reads(t)]
        if len(candidates) == 1:
            t = candidates[0]
            return Chain(op, ((t.name, t.embedding()),))
        inner = [t for t in steps if t.kind == "op" and by.inside(t)]
        if candidates or len(inner) != 1:
            return None
        value = inner[0]


def larger(by: Carrier, value: Term) -> Term:
    """`m < v ? v : m` and `v < m ? v : m` of the carried m as one operation; any other value as it is."""
    if value.kind != "op" or value.name != "select" or value.args[0].kind != "op":
        return value
    test, *arms = value.args
    head, _, kind = test.name.partition(".")
    if head == "xor" and test.args[1].kind == "const" and test.args[1].bits == 1:
        inverted = by.program.system.terms.op("select", test.args[0], *arms[::-1])
        found = larger(by, inverted) if test.args[0].name[:3] in ("slt", "sle", "ult", "ule") else inverted
        return value if found is inverted else found
    if head in ("slt", "sle", "ult", "ule"):
        return larger_integer(by, value)
    chosen, kept = arms
    if head != "flt" or not by.reads(kept):
        return value
    for new, (old, v) in (("fupper", test.args), ("flower", test.args[::-1])):
        if old is kept and same_cell(by.program, v, chosen):
            return by.program.system.terms.op(f"{new}.{kind}", kept, chosen)
    return value


def larger_integer(by: Carrier, value: Term) -> Term:
    """Of integers either arm may be the carried one, either comparison may decide, and both may have been made wider for it."""
    test, *arms = value.args
    carried_arms = [a for a in arms if by.reads(a)]
    sides = [narrowed(a, arms[0].width) for a in test.args]
    readings = {letter or test.name[0] for _, letter in sides}
    if len(carried_arms) != 1 or len(readings) != 1 or test.name[0] == "u" and readings == {"s"} and sides[0][1]:
        return value
    own, other = carried_arms[0], next(a for a in arms if a is not carried_arms[0])
    (a, _), (b, _) = sides
    if a is own and same_cell(by.program, b, other):
        upper = arms[0] is other
    elif b is own and same_cell(by.program, a, other):
        upper = arms[0] is own
    else:
        return value
    return by.program.system.terms.op(f"{readings.pop()}{'max' if upper else 'min'}.i{own.width}", own, other)


def narrowed(t: Term, width: int) -> tuple[Term, str]:
    """An integer of so many bits before it was made wider, and how it was read (s, u); itself, and nothing, where it was not."""
    parts = t.name.split(".") if t.kind == "op" else []
    wide = len(parts) == 3 and parts[0] == "cvt" and parts[1][0] in "su" and t.width > width
    return (t.args[0], parts[2][0]) if wide and parts[2] in (f"s{width}", f"u{width}") else (t, "")


def same_cell(program: Program, a: Term, b: Term) -> bool:
    """One term, conversions of one term, or two reads of one cell before the launch."""
    sets, units = program.system.sets, program.system.units
    if a is b:
        return True
    if a.kind == b.kind == "op" and a.name == b.name and len(a.args) == len(b.args) == 1:
        return same_cell(program, a.args[0], b.args[0])
    if a.kind != "ref" or b.kind != "ref":
        return False
    x, y = units[a.name].value, units[b.name].value
    modes = [program.accesses[t.name].access.mode if t.name in program.accesses else "" for t in (a, b)]
    plain = all(m in ("weak", "readonly") for m in modes)
    if not plain or x.kind != "input" or y.kind != "input" or x.name != y.name:
        return False
    return sets.equal(sets.compose(a.embedding(), x.embedding()), sets.compose(b.embedding(), y.embedding()))


def chosen(by: Carrier, value: Term) -> Chain | None:
    """A condition on data that keeps what is carried or replaces it, perhaps several times over: no operation folds that."""
    arms = (
        [(by.program.system.scope_sets[by.unit.name], value)]
        if value.kind != "case"
        else [*zip(value.sets, value.args, strict=True)]
    )
    reads: list[tuple[str, Map]] = []
    for s, t in arms:
        kept = kept_by(by, t)
        if not kept:
            return None
        reads += [(k.name, by.program.system.sets.restrict_domain(k.embedding(), s)) for k in kept]
    return Chain(CHOSEN, tuple(reads))


def kept_by(by: Carrier, t: Term) -> tuple[Term, ...]:
    """Reads of the carried value at the ends of selects: one, or several where nested branches keep it."""
    if t.kind == "op" and t.name == "select":
        return tuple(k for a in t.args[1:] for k in kept_by(by, a))
    return (t,) if by.reads(t) else ()


def rewritten(by: Carrier) -> bool:
    """Is the store's value now a reduction?"""
    value = larger(by, handed_on(by))
    chain = carried(by, value) or (None if by.copies else chosen(by, value))
    return chain is not None and rewrite(by, value, chain)


def rewrite(by: Carrier, value: Term, chain: Chain) -> bool:
    program, u = by.program, by.unit
    sets, system = program.system.sets, program.system
    previous: Map | None = None
    starts: list[tuple[Set, Term]] = []
    for at, t in (found for name, reach in chain.reads for found in by.sources(name, reach)):
        if t.kind == "ref" and t.name == u.name:
            back = own_thread(by, sets.compose(at, t.embedding()))
            previous = back if previous is None else sets.join(previous, back)
        elif not sets.empty(at):
            starts.append((sets.domain(at), moved(program, t, at)))
    if chain.op == CHOSEN and starts:  # each of its reads starts there
        starts = [(reduce(sets.join, [s for s, _ in starts]), starts[0][1])]
    if previous is None or not accounted(program, u, previous, starts):
        return False
    varying = varying_dims(program, u, previous)
    child = chain_scope(u, varying, f"{u.name}_{'c' if by.copies else ''}r")
    if child is None:
        return False
    child = system.scope(child)
    project = [Affine.dim(later(d) if d in varying else d) for d in u.scope.dims]
    to_round = sets.map(child.name, child.dims, child.domain, u.name, project)
    to_owner = sets.map(child.name, child.dims, child.domain, u.name, [Affine.dim(d) for d in u.scope.dims])
    rounds = sets.compose(sets.reverse(to_owner), to_round)
    if not proved_chain(program, u, rounds, previous, starts):
        return False
    system.chains[u.name] = Chained(u.value, rounds)
    if chain.op == CHOSEN:
        return False
    init = initial(program, u, rounds, starts)
    if init is None:
        return False
    step = rescope(program, replace_carried(program, value, chain), to_round)
    inherit(program, step, value)
    u.value = system.terms.reduce(chain.op, sets.reverse(to_owner), child.name, step, init)
    return True


def handed_on(by: Carrier) -> Term:
    """What the store keeps, seen from where it was computed where another lane has handed it on."""
    t = by.unit.value
    if t.kind != "ref" or t.name not in by.program.publications:
        return t
    value = by.program.system.units[t.name].value
    return rescope(by.program, value, t.embedding()) if movable(value) else t


def own_thread(by: Carrier, back: Map) -> Map:
    """The earlier instance that an instance goes on from, in its own thread where that one has stored the very same: all lanes keep
    what one of them has handed on."""
    sets, u, t = by.program.system.sets, by.unit, by.unit.value
    if t.kind != "ref" or t.name not in by.program.publications:
        return back
    dims, threads = u.scope.dims, set(by.program.trace.space.dims)
    other = tuple(f"{d}__" for d in dims)
    same = [eq(Affine.dim(d), Affine.dim(f"{d}__")) for d in dims if d in threads]
    alike = sets.compose(t.embedding(), sets.reverse(t.embedding()))
    own = sets.meet(sets.compose(back, alike), sets.relation(u.name, dims, u.name, other, all_of(*same)))
    whole = sets.single_valued(own) and sets.equal(sets.domain(own), sets.domain(back))
    return own if whole else back


def accounted(program: Program, u: Unit, previous: Map, starts: list[tuple[Set, Term]]) -> bool:
    """Every instance goes on from another or starts, and none does both."""
    sets = program.system.sets
    met = sets.domain(previous)
    for s, _ in starts:
        if not sets.disjoint(met, s):
            return False
        met = sets.join(met, s)
    return sets.single_valued(previous) and sets.equal(met, program.system.scope_sets[u.name])


def varying_dims(program: Program, u: Unit, previous: Map) -> list[str]:
    """Coordinates that the self-dependence changes."""
    sets, dims = program.system.sets, u.scope.dims
    out = []
    for d in dims:
        other = tuple(f"{x}__" for x in dims)
        same = sets.relation(u.name, dims, u.name, other, eq(Affine.dim(d), Affine.dim(f"{d}__")))
        if not sets.subset(previous, same):
            out.append(d)
    return out


def chain_scope(u: Unit, varying: list[str], name: str) -> Scope | None:
    """Rounds up to and including this one: u's domain in the round's coordinates, lexicographically not after."""
    if not varying:
        return None
    swap: dict[Dim | Sym, Affine] = {Dim(d): Affine.dim(later(d)) for d in varying}
    not_after: list[Formula] = []
    prefix: Formula = TRUE
    for i, d in enumerate(varying):
        here, there = Affine.dim(d), Affine.dim(later(d))
        last = i == len(varying) - 1
        not_after.append(all_of(prefix, ge(here, there) if last else lt(there, here)))
        prefix = all_of(prefix, eq(here, there))
    domain = all_of(u.scope.domain.substitute(swap), any_of(*not_after))
    return u.scope.extend(name, [later(d) for d in varying], domain)


def proved_chain(program: Program, u: Unit, rounds: Map, previous: Map, starts: list[tuple[Set, Term]]) -> bool:
    sets = program.system.sets
    steps = sets.domain(previous)
    before = sets.compose(previous, rounds)
    own = sets.identity(steps)
    if not sets.disjoint(before, own):
        return False
    if not sets.equal(sets.restrict_domain(rounds, steps), sets.join(before, own)):
        return False
    return all(sets.equal(sets.restrict_domain(rounds, s), sets.identity(s)) for s, _ in starts)


def initial(program: Program, u: Unit, rounds: Map, starts: list[tuple[Set, Term]]) -> Term | None:
    """The value at the chain's start, as a term of u's scope."""
    sets, terms = program.system.sets, program.system.terms
    pieces: list[tuple[Set, Term]] = []
    whole: Set | None = None
    for s, t in starts:
        to_start = sets.restrict_range(rounds, s)
        if not sets.single_valued(to_start):
            return None
        here = sets.domain(to_start)
        pieces.append((here, moved(program, t, to_start)))
        if whole is not None and not sets.disjoint(whole, here):
            return None
        whole = here if whole is None else sets.join(whole, here)
    if whole is None or not sets.equal(whole, program.system.scope_sets[u.name]):
        return None
    return pieces[0][1] if len(pieces) == 1 else terms.case(pieces)


def replace_carried(program: Program, t: Term, chain: Chain) -> Term:
    """The step: the carried read becomes the hole."""
    terms = program.system.terms
    if t.kind == "ref" and t.name in [load for load, _ in chain.reads]:  # there is one in every piece
        return terms.hole(t.width)
    if t.kind == "case":
        return terms.case([(s, replace_carried(program, a, chain)) for s, a in zip(t.sets, t.args, strict=True)])
    if t.kind == "op":
        new = terms.op(t.name, *(replace_carried(program, a, chain) for a in t.args), attr=t.attr, width=t.width)
        inherit_source(program, new, t)
        return new
    return t
