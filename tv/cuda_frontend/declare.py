"""Declarations inside functions: scalars in variables, arrays and whatever has its address taken in memory objects."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.classes import converted, require_plain_default
from tv.cuda_frontend.context import Context, Target, unsupported
from tv.cuda_frontend.convert import require_scalars, to_type, type_error
from tv.cuda_frontend.ctype import (
    Arith,
    Array,
    CType,
    Ptr,
    Struct,
    Vector,
    align_of,
    element_scalar,
    holds_pointers,
    leaves,
    size_of,
)
from tv.cuda_frontend.initializers import COMPONENT, initial_value, zero_value
from tv.cuda_frontend.places import point
from tv.cuda_frontend.typenames import declare_type, qualifiers, reference, resolve, restricted_pointer
from tv.cuda_frontend.usage import evaluated, names_in, nodes
from tv.cuda_frontend.values import (
    Aggregate,
    HandleValue,
    Known,
    Memory,
    Place,
    Pointer,
    PointerRegister,
    Record,
    Register,
    Result,
    Value,
)
from tv.kernel import Const, Declare, Expr, Load, MemoryObject, MemRef, Scalar, Space, Store, Var
from tv.source import Span

S = Scalar
_IGNORED = frozenset({"register", "auto", "constexpr"})


def declare(ctx: Context, d: ast.Decl) -> None:
    """A declaration in a function's body."""
    match d:
        case ast.Variable():
            variable(ctx, d)
        case ast.Assertion(cond=cond):
            static_assert(ctx, cond, d.span)
        case ast.Function():
            raise unsupported("TV0111", "a function declared inside a function", d.span)
        case _:
            declare_type(ctx, d)


def static_assert(ctx: Context, cond: ast.Expr, span: Span) -> None:
    from tv.cuda_frontend.expressions import constant
    from tv.diagnostic import BadInput

    if not constant(ctx, cond, "a `static_assert`"):
        raise BadInput(
            "TV0118",
            "this `static_assert` is false",
            span,
            "give the macros in it other values: `defines` in the specification, or -D",
        )


def variable(ctx: Context, d: ast.Variable) -> None:
    if d.name in ctx.scopes[-1].places:
        raise type_error(f"`{d.name}` is declared twice in one block", d.span, "rename one")
    words = d.storage - _IGNORED
    if "__shared__" in words:
        shared(ctx, d, "extern" in words)
        return
    constant = d.init is not None and (qualifiers(d.type)[0] or "constexpr" in d.storage)
    if words == {"static"} and constant and not isinstance(d.type, ast.PointerType):
        words = frozenset()  # a constant of constant value, which is the same in every call
    if words == {"static"}:
        help = "make it a parameter, a `__shared__` or a `__device__` variable; a constant is `static constexpr`"
        raise unsupported("TV0111", f"the static variable `{d.name}`, which all threads share", d.span, help)
    if words:
        raise unsupported("TV0111", f"`{' '.join(sorted(words))}` in a function", d.span)
    check_own_name(d)
    if reference(d.type):
        bind_reference(ctx, d)
        return
    const, volatile = qualifiers(d.type)
    if volatile:
        raise unsupported("TV0111", f"the volatile local variable `{d.name}`", d.span)
    const = const or "constexpr" in d.storage
    if isinstance(d.type, ast.AutoType):
        automatic(ctx, d, const)
        return
    if isinstance(d.type, ast.PointerType) and isinstance(d.type.target, ast.AutoType):
        automatic_pointer(ctx, d, d.type, const)
        return
    t = resolve(ctx, d.type)
    if isinstance(t, Array) and t.count is None:
        t = counted(t, d)
    if d.init is None:
        require_plain_default(ctx, t, d.span)
        define(ctx, d.name, t, None, const, d)
        return
    if any(names_in(nodes(d.init), d.name)):
        ctx.scopes[-1].places[d.name] = Known(zero_value(t, d.span))  # for its type alone: `sizeof` looks at it
    define(ctx, d.name, t, first_value(ctx, t, d.init, d.span), const, d)


def first_value(ctx: Context, t: CType, init: ast.Expr, span: Span) -> Result:
    """`T x = init;`: a pointer may come from an object with a conversion function, which is called nowhere else."""
    from tv.cuda_frontend.expressions import value

    if not isinstance(t, Ptr) or isinstance(init, ast.InitList):
        return initial_value(ctx, t, init, span)
    r = value(ctx, init)
    if isinstance(r, Value) and isinstance(r.type, Struct):
        r = converted(ctx, r, t, span)
    return to_type(ctx, r, t, span)


def check_own_name(d: ast.Variable) -> None:
    """A variable is declared before its initializer: its name there is not an outer variable of that name.

    Raises Unsupported where the initializer uses the name's value, or where the name has no type yet.
    """
    if d.init is None:
        return
    untyped = isinstance(d.type, ast.AutoType) or reference(d.type)
    for use in names_in(nodes(d.init) if untyped else evaluated(d.init), d.name):
        help = "a variable is in scope in its own initializer: give it another name than the outer one"
        raise unsupported("TV0124", f"the variable `{d.name}` in its own initializer", use.span, help)


def counted(t: Array, d: ast.Variable) -> Array:
    """`T a[] = {...}`: the initializer's length."""
    if not isinstance(d.init, ast.InitList):
        raise unsupported("TV0111", f"the array `{d.name}` without an extent", d.span)
    return Array(t.element, len(d.init.items))


def automatic(ctx: Context, d: ast.Variable, const: bool) -> None:
    from tv.cuda_frontend.expressions import value

    if d.init is None or isinstance(d.init, ast.InitList):
        raise unsupported("TV0111", "`auto` without an expression", d.span, "write the type")
    r = value(ctx, d.init)
    if isinstance(r, Pointer):  # what `auto` stands for has no qualifiers of its own
        r = replace(r, type=replace(r.type, restrict=isinstance(d.type, ast.AutoType) and d.type.restrict))
    elif isinstance(d.type, ast.AutoType) and d.type.restrict:
        restricted_pointer(r.type, d.span)
    define(ctx, d.name, r.type, r, const, d)


def automatic_pointer(ctx: Context, d: ast.Variable, t: ast.PointerType, const: bool) -> None:
    """`auto* p = ...;` points to what its initializer does."""
    from tv.cuda_frontend.expressions import value

    if d.init is None or isinstance(d.init, ast.InitList):
        raise unsupported("TV0111", "`auto` without an expression", d.span, "write the type")
    r = value(ctx, d.init)
    if not isinstance(r, Pointer):
        raise type_error(f"`auto*` of `{r.type}`", d.span, "write `auto`")
    kind = replace(r.type, const=r.type.const or qualifiers(t.target)[0], restrict=t.restrict)
    define(ctx, d.name, kind, replace(r, type=kind), const, d)


def bind_reference(ctx: Context, d: ast.Variable) -> None:
    """Raises Unsupported where the referent has another type: a temporary would be bound, a copy of its value."""
    from tv.cuda_frontend.lvalues import referent

    assert isinstance(d.type, ast.PointerType)
    if d.init is None:
        raise type_error(f"the reference `{d.name}` is not bound", d.span)
    bound = referent(ctx, d.init)
    found = bound.value.type if isinstance(bound, Known) else bound.type
    if not isinstance(d.type.target, ast.AutoType):
        kind = resolve(ctx, d.type.target)
        if kind != found:
            raise type_error(f"`{found}` bound to a reference to `{kind}`", d.span, "copy it into a variable first")
    ctx.scopes[-1].places[d.name] = referring(ctx, d.name, d.type, stable(ctx, bound, d.span), d.span)


def referring(ctx: Context, name: str, t: ast.TypeSyntax, p: Place, span: Span) -> Place:
    """What the reference `name` of type `t` is: its referent, which a reference to const does not change."""
    if isinstance(t, ast.PointerType) and restricts(ctx, t.target):
        raise unsupported("TV0111", f"`{name}`, a reference to a `__restrict__` pointer", span, "copy the pointer")
    if isinstance(t, ast.PointerType) and t.restrict:
        if not isinstance(p, Memory):
            raise unsupported("TV0111", f"the `__restrict__` reference `{name}`", span, "remove `__restrict__`")
        p = replace(p, bases=p.bases | ctx.claim(name))
    return replace(p, const=True) if qualifiers(t)[0] and isinstance(p, (Register, Memory, Record)) else p


def restricts(ctx: Context, t: ast.TypeSyntax) -> bool:
    """Is this the type of a `__restrict__` pointer?"""
    if isinstance(t, ast.AutoType):
        return t.restrict
    kind = resolve(ctx, t)
    return isinstance(kind, Ptr) and kind.restrict


def stable(ctx: Context, p: Place, span: Span) -> Place:
    """A place whose address stays what it is now."""
    from tv.cuda_frontend.places import require_aligned

    match p:
        case Memory():
            require_aligned(ctx, p, span)
            entry = None if p.entry is None else ctx.keep(p.entry, span)
            return replace(p, offset=ctx.keep(p.offset, span), needs=(), entry=entry)
        case Record(fields=fields):
            return replace(p, fields=tuple(stable(ctx, f, span) for f in fields))
        case Known(value=Value(type=t, parts=parts)):
            return Known(Value(t, tuple(ctx.keep(x, span) for x in parts)))
        case Known(value=Pointer() as pointer):
            entry = None if pointer.entry is None else ctx.keep(pointer.entry, span)
            return Known(replace(pointer, offset=ctx.keep(pointer.offset, span), entry=entry))
        case _:
            return p


# ------------------------------------------------------------------------------------------------ storage
def restricted(ctx: Context, name: str, t: CType, r: Result) -> Result:
    """The value of a `__restrict__` pointer of an inlined function, or of a local one."""
    if not isinstance(t, Ptr) or not isinstance(r, Pointer) or not t.restrict or r.object is None:
        return r
    return replace(r, bases=r.bases | ctx.claim(name))


def define(ctx: Context, name: str, t: CType, r: Result | None, const: bool, d: ast.Variable) -> None:
    """Gives `name` its storage and its first value."""
    if isinstance(t, Struct) and holds_pointers(t) and (r is None or isinstance(r, Aggregate)):
        from tv.cuda_frontend.records import define_record

        define_record(ctx, name, t, r, const, d)
        return
    before = r.bases if isinstance(r, Pointer) else frozenset()
    if r is not None:
        r = restricted(ctx, name, t, r)
    match t, r:
        case Ptr(), _ if not addressed(ctx, name):
            own = ctx.fresh(name)
            claim = r.bases - before if isinstance(r, Pointer) else frozenset[str]()
            if t.restrict and not claim:
                claim = ctx.claim(name)
            ctx.scopes[-1].places[name] = PointerRegister(t, own, claim)
            if isinstance(r, Pointer):
                ctx.targets[own] = Target(r.object, r.readonly, bases=r.bases)
                point(ctx, own, r, d.span)
        case _, HandleValue():
            ctx.scopes[-1].places[name] = Known(r)
        case Arith(), Value(parts=(Const(),)) if const and not addressed(ctx, name):
            ctx.scopes[-1].places[name] = Known(r)
        case _, Pointer():
            raise unsupported("TV0115", f"the address of the pointer `{name}` is taken", d.span)
        case ((Arith() | Vector() | Struct()), _) if in_registers(t) and not addressed(ctx, name):
            registers(ctx, name, t, r, const, d.span)
        case ((Arith() | Vector() | Struct() | Array()), _):
            local_object(ctx, name, t, r, const, d)
        case _:
            raise unsupported("TV0111", f"a variable of type `{t}`", d.span)


def addressed(ctx: Context, name: str) -> bool:
    return bool(ctx.frames) and name in ctx.frame.addressed


def in_registers(t: CType) -> bool:
    """Structs with arrays live in memory: their elements are indexed."""
    if isinstance(t, Struct):
        return all(in_registers(f) for _, f, _ in t.fields)
    return isinstance(t, (Arith, Vector))


def leaf_names(t: CType) -> list[str]:
    match t:
        case Vector(count=n):
            return [f".{c}" for c in COMPONENT[:n]]
        case Struct(fields=fields):
            return [f".{f}{inner}" for f, kind, _ in fields for inner in leaf_names(kind)]
        case _:
            return [""]


def registers(ctx: Context, name: str, t: CType, r: Result | None, const: bool, span: Span) -> None:
    kinds = [s for s, _ in leaves(t)]
    base = ctx.fresh(name)
    vars = tuple(
        Var(s, ctx.fresh(base + leaf) if leaf else base, span) for s, leaf in zip(kinds, leaf_names(t), strict=True)
    )
    ctx.scopes[-1].places[name] = Register(t, vars, const)
    if r is None:
        for v in vars:
            ctx.undefined[v.name] = (v, span)
            ref = MemRef(f"{v.name}.undefined", fold.integer(S.I64, 0, span), v.type, span=span)
            ctx.emit(Load(span, (v,), ref))
        return
    assert isinstance(r, Value)
    for v, part in zip(vars, r.parts, strict=True):
        ctx.assign(v, part, span)


def alignment(ctx: Context, d: ast.Variable, t: CType) -> int:
    from tv.cuda_frontend.expressions import constant

    return max([align_of(t), *(constant(ctx, a, "an alignment") for a in d.align)])


def extents(t: CType) -> tuple[int, ...]:
    """C dimensions in elements of the scalar type, outermost first."""
    match t:
        case Array(element=e, count=n) if n is not None:
            return (n, *extents(e))
        case Vector(count=n):
            return (n,)
        case Struct(size=n):
            return (n // element_scalar(t).bytes,)
        case _:
            return ()


def new_object(ctx: Context, name: str, space: Space, t: CType, align: int, span: Span) -> str:
    require_scalars(t, span)
    own = ctx.fresh(name)
    ctx.objects[own] = MemoryObject(own, space, element_scalar(t), extents(t) or (1,), align, span)
    return own


def local_object(ctx: Context, name: str, t: CType, r: Result | None, const: bool, d: ast.Variable) -> None:
    own = new_object(ctx, name, Space.LOCAL, t, alignment(ctx, d, t), d.span)
    zero = fold.integer(S.I64, 0, d.span)
    ctx.scopes[-1].places[name] = Memory(t, own, zero, const=const)
    ctx.scopes[-1].objects.append(own)
    if const:
        ctx.constants.add(own)
    ctx.emit(Declare(d.span, own))
    if isinstance(r, Value):
        fill(ctx, own, t, r.parts, d.span)


def fill(ctx: Context, object: str, t: CType, parts: tuple[Expr, ...], span: Span) -> None:
    if isinstance(t, Array):
        size, per = size_of(t.element), len(leaves(t.element))
        if len(parts) > 4096:
            raise unsupported("TV0111", f"an initializer of {len(parts)} elements", span, "fill the array in a loop")
        for i in range(len(parts) // per):
            write_at(ctx, object, t.element, i * size, parts[i * per : (i + 1) * per], span)
    else:
        write_at(ctx, object, t, 0, parts, span)


def write_at(ctx: Context, object: str, t: CType, at: int, parts: tuple[Expr, ...], span: Span) -> None:
    from tv.cuda_frontend.places import runs

    if isinstance(t, Array):
        per = len(leaves(t.element))
        for i in range(len(parts) // per):
            write_at(ctx, object, t.element, at + i * size_of(t.element), parts[i * per : (i + 1) * per], span)
        return
    done = 0
    for _, shift, count in runs(t, span):
        values = parts[done : done + count]
        ref = MemRef(object, fold.integer(S.I64, at + shift, span), values[0].type, count, span=span)
        ctx.emit(Store(span, ref, values))
        done += count


# ------------------------------------------------------------------------------------------------ shared memory
def shared(ctx: Context, d: ast.Variable, dynamic: bool) -> None:
    if d.init is not None:
        raise unsupported("TV0111", f"the shared variable `{d.name}` with an initializer", d.span)
    t = resolve(ctx, d.type)
    _, volatile = qualifiers(d.type)
    zero = fold.integer(S.I64, 0, d.span)
    access = "volatile" if volatile else "weak"
    if dynamic:
        dynamic_shared(ctx, d, t)
        ctx.scopes[-1].places[d.name] = Memory(t, "dynamic_shared", zero, access)
        return
    if isinstance(t, Array) and t.count is None:
        raise unsupported(
            "TV0111", f"the shared array `{d.name}` without an extent", d.span, "write `extern __shared__`"
        )
    if isinstance(t, Ptr):
        raise unsupported("TV0115", "a pointer in shared memory", d.span)
    key = (id(d), *ctx.frame.binding)
    if key not in ctx.statics:
        ctx.statics[key] = new_object(ctx, d.name, Space.SHARED, t, alignment(ctx, d, t), d.span)
    ctx.scopes[-1].places[d.name] = Memory(t, ctx.statics[key], zero, access)


def dynamic_shared(ctx: Context, d: ast.Variable, t: CType) -> None:
    """All `extern __shared__` names are one object; nvcc aligns it to 16 bytes, or more where declared."""
    align = max(16, alignment(ctx, d, t))
    old = ctx.objects.get("dynamic_shared")
    if old is None:
        ctx.names.add("dynamic_shared")
        ctx.objects["dynamic_shared"] = MemoryObject(
            "dynamic_shared", Space.SHARED, element_scalar(t), None, align, d.span
        )
    elif align > old.align:
        ctx.objects["dynamic_shared"] = MemoryObject("dynamic_shared", Space.SHARED, old.element, None, align, old.span)
