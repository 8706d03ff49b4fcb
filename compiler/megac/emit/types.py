"""How CUDA C spells types, numbers and operations, each with the rounding that the IR asks for."""

from __future__ import annotations

import numpy as np

from megac.dtype import DType, value_of
from megac.errors import CompileError
from megac.ir import Const

C_TYPES = {
    DType.F16: "half", DType.BF16: "__nv_bfloat16", DType.F32: "float", DType.F64: "double",
    DType.I8: "signed char", DType.I16: "short", DType.I32: "int", DType.I64: "long long",
    DType.U8: "unsigned char", DType.U16: "unsigned short", DType.U32: "unsigned int", DType.U64: "unsigned long long",
    DType.BOOL: "bool",
}  # fmt: skip
_STEM = {DType.F16: "half", DType.BF16: "bfloat16"}
_ARITHMETIC = {"add": "add", "sub": "sub", "mul": "mul"}
_INFIX = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "lt": "<",
    "le": "<=",
    "eq": "==",
    "and": "&",
    "or": "|",
    "xor": "^",
}
_LOGIC = {"and": "&&", "or": "||", "xor": "!=", "eq": "=="}
_COMPARED = {"lt": "__hlt", "le": "__hle", "eq": "__heq"}
_FLOAT = {
    "exp": "expf", "log": "logf", "sin": "sinf", "cos": "cosf", "tanh": "tanhf", "erf": "erff", "pow": "powf",
    "floor": "floorf", "ceil": "ceilf", "round": "rintf", "abs": "fabsf", "max": "fmaxf", "min": "fminf",
}  # fmt: skip
_HALF = {"neg": "__hneg", "abs": "__habs", "max": "__hmax", "min": "__hmin", "isnan": "__hisnan"}
_VIA_F32 = frozenset(
    {"div", "sqrt", "floor", "ceil", "round", "isinf"}
)  # exact or rounded once in f32, so the same rounded again


def width(t: DType) -> int:
    """How many elements one load of 16 bytes has."""
    return 16 // t.bytes


def number(c: Const) -> str:
    """The constant as an expression of its type."""
    value = value_of(c.bits, c.dtype)
    if c.dtype is DType.BOOL:
        return "true" if value else "false"
    if not c.dtype.is_float:
        return integer(int(value), c.dtype)
    if np.isnan(np.float64(value)):
        return _nan(c)
    wide = float(value)
    if c.dtype is DType.F64:
        return "INFINITY" if wide == np.inf else "-INFINITY" if wide == -np.inf else repr(wide)
    text = "INFINITY" if abs(wide) == np.inf else f"{_digits(abs(wide))}f"
    text = f"-{text}" if np.signbit(wide) else text
    return converted(text, DType.F32, c.dtype)


def _digits(x: float) -> str:
    """The shortest decimal that is this number in f32."""
    text = str(np.float32(x))
    return text if "." in text or "e" in text else f"{text}.0"


def _nan(c: Const) -> str:
    match c.dtype:
        case DType.F32:
            return f"__int_as_float(0x{c.bits:x})"
        case DType.F64:
            return f"__longlong_as_double(0x{c.bits:x}ll)"
        case DType.F16:
            return f"__ushort_as_half(0x{c.bits:x})"
        case _:
            return f"__ushort_as_bfloat16(0x{c.bits:x})"


def integer(value: int, dtype: DType) -> str:
    suffix = {DType.I64: "ll", DType.U64: "ull", DType.U32: "u"}.get(dtype, "")
    if dtype is DType.I64 and value == -(1 << 63):
        return "(-9223372036854775807ll - 1)"
    return f"({C_TYPES[dtype]}){value}" if dtype.bytes < 4 else f"{value}{suffix}"


def converted(text: str, before: DType, to: DType) -> str:
    """The cast of an expression."""
    if before is to:
        return text
    match before, to:
        case (DType.BOOL, _):
            return f"({text} ? {_one(to)} : {_zero(to)})"
        case (_, DType.BOOL):
            return f"({converted(text, before, DType.F32)} != 0.0f)" if before.narrow else f"({text} != 0)"
        case (DType.F16, DType.F32):
            return f"__half2float({text})"
        case (DType.BF16, DType.F32):
            return f"__bfloat162float({text})"
        case (DType.F32, DType.F16 | DType.BF16):
            return f"__float2{_STEM[to]}_rn({text})"
        case (DType.F32, DType.F64):
            return f"(double){text}"
        case (DType.F64, DType.F32):
            return f"__double2float_rn({text})"
        case (DType.F16 | DType.BF16, DType.F64):
            return converted(converted(text, before, DType.F32), DType.F32, to)
        case (DType.F16 | DType.BF16, DType.F16 | DType.BF16):
            return converted(converted(text, before, DType.F32), DType.F32, to)
        case (DType.F16 | DType.BF16, _):
            return f"({C_TYPES[to]})({converted(text, before, DType.F32)})"
    if to.narrow and before is DType.F64:
        raise CompileError(f"a cast from {before.value} to {to.value}", hint="cast to f32 before, if that is meant")
    if to.narrow:
        return (
            f"__{'ll' if before.bytes == 8 else 'int'}2{_STEM[to]}_rn({text})"
            if before is not DType.U64
            else f"__ull2{_STEM[to]}_rn({text})"
        )
    return f"({C_TYPES[to]})({text})"


def _one(t: DType) -> str:
    return number(Const(t, int.from_bytes(np.asarray(1).astype(t.numpy).tobytes(), "little")))


def _zero(t: DType) -> str:
    return number(Const(t, 0))


def operation(name: str, args: list[str], t: DType) -> str:
    """The operation on operands of type t. Raises CompileError where CUDA has none that rounds as the IR says."""
    if t is DType.BOOL:
        return f"!{args[0]}" if name == "not" else f"({args[0]} {_LOGIC[name]} {args[1]})"
    if t.narrow:
        return _narrow(name, args, t)
    if t in (DType.F32, DType.F64):
        return _float(name, args, t)
    return _whole(name, args, t)


def _narrow(name: str, args: list[str], t: DType) -> str:
    if name in _ARITHMETIC:
        return f"__h{name}_rn({args[0]}, {args[1]})"
    if name in _HALF or name in _COMPARED:
        return f"{_HALF.get(name) or _COMPARED[name]}({', '.join(args)})"
    if name in _VIA_F32:
        out = operation(name, [converted(a, t, DType.F32) for a in args], DType.F32)
        return out if name == "isinf" else converted(out, DType.F32, t)
    raise CompileError(f"`{name}` on {t.value} has no instruction")


def _float(name: str, args: list[str], t: DType) -> str:
    single = t is DType.F32
    match name:
        case "add" | "sub" | "mul" | "div":
            return f"__{'f' if single else 'd'}{name}_rn({args[0]}, {args[1]})"
        case "sqrt":
            return f"__{'f' if single else 'd'}sqrt_rn({args[0]})"
        case "neg":
            return f"(-{args[0]})"
        case "lt" | "le" | "eq":
            return f"({args[0]} {_INFIX[name]} {args[1]})"
        case "isnan" | "isinf":
            return f"{name}({args[0]})"
        case _ if name in _FLOAT:
            return f"{_FLOAT[name] if single else _FLOAT[name].removesuffix('f')}({', '.join(args)})"
        case _:
            raise CompileError(f"`{name}` on {t.value} has no instruction")


def _whole(name: str, args: list[str], t: DType) -> str:
    match name:
        case "neg":
            return f"(-{args[0]})"
        case "abs":
            return f"({args[0]} < 0 ? -{args[0]} : {args[0]})"
        case "not":
            return f"(~{args[0]})"
        case "max" | "min":
            return f"({args[0]} {'>' if name == 'max' else '<'} {args[1]} ? {args[0]} : {args[1]})"
        case "mod":
            a, b = args
            return f"({a} % {b} != 0 && ({a} % {b} < 0) != ({b} < 0) ? {a} % {b} + {b} : {a} % {b})"
        case _ if name in _INFIX:
            out = f"({args[0]} {_INFIX[name]} {args[1]})"
            return out if t.bytes >= 4 or name in _COMPARED else f"({C_TYPES[t]}){out}"
        case _:
            raise CompileError(f"`{name}` on {t.value} has no instruction")


def neutral(op: str, t: DType) -> str:
    """What a sum, maximum or minimum of nothing starts from."""
    if op == "sum":
        return _zero(t)
    if t.is_float:
        return converted("-INFINITY" if op == "max" else "INFINITY", DType.F32 if t is not DType.F64 else t, t)
    info = np.iinfo(t.numpy)
    return integer(int(info.min if op == "max" else info.max), t)


def folded(op: str, a: str, b: str, t: DType) -> str:
    return operation({"sum": "add"}.get(op, op), [a, b], t)
