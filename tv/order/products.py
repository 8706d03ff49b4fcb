"""Terms of a graph as units of their own, and the two factors of a product: what the leaves of an order refer to."""

from __future__ import annotations

from collections.abc import Callable

from tv.diagnostic import BadInput
from tv.equiv.formats import format_of
from tv.sets import TRUE, Affine, Map
from tv.system import Scope, System, Unit
from tv.term import Term


class Copies:
    """replaced: a term of a scope with every sum in it in its order. Units are added to `new`."""

    def __init__(self, old: System, new: System, replaced: Callable[[Term, str], Term]) -> None:
        self.old, self.new, self.sets, self.terms, self.replaced = old, new, old.sets, old.terms, replaced
        self.known: dict[tuple[int, str, str], Map] = {}

    def of(self, t: Term, scope: str, factor: str = "") -> Map:
        """Instances of the scope -> those of a unit that holds the term there; factor `x` or `y`: one of its factors."""
        key = (t.id, scope, factor)
        if key not in self.known:
            value = self.factors(t, scope)["xy".index(factor)] if factor else self.replaced(t, scope)
            self.known[key] = self.unit(value, scope)
        return self.known[key]

    def unit(self, value: Term, scope: str) -> Map:
        """A new unit in a space of its own that is shaped like the scope's."""
        s, name = self.old.scopes[scope], f"leaf{len(self.known)}_{scope}"
        here = self.sets.map(s.name, s.dims, s.domain, name, [Affine.dim(d) for d in s.dims])
        back = self.sets.reverse(here)
        domain = self.sets.domain(back)
        self.new.scopes[name] = own = Scope(name, s.dims, TRUE, name)
        self.new.scope_sets[name] = domain
        moved = self.moved(value, back)
        self.new.units[name] = Unit(name, own, domain, value.width, moved, 0, uses=1)
        self.new.units[name].format = format_of({**self.old.units, **self.new.units}, value)
        return here

    def factors(self, t: Term, scope: str) -> tuple[Term, Term]:
        """The two factors of a product, through references and cases. Raises BadInput (TV0655) where it is none."""
        if t.kind == "op" and t.name.startswith("fmul."):
            return self.replaced(t.args[0], scope), self.replaced(t.args[1], scope)
        if t.kind == "op" and t.name.startswith("fneg."):
            x, y = self.factors(t.args[0], scope)
            return self.terms.op(t.name, x), y
        if t.kind == "ref":
            there = self.old.units[t.name]
            found = [self.of(there.value, t.name, f) for f in "xy"]
            x, y = (
                self.terms.ref(self.sets.target_name(m), self.sets.compose(t.embedding(), m), there.width)
                for m in found
            )
            return x, y
        if t.kind == "case":
            arms = [self.factors(a, scope) for a in t.args]
            x, y = (self.terms.case([(s, a[k]) for s, a in zip(t.sets, arms, strict=True)]) for k in (0, 1))
            return x, y
        raise BadInput("TV0655", "an order fuses a value that is no product")

    def moved(self, t: Term, along: Map) -> Term:
        """A term of the range of `along` as a term of its domain. What lies in a reduction's or a pick's own scope stays."""
        sets, terms = self.sets, self.terms
        match t.kind:
            case "const" | "hole":
                return t
            case "ref" | "input" | "index":
                return terms.make(t.kind, name=t.name, map=sets.compose(along, t.embedding()), width=t.width)
            case "op":
                return terms.op(t.name, *(self.moved(a, along) for a in t.args), attr=t.attr, width=t.width)
            case "case":
                return terms.case(
                    [
                        (sets.domain(sets.restrict_range(along, s)), self.moved(a, along))
                        for s, a in zip(t.sets, t.args, strict=True)
                    ]
                )
            case "reduce" | "pick":
                args = (t.args[0], *(self.moved(a, along) for a in t.args[1:]))
                m = sets.compose(along, t.embedding())
                return terms.make(t.kind, name=t.name, args=args, map=m, scope=t.scope, width=t.width)
            case _:
                raise TypeError(f"a graph's term of kind `{t.kind}`")
