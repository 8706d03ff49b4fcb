"""Integer polynomials over symbols: the normal form in which strides and extents of layouts are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tv.spec.expression import Apply, Expression, Name, Number, Range, evaluate, names, text
from tv.spec.interval import enclosure

Monomial = tuple[Expression, ...]  # factors in the order of their text; () is 1


@dataclass(frozen=True, slots=True)
class Polynomial:
    """Sum of coefficient times monomial. A factor is a symbol, or a whole expression that is no polynomial (`N // 2`)."""

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Polynomial) -> Polynomial:
        return _collect([*self.terms, *other.terms])

    def __neg__(self) -> Polynomial:
        return Polynomial(tuple((m, -c) for m, c in self.terms))

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def __mul__(self, other: Polynomial) -> Polynomial:
        pairs = [(tuple(sorted((*m, *n), key=text)), c * d) for m, c in self.terms for n, d in other.terms]
        return _collect(pairs)

    def constant(self) -> int | None:
        """Its value where no symbol is left."""
        return sum(c for _, c in self.terms) if all(m == () for m, _ in self.terms) else None

    def range(self, ranges: Mapping[str, Range]) -> Range | None:
        """An enclosure of its values; None where a factor has none."""
        low = high = 0
        for monomial, c in self.terms:
            a = b = 1
            for factor in monomial:
                r = enclosure(factor, ranges)
                if r is None:
                    return None
                corners = (a * r[0], a * r[1], b * r[0], b * r[1])
                a, b = min(corners), max(corners)
            low, high = low + min(a * c, b * c), high + max(a * c, b * c)
        return low, high

    def at(self, values: Mapping[str, int]) -> int:
        return evaluate(self.expression(), values)

    def expression(self) -> Expression:
        result: Expression | None = None
        for monomial, c in self.terms:
            term: Expression = Number(c)
            for n, factor in enumerate(monomial):
                term = factor if n == 0 and c == 1 else Apply("*", (term, factor))
            result = term if result is None else Apply("+", (result, term))
        return Number(0) if result is None else result

    def split(self, variables: frozenset[str]) -> tuple[Polynomial, dict[str, Polynomial]] | None:
        """(the part without `variables`, coefficient of each); None where it is not affine in them."""
        rest: list[tuple[Monomial, int]] = []
        parts: dict[str, list[tuple[Monomial, int]]] = {}
        for monomial, c in self.terms:
            inside = [f for f in monomial if variables & set(names(f))]
            if not inside:
                rest.append((monomial, c))
            elif len(inside) == 1 and isinstance(inside[0], Name):
                others = tuple(f for f in monomial if f is not inside[0])
                parts.setdefault(inside[0].name, []).append((others, c))
            else:
                return None
        return _collect(rest), {v: _collect(p) for v, p in parts.items()}


def _collect(terms: list[tuple[Monomial, int]]) -> Polynomial:
    total: dict[Monomial, int] = {}
    for monomial, c in terms:
        total[monomial] = total.get(monomial, 0) + c
    ordered = sorted(total.items(), key=lambda t: (-len(t[0]), [text(f) for f in t[0]]))
    return Polynomial(tuple((m, c) for m, c in ordered if c))


def number(value: int) -> Polynomial:
    return _collect([((), value)])


def polynomial(e: Expression) -> Polynomial:
    """Normal form of an expression; what is no polynomial stays whole, as one factor."""
    match e:
        case Number(value=v):
            return number(v)
        case Name():
            return Polynomial((((e,), 1),))
        case Apply(op="+", args=(a, b)):
            return polynomial(a) + polynomial(b)
        case Apply(op="-", args=(a, b)):
            return polynomial(a) - polynomial(b)
        case Apply(op="*", args=(a, b)):
            return polynomial(a) * polynomial(b)
        case _ if not names(e):
            return number(evaluate(e, {}))
        case _:
            return Polynomial((((e,), 1),))
