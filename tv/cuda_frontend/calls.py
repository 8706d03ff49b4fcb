"""Calls: device functions are inlined, built-ins looked up, methods of cooperative-groups handles dispatched."""

from __future__ import annotations

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin import BUILTINS, METHODS, Call
from tv.cuda_frontend.builtin_math import STD
from tv.cuda_frontend.class_parser import CONSTRUCTOR
from tv.cuda_frontend.context import Context, Frame, Scope, unsupported
from tv.cuda_frontend.convert import to_type, type_error
from tv.cuda_frontend.ctype import SIZE_T, Arith, CType, Ptr, Struct, Void, holds_pointers
from tv.cuda_frontend.declare import define, referring, registers, restricted, stable
from tv.cuda_frontend.names import LIMITS, TEMPLATES, nearest
from tv.cuda_frontend.places import located, member
from tv.cuda_frontend.predefined import header_functions
from tv.cuda_frontend.specialisations import specialised
from tv.cuda_frontend.templates import bind, resolvable
from tv.cuda_frontend.typenames import builtin_type, qualifiers, reference, referred, resolve
from tv.cuda_frontend.usage import addressed_names, assigned_names
from tv.cuda_frontend.values import HandleValue, Known, Memory, Place, Pointer, PointerRegister, Register, Result, Value
from tv.diagnostic import BadInput
from tv.kernel import Const, Scalar
from tv.source import Span

MAX_INLINE_DEPTH = 64
MAX_INLINED = 5_000  # two calls in each of twenty functions are a million


def call(ctx: Context, e: ast.Call) -> Result:
    """The value of a call. Raises Unsupported for a function that is not known, naming the nearest that is."""
    match e.callee:
        case ast.Name(name=name):
            return named_call(ctx, e, name)
        case ast.Member():
            return method_call(ctx, e, e.callee)
        case _:
            raise unsupported("TV0111", "a call of something else than a named function", e.span)


def named_call(ctx: Context, e: ast.Call, name: str) -> Result:
    variable = ctx.find(name)
    if variable is not None and isinstance(kind_of(variable), Struct):
        return struct_call(ctx, e, variable, "operator()")
    if variable is not None:
        raise unsupported(
            "TV0111", f"a call of the variable `{name}`", e.span, "function pointers and lambdas are not read"
        )
    check_understood(ctx, name, e.span)
    check_own_method(ctx, name, e.span)
    every = ctx.module.functions.get(name, ())
    candidates = tuple(f for f in every if f.first <= ctx.order)
    bare = name.removeprefix("std::") if name.removeprefix("std::") in STD else name
    builtin = BUILTINS.get(bare)
    if candidates != every:
        check_later(ctx, name, every, bool(candidates) or builtin is not None, e.span)
    if candidates:
        several = builtin is not None or name in ctx.module.hosts or bare in header_functions()[0]
        return user_call(ctx, e, name, candidates, overloaded=several)
    if name in ctx.module.hosts:
        raise unsupported("TV0112", f"`{name}` is a host function", e.span, "declare it `__device__`")
    if builtin is None:
        known = [*BUILTINS.entries, *ctx.module.functions]
        raise unsupported("TV0112", f"the function `{name}` is not known", e.span, nearest(name, known))
    assert isinstance(e.callee, ast.Name)
    own = bare.rsplit("::", 1)[-1] in TEMPLATES or bare.startswith(f"{LIMITS[0]}::")
    if e.callee.args is not None and not own:
        raise unsupported("TV0111", f"template arguments of `{name}`", e.span, "convert the arguments instead")
    return builtin(Call(ctx, bare, e.args, e.callee.args, e.span))


def methods_of(ctx: Context, kind: Struct, name: str) -> tuple[ast.Function, ...]:
    known = ctx.methods.get(kind.name) or ctx.module.methods.get(kind.name)
    return tuple(m for m in known[0].methods if m.name == name) if known is not None else ()


def check_own_method(ctx: Context, name: str, span: Span) -> None:
    """Inside a method, the struct's own method comes before any function of the file."""
    owner = ctx.frame.binding[0] if ctx.frames and ctx.frame.binding else None
    if isinstance(owner, Struct) and methods_of(ctx, owner, name):
        raise unsupported("TV0111", f"a call of the struct's own method `{name}`", span, "write its text")


def check_later(ctx: Context, name: str, every: tuple[ast.Function, ...], known: bool, span: Span) -> None:
    """A function declared only behind the call is not seen. Raises where nothing else is, or where a template might see it."""
    later = max(f.span.line for f in every if f.first > ctx.order)
    if not known:
        raise BadInput("TV0112", f"`{name}` is declared only later", span, f"declare it above (line {later})")
    if ctx.generic:
        message = f"a call of `{name}` in a template, with another `{name}` declared only later"
        raise unsupported("TV0111", message, span, f"declare it above the template (line {later})")


def check_understood(ctx: Context, name: str, span: Span) -> None:
    """Raises Unsupported for a name whose declaration the reader skipped because it did not understand it."""
    reason = ctx.module.refused.get(name)
    if reason is not None:
        where = f"its declaration at line {reason.span.line}: {reason.message}"
        raise unsupported("TV0111", f"`{name}`, whose declaration is not understood", span, where)


def method_call(ctx: Context, e: ast.Call, callee: ast.Member) -> Result:
    from tv.cuda_frontend.expressions import value
    from tv.cuda_frontend.lvalues import referent

    if not callee.arrow:
        owner = referent(ctx, callee.a)
        if isinstance(kind_of(owner), Struct):
            return struct_call(ctx, e, owner, callee.name)
    target = value(ctx, callee.a)
    if not isinstance(target, HandleValue):
        raise unsupported("TV0111", f"the method `{callee.name}` of `{target.type}`", e.span)
    handler = METHODS.get(callee.name)
    if handler is None:
        help = nearest(callee.name, METHODS.entries)
        raise unsupported("TV0112", f"the method `{callee.name}` of `{target.type}` is not known", e.span, help)
    return handler(Call(ctx, callee.name, e.args, None, e.span, target))


def struct_call(ctx: Context, e: ast.Call, owner: Place, name: str) -> Result:
    """A method of a struct, its fields being in scope."""
    kind = kind_of(owner)
    assert isinstance(kind, Struct)
    known = ctx.methods.get(kind.name) or ctx.module.methods.get(kind.name)
    methods = methods_of(ctx, kind, name)
    if known is None or not methods:
        raise unsupported("TV0112", f"`{kind.name}` has no method `{name}`", e.span)
    fields = fields_of(ctx, owner, kind, e.span)
    return user_call(ctx, e, name, methods, overloaded=False, own=fields, owner=kind)


def fields_of(ctx: Context, owner: Place, kind: Struct, span: Span) -> Scope:
    """The names that a member function of `kind` sees before those of the file."""
    known = ctx.methods.get(kind.name) or ctx.module.methods[kind.name]
    fields = Scope(dict(known[1].places), dict(known[1].types))
    outer, ctx.scopes = ctx.scopes, [*ctx.scopes]
    owner = stable(ctx, owner, span)
    for f, _, _ in kind.fields:
        fields.places[f] = member(ctx, owner, f, span)
    ctx.scopes = outer
    return fields


# ------------------------------------------------------------------------------------------------ device functions
def user_call(
    ctx: Context,
    e: ast.Call,
    name: str,
    candidates: tuple[ast.Function, ...],
    overloaded: bool,
    own: Scope | None = None,
    owner: Struct | None = None,
) -> Result:
    """A call of a function of the file. own: names a method sees before the file's; owner: the struct it belongs to."""
    from tv.cuda_frontend.expressions import value
    from tv.cuda_frontend.initializers import initial_value
    from tv.cuda_frontend.lvalues import maybe_lvalue, referent

    fitting = [f for f in candidates if len(f.parameters) == len(e.args)]
    if isinstance(e.callee, ast.Name) and e.callee.args is not None:
        fitting = [f for f in fitting if f.template]
    lists = listed_types(ctx, name, e, () if overloaded else candidates, own)
    places: dict[int, Place] = {}
    if len(candidates) == 1 and fitting:
        by_reference = [reference(p.type) for p in fitting[0].parameters]
    else:
        by_reference = [False] * len(e.args)
        if any(reference(p.type) for f in fitting for p in f.parameters):
            raise unsupported("TV0111", f"overloads of `{name}` with references", e.span)

    def argument(i: int) -> Result:
        if i in lists:
            return initial_value(ctx, lists[i], e.args[i], e.args[i].span)
        if not by_reference[i] or not maybe_lvalue(e.args[i]):
            return value(ctx, e.args[i])
        match referent(ctx, e.args[i]):
            case Known(value=known) as p:
                found: Result = known
            case Memory() as p:
                found = Value(SIZE_T, located(p))  # so that another argument which changes the index is refused
            case p:
                found = Value(Void())
        places[i] = p
        return found

    args = ctx.together(e.span, *[lambda i=i: argument(i) for i in range(len(e.args))])
    kinds = [kind_of(places[i]) if i in places else a.type for i, a in enumerate(args)]
    f = choose(ctx, name, fitting, kinds, overloaded, e.span, own)
    return inline(ctx, f, e, args, kinds, places, own, owner)


def listed_types(
    ctx: Context, name: str, e: ast.Call, candidates: tuple[ast.Function, ...], own: Scope | None
) -> dict[int, CType]:
    """The types of the parameters that `{...}` initialises, by position.

    Raises Unsupported (TV0111) where there is a choice of functions, and for all but aggregates: a list has no type of its own.
    """
    from tv.cuda_frontend.classes import constructors

    found: dict[int, CType] = {}
    for i, a in enumerate(e.args):
        if not isinstance(a, ast.InitList):
            continue
        help = "write the type before the braces"
        f = candidates[0] if len(candidates) == 1 else None
        if f is None or f.template or f.name == CONSTRUCTOR or len(f.parameters) != len(e.args):
            raise unsupported("TV0111", f"a braced list as an argument of `{name}`", a.span, help)
        outer, ctx.scopes = ctx.scopes, [ctx.module.scope, own or Scope()]
        with ctx.seen_from(f.order, f.generic):
            t = resolve(ctx, f.parameters[i].type)  # of a reference, it would be a temporary's
        ctx.scopes = outer
        if not isinstance(t, Struct) or holds_pointers(t) or constructors(ctx, t):
            raise unsupported("TV0111", f"a braced list as an argument of type `{t}`", a.span, help)
        found[i] = t
    return found


def kind_of(p: Place) -> CType:
    return p.value.type if isinstance(p, Known) else p.type


def choose(
    ctx: Context,
    name: str,
    fitting: list[ast.Function],
    kinds: list[CType],
    overloaded: bool,
    span: Span,
    own: Scope | None = None,
) -> ast.Function:
    """The one overload that C++ would take: the only one, or the one whose parameters have the arguments' very types.

    The parameters' types are those of the file, or of the struct (`own`), whatever the caller has named.
    """
    if not fitting:
        raise type_error(f"`{name}` with {len(kinds)} arguments", span)
    if len(fitting) == 1 and not overloaded:
        return fitting[0]
    scopes, ctx.scopes = ctx.scopes, [ctx.module.scope, own or Scope()]
    exact = [f for f in fitting if not f.template and [referred(ctx, p.type) for p in f.parameters] == kinds]
    plain = not any(several_types(ctx, f, kinds) for f in fitting)
    ctx.scopes = scopes
    if len(exact) == 1 and plain:
        return exact[0]
    raise unsupported(
        "TV0111",
        f"a call of `{name}` that needs overload resolution",
        span,
        "convert the arguments to the parameters' types",
    )


def several_types(ctx: Context, f: ast.Function, kinds: list[CType]) -> bool:
    """Does an overload have a parameter of a type that counts as another one here: `signed char` beside `char`, an enumeration beside
    its integers, or one that a template would take as it is?"""
    if f.template:
        several = {Scalar.I8, Scalar.I64, Scalar.U64, *ctx.module.enums}
        return any(isinstance(k, Arith) and k.scalar in several for k in map(pointee, kinds))
    for p in f.parameters:
        t = referred(ctx, p.type)
        if isinstance(t, Arith) and (
            t.scalar is Scalar.I8 or (t.scalar in ctx.module.enums and not spelled_out(p.type))
        ):
            return True
    return False


def pointee(t: CType) -> CType:
    while isinstance(t, Ptr):
        t = t.target
    return t


def spelled_out(t: ast.TypeSyntax) -> bool:
    """Is it a type of the language, under its own name?"""
    while isinstance(t, ast.PointerType):
        t = t.target
    return isinstance(t, ast.NamedType) and builtin_type(t.name) is not None


def inline(
    ctx: Context,
    f: ast.Function,
    e: ast.Call,
    args: list[Result],
    kinds: list[CType],
    places: dict[int, Place],
    own: Scope | None = None,
    owner: Struct | None = None,
) -> Result:
    """The body of `f` with its parameters bound; its value."""
    if f.body is None:
        raise unsupported("TV0112", f"`{f.name}` is declared and never defined", e.span)
    scope, instance, binding = bind(ctx, f, e, kinds)
    if f.template and owner is None:
        known = dict(binding)
        special = specialised(ctx, f, tuple(known[p.name] for p in f.template), e.span)
        f, scope = (f, scope) if special is None else (special, Scope())
    assert f.body is not None
    instance = instance if owner is None else f"{owner.name}::{f.name}"
    if len(ctx.frames) > MAX_INLINE_DEPTH or any(
        (frame.name, frame.order) == (instance, f.order) for frame in ctx.frames
    ):
        raise unsupported("TV0116", f"`{f.name}` calls itself", e.span, "write a loop")
    ctx.inlined += 1
    if ctx.inlined > MAX_INLINED:
        help = "let loops call them instead of each other"
        raise unsupported("TV0104", f"more than {MAX_INLINED} calls of device functions", e.span, help)
    outer_scopes, outer_pins, start = ctx.scopes, ctx.pinned, len(ctx.out)
    frame = Frame(instance, Void(), None, assigned_names(f.body), addressed_names(f.body))
    scope_before = Scope()
    ctx.scopes = [ctx.module.scope, own or Scope(), scope, scope_before]
    frame.binding, frame.order = (owner, *binding), f.order
    ctx.frames.append(frame)
    with ctx.seen_from(f.order, f.generic):
        run(ctx, f, frame, [(p, a, places.get(i)) for i, (p, a) in enumerate(zip(f.parameters, args, strict=True))], e)
    ctx.frames.pop()
    ctx.end_scopes(3, start)
    ctx.scopes, ctx.pinned = outer_scopes, outer_pins
    return outcome(ctx, f, frame, e.span)


def run(
    ctx: Context,
    f: ast.Function,
    frame: Frame,
    bound: list[tuple[ast.Variable, Result, Place | None]],
    e: ast.Call,
) -> None:
    """Parameters and statements of `f` in its own scopes; what it returns is left in the frame."""
    from tv.cuda_frontend.statements import always_returns, may_return, sequence

    assert f.body is not None
    if reference(f.result):
        raise unsupported("TV0111", f"`{f.name}` returns a reference", e.span)
    frame.result_type = resolve(ctx, f.result) if resolvable(f.result) else deduced(f)
    for p, a, place in bound:
        parameter(ctx, p, a, place, e.span)
    single = bool(f.body.items) and isinstance(f.body.items[-1], ast.Return)
    single = single and not any(may_return(s) for s in f.body.items[:-1])
    if not single and not isinstance(frame.result_type, Void):
        frame.result = result_place(ctx, f, frame.result_type, e.span)
    ctx.scopes.append(Scope())
    sequence(ctx, f.body.items)
    if not isinstance(frame.result_type, Void) and not always_returns(f.body):
        help = "end every path with a `return`"
        raise unsupported("TV0113", f"`{f.name}` may end without a value", f.body.span, help)


def deduced(f: ast.Function) -> CType:
    raise unsupported("TV0111", f"the result type of `{f.name}` is `auto`", f.span, "write the type")


def result_place(ctx: Context, f: ast.Function, t: CType, span: Span) -> Place:
    name = f"{f.name}.result"
    if isinstance(t, Ptr):
        return PointerRegister(t, ctx.fresh(name))
    if holds_pointers(t):
        raise unsupported("TV0115", f"`{f.name}` returns a struct with pointers", span, "return what is read there")
    registers(ctx, name, t, None, False, span)
    found = ctx.scopes[-1].places[name]
    assert isinstance(found, Register)
    return found


def outcome(ctx: Context, f: ast.Function, frame: Frame, span: Span) -> Result:
    from tv.cuda_frontend.places import read

    if isinstance(frame.result_type, Void):
        return Value(Void())
    if not frame.found:
        raise unsupported("TV0113", f"`{f.name}` ends without a value", span)
    result = frame.found[0] if frame.result is None else read(ctx, frame.result, span)
    if isinstance(result, Pointer):
        ctx.require_alive(result.object, span)
    return result


def parameter(ctx: Context, p: ast.Variable, a: Result, place: Place | None, span: Span) -> None:
    """Binds one parameter: a reference to its place, a constant that is never assigned to itself, else a copy."""
    if place is not None and not isinstance(place, Known):
        kind = referred(ctx, p.type)
        if kind == kind_of(place):
            ctx.scopes[-1].places[p.name] = referring(ctx, p.name, p.type, stable(ctx, place, span), span)
            return
        raise type_error(f"`{kind_of(place)}` bound to a reference to `{kind}`", span)
    if reference(p.type) and not qualifiers(p.type)[0]:
        raise type_error(f"a value bound to the reference `{p.name}`", span)
    t = referred(ctx, p.type)
    t = Ptr(t.element, *qualifiers(p.type)) if hasattr(t, "element") else t
    r = to_type(ctx, a, t, span)
    fixed = p.name not in ctx.frame.assigned and p.name not in ctx.frame.addressed
    if (
        fixed
        and isinstance(r, Value)
        and isinstance(t, Arith)
        and isinstance(r.parts[0], Const)
        or fixed
        and isinstance(r, Pointer)
        and isinstance(r.offset, Const)
        and (r.entry is None or isinstance(r.entry, Const))
        or isinstance(r, HandleValue)
    ):
        ctx.scopes[-1].places[p.name] = Known(restricted(ctx, p.name, t, r))
    else:
        define(ctx, p.name, t, r, reference(p.type) or (qualifiers(p.type)[0] and not isinstance(t, Ptr)), p)
