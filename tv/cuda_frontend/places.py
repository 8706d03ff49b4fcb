"""Places: what an lvalue denotes, reading it and writing it, and the addresses of things."""

from __future__ import annotations

from tv.cuda_frontend import fold
from tv.cuda_frontend.context import Context, Target, unsupported
from tv.cuda_frontend.convert import type_error
from tv.cuda_frontend.ctype import Arith, Array, CType, Ptr, Struct, Vector, Void, leaves, size_of
from tv.cuda_frontend.names import nearest
from tv.cuda_frontend.values import HandleValue, Known, Memory, Place, Pointer, PointerRegister, Register, Result, Value
from tv.kernel import Expr, Scalar, Var
from tv.source import Span

S = Scalar
COMPONENTS = {"x": 0, "y": 1, "z": 2, "w": 3}
OTHER_OBJECTS = "use one array and an offset, or branch and write the accesses twice"


def read(ctx: Context, place: Place, span: Span) -> Result:
    """The value at a place; arrays become pointers to their first element. Memory is read here, once."""
    match place:
        case Known(value=v):
            return v
        case Register(type=t, vars=vs):
            return Value(t, tuple(Var(v.type, v.name, span) for v in vs))
        case PointerRegister(type=t, name=name):
            target = target_of(ctx, place, span)
            return Pointer(t, target.object, Var(S.I64, name, span), target.readonly)
        case Memory(type=Array(element=e), object=o, offset=at):
            return Pointer(Ptr(e, place.const, place.access == "volatile"), o, at, place.access == "readonly")
        case Memory(type=t, object=o, offset=at):
            return Value(t, read_leaves(ctx, t, o, at, place.access, span))
        case _:
            raise type_error("this cannot be read", span)


def target_of(ctx: Context, place: PointerRegister, span: Span) -> Target:
    target = ctx.targets.get(place.name)
    if target is None:
        raise unsupported("TV0124", "a pointer that was never assigned", span)
    if target.unknown:
        raise unsupported("TV0115", "a pointer into one of several objects, depending on the path", span, OTHER_OBJECTS)
    return target


def runs(t: CType, span: Span) -> list[tuple[Scalar, int, int]]:
    """How a value of type `t` is accessed: (scalar, byte offset, count), each one access."""
    if isinstance(t, Vector) and t.count in (1, 2, 4) and t.align == size_of(t):
        return [(t.scalar, 0, t.count)]
    try:
        return [(s, at, 1) for s, at in leaves(t)]
    except ValueError as error:
        raise unsupported("TV0111", f"an access to a whole `{t}`", span) from error


def read_leaves(ctx: Context, t: CType, object: str, offset: Expr, access: str, span: Span) -> tuple[Expr, ...]:
    parts: list[Expr] = []
    for scalar, at, count in runs(t, span):
        where = fold.offset_add(offset, fold.integer(S.I64, at, span), span)
        parts.extend(ctx.load(object, where, scalar, count, access, span))
    return tuple(parts)


def write(ctx: Context, place: Place, value: Result, span: Span) -> None:
    """Stores a value of the place's own type."""
    match place, value:
        case ((Register(const=True) | Memory(const=True) | Known()), _):
            raise type_error("assignment to a `const`, or to something that is no variable", span)
        case Register(type=t, vars=vs), Value(parts=parts):
            if len(vs) == 1:
                ctx.assign(vs[0], parts[0], span)
                return
            # components may be permuted by the assignment (`v = make_float2(v.y, v.x)`): read all before writing any
            kept = [p if is_plain(p, vs, i) else ctx.keep(p, span) for i, p in enumerate(parts)]
            for v, p in zip(vs, kept, strict=True):
                ctx.assign(v, p, span)
        case PointerRegister(type=t, name=name), Pointer():
            ctx.targets[name] = Target(value.object, value.readonly)
            ctx.assign(Var(S.I64, name, span), value.offset, span)
        case Memory(type=t, object=o, offset=at), Value(parts=parts):
            done = 0
            for _, shift, count in runs(t, span):
                where = fold.offset_add(at, fold.integer(S.I64, shift, span), span)
                access = "volatile" if place.access == "volatile" else "weak"
                ctx.store(o, where, parts[done : done + count], access, span)
                done += count
        case Memory(), Pointer():
            raise unsupported(
                "TV0115", "a pointer stored in memory", span, "an address must name one object; store an offset"
            )
        case _:
            raise type_error("this cannot be assigned", span)


def is_plain(part: Expr, written: tuple[Var, ...], position: int) -> bool:
    """Whether `part` reads none of the components that are written before it."""
    from tv.cuda_frontend.effects import variables

    earlier = {v.name for v in written[:position]}
    return not earlier or not earlier.intersection(variables(part))


def named(ctx: Context, name: str, span: Span) -> Place:
    """The place of an identifier. Raises Unsupported (TV0112) naming the nearest known one."""
    from tv.cuda_frontend.calls import check_understood
    from tv.cuda_frontend.globals import module_variable

    place = ctx.find(name)
    if place is None:
        check_understood(ctx, name, span)
        place = module_variable(ctx, name, span)
    if place is not None:
        return place
    if name in ctx.module.hosts:
        raise unsupported("TV0112", f"`{name}` belongs to host code", span, "declare it `__device__` or `constexpr`")
    known = [n for scope in ctx.scopes for n in scope.places] + list(ctx.module.globals)
    raise unsupported("TV0112", f"`{name}` is not known", span, nearest(name, known))


def member(ctx: Context, place: Place, name: str, span: Span) -> Place:
    """`place.name`."""
    match place:
        case Known(value=Value(type=t, parts=parts)):
            first, count, kind = field_of(t, name, span)
            return Known(Value(kind, parts[first : first + count]))
        case Register(type=t, vars=vs, const=const):
            first, count, kind = field_of(t, name, span)
            return Register(kind, vars_slice(vs, first, count), const)
        case Memory(type=t, object=o, offset=at):
            kind, shift = field_offset(t, name, span)
            where = fold.offset_add(at, fold.integer(S.I64, shift, span), span)
            return Memory(kind, o, where, place.access, place.const)
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
    return Memory(p.type.target, p.object, p.offset, access, p.type.const)


def address(ctx: Context, place: Place, span: Span) -> Pointer:
    """`&place`."""
    match place:
        case Memory(type=t, object=o, offset=at, access=access, const=const):
            return Pointer(Ptr(t, const, access == "volatile"), o, at, access == "readonly")
        case Known(value=HandleValue()):
            raise unsupported("TV0111", "the address of a cooperative-groups handle", span)
        case _:
            raise unsupported("TV0111", "the address of something that is not in memory", span)
