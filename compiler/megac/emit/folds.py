"""Reductions: by one thread, by the lanes of a warp, by a block."""

from __future__ import annotations

from dataclasses import replace

from megac import index as ix
from megac.dtype import DType
from megac.emit.expressions import Text, moved, spread
from megac.emit.places import Scope, along, divisible
from megac.emit.types import C_TYPES, converted, folded, neutral, number, width
from megac.index import Ranges
from megac.ir import Axis, Cast, Expr, Index, Load, Op, Reduction
from megac.schedule.kinds import exact_product

Axes = dict[str, Index]
DOTS = {DType.F16: "dot_f16", DType.BF16: "dot_bf16", DType.F32: "dot_f32"}


def step(op: str, total: str, e: Expr, text: Text) -> str:
    """The next value of `total`; a fused addition where the product is exact."""
    if op == "sum" and exact_product(e) and isinstance(e, Op):
        a, b = (text.value(x) for x in e.args)
        return f"__fmaf_rn({a}, {b}, {total})"
    return folded(op, total, text.value(e), e.dtype)


def _loop(r: Reduction, axes: Axes, outer: Text, scope: Scope) -> tuple[Axis, Expr, Expr | None, Text]:
    """The one loop over what is reduced, the element and the guard in it."""
    own, loop = spread(r.axes, scope.variable("k"))
    text = outer.inside(loop)
    every = {**axes, **own}
    where = None if r.where is None else moved(r.where, every, text.ranges)
    return loop, moved(r.element, every, text.ranges), where, text


def by_thread(r: Reduction, axes: Axes, outer: Text, scope: Scope) -> tuple[list[str], str]:
    """A loop of one thread; the lines and the variable of the result."""
    loop, element, where, text = _loop(r, axes, outer, scope)
    head = f"for (int {loop.name} = 0; {loop.name} < {outer.size(loop.extent)}; ++{loop.name})"
    if r.op.startswith("arg"):
        return _place(r, head, loop.name, element, where, text, scope)
    total = scope.variable("s")
    text.keep(element)
    new = step(r.op, total, element, text)
    body = [*text.lines, f"{total} = {new};"]
    return [f"{C_TYPES[r.dtype]} {total} = {number(r.start)};", f"{head} {{", *indented(body), "}"], total


def _place(
    r: Reduction, head: str, k: str, element: Expr, where: Expr | None, text: Text, scope: Scope
) -> tuple[list[str], str]:
    """The first place of the largest or smallest element. Where one of them is sure to be above minus infinity, or all
    are looked at, it starts at the first one."""
    at, best = scope.variable("at"), scope.variable("best")
    guard = f"{text.value(where)} && " if where is not None else ""
    sure = r.op == "argmax" and (where is None or scope.above_infinity(element))
    value = scope.variable("v")
    sign = ">" if r.op == "argmax" else "<"
    wide = (lambda x: converted(x, element.dtype, DType.F32)) if element.dtype.narrow else str
    larger = f"{wide(value)} {sign} {wide(best)}"
    better = larger if sure else f"({at} < 0 || {larger})"
    body = [
        f"const {C_TYPES[element.dtype]} {value} = {text.value(element)};",
        f"if ({guard}{better}) {{",
        f"    {best} = {value};",
        f"    {at} = {k};",
        "}",
    ]
    start = f"{C_TYPES[element.dtype]} {best} = {neutral('max' if r.op == 'argmax' else 'min', element.dtype)};"
    return [start, f"int {at} = {0 if sure else -1};", f"{head} {{", *indented([*text.lines, *body]), "}"], at


def by_warp(r: Reduction, axes: Axes, outer: Text, scope: Scope) -> tuple[list[str], str]:
    """The lanes of a warp share a sum; the lines and the variable, which every lane has."""
    loop, element, _, text = _loop(r, axes, outer, scope)
    total = scope.variable("s")
    kind = C_TYPES[r.dtype]
    called = _dot(element, loop, text, scope)
    if called is not None:
        return [f"const {kind} {total} = {called};"], total
    scope.helpers.add(f"warp_sum_{r.dtype.value}")
    text.keep(element)
    body = [*text.lines, f"{total} = {step('sum', total, element, text)};"]
    head = f"for (int {loop.name} = lane; {loop.name} < {outer.size(loop.extent)}; {loop.name} += 32)"
    lines = [f"{kind} {total} = {neutral('sum', r.dtype)};", f"{head} {{", *indented(body), "}"]
    return [*lines, f"{total} = warp_sum_{r.dtype.value}({total});"], total


def factors(e: Expr, scope: Scope) -> tuple[Load, Load] | None:
    """What the term of a dot product of two vectors in memory, of one type, multiplies."""
    found = [a.arg if isinstance(a, Cast) else a for a in e.args] if isinstance(e, Op) and e.name == "mul" else []
    if len(found) != 2 or e.dtype is not DType.F32 or len({f.dtype for f in found}) != 1:
        return None
    a, b = found
    if not isinstance(a, Load) or not isinstance(b, Load) or a.tensor in scope.held or b.tensor in scope.held:
        return None
    return a, b


def _dot(e: Expr, loop: Axis, text: Text, scope: Scope) -> str | None:
    """A call of the dot product of two vectors in memory, where the element is that of theirs."""
    found = factors(e, scope)
    count = loop.extent.constant
    if found is None or found[0].dtype not in DOTS or count is None or count % width(found[0].dtype):
        return None
    dtype = found[0].dtype
    pointers = []
    for f in found:
        place, at = scope.where(f)
        base = None if place.scalar or place.called else along(at, loop.name)
        if base is None or not divisible(base, width(dtype)):
            return None
        fixed = replace(text, ranges=Ranges(text.ranges.axes, {}))
        offset = scope.offset(place, base, fixed)
        pointers.append(place.base if offset == "0" else f"{place.base} + {offset}")
    scope.helpers.add(DOTS[dtype])
    return f"{DOTS[dtype]}({pointers[0]}, {pointers[1]}, {count}, lane)"


def by_block(r: Reduction, axes: Axes, outer: Text, scope: Scope) -> tuple[list[str], str]:
    """The threads of a block share a reduction; every thread has the result."""
    loop, element, _, text = _loop(r, axes, outer, scope)
    mine = scope.variable("p")
    text.keep(element)
    body = [*text.lines, f"{mine} = {step(r.op, mine, element, text)};"]
    head = f"for (int {loop.name} = threadIdx.x; {loop.name} < {outer.size(loop.extent)}; {loop.name} += THREADS)"
    line, total = block_total(r, mine, scope)
    return [f"{C_TYPES[r.dtype]} {mine} = {neutral(r.op, r.dtype)};", f"{head} {{", *indented(body), "}", line], total


def block_total(r: Reduction, mine: str, scope: Scope) -> tuple[str, str]:
    """What the threads' results come to: the line, and the variable that each thread then has."""
    total, call = scope.variable("s"), f"block_{r.op}_{r.dtype.value}"
    scope.helpers |= {call, f"warp_{r.op}_{r.dtype.value}"}
    of = f"{mine}, {number(r.start)}, partial_{r.dtype.value}"
    return f"const {C_TYPES[r.dtype]} {total} = {call}({of});", total


def indented(lines: list[str]) -> list[str]:
    return [f"    {x}" if x else x for x in lines]


def own_index(axes: tuple[Axis, ...], moved_axes: Axes) -> tuple[Index, ...]:
    return tuple(moved_axes.get(a.name, ix.axis(a.name)) for a in axes)
