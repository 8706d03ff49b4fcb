"""Loop-carried accumulations as reductions.

A statement S that stores acc + e, acc being what S itself stored the round before (or something else at the start), holds a
prefix sum: the fold of e over the chain of earlier rounds. The chain is guessed (same coordinates where the self-dependence
keeps them, lexicographically earlier in the others) and proved by induction as two equalities of index sets:
chain = {s} at a start, and chain(s) = chain(previous(s)) + {s} elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from tv.sets import TRUE, Affine, Dim, Formula, Map, Set, Sym
from tv.sets.affine import all_of, any_of, eq, ge, lt
from tv.symexec.build import Program, inherit
from tv.system import Scope, Unit, later
from tv.term import Term

ACCUMULATING = ("fadd", "fmax", "fmin", "fmaximum", "fminimum", "add", "smax", "smin", "umax", "umin")


@dataclass(frozen=True, slots=True)
class Chain:
    """op: the accumulating operation; load: the unit of the carried read; reach: S instance -> that read's instance."""

    op: str
    load: str
    reach: Map


def find_recurrences(program: Program) -> None:
    """Rewrites the value of every accumulating store into a reduction, where the chain can be proved."""
    for name in list(program.accesses):
        u = program.system.units[name]
        am = program.accesses[name]
        if am.access.write and program.objects[am.access.object].space.value == "local":
            chain = carried(program, u, u.value)
            if chain is not None:
                rewrite(program, u, chain)


def carried(program: Program, u: Unit, value: Term) -> Chain | None:
    """The spine of additions (or maxima) that ends in a read of the same cell, written by u itself the round before."""
    op = ""
    if occurrences(program, u, value) != 1:
        return None
    while True:
        head = value.name.split(".")[0] if value.kind == "op" else ""
        kind = value.name.split(".")[-1] if value.kind == "op" else ""
        this = f"fadd.{kind}" if head == "ffma" else value.name
        if head != "ffma" and head not in ACCUMULATING or (op and this != op):
            return None
        op = this
        steps = [value.args[2]] if head == "ffma" else list(value.args)
        candidates = [t for t in steps if reads_itself(program, u, t)]
        if len(candidates) == 1:
            t = candidates[0]
            return Chain(op, t.name, t.embedding())
        inner = [t for t in steps if t.kind == "op" and contains(program, u, t)]
        if candidates or len(inner) != 1:
            return None
        value = inner[0]


def occurrences(program: Program, u: Unit, t: Term) -> int:
    """How often the carried value is read in a step: a fold has it exactly once."""
    return int(reads_itself(program, u, t)) + sum(occurrences(program, u, a) for a in t.args)


def reads_itself(program: Program, u: Unit, t: Term) -> bool:
    """t refers to a load whose sources include u."""
    if t.kind != "ref" or t.name not in program.accesses or program.accesses[t.name].access.write:
        return False
    v = program.system.units[t.name].value
    return any(a.kind == "ref" and a.name == u.name for a in (v.args if v.kind == "case" else (v,)))


def contains(program: Program, u: Unit, t: Term) -> bool:
    return reads_itself(program, u, t) or (t.kind == "op" and any(contains(program, u, a) for a in t.args))


def rewrite(program: Program, u: Unit, chain: Chain) -> None:
    sets, system = program.system.sets, program.system
    load = system.units[chain.load].value
    pieces = load.args if load.kind == "case" else (load,)
    domains = load.sets if load.kind == "case" else (system.scope_sets[chain.load],)
    previous: Map | None = None
    starts: list[tuple[Set, Term]] = []
    for s, t in zip(domains, pieces, strict=True):
        at = sets.restrict_range(chain.reach, s)
        if t.kind == "ref" and t.name == u.name:
            previous = sets.compose(at, t.embedding())
        elif not sets.empty(at):
            starts.append((sets.domain(at), moved(program, t, at)))
    if previous is None:
        return
    varying = varying_dims(program, u, previous)
    child = chain_scope(u, varying)
    if child is None:
        return
    child = system.scope(child)
    project = [Affine.dim(later(d) if d in varying else d) for d in u.scope.dims]
    to_round = sets.map(child.name, child.dims, child.domain, u.name, project)
    to_owner = sets.map(child.name, child.dims, child.domain, u.name, [Affine.dim(d) for d in u.scope.dims])
    rounds = sets.compose(sets.reverse(to_owner), to_round)
    if not proved_chain(program, u, rounds, previous, starts):
        return
    init = initial(program, u, rounds, starts)
    if init is None:
        return
    step = rescope(program, replace_carried(program, u.value, chain), to_round)
    inherit(program, step, u.value)
    u.value = system.terms.reduce(chain.op, sets.reverse(to_owner), child.name, step, init)


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


def chain_scope(u: Unit, varying: list[str]) -> Scope | None:
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
    return u.scope.extend(f"{u.name}_r", [later(d) for d in varying], domain)


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


def moved(program: Program, t: Term, along: Map) -> Term:
    """A leaf term (ref, input, const, undefined) seen from the domain of `along`."""
    if t.map is None:
        return t
    sets = program.system.sets
    return program.system.terms.make(t.kind, name=t.name, map=sets.compose(along, t.map), width=t.width)


def replace_carried(program: Program, t: Term, chain: Chain) -> Term:
    """The step: the carried read becomes the hole."""
    terms = program.system.terms
    if t.kind == "ref" and t.name == chain.load and t.map is chain.reach:
        return terms.hole(t.width)
    if t.kind == "op":
        return terms.op(t.name, *(replace_carried(program, a, chain) for a in t.args), attr=t.attr, width=t.width)
    return t


def rescope(program: Program, t: Term, along: Map) -> Term:
    """A term of the range of `along` as a term of its domain."""
    sets, terms = program.system.sets, program.system.terms
    match t.kind:
        case "const" | "hole" | "undefined":
            return t
        case "ref" | "input" | "index":
            new = terms.make(t.kind, name=t.name, map=sets.compose(along, t.embedding()), width=t.width)
            known = program.system.indices.get(t.id, ())
            if known and not any(isinstance(a, Dim) for e in known for a in e.atoms()):  # a size is the same everywhere
                program.system.indices[new.id] = known
            return new
        case "op":
            return terms.op(t.name, *(rescope(program, a, along) for a in t.args), attr=t.attr, width=t.width)
        case "case":
            pieces = [
                (sets.domain(sets.restrict_range(along, s)), rescope(program, a, along))
                for s, a in zip(t.sets, t.args, strict=True)
            ]
            return terms.case(pieces)
        case _:
            raise TypeError(f"a {t.kind} inside a recurrence's step")
