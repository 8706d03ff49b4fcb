"""Math built-ins: exact IEEE operations, library functions as symbols, and C++'s overloads of min, max, abs."""

from __future__ import annotations

from collections.abc import Callable

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin import BUILTINS, Call, builtin, part, scalar_value
from tv.cuda_frontend.convert import scalar_convert, type_error
from tv.cuda_frontend.ctype import Arith, promote, usual
from tv.cuda_frontend.names import LIMITS
from tv.cuda_frontend.typenames import resolve
from tv.cuda_frontend.values import Result, Value
from tv.kernel import Bitcast, Compare, Const, Expr, Extract, Scalar, Select, Unary
from tv.kernel import Call as Function
from tv.source import Span

S = Scalar

# canonical name -> number of arguments; each has a float form (`expf`) and a C++ overload by argument type (`exp`)
FUNCTIONS = {
    "sqrt": 1, "fma": 3, "fmax": 2, "fmin": 2, "fabs": 1, "floor": 1, "ceil": 1, "trunc": 1, "rint": 1, "exp": 1, "log": 1, "sin": 1,
    "cos": 1, "tan": 1, "asin": 1, "acos": 1, "atan": 1, "sinh": 1, "cosh": 1, "asinh": 1, "acosh": 1, "atanh": 1, "tanh": 1, "erf": 1, "erfc": 1, "pow": 2, "rsqrt": 1,
    "exp2": 1, "log2": 1, "log10": 1, "exp10": 1, "log1p": 1, "expm1": 1, "cbrt": 1, "rcbrt": 1, "round": 1, "fmod": 2,
    "atan2": 2, "hypot": 2, "copysign": 2, "fdim": 2, "erfinv": 1, "normcdf": 1, "sinpi": 1, "cospi": 1, "remainder": 2,
}  # fmt: skip
# fast intrinsics: other symbols than the library's
FAST = {
    "__expf": ("fast_exp", 1), "__logf": ("fast_log", 1), "__log2f": ("fast_log2", 1), "__log10f": ("fast_log10", 1),
    "__sinf": ("fast_sin", 1), "__cosf": ("fast_cos", 1), "__tanf": ("fast_tan", 1), "__powf": ("fast_pow", 2),
    "__fdividef": ("fast_div", 2), "__exp10f": ("fast_exp10", 1), "__frsqrt_rn": ("rsqrt_rn", 1), "__tanhf": ("fast_tanh", 1),
    "__saturatef": ("saturate", 1),
}  # fmt: skip


def function(name: str, t: Scalar, args: list[Expr], span: Span) -> Value:
    if name == "fabs" and isinstance(args[0], Const):
        return scalar_value(Const(t, args[0].bits & ((1 << (t.bits - 1)) - 1), span))
    return scalar_value(Function(t, name, tuple(args), span))


def _single(name: str, arity: int) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        return function(name, S.F32, c.scalars(*[S.F32] * arity), c.span)

    return handler


def _overloaded(name: str, arity: int) -> Callable[[Call], Result]:
    """By argument types: all float gives float; double or an integer among them gives double."""

    def handler(c: Call) -> Result:
        c.count(arity)
        args = [part(r, c.span) for r in c.values()]
        if any(a.type in (S.F16, S.BF16) for a in args):
            raise type_error(f"`{c.name}` on a 16-bit float", c.span, "convert it with __half2float")
        t = S.F32 if all(a.type is S.F32 for a in args) else S.F64
        return function(name, t, [scalar_convert(a, t, c.span) for a in args], c.span)

    return handler


for _name, _arity in FUNCTIONS.items():
    BUILTINS.add(f"{_name}f")(_single(_name, _arity))
    BUILTINS.add(_name)(_overloaded(_name, _arity))
for _name, (_symbol, _arity) in FAST.items():
    BUILTINS.add(_name)(_single(_symbol, _arity))
# What `std::` has of these; the rest has no such name.
_NOT_STD = {"rsqrt", "exp10", "rcbrt", "erfinv", "normcdf", "sinpi", "cospi"}
STD = frozenset(f"{n}{f}" for n in FUNCTIONS.keys() - _NOT_STD for f in ("", "f")) | {
    "nearbyint", "nearbyintf", "lrintf", "isnan", "isinf", "isfinite", "abs", "labs", "llabs",
}  # fmt: skip
BUILTINS.add("nearbyintf")(_single("rint", 1))
BUILTINS.add("nearbyint")(_overloaded("rint", 1))


# ------------------------------------------------------------------------------------------------ intrinsics that fix rounding
def _rounded(op: str, t: Scalar) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        a, b = c.scalars(t, t)
        return scalar_value(fold.binary(op, t, a, b, c.span, rn=True))

    return handler


for _op in ("add", "sub", "mul", "div"):
    BUILTINS.add(f"__f{_op}_rn")(_rounded(_op, S.F32))
    BUILTINS.add(f"__d{_op}_rn")(_rounded(_op, S.F64))
BUILTINS.add("__fmaf_rn")(_single("fma", 3))
BUILTINS.add("__fsqrt_rn")(_single("sqrt", 1))


@builtin("__frcp_rn")
def _reciprocal(c: Call) -> Result:
    (a,) = c.scalars(S.F32)
    return scalar_value(fold.binary("div", S.F32, Const(S.F32, 0x3F800000), a, c.span, rn=True))


# ------------------------------------------------------------------------------------------------ bits
def _bitcast(source: Scalar, to: Scalar) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        (a,) = c.scalars(source)
        return scalar_value(Const(to, a.bits, c.span) if isinstance(a, Const) else Bitcast(to, a, c.span))

    return handler


for _names, _from, _to in (
    (("__float_as_int",), S.F32, S.I32), (("__float_as_uint",), S.F32, S.U32), (("__int_as_float",), S.I32, S.F32),
    (("__uint_as_float",), S.U32, S.F32), (("__double_as_longlong",), S.F64, S.I64), (("__longlong_as_double",), S.I64, S.F64),
    (("__half_as_ushort",), S.F16, S.U16), (("__half_as_short",), S.F16, S.I16), (("__ushort_as_half",), S.U16, S.F16),
    (("__short_as_half",), S.I16, S.F16), (("__bfloat16_as_ushort",), S.BF16, S.U16), (("__ushort_as_bfloat16",), S.U16, S.BF16),
    (("__bfloat16_as_short",), S.BF16, S.I16), (("__short_as_bfloat16",), S.I16, S.BF16),
):  # fmt: skip
    BUILTINS.add(*_names)(_bitcast(_from, _to))


def _conversion(source: Scalar, to: Scalar, rounding: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        (a,) = c.scalars(source)
        return scalar_value(fold.convert(a, to, c.span, rounding))

    return handler


_INTEGERS = {"int": S.I32, "uint": S.U32, "ll": S.I64, "ull": S.U64}
for _word, _t in _INTEGERS.items():
    for _rounding in ("rn", "rz", "ru", "rd"):
        BUILTINS.add(f"__{_word}2float_{_rounding}")(_conversion(_t, S.F32, _rounding))


def _rounded_to_int(to: Scalar, whole: str, rounding: str) -> Callable[[Call], Result]:
    """rounding: `sat` where PTX's conversion clamps, and makes 0 of NaN."""

    def handler(c: Call) -> Result:
        (a,) = c.scalars(S.F32)
        return scalar_value(fold.convert(Function(S.F32, whole, (a,), c.span), to, c.span, rounding))

    return handler


for _word, _t in _INTEGERS.items():
    for _rounding, _whole in (("rn", "rint"), ("rz", "trunc"), ("ru", "ceil"), ("rd", "floor")):
        BUILTINS.add(f"__float2{_word}_{_rounding}")(_rounded_to_int(_t, _whole, "sat" if _t.bits == 32 else "rn"))
for _name, _t in (("lrintf", S.I64), ("llrintf", S.I64)):
    BUILTINS.add(_name)(_rounded_to_int(_t, "rint", "rn"))
BUILTINS.add("__double2float_rn")(_conversion(S.F64, S.F32, "rn"))


# ------------------------------------------------------------------------------------------------ tests
@builtin("isnan", "isinf", "isfinite")
def _classify(c: Call) -> Result:
    c.count(1)
    a = part(c.values()[0], c.span)
    if a.type not in (S.F32, S.F64):
        raise type_error(f"`{c.name}` on `{Arith(a.type)}`", c.span)
    if c.name == "isnan":
        return scalar_value(Compare(S.BOOL, "ne", a, a, c.span))
    infinity = Const(a.type, 0x7F800000 if a.type is S.F32 else 0x7FF << 52, c.span)
    magnitude = Function(a.type, "fabs", (a,), c.span)
    return scalar_value(Compare(S.BOOL, "eq" if c.name == "isinf" else "lt", magnitude, infinity, c.span))


# ------------------------------------------------------------------------------------------------ min, max, abs
@builtin("min", "max")
def _extremum(c: Call) -> Result:
    """C++'s overloads: integers by the usual conversions (one unsigned makes both so), floats are fmin and fmax."""
    c.count(2)
    a, b = (part(r, c.span) for r in c.values())
    t = usual(a.type, b.type)
    if t is None or t in (S.F16, S.BF16):
        raise type_error(f"`{c.name}` of `{Arith(a.type)}` and `{Arith(b.type)}`", c.span, "use __hmin and __hmax")
    x, y = scalar_convert(a, t, c.span), scalar_convert(b, t, c.span)
    if t.is_float:
        return scalar_value(Function(t, f"f{c.name}", (x, y), c.span))
    return scalar_value(fold.binary(c.name, t, x, y, c.span))


@builtin("std::min", "std::max")
def _std_extremum(c: Call) -> Result:
    """The standard library's templates: both arguments of one type, compared by `<`. Of floats they are no fmin and fmax."""
    c.count(2)
    a, b = (part(r, c.span) for r in c.values())
    if a.type is not b.type or a.type in (S.F16, S.BF16):
        raise type_error(f"`{c.name}` of `{Arith(a.type)}` and `{Arith(b.type)}`", c.span, "convert one argument")
    x, y = (b, a) if c.name == "std::min" else (a, b)
    return scalar_value(fold.select(fold.compare("lt", x, y, c.span), b, a, c.span))


for _name, _t in (
    ("umin", S.U32),
    ("umax", S.U32),
    ("llmin", S.I64),
    ("llmax", S.I64),
    ("ullmin", S.U64),
    ("ullmax", S.U64),
):

    def _fixed(c: Call, op: str = _name[-3:], t: Scalar = _t) -> Result:
        a, b = c.scalars(t, t)
        return scalar_value(fold.binary(op, t, a, b, c.span))

    BUILTINS.add(_name)(_fixed)


@builtin("abs")
def _absolute(c: Call) -> Result:
    """Overloaded for int, long, long long, float and double."""
    c.count(1)
    a = part(c.values()[0], c.span)
    if a.type in (S.F32, S.F64):
        return function("fabs", a.type, [a], c.span)
    t = promote(a.type)
    if not t.signed or a.type.is_float:
        raise type_error(f"`abs` of `{Arith(a.type)}`", c.span)
    return _magnitude(scalar_convert(a, t, c.span), c.span)


@builtin("labs", "llabs")
def _long_absolute(c: Call) -> Result:
    """Functions of one `long`, whatever the argument's type is: a float is truncated."""
    return _magnitude(c.scalars(S.I64)[0], c.span)


def _magnitude(x: Expr, span: Span) -> Value:
    negative = Compare(S.BOOL, "lt", x, Const(x.type, 0, span), span)
    return scalar_value(Select(x.type, negative, Unary(x.type, "neg", x, span), x, span))


@builtin("__umulhi", "__mulhi", "__umul64hi")
def _high_product(c: Call) -> Result:
    if c.name == "__umul64hi":
        raise c.unsupported("`__umul64hi`")
    narrow, wide = (S.U32, S.U64) if c.name == "__umulhi" else (S.I32, S.I64)
    a, b = (scalar_convert(x, wide, c.span) for x in c.scalars(narrow, narrow))
    return scalar_value(Extract(narrow, fold.binary("mul", wide, a, b, c.span), 32, c.span))


@builtin("__umul24", "__mul24")
def _product24(c: Call) -> Result:
    """The low 32 bits of the product of the low 24 bits of each factor, which are a number of the call's sign."""
    t = S.U32 if c.name == "__umul24" else S.I32
    low = []
    for x in c.scalars(t, t):
        up = fold.binary("shl", S.U32, scalar_convert(x, S.U32, c.span), fold.integer(S.U32, 8, c.span), c.span)
        down = fold.binary("shr", t, scalar_convert(up, t, c.span), fold.integer(t, 8, c.span), c.span)
        low.append(scalar_convert(down, S.U32, c.span))
    return scalar_value(scalar_convert(fold.binary("mul", S.U32, low[0], low[1], c.span), t, c.span))


_BITS: dict[str, Callable[[int], int]] = {
    "popc": lambda x: x.bit_count(),
    "clz": lambda x: 32 - x.bit_length(),
    "ffs": lambda x: (x & -x).bit_length(),
    "brev": lambda x: int(f"{x:032b}"[::-1], 2),
}


@builtin("__popc", "__clz", "__ffs", "__brev")
def _count_bits(c: Call) -> Result:
    t = S.U32 if c.name in ("__popc", "__brev") else S.I32
    (a,) = c.scalars(t)
    result, name = S.U32 if c.name == "__brev" else S.I32, c.name.strip("_")
    if isinstance(a, Const):
        return scalar_value(Const(result, _BITS[name](a.bits), c.span))
    return scalar_value(Function(result, name, (a,), c.span))


# ------------------------------------------------------------------------------------------------ limits
_FLOATS = {
    S.F32: {"infinity": 0x7F800000, "max": 0x7F7FFFFF, "lowest": 0xFF7FFFFF, "min": 1 << 23, "epsilon": 0x34000000,
            "quiet_NaN": 0x7FC00000},
    S.F64: {"infinity": 0x7FF << 52, "max": (0x7FF << 52) - 1, "lowest": (0xFFF << 52) - 1, "min": 1 << 52,
            "epsilon": 0x3CB << 52, "quiet_NaN": 0xFFF << 51},
}  # fmt: skip


@builtin(*(f"{LIMITS[0]}::{name}" for name in _FLOATS[S.F32]))
def _limit(c: Call) -> Result:
    c.count(0)
    t = resolve(c.ctx, c.targs[0]) if c.targs and isinstance(c.targs[0], ast.TypeSyntax) else None
    name = c.name.rsplit("::", 1)[1]
    if isinstance(t, Arith) and t.scalar in _FLOATS:
        return scalar_value(Const(t.scalar, _FLOATS[t.scalar][name], c.span))
    if not isinstance(t, Arith) or t.scalar.is_float or t.scalar is S.BOOL or name not in ("max", "min", "lowest"):
        raise c.unsupported(f"`numeric_limits<{t}>::{name}`", "write the number, such as `-INFINITY`")
    bits, signed = t.scalar.bits, t.scalar.signed
    n = (1 << (bits - signed)) - 1 if name == "max" else -(1 << (bits - 1)) if signed else 0
    return scalar_value(fold.integer(t.scalar, n, c.span))
