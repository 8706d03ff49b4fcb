"""Borders: Pad in all its modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.place import Place
from tv.graph_frontend.registry import denotes
from tv.graph_frontend.shapes import ONE
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView
from tv.sets import TRUE, Affine, Formula
from tv.sets.affine import ZERO, Ranges, mod
from tv.sets.formulas import all_of, ge, lt, negate
from tv.term import Term

Piece = tuple[Formula, Affine]  # where the own index is so, the operand is read there
MODES = ("constant", "edge", "reflect", "wrap")


@denotes("Pad", since=11)
def pad(n: NodeView, b: Builder) -> None:
    """a border of a constant, of the nearest elements (edge), mirrored (reflect) or from the other end (wrap); negative pads cut"""
    x = n.input(0)
    mode = n.attribute("mode", "constant")
    if mode not in MODES:
        raise BadInput("TV0311", f"mode `{mode}` of {n.what}")
    axes = tuple(range(x.rank))
    if n.optional(3) is not None:
        axes = tuple(n.wrap_axis(a, x.rank) for a in n.input(3).integers(n.what))
    pads = n.input(1).integers(n.what)
    if len(pads) != 2 * len(axes) or len(set(axes)) != len(axes):
        raise BadInput("TV0302", f"{n.what}: pads {pads} for axes {axes}")
    before = {a: pads[k] for k, a in enumerate(axes)}
    after = {a: pads[len(axes) + k] for k, a in enumerate(axes)}
    shape = tuple(e + before.get(d, 0) + after.get(d, 0) for d, e in enumerate(x.shape))
    for e in shape:
        if not b.system.sets.empty(b.system.sets.set("extent", (), lt(e, 0))):
            raise Unsupported("TV0313", f"{n.what} cuts more than there is")
    if mode == "constant":
        _constant(n, b, x, shape, before)
    else:
        _repeated(n, b, x, shape, before, after, mode)


def _constant(n: NodeView, b: Builder, x: Tensor, shape: tuple[Affine, ...], before: dict[int, int]) -> None:
    fill = n.optional(2)
    if fill is not None and (fill.element != x.element or any(e != ONE for e in fill.shape)):
        raise BadInput("TV0302", f"{n.what}: the fill value must be one {x.element.label}")

    def body(p: Place) -> Term:
        index = tuple(i - before.get(d, 0) for d, i in enumerate(p.index))
        f = all_of(*(c for d in before for c in (ge(index[d]), lt(index[d], x.shape[d]))))

        def border(q: Place) -> Term:
            return q.bits(0, x.element.width) if fill is None else q.get(fill, (ZERO,) * fill.rank)

        return p.case([(f, lambda q: q.get(x, index)), (negate(f), border)])

    b.define(n, 0, x.element, shape, body)


def _repeated(
    n: NodeView,
    b: Builder,
    x: Tensor,
    shape: tuple[Affine, ...],
    before: dict[int, int],
    after: dict[int, int],
    mode: str,
) -> None:
    for d, front in before.items():
        extent = x.shape[d]
        widest = max(front, after[d])
        least = widest + 1 if mode == "reflect" else 1
        if (
            widest > 0
            and mode != "wrap"
            and not b.system.sets.empty(b.system.sets.set("extent", (), lt(extent, least)))
        ):
            raise Unsupported("TV0313", f"{n.what} ({mode}): pads as wide as the operand")
        if mode == "wrap" and (front or after[d]) and not extent.constant:
            raise Unsupported("TV0314", f"{n.what} repeats an open size")

    def body(p: Place) -> Term:
        def along(q: Place, d: int, at: tuple[Affine, ...]) -> Term:
            if d == x.rank:
                return q.get(x, at)
            pieces = (
                _source(mode, q.index[d] - before.get(d, 0), x.shape[d], q.ranges)
                if d in before
                else [(TRUE, q.index[d])]
            )
            return q.case([(c, _next(d, at, v)) for c, v in pieces])

        def _next(d: int, at: tuple[Affine, ...], v: Affine) -> Callable[[Place], Term]:
            return lambda q: along(q, d + 1, (*at, v))

        return along(p, 0, ())

    b.define(n, 0, x.element, shape, body)


def _source(mode: str, i: Affine, extent: Affine, ranges: Ranges) -> Sequence[Piece]:
    """Which element of the operand stands at position i, counted from its front: i may be negative, or behind its end."""
    inside = all_of(ge(i), lt(i, extent))
    match mode:
        case "edge":
            return [(lt(i, 0), ZERO), (inside, i), (ge(i, extent), extent - 1)]
        case "reflect":
            return [(lt(i, 0), -i), (inside, i), (ge(i, extent), extent * 2 - 2 - i)]
        case _:
            return [(TRUE, mod(i, extent.constant or 1, ranges))]
