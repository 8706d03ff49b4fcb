"""Expressions: syntax to values. Loads and calls become statements in the order of evaluation; what is left is pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.calls import call, user_call
from tv.cuda_frontend.context import Context, Target, expressions_of, unsupported
from tv.cuda_frontend.convert import common_type, not_null, to_bool, to_type, type_error
from tv.cuda_frontend.ctype import BOOL, INT, SIZE_T, Arith, CType, Ptr, Void, align_of, size_of
from tv.cuda_frontend.literals import character, number
from tv.cuda_frontend.lvalues import place
from tv.cuda_frontend.operators import binary, logical, negate
from tv.cuda_frontend.places import address, dereference, entry_name, located, read, write
from tv.cuda_frontend.typenames import reference, resolve
from tv.cuda_frontend.usage import nodes
from tv.cuda_frontend.user_operators import assigning
from tv.cuda_frontend.values import (
    Aggregate,
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
from tv.kernel import Expr, If, Scalar, Stmt, Var
from tv.source import Span

S = Scalar
E = TypeVar("E", bound=ast.Expr)
Handler = Callable[[Context, ast.Expr], Result]
HANDLERS: dict[type[ast.Expr], Handler] = {}


def _on(kind: type[E]) -> Callable[[Callable[[Context, E], Result]], Callable[[Context, E], Result]]:
    def register(handler: Callable[[Context, E], Result]) -> Callable[[Context, E], Result]:
        if kind in HANDLERS:
            raise ValueError(f"two handlers for {kind.__name__}")
        HANDLERS[kind] = handler  # type: ignore[assignment]
        return handler

    return register


def value(ctx: Context, e: ast.Expr) -> Result:
    """The value of an expression. Raises Unsupported for a kind without a handler."""
    handler = HANDLERS.get(type(e))
    if handler is None:
        raise unsupported("TV0111", f"the expression `{type(e).__name__}`", e.span)
    return handler(ctx, e)


def scalar(ctx: Context, e: ast.Expr) -> Expr:
    """The value of an expression that has to be arithmetic."""
    match value(ctx, e):
        case Value(type=Arith(), parts=(part,)):
            return part
        case other:
            raise type_error(f"a number is needed here, not `{other.type}`", e.span)


def condition(ctx: Context, e: ast.Expr) -> Expr:
    """The truth of an expression (BOOL)."""
    if isinstance(e, ast.String):  # the text in `assert(... && "why")`
        return fold.integer(S.BOOL, 1, e.span)
    match value(ctx, e):
        case Value(type=Arith(), parts=(part,)):
            return to_bool(part, e.span)
        case Pointer() as p:
            return not_null(ctx, p, e.span)
        case other:
            raise type_error(f"`{other.type}` as a condition", e.span)


def constant(ctx: Context, e: ast.Expr, what: str) -> int:
    """An integer constant expression. Raises Unsupported (TV0117)."""
    found: list[int | None] = []
    made = ctx.capture(lambda: found.append(fold.int_value(scalar(ctx, e))))
    if made or found[0] is None:
        raise unsupported("TV0117", f"{what} is not a constant", e.span)
    return found[0]


def type_of(ctx: Context, e: ast.Expr) -> CType:
    """The type of an expression that is not evaluated (`sizeof`, `decltype`)."""
    for n in nodes(e):
        if isinstance(n, ast.Call) and isinstance(n.callee, ast.Name) and n.callee.name in ctx.module.hosts:
            message = f"the type of a call of `{n.callee.name}`, of which host code has another"
            raise unsupported("TV0111", message, n.span, "write the type")
    kinds: list[CType] = []
    targets = dict(ctx.targets)

    def look() -> None:
        if isinstance(e, (ast.Name, ast.Index, ast.Member)) or (isinstance(e, ast.Unary) and e.op == "*"):
            p = place(ctx, e)
            kinds.append(p.value.type if isinstance(p, Known) else p.type)
        else:
            kinds.append(value(ctx, e).type)

    ctx.capture(look)
    ctx.targets = targets
    return kinds[0]


def discard(ctx: Context, e: ast.Expr) -> None:
    """An expression for its effects alone."""
    match e:
        case ast.Unary(op="p++" | "p--" as op):
            step(ctx, e.a, op[1:], e.span)
        case ast.Comma(items=items):
            for item in items:
                discard(ctx, item)
        case ast.Cast(type=ast.NamedType(name="void")):
            discard(ctx, e.a)
        case ast.Name():
            pass
        case _:
            value(ctx, e)


# ------------------------------------------------------------------------------------------------ leaves
@_on(ast.Number)
def _number(ctx: Context, e: ast.Number) -> Result:
    return number(e.text, e.span)


@_on(ast.Character)
def _character(ctx: Context, e: ast.Character) -> Result:
    return character(e.text, e.span)


@_on(ast.Name)
def _name(ctx: Context, e: ast.Name) -> Result:
    if e.name in ("true", "false") and ctx.find(e.name) is None:
        return Value(BOOL, (fold.integer(S.BOOL, e.name == "true", e.span),))
    if e.name in ("nullptr", "NULL") and ctx.find(e.name) is None:
        return Pointer(Ptr(Void()), None, fold.integer(S.I64, 0, e.span))
    return read(ctx, place(ctx, e), e.span)


@_on(ast.SizeOf)
def _sizeof(ctx: Context, e: ast.SizeOf) -> Result:
    t = resolve(ctx, e.of) if isinstance(e.of, ast.TypeSyntax) else type_of(ctx, e.of)
    try:
        n = size_of(t) if e.op == "sizeof" else align_of(t)
    except ValueError as error:
        raise type_error(str(error), e.span) from error
    return Value(SIZE_T, (fold.integer(S.U64, n, e.span),))


# ------------------------------------------------------------------------------------------------ operators
@_on(ast.Unary)
def _unary(ctx: Context, e: ast.Unary) -> Result:
    match e.op:
        case "+" | "-" | "~" | "!":
            return negate(ctx, e.op, value(ctx, e.a), e.span)
        case "*":
            return read(ctx, dereference(ctx, value(ctx, e.a), e.span), e.span)
        case "&":
            inner = e.a
            if isinstance(inner, ast.Unary) and inner.op == "*":
                return value(ctx, inner.a)
            return address(ctx, place(ctx, inner), e.span)
        case "++" | "--":
            return step(ctx, e.a, e.op, e.span)
        case "p++" | "p--":
            target = place(ctx, e.a)
            old = kept(ctx, read(ctx, target, e.span), e.span)
            step(ctx, e.a, e.op[1:], e.span, target)
            return old
        case _:
            raise unsupported("TV0111", f"the operator `{e.op}`", e.span)


def step(ctx: Context, e: ast.Expr, op: str, span: Span, target: Place | None = None) -> Result:
    """`++` or `--`; the new value."""
    target = place(ctx, e) if target is None else target
    one = Value(INT, (fold.integer(S.I32, 1, span),))
    return update(ctx, target, op[0], one, span)


def kept(ctx: Context, r: Result, span: Span) -> Result:
    """The value as it is now, whatever is assigned later."""
    match r:
        case Value(type=t, parts=parts):
            return Value(t, tuple(ctx.keep(p, span) for p in parts))
        case Pointer(offset=at):
            return replace(r, offset=ctx.keep(at, span), entry=None if r.entry is None else ctx.keep(r.entry, span))
        case Aggregate(fields=fields):
            return Aggregate(r.type, tuple(kept(ctx, f, span) for f in fields))
        case _:
            return r


def update(ctx: Context, target: Place, op: str, operand: Result, span: Span) -> Result:
    """`target op= operand`, the target's place being evaluated already."""
    old = read(ctx, target, span)
    return store(ctx, target, binary(ctx, op, old, operand, span), span)


def store(ctx: Context, target: Place, r: Result, span: Span) -> Result:
    """Converts, writes, and gives the value that the place then has."""
    t = target.type if not isinstance(target, Known) else target.value.type
    converted = to_type(ctx, r, t, span)
    if isinstance(target, PointerRegister) and isinstance(converted, Pointer):
        bases = converted.bases | target.claim
        pin(ctx, target.name, Target(converted.object, converted.readonly, bases=bases), span)
    write(ctx, target, converted, span)
    return read(ctx, target, span) if isinstance(target, (Register, PointerRegister)) else converted


def pin(ctx: Context, name: str, new: Target, span: Span) -> None:
    """A pointer from outside a loop keeps its object inside it. Raises Unsupported (TV0115) otherwise."""
    old = ctx.pinned.get(name)
    if old is not None and old != new:
        help = "use one array and an offset; swap offsets, not pointers"
        raise unsupported("TV0115", "a pointer that changes its object inside a loop", span, help)


@_on(ast.Binary)
def _binary(ctx: Context, e: ast.Binary) -> Result:
    if e.op in ("&&", "||"):
        return short_circuit(ctx, e)
    a, b = ctx.together(e.span, lambda: value(ctx, e.a), lambda: value(ctx, e.b))
    return binary(ctx, e.op, a, b, e.span)


def short_circuit(ctx: Context, e: ast.Binary) -> Result:
    """`&&`, `||`: the right side runs only where the left has not decided."""
    left = condition(ctx, e.a)
    known = fold.int_value(left)
    if known is not None:
        if bool(known) != (e.op == "&&"):
            return Value(BOOL, (left,))
        return Value(BOOL, (condition(ctx, e.b),))
    right: list[Expr] = []
    targets = dict(ctx.targets)
    made = ctx.capture(lambda: right.append(condition(ctx, e.b)))
    if not made:
        return Value(BOOL, (logical(e.op, left, right[0], e.span),))
    if moved(ctx, targets):
        raise unsupported("TV0115", "a pointer assigned in one side of a condition", e.span)
    result = ctx.temp(S.BOOL, e.span)
    ctx.assign(result, left, e.span)
    made += ctx.capture(lambda: ctx.assign(result, right[0], e.span))
    test = Var(S.BOOL, result.name, e.span)
    ctx.emit(If(e.span, test, made, ()) if e.op == "&&" else If(e.span, fold.unary("not", test, e.span), made, ()))
    return Value(BOOL, (test,))


def moved(ctx: Context, before: dict[str, Target]) -> bool:
    """Has a pointer that was there before another target? Those of functions that were called since have ended."""
    return any(ctx.targets.get(name) != target for name, target in before.items())


@_on(ast.Conditional)
def _conditional(ctx: Context, e: ast.Conditional) -> Result:
    cond = condition(ctx, e.cond)
    known = fold.int_value(cond)
    found: list[Result] = []
    targets = dict(ctx.targets)
    arms = [ctx.capture(lambda arm=arm: found.append(value(ctx, arm))) for arm in (e.a, e.b)]  # type: ignore[misc]
    t = common_type(ctx, found[0], found[1], e.span)
    if moved(ctx, targets):
        raise unsupported("TV0115", "a pointer assigned in one arm of `?:`", e.span)
    if known is not None:
        taken = 0 if known else 1
        ctx.out.extend(arms[taken])
        return to_type(ctx, found[taken], t, e.span)
    sides: list[Result] = []
    for i, arm in enumerate((e.a, e.b)):
        arms[i] += ctx.capture(lambda i=i, arm=arm: sides.append(to_type(ctx, found[i], t, arm.span)))  # type: ignore[misc]
    return choose(ctx, cond, t, sides, arms, e.span)


def choose(ctx: Context, cond: Expr, t: CType, sides: list[Result], arms: list[tuple[Stmt, ...]], span: Span) -> Result:
    """cond ? sides[0] : sides[1], with the statements of each arm; a select where there are none."""
    a, b = sides
    if isinstance(a, Pointer) and isinstance(b, Pointer):
        if a.object != b.object:
            raise unsupported(
                "TV0115",
                "`?:` between pointers into different objects",
                span,
                "write the access in both arms of an `if`: `v = c ? a[i] : b[i]`",
            )
        if a.bases != b.bases:
            raise unsupported("TV0115", "`?:` between a `__restrict__` pointer and another", span, "branch instead")
        parts = choose_parts(ctx, cond, located(a), located(b), arms, span)
        assert isinstance(t, Ptr)
        return Pointer(t, a.object, parts[0], a.readonly or b.readonly, a.bases, parts[1] if parts[1:] else None)
    if isinstance(a, Value) and isinstance(b, Value):
        return Value(t, choose_parts(ctx, cond, a.parts, b.parts, arms, span))
    raise type_error(f"`?:` on `{t}`", span)


def choose_parts(
    ctx: Context, cond: Expr, a: tuple[Expr, ...], b: tuple[Expr, ...], arms: list[tuple[Stmt, ...]], span: Span
) -> tuple[Expr, ...]:
    if not arms[0] and not arms[1]:
        return tuple(fold.select(cond, x, y, span) for x, y in zip(a, b, strict=True))
    results = tuple(ctx.temp(x.type, span) for x in a)

    def set_all(parts: tuple[Expr, ...]) -> None:
        for r, x in zip(results, parts, strict=True):
            ctx.assign(r, x, span)

    then = (*arms[0], *ctx.capture(lambda: set_all(a)))
    orelse = (*arms[1], *ctx.capture(lambda: set_all(b)))
    ctx.emit(If(span, cond, then, orelse))
    return tuple(Var(r.type, r.name, span) for r in results)


@_on(ast.Assign)
def _assign(ctx: Context, e: ast.Assign) -> Result:
    own = assigning(ctx, e)
    if own:
        called = ast.Call(e.span, ast.Name(e.span, f"operator{e.op}"), (e.target, e.value))
        return user_call(ctx, called, f"operator{e.op}", own, overloaded=False)
    return assigned(ctx, e)[1]


def assigned(ctx: Context, e: ast.Assign) -> tuple[Place, Result]:
    """The place that is assigned, evaluated once, and its new value."""
    if assigning(ctx, e):
        raise unsupported("TV0111", f"the result of an overloaded `{e.op}`", e.span, "write two statements")
    targets: list[Place] = []

    def target() -> Result:
        targets.append(place(ctx, e.target))
        match targets[0]:
            case Memory() as memory:
                return Value(SIZE_T, located(memory))
            case Register(type=t, vars=vs):
                return Value(t, vs)  # so that a right side which changes the target is refused
            case PointerRegister(name=name):
                return Value(SIZE_T, tuple(Var(S.I64, n, e.span) for n in (name, entry_name(name))))
            case Record() as record:
                return Value(SIZE_T, expressions_of(read(ctx, record, e.span)))
            case _:
                return Value(Void())

    _, r = ctx.together(e.span, target, lambda: assigned_value(ctx, e, targets))
    if e.op == "=":
        return targets[0], store(ctx, targets[0], r, e.span)
    return targets[0], update(ctx, targets[0], e.op[:-1], r, e.span)


def assigned_value(ctx: Context, e: ast.Assign, targets: list[Place]) -> Result:
    from tv.cuda_frontend.initializers import initial_value

    if isinstance(e.value, ast.InitList):
        t = targets[0].type if not isinstance(targets[0], Known) else targets[0].value.type
        return initial_value(ctx, t, e.value, e.span)
    return value(ctx, e.value)


@_on(ast.Comma)
def _comma(ctx: Context, e: ast.Comma) -> Result:
    for item in e.items[:-1]:
        discard(ctx, item)
    return value(ctx, e.items[-1])


@_on(ast.Index)
def _index(ctx: Context, e: ast.Index) -> Result:
    return read(ctx, place(ctx, e), e.span)


@_on(ast.Member)
def _member(ctx: Context, e: ast.Member) -> Result:
    return read(ctx, place(ctx, e), e.span)


@_on(ast.Call)
def _call(ctx: Context, e: ast.Call) -> Result:
    return call(ctx, e)


@_on(ast.Cast)
def _cast(ctx: Context, e: ast.Cast) -> Result:
    if reference(e.type):
        return read(ctx, place(ctx, e), e.span)
    t = resolve(ctx, e.type)
    r = value(ctx, e.a)
    if e.style in ("reinterpret", "const") and not isinstance(r, Pointer):
        raise unsupported(
            "TV0111", f"`{e.style}_cast` of `{r.type}`", e.span, "use an intrinsic such as `__float_as_int`"
        )
    if isinstance(r, Pointer) and isinstance(t, Arith) and t.scalar is not S.BOOL:
        raise unsupported("TV0111", f"a pointer as the number `{t}`", e.span, "an address has no value in the proof")
    return to_type(ctx, r, t, e.span, explicit=True)


@_on(ast.Construct)
def _construct(ctx: Context, e: ast.Construct) -> Result:
    from tv.cuda_frontend.initializers import initial_value

    t = resolve(ctx, e.type)
    if isinstance(t, Arith) and len(e.args) == 1 and not isinstance(e.args[0], ast.InitList):
        return to_type(ctx, value(ctx, e.args[0]), t, e.span, explicit=True)
    return initial_value(ctx, t, ast.InitList(e.span, e.args), e.span)
