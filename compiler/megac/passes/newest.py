"""Readers of a cache that wait for its new row only: all other rows they read as they were before the launch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from megac import index as ix
from megac.expr import index_test, select
from megac.index import Ranges
from megac.ir import Append, Axis, Expr, Index, Load, Program, Stage
from megac.passes.cost import by_data
from megac.passes.stages import reads, rewritten
from megac.size import ONE


def with_newest_rows(p: Program) -> Program:
    """The program in which a sum along a cache's rows takes the new row from the stage that makes it, and the others from
    the cache's input: where one row is appended at a position that no data decide, and its elements are no sums themselves,
    so that whoever reads the row may compute it too."""
    rows = {s.name: s for s in p.stages}
    caches = {a.output: a for a in p.appends if _simple(a, rows[a.rows])}
    return replace(
        p, stages=tuple(_reading(s, caches) if any(x.tensor in caches for x in reads(s)) else s for s in p.stages)
    )


def _simple(a: Append, rows: Stage) -> bool:
    known = a.position.size is not None
    fixed = all(x.extent.constant is not None for x in rows.axes)
    return a.count == ONE and known and fixed and rows.reduction is None and not by_data(rows.body)


def _reading(s: Stage, caches: Mapping[str, Append]) -> Stage:
    """The choice between the two is by an element's own index alone, so that a loop over elements falls into two."""

    def instead(x: Load, r: Ranges) -> Expr | None:
        a = caches.get(x.tensor)
        if a is None or not _own(x.index[a.axis], s.axes):
            return None
        new = tuple(i for d, i in enumerate(x.index) if d != a.axis and a.shape[d] != ONE)
        before = ix.shifted(ix.subtract(a.position, x.index[a.axis]), -1)
        return select(index_test("ge", before, r), Load(a.input, x.index, x.dtype), Load(a.rows, new, x.dtype))

    return rewritten(s, inline=instead)


def _own(i: Index, axes: tuple[Axis, ...]) -> bool:
    return any(i == ix.axis(a.name) for a in axes)
