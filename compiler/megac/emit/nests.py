"""The loop nests of a phase as lines of C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from megac.emit.blocks import ONCE, held, in_block
from megac.emit.expressions import Text, moved, spread, substituted
from megac.emit.folds import Axes, by_thread, by_warp, indented, own_index
from megac.emit.places import Scope
from megac.emit.replicated import along_one_vector, normalised
from megac.emit.stacked import Stack, stacks, summed
from megac.emit.stores import guarded, looped, store
from megac.emit.types import C_TYPES
from megac.expr import Rewriter
from megac.ir import Axis, Index, Load, Stage
from megac.schedule.kinds import contraction, is_short
from megac.schedule.records import Dot, Elements, Nest, Owned, Phase, Replicated, Rows
from megac.size import ONE, Size

WARP = "threadIdx.x / 32"
FIRST, STEP = "blockIdx.x * WARPS + warp", "gridDim.x * WARPS"


def phase_lines(phase: Phase, scope: Scope) -> list[str]:
    """The nests of a phase, one after another."""
    scope.held, scope.taken, scope.shown = {}, {}, {}
    out: list[str] = []
    shared = [n.stage for n in phase.nests if isinstance(n, Replicated)]
    while shared:
        scope.taken |= {s.name: 0 for s in shared}
        norm = along_one_vector(shared)
        lines = normalised(norm, scope) if norm else None
        out += _replicated(shared[0], scope) if lines is None else lines
        shared = shared[1 if lines is None else len(norm) :]
    found = {id(n): x for x in stacks(phase.nests, scope) for n in x.nests}
    for nest in phase.nests:
        stack = found.get(id(nest))
        if stack is None:
            out += nest_lines(nest, scope)
        elif nest is stack.nests[0]:
            out += _stack(stack, scope)
    return out


def nest_lines(nest: Nest, scope: Scope) -> list[str]:
    match nest:
        case Rows(target, dots):
            return _rows(target, dots, scope, FIRST, STEP, "")
        case Elements(made):
            return _elements(made, scope)
        case Owned():
            return _owned(nest, scope)
        case Replicated():
            return []


# -------------------------------------------------------------------------------------------------------------- rows
def _rows(s: Stage, dots: tuple[Dot, ...], scope: Scope, first: str, by: str, once: str) -> list[str]:
    """A warp an element: its lanes share the sums, the first one has the rest."""
    axes, loop = spread(s.axes, "r")
    text = scope.text(loop)
    lines: list[str] = []
    totals = []
    for d in dots:
        assert d.stage.reduction is not None
        more, total = by_warp(d.stage.reduction, _own(d, axes, text), text, scope)
        lines += more
        totals.append(total)
    return looped(loop, text, first, by, [*lines, *_row(s, dots, totals, axes, text, scope, once)])


def _stack(x: Stack, scope: Scope) -> list[str]:
    """The same for rows of several nests, one after another."""
    total = scope.variable("s")
    loop = Axis("r", Size(x.rows))
    lines, begun = [summed(x, total, scope)], 0
    for k, nest in enumerate(x.nests):
        axes, own = spread(nest.target.axes, "r" if k == 0 else scope.variable("r"))
        rest = _row(nest.target, nest.dots, [total], axes, scope.text(own), scope, "")
        assert own.extent.constant is not None
        end = begun + own.extent.constant
        test = f"if (r < {end}) {{" if nest is not x.nests[-1] else "{"
        shift = [f"const int {own.name} = r - {begun};"] if k else []
        lines += [f"}} else {test}" if k else test, *indented([*shift, *rest])]
        begun = end
    return looped(loop, scope.text(loop), FIRST, STEP, [*lines, "}"])


def _row(
    s: Stage, dots: tuple[Dot, ...], totals: Sequence[str], axes: Axes, text: Text, scope: Scope, once: str
) -> list[str]:
    """What a warp's first lane has to do with the sums of a row."""
    lines: list[str] = []
    stand_ins: dict[Load, Load] = {}
    before = dict(scope.held)
    for d, total in zip(dots, totals, strict=True):
        if d.load is None:
            text.reduced = total
            continue
        value = replace(text, reduced=total, lines=[], kept={})
        name = scope.variable("row")
        e = moved(d.stage.body, _own(d, axes, text), text.ranges)
        value.keep(e)
        result = value.value(e)
        lines += [*value.lines, f"const {C_TYPES[d.stage.dtype]} {name} = {result};"]
        stand_ins[d.load] = Load(f"{d.stage.name} {name}", (), d.stage.dtype)
        scope.held[f"{d.stage.name} {name}"] = name
    body = substituted(s.body, stand_ins)
    rest = store(s, body, axes, text, scope, once, guard="lane == 0")
    scope.held = before
    return [*lines, *rest]


def _own(d: Dot, axes: Axes, text: Text) -> Axes:
    """Where the dot's own axes are, by the target's."""
    if d.load is None:
        return axes
    return dict(zip((a.name for a in d.stage.axes), (_over(i, axes, text) for i in d.load.index), strict=True))


def _over(i: Index, axes: Axes, text: Text) -> Index:
    return Rewriter(axes).index(i, text.ranges)


# ---------------------------------------------------------------------------------------------------------- elements
def _elements(made: tuple[Stage, ...], scope: Scope) -> list[str]:
    """A thread an element, of all of these stages."""
    _, loop = spread(made[0].axes, "i")
    body: list[str] = []
    before = dict(scope.held)
    for s in made:
        own, _ = spread(s.axes, "i")
        body += _element(s, own, scope.text(loop), scope, made)
    scope.held = before
    if loop.extent == ONE:
        return guarded("blockIdx.x == 0 && threadIdx.x == 0", body)
    return looped(loop, scope.text(), "blockIdx.x * THREADS + threadIdx.x", "gridDim.x * THREADS", body)


def _element(s: Stage, axes: Axes, text: Text, scope: Scope, made: tuple[Stage, ...]) -> list[str]:
    lines: list[str] = []
    if s.reduction is not None:
        lines, text.reduced = by_thread(s.reduction, axes, text, scope)
    if (scope.phase, s.name) not in scope.memory.registers:
        return [*lines, *store(s, s.body, axes, text, scope, once="", guard="")]
    lines += held(s, axes, text, scope)
    cell = scope.stored(s, own_index(s.axes, axes), text)
    return [*lines, f"{cell} = {scope.held[s.name]};"] if cell is not None else lines


# ------------------------------------------------------------------------------------------------------------ blocks
def _owned(nest: Owned, scope: Scope) -> list[str]:
    """A block an index along the leading axes, its threads all that belongs to it."""
    made, prefix = nest.made, nest.prefix
    leading = next(s for s in made if s.name not in nest.coarse).axes[:prefix]
    axes, loop = spread(leading, "n")
    text = scope.text(loop)
    before = dict(scope.held)
    scope.taken |= {s.name: prefix for s in made}
    body: list[str] = []
    for s in made:
        many = nest.coarse.get(s.name, 1)
        own = {a.name: axes[b.name] for a, b in zip(s.axes[:prefix], leading, strict=True)}
        own = {name: text.ranges.quotient(i, Size(many)) for name, i in own.items()} if many > 1 else own
        once = f"{loop.name} % {many} == 0" if many > 1 else ""
        body += in_block(s, own, s.axes[prefix:], scope.text(loop), scope, made, once)
    if body[-1] != "__syncthreads();":
        body.append("__syncthreads();")
    scope.held = before
    if not leading:
        return ["if (blockIdx.x == 0) {", *indented(body), "}"]
    return looped(loop, scope.text(), "blockIdx.x", "gridDim.x", body)


def _replicated(s: Stage, scope: Scope) -> list[str]:
    r = s.reduction
    if r is not None and contraction(s, scope.weights) is not None and not is_short(s):
        lines = _rows(s, (Dot(s, None),), scope, WARP, "WARPS", ONCE)
        return [*lines, "__syncthreads();"]
    return in_block(s, {}, s.axes, scope.text(), scope, (s,), ONCE)
