"""Stages by the threads of a block."""

from __future__ import annotations

from megac.emit.expressions import Text, moved, spread
from megac.emit.folds import Axes, by_block, by_thread, own_index
from megac.emit.places import Scope
from megac.emit.stores import guarded, looped, store
from megac.emit.teams import in_team
from megac.emit.types import C_TYPES
from megac.ir import Axis, Stage
from megac.passes.stages import reads

ONCE = "blockIdx.x == 0"


def held(s: Stage, axes: Axes, text: Text, scope: Scope) -> list[str]:
    """The element in a variable, which stands for the tensor from here on."""
    inner = text.inside()
    e = moved(s.body, axes, text.ranges)
    inner.keep(e)
    name = scope.variable("x")
    line = f"const {C_TYPES[s.dtype]} {name} = {inner.value(e)};"
    scope.held[s.name] = name
    return [*inner.lines, line]


def in_block(
    s: Stage, axes: Axes, left: tuple[Axis, ...], text: Text, scope: Scope, made: tuple[Stage, ...], once: str
) -> list[str]:
    """A stage by the threads of a block; what it has in shared memory is there behind it. once: which block writes
    what all of them compute."""
    lines: list[str] = []
    r = s.reduction
    if not left:
        if r is not None:
            alone = r.op.startswith("arg")
            lines, text.reduced = (by_thread if alone else by_block)(r, axes, text, scope)
        lines += number(s, axes, text, scope, once)
        shared = any((scope.phase, x.tensor) in scope.memory.local for x in reads(s))
        return [*lines, *(["__syncthreads();"] if shared and (r is None or r.op.startswith("arg")) else [])]
    shared_sum = in_team(s, axes, left, text, scope, once)
    if shared_sum is not None:
        return shared_sum
    own, loop = spread(left, "i")
    inner = text.inside(loop)
    every = {**axes, **own}
    if r is not None:
        lines, inner.reduced = by_thread(r, every, inner, scope)
    apart = once != ONCE and (scope.phase, s.name) in scope.memory.local and s.name in scope.memory.places
    lines += store(s, s.body, every, inner, scope, None if apart else once, guard="")
    out = [*looped(loop, text, "threadIdx.x", "THREADS", lines), "__syncthreads();"]
    return [*out, *_copied(s, every, loop, text.inside(loop), scope, once)] if apart else out


def number(s: Stage, axes: Axes, text: Text, scope: Scope, once: str) -> list[str]:
    """The one element that a block has of a stage, in a variable of each thread."""
    lines = held(s, axes, text, scope)
    cell = scope.stored(s, own_index(s.axes, axes), text)
    guard = " && ".join(x for x in (once, "threadIdx.x == 0") if x)
    return lines if cell is None else [*lines, f"if ({guard})", f"    {cell} = {scope.held[s.name]};"]


def _copied(s: Stage, axes: Axes, loop: Axis, text: Text, scope: Scope, once: str) -> list[str]:
    """What lies in shared memory goes to global memory too."""
    index = own_index(s.axes, axes)
    own = scope.cell(scope.memory.local[scope.phase, s.name], index[scope.taken.get(s.name, 0) :], text)
    cell = scope.stored(s, index, text)
    return guarded(once, looped(loop, text, "threadIdx.x", "THREADS", [f"{cell} = {own};"]))
