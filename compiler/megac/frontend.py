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
from megac.passes.preconditions import with_preconditions
from megac.passes.roll import rolled
from megac.passes.stages import live, named_axes, rewritten, shared


def compile_file(path: Path) -> Program:
    """The program of an ONNX file. Raises CompileError for one that is not compiled."""
    return compile_graph(read(path))


def compile_graph(graph: Graph) -> Program:
    """The same of a graph that is read already."""
    return optimised(lower(graph))


def optimised(p: Program) -> Program:
    """A program that computes the same bits in the fewest stages that the rule of cost leaves, its layers rolled."""
    p = live(p)
    p = replace(p, stages=tuple(rewritten(s) for s in p.stages))
    p = shared(with_appends(p))
    p = shared(dissolved(absorbed_layout(p)))
    while True:
        count = len(p.stages)
        p = shared(absorbed(joined(p)))
        if len(p.stages) == count:
            break
    p = replace(p, stages=tuple(named_axes(s) for s in p.stages))
    return check(rolled(with_preconditions(shared(p))))
