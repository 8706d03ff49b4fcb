"""What a program asks of inputs that it uses as indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from megac.errors import CompileError
from megac.expr import walk
from megac.index import Ranges
from megac.ir import Cast, Constant, Data, Expr, Index, IndexValue, Load, Precondition, Program, Reduced, Select, Stage
from megac.size import Size


def with_preconditions(p: Program) -> Program:
    """The program with the range of each integer input that is an index of something. Raises CompileError for an index
    that is computed from data: nothing would say that it is in range."""
    shapes = {x.name: x.shape for x in p.leaves()} | {s.name: s.shape for s in p.stages}
    shapes |= {a.output: a.shape for a in p.appends}
    sources = _Sources({i.name for i in p.inputs}, {c.name: c for c in p.constants}, {s.name: s for s in p.stages})
    found: dict[tuple[str, Size], Precondition] = {}
    for value, extent, stage in _places(p, shapes):
        for name in sources.of(value, extent, stage):
            found[name, extent] = Precondition(name, 0, extent - 1)
    return replace(p, preconditions=tuple(found.values()))


def _places(p: Program, shapes: dict[str, tuple[Size, ...]]) -> Iterator[tuple[Expr, Size, Stage]]:
    """Values that are indices, with the extents that they have to stay below."""
    by_name = {s.name: s for s in p.stages}
    for s in p.stages:
        for e in s.expressions:
            for x in walk(e):
                if isinstance(x, Load):
                    for i, extent in zip(x.index, shapes[x.tensor], strict=True):
                        yield from ((value, extent, s) for value in _data(i))
    for a in p.appends:
        yield from ((value, a.shape[a.axis] - a.count + 1, by_name[a.rows]) for value in _data(a.position))


def _data(i: Index) -> Iterator[Expr]:
    return (atom.value for atom, _ in i.terms if isinstance(atom, Data))


@dataclass(frozen=True, slots=True)
class _Sources:
    inputs: set[str]
    constants: dict[str, Constant]
    stages: dict[str, Stage]

    def of(self, e: Expr, extent: Size, at: Stage) -> Iterator[str]:
        """The inputs whose elements the value may be; none of a place that a reduction has found, or that is in range."""
        match e:
            case Cast(arg) if arg.dtype.is_integer:
                yield from self.of(arg, extent, at)
            case Select(_, yes, no):
                yield from self.of(yes, extent, at)
                yield from self.of(no, extent, at)
            case Load(name) if name in self.inputs:
                yield name
            case Load(name) if name in self.stages:
                yield from self.of(self.stages[name].body, extent, self.stages[name])
            case Load(name) if name in self.constants and _within(self.constants[name], extent):
                return
            case IndexValue(index) if _in_range(index, extent, at):
                return
            case Reduced() if at.reduction is not None and at.reduction.op.startswith("arg"):
                return
            case _:
                raise CompileError(
                    "an index is computed from data, and nothing says that it is in range",
                    node=at.origin[-1].node,
                    op=at.origin[-1].op,
                    hint="hand the index to the model as an input",
                )


def _within(c: Constant, extent: Size) -> bool:
    values = np.frombuffer(c.data, c.dtype.numpy)
    return not values.size or (values.min() >= 0 and Size(int(values.max()) + 1).at_most(extent))


def _in_range(i: Index, extent: Size, at: Stage) -> bool:
    axes = (*at.axes, *(at.reduction.axes if at.reduction is not None else ()))
    low, high = Ranges.of(axes).bounds(i)
    return low is not None and high is not None and low.never_negative and high.at_most(extent - 1)
