"""Lane exchanges: which lane a shuffle reads, as index maps over thread digits."""

from __future__ import annotations

from tv import kernel as ir
from tv.diagnostic import Unsupported
from tv.sets import TRUE, Affine, Formula
from tv.sets.affine import all_of, floordiv, ge, lt, mod, negate
from tv.source import NOWHERE
from tv.symexec.instances import LaunchSpace
from tv.symexec.integers import Integers
from tv.symexec.values import Value

Sources = tuple[tuple[Formula, tuple[Affine, ...]], ...]


def shuffle_sources(s: ir.Shuffle, lane: Value, space: LaunchSpace, integers: Integers) -> Sources:
    """Per piece of the reading instance: the thread coordinates (values of `space.thread_dims`) of the lane that is read.

    Width w: the warp is taken as segments of w lanes; a source outside the segment is the reader itself (up, down); `idx`
    and `xor` go modulo the segment, as CUDA defines.
    """
    bx = space.block[0]
    if bx % 32 and (space.block[1] > 1 or space.block[2] > 1):
        raise Unsupported("TV0512", "a shuffle in a block whose x size is not a multiple of 32", s.span)
    own = integers.remainder(space.linear, 32)
    width = s.width
    if width not in (1, 2, 4, 8, 16, 32):
        raise Unsupported("TV0512", f"a shuffle of width {width}", s.span, "use a power of two up to 32")
    inside = integers.remainder(own, width)
    base = own - inside
    if lane.pieces is None:
        raise Unsupported("TV0512", "a shuffle whose lane depends on data", s.span)
    out: list[tuple[Formula, tuple[Affine, ...]]] = []
    for cond, written in lane.pieces:
        k = integers.remainder(written, 32)  # the instruction looks at five bits
        for inner, target in _target(s.mode, base, inside, width, k, integers):
            c = all_of(cond, inner)
            if c.op != "false":
                out.append((c, _coordinates(target, space, integers)))
    return tuple(out)


def _target(mode: str, base: Affine, inside: Affine, width: int, k: Affine, integers: Integers) -> Sources_:
    if mode == "idx":
        return ((TRUE, base + integers.remainder(k, width)),)
    if mode == "xor":
        pieces = integers.binary("xor", ir.Scalar.I32, ((TRUE, base + inside),), ((TRUE, k),), NOWHERE)
        if pieces is None:
            raise Unsupported(
                "TV0512", "a shuffle whose xor mask is not constant", help="unroll the butterfly with constants"
            )
        out: list[tuple[Formula, Affine]] = []
        for c, x in pieces:  # an earlier segment may be read, a later one may not
            if width == 32 or integers.holds(c, lt(x, base + width)):
                out.append((c, x))
            else:
                out += [(all_of(c, lt(x, base + width)), x), (all_of(c, ge(x, base + width)), base + inside)]
        return tuple(out)
    moved = inside + k if mode == "down" else inside - k
    ok = lt(moved, width) if mode == "down" else ge(moved)
    if integers.holds(TRUE, ok):
        return ((TRUE, base + moved),)
    return ((ok, base + moved), (negate(ok), base + inside))


Sources_ = tuple[tuple[Formula, Affine], ...]


def _coordinates(lane: Affine, space: LaunchSpace, integers: Integers) -> tuple[Affine, ...]:
    """Thread digits of the thread in the same warp whose lane is `lane`: warps are runs of threadIdx.x.

    Digits of weight 32, 64, ... stay. Of the others those that cut the lane or the warp's number evenly are taken from the
    lane; any other digit (`t % 3`) depends on both, and is taken from the whole index.
    """
    own = integers.remainder(space.linear, 32)
    whole = space.index["tx"] - own + lane
    top = max((space.weights[n] for n in space.thread_dims if space.weights[n] < space.block[0]), default=0)
    out: list[Affine] = []
    for name in space.thread_dims:
        weight = space.weights[name]
        size = (space.ranges[name][1] or 0) + 1
        per = 32 // weight  # values of the digit in a warp, where the weight divides 32
        if weight % 32 == 0:
            out.append(Affine.dim(name))
        elif 32 % weight == 0 and per % size == 0:
            out.append(integers.remainder(integers.quotient(lane, weight), size))
        elif 32 % weight == 0 and (size % per == 0 or weight == top):  # spans the warp's boundary: its high part stays
            high = integers.quotient(Affine.dim(name), per)
            out.append(high * per + integers.quotient(lane, weight))
            integers.cuts.request(Affine.dim(name), per)
        else:
            digit = floordiv(whole, weight, integers.ranges)
            out.append(digit if weight == top else mod(digit, size, integers.ranges))
    return tuple(out)
