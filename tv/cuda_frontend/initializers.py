"""First values of variables: expressions, and lists of initializers, inner braces included or left out."""

from __future__ import annotations

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.classes import constructed, constructors, require_plain_default
from tv.cuda_frontend.context import Context, unsupported
from tv.cuda_frontend.convert import to_type, type_error
from tv.cuda_frontend.ctype import MAX_LEAVES, Arith, Array, CType, Ptr, Struct, Vector, leaves
from tv.cuda_frontend.values import Pointer, Result, Value
from tv.kernel import Const, Expr, Scalar
from tv.source import Span

S = Scalar
COMPONENT = "xyzw"


def initial_value(ctx: Context, t: CType, init: ast.Expr, span: Span) -> Result:
    """`T x = init;`"""
    from tv.cuda_frontend.expressions import value

    if isinstance(init, ast.InitList):
        if isinstance(t, (Arith, Ptr)):
            if not init.items:
                return zero_value(t, span)
            if len(init.items) == 1:
                return to_type(ctx, value(ctx, init.items[0]), t, span)
            raise type_error(f"{len(init.items)} initializers for one `{t}`", span)
        if isinstance(t, Struct) and constructors(ctx, t):
            return constructed(ctx, t, init.items, span)
        return Value(t, aggregate(ctx, t, init, span))
    if isinstance(t, Array):
        raise type_error("an array initialised with something else than a list", span)
    return to_type(ctx, value(ctx, init), t, span)


def zero_value(t: CType, span: Span) -> Result:
    if isinstance(t, Ptr):
        return Pointer(t, None, fold.integer(S.I64, 0, span))
    return Value(t, tuple(Const(s, 0, span) for s, _ in leaves(t)))


def members(t: CType, span: Span) -> list[tuple[str, CType]]:
    match t:
        case Vector(scalar=s, count=n):
            return [(COMPONENT[i], Arith(s)) for i in range(n)]
        case Struct(fields=fields):
            return [(f, kind) for f, kind, _ in fields]
        case Array(element=e, count=n) if n is not None and n <= MAX_LEAVES:
            return [("", e)] * n
        case Array(count=n) if n is not None:
            help = "store to its elements in a loop"
            raise unsupported("TV0104", f"a list of initializers for an array of {n} elements", span, help)
        case _:
            raise type_error(f"a list of initializers for `{t}`", span)


def aggregate(ctx: Context, t: CType, init: ast.InitList, span: Span) -> tuple[Expr, ...]:
    """The leaves of an aggregate; what is not listed is zero (one, for a dim3)."""
    slots = members(t, span)
    values: list[Result | None] = [None] * len(slots)
    if isinstance(t, Array) and isinstance(t.element, (Array, Struct)):
        items = list(init.items)
        leaves_of = without_braces(ctx, t, items, span)
        if items:
            raise type_error(f"{len(init.items)} initializers for `{t}`", span)
        return leaves_of
    if len(init.items) > len(slots):
        raise type_error(f"{len(init.items)} initializers for `{t}`", span)
    names = [n for n, _ in slots]
    following = 0
    for i in range(len(init.items)):
        field = init.fields[i] if init.fields else None
        if field is not None:
            if field not in names:
                raise type_error(f"`{t}` has no member `{field}`", span)
            following = names.index(field)
        if following >= len(slots):
            raise type_error(f"too many initializers for `{t}`", span)
        # list initializers are evaluated in order, in C++
        values[following] = initial_value(ctx, slots[following][1], init.items[i], init.items[i].span)
        following += 1
    parts: list[Expr] = []
    for (_, kind), r in zip(slots, values, strict=True):
        if r is None:
            require_plain_default(ctx, kind, span)
            r = zero_value(kind, span)
            if t == Vector("dim3", S.U32, 3, 4):
                r = Value(kind, (fold.integer(S.U32, 1, span),))
        if not isinstance(r, Value):
            raise unsupported("TV0115", "a pointer inside an aggregate", span)
        parts.extend(r.parts)
    return tuple(parts)


def without_braces(ctx: Context, t: Array, items: list[ast.Expr], span: Span) -> tuple[Expr, ...]:
    """The leaves of an array from the front of `items`, which are taken out: inner braces of arrays may be left out.

    A struct without its braces may as well be a struct's value, which is refused.
    """
    parts: list[Expr] = []
    for _, kind in members(t, span):
        if items and isinstance(kind, Array) and not isinstance(items[0], ast.InitList):
            parts.extend(without_braces(ctx, kind, items, span))
            continue
        if items and isinstance(kind, Struct) and not isinstance(items[0], ast.InitList):
            raise unsupported("TV0111", "an initializer without its inner braces", span, "write `{{...}, {...}}`")
        item = items.pop(0) if items else None
        if item is None:
            require_plain_default(ctx, kind, span)
        r = zero_value(kind, span) if item is None else initial_value(ctx, kind, item, item.span)
        if not isinstance(r, Value):
            raise unsupported("TV0115", "a pointer inside an aggregate", span)
        parts.extend(r.parts)
    return tuple(parts)
