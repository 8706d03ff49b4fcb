"""Expressions of the Kernel IR: pure, typed, with C's conversions made explicit."""

from __future__ import annotations

from dataclasses import dataclass

from tv.kernel.types import Scalar
from tv.source import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class Expr:
    """Base of all expressions; `type` is the type of the value."""

    type: Scalar


@dataclass(frozen=True, slots=True)
class Const(Expr):
    """A literal, as the bits of its type (two's complement, IEEE)."""

    bits: int
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Var(Expr):
    """A scalar local variable; names are unique in the kernel after inlining and scoping."""

    name: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Param(Expr):
    """A scalar kernel parameter, never assigned (the reader copies a parameter that is)."""

    name: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Builtin(Expr):
    """`threadIdx.x` .. `gridDim.z`, type U32."""

    name: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    """op: `neg` (ints wrap, floats flip the sign), `not` (bitwise on ints, logical on BOOL)."""

    op: str
    a: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """op: add sub mul div rem and or xor shl shr min max, on operands of `type` (a shift's count: any int type).

    Ints are C's: signed overflow is undefined, division truncates. `rn`: a float operation that is never contracted
    (`__fadd_rn`, `__hmul_rn`); without it a multiply that reaches an add may become an fma where the launch says `fmad`.
    min and max are for ints only; `fmaxf` and its kin are a `Call`.
    """

    op: str
    a: Expr
    b: Expr
    rn: bool = False
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    """type BOOL; op: eq ne lt le gt ge, on two operands of one type (its signedness counts; floats: ordered, ne unordered)."""

    op: str
    a: Expr
    b: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Select(Expr):
    """cond ? a : b where both arms are pure; a and b have type `type`. `&&` and `||` of pure operands are Select or Binary and/or on BOOL."""

    cond: Expr
    a: Expr
    b: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Convert(Expr):
    """Numeric conversion of C: int to int (wrap or extend), int to float and float to float (to nearest even unless
    `rounding` is rz, ru or rd), float to int (toward zero; out of range is undefined, or with `rounding` sat
    clamped, NaN to 0), anything to BOOL (!= 0)."""

    a: Expr
    rounding: str = "rn"
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Bitcast(Expr):
    """The same bits as another type of the same width (`__float_as_int`)."""

    a: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Pack(Expr):
    """Little-endian concatenation of narrower values into one int: parts[0] is the low end."""

    parts: tuple[Expr, ...]
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Extract(Expr):
    """Bits [low, low + type.bits) of `a`, as `type`."""

    a: Expr
    low: int
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A math function, by canonical name without type suffix, evaluated in `type`:

    exact IEEE: sqrt fma fmax fmin fmaximum fminimum (NaN wins) fabs floor ceil trunc rint (round to even); symbols: exp log sin cos tanh erf pow
    rsqrt exp2 log2 log10 exp10 ...; fast forms are other symbols: fast_exp fast_log fast_sin fast_cos fast_div fast_pow
    rcp_approx. hmax/hmin on 16 bits are fmax/fmin of that type.
    """

    function: str
    args: tuple[Expr, ...]
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class NotNull(Expr):
    """type BOOL: whether the pointer parameter that `object` names is bound to a buffer (a spec may bind it to null)."""

    object: str
    span: Span = NOWHERE
