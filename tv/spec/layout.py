"""Layouts: which offset of a buffer holds which element, and the proof that no two elements share one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from tv.diagnostic import BadInput, Unknown
from tv.source import Span
from tv.spec.expression import Apply, Expression, Name, Number, Range, evaluate, names, parse, substitute
from tv.spec.interval import corners, enclosure
from tv.spec.polynomial import Polynomial, number, polynomial

_FORM = re.compile(r"^\s*\[([^\]]*)\]\s*->\s*\[(.*)\]\s*$", re.DOTALL)
_SAMPLES = 8  # symbol values tried, for an order of the strides or for a collision
_ENUMERATED = 1 << 25  # elements; about a second and 300 MB
_TRIED = 1 << 22  # of sizes that may show a collision, all together
Shape = Sequence[Expression]
Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """Index names and the offset in elements as an expression over them and the symbols."""

    dims: tuple[str, ...]
    offset: Expression


def parse_layout(source: str, rank: int, span: Span) -> Layout:
    """Reads "[i, j] -> [offset]". Raises BadInput (TV0204) where form or rank are wrong."""
    m = _FORM.match(source)
    if m is None:
        raise BadInput("TV0204", f"`{source}` is no layout", span, 'layout = "[i, j] -> [i * 4096 + j]"')
    dims = tuple(d.strip() for d in m.group(1).split(",")) if m.group(1).strip() else ()
    if not all(d.isidentifier() for d in dims) or len(set(dims)) != len(dims):
        raise BadInput("TV0204", f"`[{m.group(1)}]` is no list of index names", span, "one name for each dimension")
    if len(dims) != rank:
        raise BadInput(
            "TV0204",
            f"layout of {len(dims)} dimensions for a tensor of {rank}",
            span,
            "give one name for each dimension of the tensor",
        )
    return Layout(dims, parse(m.group(2), span))


def row_major(shape: Shape) -> Layout:
    """The layout that is meant where none is written."""
    dims = tuple(f"_{k}" for k in range(len(shape)))
    offset: Expression = Number(0)
    for d, extent in zip(dims, shape, strict=True):
        offset = Apply("+", (Apply("*", (offset, extent)), Name(d)))
    return Layout(dims, offset)


def elements(shape: Shape) -> Polynomial:
    """The number of elements of a tensor."""
    total = number(1)
    for extent in shape:
        total = total * polynomial(extent)
    return total


def check_layout(layout: Layout, shape: Shape, ranges: Mapping[str, Range], span: Span) -> Polynomial:
    """Proves that the layout is one-to-one and never negative for all symbol values; returns its extent in elements.

    Raises BadInput for an unknown symbol (TV0206), a name that is both index and symbol (TV0204), a shared place (TV0226)
    or a negative offset (TV0225); Unknown (TV0229) where none of it can be decided.
    """
    for name in names(layout.offset):
        if name not in layout.dims and name not in ranges:
            raise BadInput("TV0206", f"unknown symbol `{name}` in a layout", span, _symbols(ranges))
    shadowed = sorted(set(layout.dims) & set(ranges))
    if shadowed:
        raise BadInput("TV0204", f"`{shadowed[0]}` is an index and a symbol", span, "rename the index")
    split = polynomial(layout.offset).split(frozenset(layout.dims))
    if split is not None:
        rest, strides = split
        extent = _nested(rest, [strides.get(d, number(0)) for d in layout.dims], shape, ranges)
        if extent is not None:
            return extent
    return _enumerated(layout, shape, ranges, span)


def _symbols(ranges: Mapping[str, Range]) -> str:
    return f"the symbols are: {', '.join(sorted(ranges))}" if ranges else "no symbol is declared"


def _nested(
    rest: Polynomial, strides: list[Polynomial], shape: Shape, ranges: Mapping[str, Range]
) -> Polynomial | None:
    """The extent, if each stride exceeds what all smaller ones reach together (mixed radix), for all symbol values."""
    axes = [(s, polynomial(n)) for s, n in zip(strides, shape, strict=True) if polynomial(n).constant() != 1]
    points = corners(ranges, _SAMPLES)
    orders = {tuple(sorted(range(len(axes)), key=lambda k: axes[k][0].at(point))) for point in points}
    for order in sorted(orders):
        reach = _reach([axes[k] for k in order], ranges)
        if reach is not None and _at_least(rest, 0, ranges):
            return rest + reach + number(1)
    return None


def _reach(axes: list[tuple[Polynomial, Polynomial]], ranges: Mapping[str, Range]) -> Polynomial | None:
    """The largest offset, if every (stride, extent) steps over all before it."""
    reach = number(0)
    for stride, extent in axes:
        if not _at_least(stride - reach, 1, ranges) or not _at_least(extent, 0, ranges):
            return None
        reach = reach + stride * (extent - number(1))
    return reach


def _at_least(p: Polynomial, bound: int, ranges: Mapping[str, Range]) -> bool:
    found = p.range(ranges)
    return found is not None and found[0] >= bound


def _enumerated(layout: Layout, shape: Shape, ranges: Mapping[str, Range], span: Span) -> Polynomial:
    """Decides by looking at every element; only for shapes and layouts without symbols."""
    if any(n not in layout.dims for e in (*shape, layout.offset) for n in names(e)):
        _refute_somewhere(layout, shape, ranges, span)
        raise Unknown("TV0229", "it cannot be decided whether the layout is one-to-one", span, _DECIDABLE)
    counts = [evaluate(e, {}) for e in shape]
    limits = {d: (0, max(n - 1, 0)) for d, n in zip(layout.dims, counts, strict=True)}
    if prod(counts) > _ENUMERATED or not _fits(layout.offset, limits):
        raise Unknown("TV0229", "it cannot be decided whether the layout is one-to-one", span, _DECIDABLE)
    grid = np.meshgrid(*(np.arange(n, dtype=np.int64) for n in counts), indexing="ij", sparse=True)
    offsets = np.broadcast_to(_array(layout.offset, dict(zip(layout.dims, grid, strict=True))), counts).ravel()
    if offsets.size == 0:
        return number(0)
    if offsets.min() < 0:
        raise BadInput(
            "TV0225",
            "the layout has negative offsets",
            span,
            "add what makes the smallest offset 0, or bind with `offset`",
        )
    _refuse_shared(offsets, counts, span)
    return number(int(offsets.max()) + 1)


def _refute_somewhere(layout: Layout, shape: Shape, ranges: Mapping[str, Range], span: Span) -> None:
    """Raises BadInput where some value of the symbols, out of a few, shows two elements at one place."""
    budget = _TRIED
    for point in corners(ranges, _SAMPLES):
        concrete = [Number(evaluate(e, point)) for e in shape]
        size = prod(max(n.value, 0) for n in concrete)
        if 0 < size <= budget:
            budget -= size
            _enumerated(Layout(layout.dims, substitute(layout.offset, point)), concrete, {}, span)


_DECIDABLE = "affine layouts with nested strides are decided for all sizes, others without symbols up to 2^25 elements"


def _refuse_shared(offsets: Array, counts: list[int], span: Span) -> None:
    extent = int(offsets.max()) + 1
    if extent <= 8 * offsets.size:  # few places: cheaper than to sort
        taken = np.zeros(extent, np.bool_)
        taken[offsets] = True
        if np.count_nonzero(taken) == offsets.size:
            return
    order = np.argsort(offsets, kind="stable")
    placed = offsets[order]
    same = np.flatnonzero(placed[1:] == placed[:-1])
    if same.size:
        first, second = (tuple(int(i) for i in np.unravel_index(order[same[0] + k], counts)) for k in (0, 1))
        place = int(placed[same[0]])
        raise BadInput(
            "TV0226", f"the layout puts {list(first)} and {list(second)} at offset {place}", span, _ONE_TO_ONE
        )


_ONE_TO_ONE = "every element needs a place of its own"


def _fits(e: Expression, limits: Mapping[str, Range]) -> bool:
    """Every value on the way to the result is an exact int64."""
    found = enclosure(e, limits)
    if found is None or max(abs(r) for r in found) >= 1 << 62:
        return False
    return all(_fits(a, limits) for a in e.args) if isinstance(e, Apply) else True


def _array(e: Expression, index: Mapping[str, Array]) -> Array:
    """The expression on whole index arrays."""
    match e:
        case Number(value=v):
            return np.full((), v, dtype=np.int64)
        case Name(name=n):
            return index[n]
        case Apply(op=op, args=args):
            return reduce(_ARRAY[op], [_array(a, index) for a in args])


_ARRAY: dict[str, Callable[[Array, Array], Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "//": np.floor_divide,
    "%": np.mod,
    "ceildiv": lambda a, b: np.negative(np.floor_divide(np.negative(a), b)),
    "min": np.minimum,
    "max": np.maximum,
}
