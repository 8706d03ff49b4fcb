"""Operators on values: arithmetic, comparison, pointer arithmetic, and the operators that the half headers define."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend import fold
from tv.cuda_frontend.context import Context, unsupported
from tv.cuda_frontend.convert import arithmetic, not_null, scalar_convert, to_bool, type_error, type_name
from tv.cuda_frontend.ctype import BOOL, LONG, Arith, NullPointer, Vector, Void, promote, size_of
from tv.cuda_frontend.user_operators import overloaded
from tv.cuda_frontend.values import Pointer, Result, Value
from tv.kernel import Binary as BinaryNode
from tv.kernel import Call, Const, Expr, Scalar, Select, Var, children
from tv.kernel import Convert as ConvertNode
from tv.source import Span

S = Scalar
ARITHMETIC = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "%": "rem",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "shl",
    ">>": "shr",
}
COMPARISON = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def binary(ctx: Context, op: str, a: Result, b: Result, span: Span) -> Result:
    """`a op b` on values already computed. Raises Unsupported (TV0113) for operands without such an operator."""
    if (
        isinstance(a, Pointer)
        or isinstance(b, Pointer)
        or isinstance(a.type, NullPointer)
        or isinstance(b.type, NullPointer)
    ):
        return pointer_binary(ctx, op, a, b, span)
    own = overloaded(ctx, op, [a, b], span)
    if own is not None:
        return own
    if isinstance(a.type, Vector) or isinstance(b.type, Vector):
        return packed_binary(ctx, op, a, b, span)
    if op in ("<<", ">>"):
        return shift(ctx, op, a, b, span)
    t, x, y = arithmetic(ctx, a, b, op, span)
    if t in (S.F16, S.BF16):
        no_user_operators(ctx, span)
    if op in COMPARISON:
        return Value(BOOL, (fold.compare(COMPARISON[op], x, y, span),))
    if t.is_float and op not in ("+", "-", "*", "/"):
        help = "call `fmodf`" if op == "%" else "take the bits by `__float_as_uint`, or convert to an integer"
        raise type_error(f"`{op}` on `{Arith(t)}`", span, help)
    return Value(Arith(t), (fold.binary(ARITHMETIC[op], t, x, y, span),))


def no_user_operators(ctx: Context, span: Span) -> None:
    """Where the file overloads operators, those of the half headers may not be the ones that are called."""
    if "operator" in ctx.module.refused:
        raise unsupported(
            "TV0111", "an operator on 16-bit floats in a file that overloads operators", span, "call __hadd and its kin"
        )


def shift(ctx: Context, op: str, a: Result, b: Result, span: Span) -> Value:
    match a, b:
        case Value(type=Arith(scalar=s), parts=(e,)), Value(type=Arith(scalar=u), parts=(f,)) if not (
            s.is_float or u.is_float
        ):
            t = promote(s)
            count = scalar_convert(f, promote(u), span)
            return Value(Arith(t), (fold.binary(ARITHMETIC[op], t, scalar_convert(e, t, span), count, span),))
        case _:
            raise type_error(f"`{type_name(a)} {op} {type_name(b)}`", span)


def packed_binary(ctx: Context, op: str, a: Result, b: Result, span: Span) -> Value:
    """Operators that the headers define on half2 and nv_bfloat162, component by component."""
    if any(getattr(r.type, "scalar", None) in (S.F16, S.BF16) for r in (a, b)):
        no_user_operators(ctx, span)
    match a, b:
        case Value(type=Vector(scalar=s) as t), Value(type=Vector() as u) if (
            t == u and s in (S.F16, S.BF16) and op in "+-*/"
        ):
            parts = tuple(fold.binary(ARITHMETIC[op], s, x, y, span) for x, y in zip(a.parts, b.parts, strict=True))
            return Value(t, parts)
        case _:
            refused = ctx.module.refused.get("operator")
            help = "CUDA defines no such operator; use the components"
            if refused is not None:
                help = f"an overloaded operator at line {refused.span.line} is not understood: {refused.message}"
            raise type_error(f"`{type_name(a)} {op} {type_name(b)}`", span, help)


def _offset(p: Pointer, index: Expr, negative: bool, span: Span) -> Pointer:
    if isinstance(p.type.target, Void):
        raise type_error("arithmetic on `void*`", span, "cast it to the element's type first")
    if p.object is None:
        raise type_error("arithmetic on a null pointer", span)
    step = fold.offset_scale(index, size_of(p.type.target), span)
    if negative:
        total = fold.binary("sub", S.I64, p.offset, step, span)
    else:
        total = fold.offset_add(p.offset, step, span)
    return replace(p, offset=total)


def pointer_add(p: Pointer, index: Result, span: Span, negative: bool = False) -> Pointer:
    match index:
        case Value(type=Arith(scalar=s), parts=(e,)) if not s.is_float:
            return _offset(p, scalar_convert(e, promote(s), span), negative, span)
        case _:
            raise type_error(f"an index of type `{type_name(index)}`", span)


def pointer_binary(ctx: Context, op: str, a: Result, b: Result, span: Span) -> Result:
    match a, b:
        case Pointer(), Value(type=Arith()) if op in "+-":
            return pointer_add(a, b, span, op == "-")
        case Value(type=Arith()), Pointer() if op == "+":
            return pointer_add(b, a, span)
        case Value(type=Arith(), parts=(e,)), Pointer() if fold.int_value(e) == 0:
            return pointer_binary(ctx, op, Pointer(b.type, None, Const(S.I64, 0)), b, span)
        case Pointer(), Value(type=Arith(), parts=(e,)) if fold.int_value(e) == 0:
            return pointer_binary(ctx, op, a, Pointer(a.type, None, Const(S.I64, 0)), span)
        case Pointer(), Pointer() if op in ("==", "!=") and (a.object is None or b.object is None):
            other = b if a.object is None else a
            present = not_null(ctx, other, span)
            return Value(BOOL, (present if op == "!=" else fold.unary("not", present, span),))
        case Pointer(), Pointer() if a.object == b.object and one_buffer(a, b):
            if op in COMPARISON:
                return Value(BOOL, (fold.compare(COMPARISON[op], a.offset, b.offset, span),))
            if op == "-" and a.type.target == b.type.target:
                bytes_apart = fold.binary("sub", S.I64, a.offset, b.offset, span)
                size = fold.integer(S.I64, size_of(a.type.target), span)
                return Value(LONG, (fold.binary("div", S.I64, bytes_apart, size, span),))
        case Pointer(), Pointer():
            raise unsupported(
                "TV0115", f"`{op}` on pointers into different objects", span, "their order is not defined"
            )
        case _:
            pass
    raise type_error(f"`{type_name(a)} {op} {type_name(b)}`", span)


def one_buffer(a: Pointer, b: Pointer) -> bool:
    """Whether two pointers into one object are into the same of a table's buffers, by their form."""
    match a.entry, b.entry:
        case None, None:
            return True
        case Const(bits=x), Const(bits=y):
            return x == y
        case Var(name=x), Var(name=y):
            return x == y
        case _:
            return False


def negate(ctx: Context, op: str, a: Result, span: Span) -> Result:
    """Unary + - ~ !"""
    own = overloaded(ctx, op, [a], span)
    if own is not None:
        return own
    match op, a:
        case "!", Pointer():
            return Value(BOOL, (fold.unary("not", not_null(ctx, a, span), span),))
        case "!", Value(type=Arith(), parts=(e,)):
            return Value(BOOL, (fold.unary("not", to_bool(e, span), span),))
        case "+" | "-" | "~", Value(type=Arith(scalar=s), parts=(e,)) if op != "~" or not s.is_float:
            t = promote(s)
            x = scalar_convert(e, t, span)
            return Value(Arith(t), (x if op == "+" else fold.unary("neg" if op == "-" else "not", x, span),))
        case "-", Value(type=Vector(scalar=s) as t) if s in (S.F16, S.BF16):
            return Value(t, tuple(fold.unary("neg", x, span) for x in a.parts))
        case _:
            raise type_error(f"`{op}` on `{type_name(a)}`", span)


def total(e: Expr) -> bool:
    """Whether evaluating `e` is defined whatever its operands are, overflow of sums and products apart."""
    match e:
        case BinaryNode(op="div" | "rem" | "shl" | "shr", type=t, b=b) if not t.is_float and not isinstance(b, Const):
            return False
        case BinaryNode(op="div" | "rem", b=Const(bits=0), type=t) if not t.is_float:
            return False
        case ConvertNode(type=t, a=a) if a.type.is_float and t.is_int:
            return False
        case Call():
            return False
        case _:
            return all(total(c) for c in children(e))


def logical(op: str, a: Expr, b: Expr, span: Span) -> Expr:
    """`a && b`, `a || b` of pure operands; a select where `b` must not be evaluated alone."""
    x = fold.int_value(a)
    if x is not None:
        return b if (x != 0) == (op == "&&") else a
    if total(b):
        return fold.binary("and" if op == "&&" else "or", S.BOOL, a, b, span)
    short = fold.integer(S.BOOL, op == "||", span)
    return Select(S.BOOL, a, b, short, span) if op == "&&" else Select(S.BOOL, a, short, b, span)
