"""Operators that move elements and compute nothing: their results are references."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend import static
from tv.graph_frontend.build import Builder
from tv.graph_frontend.elementwise import index_ranges, view_of
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE, Product, Shape, broadcast, broadcast_index, require_same, reshape_index
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import TRUE, Affine, Formula
from tv.sets.affine import ZERO, Ranges, floordiv, mod
from tv.sets.formulas import all_of, ge, lt, negate
from tv.term import Term


@denotes("Transpose", since=1)
def transpose(n: NodeView, b: Builder) -> None:
    """dimensions permuted (reversed without `perm`)"""
    x = n.input(0)
    perm = n.integers("perm") or tuple(reversed(range(x.rank)))
    if sorted(perm) != list(range(x.rank)):
        raise BadInput("TV0302", f"{n.what}: perm {perm} does not permute {x.rank} dimensions")
    where = [perm.index(k) for k in range(x.rank)]
    view_of(n, b, x, tuple(x.shape[k] for k in perm), lambda ranges, i: tuple(i[k] for k in where))


def reshaped(n: NodeView, b: Builder, x: Tensor, shape: Shape) -> None:
    view_of(n, b, x, shape, lambda ranges, i: reshape_index(x.shape, shape, i, ranges, n.what))


@denotes("Reshape", since=5)
def reshape(n: NodeView, b: Builder) -> None:
    """the same elements in row-major order in another shape"""
    x = n.input(0)
    literal_zero = n.flag("allowzero", False)
    wanted = list(n.input(1).elements(n.what))
    for k, e in enumerate(wanted):
        if e.constant == 0 and not literal_zero:
            if k >= x.rank:
                raise BadInput("TV0302", f"{n.what}: entry {k} copies a dimension that is not there")
            wanted[k] = x.shape[k]
    open_ones = [k for k, e in enumerate(wanted) if e.constant == -1]
    if len(open_ones) > 1 or any(e.constant is not None and e.constant < -1 for e in wanted):
        raise BadInput("TV0302", f"{n.what}: the shape is not one")
    if open_ones:
        rest = Product.of([e for k, e in enumerate(wanted) if k != open_ones[0]])
        quotient = Product.of(x.shape).over(rest)
        if quotient is None:
            raise Unsupported("TV0314", f"{n.what}: the extent of -1 is not affine in the open sizes")
        wanted[open_ones[0]] = quotient.extent(n.what)
    reshaped(n, b, x, tuple(wanted))


@denotes("Flatten", since=1)
def flatten(n: NodeView, b: Builder) -> None:
    """a matrix: the dimensions before and after the axis merged"""
    x = n.input(0)
    axis = n.attribute("axis", 1)
    if not -x.rank <= axis <= x.rank:
        raise BadInput("TV0302", f"axis {axis} of {n.what} is outside rank {x.rank}")
    axis = axis + x.rank if axis < 0 else axis
    reshaped(n, b, x, tuple(Product.of(part).extent(n.what) for part in (x.shape[:axis], x.shape[axis:])))


def _axes(n: NodeView, rank: int) -> tuple[int, ...] | None:
    """Axes from the attribute (before opset 13) or from input 1."""
    axes, given = n.integers("axes"), n.optional(1)
    if axes is None and given is not None:
        axes = given.integers(n.what)
    if axes is None:
        return None
    out = tuple(n.wrap_axis(a, rank) for a in axes)
    if len(set(out)) != len(out):
        raise BadInput("TV0302", f"{n.what}: an axis is named twice")
    return out


@denotes("Squeeze", since=1)
def squeeze(n: NodeView, b: Builder) -> None:
    """extents of 1 taken out"""
    x = n.input(0)
    axes = _axes(n, x.rank)
    if axes is None:
        axes = tuple(k for k, e in enumerate(x.shape) if e == ONE)
    for a in axes:
        require_same(b.system.sets, x.shape[a], ONE, n.what)
    kept = [k for k in range(x.rank) if k not in axes]

    def move(ranges: object, i: tuple[Affine, ...]) -> tuple[Affine, ...]:
        return tuple(i[kept.index(k)] if k in kept else ZERO for k in range(x.rank))

    view_of(n, b, x, tuple(x.shape[k] for k in kept), move)


@denotes("Unsqueeze", since=1)
def unsqueeze(n: NodeView, b: Builder) -> None:
    """extents of 1 put in"""
    x = n.input(0)
    count = len(n.integers("axes") or ()) or len(n.input(1).integers(n.what))
    rank = x.rank + count
    axes = _axes(n, rank) or ()
    old = iter(x.shape)
    shape = tuple(ONE if k in axes else next(old) for k in range(rank))
    view_of(n, b, x, shape, lambda ranges, i: tuple(i[k] for k in range(rank) if k not in axes))


@denotes("Expand", since=8)
def expand(n: NodeView, b: Builder) -> None:
    """broadcast to a shape"""
    x = n.input(0)
    shape = broadcast(b.system.sets, [x.shape, n.input(1).elements(n.what)], n.what)
    view_of(n, b, x, shape, lambda ranges, i: broadcast_index(x.shape, i))


@denotes("Tile", since=6)
def tile(n: NodeView, b: Builder) -> None:
    """repeated along each dimension"""
    x, repeats = n.input(0), n.input(1).integers(n.what)
    if len(repeats) != x.rank or any(r < 0 for r in repeats):
        raise BadInput("TV0302", f"{n.what}: repeats do not fit the operand")
    shape = tuple(e * r for e, r in zip(x.shape, repeats, strict=True))

    def move(ranges: Ranges, i: tuple[Affine, ...]) -> tuple[Affine, ...]:
        out = []
        for own, e, r in zip(i, x.shape, repeats, strict=True):
            if r != 1 and e.constant is None:
                raise Unsupported("TV0314", f"{n.what} repeats an open size")
            out.append(own if r == 1 or e.constant is None else mod(own, max(e.constant, 1), ranges))
        return tuple(out)

    view_of(n, b, x, shape, move)


# ------------------------------------------------------------------------------------------------ concat, split
@denotes("Concat", since=4)
def concat(n: NodeView, b: Builder) -> None:
    """operands one after another along an axis"""
    xs = n.inputs()
    e = n.one_type(*xs)
    axis = n.axis("axis", 0, xs[0].rank)
    starts, total = [], ZERO
    for x in xs:
        if x.rank != xs[0].rank:
            raise BadInput("TV0302", f"{n.what} joins ranks {xs[0].rank} and {x.rank}")
        for k in range(x.rank):
            if k != axis:
                require_same(b.system.sets, xs[0].shape[k], x.shape[k], n.what)
        starts.append(total)
        total = total + x.shape[axis]
    shape = tuple(total if k == axis else d for k, d in enumerate(xs[0].shape))

    def inside(x: Tensor, start: Affine, i: Sequence[Affine]) -> tuple[Affine, ...]:
        return tuple(a - start if k == axis else a for k, a in enumerate(i))

    own = tuple(static.own(k) for k in range(len(shape)))
    pieces: list[tuple[Formula, Affine]] = []
    for x, start in zip(xs, starts, strict=True):
        ints = x.ints
        if ints is None:
            break
        here = all_of(ge(own[axis], start), lt(own[axis], start + x.shape[axis]))
        pieces += [(all_of(here, c), v) for c, v in static.at(ints, inside(x, start, own))]
    else:
        ranges = index_ranges(b, shape)
        live = [(c, v) for c, v in ((static.reduce_formula(c, ranges), v) for c, v in pieces) if c.op != "false"]
        merged = static.merge(live) if live else static.constant_pieces(0)
        if len(merged) <= static.LIMIT and b.define_ints(n, 0, e, shape, merged):
            return

    def body(p: Place) -> Term:
        i = p.index[axis]
        arms = []
        for k, (x, start) in enumerate(zip(xs, starts, strict=True)):
            low = TRUE if k == 0 else ge(i, start)
            high = TRUE if k == len(xs) - 1 else lt(i, start + x.shape[axis])
            arms.append((all_of(low, high), lambda q, x=x, start=start: q.get(x, inside(x, start, p.index))))
        return p.case([(c, f) for (c, f), x in zip(arms, xs, strict=True) if x.shape[axis] != ZERO])

    b.define(n, 0, e, shape, body)


def _moved(axis: int, by: Affine, ranges: Ranges, index: tuple[Affine, ...]) -> tuple[Affine, ...]:
    return tuple(a + by if d == axis else a for d, a in enumerate(index))


@denotes("Split", since=2)
def split(n: NodeView, b: Builder) -> None:
    """parts along an axis, of given or equal sizes"""
    x = n.input(0)
    axis = n.axis("axis", 0, x.rank)
    sizes, given = n.integers("split"), n.optional(1)
    lengths = (
        [Affine.of(s) for s in sizes]
        if sizes is not None
        else list(given.elements(n.what))
        if given is not None
        else None
    )
    parts = n.attribute("num_outputs", len(n.node.outputs))
    if lengths is None:
        extent = x.shape[axis].constant
        if extent is None or parts <= 0:
            raise Unsupported("TV0314", f"{n.what} splits an open size into equal parts")
        if parts != len(n.node.outputs):
            raise BadInput("TV0302", f"{n.what}: {parts} parts for {len(n.node.outputs)} outputs")
        each = -(-extent // parts)
        lengths = [Affine.of(max(0, min(each, extent - each * k))) for k in range(parts)]
    if len(lengths) != len(n.node.outputs):
        raise BadInput("TV0302", f"{n.what}: {len(lengths)} parts for {len(n.node.outputs)} outputs")
    start = ZERO
    for k, length in enumerate(lengths):
        shape = tuple(length if d == axis else e for d, e in enumerate(x.shape))
        if n.wants(k):
            view_of(n, b, x, shape, partial(_moved, axis, start), k)
        start = start + length
    require_same(b.system.sets, start, x.shape[axis], n.what)


# ------------------------------------------------------------------------------------------------ slice
def _clamped(b: Builder, n: NodeView, value: Affine, low: Affine, high: Affine) -> Affine:
    """value limited to [low, high], where the context decides which of the three it is."""
    sets = b.system.sets

    def always(f: Formula) -> bool:
        return sets.empty(sets.set("extent", (), negate(f)))

    if always(ge(low, value)):
        return low
    if always(ge(value, high)):
        return high
    if always(ge(value, low)) and always(ge(high, value)):
        return value
    raise Unsupported(
        "TV0314",
        f"{n.what}: whether {value.text()} lies inside {low.text()} .. {high.text()} depends on the open sizes",
    )


@denotes("Slice", since=10)
def slice_(n: NodeView, b: Builder) -> None:
    """from start to end by step along axes, bounds clamped to the extents"""
    x = n.input(0)
    starts, ends = n.input(1).elements(n.what), n.input(2).elements(n.what)
    axes = n.input(3).integers(n.what) if n.optional(3) is not None else tuple(range(len(starts)))
    steps = n.input(4).integers(n.what) if n.optional(4) is not None else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise BadInput("TV0302", f"{n.what}: starts, ends, axes and steps do not fit")
    shape, first, step = list(x.shape), [ZERO] * x.rank, [1] * x.rank
    for s, e, a, k in zip(starts, ends, axes, steps, strict=True):
        d = n.wrap_axis(a, x.rank)
        extent = x.shape[d]
        lowest, highest = (ZERO, extent) if k > 0 else (Affine.of(-1), extent - 1)
        front = _from_front(b, n, s, extent)
        if k < 0 and not b.system.sets.empty(b.system.sets.set("extent", (), all_of(lt(front, 0), ge(extent, 1)))):
            what = f"{n.what}: a start before the front with a negative step"  # ONNX's text and numpy differ on it
            raise Unsupported("TV0314", what, help="let it start at an element")
        begin = _clamped(b, n, front, lowest, highest)
        end = _clamped(b, n, _from_front(b, n, e, extent), lowest, extent if k > 0 else highest)
        span = end - begin if k > 0 else begin - end
        count = span if abs(k) == 1 else floordiv(span + (abs(k) - 1), abs(k))
        shape[d] = _clamped(b, n, count, ZERO, count) if count.constant is not None else _not_negative(b, n, count)
        first[d], step[d] = begin, k
    view_of(n, b, x, tuple(shape), lambda ranges, i: tuple(f + a * k for f, a, k in zip(first, i, step, strict=True)))


def _from_front(b: Builder, n: NodeView, value: Affine, extent: Affine) -> Affine:
    """A negative bound counts from the end."""
    sets = b.system.sets
    if value.constant is not None:
        return value + extent if value.constant < 0 else value
    if sets.empty(sets.set("extent", (), lt(value, 0))):
        return value
    if sets.empty(sets.set("extent", (), ge(value))):
        return value + extent
    raise Unsupported("TV0314", f"{n.what}: the sign of {value.text()} depends on the open sizes")


def _not_negative(b: Builder, n: NodeView, count: Affine) -> Affine:
    sets = b.system.sets
    if not sets.empty(sets.set("extent", (), lt(count, 0))):
        raise Unsupported("TV0314", f"{n.what}: whether {count.text()} is negative depends on the open sizes")
    return count


# ------------------------------------------------------------------------------------------------ pad, trilu
@denotes("Trilu", since=14)
def trilu(n: NodeView, b: Builder) -> None:
    """the upper (default) or lower triangle of each matrix, zero elsewhere"""
    x, k = n.input(0), n.optional(1)
    shift = k.scalar(n.what) if k is not None else ZERO
    upper = n.flag("upper", True)
    if x.rank < 2:
        raise BadInput("TV0302", f"{n.what} of rank {x.rank}")

    def inside(i: Sequence[Affine]) -> Formula:
        above = i[-1] - i[-2] - shift
        return ge(above) if upper else ge(-above)

    if x.ints is not None:
        own = tuple(static.own(d) for d in range(x.rank))
        f = inside(own)
        pieces = [(all_of(f, c), v) for c, v in x.ints] + [(negate(f), ZERO)]
        if b.define_ints(n, 0, x.element, x.shape, static.merge(pieces)):
            return

    def body(p: Place) -> Term:
        f = inside(p.index)
        return p.case([(f, lambda q: q.get(x, p.index)), (negate(f), lambda q: q.bits(0, x.element.width))])

    b.define(n, 0, x.element, x.shape, body)
