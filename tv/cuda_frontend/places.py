"""Places: what an lvalue denotes, reading it and writing it, and the addresses of things."""

from __future__ import annotations

from dataclasses import replace

from tv.cuda_frontend import fold
from tv.cuda_frontend.context import Context, Target, unsupported
from tv.cuda_frontend.convert import require_scalars, type_error
from tv.cuda_frontend.ctype import Arith, Array, CType, Ptr, Struct, Vector, Void, leaves, size_of
from tv.cuda_frontend.names import nearest
from tv.cuda_frontend.predefined import OWN
from tv.cuda_frontend.restrict import based_on
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
from tv.kernel import Aligned, Binary, Const, Convert, Expr, Inside, MemRef, Scalar, Space, Store, Var
from tv.source import Span

S = Scalar
COMPONENTS = {"x": 0, "y": 1, "z": 2, "w": 3}
OTHER_OBJECTS = "use one array and an offset, or write the access in both arms of an `if`"


def read(ctx: Context, place: Place, span: Span) -> Result:
    """The value at a place; arrays become pointers to their first element. Memory is read here, once."""
    match place:
        case Known(value=v):
            return v
        case Register(type=t, vars=vs):
            return Value(t, tuple(Var(v.type, v.name, span) for v in vs))
        case PointerRegister(type=t, name=name):
            target = target_of(ctx, place, span)
            entry = Var(S.I64, entry_name(name), span) if target.object in ctx.tables.values() else None
            return Pointer(t, target.object, Var(S.I64, name, span), target.readonly, target.bases, entry)
        case Record(type=t, fields=fields):
            return Aggregate(t, tuple(read(ctx, f, span) for f in fields))
        case Memory(type=Array(element=e), object=o, offset=at):
            require_aligned(ctx, place, span)
            kind = Ptr(e, place.const, place.access == "volatile")
            return Pointer(kind, o, at, place.access == "readonly", place.bases, place.entry)
        case Memory(type=Ptr(), object=o) if o in ctx.tables:
            return followed(ctx, place, span)
        case Memory(type=t, object=o):
            ctx.require_alive(o, span)
            require_aligned(ctx, place, span, accessed=True)
            return Value(t, tuple(x for ref in pieces(place, place.access, span) for x in ctx.load(ref)))
        case _:
            raise type_error("this cannot be read", span)


def target_of(ctx: Context, place: PointerRegister, span: Span) -> Target:
    target = ctx.targets.get(place.name)
    if target is None:
        raise unsupported("TV0124", "a pointer that was never assigned", span)
    if target.unknown:
        raise unsupported("TV0115", "a pointer into one of several objects, depending on the path", span, OTHER_OBJECTS)
    ctx.require_alive(target.object, span)
    return target


def runs(t: CType, span: Span) -> list[tuple[Scalar, int, int]]:
    """How a value of type `t` is accessed: (scalar, byte offset, count), each one access."""
    if isinstance(t, Vector) and t.count in (1, 2, 4) and t.align == size_of(t):
        return [(t.scalar, 0, t.count)]
    try:
        return [(s, at, 1) for s, at in leaves(t)]
    except ValueError as error:
        raise unsupported("TV0111", f"an access to a whole `{t}`", span) from error


def pieces(place: Memory, access: str, span: Span) -> list[MemRef]:
    """The accesses that a whole value at `place` is read or written by."""
    claims = based_on(place.bases)
    return [
        MemRef(
            place.object,
            fold.offset_add(place.offset, fold.integer(S.I64, at, span), span),
            s,
            count,
            access,
            span,
            claims,
            place.entry,
        )
        for s, at, count in runs(place.type, span)
    ]


def write(ctx: Context, place: Place, value: Result, span: Span) -> None:
    """Stores a value of the place's own type."""
    match place, value:
        case ((Register(const=True) | Memory(const=True) | Record(const=True) | Known()), _):
            raise type_error("assignment to a `const`, or to something that is no variable", span)
        case Register(vars=vs), Value(parts=parts):
            if len(vs) == 1:
                ctx.assign(vs[0], parts[0], span)
                return
            # components may be permuted by the assignment (`v = make_float2(v.y, v.x)`): read all before writing any
            kept = [p if is_plain(p, vs, i) else ctx.keep(p, span) for i, p in enumerate(parts)]
            for v, p in zip(vs, kept, strict=True):
                ctx.assign(v, p, span)
        case PointerRegister(name=name), Pointer():
            ctx.targets[name] = Target(value.object, value.readonly, bases=value.bases | place.claim)
            point(ctx, name, value, span)
        case Record(fields=fields), Aggregate(fields=values):
            for field, part in zip(fields, values, strict=True):
                write(ctx, field, part, span)
        case Memory(object=o), Value(parts=parts):
            ctx.require_alive(o, span)
            ctx.require_writable(o, span)
            require_aligned(ctx, place, span, accessed=True)
            access = "volatile" if place.access == "volatile" else "weak"
            done = 0
            for ref in pieces(place, access, span):
                ctx.emit(Store(span, ref, parts[done : done + ref.count]))
                done += ref.count
        case Memory(), Pointer():
            raise unsupported(
                "TV0115", "a pointer stored in memory", span, "an address must name one object; store an offset"
            )
        case _:
            raise type_error("this cannot be assigned", span)


def point(ctx: Context, name: str, p: Pointer, span: Span) -> None:
    """Lets the pointer variable `name` be `p`."""
    ctx.assign(Var(S.I64, name, span), p.offset, span)
    if p.entry is not None:
        ctx.assign(Var(S.I64, entry_name(name), span), p.entry, span)


def entry_name(pointer: str) -> str:
    """The variable that says which of a table's buffers a pointer variable points into."""
    return f"{pointer}.entry"


def located(p: Pointer | Memory) -> tuple[Expr, ...]:
    """The numbers in an address."""
    return (p.offset,) if p.entry is None else (p.offset, p.entry)


def followed(ctx: Context, place: Memory, span: Span) -> Pointer:
    """The pointer that stands in a table, which has to be there."""
    assert isinstance(place.type, Ptr)
    entry = ctx.keep(quotient(place.offset, size_of(place.type), span), span)
    object, zero = ctx.tables[place.object], fold.integer(S.I64, 0, span)
    ctx.emit(Inside(span, object, entry, zero, 0))
    t = place.type
    return Pointer(t, object, zero, t.const and t.restrict, entry=entry)


def quotient(e: Expr, n: int, span: Span) -> Expr:
    """e / n, of a sum of multiples of n (as pointer arithmetic makes it) without a division."""
    match e:
        case Const(bits=b) if b % n == 0 and b < 1 << 63:
            return fold.integer(S.I64, b // n, span)
        case Binary(op="mul", a=a, b=Const(bits=b)) if b == n:
            return a
        case Binary(op="add" | "sub" as op, a=a, b=b):
            return fold.binary(op, S.I64, quotient(a, n, span), quotient(b, n, span), span)
        case _:
            return fold.binary("div", S.I64, e, fold.integer(S.I64, n, span), span)


def is_plain(part: Expr, written: tuple[Var, ...], position: int) -> bool:
    """Whether `part` reads none of the components that are written before it."""
    from tv.cuda_frontend.effects import variables

    earlier = {v.name for v in written[:position]}
    return not earlier or not earlier.intersection(variables(part))


def named(ctx: Context, name: str, span: Span) -> Place:
    """The place of an identifier. Raises Unsupported (TV0112) naming the nearest known one."""
    from tv.cuda_frontend.calls import check_understood
    from tv.cuda_frontend.classes import qualified_constant
    from tv.cuda_frontend.globals import module_variable

    place = ctx.find(name)
    if place is None and "::" in name:
        place = qualified_constant(ctx, name)
    if place is None:
        check_understood(ctx, name, span)
        place = module_variable(ctx, name, span)
    if place is not None:
        return place
    if name in ctx.module.hosts:
        raise unsupported("TV0112", f"`{name}` belongs to host code", span, "declare it `__device__` or `constexpr`")
    if name in OWN:
        raise unsupported("TV0107", f"`{name}`, whose value is not sure here", span, "write the value")
    known = [n for scope in ctx.scopes for n in scope.places] + list(ctx.module.globals)
    raise unsupported("TV0112", f"`{name}` is not known", span, nearest(name, known))


def member(ctx: Context, place: Place, name: str, span: Span) -> Place:
    """`place.name`."""
    from tv.cuda_frontend.classes import class_constant

    if isinstance(place, Known) and isinstance(place.value, Aggregate):
        place = Record(place.value.type, tuple(Known(f) for f in place.value.fields))
    constant = class_constant(ctx, place.value.type if isinstance(place, Known) else place.type, name)
    if constant is not None:
        return constant
    match place:
        case Known(value=Value(type=t, parts=parts)):
            first, count, kind = field_of(t, name, span)
            return Known(Value(kind, parts[first : first + count]))
        case Register(type=t, vars=vs, const=const):
            first, count, kind = field_of(t, name, span)
            return Register(kind, vars_slice(vs, first, count), const)
        case Record(type=t, fields=fields):
            found = [f for (n, _, _), f in zip(t.fields, fields, strict=True) if n == name]
            if found:
                return found[0]
            raise type_error(f"`{t}` has no member `{name}`", span)
        case Memory(type=t, offset=at):
            kind, shift = field_offset(t, name, span)
            where = fold.offset_add(at, fold.integer(S.I64, shift, span), span)
            return replace(place, type=kind, offset=where)
        case _:
            raise type_error(f"`.{name}` on something that has no members", span)


def vars_slice(vs: tuple[Var, ...], first: int, count: int) -> tuple[Var, ...]:
    return vs[first : first + count]


def field_of(t: CType, name: str, span: Span) -> tuple[int, int, CType]:
    """First leaf, number of leaves and type of a member."""
    kind, at = field_offset(t, name, span)
    before = [i for i, (_, o) in enumerate(leaves(t)) if o >= at]
    return before[0], len(leaves(kind)), kind


def field_offset(t: CType, name: str, span: Span) -> tuple[CType, int]:
    match t:
        case Vector(scalar=s, count=n) if COMPONENTS.get(name, n) < n:
            return Arith(s), COMPONENTS[name] * s.bytes
        case Struct(fields=fields):
            for f, kind, at in fields:
                if f == name:
                    return kind, at
        case _:
            pass
    raise type_error(f"`{t}` has no member `{name}`", span)


def dereference(ctx: Context, p: Result, span: Span) -> Memory:
    """`*p`."""
    if not isinstance(p, Pointer):
        raise type_error(f"`*` on `{p.type}`", span)
    if p.object is None:
        raise type_error("a null pointer is followed", span)
    if isinstance(p.type.target, Void):
        raise type_error("`*` on `void*`", span, "cast it to the element's type first")
    access = "volatile" if p.type.volatile else "readonly" if p.readonly else "weak"
    if p.object in ctx.tables:
        return Memory(p.type.target, p.object, p.offset, access, p.type.const)
    require_scalars(p.type.target, span)
    align = presumed(p.type.target)
    needs = ((align, p.offset),) if align > 1 else ()
    return Memory(p.type.target, p.object, p.offset, access, p.type.const, needs, p.bases, p.entry)


# ------------------------------------------------------------------------------------------------ alignment
def presumed(t: CType) -> int:
    """The alignment of an lvalue of type `t` in bytes, where the accesses to its scalars do not ask for it themselves; else 1."""
    match t:
        case Vector(scalar=s, align=a):
            return a if a > s.bytes else 1
        case Struct(align=a):
            return a if a > min((s.bytes for s, _ in leaves(t)), default=a) else 1
        case Array(element=e):
            return presumed(e)
        case _:
            return 1


def require_aligned(ctx: Context, place: Memory, span: Span, accessed: bool = False) -> None:
    """States the alignments that an access to `place` presumes: compilers merge accesses to neighbouring members by them.

    accessed: all of it, here; the one access of a vector asks for its alignment itself.
    """
    for align, at in place.needs:
        parts = runs(place.type, span) if accessed else []
        whole = len(parts) == 1 and at == place.offset and parts[0][0].bytes * parts[0][2] >= align
        own = ctx.objects[place.object]
        known = own.space is not Space.GLOBAL and own.align % align == 0 and multiple(at, align)
        if not whole and not known:
            ctx.emit(Aligned(span, place.object, at, align))


def multiple(e: Expr, n: int) -> bool:
    """Whether an integer is a multiple of `n`, a power of two, by its form; overflow keeps that."""
    match e:
        case Const(bits=b):
            return b % n == 0
        case Binary(op="add" | "sub", a=a, b=b):
            return multiple(a, n) and multiple(b, n)
        case Binary(op="mul", a=a, b=b):
            return multiple(a, n) or multiple(b, n)
        case Convert(a=a) if a.type.is_int and e.type.is_int:
            return multiple(a, n)
        case _:
            return False


def address(ctx: Context, place: Place, span: Span) -> Pointer:
    """`&place`."""
    match place:
        case Memory(type=t, object=o, offset=at, access=access, const=const):
            return Pointer(Ptr(t, const, access == "volatile"), o, at, access == "readonly", place.bases, place.entry)
        case Known(value=HandleValue()):
            raise unsupported("TV0111", "the address of a cooperative-groups handle", span)
        case _:
            raise unsupported("TV0111", "the address of something that is not in memory", span)
