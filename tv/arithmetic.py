"""Scalar operations of the term language, computed on arrays of bit patterns: exact IEEE arithmetic, wrapping integers.

Functions without an exact definition (exp, log, sin, ...) are computed in double precision and rounded; they are never used to
fold a constant, only to run a graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.diagnostic import Unsupported
from tv.term import type_width

Bits = npt.NDArray[np.uint64]
Array = Any  # a numpy array of some numeric type
EXACT = frozenset(
    "fadd fsub fmul fdiv fsqrt fneg fabs fmax fmin fmaximum fminimum fupper flower ffma feq flt fle fisnan floor ceil trunc rint cvt select extract "
    "add sub mul sdiv udiv srem urem and or xor shl lshr ashr eq ult ule slt sle smin smax umin umax".split()
)
_UINT: dict[int, Any] = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}
_SINT: dict[int, Any] = {8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}


def mask(width: int) -> np.uint64:
    return np.uint64((1 << width) - 1) if width < 64 else np.uint64(0xFFFFFFFFFFFFFFFF)


def _bits(x: Array) -> Bits:
    return np.asarray(x).astype(np.uint64)


# ------------------------------------------------------------------------------------------------ bits <-> numbers
def decode(bits: Bits, label: str) -> Array:
    """Bits as numbers: bf16 as float32 (exactly), other types as numpy's own."""
    bits = np.asarray(bits, np.uint64)
    match label:
        case "f64":
            return bits.view(np.float64)
        case "f32":
            return bits.astype(np.uint32).view(np.float32)
        case "f16":
            return bits.astype(np.uint16).view(np.float16)
        case "bf16":
            return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
        case _:
            return signed(bits, type_width(label)) if label[0] == "s" else bits


def encode(x: Array, label: str) -> Bits:
    """Numbers to bits. x has the format's own numpy type, except for bf16: float32, rounded here to nearest even."""
    match label:
        case "f64":
            return np.asarray(x, np.float64).view(np.uint64)
        case "f32":
            return np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
        case "f16":
            return np.asarray(x, np.float16).view(np.uint16).astype(np.uint64)
        case "bf16":
            return _round_bf16(np.asarray(x, np.float32))
        case _:
            raise TypeError(label)


def number(bits: int, label: str) -> str:
    """The value of a content of element type `label` (f32, s64, bool, ...), as it is written in source."""
    if label in ("f16", "bf16", "f32", "f64"):
        value = decode(np.array(bits, np.uint64), label)
        text = repr(float(value)) if label == "f64" else str(np.float32(value))
        return text.replace("e+", "e")
    if label.startswith(("s", "i")) and label[1:].isdigit():
        width = int(label[1:])
        return str(bits - (1 << width) if bits >> (width - 1) & 1 else bits)
    return str(bits)


def _round_bf16(x: Array) -> Bits:
    u = x.view(np.uint32).astype(np.uint64)
    rounded = (u + np.uint64(0x7FFF) + ((u >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)
    return _bits(np.where(np.isnan(x), (u >> np.uint64(16)) | np.uint64(0x40), rounded))


def signed(bits: Bits, width: int) -> Array:
    if width in _SINT:
        return bits.astype(_UINT[width]).view(_SINT[width]).astype(np.int64)
    shift = np.uint64(64 - width)
    return (bits << shift).view(np.int64) >> np.int64(64 - width)


def unsigned(x: Array, width: int) -> Bits:
    return np.asarray(x).astype(np.int64).view(np.uint64) & mask(width)


# ------------------------------------------------------------------------------------------------ floats
def _odd(s: Array, err: Array) -> Array:
    """Rounds the exact sum s + err (both double, |err| under half an ulp of s) to odd instead of to nearest."""
    u = s.view(np.uint64)
    even = (u & np.uint64(1)) == 0
    toward_zero = (err < 0) != (s < 0)
    moved = np.where(toward_zero, u - np.uint64(1), u + np.uint64(1)).view(np.float64)
    fix = even & (err != 0) & np.isfinite(s) & (s != 0)
    return np.where(fix, moved, s)


def _fma(a: Bits, b: Bits, c: Bits, label: str) -> Bits:
    """Rounded once. The product of two numbers of at most 24 bits is exact in double; the sum is rounded to odd there."""
    if label == "f64":
        raise Unsupported("TV0312", "a fused multiply-add in f64")
    x, y, z = (decode(v, label).astype(np.float64) for v in (a, b, c))
    p = x * y
    s = p + z
    t = s - p
    err = (p - (s - t)) + (z - t)
    return narrow(_odd(np.atleast_1d(s), np.atleast_1d(err)).reshape(np.shape(s)), label)


def narrow(x: Array, label: str) -> Bits:
    """A double rounded once to a format (for bf16 by way of an f32 rounded to odd)."""
    match label:
        case "bf16":
            f = np.atleast_1d(x.astype(np.float32))
            u = f.view(np.uint32)
            err = np.atleast_1d(x) - f.astype(np.float64)
            step = np.where((err < 0) != (f < 0), u - np.uint32(1), u + np.uint32(1))
            fix = np.isfinite(f) & (err != 0) & ((u & np.uint32(1)) == 0) & (f != 0)
            return _round_bf16(np.where(fix, step, u).view(np.float32)).reshape(np.shape(x))
        case "f16":
            return encode(x.astype(np.float16), label)
        case "f32":
            return encode(x.astype(np.float32), label)
        case _:
            return encode(x, label)


def _extreme(a: Bits, b: Bits, label: str, largest: bool) -> Bits:
    """fmaxf and fminf: the operand that is no NaN wins; -0 is below +0."""
    x, y = decode(a, label), decode(b, label)
    sign_a = (a >> np.uint64(type_width(label) - 1)) & np.uint64(1)
    tie = (x == y) & ((sign_a == 0) if largest else (sign_a == 1))
    pick_a = (x > y) if largest else (x < y)
    pick_a = pick_a | tie | np.isnan(y)
    return np.where(pick_a & ~np.isnan(x), a, np.where(np.isnan(y) & ~np.isnan(x), a, b))


def _float_op(head: str, label: str, args: Sequence[Bits]) -> Bits:
    sign = np.uint64(1 << (type_width(label) - 1))
    match head:
        case "fneg":
            return args[0] ^ sign
        case "fabs":
            return args[0] & ~sign
        case "ffma":
            return _fma(args[0], args[1], args[2], label)
        case "fmax" | "fmin":
            return _extreme(args[0], args[1], label, head == "fmax")
        case "fmaximum" | "fminimum":
            best = _extreme(args[0], args[1], label, head == "fmaximum")
            nan = [np.isnan(decode(a, label)) for a in args]
            return np.where(nan[0], args[0], np.where(nan[1], args[1], best))
    x = [decode(a, label) for a in args]
    match head:
        case "fadd":
            return encode(x[0] + x[1], label)
        case "fsub":
            return encode(x[0] - x[1], label)
        case "fmul":
            return encode(x[0] * x[1], label)
        case "fdiv":
            return encode(x[0] / x[1], label)
        case "fsqrt":
            return encode(np.sqrt(x[0]), label)
        case "rint":
            return encode(np.rint(x[0]), label)
        case "floor":
            return encode(np.floor(x[0]), label)
        case "ceil":
            return encode(np.ceil(x[0]), label)
        case "feq":
            return _bits(x[0] == x[1])
        case "fupper":
            return np.where(x[0] < x[1], args[1], args[0])
        case "flower":
            return np.where(x[1] < x[0], args[1], args[0])
        case "flt":
            return _bits(x[0] < x[1])
        case "fle":
            return _bits(x[0] <= x[1])
        case "trunc":
            return encode(np.trunc(x[0]), label)
        case "fisnan":
            return _bits(np.isnan(x[0]))
        case _:
            return _function(head, label, x)


_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "exp": np.exp, "exp2": np.exp2, "log": np.log, "log2": np.log2, "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh,
    "sinh": np.sinh, "cosh": np.cosh, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "expm1": np.expm1, "log1p": np.log1p,
    "erf": np.vectorize(math.erf, otypes=[np.float64]), "pow": np.power, "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "atan2": np.arctan2, "fmod": np.fmod, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
}  # fmt: skip


def _function(head: str, label: str, x: Sequence[Array]) -> Bits:
    half = head.startswith("h_")  # CUDA's own function of a 16-bit type: by way of float, as everywhere here
    function = _FUNCTIONS.get(head.removeprefix("h_"))
    if function is None:
        raise Unsupported("TV0310", f"operation `{head}.{label}` cannot be evaluated")
    wide = np.asarray(function(*(v.astype(np.float64) for v in x)), np.float64)
    return narrow(wide.astype(np.float32).astype(np.float64) if half else wide, label)


# ------------------------------------------------------------------------------------------------ conversions and integers
def _convert(to: str, source: str, a: Bits) -> Bits:
    x = decode(a, source)
    from_float, to_float = source.lstrip("b")[0] == "f", to.lstrip("b")[0] == "f"
    width = type_width(to)
    if to == source:
        return a
    if from_float and to_float:
        return narrow(x.astype(np.float64), to)
    if from_float:  # toward zero; what does not fit is assumed not to occur, and gives some value
        whole = np.trunc(np.where(np.isfinite(x), x, 0).astype(np.float64))
        big = whole >= 2.0**63
        low = np.where(big, whole - 2.0**64, whole)
        fits = np.abs(low) <= 2.0**63
        return unsigned(np.where(fits & (low < 2.0**63), low, 0).astype(np.int64), width)
    if to_float:
        return _int_to_float(x, source, to)
    return unsigned(x, width) if source[0] == "s" else a & mask(width)


def _saturated(to: str, x: Array) -> Bits:
    """Toward zero, clamped to the integer type; of NaN 0."""
    width, whole = (
        type_width(to),
        np.trunc(np.nan_to_num(np.asarray(x, np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)),
    )
    low, high = (-(2.0 ** (width - 1)), 2.0 ** (width - 1)) if to[0] == "s" else (0.0, 2.0**width)
    fits = (whole >= low) & (whole < high)
    inside = _bits_of_whole(np.where(fits, whole, 0.0), width)
    least, most = (np.uint64(int(v) & ((1 << width) - 1)) for v in (low, int(high) - 1))
    return np.where(fits, inside, np.where(whole < low, least, most))


def _bits_of_whole(whole: Array, width: int) -> Bits:
    big = whole >= 2.0**63
    return unsigned(np.where(big, whole - 2.0**64, whole).astype(np.int64), width)


def _int_to_float(x: Array, source: str, to: str) -> Bits:
    """Once rounded: through a double rounded to odd, as 53 bits are more than two beyond any narrower format."""
    if to == "f64":
        return encode(x.astype(np.float64), to)
    if to == "f32":
        return encode(x.astype(np.float32), to)
    d = np.atleast_1d(x.astype(np.float64))
    exact = np.abs(d) <= 2.0**53
    d = np.where(exact, d, np.where(d > 0, 2.0**60, -(2.0**60)))  # far beyond both 16-bit formats' precision: see below
    if to == "bf16" and not bool(exact.all()):
        raise Unsupported("TV0312", "integers beyond 2**53 as bf16")
    return narrow(d.reshape(np.shape(x)), to)


def _integer_op(head: str, label: str, args: Sequence[Bits]) -> Bits:
    w = type_width(label)
    a = args[0]
    b = args[1] if len(args) > 1 else a
    sa, sb = signed(a, w), signed(b, w)
    one = np.uint64(1)
    match head:
        case "add":
            return (a + b) & mask(w)
        case "sub":
            return (a - b) & mask(w)
        case "mul":
            return (a * b) & mask(w)
        case "and":
            return a & b
        case "or":
            return a | b
        case "xor":
            return a ^ b
        case "shl":
            return np.where(b < w, (a << np.minimum(b, np.uint64(63))) & mask(w), np.uint64(0))
        case "lshr":
            return np.where(b < w, a >> np.minimum(b, np.uint64(63)), np.uint64(0))
        case "ashr":
            return unsigned(sa >> np.minimum(b, np.uint64(w - 1)).astype(np.int64), w)
        case "udiv":
            return np.where(b == 0, np.uint64(0), a // np.maximum(b, one))
        case "urem":
            return np.where(b == 0, np.uint64(0), a % np.maximum(b, one))
        case "sdiv" | "srem":
            d = np.where(sb == 0, 1, sb)
            q = np.where(d == -1, unsigned(-sa, 64).view(np.int64), _truncating(sa, np.where(d == -1, 1, d)))
            return unsigned(q if head == "sdiv" else sa - q * d, w)
        case "eq":
            return _bits(a == b)
        case "ult":
            return _bits(a < b)
        case "ule":
            return _bits(a <= b)
        case "slt":
            return _bits(sa < sb)
        case "sle":
            return _bits(sa <= sb)
        case "smin":
            return np.where(sa < sb, a, b)
        case "smax":
            return np.where(sa > sb, a, b)
        case "umin":
            return np.minimum(a, b)
        case "umax":
            return np.maximum(a, b)
        case _:
            raise Unsupported("TV0310", f"operation `{head}.{label}` cannot be evaluated")


def _truncating(a: Array, d: Array) -> Array:
    q = a // d
    return q + ((q < 0) & (q * d != a))


# Another evaluation of some operations, elementwise on arrays of bits: a GPU's of its functions. None for what it leaves alone.
Functions = Callable[[str, Sequence[Bits]], Bits | None]


def apply(name: str, args: Sequence[Bits]) -> Bits:
    """The operation `name` (see tv.term) on arrays of bits, elementwise; Unsupported where it has no evaluation."""
    head, *rest = name.split(".")
    with np.errstate(all="ignore"):
        match head:
            case "select":
                return np.where(args[0].astype(bool), args[1], args[2])
            case "extract":
                return (args[0] >> np.uint64(int(rest[0]))) & mask(int(rest[1]))
            case "cvt" if len(rest) == 2:
                return _convert(rest[0], rest[1], args[0])
            case "cvt" if rest[2:] == ["sat"]:
                return _saturated(rest[0], decode(args[0], rest[1]))
        if len(rest) != 1:
            raise Unsupported("TV0310", f"operation `{name}` cannot be evaluated")
        floating = rest[0].lstrip("b")[0] == "f"
        return np.asarray((_float_op if floating else _integer_op)(head, rest[0], args), np.uint64)


def fold(name: str, args: Sequence[int]) -> int | None:
    """The bits of an exactly defined operation on constants; None where the operation is not of that kind."""
    if name.split(".")[0] not in EXACT:
        return None
    return int(np.asarray(apply(name, [np.array([a], np.uint64) for a in args])).reshape(-1)[0])


def float_bits(value: float, label: str) -> int:
    """A Python float rounded once to a float format (nearest even), as bits."""
    with np.errstate(all="ignore"):
        return int(narrow(np.array([value], np.float64), label)[0])
