"""Conversions between values, as C++ and the CUDA headers define them."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend.context import Context, unsupported
from tv.cuda_frontend.ctype import BOOL, Arith, Array, CType, Ptr, Struct, Vector, Void, leaves, usual
from tv.cuda_frontend.fold import compare, convert, int_value, integer
from tv.cuda_frontend.values import Aggregate, HandleValue, Pointer, Result, Value
from tv.kernel import Compare, Const, Expr, Inside, NotNull, Scalar
from tv.source import Span

S = Scalar
NULL = Pointer(Ptr(Void()), None, Const(S.I64, 0))


def type_error(message: str, span: Span, help: str = "") -> Exception:
    return unsupported("TV0113", message, span, help)


def to_bool(e: Expr, span: Span) -> Expr:
    """Truth of a scalar: a comparison with zero (a NaN is true)."""
    if e.type is S.BOOL:
        return e
    zero = Const(e.type, 0, span)
    return Compare(S.BOOL, "ne", e, zero, span) if e.type.is_float else compare("ne", e, zero, span)


def require_scalars(t: CType, span: Span) -> None:
    """Raises Unsupported (TV0115) where an object of this type holds pointers in memory."""
    while isinstance(t, Array):
        t = t.element
    try:
        leaves(t)
    except ValueError:
        help = "keep each pointer in a variable of its own"
        raise unsupported("TV0115", "a pointer inside an aggregate", span, help) from None


def scalar_convert(e: Expr, t: Scalar, span: Span) -> Expr:
    """A scalar to another arithmetic type; float to int of a constant out of range stays a node."""
    if t is S.BOOL:
        return to_bool(e, span)
    return convert(e, t, span)


def to_type(ctx: Context, r: Result, t: CType, span: Span, explicit: bool = False) -> Result:
    """`r` as type `t`. Raises Unsupported (TV0113) where no conversion exists."""
    match r, t:
        case Value(type=Arith(), parts=(e,)), Arith(scalar=s):
            return Value(t, (scalar_convert(e, s, span),))
        case Value(type=Arith(), parts=(e,)), Ptr() if int_value(e) == 0:
            return Pointer(t, None, NULL.offset)
        case Value(type=Arith(), parts=(e,)), Vector(name="dim3"):
            one = integer(S.U32, 1, span)
            return Value(t, (scalar_convert(e, S.U32, span), one, one))
        case Value(type=Arith(scalar=s), parts=(e,)), Vector(name="half2" | "nv_bfloat162", scalar=v) if (
            s is v or explicit
        ):
            part = scalar_convert(e, v, span)
            return Value(t, (part, part))
        case Value(type=Vector(scalar=a, count=3)), Vector(name="dim3" | "uint3", scalar=b) if a is b:
            return Value(t, r.parts)
        case Value(type=own), _ if own == t:
            return r
        case Value(), Void() if explicit:
            return Value(Void())
        case Pointer(), Ptr():
            if r.object in ctx.tables and r.type.target != t.target:
                raise unsupported(
                    "TV0115", f"a table of pointers as `{t}`", span, "an address has no value in the proof"
                )
            return pointer_convert(r, t, span, explicit)
        case Pointer(), Arith(scalar=S.BOOL):
            return Value(BOOL, (not_null(ctx, r, span),))
        case HandleValue(type=own) | Aggregate(type=own), _ if own == t:
            return r
        case _:
            raise type_error(f"no conversion from `{type_name(r)}` to `{t}`", span)


def pointer_convert(p: Pointer, t: Ptr, span: Span, explicit: bool) -> Pointer:
    same = p.type.target == t.target or isinstance(t.target, Void) or p.object is None
    if not explicit and not same:
        raise type_error(f"no implicit conversion from `{p.type}` to `{t}`", span, "cast it")
    if not explicit and p.type.const and not t.const:
        raise type_error(f"`{p.type}` to `{t}` drops `const`", span, "declare the pointer `const`")
    return replace(p, type=t)


def type_name(r: Result) -> str:
    return str(r.type)


def arithmetic(ctx: Context, a: Result, b: Result, op: str, span: Span) -> tuple[Scalar, Expr, Expr]:
    """Both operands in their common type."""
    match a, b:
        case Value(type=Arith(scalar=x), parts=(e,)), Value(type=Arith(scalar=y), parts=(f,)):
            common = usual(x, y)
            if common is None:
                raise type_error(
                    f"`{type_name(a)} {op} {type_name(b)}` has no single meaning in CUDA C++",
                    span,
                    "convert one operand",
                )
            return common, scalar_convert(e, common, span), scalar_convert(f, common, span)
        case _:
            raise type_error(f"`{type_name(a)} {op} {type_name(b)}`", span)


def common_type(ctx: Context, a: Result, b: Result, span: Span) -> CType:
    """The type of `c ? a : b`."""
    match a, b:
        case Value(type=Arith(scalar=x)), Value(type=Arith(scalar=y)):
            if x is y:
                return a.type
            common = usual(x, y)
            if common is None:
                raise type_error(f"`?:` of `{a.type}` and `{b.type}`", span, "convert one arm")
            return Arith(common)
        case Pointer(type=p), Pointer(type=q):
            if a.object is None:
                return q
            if b.object is None or p.target == q.target:
                return Ptr(p.target, p.const or q.const, p.volatile or q.volatile)
        case Value(type=Vector() | Struct() | Void() as t), Value(type=u) if t == u:
            return t
        case _:
            pass
    raise type_error(f"`?:` of `{type_name(a)}` and `{type_name(b)}`", span)


def not_null(ctx: Context, p: Pointer, span: Span) -> Expr:
    """Whether a pointer is not null. A parameter may be bound to null; every other object has an address."""
    if p.object is None:
        return integer(S.BOOL, 0, span)
    object = ctx.tables.get(p.object, p.object)
    if p.entry is not None:
        ctx.emit(Inside(span, object, p.entry, integer(S.I64, 0, span), 0, tested=True))
    if object in ctx.nullable and p.entry is None:
        if not (isinstance(p.offset, Const) and p.offset.bits == 0):
            text = "a test for null of a pointer that was moved: where it is null, moving it is undefined"
            raise unsupported("TV0111", text, span, "test the parameter itself")
        return NotNull(S.BOOL, object, span)
    return integer(S.BOOL, 1, span)
