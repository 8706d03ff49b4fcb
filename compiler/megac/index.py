"""Arithmetic on indices: linear forms, kept simple by what is known of their axes' ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from megac.errors import CompileError
from megac.ir import Atom, Axis, AxisRef, Data, Index, Quotient, Remainder
from megac.printing import atom_key, index_key
from megac.size import ONE, ZERO, Size

Fact = tuple[Literal["ge", "eq"], str]


def constant(value: int | Size) -> Index:
    return Index((), Size.of(value))


def axis(name: str) -> Index:
    return Index(((AxisRef(name), ONE),), ZERO)


def of_atom(atom: Atom) -> Index:
    return Index(((atom, ONE),), ZERO)


def linear(terms: Iterable[tuple[Atom, Size]], const: Size) -> Index:
    """The linear form in canonical order; a quotient and the remainder that belongs to it join again."""
    factors: dict[Atom, Size] = {}
    for atom, factor in terms:
        factors[atom] = factors[atom] + factor if atom in factors else factor
    kept = {a: f for a, f in factors.items() if f != ZERO}
    if any(isinstance(a, Remainder) for a in kept):
        joined = _joined(kept)
        if joined is not None:
            extra, factor = joined
            return add(linear(kept.items(), const), scaled(extra, factor))
    if len(kept) > 1:
        kept = dict(sorted(kept.items(), key=_rank))
    return Index(tuple(kept.items()), const)


def _rank(item: tuple[Atom, Size]) -> tuple[bool, str]:
    """Axes first, then by text."""
    return isinstance(item[0], Data), atom_key(item[0]).lstrip("(")


def _joined(kept: dict[Atom, Size]) -> tuple[Index, Size] | None:
    """c*(x // c) + x % c is x, and c*((x // c) % a) + x % c is x % (c*a): takes the two out, says what they are."""
    for low, factor in kept.items():
        if not isinstance(low, Remainder):
            continue
        x, by = low.index, low.by
        if by.terms and factor.terms:
            continue
        for high, other in kept.items():
            if other != by * factor:
                continue
            if high == Quotient(x, by):
                del kept[low], kept[high]
                return x, factor
            if (
                isinstance(high, Remainder)
                and high.index == of_atom(Quotient(x, by))
                and not (by.terms and high.by.terms)
            ):
                del kept[low], kept[high]
                return of_atom(Remainder(x, by * high.by)), factor
    return None


def add(a: Index, b: Index) -> Index:
    if not a.terms or not b.terms:
        return Index(a.terms or b.terms, a.const + b.const)
    return linear((*a.terms, *b.terms), a.const + b.const)


def scaled(a: Index, factor: Size | int) -> Index:
    """Raises CompileError where the product of two sizes is not affine."""
    f = Size.of(factor)
    if f == ONE:
        return a
    if f == ZERO:
        return constant(0)
    return Index(tuple((atom, own * f) for atom, own in a.terms), a.const * f)


def subtract(a: Index, b: Index) -> Index:
    return add(a, scaled(b, -1))


def shifted(a: Index, by: Size | int) -> Index:
    return Index(a.terms, a.const + by)


def row_major(index: Sequence[Index], shape: Sequence[Size]) -> Index:
    """The place of an element among all of its tensor, row by row. Raises CompileError where that is not affine."""
    out = constant(0)
    for i, extent in zip(index, shape, strict=True):
        out = add(scaled(out, extent), i)
    return out


# ----------------------------------------------------------------------------------------------------------- ranges
@dataclass(frozen=True, slots=True)
class Ranges:
    """What is known where an expression is evaluated: each axis' lowest and highest index, tests with their answers."""

    axes: Mapping[str, tuple[Size, Size]]
    facts: Mapping[Fact, bool]

    @staticmethod
    def of(axes: Iterable[Axis]) -> Ranges:
        return Ranges({a.name: (ZERO, a.extent - 1) for a in axes}, {})

    def bounds(self, index: Index) -> tuple[Size | None, Size | None]:
        """The least and greatest value as far as known."""
        low: Size | None = index.const
        high: Size | None = index.const
        for atom, factor in index.terms:
            a, b = self._atom(atom)
            if not factor.never_negative:
                if not (-factor).never_negative:
                    return None, None
                a, b = b, a
            low, high = _plus(low, a, factor), _plus(high, b, factor)
        return low, high

    def _atom(self, atom: Atom) -> tuple[Size | None, Size | None]:
        match atom:
            case AxisRef(name):
                return self.axes.get(name, (None, None))
            case Remainder(_, by):
                return ZERO, by - 1
            case Quotient(index, by):
                low, high = self.bounds(index)
                return _floor(low, by), _floor(high, by)
            case Data():
                return ZERO, None

    def non_negative(self, index: Index) -> bool | None:
        """Is the index >= 0? None: not known, or here so and there not."""
        low, high = self.bounds(index)
        if low is not None and low.never_negative:
            return True
        if high is not None and (-high - 1).never_negative:
            return False
        return self.facts.get(("ge", index_key(index)))

    def zero(self, index: Index) -> bool | None:
        """Is the index 0? None as above."""
        if index.size is not None and index.const == ZERO:
            return True
        if self.non_negative(shifted(index, -1)) or self.non_negative(shifted(scaled(index, -1), -1)):
            return False
        return self.facts.get(("eq", index_key(index)))

    def given(self, kind: Literal["ge", "eq"], index: Index, answer: bool) -> Ranges:
        """The same, where the test of this index has this answer."""
        known = {**self.facts, (kind, index_key(index)): answer}
        axes = dict(self.axes)
        if kind == "ge":
            _narrow(axes, index if answer else shifted(scaled(index, -1), -1))
        elif answer:
            _narrow(axes, index)
            _narrow(axes, scaled(index, -1))
        return replace(self, axes=axes, facts=known)

    # ------------------------------------------------------------------------------------------ division
    def quotient(self, index: Index, by: Size) -> Index:
        return self._divided(index, by)[0]

    def remainder(self, index: Index, by: Size) -> Index:
        return self._divided(index, by)[1]

    def _divided(self, index: Index, by: Size) -> tuple[Index, Index]:
        """floor(index / by) and what remains."""
        if by == ONE:
            return index, constant(0)
        if by.constant is not None and by.const <= 0:
            raise CompileError(f"an index is divided by {by}")
        for step in _steps(index, by):
            split = self._split(index, step)
            if split is None:
                continue
            whole, rest = split  # index = step * whole + rest, 0 <= rest < step
            if step == by:
                return whole, rest
            ratio = by.divided(step)
            assert ratio is not None
            if step != ONE:
                above, below = self._divided(whole, ratio)
                return above, add(scaled(below, step), rest)
        return self._atoms(index, by)

    def _split(self, index: Index, step: Size) -> tuple[Index, Index] | None:
        whole: list[tuple[Atom, Size]] = []
        rest: list[tuple[Atom, Size]] = []
        for atom, factor in index.terms:
            ratio = factor.divided(step)
            if ratio is None:
                rest.append((atom, factor))
            else:
                whole.append((atom, ratio))
        if step.constant is not None:
            names = {n: (f // step.const, f % step.const) for n, f in index.const.terms}
            over = Size(index.const.const // step.const, tuple((n, q) for n, (q, _) in names.items() if q))
            left = index.const - over * step
        else:
            times = dict(index.const.terms).get(step.terms[0][0], 0) // step.terms[0][1]
            over, left = Size(times), index.const - step * times
        remaining = Index(tuple(rest), left)
        low, high = self.bounds(remaining)
        if low is None or high is None or not low.never_negative or not high.at_most(step - 1):
            return None
        return linear(whole, over), linear(remaining.terms, remaining.const)

    def _atoms(self, index: Index, by: Size) -> tuple[Index, Index]:
        fitting = [a for a, _ in index.terms if isinstance(a, Remainder) and a.by.divided(by) is not None]
        base = index
        for atom in fitting:  # x % (c*a) and x leave the same remainder by c
            assert isinstance(atom, Remainder)
            factor = dict(base.terms)[atom]
            base = add(add(base, scaled(of_atom(atom), -factor)), scaled(atom.index, factor))
        left = self.remainder(base, by) if fitting else of_atom(Remainder(index, by))
        if len(index.terms) == 1 and index.const == ZERO and index.terms[0][1] == ONE:
            only = index.terms[0][0]
            if isinstance(only, Quotient) and not (only.by.terms and by.terms):
                return self.quotient(only.index, only.by * by), left
            ratio = only.by.divided(by) if isinstance(only, Remainder) else None
            if isinstance(only, Remainder) and ratio is not None:
                return self.remainder(self.quotient(only.index, by), ratio), left
        return of_atom(Quotient(index, by)), left


def _steps(index: Index, by: Size) -> list[Size]:
    """by, then smaller divisors of it that the factors suggest, the largest first."""
    if by.constant is None:
        return [by]
    found = {abs(f.const) for _, f in index.terms if f.constant is not None} - {0, 1, by.const}
    return [by, *(Size(s) for s in sorted(found, reverse=True) if by.const % s == 0)]


def _plus(total: Size | None, bound: Size | None, factor: Size) -> Size | None:
    if total is None or bound is None or (bound.terms and factor.terms):
        return None
    return total + bound * factor


def _floor(bound: Size | None, by: Size) -> Size | None:
    if bound is None:
        return None
    if by.constant is not None and all(f % by.const == 0 for _, f in bound.terms):
        return Size(bound.const // by.const, tuple((n, f // by.const) for n, f in bound.terms))
    return ZERO if bound.never_negative and bound.at_most(by - 1) else bound.divided(by)


def _narrow(axes: dict[str, tuple[Size, Size]], index: Index) -> None:
    """index >= 0 holds: where it is one axis and a size, that bounds the axis."""
    if len(index.terms) != 1:
        return
    atom, factor = index.terms[0]
    if not isinstance(atom, AxisRef) or atom.name not in axes or factor not in (ONE, Size(-1)):
        return
    low, high = axes[atom.name]
    if factor == ONE and low.at_most(-index.const):
        axes[atom.name] = (-index.const, high)
    elif factor == Size(-1) and index.const.at_most(high):
        axes[atom.name] = (low, index.const)
