"""IEEE 754 arithmetic of any small format by exact rationals, and terms evaluated in it: what laws are tested against.

A format has `exponent` and `mantissa` bits beside the sign; p = mantissa + 1 is its precision. Everything rounds once, to
nearest even; one NaN stands for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import isqrt

from tv.term import Term

INF, NAN = "inf", "nan"


@dataclass(frozen=True)
class Float:
    """A value: sign (1 is negative), and a magnitude that is a rational, INF or NAN."""

    sign: int
    magnitude: Fraction | str

    @property
    def finite(self) -> bool:
        return isinstance(self.magnitude, Fraction)

    @property
    def number(self) -> Fraction:
        assert isinstance(self.magnitude, Fraction)
        return -self.magnitude if self.sign else self.magnitude

    @property
    def is_nan(self) -> bool:
        return self.magnitude == NAN

    @property
    def is_zero(self) -> bool:
        return self.magnitude == 0


QUIET = Float(0, NAN)


@dataclass(frozen=True)
class Format:
    exponent: int
    mantissa: int

    @property
    def width(self) -> int:
        return 1 + self.exponent + self.mantissa

    @property
    def bias(self) -> int:
        return (1 << (self.exponent - 1)) - 1

    @cached_property
    def quantum(self) -> Fraction:
        """The least subnormal."""
        return Fraction(2) ** (1 - self.bias - self.mantissa)

    @cached_property
    def overflow(self) -> Fraction:
        """From here on, rounding to nearest gives infinity."""
        top = (1 << self.exponent) - 2 - self.bias
        return Fraction(2) ** top * (2 - Fraction(1, 1 << (self.mantissa + 1)))

    def decode(self, bits: int) -> Float:
        sign, e = bits >> (self.width - 1) & 1, bits >> self.mantissa & ((1 << self.exponent) - 1)
        m = bits & ((1 << self.mantissa) - 1)
        if e == (1 << self.exponent) - 1:
            return QUIET if m else Float(sign, INF)
        if e == 0:
            return Float(sign, m * self.quantum)
        return Float(sign, ((1 << self.mantissa) + m) * Fraction(2) ** (e - self.bias - self.mantissa))

    @cached_property
    def values(self) -> tuple[Float, ...]:
        """All values, NaN once."""
        return tuple(dict.fromkeys(self.decode(b) for b in range(1 << self.width)))

    def round(self, x: Fraction, zero_sign: int = 0) -> Float:
        """The nearest value, ties to even; an exact zero has the given sign."""
        if x == 0:
            return Float(zero_sign, Fraction(0))
        sign, size = int(x < 0), abs(x)
        if size >= self.overflow:
            return Float(sign, INF)
        e = floor_log2(size)
        unit = max(Fraction(2) ** (e - self.mantissa), self.quantum)
        return Float(sign, round(size / unit) * unit)  # Python rounds halves to even


def floor_log2(x: Fraction) -> int:
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if Fraction(2) ** e <= x else e - 1


def negate(a: Float) -> Float:
    return a if a.is_nan else Float(1 - a.sign, a.magnitude)


def add(f: Format, a: Float, b: Float) -> Float:
    if a.is_nan or b.is_nan or (a.magnitude == b.magnitude == INF and a.sign != b.sign):
        return QUIET
    if a.magnitude == INF or b.magnitude == INF:
        return a if a.magnitude == INF else b
    both_negative = int(a.is_zero and b.is_zero and a.sign == b.sign == 1)
    return f.round(a.number + b.number, both_negative)


def sub(f: Format, a: Float, b: Float) -> Float:
    return add(f, a, negate(b))


def mul(f: Format, a: Float, b: Float) -> Float:
    sign = a.sign ^ b.sign
    if a.is_nan or b.is_nan or (a.is_zero and b.magnitude == INF) or (b.is_zero and a.magnitude == INF):
        return QUIET
    if a.magnitude == INF or b.magnitude == INF:
        return Float(sign, INF)
    return f.round(a.number * b.number, sign)


def div(f: Format, a: Float, b: Float) -> Float:
    sign = a.sign ^ b.sign
    if a.is_nan or b.is_nan or (a.is_zero and b.is_zero) or (a.magnitude == b.magnitude == INF):
        return QUIET
    if a.magnitude == INF or b.is_zero:
        return Float(sign, INF)
    if b.magnitude == INF:
        return Float(sign, Fraction(0))
    return f.round(a.number / b.number, sign)


def sqrt(f: Format, a: Float) -> Float:
    if a.is_nan or (a.sign and not a.is_zero):
        return QUIET
    if not a.finite or a.is_zero:
        return a
    scale = 4 ** (2 * f.mantissa + 8 + (1 << f.exponent))  # enough bits that only an exact root is a tie
    n = a.number * scale
    low = isqrt(n.numerator // n.denominator)
    exact = n.denominator == 1 and low * low == n.numerator
    root = Fraction(2 * low + (not exact), 2)
    return f.round(root / isqrt(scale))


def fma(f: Format, a: Float, b: Float, c: Float) -> Float:
    """a * b + c, rounded once."""
    if a.finite and b.finite and c.finite:
        product, sign = a.number * b.number, a.sign ^ b.sign
        return f.round(product + c.number, int(product == 0 and c.is_zero and sign == c.sign == 1))
    if a.finite and b.finite:
        return c
    return add(f, mul(f, a, b), c)  # the product is infinite or NaN, so exact


def fmax(a: Float, b: Float) -> Float:
    """The operand that is no NaN wins; max(+0, -0) = +0."""
    if a.is_nan or b.is_nan:
        return b if a.is_nan else a
    if a.is_zero and b.is_zero:
        return a if a.sign == 0 else b
    return b if less(a, b) else a


def fmin(a: Float, b: Float) -> Float:
    return negate(fmax(negate(a), negate(b)))


def less(a: Float, b: Float) -> bool:
    if a.is_nan or b.is_nan:
        return False
    if a.is_zero and b.is_zero:
        return False
    return order(a) < order(b)


def equal(a: Float, b: Float) -> bool:
    return not a.is_nan and not b.is_nan and (a.is_zero and b.is_zero or a == b)


def order(a: Float) -> Fraction:
    """A monotone key of what is no NaN."""
    return (Fraction(-1) if a.sign else Fraction(1)) * Fraction(10) ** 30 if a.magnitude == INF else a.number


def convert(f: Format, a: Float) -> Float:
    """To format f; exact where it is wider."""
    return f.round(a.number, a.sign) if a.finite else a


ARITHMETIC: dict[str, Callable[..., Float]] = {
    "fadd": add,
    "fsub": sub,
    "fmul": mul,
    "fdiv": div,
    "fsqrt": sqrt,
    "ffma": fma,
}
REAL = {"f16": Format(5, 10), "bf16": Format(8, 7), "f32": Format(8, 23), "f64": Format(11, 52)}
Value = Float | int


def evaluate(t: Term, env: Mapping[int, Value], formats: Mapping[str, Format]) -> Value:
    """A term at values of its `input` terms (by id), its type labels read as the formats given.

    A constant operand is read in its real format and rounded to the given one.
    """
    if t.id in env:
        return env[t.id]
    if t.kind == "const":
        return t.bits
    if t.kind != "op":
        raise TypeError(f"a {t.kind} in a law")
    head, *types = t.name.split(".")
    args = [evaluate(a, env, formats) for a in t.args]
    if head == "select":
        return args[1] if args[0] else args[2]
    if types == ["i1"]:
        x, y = args
        assert isinstance(x, int)
        assert isinstance(y, int)
        return {"xor": x ^ y, "and": x & y, "or": x | y}[head]
    source = types[-1]
    operands = [as_float(a, source, formats) for a in args]
    if head == "cvt":
        return convert(formats[types[0]], operands[0])
    return apply(head, formats[source], operands)


def apply(head: str, f: Format, operands: list[Float]) -> Value:
    match head:
        case "fmax":
            return fmax(*operands)
        case "fmin":
            return fmin(*operands)
        case "fmaximum" | "fminimum":
            nan = [x for x in operands if x.is_nan]
            return nan[0] if nan else fmax(*operands) if head == "fmaximum" else fmin(*operands)
        case "fneg":
            return negate(operands[0])
        case "frcp":
            return div(f, Float(0, Fraction(1)), operands[0])
        case "flt":
            return int(less(*operands))
        case "fle":
            return int(less(*operands) or equal(*operands))
        case "feq":
            return int(equal(*operands))
        case _:
            return ARITHMETIC[head](f, *operands)


def as_float(v: Value, label: str, formats: Mapping[str, Format]) -> Float:
    return v if isinstance(v, Float) else convert(formats[label], REAL[label].decode(v))


def as_value(v: Value, label: str, formats: Mapping[str, Format]) -> Value:
    """The result of a term of float type `label`, so that a constant and a computed value compare."""
    return as_float(v, label, formats)
