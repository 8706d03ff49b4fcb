"""Module scope: `__device__` and `__constant__` variables, constants that device code may use, CUDA's own variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin_memory import CONSTANTS
from tv.cuda_frontend.context import Context, Scope, unsupported
from tv.cuda_frontend.convert import require_scalars
from tv.cuda_frontend.ctype import INT, Arith, Array, CType, Ptr, Vector, element_scalar, leaves
from tv.cuda_frontend.names import THREAD_VARIABLES
from tv.cuda_frontend.values import Known, Memory, Place, Value
from tv.diagnostic import BadInput
from tv.kernel import Builtin, Const, Scalar, Space
from tv.source import Span

S = Scalar
UINT3, DIM3 = Vector("uint3", S.U32, 3, 4), Vector("dim3", S.U32, 3, 4)


def module_variable(ctx: Context, name: str, span: Span) -> Place | None:
    """The place of a name that no function declares; None where it is unknown."""
    if name in THREAD_VARIABLES:
        t = UINT3 if name in ("threadIdx", "blockIdx") else DIM3
        return Known(Value(t, tuple(Builtin(S.U32, f"{name}.{c}", span) for c in "xyz")))
    if name == "warpSize":
        return Known(Value(INT, (Const(S.I32, 32, span),)))
    if name in CONSTANTS:
        return Known(Value(INT, (Const(S.I32, CONSTANTS[name], span),)))
    found = ctx.module.globals.get(name)
    if found is None:
        return None
    d = found.decl
    if d.order > ctx.order:
        raise BadInput("TV0112", f"`{name}` is declared only later", span, f"declare it above (line {d.span.line})")
    return outside(ctx, d.order, lambda: device_variable(ctx, d) if found.device else host_constant(ctx, d, span))


def outside(ctx: Context, order: int, lower: Callable[[], Place]) -> Place:
    """Lowers with nothing but the file's own names, declared up to `order`, in scope."""
    scopes, ctx.scopes = ctx.scopes, [ctx.module.scope, Scope()]
    try:
        with ctx.seen_from(order, generic=False):
            return lower()
    finally:
        ctx.scopes = scopes


def host_constant(ctx: Context, d: ast.Variable, span: Span) -> Place:
    """`const int N = 8;`, `constexpr float eps = 1e-5f;` at file scope: device code may use the value."""
    from tv.cuda_frontend.initializers import initial_value
    from tv.cuda_frontend.typenames import qualifiers, resolve

    const = qualifiers(d.type)[0] or "constexpr" in d.storage
    if isinstance(d.type, ast.AutoType) and d.init is not None:
        from tv.cuda_frontend.expressions import type_of

        t: CType = type_of(ctx, d.init)
    else:
        t = resolve(ctx, d.type)
    if not const or d.init is None or not isinstance(t, Arith):
        help = "declare it `__device__`, `__constant__` or `constexpr`"
        raise unsupported("TV0112", f"the host variable `{d.name}` in device code", span, help)
    values: list[object] = []
    made = ctx.capture(lambda: values.append(initial_value(ctx, t, d.init, d.span) if d.init is not None else None))
    r = values[0]
    if made or not isinstance(r, Value) or not isinstance(r.parts[0], Const):
        raise unsupported("TV0117", f"`{d.name}` is not a constant", d.span)
    return Known(r)


def device_variable(ctx: Context, d: ast.Variable) -> Place:
    from tv.cuda_frontend.declare import alignment, counted, new_object
    from tv.cuda_frontend.typenames import qualifiers, resolve

    t = resolve(ctx, d.type)
    if isinstance(t, Array) and t.count is None:
        t = counted(t, d)
    if isinstance(t, Ptr):
        raise unsupported("TV0115", "a pointer at module scope", d.span)
    const, volatile = qualifiers(d.type)
    const = const or "constexpr" in d.storage
    if const and isinstance(t, Arith) and d.init is not None:
        return host_constant(ctx, d, d.span)
    if "extern" in d.storage:
        raise unsupported("TV0111", f"`extern` device variable `{d.name}`", d.span)
    key = (id(d),)
    if key not in ctx.statics:
        own = new_object(ctx, d.name, Space.GLOBAL, t, alignment(ctx, d, t), d.span)
        if own != d.name:  # its name is what it is known by in `[globals]` and in other kernels
            text = f"the variable `{d.name}` of the file, in a kernel where something else has that name too"
            raise unsupported("TV0111", text, d.span, "rename one of them")
        ctx.statics[key] = own
        ctx.initial[own] = initial_bits(ctx, d, t)
        if "__constant__" in d.storage:
            ctx.constant_memory.add(own)
        if const:
            ctx.constants.add(own)
            ctx.objects[own] = replace(ctx.objects[own], const=True)
    readonly = const or "__constant__" in d.storage
    access = "volatile" if volatile else "weak"
    return Memory(t, ctx.statics[key], Const(S.I64, 0, d.span), access, readonly)


def initial_bits(ctx: Context, d: ast.Variable, t: CType) -> tuple[int, ...]:
    """Initial elements of a module variable (zero where there is no initialiser), as bits of the object's element type."""
    from tv.cuda_frontend.initializers import initial_value

    require_scalars(t, d.span)
    kinds = leaves(t)
    element = element_scalar(t)
    if any(s is not element for s, _ in kinds):
        if d.init is not None:
            raise unsupported("TV0111", f"the initializer of `{d.name}`, of mixed types", d.span)
        from tv.cuda_frontend.ctype import size_of

        return (0,) * (size_of(t) // element.bytes)
    if d.init is None:
        return (0,) * len(kinds)
    found: list[object] = []
    init = d.init
    made = ctx.capture(lambda: found.append(initial_value(ctx, t, init, d.span)))
    r = found[0]
    if made or not isinstance(r, Value) or not all(isinstance(p, Const) for p in r.parts):
        raise unsupported("TV0117", f"the initializer of `{d.name}` is not constant", d.span)
    return tuple(p.bits for p in r.parts if isinstance(p, Const))
