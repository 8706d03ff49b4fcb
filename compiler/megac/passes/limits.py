"""What a launch's greatest sizes decide: a mask's window that is as long as the caches masks nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from megac.expr import Rewriter, truth
from megac.index import Ranges
from megac.ir import Expr, IndexTest, Program, Stage
from megac.passes.stages import rewritten
from megac.size import Size


def within(p: Program, most: int) -> Program:
    """The program for launches in which no dimension is greater than `most`."""
    return replace(p, stages=tuple(_stage(s, most) for s in p.stages))


def _stage(s: Stage, most: int) -> Stage:
    rewriter = _Within(most)
    body = rewriter.expr(s.body, Ranges.of(s.axes))
    if s.reduction is None:
        return rewritten(replace(s, body=body))
    inner = Ranges.of((*s.axes, *s.reduction.axes))
    where = None if s.reduction.where is None else rewriter.expr(s.reduction.where, inner)
    element = rewriter.expr(s.reduction.element, inner)
    return rewritten(replace(s, body=body, reduction=replace(s.reduction, element=element, where=where)))


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The least and greatest number that an extent may be."""

    low: int
    high: int

    @staticmethod
    def of(s: Size, most: int) -> _Bounds:
        ends = [sorted((0, f * most)) for _, f in s.terms]
        return _Bounds(s.const + sum(a for a, _ in ends), s.const + sum(b for _, b in ends))


class _Within(Rewriter):
    """Decides tests of indices by the greatest dimension."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def expr(self, e: Expr, r: Ranges) -> Expr:
        if isinstance(e, IndexTest):
            low, high = r.bounds(self.index(e.index, r))
            least = None if low is None else _Bounds.of(low, self.most).low
            greatest = None if high is None else _Bounds.of(high, self.most).high
            if e.kind == "ge" and least is not None and least >= 0:
                return truth(True)
            if (greatest is not None and greatest < 0) or (e.kind == "eq" and least is not None and least > 0):
                return truth(False)
        return super().expr(e, r)
