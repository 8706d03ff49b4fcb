"""Conditions on quasi-affine expressions: with those, the language in which index sets are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tv.sets.affine import Affine, Dim, Quotient, Sym


@dataclass(frozen=True, slots=True)
class Formula:
    """A condition on dimensions and symbols. op: ge (affine >= 0), eq (affine = 0), and, or, not, true, false."""

    op: str
    affine: Affine | None = None
    args: tuple[Formula, ...] = ()

    def text(self) -> str:
        match self.op:
            case "ge":
                return f"{_aff(self)} >= 0"
            case "eq":
                return f"{_aff(self)} = 0"
            case "true":
                return "1 = 1"
            case "false":
                return "1 = 0"
            case "not":
                return f"not ({self.args[0].text()})"
            case "and" | "or":
                return f" {self.op} ".join(f"({a.text()})" for a in self.args)
            case _:
                raise ValueError(self.op)

    @property
    def linear(self) -> bool:
        """No product of symbols and indices in it."""
        return (self.affine is None or self.affine.linear) and all(a.linear for a in self.args)

    def atoms(self) -> Iterable[Dim | Sym]:
        if self.affine is not None:
            yield from self.affine.atoms()
        for a in self.args:
            yield from a.atoms()

    def substitute(self, values: Mapping[Dim | Sym, Affine]) -> Formula:
        aff = None if self.affine is None else self.affine.substitute(values)
        return Formula(self.op, aff, tuple(a.substitute(values) for a in self.args))


def _aff(f: Formula) -> str:
    if f.affine is None:
        raise ValueError("a comparison without its operand")
    return f.affine.text()


TRUE = Formula("true")
FALSE = Formula("false")


def ge(a: Affine, b: Affine | int = 0) -> Formula:
    """a >= b."""
    d = without_floor(a - b)
    if d.constant is not None:
        return TRUE if d.constant >= 0 else FALSE
    return Formula("ge", d)


def without_floor(a: Affine) -> Affine:
    """An expression with the same sign condition `>= 0` and one floor less: floor(x / k) + r >= 0 iff x + k r >= 0, and
    r - floor(x / k) >= 0 iff k r + k - 1 - x >= 0. Left alone where a has several floors or one with a coefficient."""
    floors = [(q, c) for q, c in a.terms if isinstance(q, Quotient)]
    if len(floors) != 1 or abs(floors[0][1]) != 1:
        return a
    q, sign = floors[0]
    assert isinstance(q, Quotient)
    rest = Affine(tuple((x, c) for x, c in a.terms if x is not q), a.const)
    k = q.denominator
    return q.numerator + rest * k if sign == 1 else rest * k + (k - 1) - q.numerator


def lt(a: Affine, b: Affine | int) -> Formula:
    """a < b."""
    return ge((b if isinstance(b, Affine) else Affine.of(b)) - a, 1)


def eq(a: Affine, b: Affine | int = 0) -> Formula:
    d = a - b
    if d.constant is not None:
        return TRUE if d.constant == 0 else FALSE
    return Formula("eq", d)


def negate(f: Formula) -> Formula:
    match f.op:
        case "true":
            return FALSE
        case "false":
            return TRUE
        case "not":
            return f.args[0]
        case "ge":
            return Formula("ge", -f.affine - 1) if f.affine is not None else FALSE
        case "and":
            return any_of(*(negate(a) for a in f.args))
        case "or":
            return all_of(*(negate(a) for a in f.args))
        case _:
            return Formula("not", args=(f,))


def all_of(*fs: Formula) -> Formula:
    args: list[Formula] = []
    for f in fs:
        if f.op == "false":
            return FALSE
        for g in f.args if f.op == "and" else (f,):
            if g.op != "true" and g not in args:
                args.append(g)
    if not args:
        return TRUE
    return args[0] if len(args) == 1 else Formula("and", args=tuple(args))


def any_of(*fs: Formula) -> Formula:
    args: list[Formula] = []
    for f in fs:
        if f.op == "true":
            return TRUE
        for g in f.args if f.op == "or" else (f,):
            if g.op != "false" and g not in args:
                args.append(g)
    if not args:
        return FALSE
    return args[0] if len(args) == 1 else Formula("or", args=tuple(args))


def within(a: Affine, extent: Affine | int) -> Formula:
    """0 <= a < extent."""
    return all_of(ge(a), lt(a, extent))
