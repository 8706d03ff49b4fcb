"""Nested selects between two values as one: `c ? (d ? a : b) : b`, where `continue` or a branch inside a branch keeps b twice."""

from __future__ import annotations

from tv.equiv.alike import Alike
from tv.equiv.comparing import atoms
from tv.sets import Map
from tv.term import Term, Terms, fold


def merged(alike: Alike, terms: Terms, t: Term, to: Map) -> Term | None:
    """The select as one between the two values that its innermost arms are; None where it is one already, or of more. to: a
    function into the term's scope, at whose instances the arms are compared."""
    ends: list[Term] = []

    def decided(x: Term) -> Term:
        if x.kind == "op" and x.name == "select":
            return terms.op("select", x.args[0], decided(x.args[1]), decided(x.args[2]))
        for i, e in enumerate(ends):
            if e is x or (e.width == x.width and alike.alike(e, to, x, to)):
                return terms.const(1 - i, 1)
        ends.append(x)
        return terms.const(2 - len(ends) if len(ends) < 3 else 0, 1)

    c = terms.op("select", t.args[0], decided(t.args[1]), decided(t.args[2]))
    nested = any(a.kind == "op" and a.name == "select" for a in t.args[1:])
    return terms.op("select", c, *ends) if nested and len(ends) == 2 else None


def spelled_alike(alike: Alike, terms: Terms, t: Term, to: Map) -> Term:
    """A select whose condition compares its arms, and each value, under one name: a cell that is read twice is one value."""
    names = list(t.args[1:])
    other: dict[int, Term] = {}
    for a in atoms(t.args[0]):
        for x in a.args:
            if x.kind in ("ref", "op") and x.id not in other and x not in names:
                same = [n for n in names if n.width == x.width and n.kind == x.kind and alike.alike(n, to, x, to)]
                other[x.id] = same[0] if same else x
                names += [] if same else [x]
    if all(k == n.id for k, n in other.items()):
        return t

    def renamed(x: Term, args: list[Term]) -> Term:
        if x.id in other:
            return other[x.id]
        same = x.kind != "op" or all(a is b for a, b in zip(args, x.args, strict=True))
        return x if same else terms.op(x.name, *args, attr=x.attr, width=x.width)

    return terms.op("select", fold(t.args[0], renamed), *t.args[1:])
