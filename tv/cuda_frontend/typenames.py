"""Types as written, resolved to types."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, Scope, unsupported
from tv.cuda_frontend.ctype import (
    MAX_FIELDS,
    VOID,
    Arith,
    Array,
    CType,
    Handle,
    Ptr,
    Struct,
    Vector,
    field_count,
    layout,
    vector,
)
from tv.cuda_frontend.cuda_types import HANDLE_TYPES, SCALAR_TYPES, VECTOR_TYPES
from tv.cuda_frontend.names import nearest
from tv.cuda_frontend.values import HandleValue, Known, Value
from tv.diagnostic import BadInput, Unsupported
from tv.kernel import Scalar
from tv.source import NOWHERE, Span

S = Scalar
_WORDS = {
    ("char",): S.I8, ("char", "signed"): S.I8, ("char", "unsigned"): S.U8,
    ("short",): S.I16, ("short", "signed"): S.I16, ("short", "unsigned"): S.U16,
    ("int",): S.I32, ("signed",): S.I32, ("unsigned",): S.U32,
    ("int", "signed"): S.I32, ("int", "unsigned"): S.U32,
    ("float",): S.F32, ("double",): S.F64, ("bool",): S.BOOL,
}  # fmt: skip


REFERENCE = "write `&` where the variable or the parameter is declared, and the type without it"


def _specifiers(words: list[str]) -> Scalar | None:
    """`unsigned long long int` in any order; None for a name that is not made of specifiers."""
    longs = words.count("long")
    rest = sorted(w for w in words if w != "long")
    if longs:
        if longs > 2 or rest not in ([], ["int"], ["unsigned"], ["int", "unsigned"], ["signed"], ["int", "signed"]):
            return None
        return S.U64 if "unsigned" in rest else S.I64
    if len(rest) > 1 and "short" in rest and "int" in rest:
        rest.remove("int")
    return _WORDS.get(tuple(rest))


def builtin_type(name: str) -> CType | None:
    """A type that needs no declaration."""
    known = _specifiers(name.split())
    if known is not None:
        return Arith(known)
    bare = name.removeprefix("std::")
    if bare in SCALAR_TYPES:
        return Arith(SCALAR_TYPES[bare])
    if name in VECTOR_TYPES:
        return vector(name, *VECTOR_TYPES[name])
    return VOID if name == "void" else None


def reference(t: ast.TypeSyntax) -> bool:
    return isinstance(t, ast.PointerType) and t.reference


def resolve(ctx: Context, t: ast.TypeSyntax) -> CType:
    """The type. Raises Unsupported for unknown names, and for references: a name for one would be taken as a value."""
    match t:
        case ast.NamedType(restrict=True) | ast.TypeOf(restrict=True):
            return restricted_pointer(resolve(ctx, replace(t, restrict=False)), t.span)
        case ast.NamedType():
            return _named(ctx, t)
        case ast.PointerType(reference=True):
            raise unsupported("TV0111", "a reference as a named type or a template argument", t.span, REFERENCE)
        case ast.PointerType(target=target, restrict=restrict):
            inner = resolve(ctx, target)
            const, volatile = qualifiers(target)
            return Ptr(inner, const, volatile, restrict)
        case ast.ArrayType(element=e, size=size):
            from tv.cuda_frontend.expressions import constant

            inner = resolve(ctx, e)
            if size is None:
                return Array(inner, None)
            n = constant(ctx, size, "an array's extent")
            if not 0 < n < 1 << 31:
                raise unsupported("TV0117", f"an array of {n} elements", t.span)
            return Array(inner, n)
        case ast.TypeOf():
            return _type_of(ctx, t)
        case ast.AutoType():
            raise unsupported("TV0111", "`auto` without an initializer", t.span)
        case _:
            raise unsupported("TV0111", f"the type `{type(t).__name__}`", t.span)


def restricted_pointer(t: CType, span: Span) -> Ptr:
    """`__restrict__` of a type that is known by a name. Raises Unsupported (TV0111) where that is no pointer."""
    if not isinstance(t, Ptr):
        raise unsupported("TV0111", f"`__restrict__` of the type `{t}`", span, "it is a word for pointers")
    return replace(t, restrict=True)


def unqualified(ctx: Context, t: ast.TypeSyntax) -> CType:
    """A type that is known by a name from here on. Raises Unsupported (TV0111) for `const` and `volatile`, which types do not carry."""
    if any(qualifiers(t)):
        help = "write the qualifier where the variable is declared"
        raise unsupported(
            "TV0111", "a `const` or `volatile` type as a field, a named type or a template argument", t.span, help
        )
    return resolve(ctx, t)


def referred(ctx: Context, t: ast.TypeSyntax) -> CType:
    """The type, or what a reference refers to."""
    return resolve(ctx, t.target) if isinstance(t, ast.PointerType) and t.reference else resolve(ctx, t)


def _type_of(ctx: Context, t: ast.TypeOf) -> CType:
    """`decltype` of a name or a member is its type; of any other lvalue, or in parentheses, it is a reference."""
    from tv.cuda_frontend.expressions import type_of
    from tv.cuda_frontend.lvalues import maybe_lvalue

    if ctx.module.specialising:
        text = "`decltype` in a file with explicit specialisations: it may be `const`"
        raise unsupported("TV0111", text, t.span, "write the type")
    bare = isinstance(t.expr, (ast.Name, ast.Member)) and not t.word.endswith("((")
    if t.word.startswith("decltype") and not bare and maybe_lvalue(t.expr):
        raise unsupported("TV0111", "`decltype` of an lvalue, which is a reference", t.span, REFERENCE)
    return type_of(ctx, t.expr)


def qualifiers(t: ast.TypeSyntax) -> tuple[bool, bool]:
    """const and volatile of the outermost level; an array has its element's."""
    match t:
        case ast.ArrayType(element=e):
            return qualifiers(e)
        case ast.NamedType(const=c, volatile=v):
            return c, v
        case ast.PointerType(const=c, volatile=v, reference=False):
            return c, v
        case ast.PointerType(target=target):
            return qualifiers(target)
        case ast.AutoType(const=c):
            return c, False
        case _:
            return False, False


def _named(ctx: Context, t: ast.NamedType) -> CType:
    if t.name in ctx.module.refused and ctx.find_type(t.name) is None:
        reason = ctx.module.refused[t.name]
        where = f"its declaration at line {reason.span.line}: {reason.message}"
        raise unsupported("TV0111", f"the type `{t.name}`, whose declaration is not understood", t.span, where)
    found = ctx.find_type(t.name) or builtin_type(t.name)
    template = ctx.module.templates.get(t.name)
    if found is None and template is not None:
        from tv.cuda_frontend.templates import struct_instance

        if not t.args:  # C++ deduces them from what the object is initialised with
            raise unsupported("TV0113", f"`{t.name}` without template arguments", t.span, "write them all")
        return struct_instance(ctx, template, t.args, t.span)
    if found is not None:
        if t.args:
            raise unsupported("TV0111", f"template arguments of `{t.name}`", t.span)
        return found
    handle = t.name.removeprefix("cooperative_groups::")
    if handle in HANDLE_TYPES and handle != "coalesced_group":
        return Handle(handle, _tile_size(ctx, t))
    known = [*SCALAR_TYPES, *VECTOR_TYPES, *(n for s in ctx.scopes for n in s.types)]
    raise unsupported("TV0112", f"the type `{t.name}` is not known", t.span, nearest(t.name, known))


def _tile_size(ctx: Context, t: ast.NamedType) -> int:
    if not t.args:
        return 0
    from tv.cuda_frontend.expressions import constant

    if isinstance(t.args[0], ast.TypeSyntax):
        raise unsupported("TV0111", "a tile whose size is a type", t.span)
    return constant(ctx, t.args[0], "a tile's size")


def declare_type(ctx: Context, d: ast.Decl) -> None:
    """A typedef, struct or enum into the innermost scope."""
    types = ctx.scopes[-1].types
    if ctx.scopes[-1] is ctx.module.scope:
        check_type_name(ctx, d)
    match d:
        case ast.TypeAlias(name=name, type=t):
            _new(types, name, unqualified(ctx, t), d.span)
        case ast.Struct(name=name) if d.template:
            if ctx.module.templates.setdefault(name, d) != d:
                raise unsupported("TV0122", f"two templates `{name}`", d.span)
        case ast.Struct(name=name):
            own = Scope()
            class_constants(ctx, d, own)
            outer, ctx.scopes = ctx.scopes, [*ctx.scopes, own]
            made = struct_type(ctx, d, name)
            ctx.scopes = outer
            _new(types, name, made, d.span)
            note_struct(ctx, d, own)
        case ast.Enum(name=name, items=items):
            kind = Arith(S.I32) if d.type is None else resolve(ctx, d.type)
            if not isinstance(kind, Arith) or kind.scalar.is_float or kind.scalar is S.BOOL:
                raise unsupported("TV0111", f"an enum of `{kind}`", d.span, "give it an integer type")
            _new(types, name, kind, d.span)
            ctx.module.enums.add(kind.scalar)
            fixed = d.type is not None or any("::" in item for item, _ in items)  # that of an `enum class` is int
            _enumerators(ctx, name, items, kind.scalar, fixed, d.span)
        case _:
            raise unsupported("TV0111", f"the declaration `{type(d).__name__}`", d.span)


def check_type_name(ctx: Context, d: ast.Decl) -> None:
    """A type of the file under a built-in type's name: what stands above it, or outside its namespace, means the other."""
    name = str(getattr(d, "name", ""))
    same = (
        isinstance(d, ast.TypeAlias) and builtin_type(name) is not None and builtin_type(name) == resolve(ctx, d.type)
    )
    if not same and (builtin_type(name) is not None or name in HANDLE_TYPES):
        raise unsupported("TV0109", f"`{name}` is the name of a built-in", d.span, "rename it")


def class_constants(ctx: Context, d: ast.Struct, own: Scope) -> None:
    """The `static constexpr` members of a struct, by name into `own`; those above are in scope."""
    from tv.cuda_frontend import fold
    from tv.cuda_frontend.expressions import constant

    outer, ctx.scopes = ctx.scopes, [*ctx.scopes, own]
    for v in d.constants:
        try:
            t = resolve(ctx, v.type)
            if v.init is None or not isinstance(t, Arith) or t.scalar.is_float:
                raise unsupported("TV0111", f"the static member `{v.name}` that is no integer constant", v.span)
            n = constant(ctx, v.init, f"the static member `{v.name}`")
        except (BadInput, Unsupported):  # it may be for the host alone; here it hides what has its name outside
            own.places[v.name] = Known(HandleValue(Handle(f"constant `{v.name}`")))
            continue
        own.places[v.name] = Known(Value(t, (fold.integer(t.scalar, n, v.span),)))
    ctx.scopes = outer


def note_struct(ctx: Context, d: ast.Struct, scope: Scope) -> None:
    """Keeps a struct's methods under its name. Raises Unsupported for a second struct of that name, wherever it stands."""
    outer = ctx.module.methods.get(d.name)
    at_file = ctx.scopes[-1] is ctx.module.scope
    own = ctx.module.methods if at_file else ctx.methods
    known = outer or ctx.methods.get(d.name)
    if known is not None and known[0] is not d and not (at_file and known[0] == d):
        raise unsupported("TV0122", f"two structs `{d.name}`", d.span, "rename one")
    own[d.name] = (d, scope)


def struct_type(ctx: Context, d: ast.Struct, name: str) -> CType:
    """The layout of a struct, its template parameters being in scope."""
    from tv.cuda_frontend.expressions import constant

    align = max((constant(ctx, a, "an alignment") for a in d.align), default=1)
    members = []
    for f in d.fields:
        if f.init is not None or reference(f.type) or f.storage:
            raise unsupported("TV0111", f"the field `{f.name}` with an initializer, a reference or static", f.span)
        least = max((constant(ctx, a, "an alignment") for a in f.align), default=1)
        members.append((f.name, _laid_out(unqualified(ctx, f.type), f), least))
        if sum(field_count(t) for _, t, _ in members) > MAX_FIELDS:
            raise unsupported("TV0104", f"a struct of more than {MAX_FIELDS} fields", f.span, "use arrays")
    return layout(name, members, align)


def _enumerators(
    ctx: Context, enum: str, items: tuple[tuple[str, ast.Expr | None], ...], t: Scalar, fixed: bool, span: Span
) -> None:
    """Each by its name, and by the enum's and its own; inside the list by its bare name, which has the type of its initializer there
    where the enum's own is not fixed."""
    from tv.cuda_frontend.expressions import constant

    following, kind, inside = 0, t, Scope()
    for name, given in items:
        ctx.scopes.append(inside)
        n = following if given is None else constant(ctx, given, "an enumerator")
        kind = t if fixed else kind if given is None else _own_type(ctx, given, name)
        ctx.scopes.pop()
        if not _holds(t, n) or not _holds(kind, n):
            help = "write a type that holds it: `enum E : long long`"
            raise unsupported("TV0111", f"the enumerator `{name}` outside of `{Arith(t)}`", span, help)
        made = _number(t, n)
        for known in {name, f"{enum}::{name.rpartition('::')[2]}"}:
            if ctx.scopes[-1].places.setdefault(known, made) != made:
                raise unsupported("TV0122", f"two enumerators `{known}`", span, "rename one")
        inside.places[name.rpartition("::")[2]] = _number(kind, n)
        following = n + 1


def _own_type(ctx: Context, given: ast.Expr, name: str) -> Scalar:
    from tv.cuda_frontend.expressions import type_of

    found = type_of(ctx, given)
    if not isinstance(found, Arith) or found.scalar.is_float:
        raise unsupported("TV0111", f"the enumerator `{name}` of type `{found}`", given.span, "give it an integer")
    return found.scalar


def _holds(t: Scalar, n: int) -> bool:
    if t is S.BOOL:
        return n in (0, 1)
    low = -(1 << (t.bits - 1)) if t.signed else 0
    return low <= n < low + (1 << t.bits)


def _number(t: Scalar, n: int) -> Known:
    from tv.cuda_frontend import fold

    return Known(Value(Arith(t), (fold.integer(t, n, NOWHERE),)))


def _new(types: dict[str, CType], name: str, t: CType, span: Span) -> None:
    if name in types and types[name] != t:
        raise unsupported("TV0122", f"two types `{name}`", span)
    types[name] = t


def _laid_out(t: CType, f: ast.Variable) -> CType:
    """A field's type. Raises Unsupported for one without a size."""
    inner = t
    while isinstance(inner, Array) and inner.count is not None:
        inner = inner.element
    if not isinstance(inner, Arith | Vector | Struct | Ptr):
        raise unsupported(
            "TV0111", f"the field `{f.name}` of type `{t}`", f.span, "use numbers, pointers and structs of them"
        )
    return t
