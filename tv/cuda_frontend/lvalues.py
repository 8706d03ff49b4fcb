"""Lvalues: which place an expression denotes, and what a reference is bound to."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.classes import subscript
from tv.cuda_frontend.context import Context, unsupported
from tv.cuda_frontend.convert import type_error
from tv.cuda_frontend.ctype import Ptr, Vector
from tv.cuda_frontend.operators import pointer_add
from tv.cuda_frontend.places import address, dereference, member, named
from tv.cuda_frontend.typenames import qualifiers, reference, referred
from tv.cuda_frontend.values import Known, Memory, Place, Pointer


def place(ctx: Context, e: ast.Expr) -> Place:
    """What an lvalue denotes; a value that is no lvalue becomes `Known`."""
    from tv.cuda_frontend.expressions import assigned, step, value

    match e:
        case ast.Name(name=name) if name not in ("true", "false", "nullptr", "NULL"):
            return named(ctx, name, e.span)
        case ast.Unary(op="*"):
            return dereference(ctx, value(ctx, e.a), e.span)
        case ast.Unary(op="++" | "--"):
            target = place(ctx, e.a)
            step(ctx, e.a, e.op, e.span, target)
            return target
        case ast.Index():
            return subscript(ctx, e) or element(ctx, e)
        case ast.Member(arrow=True):
            return member(ctx, dereference(ctx, value(ctx, e.a), e.span), e.name, e.span)
        case ast.Member():
            return member(ctx, place(ctx, e.a), e.name, e.span)
        case ast.Assign():
            return assigned(ctx, e)[0]
        case ast.Cast(type=t) if reference(t):
            pointer = address(ctx, place(ctx, e.a), e.span)
            return dereference(ctx, replace(pointer, type=Ptr(referred(ctx, t), qualifiers(t)[0])), e.span)
        case _:
            return Known(value(ctx, e))


def element(ctx: Context, e: ast.Index) -> Memory:
    """`a[i]`."""
    from tv.cuda_frontend.expressions import value

    base, index = ctx.together(e.span, lambda: value(ctx, e.a), lambda: value(ctx, e.index))
    if isinstance(base, Pointer):
        return dereference(ctx, pointer_add(base, index, e.span), e.span)
    raise type_error(
        f"`[]` on `{base.type}`",
        e.span,
        "components of a vector are .x .y .z .w" if isinstance(base.type, Vector) else "",
    )


def maybe_lvalue(e: ast.Expr) -> bool:
    """Whether an expression may denote a place, by its form; of other expressions only values can be taken."""
    match e:
        case ast.Name(name=name):
            return name not in ("true", "false", "nullptr", "NULL")
        case ast.Index() | ast.Unary(op="*" | "++" | "--") | ast.Assign() | ast.String():
            return True
        case ast.Member(a=a, arrow=arrow):
            return arrow or maybe_lvalue(a)
        case ast.Cast(type=t):
            return reference(t)
        case ast.Conditional(a=a, b=b):
            return maybe_lvalue(a) and maybe_lvalue(b)
        case ast.Comma(items=items):
            return maybe_lvalue(items[-1])
        case _:
            return False


def referent(ctx: Context, e: ast.Expr) -> Place:
    """What a reference is bound to; a value that is no lvalue becomes `Known`.

    Raises Unsupported (TV0111) for an lvalue that depends on the path: a copy of it would miss later changes.
    """
    from tv.cuda_frontend.expressions import discard

    match e:
        case ast.Comma(items=items):
            for item in items[:-1]:
                discard(ctx, item)
            return referent(ctx, items[-1])
        case ast.Member(a=a, arrow=False):
            return member(ctx, referent(ctx, a), e.name, e.span)
        case ast.Conditional() if maybe_lvalue(e):
            raise unsupported("TV0111", "a reference to one of two places", e.span, "branch, and use each by its name")
        case _:
            return place(ctx, e)
