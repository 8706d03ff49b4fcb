"""From a file to a program: reading, lowering, and the passes in their order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from megac.check import check
from megac.ir import Program
from megac.lower import lower
from megac.onnx_reader import Graph, read
from megac.passes.appends import with_appends
from megac.passes.fuse import absorbed, absorbed_layout, dissolved, joined
from megac.passes.limits import within
from megac.passes.newest import with_newest_rows
from megac.passes.preconditions import with_preconditions
from megac.passes.roll import rolled
from megac.passes.stages import live, named_axes, rewritten, shared


def compile_file(path: Path, most: int | None = None) -> Program:
    """The program of an ONNX file, for launches in which no named dimension is greater than `most`. Raises CompileError
    for one that is not compiled."""
    return compile_graph(read(path), most)


def compile_graph(graph: Graph, most: int | None = None) -> Program:
    """The same of a graph that is read already."""
    return optimised(lower(graph), most)


def optimised(p: Program, most: int | None = None) -> Program:
    """A program that computes the same bits in the fewest stages that the rule of cost leaves, its layers rolled."""
    p = live(p)
    p = replace(p, stages=tuple(rewritten(s) for s in p.stages))
    p = shared(with_appends(p))
    p = shared(dissolved(absorbed_layout(p)))
    p = _absorbed(p)
    if most is not None:
        p = _absorbed(shared(dissolved(within(p, most))))
    p = with_newest_rows(p)
    p = replace(p, stages=tuple(named_axes(s) for s in p.stages))
    return check(rolled(with_preconditions(shared(p))))


def _absorbed(p: Program) -> Program:
    """Stages put into those that read them, until none is left that should be."""
    while True:
        count = len(p.stages)
        p = shared(absorbed(joined(p)))
        if len(p.stages) == count:
            return p
