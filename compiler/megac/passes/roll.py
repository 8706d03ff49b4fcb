"""Repeated layers: stages that follow each other again and again, alike up to names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

from megac.ir import Program, Rolled, Stage
from megac.passes.alike import layers_at, named, shapes_of
from megac.passes.stages import early_stages
from megac.printing import stage_key

PERIOD_LIMIT = 1000  # stages of a layer


def rolled(p: Program) -> Program:
    """The program with its layers found: the longest repetition of stages that read alike. Stages that depend on no
    reduction of weights come first. Without a repetition, as it is."""
    p = _early_first(p)
    shapes = shapes_of(p)
    keys = _numbers([_shape_key(s, shapes) for s in p.stages])
    runs = _repetitions(keys)
    heapify(runs)
    while runs:
        run = heappop(runs)
        tried = [layers_at(p, shapes, k, run.period, run.count) for k in _starts(keys, run)]
        found = [r for r in tried if isinstance(r, Rolled)]
        if found:
            return replace(p, layers=min(found, key=lambda r: (len(r.carried), r.start)))
        for part in run.cut(max(fits for fits in tried if isinstance(fits, int))):
            heappush(runs, part)
    return p


@dataclass(frozen=True, slots=True, order=True)
class _Run:
    """count layers of `period` stages from `start` on; ordered by how much that is, the most first."""

    least: tuple[int, int]
    start: int
    period: int
    count: int

    @staticmethod
    def of(start: int, period: int, count: int) -> _Run:
        return _Run((-period * count, period), start, period, count)

    def cut(self, at: int) -> list[_Run]:
        """The layers before the `at`-th, and those from it on, where they are two at least."""
        rest = _Run.of(self.start + at * self.period, self.period, self.count - at)
        return [r for r in (_Run.of(self.start, self.period, at), rest) if r.count >= 2]


# ------------------------------------------------------------------------------------------------------------ order
def _early_first(p: Program) -> Program:
    """What layers share before all else, so that it is not in the first one."""
    early = early_stages(p)
    first = tuple(s for s in p.stages if s.name in early)
    return replace(p, stages=(*first, *(s for s in p.stages if s.name not in early)))


# ------------------------------------------------------------------------------------------------------------- keys
def _shape_key(s: Stage, shapes: dict[str, str]) -> str:
    """What the stage computes, with tensors numbered in the order in which it reads them."""
    places = {x.tensor: f"t{k}" for k, x in enumerate(named(s))}
    made = [_kind(shapes[name]) for name in places]
    return f"{stage_key(s, lambda n: places[n])}|{made}"


def _kind(shape: str) -> str:
    """A carried tensor may be a leaf in the first layer and a stage in the others."""
    return shape.removeprefix("made").removeprefix("leaf")


def _numbers(keys: list[str]) -> list[int]:
    seen: dict[str, int] = {}
    return [seen.setdefault(k, len(seen)) for k in keys]


def _repetitions(keys: list[int]) -> list[_Run]:
    """Stages at which as many follow that are alike, `period` later, as make up two layers or more."""
    found: list[_Run] = []
    for period in range(1, min(len(keys) // 2, PERIOD_LIMIT) + 1):
        start = 0
        for k in range(len(keys) - period + 1):
            if k < len(keys) - period and keys[k] == keys[k + period]:
                continue
            if k - start >= period:
                found.append(_Run.of(start, period, (k - start + period) // period))
            start = k + 1
    return found


def _starts(keys: list[int], run: _Run) -> Iterator[int]:
    """Where the same repetition may begin as well: as late as all of it still repeats."""
    for k in range(run.start, run.start + run.period):
        end = k + run.period * run.count
        if k > run.start and (end > len(keys) or keys[k - 1 + run.period] != keys[end - 1]):
            return
        yield k
