"""Extents: affine in named dimensions, each of which is some number >= 0 that a launch decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from megac.errors import CompileError


@dataclass(frozen=True, slots=True)
class Size:
    """const + sum of factor * dimension; terms are sorted by name and have no factor 0."""

    const: int
    terms: tuple[tuple[str, int], ...] = ()

    @staticmethod
    def of(value: int | Size) -> Size:
        return value if isinstance(value, Size) else Size(value)

    @staticmethod
    def dim(name: str) -> Size:
        return Size(0, ((name, 1),))

    @property
    def constant(self) -> int | None:
        """The number, where no dimension is in it."""
        return None if self.terms else self.const

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.terms)

    def __add__(self, other: Size | int) -> Size:
        o = Size.of(other)
        if not o.terms:
            return Size(self.const + o.const, self.terms)
        factors = dict(self.terms)
        for name, factor in o.terms:
            factors[name] = factors.get(name, 0) + factor
        return Size(self.const + o.const, tuple(sorted((n, f) for n, f in factors.items() if f)))

    def __neg__(self) -> Size:
        return Size(-self.const, tuple((n, -f) for n, f in self.terms))

    def __sub__(self, other: Size | int) -> Size:
        return self + -Size.of(other)

    def __mul__(self, other: Size | int) -> Size:
        """Raises CompileError where both have dimensions: their product is not affine."""
        o = Size.of(other)
        if self.terms and o.terms:
            raise CompileError(
                f"the product of the extents `{self}` and `{o}` is not affine",
                hint="export the model with one of these dimensions fixed",
            )
        many, factor = (self, o.const) if self.terms else (o, self.const)
        if factor == 0:
            return Size(0)
        return Size(many.const * factor, tuple((n, f * factor) for n, f in many.terms))

    def divided(self, other: Size) -> Size | None:
        """The exact quotient, where it is a size for all dimensions."""
        if other.constant is not None:
            c = other.const
            if c == 0 or self.const % c or any(f % c for _, f in self.terms):
                return None
            return Size(self.const // c, tuple((n, f // c) for n, f in self.terms))
        name, factor = other.terms[0]
        mine = dict(self.terms).get(name, 0)
        if mine % factor == 0 and other * (mine // factor) == self:
            return Size(mine // factor)
        return None

    @property
    def never_negative(self) -> bool:
        """Is it >= 0 for all dimensions >= 0? (False: not known so.)"""
        return self.const >= 0 and all(f > 0 for _, f in self.terms)

    def at_most(self, other: Size) -> bool:
        """Is self <= other for all dimensions >= 0? (False: not known so.)"""
        return (other - self).never_negative

    def at(self, dims: Mapping[str, int]) -> int:
        """The number at given dimensions. Raises KeyError for one that is not given."""
        return self.const + sum(f * dims[n] for n, f in self.terms)

    def __str__(self) -> str:
        parts = [n if f == 1 else f"-{n}" if f == -1 else f"{f}*{n}" for n, f in self.terms]
        if self.const or not parts:
            parts.append(str(self.const))
        return " + ".join(parts).replace("+ -", "- ")


ZERO = Size(0)
ONE = Size(1)


def product(sizes: Iterable[Size | int]) -> Size:
    """Raises CompileError where it is not affine."""
    out = ONE
    for s in sizes:
        out = out * s
    return out
