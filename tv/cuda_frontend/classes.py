"""What structs have besides fields: constants of the class, constructors, and operators that return a reference."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.class_parser import CONSTRUCTOR, CONVERSION
from tv.cuda_frontend.context import Context, Frame, Scope, unsupported
from tv.cuda_frontend.convert import type_error
from tv.cuda_frontend.ctype import VOID, Array, CType, Ptr, Struct, Void
from tv.cuda_frontend.typenames import qualifiers, reference, referred, resolve
from tv.cuda_frontend.usage import addressed_names, assigned_names
from tv.cuda_frontend.values import Known, Memory, Place, Register, Result, Value
from tv.source import Span

Class = tuple[ast.Struct, Scope]


def class_of(ctx: Context, t: CType) -> Class | None:
    """The definition of a struct, and the names of its class."""
    if not isinstance(t, Struct):
        return None
    return ctx.methods.get(t.name) or ctx.module.methods.get(t.name)


def class_constant(ctx: Context, t: CType, name: str) -> Known | None:
    """The `static constexpr` member `name` of a struct; None where it has none."""
    known = class_of(ctx, t)
    if known is None or not any(v.name == name for v in known[0].constants):
        return None
    found = known[1].places[name]
    assert isinstance(found, Known)
    return found


def qualified_constant(ctx: Context, name: str) -> Known | None:
    """`type::name`, where it is a constant of that type."""
    head, _, last = name.rpartition("::")
    t = ctx.find_type(head) if head else None
    return None if t is None else class_constant(ctx, t, last)


# ------------------------------------------------------------------------------------------------ constructors
def constructors(ctx: Context, t: CType) -> bool:
    """Whether a struct has constructors of its own: a list of initializers is then an argument list."""
    known = class_of(ctx, t)
    return known is not None and any(m.name == CONSTRUCTOR for m in known[0].methods)


def constructed(ctx: Context, t: Struct, args: tuple[ast.Expr, ...], span: Span) -> Result:
    """The value of `t{args}` or `t(args)`. Raises Unsupported (TV0111) where no constructor has these arguments' number."""
    from tv.cuda_frontend.calls import struct_call
    from tv.cuda_frontend.declare import define
    from tv.cuda_frontend.places import read

    if not args:
        raise unsupported("TV0111", f"`{t.name}` constructed without arguments", span, "declare it without braces")
    name = f"{t.name.split('<')[0]}.made"
    ctx.scopes.append(Scope())
    define(ctx, name, t, None, False, ast.Variable(span, name, ast.NamedType(span, t.name), None))
    place = ctx.scopes[-1].places[name]
    own = ctx.scopes.pop()
    ctx.scopes[-1].objects.extend(own.objects)
    struct_call(ctx, ast.Call(span, ast.Name(span, CONSTRUCTOR), args), place, CONSTRUCTOR)
    return read(ctx, place, span)


def require_plain_default(ctx: Context, t: CType, span: Span) -> None:
    """Raises Unsupported (TV0111) for an object without initializer where a constructor, its own or a member's, does something."""
    if isinstance(t, Array):
        require_plain_default(ctx, t.element, span)
    if not isinstance(t, Struct):
        return
    known = class_of(ctx, t)
    own = [m for m in known[0].methods if m.name == CONSTRUCTOR] if known is not None else []
    if any(not m.parameters and (m.body is None or m.body.items) for m in own):
        raise unsupported(
            "TV0111", f"the default constructor of `{t.name}`", span, "initialise the object where it is used"
        )
    for _, kind, _ in t.fields:
        require_plain_default(ctx, kind, span)


# ------------------------------------------------------------------------------------------------ conversions
def converted(ctx: Context, r: Value, t: Ptr, span: Span) -> Result:
    """`t p = r;` where r is of a struct: by its one conversion function whose pointer converts to t.

    Raises Unsupported (TV0113) where none does, or several do: which of those C++ takes depends on what is `const`.
    """
    from tv.cuda_frontend.calls import fields_of, user_call

    assert isinstance(r.type, Struct)
    known = class_of(ctx, r.type)
    functions = [m for m in known[0].methods if m.name == CONVERSION] if known is not None else []
    fitting = []
    for f in functions:
        outer, ctx.scopes = ctx.scopes, [ctx.module.scope, *([known[1]] if known is not None else [])]
        with ctx.seen_from(f.order, f.generic):
            made = resolve(ctx, f.result)
        ctx.scopes = outer
        assert isinstance(made, Ptr)
        same = made.target == t.target or isinstance(t.target, Void)
        if same and made.const <= t.const and made.volatile <= t.volatile:
            fitting.append(f)
    if len(fitting) != 1:
        help = "call a function that has a name" if fitting else ""
        raise unsupported("TV0113", f"{len(fitting)} conversions from `{r.type.name}` to `{t}`", span, help)
    own = fields_of(ctx, Known(r), r.type, span)
    called = ast.Call(span, ast.Name(span, CONVERSION), ())
    return user_call(ctx, called, CONVERSION, (fitting[0],), overloaded=False, own=own, owner=r.type)


# ------------------------------------------------------------------------------------------------ operator[]
def subscript(ctx: Context, e: ast.Index) -> Place | None:
    """What `a[i]` denotes where `a` is a variable of a struct with an `operator[]`; None where it is something else."""
    from tv.cuda_frontend.calls import kind_of, methods_of
    from tv.cuda_frontend.expressions import value

    owner = ctx.find(e.a.name) if isinstance(e.a, ast.Name) else None
    kind = None if owner is None else kind_of(owner)
    if owner is None or not isinstance(kind, Struct):
        return None
    methods = methods_of(ctx, kind, "operator[]")
    constant = isinstance(owner, Known) or (isinstance(owner, (Register, Memory)) and owner.const)
    fitting = [m for m in methods if ("const" in m.words) == constant] or [m for m in methods if "const" in m.words]
    if len(fitting) != 1:
        raise unsupported("TV0111", f"`[]` on `{kind.name}`", e.span, "index the array that it holds")
    return referred_place(ctx, fitting[0], owner, kind, value(ctx, e.index), e.span)


def referred_place(ctx: Context, f: ast.Function, owner: Place, kind: Struct, index: Result, span: Span) -> Place:
    """What a member function whose text is `return <lvalue>;` returns a reference to."""
    from tv.cuda_frontend.calls import fields_of, kind_of, parameter
    from tv.cuda_frontend.lvalues import place

    body = f.body.items if f.body is not None else ()
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None or not reference(f.result):
        raise unsupported("TV0111", f"`{kind.name}::{f.name}`", f.span, "let it be `return member[index];`")
    assert f.body is not None
    if len(f.parameters) != 1 or len(ctx.frames) > 32:
        raise type_error(f"`{f.name}` with one argument", span)
    outer, own = ctx.scopes, fields_of(ctx, owner, kind, span)
    frame = Frame(f"{kind.name}::{f.name}", VOID, None, assigned_names(f.body), addressed_names(f.body))
    frame.binding = (kind,)
    ctx.scopes = [ctx.module.scope, own, Scope(), Scope()]
    ctx.frames.append(frame)
    with ctx.seen_from(f.order, f.generic):
        parameter(ctx, f.parameters[0], index, None, span)
        found = place(ctx, body[0].value)
        result = referred(ctx, f.result)
    ctx.frames.pop()
    ctx.scopes = outer
    if kind_of(found) != result or isinstance(found, Known):
        raise unsupported("TV0111", f"a reference to `{result}` from `{f.name}`", span, "return the member itself")
    if qualifiers(f.result)[0] and isinstance(found, (Register, Memory)):
        return replace(found, const=True)
    return found
