"""Lane exchanges: which lane a shuffle reads, as index maps over thread digits."""

from __future__ import annotations

from math import prod

from tv import kernel as ir
from tv.diagnostic import Unsupported
from tv.sets import FALSE, TRUE, Affine, Dim, Formula, Sym
from tv.sets.affine import floordiv, mod
from tv.sets.formulas import all_of, any_of, eq, ge, lt, negate
from tv.source import NOWHERE
from tv.symexec.instances import LaunchSpace
from tv.symexec.integers import Integers
from tv.symexec.values import Pieces, Value
from tv.symexec.warps.lanes import WARP, Named, straight
from tv.symexec.warps.lanes import inside as inside_mask

Coordinates = tuple[Affine, ...]
Source = tuple[Formula, Coordinates | None]


def shuffle_sources(
    s: ir.Shuffle,
    lane: Value,
    named: tuple[Named, ...],
    space: LaunchSpace,
    integers: Integers,
    scan: bool = False,
    returned: Formula = FALSE,
) -> tuple[Source, ...]:
    """Per piece of the reading instance: the thread coordinates (values of `space.thread_dims`) of the lane that is read.

    Width w: the warp is taken as segments of w lanes; a source outside the segment is the reader itself (up, down); `idx`
    and `xor` go modulo the segment, as CUDA defines. None: the mask does not name that lane, the block has no such thread, or
    it has returned, and what is read is undefined. scan: a guess, of a step after which each lane goes on with what it has.
    """
    own = integers.remainder(space.linear, WARP)
    width = s.width
    if width not in (1, 2, 4, 8, 16, 32):
        raise Unsupported("TV0512", f"a shuffle of width {width}", s.span, "use a power of two up to 32")
    inside = integers.remainder(own, width)
    base = own - inside
    if lane.pieces is None:
        raise Unsupported("TV0512", "a shuffle whose lane depends on data", s.span)
    out: list[Source] = []
    for cond, written in lane.pieces:
        k = integers.remainder(written, WARP)  # the instruction looks at five bits
        for inner, target in _target(s, base, inside, k, integers, scan):
            c = all_of(cond, inner)
            if c.op != "false":
                out += _among(c, target, named, space, integers, returned)
    return tuple(out)


def _among(
    cond: Formula,
    target: Affine,
    named: tuple[Named, ...],
    space: LaunchSpace,
    integers: Integers,
    returned: Formula,
) -> list[Source]:
    """The lane `target`, where it takes part; the rest is undefined."""
    at = lane_at(target, space, integers)
    takes_part = [(g.cond, names(g, target, at, space, integers, returned)) for g in named]
    if all(integers.holds(all_of(cond, g), f) for g, f in takes_part):
        return [(cond, at)]
    met = any_of(*(all_of(g, f) for g, f in takes_part))
    return [(c, x) for c, x in ((all_of(cond, met), at), (all_of(cond, negate(met)), None)) if c.op != "false"]


def names(
    g: Named, lane: Affine, at: Coordinates, space: LaunchSpace, integers: Integers, returned: Formula
) -> Formula:
    """Does the mask name `lane`, whose thread has the coordinates `at`, and does the block have that thread, still running?"""
    threads = space.block[0] * space.block[1] * space.block[2]
    first = space.linear - integers.remainder(space.linear, WARP)
    exists = TRUE if threads % WARP == 0 else lt(first + lane, threads)
    here: dict[Dim | Sym, Affine] = {Dim(d): a for d, a in zip(space.thread_dims, at, strict=True)}
    inside = g.lanes.substitute(here) if g.mask is None else inside_mask(lane, g.mask)
    return all_of(inside, exists, negate(returned.substitute(here)))


def _target(s: ir.Shuffle, base: Affine, inside: Affine, k: Affine, integers: Integers, scan: bool) -> Pieces:
    mode, width = s.mode, s.width
    if mode == "idx":
        return ((TRUE, base + integers.remainder(k, width)),)
    if mode == "xor":
        pieces = integers.binary("xor", ir.Scalar.I32, ((TRUE, base + inside),), ((TRUE, k),), NOWHERE)
        if pieces is None:
            help = "let the mask take constant values, or unroll the butterfly"
            raise Unsupported("TV0512", "a shuffle whose xor mask is not constant", s.span, help)
        out: list[tuple[Formula, Affine]] = []
        for c, x in pieces:  # an earlier segment may be read, a later one may not
            if width == 32 or integers.holds(c, lt(x, base + width)):
                out.append((c, x))
            else:
                out += [(all_of(c, lt(x, base + width)), x), (all_of(c, ge(x, base + width)), base + inside)]
        return tuple(out)
    carried = _carried(mode, inside, k, width, integers, scan)
    if carried is not None:
        return tuple((c, base + x) for c, x in carried)
    moved = inside + k if mode == "down" else inside - k
    ok = lt(moved, width) if mode == "down" else ge(moved)
    if integers.holds(TRUE, ok):
        return ((TRUE, base + moved),)
    return ((ok, base + moved), (negate(ok), base + inside))


def _carried(mode: str, inside: Affine, k: Affine, width: int, integers: Integers, scan: bool) -> Pieces | None:
    """`inside` moved by a power of two, where its bits are digits: by how far the carry goes, each piece a change of digits.

    From the lanes that a tree of such moves is read from no carry goes anywhere: what they reach stays a box of digits. What a
    scan's lanes reach is a range of lanes, for which no digits are asked.
    """
    n = k.constant
    if n is None or not 0 < n < width or n & (n - 1):
        return None
    first, last = n.bit_length() - 1, width.bit_length() - 1
    for i in range(first, last) if not scan else ():
        integers.remainder(integers.quotient(inside, 1 << i), 2)
    bits = [mod(floordiv(inside, 1 << i, integers.ranges), 2, integers.ranges) for i in range(first, last)]
    if any(len(b.terms) != 1 or b.const or not isinstance(b.terms[0][0], Dim) or b.terms[0][1] != 1 for b in bits):
        return None
    full, free = (1, 0) if mode == "down" else (0, 1)
    out: list[tuple[Formula, Affine]] = []
    passed, at, weight = TRUE, inside, n
    for b in bits:
        out.append((all_of(passed, eq(b, free)), at + (Affine.of(full) - b) * weight))
        passed, at = all_of(passed, eq(b, full)), at + (Affine.of(free) - b) * weight
        weight *= 2
    return (*out, (passed, inside))


def lane_at(lane: Affine, space: LaunchSpace, integers: Integers) -> Coordinates:
    """Thread digits of the thread in the same warp whose lane is `lane`, in 0..31 where this is used. Warps are runs of the linear thread index.

    Where no row or plane of the block straddles a warp's boundary, digits of weight 32, 64, ... stay. Of the others those
    that cut the lane or the warp's number evenly are taken from the lane; any other digit (`t % 3`) depends on both, and is
    taken from the whole index.
    """
    own = integers.remainder(space.linear, WARP)
    whole = space.linear - own + lane
    last = max((space.weights[n] for n in space.thread_dims), default=0)
    out: list[Affine] = []
    for name in space.thread_dims:
        weight = space.weights[name]
        size = (space.ranges[name][1] or 0) + 1
        per = WARP // weight  # values of the digit in a warp, where the weight divides 32
        if not straight(space):
            out.append(_digit(name, whole, space, integers))
        elif weight % WARP == 0:
            out.append(Affine.dim(name))
        elif WARP % weight == 0 and per % size == 0:
            digit = integers.quotient(lane, weight)
            out.append(digit if per == size else integers.remainder(digit, size))
        elif WARP % weight == 0 and (size % per == 0 or weight == last):  # spans the boundary: its high part stays
            high = integers.quotient(Affine.dim(name), per)
            out.append(high * per + integers.quotient(lane, weight))
            integers.cuts.request(Affine.dim(name), per)
        else:
            out.append(_digit(name, whole, space, integers))
    return tuple(out)


def _digit(name: str, whole: Affine, space: LaunchSpace, integers: Integers) -> Affine:
    """A digit of the thread with linear index `whole`: by axis, then within the axis."""
    axis = "xyz".index(name[1])
    scale = prod(space.block[:axis])
    index = floordiv(whole, scale, integers.ranges)
    if prod(space.block[axis + 1 :]) > 1:
        index = mod(index, space.block[axis], integers.ranges)
    weight = space.weights[name] // scale
    size = (space.ranges[name][1] or 0) + 1
    digit = floordiv(index, weight, integers.ranges)
    top = max(space.weights[n] for n in space.thread_dims if n[1] == name[1])
    return digit if space.weights[name] == top else mod(digit, size, integers.ranges)
