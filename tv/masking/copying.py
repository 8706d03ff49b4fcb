"""A value written anew for the instances of a smaller scope: without the cases that cannot occur there, and without added zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tv.masking.possible import Possible
from tv.sets import Affine
from tv.sets.affine import Dim, Sym
from tv.sets.formulas import all_of
from tv.system import Scope, System
from tv.term import Term, op_head

DEEPEST = 8  # tensors opened one behind the other
Substitution = Mapping[Dim | Sym, Affine]


class Uncopied(Exception):
    """A kind of term that is not written anew."""


@dataclass(slots=True)
class Copy:
    """scope: of the new terms; its dimensions are named as those of the old. drop: may +0 and -0 be left out of additions?

    dropped: some were. changed: some were, or some case has one arm left.
    """

    system: System
    possible: Possible
    scope: Scope
    drop: bool = True
    dropped: bool = False
    changed: bool = False

    def whole(self, t: Term) -> Term | None:
        """t in the new scope; None where it holds what is not written anew."""
        try:
            return self.term(t, {Dim(d): Affine.dim(d) for d in self.scope.dims}, self.scope, DEEPEST)
        except Uncopied:
            return None

    def term(self, t: Term, at: Substitution, scope: Scope, depth: int) -> Term:
        match t.kind:
            case "const":
                return t
            case "ref":
                return self.opened(t, at, scope, depth) or self.reference(t, at, scope)
            case "case":
                return self.cases(t, at, scope, depth)
            case "op":
                left = self.without_zero(t, at, scope, depth) if self.drop and op_head(t) == "fadd" else None
                if left is not None:
                    return left
                # elsewhere the sign of a zero may show
                inner = self if op_head(t) in ("cvt", "fadd") else Copy(self.system, self.possible, scope, False)
                args = [inner.term(a, at, scope, depth) for a in t.args]
                return self.system.terms.op(t.name, *args, width=t.width)
            case _:
                raise Uncopied

    def reference(self, t: Term, at: Substitution, scope: Scope) -> Term:
        return self.system.ref(scope, t.name, [a.substitute(at) for a in self.system.indices[t.id]])

    def opened(self, t: Term, at: Substitution, scope: Scope, depth: int) -> Term | None:
        """The value that reference t refers to, if it is written in another way here."""
        u = self.system.units[t.name]
        simple = u.value.kind in ("ref", "case") or (u.value.kind == "op" and op_head(u.value) in ("cvt", "fadd"))
        if not self.drop or depth == 0 or not simple:
            return None
        names = u.scope.dims
        inner: Substitution = {Dim(d): a.substitute(at) for d, a in zip(names, self.system.indices[t.id], strict=True)}
        before = self.dropped, self.changed
        self.dropped = self.changed = False
        try:
            found = self.term(u.value, inner, scope, depth - 1)
        except Uncopied:
            self.dropped, self.changed = before
            return None
        changed = self.changed
        self.dropped, self.changed = before[0] or self.dropped, before[1] or changed
        return found if changed else None

    def without_zero(self, t: Term, at: Substitution, scope: Scope, depth: int) -> Term | None:
        """The other operand of an addition of +0 or -0: the same but for the sign of a zero."""
        kind = t.name.split(".")[1]
        nodes = self.system.sets.set(scope.name, scope.dims, scope.domain)
        for zero, other in (t.args, t.args[::-1]):
            if zero.kind not in ("const", "ref", "case"):
                continue
            try:
                value = self.possible.at(
                    Copy(self.system, self.possible, scope, False).term(zero, at, scope, 0), kind, nodes
                )
            except Uncopied:
                continue
            if not value.nan and value.low == value.high == 0.0:
                self.dropped = self.changed = True
                return self.term(other, at, scope, depth)
        return None

    def cases(self, t: Term, at: Substitution, scope: Scope, depth: int) -> Term:
        arms = []
        for condition, arm in zip(self.system.conditions[t.id], t.args, strict=True):
            here = scope.where(condition.substitute(at))
            if not self.system.sets.empty(self.system.sets.set(here.name, here.dims, here.domain)):
                arms.append((condition.substitute(at), arm, here))
        if len(arms) == 1:
            self.changed = True
            return self.term(arms[0][1], at, scope, depth)
        if not arms:  # an empty scope has no value
            raise Uncopied
        pieces = [(c, self.term(arm, at, here, depth)) for c, arm, here in arms]
        return self.system.case(Scope(scope.name, scope.dims, all_of(scope.domain), scope.unit), pieces)
