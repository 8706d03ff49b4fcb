"""Cooperative groups: grid, block, and tiles of up to 32 threads."""

from __future__ import annotations

from collections.abc import Callable

from tv.cuda_frontend import fold, operators
from tv.cuda_frontend import syntax as ast
from tv.cuda_frontend.builtin import BUILTINS, METHODS, Call, builtin, part, scalar_value
from tv.cuda_frontend.builtin_warp import FULL, NOTHING, shuffle, vote
from tv.cuda_frontend.convert import scalar_convert, to_bool, type_error
from tv.cuda_frontend.ctype import UINT, Handle
from tv.cuda_frontend.names import FOLDS
from tv.cuda_frontend.typenames import resolve
from tv.cuda_frontend.values import HandleValue, Result, Value
from tv.kernel import Barrier, Builtin, Const, Expr, Scalar, Select
from tv.source import Span

S = Scalar


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
        case HandleValue(type=Handle(name="thread_block_tile", size=n)):
            c.ctx.emit(Barrier(c.span, "warp", None if n == 32 else tile_mask(n, c.span)))
        case _:
            raise c.unsupported(f"a barrier of `{group.type}`", "use a grid, a block or a tile")
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


def block_rank(span: Span) -> Expr:
    """Linear index of the block in its grid, U64."""

    def b(name: str) -> Expr:
        return fold.convert(Builtin(S.U32, name, span), S.U64, span)

    plane = fold.binary("mul", S.U64, b("blockIdx.z"), b("gridDim.y"), span)
    rows = fold.binary("add", S.U64, plane, b("blockIdx.y"), span)
    return fold.binary("add", S.U64, fold.binary("mul", S.U64, rows, b("gridDim.x"), span), b("blockIdx.x"), span)


@METHODS.add("thread_rank")
def _rank(c: Call) -> Result:
    c.count(0)
    assert c.target is not None
    rank = thread_rank(c.span)
    if c.target.type.name == "thread_block":
        return scalar_value(rank)
    if c.target.type.name == "thread_block_tile":
        return scalar_value(fold.binary("rem", S.U32, rank, Const(S.U32, c.target.type.size), c.span))
    if c.target.type.name == "grid_group":
        size = fold.convert(_block_size(c.span), S.U64, c.span)
        before = fold.binary("mul", S.U64, block_rank(c.span), size, c.span)
        return scalar_value(fold.binary("add", S.U64, before, fold.convert(rank, S.U64, c.span), c.span))
    raise c.unsupported(f"`thread_rank` of `{c.target.type}`", "compute it from blockIdx and threadIdx")


@METHODS.add("size", "num_threads")
def _size(c: Call) -> Result:
    c.count(0)
    assert c.target is not None
    if c.target.type.name == "thread_block_tile":
        return Value(UINT, (Const(S.U32, c.target.type.size),))
    if c.target.type.name == "thread_block":
        return Value(UINT, (_block_size(c.span),))
    if c.target.type.name == "grid_group":
        size = fold.convert(_block_size(c.span), S.U64, c.span)
        return scalar_value(fold.binary("mul", S.U64, _blocks(c.span), size, c.span))
    raise c.unsupported(f"`{c.name}` of `{c.target.type}`", "compute it from gridDim and blockDim")


def _blocks(span: Span) -> Expr:
    x, y, z = (fold.convert(Builtin(S.U32, f"gridDim.{c}", span), S.U64, span) for c in "xyz")
    return fold.binary("mul", S.U64, fold.binary("mul", S.U64, x, y, span), z, span)


@METHODS.add("block_rank", "num_blocks")
def _blocks_of(c: Call) -> Result:
    c.count(0)
    assert c.target is not None
    if c.target.type.name != "grid_group":
        raise c.unsupported(f"`{c.name}` of `{c.target.type}`", "ask the grid")
    return scalar_value(block_rank(c.span) if c.name == "block_rank" else _blocks(c.span))


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


def first_lane(size: int, span: Span) -> Expr:
    """The lane of a tile's first thread, U32."""
    kept = Const(S.U32, 31 & ~(size - 1))
    return fold.binary("and", S.U32, thread_rank(span), kept, span)


def tile_mask(size: int, span: Span) -> Expr:
    """The lanes of the thread's tile, as a warp's mask."""
    if size == 32:
        return Const(S.U32, FULL)
    return fold.binary("shl", S.U32, Const(S.U32, (1 << size) - 1), first_lane(size, span), span)


def tile_of(c: Call) -> int:
    """The size of the tile that a method is called of."""
    assert c.target is not None
    if c.target.type.name != "thread_block_tile":
        raise c.unsupported(f"`{c.name}` of `{c.target.type}`", "use a tile: tiled_partition<32>(block)")
    return c.target.type.size


def _tile_shuffle(mode: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(2)
        size = tile_of(c)
        value, lane = c.values()
        lane_type = S.I32 if mode in ("idx", "xor") else S.U32
        at = scalar_convert(part(lane, c.span), lane_type, c.span)
        if not isinstance(value, Value):
            raise type_error(f"a shuffle of `{value.type}`", c.span)
        return shuffle(c.ctx, mode, tile_mask(size, c.span), value, at, size, c.span)

    return handler


for _word, _mode in (("shfl", "idx"), ("shfl_xor", "xor"), ("shfl_up", "up"), ("shfl_down", "down")):
    METHODS.add(_word)(_tile_shuffle(_mode))


def _tile_vote(mode: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(1)
        size = tile_of(c)
        (value,) = (part(r, c.span) for r in c.values())
        result = vote(c.ctx, mode, tile_mask(size, c.span), to_bool(value, c.span), c.span)
        if mode == "ballot":  # bit 0 is the tile's first thread
            return scalar_value(
                result if size == 32 else fold.binary("shr", S.U32, result, first_lane(size, c.span), c.span)
            )
        return scalar_value(scalar_convert(result, S.I32, c.span))

    return handler


for _mode in ("ballot", "any", "all"):
    METHODS.add(_mode)(_tile_vote(_mode))


# ------------------------------------------------------------------------------------------------ reductions
OPERATORS = {"plus": "+", "bit_and": "&", "bit_or": "|", "bit_xor": "^"}
FOLDED_AT_ONCE = 16  # from tiles of this size on, 32-bit integers go through one instruction


def _function_object(name: str) -> Callable[[Call], Result]:
    def handler(c: Call) -> Result:
        c.count(0)
        if not c.targs or len(c.targs) != 1 or not isinstance(c.targs[0], ast.TypeSyntax):
            raise c.unsupported(f"`{name}` without its type", f"write cooperative_groups::{name}<float>()")
        return HandleValue(Handle(f"{name}<{resolve(c.ctx, c.targs[0])}>"))

    return handler


for _name in FOLDS:
    BUILTINS.add(f"cooperative_groups::{_name}")(_function_object(_name))


@builtin("cooperative_groups::reduce")
def _reduce(c: Call) -> Result:
    """As `cooperative_groups/reduce.h` has it: xor shuffles from half the tile down, the own value on the left."""
    c.count(3)
    group, value, op = c.values()
    if not isinstance(group, HandleValue) or group.type.name != "thread_block_tile":
        raise c.unsupported(f"a reduction over `{group.type}`", "use a tile: tiled_partition<32>(block)")
    if not isinstance(op, HandleValue) or not isinstance(value, Value):
        raise c.unsupported(f"a reduction of `{value.type}` by `{op.type}`", "use cooperative_groups::plus<float>()")
    name, _, kind = op.type.name.partition("<")
    if name not in FOLDS or kind != f"{value.type}>":
        raise type_error(f"a reduction of `{value.type}` by `{op.type}`", c.span, "operator and value have one type")
    size, e = group.type.size, part(value, c.span)
    if e.type in (S.I32, S.U32) and size >= FOLDED_AT_ONCE:
        return scalar_value(vote(c.ctx, FOLDS[name], tile_mask(size, c.span), e, c.span))
    if e.type.is_int and e.type.bits < 32:
        raise c.unsupported(f"a reduction of `{value.type}`", "convert it to int")
    out, distance = value, size // 2
    while distance:
        other = shuffle(c.ctx, "xor", tile_mask(size, c.span), out, Const(S.I32, distance), size, c.span)
        out = scalar_value(c.ctx.keep(part(_applied(c, name, out, other), c.span), c.span))
        distance //= 2
    return out


def _applied(c: Call, name: str, a: Value, b: Value) -> Value:
    if name in OPERATORS:
        found = operators.binary(c.ctx, OPERATORS[name], a, b, c.span)
        assert isinstance(found, Value)
        return found
    x, y = part(a, c.span), part(b, c.span)
    less = fold.compare("lt", y, x, c.span) if name == "less" else fold.compare("lt", x, y, c.span)
    return scalar_value(Select(x.type, less, y, x, c.span))
