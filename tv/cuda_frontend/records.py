"""Variables of structs that hold pointers: a place for each field."""

from __future__ import annotations

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, Scope, unsupported
from tv.cuda_frontend.ctype import Array, Ptr, Struct
from tv.cuda_frontend.declare import addressed, define
from tv.cuda_frontend.values import Aggregate, Memory, Place, Pointer, Record


def define_record(ctx: Context, name: str, t: Struct, r: Aggregate | None, const: bool, d: ast.Variable) -> None:
    """A struct with pointers in it: a place for each field. A copied table is the table, which nothing changes."""
    if addressed(ctx, name):
        raise unsupported("TV0115", f"the address of `{name}`, which holds pointers", d.span, "pass it by reference")
    fields: list[Place] = []
    for i, (field, kind, _) in enumerate(t.fields):
        value = None if r is None else r.fields[i]
        if isinstance(kind, Array) and isinstance(value, Pointer) and value.object in ctx.tables:
            fields.append(Memory(kind, value.object, value.offset))
            continue
        ctx.scopes.append(Scope())
        define(ctx, f"{name}.{field}", kind, value, const and not isinstance(kind, Ptr), d)
        own = ctx.scopes.pop()
        ctx.scopes[-1].objects.extend(own.objects)
        ctx.scopes[-1].claims.extend(own.claims)
        fields.append(own.places[f"{name}.{field}"])
    ctx.scopes[-1].places[name] = Record(t, tuple(fields), const)
