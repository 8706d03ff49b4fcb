"""Quasi-affine integer expressions over named dimensions and symbols.

An `Affine` is exact over the mathematical integers; division is `floor`. Simplification uses ranges of atoms, so that
`(32 w + l) mod 32` with 0 <= l < 32 is `l` before isl sees it: small coefficients, few divs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import gcd

from tv.diagnostic import Unknown

Range = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Dim:
    """A dimension of the instance space: a digit of a thread index, a loop ordinal, a tensor index."""

    name: str

    @property
    def key(self) -> str:
        return "d" + self.name


@dataclass(frozen=True, slots=True)
class Sym:
    """An integer that the check leaves open."""

    name: str

    @property
    def key(self) -> str:
        return "s" + self.name


@dataclass(frozen=True)
class Quotient:
    """floor(numerator / denominator), denominator > 1."""

    numerator: Affine
    denominator: int

    @cached_property
    def key(self) -> str:
        n = self.numerator
        inside = n.text() if n.linear else " + ".join([*(f"{c}{a.key}" for a, c in n.terms), str(n.const)])
        return f"q{self.denominator}({inside})"


@dataclass(frozen=True)
class Parity:
    """numerator mod 2, of an exclusive or of bits: kept whole, so that its range of 0 and 1 is plain."""

    numerator: Affine

    @cached_property
    def key(self) -> str:
        return f"r2({self.numerator.text()})"


@dataclass(frozen=True)
class Product:
    """Symbols times one more atom, or at least two symbols: an open stride. isl has no such term, so an expression that holds
    one is taken apart at its strides before it becomes text (`tv.sets.products`)."""

    symbols: tuple[str, ...]  # sorted; a power stands several times
    rest: Dim | Quotient | Parity | None

    @cached_property
    def key(self) -> str:
        return f"p{'*'.join(self.symbols)}*{self.rest.key if self.rest is not None else ''}"

    def __str__(self) -> str:
        rest = "" if self.rest is None else f" * {Affine.atom(self.rest).text()}"
        return " * ".join(self.symbols) + rest

    def substitute(self, values: Mapping[Dim | Sym, Affine]) -> Affine:
        """Raises Unknown (TV0406) where the result would be a product of two indices."""
        out = Affine.of(1) if self.rest is None else Affine.atom(self.rest).substitute(values)
        for n in self.symbols:
            out = times(out, values.get(Sym(n), Affine.sym(n)))
        return out


Atom = Dim | Sym | Quotient | Parity | Product
Ranges = Callable[[Dim | Sym], Range]


@dataclass(frozen=True)
class Affine:
    """sum of coefficient * atom + const; terms sorted by the atom's key, no zero coefficient."""

    terms: tuple[tuple[Atom, int], ...]
    const: int

    # -------------------------------------------------------------- construction
    @staticmethod
    def of(value: int) -> Affine:
        return Affine((), value)

    @staticmethod
    def atom(a: Atom) -> Affine:
        return Affine(((a, 1),), 0)

    @staticmethod
    def dim(name: str) -> Affine:
        return Affine.atom(Dim(name))

    @staticmethod
    def sym(name: str) -> Affine:
        return Affine.atom(Sym(name))

    def __add__(self, other: Affine | int) -> Affine:
        o = other if isinstance(other, Affine) else Affine.of(other)
        if not o.terms:
            return Affine(self.terms, self.const + o.const)
        acc = {a.key: (a, c) for a, c in self.terms}
        for a, c in o.terms:
            old = acc.get(a.key)
            acc[a.key] = (a, c + (old[1] if old else 0))
        return Affine(tuple(acc[k] for k in sorted(acc) if acc[k][1]), self.const + o.const)

    def __neg__(self) -> Affine:
        return self * -1

    def __sub__(self, other: Affine | int) -> Affine:
        return self + -other

    def __mul__(self, k: int) -> Affine:
        if k == 0:
            return Affine.of(0)
        return Affine(tuple((a, c * k) for a, c in self.terms), self.const * k)

    # -------------------------------------------------------------- questions
    @property
    def constant(self) -> int | None:
        """The value where it depends on nothing, else None."""
        return self.const if not self.terms else None

    @property
    def symbolic(self) -> bool:
        """No dimension and no floor: a number that only symbols decide."""
        return all(factors(a)[1] is None for a, _ in self.terms)

    @property
    def linear(self) -> bool:
        """No product of symbols and indices: isl can read it."""
        return all(
            not isinstance(a, Product) and (not isinstance(a, Quotient | Parity) or a.numerator.linear)
            for a, _ in self.terms
        )

    def atoms(self) -> Iterable[Dim | Sym]:
        """Dimensions and symbols, those inside quotients included."""
        for a, _ in self.terms:
            yield from _inside(a)

    def interval(self, ranges: Ranges) -> Range:
        """Bounds by interval arithmetic; None is unbounded. `x - k floor(x / k)` is a remainder, wherever it stands in a sum."""
        for a, e in self.terms:
            if isinstance(a, Quotient) and e % a.denominator == 0:
                c = -e // a.denominator
                rest = self - (a.numerator - Affine.atom(a) * a.denominator) * c
                if len(rest.terms) < len(self.terms) - 1 or rest.constant is not None:
                    low, high = rest.interval(ranges)
                    most = c * (a.denominator - 1)
                    return (
                        None if low is None else low + min(most, 0),
                        None if high is None else high + max(most, 0),
                    )
        lo: int | None = self.const
        hi: int | None = self.const
        for a, c in self.terms:
            al, ah = _range(a, ranges)
            l, h = (al, ah) if c > 0 else (ah, al)
            lo = None if lo is None or l is None else lo + c * l
            hi = None if hi is None or h is None else hi + c * h
        return lo, hi

    def substitute(self, values: Mapping[Dim | Sym, Affine]) -> Affine:
        out = Affine.of(self.const)
        for a, c in self.terms:
            if isinstance(a, Quotient):
                out = out + floordiv(a.numerator.substitute(values), a.denominator) * c
            elif isinstance(a, Parity):
                out = out + parity(a.numerator.substitute(values)) * c
            elif isinstance(a, Product):
                out = out + a.substitute(values) * c
            else:
                out = out + values.get(a, Affine.atom(a)) * c
        return out

    def text(self) -> str:
        """isl's notation. Raises Unknown (TV0406) where a term is a product of symbols and indices."""
        parts = []
        for a, c in self.terms:
            if isinstance(a, Product):
                raise Unknown(
                    "TV0406",
                    f"`{a}` is no affine expression",
                    help="give one of these sizes a number in the specification, instead of a symbol",
                )
            t = a.name if isinstance(a, Dim | Sym) else _nested(a)
            parts.append(t if c == 1 else f"{c}{'' if isinstance(a, Dim | Sym) else '*'}{t}")
        if self.const or not parts:
            parts.append(str(self.const))
        return " + ".join(parts).replace("+ -", "- ")


ZERO = Affine.of(0)


def _nested(a: Quotient | Parity) -> str:
    inner = a.numerator.text()
    return f"floor(({inner})/{a.denominator})" if isinstance(a, Quotient) else f"(({inner}) mod 2)"


def _inside(a: Atom) -> Iterable[Dim | Sym]:
    match a:
        case Quotient() | Parity():
            yield from a.numerator.atoms()
        case Product():
            yield from (Sym(n) for n in a.symbols)
            if a.rest is not None:
                yield from _inside(a.rest)
        case _:
            yield a


def _range(a: Atom, ranges: Ranges) -> Range:
    match a:
        case Quotient():
            low, high = a.numerator.interval(ranges)
            return None if low is None else low // a.denominator, None if high is None else high // a.denominator
        case Parity():
            return 0, 1
        case Product():
            low, high = (1, 1) if a.rest is None else _range(a.rest, ranges)
            for n in a.symbols:
                l, h = ranges(Sym(n))
                if low is None or high is None or l is None or h is None:
                    return None, None
                corners = (low * l, low * h, high * l, high * h)
                low, high = min(corners), max(corners)
            return low, high
        case _:
            return ranges(a)


def times(a: Affine, b: Affine) -> Affine:
    """a * b. Raises Unknown (TV0406) where that has a product of two terms that are no symbols."""
    out = Affine.of(a.const * b.const) + Affine(a.terms, 0) * b.const + Affine(b.terms, 0) * a.const
    for x, c in a.terms:
        for y, d in b.terms:
            out = out + Affine.atom(_product(x, y)) * (c * d)
    return out


def _product(x: Atom, y: Atom) -> Atom:
    (s, p), (t, q) = factors(x), factors(y)
    if p is not None and q is not None:
        raise Unknown("TV0406", f"`({Affine.atom(x).text()}) * ({Affine.atom(y).text()})` is no affine expression")
    return Product(tuple(sorted((*s, *t))), p if p is not None else q)


def factors(a: Atom) -> tuple[tuple[str, ...], Dim | Quotient | Parity | None]:
    """An atom as symbols times one that is none."""
    match a:
        case Sym():
            return (a.name,), None
        case Product():
            return a.symbols, a.rest
        case _:
            return (), a


def parity(a: Affine, ranges: Ranges | None = None) -> Affine:
    """a mod 2."""
    rest = Affine(tuple((x, c % 2) for x, c in a.terms if c % 2), a.const % 2)
    if not rest.terms:
        return Affine.of(rest.const)
    low, high = (None, None) if ranges is None else rest.interval(ranges)
    return rest if low is not None and high is not None and 0 <= low and high <= 1 else Affine.atom(Parity(rest))


def floordiv(a: Affine, k: int, ranges: Ranges | None = None) -> Affine:
    """floor(a / k), k not 0: multiples of k leave the floor, the rest vanishes where its range lies in [0, k)."""
    if k < 0:
        return floordiv(-a, -k, ranges)
    if k == 0:
        raise Unknown("TV0406", f"`({a.text()}) / 0`")
    if k == 1:
        return a
    whole = Affine(tuple((x, c // k) for x, c in a.terms if c % k == 0), 0)
    rest = Affine(tuple((x, c) for x, c in a.terms if c % k), a.const)
    carry, const = divmod(rest.const, k)
    rest = Affine(rest.terms, const)
    whole = whole + carry
    if not rest.terms:
        return whole
    g = k
    for _, c in rest.terms:
        g = gcd(g, c)
    if g > 1:  # floor((g x + r) / k) = floor((x + floor(r/g)) / (k/g))
        rest, k = Affine(tuple((x, c // g) for x, c in rest.terms), rest.const // g), k // g
        return whole + floordiv(rest, k, ranges) if k > 1 else whole + rest
    if ranges is not None:
        lo, hi = rest.interval(ranges)
        if lo is not None and hi is not None and lo // k == hi // k:
            return whole + lo // k
        split = _split(rest, k, ranges)
        if split is not None:
            return whole + split
    if len(rest.terms) == 1 and rest.terms[0][1] == 1 and rest.const == 0 and isinstance(rest.terms[0][0], Quotient):
        q = rest.terms[0][0]
        return whole + floordiv(q.numerator, q.denominator * k, ranges)
    return whole + Affine.atom(Quotient(rest, k))


def _split(a: Affine, k: int, ranges: Ranges) -> Affine | None:
    """floor((c x + r) / k) = floor(x / (k/c)) where c divides k and every other coefficient, r in [0, c): drop r.

    `c` runs over the coefficients: the part with multiples of c, and the rest bounded by c.
    """
    for c in sorted({abs(c) for _, c in a.terms if abs(c) > 1 and k % abs(c) == 0}, reverse=True):
        high = Affine(tuple((x, d) for x, d in a.terms if d % c == 0), a.const - a.const % c)
        low = Affine(tuple((x, d) for x, d in a.terms if d % c), a.const % c)
        lo, hi = low.interval(ranges)
        if (low.terms or low.const) and lo is not None and hi is not None and 0 <= lo and hi < c:
            return floordiv(high, k, ranges)
    return None


def mod(a: Affine, k: int, ranges: Ranges | None = None) -> Affine:
    """a - k floor(a / k), of the sign of k: in [0, k) or (k, 0]."""
    if k == 1:
        return ZERO
    return a - floordiv(a, k, ranges) * k
