"""Kernel parameters: pointers, tables of pointers, numbers, and structs by value field by field.

Every pointer is a parameter of its own whose name is the path to it, `p.x`, and so is every table: `p.w`, `ws`. All that a
table's pointers point to is one object; an access to it says through which of them it goes. The table itself is read where a
pointer is taken from it, and written nowhere: it lies in the launch's arguments, or in memory that no pointer here reaches.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, Target, unsupported
from tv.cuda_frontend.convert import require_scalars
from tv.cuda_frontend.ctype import (
    Arith,
    Array,
    CType,
    Ptr,
    Struct,
    Vector,
    Void,
    align_of,
    element_scalar,
    holds_pointers,
    leaves,
    size_of,
)
from tv.cuda_frontend.declare import define, in_registers, leaf_names
from tv.cuda_frontend.typenames import qualifiers, reference, resolve
from tv.cuda_frontend.values import Aggregate, Known, Memory, Place, Pointer, PointerRegister, Record, Result, Value
from tv.kernel import Const, MemoryObject, Param, Parameter, Scalar, Space, Var
from tv.source import Span

S = Scalar
TABLE = "[]"  # what the name of a table's own memory ends with


def parameter(ctx: Context, v: ast.Variable) -> list[Parameter]:
    """The records of one parameter: one, or one a field for a struct. Raises Unsupported (TV0111, TV0115)."""
    if reference(v.type):
        raise unsupported("TV0111", f"the kernel parameter `{v.name}` is a reference", v.span)
    t = resolve(ctx, v.type)
    if isinstance(t, Array):
        t = Ptr(t.element, *qualifiers(v.type))
    if isinstance(t, Ptr):
        return [pointer_parameter(ctx, v, t)]
    if isinstance(t, (Arith, Vector)) or (isinstance(t, Struct) and in_registers(t)):
        return scalar_parameters(ctx, v, t)
    if isinstance(t, Struct) and holds_pointers(t):
        return record_parameters(ctx, v, t)
    help = "pass its arrays as parameters of their own, and its numbers one by one"
    raise unsupported("TV0111", f"a kernel parameter of type `{t}`", v.span, help)


def pointer_parameter(ctx: Context, v: ast.Variable, t: Ptr) -> Parameter:
    target, record = given(ctx, v.name, t, v.span)
    assert isinstance(target, Pointer)
    if v.name in ctx.frame.assigned:
        own = ctx.fresh(v.name)
        ctx.scopes[-1].places[v.name] = PointerRegister(t, own)
        ctx.targets[own] = Target(target.object, target.readonly)
        ctx.assign(Var(S.I64, own, v.span), target.offset, v.span)
    else:
        ctx.scopes[-1].places[v.name] = Known(target)
    return record


def given(ctx: Context, name: str, t: Ptr, span: Span) -> tuple[Pointer, Parameter]:
    """The value of a pointer that the launch gives, and its record. Its object is new."""
    zero = Const(S.I64, 0, span)
    if isinstance(t.target, Ptr):
        record = table(ctx, name, t.target, 0, span)
        ctx.nullable.add(name)
        return Pointer(t, name + TABLE, zero), record
    if isinstance(t.target, Array) or (isinstance(t.target, Struct) and holds_pointers(t.target)):
        what = f"the parameter `{name}` points to arrays, or to structs with pointers"
        raise unsupported("TV0115", what, span, "pass one buffer and offsets, or the struct by value")
    if not isinstance(t.target, Void):
        require_scalars(t.target, span)
    object_of(ctx, name, t, None, span)
    ctx.nullable.add(name)
    readonly = t.const and t.restrict
    record = Parameter(name, None, element_scalar(t.target), t.const, t.restrict, span)
    return Pointer(t, name, zero, readonly), record


def object_of(ctx: Context, name: str, t: Ptr, entries: int | None, span: Span) -> None:
    align = 1 if isinstance(t.target, Void) else align_of(t.target)
    ctx.names.add(name)
    ctx.objects[name] = MemoryObject(name, Space.GLOBAL, element_scalar(t.target), None, align, span, entries=entries)


def table(ctx: Context, name: str, t: Ptr, entries: int, span: Span) -> Parameter:
    """A table of pointers of type t. entries: how many it has, 0 where the launch decides."""
    if holds_pointers(t.target) or isinstance(t.target, (Void, Array)):
        what = f"`{name}` is a table of pointers to `{t.target}`"
        raise unsupported("TV0115", what, span, "let its pointers point to numbers")
    require_scalars(t.target, span)
    object_of(ctx, name, t, entries, span)
    ctx.tables[name + TABLE] = name
    # for its place alone: no access goes there, and the kernel does not list it
    ctx.objects[name + TABLE] = MemoryObject(name + TABLE, Space.GLOBAL, S.U64, None, 8, span)
    return Parameter(name, None, element_scalar(t.target), t.const, t.const and t.restrict, span, entries=entries)


def scalar_parameters(ctx: Context, v: ast.Variable, t: CType) -> list[Parameter]:
    value, records = numbers(ctx, v.name, t, v.span)
    if v.name in ctx.frame.assigned or v.name in ctx.frame.addressed:
        define(ctx, v.name, t, value, qualifiers(v.type)[0], v)
    else:
        ctx.scopes[-1].places[v.name] = Known(value)
    return records


def numbers(ctx: Context, name: str, t: CType, span: Span) -> tuple[Value, list[Parameter]]:
    """A value without pointers that the launch gives, and a record for each of its leaves."""
    names = [name + leaf for leaf in leaf_names(t)]
    found = list(zip(names, leaves(t), strict=True))
    ctx.names.update(names)
    records = [Parameter(n, s, span=span, offset=at, whole=size_of(t)) for n, (s, at) in found]
    return Value(t, tuple(Param(s, n, span) for n, (s, _) in found)), records


# ------------------------------------------------------------------------------------------------ structs with pointers
def record_parameters(ctx: Context, v: ast.Variable, t: Struct) -> list[Parameter]:
    """A struct by value that holds pointers: each of them, each table and each number is a parameter."""
    value, records = record(ctx, v.name, t, v.span)
    ctx.names.add(v.name)
    if v.name in ctx.frame.assigned or v.name in ctx.frame.addressed:
        define(ctx, v.name, t, value, qualifiers(v.type)[0], v)
    else:
        ctx.scopes[-1].places[v.name] = constant_place(value)
    return [replace(p, whole=size_of(t)) for p in records]


def record(ctx: Context, name: str, t: Struct, span: Span) -> tuple[Aggregate, list[Parameter]]:
    """The struct's value, and records whose offsets are from its start."""
    values: list[Result] = []
    records: list[Parameter] = []
    for field, kind, at in t.fields:
        value, found = field_value(ctx, f"{name}.{field}", kind, span)
        values.append(value)
        records += [replace(p, offset=at + p.offset) for p in found]
    return Aggregate(t, tuple(values)), records


def field_value(ctx: Context, name: str, t: CType, span: Span) -> tuple[Result, list[Parameter]]:
    match t:
        case Ptr():
            pointer, parameter = given(ctx, name, t, span)
            return pointer, [parameter]
        case Struct() if holds_pointers(t):
            return record(ctx, name, t, span)
        case Array() if holds_pointers(t):
            element, count = flat(t, name, span)
            records = [table(ctx, name, element, count, span)]
            return Pointer(Ptr(t.element), name + TABLE, fold.integer(S.I64, 0, span)), records
        case _ if in_registers(t):
            return numbers(ctx, name, t, span)
        case _:
            raise unsupported(
                "TV0111", f"`{name}` of type `{t}` in a kernel parameter", span, "pass its numbers one by one"
            )


def flat(t: Array, name: str, span: Span) -> tuple[Ptr, int]:
    """An array of pointers, of any dimensions, as a row of them."""
    counts = list[int]()
    element: CType = t
    while isinstance(element, Array):
        counts.append(element.count or 0)
        element = element.element
    if not isinstance(element, Ptr) or not prod(counts):
        help = "an array of each pointer instead of an array of structs: `const float* w[32]`"
        raise unsupported("TV0115", f"`{name}` is an array of structs with pointers", span, help)
    return element, prod(counts)


def constant_place(r: Result) -> Place:
    """A parameter that is never assigned."""
    if not isinstance(r, Aggregate):
        return Known(r)
    places: list[Place] = []
    for (_, kind, _), value in zip(r.type.fields, r.fields, strict=True):
        if isinstance(kind, Array) and isinstance(value, Pointer) and value.object is not None:
            places.append(Memory(kind, value.object, value.offset))
        else:
            places.append(constant_place(value))
    return Record(r.type, tuple(places), const=True)
