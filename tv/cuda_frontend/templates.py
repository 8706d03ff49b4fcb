"""Function templates: arguments given or deduced from the call's argument types."""

from __future__ import annotations

import re

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, Scope, unsupported
from tv.cuda_frontend.ctype import Arith, Array, CType, Ptr
from tv.cuda_frontend.specialisations import require_kept, specialised
from tv.cuda_frontend.typenames import class_constants, resolve, struct_type, unqualified
from tv.cuda_frontend.usage import nodes
from tv.cuda_frontend.values import Known, Value
from tv.source import Span

Argument = CType | int
Binding = tuple[tuple[str, Argument], ...]


def resolvable(t: ast.TypeSyntax) -> bool:
    return not isinstance(t, ast.AutoType)


def bind(ctx: Context, f: ast.Function, e: ast.Call, kinds: list[CType]) -> tuple[Scope, str, Binding]:
    """The scope of the template's parameters, the instance's name, and the arguments that it is made of."""
    given = (e.callee.args or ()) if isinstance(e.callee, ast.Name) else ()
    if not f.template:
        if given:
            raise unsupported("TV0113", f"template arguments of `{f.name}`, which is no template", e.span)
        return Scope(), f.name, ()
    if len(given) > len(f.template):
        raise unsupported("TV0113", f"too many template arguments of `{f.name}`", e.span)
    explicit: dict[str, Argument] = {}
    for p, a in zip(f.template, given, strict=False):
        explicit[p.name] = argument(ctx, p, a)
    fixed = frozenset(explicit)
    for v, kind in zip(f.parameters, kinds, strict=True):
        deduce(ctx, f, v.type, kind, explicit, fixed, e.span)
    scope, name = instance(ctx, f, explicit, e.span)
    return scope, name, tuple(explicit.items())


def deducible(f: ast.Function, name: str) -> bool:
    """May a call deduce this template parameter: does a parameter's type name it?"""
    named = (n for v in f.parameters for n in nodes(v.type) if isinstance(n, (ast.NamedType, ast.Name)))
    return any(re.search(rf"\b{name}\b", n.name) for n in named)


def struct_instance(ctx: Context, d: ast.Struct, args: tuple[ast.TypeSyntax | ast.Expr, ...], span: Span) -> CType:
    """The type `d<args>`; its methods are noted under its name."""
    if len(args) > len(d.template):
        raise unsupported("TV0113", f"too many template arguments of `{d.name}`", span)
    found = {p.name: argument(ctx, p, a) for p, a in zip(d.template, args, strict=False)}
    scope, name = instance(ctx, d, found, span)
    own = specialised(ctx, d, tuple(found[p.name] for p in d.template), span)
    if own is not None:
        d, scope = own, Scope()
    outer = ctx.scopes
    ctx.scopes = [ctx.module.scope, scope]
    with ctx.seen_from(d.order, generic=own is None):
        class_constants(ctx, d, scope)
        t = struct_type(ctx, d, name)
    scope.types[d.name] = t  # inside itself, its name alone
    ctx.scopes = outer
    every = ctx.methods if ctx.frames else ctx.module.methods
    known = ctx.module.methods.get(name) or every.setdefault(name, (d, scope))
    if known != (d, scope):
        raise unsupported("TV0122", f"two types `{name}`", span, "give local types names of their own")
    return t


def argument(ctx: Context, p: ast.TemplateParameter, a: ast.TypeSyntax | ast.Expr) -> Argument:
    from tv.cuda_frontend.expressions import constant

    if (p.type is None) != isinstance(a, ast.TypeSyntax):
        raise unsupported("TV0113", f"the template argument for `{p.name}`", a.span)
    return (
        unqualified(ctx, a) if isinstance(a, ast.TypeSyntax) else constant(ctx, a, f"the template argument `{p.name}`")
    )


def deduce(
    ctx: Context,
    f: ast.Function,
    t: ast.TypeSyntax,
    kind: CType,
    found: dict[str, Argument],
    fixed: frozenset[str],
    span: Span,
) -> None:
    """Matches a parameter's type against an argument's, through pointers, references and arrays; `fixed` names were given."""
    parameters = {p.name: p.type is None for p in f.template if p.name not in fixed}
    require_kept(ctx, t, kind, parameters, span)
    match t, kind:
        case ast.NamedType(name=name), _ if parameters.get(name, False):
            agree(f, name, kind, found, span)
        case ast.PointerType(target=target, reference=True), _:
            deduce(ctx, f, target, kind, found, fixed, span)
        case ast.PointerType(target=target), Ptr(target=inner) | Array(element=inner):
            deduce(ctx, f, target, inner, found, fixed, span)
        case ast.ArrayType(element=e, size=size), Array(element=inner, count=n):
            if isinstance(size, ast.Name) and parameters.get(size.name) is False and n is not None:
                agree(f, size.name, n, found, span)
            deduce(ctx, f, e, inner, found, fixed, span)
        case _:
            pass


def agree(f: ast.Function, name: str, a: Argument, found: dict[str, Argument], span: Span) -> None:
    if found.setdefault(name, a) != a:
        raise unsupported("TV0113", f"`{name}` of `{f.name}` is deduced as both `{found[name]}` and `{a}`", span)


def instance(ctx: Context, f: ast.Function | ast.Struct, found: dict[str, Argument], span: Span) -> tuple[Scope, str]:
    """Scope and name of an instance; defaults fill what is missing."""
    scope = Scope()
    words = []
    outer = ctx.scopes
    for p in f.template:
        if p.name not in found:
            if p.default is None:
                raise unsupported("TV0113", f"`{p.name}` of `{f.name}` is neither given nor deduced", span)
            if isinstance(f, ast.Function) and deducible(f, p.name):
                message = f"the default of `{p.name}` of `{f.name}`, which a call may deduce from its arguments"
                raise unsupported("TV0113", message, span, "write the template argument")
            ctx.scopes = [ctx.module.scope, scope]
            with ctx.seen_from(f.order, generic=True):
                found[p.name] = argument(ctx, p, p.default)
            ctx.scopes = outer
        a = found[p.name]
        words.append(str(a))
        if isinstance(a, int):
            assert p.type is not None
            ctx.scopes = [ctx.module.scope, scope]
            t = resolve(ctx, p.type)
            ctx.scopes = outer
            if not isinstance(t, Arith) or t.scalar.is_float:
                raise unsupported("TV0111", f"a template parameter of type `{t}`", p.span)
            scope.places[p.name] = Known(Value(t, (fold.integer(t.scalar, a, p.span),)))
        else:
            scope.types[p.name] = a
    return scope, f"{f.name}<{', '.join(words)}>"
