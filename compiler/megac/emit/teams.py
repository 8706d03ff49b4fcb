"""Sums that several threads of a block share for each element: lanes side by side, or slices of the terms."""

from __future__ import annotations

from dataclasses import dataclass, replace

from megac import index as ix
from megac.emit.expressions import Text, moved, spread
from megac.emit.folds import Axes, indented, step
from megac.emit.library import THREADS
from megac.emit.places import Scope
from megac.emit.stores import looped, store
from megac.emit.types import C_TYPES, folded, number, width
from megac.emit.vectors import Vectors, chunk
from megac.expr import loads, walk
from megac.ir import Axis, AxisRef, Expr, Index, IndexTest, Reduction, Stage
from megac.schedule.kinds import mentions
from megac.size import ZERO, Size

CHUNKS = 4  # loads of one operand that a lane has on their way; more of them leave no registers


@dataclass(frozen=True, slots=True)
class _Sum:
    """A stage's sum in a block. i: its elements, one after another, those from `low` on and before `high`; k: the terms;
    at: the axes' indices by i and k. known: tests of indices that all these elements answer alike."""

    s: Stage
    r: Reduction
    i: Axis
    k: Axis
    low: Size
    high: Size
    at: Axes
    text: Text
    scope: Scope
    once: str
    known: tuple[tuple[Index, bool], ...] = ()

    @property
    def whole(self) -> Expr:
        """The term, by i and k."""
        ranges = self.text.inside(self.i, self.k).ranges
        for index, answer in self.known:
            ranges = ranges.given("ge", index, answer)
        return moved(self.r.element, self.at, ranges)

    def element(self, axes: Axes, *loops: Axis) -> tuple[Expr, Text]:
        """The term, i and k as these loops have them."""
        text = self.text.inside(*loops)
        return moved(self.whole, axes, text.ranges), text

    def stored(self, total: str, guard: str) -> list[str]:
        """What is left of the element i, and its cell."""
        inner = self.text.inside(self.i)
        inner.reduced = total
        return store(self.s, self.s.body, self.at, inner, self.scope, self.once, guard)

    def first(self, thread: str) -> str:
        """The first of these elements that a thread takes."""
        return thread if self.low == ZERO else f"{self.text.size(self.low)} + {thread}"

    def parts(self) -> tuple[_Sum, ...]:
        """The elements in stretches, where their terms are chosen by the element's own index."""
        for x in walk(self.whole):
            if isinstance(x, IndexTest) and x.kind == "ge" and x.index.terms == ((AxisRef(self.i.name), Size(-1)),):
                middle = x.index.const + 1
                if middle.never_negative and middle.at_most(self.high):
                    below = replace(self, high=middle, known=(*self.known, (x.index, True)))
                    return below, replace(self, low=middle, known=(*self.known, (x.index, False)))
        return (self,)


def in_team(s: Stage, axes: Axes, left: tuple[Axis, ...], text: Text, scope: Scope, once: str) -> list[str] | None:
    """The lines of a stage whose sums the block's threads share, where its operands lie so that they load 16 bytes each."""
    r = s.reduction
    if r is None or r.op != "sum" or r.start.bits != 0:
        return None
    elements, i = spread(left, "i")
    terms, k = spread(r.axes, scope.variable("k"))
    one = _Sum(s, r, i, k, ZERO, i.extent, {**axes, **elements, **terms}, text, scope, once)
    before = dict(scope.held)
    parts = [_by_lanes(x) for x in one.parts()]
    lines = [y for x in parts if x is not None for y in x] if None not in parts else _by_slices(one)
    scope.held = before
    return None if lines is None else [*lines, "__syncthreads();"]


def _width(one: _Sum, along: str) -> int:
    """How many elements of what follows a loop one load has."""
    found = [x for x in loads(one.whole) if any(mentions(j, frozenset({along})) for j in x.index)]
    return max((width(x.dtype) for x in found), default=0)


def _by_lanes(one: _Sum) -> list[str] | None:
    """The terms lie side by side: some lanes next to each other take an element, each of them some of its chunks."""
    count, by = one.k.extent.constant, _width(one, one.k.name)
    if count is None or not by or count % by:
        return None
    chunks, scope = count // by, one.scope
    lanes = 1
    while chunks // lanes > CHUNKS and lanes < 32 and chunks % (2 * lanes) == 0:
        lanes *= 2
    c, e = Axis(scope.variable("c"), Size(chunks // lanes)), Axis(scope.variable("e"), Size(by))
    mine = (Axis(scope.variable("m"), Size(lanes)),) if lanes > 1 else ()
    at = ix.add(ix.scaled(ix.axis(c.name), lanes * by), ix.axis(e.name))
    for m in mine:
        at = ix.add(at, ix.scaled(ix.axis(m.name), by))
    term, text = one.element({one.k.name: at}, one.i, c, e, *mine)
    vectors = Vectors(scope, text, e.name, by)
    term = vectors.taken(term)
    if not vectors.lines:
        return None
    total = scope.variable("s")
    start = f"{C_TYPES[one.r.dtype]} {total} = {number(one.r.start)};"
    adding = [*vectors.lines, *_adding(one, total, term, text, e)]
    terms = [f"for (int {c.name} = 0; {c.name} < {c.extent}; ++{c.name}) {{", *indented(adding), "}"]
    if not mine:
        body = [start, *terms, *one.stored(total, "")]
        return looped(Axis(one.i.name, one.high), one.text, one.first("threadIdx.x"), "THREADS", body)
    return _by_group(one, mine[0].name, lanes, total, [start, *_inside(one, terms)])


def _inside(one: _Sum, terms: list[str]) -> list[str]:
    return [f"if ({one.i.name} < {one.text.size(one.high)}) {{", *indented(terms), "}"]


def _by_group(one: _Sum, mine: str, lanes: int, total: str, terms: list[str]) -> list[str]:
    """A warp takes as many elements as it has groups of lanes; all its lanes meet in the shuffles."""
    first, add = one.scope.variable("n"), f"group_sum_{one.r.dtype.value}"
    one.scope.helpers.add(add)
    i, n, many = one.i.name, one.text.size(one.high), 32 // lanes
    body = [
        f"const int {i} = {first} + lane / {lanes}, {mine} = lane % {lanes};",
        *terms,
        f"{total} = {add}({total}, {lanes});",
        *one.stored(total, f"{i} < {n} && {mine} == 0"),
    ]
    by_warp = f"{first} = {one.first(f'warp * {many}')}; {first} < {n}; {first} += WARPS * {many}"
    return [f"for (int {by_warp}) {{", *indented(body), "}"]


def _by_slices(one: _Sum) -> list[str] | None:
    """The elements lie side by side: a thread takes a chunk of them, and of their terms a slice; the slices are added
    behind a barrier."""
    count, by = one.i.extent.constant, _width(one, one.i.name)
    if count is None or not by or count % by or THREADS % (count // by) or count // by > THREADS // 2:
        return None
    across, scope = count // by, one.scope
    c, e = Axis(scope.variable("c"), Size(across)), Axis(scope.variable("e"), Size(by))
    term, text = one.element({one.i.name: chunk(c.name, e.name, by)}, one.k, c, e)
    vectors = Vectors(scope, text, e.name, by)
    term = vectors.taken(term)
    if not vectors.lines:
        return None
    t, kind, k = one.r.dtype, C_TYPES[one.r.dtype], one.k.name
    sums, total, n = scope.variable("s"), scope.variable("s"), scope.variable("n")
    array = f"slices_{t.value}"
    scope.slices[t] = max(by, scope.slices.get(t, 0))
    adding = _adding(one, f"{sums}[{e.name}]", term, text, e)
    each = f"for (int {e.name} = 0; {e.name} < {by}; ++{e.name})"
    more = folded("sum", total, f"{array}[{n} * {count} + {one.i.name}]", t)
    final = [
        f"{kind} {total} = {number(one.r.start)};",
        f"for (int {n} = 0; {n} < THREADS / {across}; ++{n})",
        f"    {total} = {more};",
        *one.stored(total, ""),
    ]
    return [
        "{",
        *indented([
            f"const int {c.name} = threadIdx.x % {across};",
            f"{kind} {sums}[{by}] = {{{number(one.r.start)}}};",
            f"#pragma unroll {CHUNKS}",
            f"for (int {k} = threadIdx.x / {across}; {k} < {one.text.size(one.k.extent)}; {k} += THREADS / {across}) {{",
            *indented([*vectors.lines, *adding]),
            "}",
            each,
            f"    {array}[threadIdx.x * {by} + {e.name}] = {sums}[{e.name}];",
        ]),
        "}",
        "__syncthreads();",
        *looped(one.i, one.text, "threadIdx.x", "THREADS", final),
    ]  # fmt: skip


def _adding(one: _Sum, total: str, term: Expr, text: Text, e: Axis) -> list[str]:
    """The loop over the elements of a chunk."""
    inner = text.inside()
    inner.keep(term)
    body = [*inner.lines, f"{total} = {step('sum', total, term, inner)};"]
    return [f"for (int {e.name} = 0; {e.name} < {e.extent}; ++{e.name}) {{", *indented(body), "}"]
