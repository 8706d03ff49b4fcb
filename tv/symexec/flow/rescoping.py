"""Terms seen from other instances than those they were made at."""

from __future__ import annotations

from tv.sets import Dim, Map
from tv.symexec.build import Program, inherit_source
from tv.term import Term


def moved(program: Program, t: Term, along: Map) -> Term:
    """A leaf term (ref, input, const, undefined) seen from the domain of `along`."""
    if t.map is None:
        return t
    sets = program.system.sets
    return program.system.terms.make(t.kind, name=t.name, map=sets.compose(along, t.map), width=t.width)


def movable(t: Term) -> bool:
    """Can `rescope` move it?"""
    return t.kind in ("const", "hole", "undefined", "ref", "input", "index", "op", "case") and all(
        movable(a) for a in t.args
    )


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
            new = terms.op(t.name, *(rescope(program, a, along) for a in t.args), attr=t.attr, width=t.width)
            inherit_source(program, new, t)
            return new
        case "case":
            pieces = [
                (sets.domain(sets.restrict_range(along, s)), rescope(program, a, along))
                for s, a in zip(t.sets, t.args, strict=True)
            ]
            return terms.case(pieces)
        case _:
            raise TypeError(f"a {t.kind} inside a recurrence's step")
