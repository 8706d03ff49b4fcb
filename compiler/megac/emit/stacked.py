"""Rows of several matrices that lie one behind another and meet the same vector, as those of one matrix: fewer loops, and what
is left over for some warps is so once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from megac.dtype import DType
from megac.emit.expressions import WIDE, Text, moved, spread
from megac.emit.folds import DOTS, factors
from megac.emit.places import Scope, along, divisible
from megac.emit.types import width
from megac.expr import Rewriter
from megac.ir import AxisRef, Index
from megac.memory.records import Place
from megac.schedule.records import Dot, Nest, Rows


@dataclass(frozen=True, slots=True)
class Stack:
    """Sums over rows of stored matrices with one vector.

    nests: whose sums they are, in the order of their rows; place, begin: of the first matrix, and which of the place's
    elements it begins with; rows: of all matrices; terms: elements of a row.
    """

    nests: tuple[Rows, ...]
    place: Place
    begin: int
    vector: str
    dtype: DType
    rows: int
    terms: int


def stacks(nests: Sequence[Nest], scope: Scope) -> list[Stack]:
    """The stacks of several matrices among a phase's nests."""
    out: list[Stack] = []
    last: Stack | None = None
    for nest in nests:
        own = _single(nest, scope) if isinstance(nest, Rows) else None
        both = None if last is None or own is None else _stacked(last, own, scope)
        if both is not None and last in out:
            out.remove(last)
        out += [both] if both is not None else []
        last = both or own
    return out


def _stacked(a: Stack, b: Stack, scope: Scope) -> Stack | None:
    """Both as one, where the second's matrix begins at the end of the first's."""
    starts = {"": 0, **dict(scope.memory.offsets)}
    if not {a.place.offset, b.place.offset} <= starts.keys():
        return None
    apart = starts[b.place.offset] + b.begin - starts[a.place.offset] - a.begin
    alike = (a.place.base, a.vector, a.dtype, a.terms) == (b.place.base, b.vector, b.dtype, b.terms)
    return replace(a, nests=(*a.nests, *b.nests), rows=a.rows + b.rows) if alike and apart == a.rows * a.terms else None


def _single(nest: Rows, scope: Scope) -> Stack | None:
    """The one sum of a nest, where row r is the matrix' r-th."""
    axes, loop = spread(nest.target.axes, "r")
    rows = loop.extent.constant
    if len(nest.dots) > 1 or rows is None:
        return None
    (d,) = nest.dots
    found = _operands(d, axes, scope.text(loop), scope)
    return None if found is None else Stack((nest,), *found[:-1], rows, found[-1])


def _operands(d: Dot, axes: Mapping[str, Index], text: Text, scope: Scope) -> tuple[Place, int, str, DType, int] | None:
    """A matrix' place and where its rows begin, the vector, their type, and how long a row is."""
    r = d.stage.reduction
    assert r is not None
    own, loop = spread(r.axes, "k")
    at = dict(axes)
    if d.load is not None:
        index = (Rewriter(axes).index(i, text.ranges) for i in d.load.index)
        at = dict(zip((a.name for a in d.stage.axes), index, strict=True))
    inner = text.inside(loop)
    found = factors(moved(r.element, {**at, **own}, inner.ranges), scope)
    terms = loop.extent.constant
    if found is None or terms is None or found[0].dtype not in DOTS or terms % width(found[0].dtype):
        return None
    dtype, by = found[0].dtype, width(found[0].dtype)
    if found[1].tensor in scope.weights:
        found = found[::-1]
    if found[0].tensor not in scope.weights:
        return None
    (matrix, row), (vector, start) = (scope.where(x) for x in found)
    first, base = along(row, loop.name), along(start, loop.name)
    if first is None or base is None or matrix.scalar or matrix.called or vector.scalar or vector.called:
        return None
    linear = first.terms == ((AxisRef("r"), loop.extent),) and first.const.constant is not None
    if not linear or base.terms or not divisible(first, by) or not divisible(base, by):
        return None
    offset = scope.offset(vector, base, text)
    return matrix, first.const.const, vector.base if offset == "0" else f"{vector.base} + {offset}", dtype, terms


def summed(x: Stack, total: str, scope: Scope) -> str:
    """The sum of row r, in a variable that every lane has."""
    call = DOTS[x.dtype]
    scope.helpers.add(call)
    row = f"{'(size_t)' if x.rows * x.terms >= WIDE else ''}r * {x.terms}"
    at = [x.place.base, *([x.place.offset] if x.place.offset else []), *([str(x.begin)] if x.begin else []), row]
    return f"const float {total} = {call}({' + '.join(at)}, {x.vector}, {x.terms}, lane);"
