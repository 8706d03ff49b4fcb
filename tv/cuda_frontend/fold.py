"""Constants: reading literals, exact conversions between formats, and integer folding that keeps undefined behaviour visible."""

from __future__ import annotations

import re
from fractions import Fraction

from tv.kernel import Binary, Compare, Const, Convert, Expr, Scalar, Select, Unary
from tv.source import NOWHERE, Span

S = Scalar
# format -> (exponent bits, fraction bits)
FORMATS = {S.F16: (5, 10), S.BF16: (8, 7), S.F32: (8, 23), S.F64: (11, 52)}

_INT = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlLzZ]*)$")
_DECIMAL = re.compile(r"([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?([fFlL]?)$")
MOST_DIGITS = 4000  # of a literal; Python reads no longer integers
_HEX = re.compile(r"0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?[0-9]+)([fFlL]?)$")


def integer(t: Scalar, value: int, span: Span = NOWHERE) -> Const:
    """`value` modulo 2^bits (or as truth) as a constant of an integer type."""
    return Const(t, int(value != 0) if t is S.BOOL else value & ((1 << t.bits) - 1), span)


def int_value(e: Expr) -> int | None:
    """The mathematical value of an integer or bool constant; None for anything else."""
    if not isinstance(e, Const) or e.type.is_float:
        return None
    if e.type.signed and e.bits >> (e.type.bits - 1):
        return e.bits - (1 << e.type.bits)
    return e.bits


# ------------------------------------------------------------------------------------------------ literals
def read_integer(text: str) -> tuple[Scalar, int] | None:
    """Type and value of an integer literal by C++'s ladder (LP64); None where it is none or does not fit."""
    m = _INT.match(text)
    if m is None:
        return None
    digits, suffix = m.group(1), m.group(2).lower()
    if suffix not in ("", "u", "l", "ul", "lu", "ll", "ull", "llu"):
        return None
    decimal = not (digits.startswith("0") and len(digits) > 1)
    base = 10 if decimal else {"x": 16, "b": 2}.get(digits[1].lower(), 8)
    try:
        value = int(digits, base) if base in (10, 8) else int(digits[2:], base)
    except ValueError:
        return None
    ladder = [t for t in (S.I32, S.U32, S.I64, S.U64) if ("l" not in suffix or t.bits == 64)]
    if "u" in suffix:
        ladder = [t for t in ladder if not t.signed]
    elif decimal:
        ladder = [t for t in ladder if t.signed]
    for t in ladder:
        if value < 1 << (t.bits - t.signed):
            return t, value
    return None


def is_integer(text: str) -> bool:
    """Has it the form of an integer literal?"""
    return _INT.match(text) is not None


def read_float(text: str) -> Const | None:
    """A floating literal, rounded once to its type; None where it is none (or a `long double`, or thousands of digits)."""
    if len(text) > MOST_DIGITS:
        return None
    m = _HEX.match(text)
    if m is not None:
        whole, part, power, suffix = m.group(1), m.group(2) or "", int(m.group(3)), m.group(4)
        if not whole + part or abs(power) > 20000:
            return None
        exact = Fraction(int(whole + part, 16)) * Fraction(2) ** (power - 4 * len(part))
    else:
        m = _DECIMAL.match(text)
        if m is None or not (m.group(1) or m.group(2)) or (m.group(2) is None and m.group(3) is None):
            return None  # digits alone are an integer, however many
        whole, part, power, suffix = m.group(1), m.group(2) or "", int(m.group(3) or 0), m.group(4)
        if abs(power) > 20000:
            return None
        exact = Fraction(int((whole + part) or "0")) * Fraction(10) ** (power - len(part))
    if suffix in ("l", "L"):
        return None
    t = S.F32 if suffix in ("f", "F") else S.F64
    return Const(t, round_exact(exact, t))


# ------------------------------------------------------------------------------------------------ formats
def round_exact(x: Fraction, t: Scalar, sign: int | None = None) -> int:
    """The bits of `x` rounded to nearest even in format `t`; `sign` says which zero."""
    exponent_bits, fraction_bits = FORMATS[t]
    bias = (1 << (exponent_bits - 1)) - 1
    negative = x < 0 if sign is None else bool(sign)
    top = int(negative) << (t.bits - 1)
    x = abs(x)
    if x == 0:
        return top
    e = x.numerator.bit_length() - x.denominator.bit_length()
    if x < Fraction(2) ** e:
        e -= 1
    e = max(e, 1 - bias)
    scaled = x / Fraction(2) ** (e - fraction_bits)
    n, rest = divmod(scaled.numerator, scaled.denominator)
    if 2 * rest > scaled.denominator or (2 * rest == scaled.denominator and n & 1):
        n += 1
    if n >> (fraction_bits + 1):
        n, e = n >> 1, e + 1
    if e > bias:
        return top | (((1 << exponent_bits) - 1) << fraction_bits)
    if n >> fraction_bits == 0:
        return top | n
    return top | ((e + bias) << fraction_bits) | (n & ((1 << fraction_bits) - 1))


def exact_value(c: Const) -> Fraction | None:
    """The number that a float constant is; None for infinity and NaN."""
    exponent_bits, fraction_bits = FORMATS[c.type]
    bias = (1 << (exponent_bits - 1)) - 1
    sign = -1 if c.bits >> (c.type.bits - 1) else 1
    e = (c.bits >> fraction_bits) & ((1 << exponent_bits) - 1)
    f = c.bits & ((1 << fraction_bits) - 1)
    if e == (1 << exponent_bits) - 1:
        return None
    if e == 0:
        return sign * Fraction(f) * Fraction(2) ** (1 - bias - fraction_bits)
    return sign * Fraction(f | (1 << fraction_bits)) * Fraction(2) ** (e - bias - fraction_bits)


def _convert_float(c: Const, t: Scalar, span: Span) -> Const | None:
    """A finite or infinite float constant to another type; None where the result is not one fixed value."""
    x = exact_value(c)
    sign = c.bits >> (c.type.bits - 1)
    if x is None:
        exponent_bits, fraction_bits = FORMATS[c.type]
        if c.bits & ((1 << fraction_bits) - 1) or t not in FORMATS:
            return None
        exponent_bits, fraction_bits = FORMATS[t]
        return Const(t, (sign << (t.bits - 1)) | (((1 << exponent_bits) - 1) << fraction_bits), span)
    if t is S.BOOL:
        return Const(t, int(x != 0), span)
    if t.is_float:
        return Const(t, round_exact(x, t, sign), span)
    n = int(x)
    low, high = (-(1 << (t.bits - 1)), 1 << (t.bits - 1)) if t.signed else (0, 1 << t.bits)
    return integer(t, n, span) if low <= n < high else None


def convert(e: Expr, t: Scalar, span: Span, rounding: str = "rn") -> Expr:
    """A conversion node, or the constant it is; no node where the type is the same."""
    if e.type is t:
        return e
    if isinstance(e, Const):
        value = int_value(e)
        folded: Const | None = None
        if value is None:
            folded = _convert_float(e, t, span) if rounding == "rn" or not t.is_float else None
        elif not t.is_float:
            folded = integer(t, value, span)
        elif rounding == "rn":
            folded = Const(t, round_exact(Fraction(value), t), span)
        if folded is not None:
            return folded
    return Convert(t, e, rounding, span)


# ------------------------------------------------------------------------------------------------ integer folding
def _in_range(t: Scalar, value: int) -> bool:
    return not t.signed or -(1 << (t.bits - 1)) <= value < 1 << (t.bits - 1)


def _integer_op(op: str, t: Scalar, x: int, y: int) -> int | None:
    """The value of an integer operation; None where C leaves it undefined."""
    match op:
        case "add":
            return x + y
        case "sub":
            return x - y
        case "mul":
            return x * y
        case "div" | "rem":
            if y == 0:
                return None
            q = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
            if not _in_range(t, q):
                return None
            return q if op == "div" else x - q * y
        case "and":
            return x & y
        case "or":
            return x | y
        case "xor":
            return x ^ y
        case "shl" | "shr":
            if not 0 <= y < t.bits:
                return None
            # C++17 defines x << y modulo 2^n only for non-negative x without overflow; CUDA's compilers do for all
            return integer_wrap(t, x << y) if op == "shl" else x >> y
        case "min":
            return min(x, y)
        case "max":
            return max(x, y)
        case _:
            return None


def integer_wrap(t: Scalar, value: int) -> int:
    """`value` modulo 2^bits, in the type's own range."""
    value &= (1 << t.bits) - 1
    return value - (1 << t.bits) if t.signed and value >> (t.bits - 1) else value


def binary(op: str, t: Scalar, a: Expr, b: Expr, span: Span, rn: bool = False) -> Expr:
    """A binary node; constants of integer types fold where C defines the result."""
    x, y = int_value(a), int_value(b)
    if x is not None and y is not None:
        value = _integer_op(op, t, x, y)
        if value is not None and _in_range(t, value):
            return integer(t, value, span)
    return Binary(t, op, a, b, rn, span)


def compare(op: str, a: Expr, b: Expr, span: Span) -> Expr:
    x, y = int_value(a), int_value(b)
    if x is not None and y is not None:
        truth = {"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y}[op]
        return integer(S.BOOL, truth, span)
    return Compare(S.BOOL, op, a, b, span)


def unary(op: str, a: Expr, span: Span) -> Expr:
    """`neg` or `not`, folded on constants (a float's `neg` flips its sign bit)."""
    x = int_value(a)
    if x is not None:
        if a.type is S.BOOL:
            return integer(S.BOOL, 1 - x, span)
        value = -x if op == "neg" else ~x
        if _in_range(a.type, value):
            return integer(a.type, value, span)
    elif isinstance(a, Const) and op == "neg":
        return Const(a.type, a.bits ^ (1 << (a.type.bits - 1)), span)
    return Unary(a.type, op, a, span)


def select(cond: Expr, a: Expr, b: Expr, span: Span) -> Expr:
    x = int_value(cond)
    if x is not None:
        return a if x else b
    return Select(a.type, cond, a, b, span)


# ------------------------------------------------------------------------------------------------ byte offsets
def offset_add(a: Expr, b: Expr, span: Span) -> Expr:
    """a + b for byte offsets (I64); zero disappears."""
    if int_value(a) == 0:
        return b
    if int_value(b) == 0:
        return a
    return binary("add", S.I64, a, b, span)


def offset_scale(index: Expr, size: int, span: Span) -> Expr:
    """index * size as a byte offset; the index is widened by its own signedness first."""
    wide = convert(index, S.I64, span)
    return wide if size == 1 else binary("mul", S.I64, wide, integer(S.I64, size, span), span)
