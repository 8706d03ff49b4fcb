"""Statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.context import Context, Scope, Target, unsupported
from tv.cuda_frontend.ctype import Void
from tv.cuda_frontend.declare import declare
from tv.cuda_frontend.expressions import condition, constant, discard, scalar
from tv.cuda_frontend.initializers import initial_value
from tv.cuda_frontend.places import write
from tv.cuda_frontend.usage import nodes
from tv.kernel import Break, Const, Continue, Expr, If, Loop, Return, Scalar, Stmt, Var
from tv.source import Span

MOST_REPEATED = 64  # statements that groups of a switch repeat where they fall through

S = Scalar


def statement(ctx: Context, s: ast.Stmt) -> None:
    """Lowers one statement. Raises Unsupported for a kind that is not named here."""
    match s:
        case ast.Block(items=items):
            block(ctx, items)
        case ast.DeclStmt(decl=d):
            declare(ctx, d)
        case ast.ExprStmt(expr=e):
            discard(ctx, e)
        case ast.If():
            branch(ctx, s)
        case ast.For():
            loop_for(ctx, s)
        case ast.While():
            loop_while(ctx, s)
        case ast.Switch():
            switch(ctx, s)
        case ast.Jump(word=word):
            jump(ctx, word, s.span)
        case ast.Return(value=value):
            leave(ctx, value, s.span)
        case _:
            raise unsupported("TV0111", f"the statement `{type(s).__name__}`", s.span)


def block(ctx: Context, items: tuple[ast.Stmt, ...]) -> None:
    depth, start = len(ctx.scopes), len(ctx.out)
    ctx.scopes.append(Scope())
    sequence(ctx, items)
    ctx.end_scopes(depth, start)


def sequence(ctx: Context, items: tuple[ast.Stmt, ...]) -> None:
    """Statements in order. In an inlined function, what follows an `if` that returns goes into its other arm."""
    for i, s in enumerate(items):
        if ctx.frame.inlined and isinstance(s, ast.Switch) and may_return(s) and i + 1 < len(items):
            raise unsupported(
                "TV0119", "a `return` inside a `switch` of an inlined function", s.span, "end the function with it"
            )
        if ctx.frame.inlined and isinstance(s, ast.If) and may_return(s):
            guarded(ctx, s, items[i + 1 :])
            return
        statement(ctx, s)
        if ctx.frame.inlined and isinstance(s, ast.Return) and i + 1 < len(items):
            return
        if ctx.frame.inlined and isinstance(s, ast.Block) and may_return(s) and i + 1 < len(items):
            if not always_returns(s):
                raise unsupported("TV0119", "a `return` inside a nested block of an inlined function", s.span)
            return


def jump(ctx: Context, word: str, span: Span) -> None:
    if not ctx.frame.loops:
        raise unsupported("TV0111", f"`{word}` outside a loop", span)
    ctx.emit(Break(span) if word == "break" else Continue(span))


# ------------------------------------------------------------------------------------------------ branches
def arm(ctx: Context, s: ast.Stmt | None) -> tuple[Stmt, ...]:
    """The statements of one arm, in its own scope."""
    return () if s is None else ctx.capture(lambda: block(ctx, (s,)))


def branch(ctx: Context, s: ast.If) -> None:
    if s.constexpr:
        taken = s.then if constant(ctx, s.cond, "the condition of `if constexpr`") else s.orelse
        if taken is not None:
            block(ctx, (taken,))
        return
    cond = condition(ctx, s.cond)
    known = fold.int_value(cond)
    if known is not None:
        taken = s.then if known else s.orelse
        if taken is not None:
            block(ctx, (taken,))
        return
    two_arms(
        ctx,
        cond,
        lambda: block(ctx, (s.then,)),
        lambda: block(ctx, (s.orelse,) if s.orelse is not None else ()),
        s.span,
    )


def two_arms(ctx: Context, cond: Expr, then: Callable[[], None], orelse: Callable[[], None], span: Span) -> None:
    """`if`; pointers that the arms leave in different objects have an unknown one afterwards."""
    before = dict(ctx.targets)
    first = ctx.capture(then)
    after_then, ctx.targets = ctx.targets, dict(before)
    second = ctx.capture(orelse)
    ctx.targets = merge(after_then, ctx.targets)
    ctx.emit(If(span, cond, first, second))


def merge(a: dict[str, Target], b: dict[str, Target]) -> dict[str, Target]:
    out: dict[str, Target] = {}
    for name in a.keys() | b.keys():
        one, other = a.get(name), b.get(name)
        if one is None or other is None or one.unknown or other.unknown or one.object != other.object:
            out[name] = Target(None, unknown=True)
        elif one.bases != other.bases:
            out[name] = Target(None, unknown=True)  # based on a `__restrict__` pointer or not: it has to be the one
        else:
            out[name] = Target(one.object, one.readonly or other.readonly, bases=one.bases)
    return out


# ------------------------------------------------------------------------------------------------ loops
def tested(ctx: Context, e: ast.Expr | None, span: Span) -> tuple[tuple[Stmt, ...], Expr]:
    """Statements and truth of a loop's condition."""
    if e is None:
        return (), Const(S.BOOL, 1, span)
    found: list[Expr] = []
    made = ctx.capture(lambda: found.append(condition(ctx, e)))
    return made, found[0]


def loop_for(ctx: Context, s: ast.For) -> None:
    depth, start = len(ctx.scopes), len(ctx.out)
    ctx.scopes.append(Scope())
    for init in s.init:
        statement(ctx, init)
    with_pins(ctx, lambda: _for_rest(ctx, s))
    ctx.end_scopes(depth, start)


def _for_rest(ctx: Context, s: ast.For) -> None:
    prelude, cond = tested(ctx, s.cond, s.span)
    body = ctx.capture(lambda: block(ctx, (s.body,)))
    step = ctx.capture(lambda: discard(ctx, s.step) if s.step is not None else None)
    ctx.emit(Loop(s.span, cond, body, step, prelude))


def loop_while(ctx: Context, s: ast.While) -> None:
    if s.test_first:
        with_pins(ctx, lambda: _while_rest(ctx, s))
    else:
        with_pins(ctx, lambda: _do_rest(ctx, s))


def _while_rest(ctx: Context, s: ast.While) -> None:
    prelude, cond = tested(ctx, s.cond, s.span)
    body = ctx.capture(lambda: block(ctx, (s.body,)))
    ctx.emit(Loop(s.span, cond, body, (), prelude))


def _do_rest(ctx: Context, s: ast.While) -> None:
    """What a do-while's condition needs is computed in the step: nothing of it runs before the first round."""
    body = ctx.capture(lambda: block(ctx, (s.body,)))
    made, cond = tested(ctx, s.cond, s.cond.span)
    if fold.int_value(cond) == 0 and not made and not any(has_jump(x) for x in (s.body,)):
        ctx.out.extend(body)  # do { ... } while (0)
        return
    if made:
        result = ctx.temp(S.BOOL, s.cond.span)
        made += ctx.capture(lambda: ctx.assign(result, cond, s.cond.span))
        cond = Var(S.BOOL, result.name, s.cond.span)
    ctx.emit(Loop(s.span, cond, body, made, (), test_first=False))


def with_pins(ctx: Context, lower: Callable[[], None]) -> None:
    """Lowers a loop; pointers from outside keep their objects in it."""
    outer, before = ctx.pinned, dict(ctx.targets)
    ctx.pinned = before
    ctx.frame.loops += 1
    lower()
    ctx.frame.loops -= 1
    ctx.pinned = outer
    for name in ctx.targets.keys() - before.keys():
        ctx.targets[name] = Target(None, unknown=True)  # the loop may not have run


# ------------------------------------------------------------------------------------------------ switch
def switch(ctx: Context, s: ast.Switch) -> None:
    """A switch is a chain of ifs."""
    check_scope(s)
    tested_value = scalar(ctx, s.value)
    t = S.I32 if tested_value.type.bits < 32 else tested_value.type
    value = ctx.keep(fold.convert(tested_value, t, s.span), s.span)
    default: ast.Case | None = None
    tests: list[tuple[Expr, ast.Case]] = []
    for case in fallen_through(s):
        check_case(case)
        if None in case.labels:
            default = case
            continue
        hit: Expr = Const(S.BOOL, 0)
        for label in case.labels:
            assert label is not None
            n = fold.integer(t, constant(ctx, label, "a `case` label"), case.span)
            one = fold.compare("eq", value, n, case.span)
            hit = one if fold.int_value(hit) == 0 else fold.binary("or", S.BOOL, hit, one, case.span)
        tests.append((hit, case))
    chain(ctx, tests, default)


def check_scope(s: ast.Switch) -> None:
    """All groups share one scope: what one of them declares is meant in those after it too, in their labels as well."""
    help = "put braces around what follows each `case`"
    declared: set[str] = set()
    for case in s.cases:
        for found in (x for item in (*case.labels, *case.body) if item is not None for x in nodes(item)):
            if isinstance(found, ast.Name) and found.name in declared:
                text = f"`{found.name}`, which another `case` of this `switch` declares"
                raise unsupported("TV0111", text, found.span, help)
        own = [item.decl for item in case.body if isinstance(item, ast.DeclStmt)]
        declared |= {d.name for d in own if isinstance(d, ast.Variable)}
        types = [d for d in own if not isinstance(d, ast.Variable | ast.Assertion)]
        if types and case is not s.cases[-1]:
            raise unsupported("TV0111", "a type declared in one `case` of a `switch`", types[0].span, help)


def chain(ctx: Context, tests: list[tuple[Expr, ast.Case]], default: ast.Case | None) -> None:
    if not tests:
        if default is not None:
            block(ctx, case_body(default))
        return
    (cond, case), rest = tests[0], tests[1:]
    two_arms(ctx, cond, lambda: block(ctx, case_body(case)), lambda: chain(ctx, rest, default), case.span)


def case_body(case: ast.Case) -> tuple[ast.Stmt, ...]:
    body = case.body
    return body[:-1] if body and isinstance(body[-1], ast.Jump) and body[-1].word == "break" else body


def fallen_through(s: ast.Switch) -> list[ast.Case]:
    """The groups, each followed by what it falls through to. Raises Unsupported where that would be repeated too often."""
    out: list[ast.Case] = []
    for case in reversed(s.cases):
        body = case.body
        inner = body[0] if len(body) == 1 and isinstance(body[0], ast.Block) else None
        if inner is not None and inner.items and isinstance(inner.items[-1], (ast.Return, ast.Jump)):
            body = (replace(inner, items=inner.items[:-1]), inner.items[-1])
        ends = bool(body) and isinstance(body[-1], (ast.Return, ast.Jump))
        out.append(replace(case, body=body if ends or not out else (*body, *out[-1].body)))
    if sum(len(c.body) for c in out) > sum(len(c.body) for c in s.cases) + MOST_REPEATED:
        help = "end the groups with `break`, and call a `__device__` function for what they share"
        raise unsupported("TV0111", "a `switch` most of whose groups fall through", s.span, help)
    return out[::-1]


def check_case(case: ast.Case) -> None:
    if any(has_jump(x, breaks_only=True) for x in case_body(case)):
        help = "put what follows the `break` under the opposite condition"
        raise unsupported("TV0111", "a `break` in the middle of a `case`", case.span, help)


def has_jump(s: ast.Stmt | None, breaks_only: bool = False) -> bool:
    """Whether a `break` (or `continue`) in `s` would leave the construct around it."""
    match s:
        case ast.Jump(word=word):
            return word == "break" or not breaks_only
        case ast.Block(items=items):
            return any(has_jump(x, breaks_only) for x in items)
        case ast.If(then=a, orelse=b):
            return has_jump(a, breaks_only) or has_jump(b, breaks_only)
        case ast.Switch(cases=cases):
            return not breaks_only and any(has_jump(x) for c in cases for x in c.body)
        case _:
            return False


# ------------------------------------------------------------------------------------------------ returns
def leave(ctx: Context, e: ast.Expr | None, span: Span) -> None:
    frame = ctx.frame
    if not frame.inlined:
        if e is not None:
            raise unsupported("TV0113", "a kernel that returns a value", span)
        ctx.emit(Return(span))
        return
    if frame.loops:
        raise unsupported(
            "TV0119",
            f"a `return` inside a loop of `{frame.name}`, which is inlined",
            span,
            "assign to a variable, `break`, and return the variable after the loop",
        )
    give_back(ctx, e, span)


def give_back(ctx: Context, e: ast.Expr | None, span: Span) -> None:
    """The value of an inlined function into its result."""
    frame = ctx.frame
    if isinstance(frame.result_type, Void):
        if e is not None:
            discard(ctx, e)
        return
    if e is None:
        raise unsupported("TV0113", f"`{frame.name}` returns nothing here", span)
    frame.found.append(initial_value(ctx, frame.result_type, e, span))
    if frame.result is not None:
        write(ctx, frame.result, frame.found[-1], span)


def may_return(s: ast.Stmt | None) -> bool:
    match s:
        case ast.Return():
            return True
        case ast.Block(items=items):
            return any(may_return(x) for x in items)
        case ast.If(then=a, orelse=b):
            return may_return(a) or may_return(b)
        case ast.For(body=body) | ast.While(body=body):
            return may_return(body)
        case ast.Switch(cases=cases):
            return any(may_return(x) for c in cases for x in c.body)
        case _:
            return False


def always_returns(s: ast.Stmt | None) -> bool:
    """Whether no path leads to the statement's end; none may lead past `__builtin_unreachable` either."""
    match s:
        case ast.Return() | ast.ExprStmt(expr=ast.Call(callee=ast.Name(name="__builtin_unreachable"))):
            return True
        case ast.Switch(cases=cases):
            return any(None in c.labels for c in cases) and all(any(always_returns(x) for x in c.body) for c in cases)
        case ast.Block(items=items):
            return any(always_returns(x) for x in items)
        case ast.If(then=a, orelse=b):
            return always_returns(a) and always_returns(b)
        case _:
            return False


def guarded(ctx: Context, s: ast.If, rest: tuple[ast.Stmt, ...]) -> None:
    """`if (c) return x; rest` as `if (c) { x } else { rest }`; an arm that may or may not return is refused."""
    fixed = s.constexpr
    cond = condition(ctx, s.cond) if not fixed else Const(S.BOOL, int(constant(ctx, s.cond, "the condition") != 0))
    known = fold.int_value(cond)

    def side(taken: ast.Stmt | None) -> None:
        inner = (taken,) if taken is not None else ()
        if taken is not None and may_return(taken) and not always_returns(taken) and rest:
            if not isinstance(taken, (ast.Block, ast.If)):
                raise unsupported("TV0119", "a `return` in a place that cannot be inlined", s.span)
            flat = taken.items if isinstance(taken, ast.Block) else (taken,)
            no_declarations(flat)
            block(ctx, (*flat, *rest))
        else:
            block(ctx, inner if always_returns(taken) else (*inner, *rest))

    if known is not None:
        side(s.then if known else s.orelse)
        return
    two_arms(ctx, cond, lambda: side(s.then), lambda: side(s.orelse), s.span)


def no_declarations(items: tuple[ast.Stmt, ...]) -> None:
    """Declarations of the arm would be visible to what follows it: a name there could be captured."""
    if any(isinstance(x, ast.DeclStmt) for x in items):
        raise unsupported(
            "TV0119", "a `return` in an arm that declares variables and does not always return", items[0].span
        )
