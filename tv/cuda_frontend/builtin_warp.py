"""Synchronisation, shuffles, votes, fences and cooperative groups."""

from __future__ import annotations

from collections.abc import Callable

from tv.cuda_frontend import fold
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin import BUILTINS, METHODS, Call, builtin, part, scalar_value
from tv.cuda_frontend.context import Context
from tv.cuda_frontend.convert import scalar_convert, to_bool, type_error
from tv.cuda_frontend.ctype import UINT, VOID, Handle, Vector
from tv.cuda_frontend.values import HandleValue, Result, Value
from tv.kernel import Barrier, Builtin, Const, Expr, Fence, Pack, Scalar, Shuffle, Var, Vote
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


@builtin(
    "__syncthreads_count",
    "__syncthreads_and",
    "__syncthreads_or",
    "__activemask",
    "clock",
    "clock64",
    "__nanosleep",
    "__trap",
    "printf",
)
def _refused(c: Call) -> Result:
    help = {
        "printf": "remove it from the kernel that is checked",
        "__nanosleep": "remove it: a spin loop needs no pause to be right",
    }
    raise c.unsupported(f"`{c.name}`", help.get(c.name, ""))


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
def _vote(mode: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(2)
        mask, value = (part(r, c.span) for r in c.values())
        dest = c.ctx.temp(S.U32 if mode == "ballot" else S.BOOL, c.span)
        c.ctx.emit(Vote(c.span, dest, mode, to_bool(value, c.span), scalar_convert(mask, S.U32, c.span)))
        result = Var(dest.type, dest.name, c.span)
        return scalar_value(result if mode == "ballot" else scalar_convert(result, S.I32, c.span))

    return handler


for _mode in ("ballot", "any", "all"):
    BUILTINS.add(f"__{_mode}_sync")(_vote(_mode))


# ------------------------------------------------------------------------------------------------ cooperative groups
def _group(name: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(0)
        return HandleValue(Handle(name))

    return handler


for _maker, _handle in (("this_grid", "grid_group"), ("this_thread_block", "thread_block")):
    BUILTINS.add(f"cooperative_groups::{_maker}", _maker)(_group(_handle))


@builtin("cooperative_groups::tiled_partition", "tiled_partition")
def _tile(c: Call) -> Result:
    from tv.cuda_frontend.expressions import constant

    c.count(1)
    (parent,) = c.values()
    if not c.targs or isinstance(c.targs[0], ast.TypeSyntax):
        raise c.unsupported(
            "`tiled_partition` with a size that is no template argument", "write tiled_partition<32>(block)"
        )
    size = constant(c.ctx, c.targs[0], "a tile's size")
    if size not in (1, 2, 4, 8, 16, 32) or not isinstance(parent, HandleValue) or parent.type.name != "thread_block":
        raise c.unsupported(f"a tile of {size} threads of `{parent.type}`")
    return HandleValue(Handle("thread_block_tile", size))


def sync(c: Call, group: Result) -> Result:
    match group:
        case HandleValue(type=Handle(name="grid_group")):
            c.ctx.emit(Barrier(c.span, "grid"))
        case HandleValue(type=Handle(name="thread_block")):
            c.ctx.emit(Barrier(c.span, "block"))
        case HandleValue(type=Handle(name="thread_block_tile", size=32)):
            c.ctx.emit(Barrier(c.span, "warp"))
        case _:
            raise c.unsupported(f"a barrier of `{group.type}`", "use a grid, a block or a tile of 32 threads")
    return NOTHING


@builtin("cooperative_groups::sync")
def _sync(c: Call) -> Result:
    c.count(1)
    return sync(c, c.values()[0])


@METHODS.add("sync")
def _sync_method(c: Call) -> Result:
    c.count(0)
    assert c.target is not None
    return sync(c, c.target)


def thread_rank(span: Span) -> Expr:
    """Linear index of the thread in its block, U32."""

    def b(name: str) -> Expr:
        return Builtin(S.U32, name, span)

    plane = fold.binary("mul", S.U32, b("threadIdx.z"), b("blockDim.y"), span)
    rows = fold.binary("add", S.U32, plane, b("threadIdx.y"), span)
    return fold.binary("add", S.U32, fold.binary("mul", S.U32, rows, b("blockDim.x"), span), b("threadIdx.x"), span)


@METHODS.add("thread_rank")
def _rank(c: Call) -> Result:
    c.count(0)
    assert c.target is not None
    rank = thread_rank(c.span)
    if c.target.type.name == "thread_block":
        return scalar_value(rank)
    if c.target.type.name == "thread_block_tile":
        return scalar_value(fold.binary("rem", S.U32, rank, Const(S.U32, c.target.type.size), c.span))
    raise c.unsupported("`thread_rank` of a grid", "compute it from blockIdx and threadIdx")


@METHODS.add("size", "num_threads")
def _size(c: Call) -> Result:
    c.count(0)
    assert c.target is not None
    if c.target.type.name == "thread_block_tile":
        return Value(UINT, (Const(S.U32, c.target.type.size),))
    if c.target.type.name == "thread_block":
        return Value(UINT, (_block_size(c.span),))
    raise c.unsupported("`size` of a grid")


@METHODS.add("meta_group_rank")
def _meta_rank(c: Call) -> Result:
    assert c.target is not None
    if c.target.type.name != "thread_block_tile":
        raise c.unsupported(f"`meta_group_rank` of `{c.target.type}`")
    return scalar_value(fold.binary("div", S.U32, thread_rank(c.span), Const(S.U32, c.target.type.size), c.span))


@METHODS.add("meta_group_size")
def _meta_size(c: Call) -> Result:
    """Tiles in the block: the block's size over the tile's, rounded up."""
    assert c.target is not None
    if c.target.type.name != "thread_block_tile":
        raise c.unsupported(f"`meta_group_size` of `{c.target.type}`")
    threads = _block_size(c.span)
    size = c.target.type.size
    rounded = fold.binary("add", S.U32, threads, Const(S.U32, size - 1), c.span)
    return scalar_value(fold.binary("div", S.U32, rounded, Const(S.U32, size), c.span))


def _block_size(span: Span) -> Expr:
    x, y, z = (Builtin(S.U32, f"blockDim.{a}", span) for a in "xyz")
    return fold.binary("mul", S.U32, fold.binary("mul", S.U32, x, y, span), z, span)


def _tile_shuffle(mode: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(2)
        assert c.target is not None
        if c.target.type.name != "thread_block_tile" or c.target.type.size != 32:
            raise c.unsupported(f"a shuffle of `{c.target.type}`", "use a tile of 32 threads")
        value, lane = c.values()
        lane_type = S.I32 if mode in ("idx", "xor") else S.U32
        at = scalar_convert(part(lane, c.span), lane_type, c.span)
        if not isinstance(value, Value):
            raise type_error(f"a shuffle of `{value.type}`", c.span)
        return shuffle(c.ctx, mode, Const(S.U32, FULL), value, at, 32, c.span)

    return handler


for _word, _mode in (("shfl", "idx"), ("shfl_xor", "xor"), ("shfl_up", "up"), ("shfl_down", "down")):
    METHODS.add(_word)(_tile_shuffle(_mode))
