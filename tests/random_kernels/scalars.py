"""Scalars of the Kernel IR as Python numbers: integers, and floats rounded after each operation; None where undefined."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from ctypes import c_float
from math import copysign, isnan

from tv.kernel import (
    Binary,
    Bitcast,
    Builtin,
    Call,
    Compare,
    Const,
    Convert,
    Extract,
    Pack,
    Param,
    Scalar,
    Select,
    Unary,
    Var,
)

Value = int | float | None
Memory = list[int | None]
FORMATS = {"f32": "<f", "f16": "<e", "i32": "<i", "u32": "<I", "i64": "<q", "u64": "<Q", "i8": "<b", "u8": "<B"}
FORMATS |= {"i16": "<h", "u16": "<H"}
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
}  # fmt: skip


class Undefined(Exception):
    """A decision, an address or a mask made of what was never written."""


def rounded(x: float, type: Scalar) -> float:
    if type is Scalar.F32:
        return c_float(x).value
    if type is Scalar.F16:
        try:
            return float(struct.unpack("<e", struct.pack("<e", x))[0])
        except OverflowError:
            return float("inf") if x > 0 else float("-inf")
    raise TypeError(type)


def wrapped(x: int, type: Scalar) -> int:
    x &= (1 << type.bits) - 1
    return x - (1 << type.bits) if type.signed and x >> (type.bits - 1) else x


def bits_of(v: int | float, type: Scalar) -> int:
    if type.is_float:
        return int.from_bytes(struct.pack(FORMATS[type.label], v), "little")
    return int(v) & ((1 << type.bits) - 1)


def of_bits(bits: int, type: Scalar) -> int | float:
    if type.is_float:
        value: float = struct.unpack(FORMATS[type.label], bits.to_bytes(type.bytes, "little"))[0]
        return value
    return wrapped(bits, type) if type is not Scalar.BOOL else bits & 1


def extreme(a: float, b: float, largest: bool) -> float:
    """fmaxf, fminf: a NaN loses, and -0 is below +0."""
    if isnan(a) or isnan(b):
        return b if isnan(a) else a
    if a == b:
        return a if (copysign(1.0, a) > 0) == largest else b
    return a if (a > b) == largest else b


class Expressions:
    """Evaluates expressions. overflowed: called where C leaves the result open: signed overflow, a count of a shift."""

    def __init__(self, overflowed: Callable[[], object]) -> None:
        self.overflowed = overflowed

    def value(self, e: object, env: Mapping[str, Value]) -> Value:
        match e:
            case Const(type=t, bits=b):
                return of_bits(b, t)
            case Var(name=n):
                return env.get(n)
            case Builtin(name=n) | Param(name=n):
                return env[n]
            case Select(cond=c, a=a, b=b):
                chosen = self.value(c, env)
                return None if chosen is None else self.value(a if chosen else b, env)
        args = [self.value(a, env) for a in operands(e)]
        given = [a for a in args if a is not None]
        return self.strict(e, given) if len(given) == len(args) else None

    def strict(self, e: object, args: list[int | float]) -> Value:
        match e:
            case Binary(type=t, op=op, a=x) if t.is_float:
                return self.float_op(op, args, t)
            case Binary(type=t, op=op):
                return self.integer(op, int(args[0]), int(args[1]), t)
            case Compare(op=op):
                return int(COMPARE[op](args[0], args[1]))
            case Unary(type=t, op="neg") if t.is_float:
                return -args[0]
            case Unary(type=t, op="neg"):
                return self.integer("sub", 0, int(args[0]), t)
            case Unary(type=t, op="not"):
                return int(not args[0]) if t is Scalar.BOOL else wrapped(~int(args[0]), t)
            case Convert(type=t, a=x):
                return self.convert(args[0], x.type, t)
            case Bitcast(type=t, a=x):
                return of_bits(bits_of(args[0], x.type), t)
            case Extract(type=t, a=x, low=low):
                return of_bits(bits_of(args[0], x.type) >> low & ((1 << t.bits) - 1), t)
            case Pack(type=t, parts=parts):
                whole, at = 0, 0
                for v, p in zip(args, parts, strict=True):
                    whole, at = whole | bits_of(v, p.type) << at, at + p.type.bits
                return of_bits(whole, t)
            case Call(function="fmax" | "fmin" as f):
                return extreme(args[0], args[1], f == "fmax")
            case Call(function="fabs"):
                return abs(args[0])
            case _:
                raise TypeError(f"no meaning of {e} here")

    def float_op(self, op: str, args: list[int | float], t: Scalar) -> float:
        a, b = args
        match op:
            case "add":
                return rounded(a + b, t)
            case "sub":
                return rounded(a - b, t)
            case "mul":
                return rounded(a * b, t)
            case _:
                raise TypeError(op)

    def integer(self, op: str, a: int, b: int, t: Scalar) -> int:
        if op in ("div", "rem") and b == 0:
            self.overflowed()
            return 0
        if op in ("shl", "shr") and not 0 <= b < t.bits:
            self.overflowed()
            return 0
        match op:
            case "add" | "sub" | "mul":
                exact = {"add": a + b, "sub": a - b, "mul": a * b}[op]
            case "div":
                exact = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            case "rem":
                exact = abs(a) % abs(b) * (-1 if a < 0 else 1)
            case "and" | "or" | "xor":
                exact = {"and": a & b, "or": a | b, "xor": a ^ b}[op]
            case "shl":
                return wrapped(a << b, t)
            case "shr":
                exact = a >> b
            case "min" | "max":
                exact = min(a, b) if op == "min" else max(a, b)
            case _:
                raise TypeError(op)
        out = wrapped(exact, t) if t is not Scalar.BOOL else exact & 1
        if t.signed and out != exact:
            self.overflowed()
        return out

    def convert(self, v: int | float, source: Scalar, to: Scalar) -> Value:
        if to is Scalar.BOOL:
            return int(v != 0)
        if to.is_float:
            return rounded(float(v), to)
        if source.is_float:
            raise TypeError("floats to integers have no meaning here")
        return wrapped(int(v), to)

    @staticmethod
    def load(memory: Memory, first: int, k: int, t: object) -> Value:
        assert isinstance(t, Scalar)
        at = first + k * t.bytes
        raw = [b for b in memory[at : at + t.bytes] if b is not None]
        return of_bits(int.from_bytes(bytes(raw), "little"), t) if len(raw) == t.bytes else None

    @staticmethod
    def store(memory: Memory, first: int, k: int, t: object, v: Value) -> None:
        assert isinstance(t, Scalar)
        at = first + k * t.bytes
        raw: list[int | None] = [None] * t.bytes if v is None else [*bits_of(v, t).to_bytes(t.bytes, "little")]
        memory[at : at + t.bytes] = raw


def operands(e: object) -> tuple[object, ...]:
    match e:
        case Binary(a=a, b=b) | Compare(a=a, b=b):
            return a, b
        case Unary(a=a) | Convert(a=a) | Bitcast(a=a) | Extract(a=a):
            return (a,)
        case Pack(parts=parts):
            return parts
        case Call(args=args):
            return args
        case _:
            raise TypeError(f"no meaning of {e} here")
