"""half and nv_bfloat16: the intrinsics of cuda_fp16.h and cuda_bf16.h.

The plain forms (`__hadd`, `__hmul`, ...) may be contracted by the compiler; the `_rn` forms never are.
"""

from __future__ import annotations

from collections.abc import Callable

from tv.cuda_frontend import fold
from tv.cuda_frontend.builtin import BUILTINS, Call, builtin, scalar_value
from tv.cuda_frontend.convert import scalar_convert, type_error
from tv.cuda_frontend.ctype import BFLOAT2, BOOL, FLOAT, HALF2, Arith, CType, Vector
from tv.cuda_frontend.values import Result, Value
from tv.kernel import Call as Function
from tv.kernel import Compare, Expr, Scalar

S = Scalar
FLOAT2 = Vector("float2", S.F32, 2, 8)


def _kind(r: Result, c: Call) -> CType:
    """The 16-bit type (or pair) of an argument, by which the overloads of one name differ."""
    t = r.type
    if isinstance(t, Arith) and t.scalar in (S.F16, S.BF16):
        return t
    if isinstance(t, Vector) and t.scalar in (S.F16, S.BF16):
        return t
    raise type_error(f"`{c.name}` on `{t}`", c.span, "convert it to half or nv_bfloat16 first")


def _same(c: Call, n: int) -> tuple[CType, list[Value]]:
    """n arguments of one 16-bit type."""
    c.count(n)
    values = c.values()
    t = _kind(values[0], c)
    found = []
    for r in values:
        if not isinstance(r, Value) or r.type != t:
            raise type_error(f"`{c.name}` on `{t}` and `{r.type}`", c.span, "convert the arguments to one type")
        found.append(r)
    return t, found


def _map(t: CType, values: list[Value], each: Callable[..., Expr]) -> Value:
    return Value(t, tuple(each(*parts) for parts in zip(*(v.parts for v in values), strict=True)))


def _shape(c: Call, t: CType, packed: bool) -> None:
    if packed != isinstance(t, Vector):
        raise type_error(f"`{c.name}` on `{t}`", c.span)


def _arithmetic(op: str, rn: bool, packed: bool) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        t, values = _same(c, 2)
        _shape(c, t, packed)
        return _map(t, values, lambda a, b: fold.binary(op, a.type, a, b, c.span, rn))

    return handler


def _functions(name: str, arity: int, packed: bool) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        t, values = _same(c, arity)
        _shape(c, t, packed)
        return _map(t, values, lambda *a: Function(a[0].type, name, a, c.span))

    return handler


for _op in ("add", "sub", "mul"):
    for _suffix, _packed in (("", False), ("2", True)):
        BUILTINS.add(f"__h{_op}{_suffix}")(_arithmetic(_op, False, _packed))
        BUILTINS.add(f"__h{_op}{_suffix}_rn")(_arithmetic(_op, True, _packed))
BUILTINS.add("__hdiv")(_arithmetic("div", True, False))
BUILTINS.add("__h2div")(_arithmetic("div", True, True))
for _symbol, _word, _arity in (("fma", "fma", 3), ("fmax", "max", 2), ("fmin", "min", 2), ("fabs", "abs", 1)):
    BUILTINS.add(f"__h{_word}")(_functions(_symbol, _arity, False))
    BUILTINS.add(f"__h{_word}2")(_functions(_symbol, _arity, True))
for _symbol, _word in (("fmaximum", "max"), ("fminimum", "min")):
    BUILTINS.add(f"__h{_word}_nan")(_functions(_symbol, 2, False))
    BUILTINS.add(f"__h{_word}2_nan")(_functions(_symbol, 2, True))
FUNCTIONS = ("sqrt", "exp", "log", "sin", "cos", "rsqrt", "rcp", "exp2", "log2")  # symbols such as `h_exp`
for _word, _symbol in (*((w, f"h_{w}") for w in FUNCTIONS), *((w, w) for w in ("floor", "ceil", "trunc", "rint"))):
    BUILTINS.add(f"h{_word}")(_functions(_symbol, 1, False))
    BUILTINS.add(f"h2{_word}")(_functions(_symbol, 1, True))


@builtin("__hneg", "__hneg2")
def _negate(c: Call) -> Result:
    t, values = _same(c, 1)
    _shape(c, t, c.name == "__hneg2")
    return _map(t, values, lambda a: fold.unary("neg", a, c.span))


def _comparison(op: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        t, (a, b) = _same(c, 2)
        _shape(c, t, False)
        x, y = a.parts[0], b.parts[0]
        if op == "ne":  # ordered, unlike C's !=
            less, greater = (Compare(S.BOOL, o, x, y, c.span) for o in ("lt", "gt"))
            return Value(BOOL, (fold.binary("or", S.BOOL, less, greater, c.span),))
        if op == "neu":
            return Value(BOOL, (Compare(S.BOOL, "ne", x, y, c.span),))
        return Value(BOOL, (Compare(S.BOOL, op, x, y, c.span),))

    return handler


for _op in ("eq", "ne", "neu", "lt", "le", "gt", "ge"):
    BUILTINS.add(f"__h{_op}")(_comparison(_op))


@builtin("__hisnan")
def _is_nan(c: Call) -> Result:
    t, (a,) = _same(c, 1)
    _shape(c, t, False)
    return Value(BOOL, (Compare(S.BOOL, "ne", a.parts[0], a.parts[0], c.span),))


# ------------------------------------------------------------------------------------------------ conversions
def _to(source: Scalar, to: Scalar, rounding: str = "rn") -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        (a,) = c.scalars(source)
        return scalar_value(fold.convert(a, to, c.span, rounding))

    return handler


for _word, _t in (("half", S.F16), ("bfloat16", S.BF16)):
    BUILTINS.add(f"__{_word}2float")(_to(_t, S.F32))
    BUILTINS.add(f"__float2{_word}", f"__float2{_word}_rn")(_to(S.F32, _t))
    BUILTINS.add(f"__double2{_word}")(_to(S.F64, _t))
    for _rounding in ("rz", "ru", "rd"):
        BUILTINS.add(f"__float2{_word}_{_rounding}")(_to(S.F32, _t, _rounding))
    for _name, _source in (
        ("int", S.I32),
        ("uint", S.U32),
        ("short", S.I16),
        ("ushort", S.U16),
        ("ll", S.I64),
        ("ull", S.U64),
    ):
        BUILTINS.add(f"__{_name}2{_word}_rn")(_to(_source, _t))
        BUILTINS.add(f"__{_word}2{_name}_rz")(_to(_t, _source))


@builtin("__half22float2", "__bfloat1622float2")
def _widen(c: Call) -> Result:
    (v,) = c.converted(HALF2 if c.name == "__half22float2" else BFLOAT2)
    assert isinstance(v, Value)
    return Value(FLOAT2, tuple(fold.convert(x, S.F32, c.span) for x in v.parts))


@builtin("__floats2half2_rn", "__floats2bfloat162_rn")
def _narrow_two(c: Call) -> Result:
    t = HALF2 if c.name == "__floats2half2_rn" else BFLOAT2
    return Value(t, tuple(fold.convert(x, t.scalar, c.span) for x in c.scalars(S.F32, S.F32)))


@builtin("__float22half2_rn", "__float22bfloat162_rn")
def _narrow_pair(c: Call) -> Result:
    t = HALF2 if c.name == "__float22half2_rn" else BFLOAT2
    (v,) = c.converted(FLOAT2)
    assert isinstance(v, Value)
    return Value(t, tuple(fold.convert(x, t.scalar, c.span) for x in v.parts))


@builtin("__float2half2_rn", "__float2bfloat162_rn")
def _narrow_splat(c: Call) -> Result:
    t = HALF2 if c.name == "__float2half2_rn" else BFLOAT2
    (a,) = c.converted(FLOAT)
    assert isinstance(a, Value)
    x = fold.convert(a.parts[0], t.scalar, c.span)
    return Value(t, (x, x))


@builtin("__half2half2", "__bfloat162bfloat162")
def _splat(c: Call) -> Result:
    t = HALF2 if c.name == "__half2half2" else BFLOAT2
    (x,) = c.scalars(t.scalar)
    return Value(t, (x, x))


@builtin("__halves2half2", "__halves2bfloat162", "make_half2", "make_bfloat162")
def _pair(c: Call) -> Result:
    if c.name in ("make_half2", "__halves2half2"):
        t = HALF2
    else:
        t = BFLOAT2
    return Value(t, tuple(c.scalars(t.scalar, t.scalar)))


def _component(which: int, to_float: bool) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        t, (v,) = _same(c, 1)
        _shape(c, t, True)
        x = v.parts[which]
        return scalar_value(scalar_convert(x, S.F32, c.span) if to_float else x)

    return handler


BUILTINS.add("__low2half", "__low2bfloat16")(_component(0, False))
BUILTINS.add("__high2half", "__high2bfloat16")(_component(1, False))
BUILTINS.add("__low2float")(_component(0, True))
BUILTINS.add("__high2float")(_component(1, True))


def _rearranged(order: tuple[tuple[int, int], tuple[int, int]]) -> Callable[[Call], Result]:
    """(argument, component) for each half of the result."""

    def handler(c: Call) -> Result:
        t, values = _same(c, 1 + max(a for a, _ in order))
        _shape(c, t, True)
        return Value(t, tuple(values[a].parts[i] for a, i in order))

    return handler


BUILTINS.add("__lowhigh2highlow")(_rearranged(((0, 1), (0, 0))))
BUILTINS.add("__low2half2", "__low2bfloat162")(_rearranged(((0, 0), (0, 0))))
BUILTINS.add("__high2half2", "__high2bfloat162")(_rearranged(((0, 1), (0, 1))))
BUILTINS.add("__lows2half2", "__lows2bfloat162")(_rearranged(((0, 0), (1, 0))))
BUILTINS.add("__highs2half2", "__highs2bfloat162")(_rearranged(((0, 1), (1, 1))))
