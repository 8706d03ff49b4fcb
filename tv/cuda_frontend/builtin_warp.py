"""Synchronisation, shuffles, votes and fences."""

from __future__ import annotations

from collections.abc import Callable

from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin import BUILTINS, Call, builtin, part, scalar_value
from tv.cuda_frontend.context import Context
from tv.cuda_frontend.convert import scalar_convert, to_bool, type_error
from tv.cuda_frontend.ctype import VOID, Vector
from tv.cuda_frontend.values import Result, Value
from tv.kernel import Barrier, Const, Expr, Fence, Pack, Scalar, Shuffle, Var, Vote
from tv.kernel import Extract as ExtractNode
from tv.source import Span

S = Scalar
FULL = 0xFFFFFFFF
NOTHING = Value(VOID)


# ------------------------------------------------------------------------------------------------ barriers and fences
@builtin("__syncthreads")
def _syncthreads(c: Call) -> Result:
    c.count(0)
    c.ctx.emit(Barrier(c.span, "block"))
    return NOTHING


@builtin("__syncwarp")
def _syncwarp(c: Call) -> Result:
    mask = c.scalars(S.U32)[0] if c.count(0, 1) else None
    c.ctx.emit(Barrier(c.span, "warp", mask))
    return NOTHING


def _fence(scope: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(0)
        c.ctx.emit(Fence(c.span, scope))
        return NOTHING

    return handler


for _name, _scope in (
    ("__threadfence_block", "block"),
    ("__threadfence", "device"),
    ("__threadfence_system", "system"),
):
    BUILTINS.add(_name)(_fence(_scope))


@builtin("__activemask", "clock", "clock64", "__trap")
def _refused(c: Call) -> Result:
    help = {
        "__activemask": "name the lanes by a constant, or by a ballot over the whole warp",
        "__trap": "write `assert` of what has to hold",
    }
    raise c.unsupported(
        f"`{c.name}`", help.get(c.name, "remove it: how long a kernel takes is no part of what it computes")
    )


@builtin("__nanosleep")
def _sleep(c: Call) -> Result:
    c.scalars(S.U32)
    return NOTHING


@builtin("printf")
def _print(c: Call) -> Result:
    """Prints nothing that the launch leaves behind; what it is given is read all the same."""
    from tv.cuda_frontend.expressions import value

    if not c.args or not isinstance(c.args[0], ast.String):
        raise c.unsupported("`printf` without a literal format", "write the format in the call")
    given = [a for a in c.args[1:] if not isinstance(a, ast.String) and not is_line(a)]
    for r in c.ctx.together(c.span, *[lambda a=a: value(c.ctx, a) for a in given]):
        part(r, c.span)
    return NOTHING


def is_line(e: ast.Expr) -> bool:
    """Is it a line number that compilers count in different ways? Where it is only printed, that changes nothing."""
    return isinstance(e, ast.Name) and e.name == "__LINE__"


# ------------------------------------------------------------------------------------------------ shuffles
def shuffle(ctx: Context, mode: str, mask: Expr, v: Value, lane: Expr, width: int, span: Span) -> Value:
    """A shuffle of 2 or 4 bytes directly, of 8 bytes as two of 4, of a half2 as its 4 bytes."""
    if isinstance(v.type, Vector):
        if v.type.scalar not in (S.F16, S.BF16):
            raise type_error(f"a shuffle of `{v.type}`", span, "shuffle the components")
        packed = Pack(S.U32, v.parts, span)
        moved = _shuffle(ctx, mode, mask, packed, lane, width, span)
        return Value(v.type, tuple(ExtractNode(v.type.scalar, moved, 16 * i, span) for i in range(2)))
    e = part(v, span)
    if e.type.bits < 32 and e.type.is_int:
        e = scalar_convert(e, S.I32, span)
    if e.type is S.BOOL:
        e = scalar_convert(e, S.I32, span)
    return scalar_value(_shuffle(ctx, mode, mask, e, lane, width, span))


def _shuffle(ctx: Context, mode: str, mask: Expr, e: Expr, lane: Expr, width: int, span: Span) -> Expr:
    dest = ctx.temp(e.type, span)
    ctx.emit(Shuffle(span, dest, mode, e, lane, width, mask))
    return Var(e.type, dest.name, span)


def _sync_shuffle(mode: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        width = c.constant(3, "a shuffle's width") if c.count(3, 4) == 4 else 32
        if width not in (1, 2, 4, 8, 16, 32):
            raise type_error(f"a shuffle's width of {width}", c.span, "a power of two up to 32")
        found = Call(c.ctx, c.name, c.args[:3], c.targs, c.span).values()
        mask = scalar_convert(part(found[0], c.span), S.U32, c.span)
        lane_type = S.I32 if mode in ("idx", "xor") else S.U32
        lane = scalar_convert(part(found[2], c.span), lane_type, c.span)
        if not isinstance(found[1], Value):
            raise type_error(f"`{c.name}` of `{found[1].type}`", c.span)
        return shuffle(c.ctx, mode, mask, found[1], lane, width, c.span)

    return handler


for _word, _mode in (("", "idx"), ("_xor", "xor"), ("_up", "up"), ("_down", "down")):
    BUILTINS.add(f"__shfl{_word}_sync")(_sync_shuffle(_mode))


# ------------------------------------------------------------------------------------------------ votes
def vote(ctx: Context, mode: str, mask: Expr, value: Expr, span: Span) -> Expr:
    """A vote of a warp: `ballot` gives U32, `any` and `all` BOOL, folds of integers their operand's type."""
    kind = {"ballot": S.U32, "any": S.BOOL, "all": S.BOOL}.get(mode, value.type)
    dest = ctx.temp(kind, span)
    ctx.emit(Vote(span, dest, mode, value, mask))
    return Var(dest.type, dest.name, span)


def _vote(mode: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(2)
        mask, value = (part(r, c.span) for r in c.values())
        result = vote(c.ctx, mode, scalar_convert(mask, S.U32, c.span), to_bool(value, c.span), c.span)
        return scalar_value(result if mode == "ballot" else scalar_convert(result, S.I32, c.span))

    return handler


for _mode in ("ballot", "any", "all"):
    BUILTINS.add(f"__{_mode}_sync")(_vote(_mode))


def _reduce(mode: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(2)
        mask, value = (part(r, c.span) for r in c.values())
        t = S.U32
        if mode in ("add", "min", "max") and value.type is not S.U32:  # overloads for int and unsigned
            t = S.I32
        if value.type.is_float or value.type.bits > 32:
            raise type_error(f"`{c.name}` of `{value.type.label}`", c.span, "it folds integers of 32 bits")
        named = scalar_convert(mask, S.U32, c.span)
        return scalar_value(vote(c.ctx, mode, named, scalar_convert(value, t, c.span), c.span))

    return handler


for _mode in ("add", "min", "max", "and", "or", "xor"):
    BUILTINS.add(f"__reduce_{_mode}_sync")(_reduce(_mode))


def _block_vote(mode: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(1)
        (value,) = (part(r, c.span) for r in c.values())
        asked = to_bool(value, c.span)
        dest = c.ctx.temp(S.I32 if mode == "count" else S.BOOL, c.span)
        c.ctx.emit(Barrier(c.span, "block"))
        c.ctx.emit(Vote(c.span, dest, mode, asked, Const(S.U32, FULL), "block"))
        return scalar_value(scalar_convert(Var(dest.type, dest.name, c.span), S.I32, c.span))

    return handler


for _word, _mode in (("and", "all"), ("or", "any"), ("count", "count")):
    BUILTINS.add(f"__syncthreads_{_word}")(_block_vote(_mode))
