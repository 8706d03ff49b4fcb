"""What is left of a stage behind its reduction, and the cells that its elements go to."""

from __future__ import annotations

from megac.emit.expressions import Text, moved
from megac.emit.folds import Axes, indented, own_index
from megac.emit.library import THREADS
from megac.emit.places import Scope
from megac.emit.types import C_TYPES
from megac.ir import Axis, Expr, Index, Stage


def store(s: Stage, body: Expr, axes: Axes, text: Text, scope: Scope, once: str | None, guard: str) -> list[str]:
    """What is left to compute, and where it goes; `guard`: by which
    thread; `once`: of which block in global memory (None: not there)."""
    inner = text.inside()
    e = moved(body, axes, text.ranges)
    inner.keep(e)
    value = inner.value(e)
    own = own_index(s.axes, axes)
    targets = cells(s, own, inner, scope, once)
    if len(targets) > 1:
        name = scope.variable("t")
        inner.lines.append(f"const {C_TYPES[s.dtype]} {name} = {value};")
        value = name
    lines = list(inner.lines)
    for condition, cell in targets:
        lines += [f"if ({condition})", f"    {cell} = {value};"] if condition else [f"{cell} = {value};"]
    return guarded(guard, lines)


def cells(s: Stage, own: tuple[Index, ...], text: Text, scope: Scope, once: str | None) -> list[tuple[str, str]]:
    """Cells that get the element, each with the condition on the block."""
    out: list[tuple[str, str]] = []
    local = scope.memory.local.get((scope.phase, s.name))
    if local is not None:
        out.append(("", scope.cell(local, own[scope.taken.get(s.name, 0) :], text)))
    everywhere = scope.stored(s, own, text)
    if everywhere is not None and once is not None:
        out.append((once, everywhere))
    return out


def guarded(guard: str, lines: list[str]) -> list[str]:
    if not guard or not lines:
        return lines
    return [f"if ({guard}) {{", *indented(lines), "}"] if len(lines) > 1 else [f"if ({guard})", f"    {lines[0]}"]


def looped(loop: Axis, text: Text, first: str, by: str, body: list[str]) -> list[str]:
    """Lines for each index of a loop; where a thread of the block has one at most, under a condition."""
    n, count = loop.name, loop.extent.constant
    if (first, by) == ("threadIdx.x", "THREADS") and count is not None and count <= THREADS:
        return [f"if (threadIdx.x < {count}) {{", f"    const int {n} = threadIdx.x;", *indented(body), "}"]
    return [f"for (int {n} = {first}; {n} < {text.size(loop.extent)}; {n} += {by}) {{", *indented(body), "}"]
