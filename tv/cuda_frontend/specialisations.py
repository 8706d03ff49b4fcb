"""Explicit specialisations of templates: which of them an instance is, where its arguments are known for sure.

Types do not carry all that C++ tells apart (`const`, enumerations, `long` beside `long long`), so in a file with
specialisations whatever may be another type than it is here is refused.
"""

from __future__ import annotations

from typing import TypeVar

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, unsupported
from tv.cuda_frontend.ctype import Arith, CType, Handle, Ptr, Struct, Vector
from tv.kernel import Scalar
from tv.source import Span

Template = TypeVar("Template", ast.Function, ast.Struct)
Arguments = tuple[CType | int, ...]
_NAME = "give it a name of its own, or choose with `if constexpr`"
_SEVERAL = (Scalar.I8, Scalar.I64, Scalar.U64)  # each is several types of C++


def note(ctx: Context, d: ast.Function | ast.Struct) -> None:
    """Keeps a specialisation by its template's name. Raises Unsupported where it does not say which instance it is."""
    from tv.cuda_frontend.templates import argument

    assert d.given is not None
    primary = only_template(ctx, d)
    if primary is None or len(d.given) != len(primary.template):
        raise unsupported(
            "TV0111", f"an explicit specialisation of `{d.name}` without all its arguments", d.span, _NAME
        )
    args = tuple(argument(ctx, p, a) for p, a in zip(primary.template, d.given, strict=True))
    require_known(ctx, d.name, args, d.span)
    known = ctx.module.specialised.setdefault(d.name, [])
    if any(a == args for a, _ in known):
        raise unsupported("TV0122", f"two specialisations of `{d.name}` for the same arguments", d.span)
    if isinstance(d, ast.Struct) and instance_name(d.name, args) in ctx.module.methods:
        raise unsupported("TV0111", f"a specialisation of `{d.name}` below its use", d.span, "declare it above")
    known.append((args, d))


def only_template(ctx: Context, d: ast.Function | ast.Struct) -> ast.Function | ast.Struct | None:
    """The one template of that name; None where there is another function of the name."""
    if isinstance(d, ast.Struct):
        return ctx.module.templates.get(d.name)
    named = ctx.module.functions.get(d.name, ())
    return named[0] if len(named) == 1 and named[0].template else None


def instance_name(name: str, args: Arguments) -> str:
    return f"{name}<{', '.join(str(a) for a in args)}>"


def specialised(ctx: Context, d: Template, args: Arguments, span: Span) -> Template | None:
    """The specialisation of the template `d` for these arguments; None where the template itself is meant.

    Raises Unsupported where the arguments may be other types than they are here, or where it is declared only later.
    """
    known = ctx.module.specialised.get(d.name)
    if not known:
        return None
    require_known(ctx, d.name, args, span)
    if only_template(ctx, d) != d:
        raise unsupported("TV0111", f"a specialisation of one of several `{d.name}`", span, "rename the others")
    for own, found in known:
        if own == args:
            if found.order > ctx.order:
                text = f"`{instance_name(d.name, args)}`, which is specialised only later"
                raise unsupported("TV0111", text, span, f"move the specialisation (line {found.span.line}) above")
            assert isinstance(found, type(d))
            return found
    return None


def require_known(ctx: Context, name: str, args: Arguments, span: Span) -> None:
    for a in args:
        own = isinstance(a, Arith) and a.scalar not in _SEVERAL and a.scalar not in ctx.module.enums
        if not own and not isinstance(a, (int, Vector, Struct)):
            text = f"`{a}` as an argument of `{name}`, which is specialised, may be several types"
            raise unsupported("TV0111", text, span, _NAME)


def require_kept(ctx: Context, t: ast.TypeSyntax, kind: CType, parameters: dict[str, bool], span: Span) -> None:
    """Raises Unsupported where a type parameter behind a pointer or reference `t` may be a type with `const` or `volatile`."""
    from tv.cuda_frontend.typenames import qualifiers

    if not ctx.module.specialising or not isinstance(t, ast.PointerType):
        return
    inner = t.target
    while t.reference and isinstance(inner, ast.ArrayType):
        inner = inner.element
    if not isinstance(inner, ast.NamedType) or not parameters.get(inner.name, False) or isinstance(kind, Handle):
        return
    const, volatile = qualifiers(inner)
    same = isinstance(kind, Ptr) and kind.const <= const and kind.volatile <= volatile
    if t.reference or not same:
        text = f"`{inner.name}` deduced through a pointer or reference, in a file with explicit specialisations"
        raise unsupported("TV0111", text, span, "write the template arguments")
