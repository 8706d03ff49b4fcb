"""Weights on their way: each thread copies the chunks of rows that it will multiply into slots of shared memory that are
its own, those of the next sums before the barrier in front of them. Slots and counts start anew for each loop over rows,
so that which chunk lies in which slot is linear in the loops' counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from megac.dtype import DType
from megac.emit.expressions import Text, moved, spread
from megac.emit.folds import DOTS, factors, indented
from megac.emit.places import Scope, along, divisible
from megac.emit.types import width
from megac.expr import Rewriter
from megac.ir import AxisRef, Index, Stage
from megac.memory.packing import stride_name
from megac.memory.records import Place
from megac.schedule.records import Dot, Rows, Schedule

LANES = 32
GROUPS = 8  # as many groups of copies as `__pipeline_wait_prior` tells apart
UNROLLED = 4  # of them: the addresses of more leave no registers


@dataclass(frozen=True, slots=True)
class Stream:
    """One or more sums over rows of stored matrices with one vector, rows dealt to the warps of the grid.

    rows: how many; terms: elements of a row. A row goes through shared memory in passes: the thread's slots hold `deep`
    chunks of 16 bytes of each matrix for each of `groups` groups of copies; group t has chunks t, groups + t, ... of a
    pass, and the last pass of a row may have fewer.
    """

    matrices: tuple[tuple[Place, int], ...]
    vector: str
    dtype: DType
    rows: int
    terms: int
    deep: int
    groups: int

    @property
    def window(self) -> int:
        """The chunks of a matrix that are in shared memory at once."""
        return self.groups * self.deep

    @property
    def chunks(self) -> int:
        """The chunks of a row that a lane has, of which the last one may be for some lanes only."""
        return chunks(self.terms, self.dtype)

    @property
    def slots(self) -> int:
        return self.window * len(self.matrices)

    def stretches(self, *counts: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Of passes with so many chunks: the groups from one on and before another that all have as many of each."""
        ends = sorted({0, self.groups, *(n % self.groups for n in counts)})
        for first, end in pairwise(ends):
            yield first, end, tuple(n // self.groups + (first < n % self.groups) for n in counts)


def chunks(terms: int, dtype: DType) -> int:
    """How many pieces of 16 bytes of a row each lane has."""
    return -(-terms // (LANES * width(dtype)))


def streams(s: Schedule, scope: Scope, slots: int) -> dict[int, Stream]:
    """The nests that stream their weights, by identity; `slots` of 16 bytes a thread has for them."""
    out: dict[int, Stream] = {}
    for k, phase in enumerate(s.phases):
        scope.phase = k
        scope.outside = not len(s.before) <= k < len(s.before) + len(s.layer)
        scope.taken = {x.name: 0 for n in phase.nests for x in _replicated(n)}
        for nest in phase.nests:
            found = _stream(nest.target, nest.dots, scope, slots) if isinstance(nest, Rows) else None
            if found is not None and found.dtype is next(iter(out.values()), found).dtype:
                out[id(nest)] = found
    scope.taken = {}
    return out


def _replicated(nest: object) -> tuple[Stage, ...]:
    stage = getattr(nest, "stage", None)
    return (stage,) if isinstance(stage, Stage) else ()


def _stream(s: Stage, dots: tuple[Dot, ...], scope: Scope, slots: int) -> Stream | None:
    axes, loop = spread(s.axes, "r")
    text = scope.text(loop)
    found = [_operands(d, axes, text, scope) for d in dots]
    every = [x for x in found if x is not None]
    rows = loop.extent.constant
    if len(every) < len(found) or rows is None or len({x[1:] for x in every}) != 1:
        return None
    _, vector, dtype, terms = every[0]
    count = chunks(terms, dtype)
    window = min(slots // len(every), count)
    if not window or (count > 1 and terms % (LANES * width(dtype))):
        return None  # the end of a row that only some lanes have: `tv` follows it in a single chunk only
    deep = -(-window // GROUPS)
    return Stream(tuple(x[0] for x in every), vector, dtype, rows, terms, deep, -(-window // deep))


def _operands(
    d: Dot, axes: Mapping[str, Index], text: Text, scope: Scope
) -> tuple[tuple[Place, int], str, DType, int] | None:
    """A matrix' place and where its rows begin, the vector, and how long a row is: where row r is the matrix' r-th."""
    r = d.stage.reduction
    assert r is not None
    own, loop = spread(r.axes, "k")
    at = dict(axes)
    if d.load is not None:
        index = (Rewriter(axes).index(i, text.ranges) for i in d.load.index)
        at = dict(zip((a.name for a in d.stage.axes), index, strict=True))
    inner = text.inside(loop)
    found = factors(moved(r.element, {**at, **own}, inner.ranges), scope)
    terms = loop.extent.constant
    if found is None or terms is None or found[0].dtype not in DOTS or terms % width(found[0].dtype):
        return None
    dtype, by = found[0].dtype, width(found[0].dtype)
    if found[1].tensor in scope.weights:
        found = found[::-1]
    (matrix, row), (vector, start) = (scope.where(x) for x in found)
    first, base = along(row, loop.name), along(start, loop.name)
    if first is None or base is None or matrix.scalar or matrix.called or vector.scalar or vector.called:
        return None
    linear = first.terms == ((AxisRef("r"), loop.extent),) and first.const.constant is not None
    if not linear or base.terms or not divisible(first, by) or not divisible(base, by):
        return None
    if found[0].tensor not in scope.weights:
        return None
    offset = scope.offset(vector, base, text)
    return (matrix, first.const.const), vector.base if offset == "0" else f"{vector.base} + {offset}", dtype, terms


# ------------------------------------------------------------------------------------------------------------- text
FIRST, STEP = "blockIdx.x * WARPS + warp", "gridDim.x * WARPS"


def fetched(x: Stream, scope: Scope, where: str = "") -> list[str]:
    """The first row's first chunks on their way. where: the layer, `0` or `l + 1`, where it is not the text's own."""
    return _groups(x, scope, None, _Next(FIRST, "", min(x.window, x.chunks), where), [])


def summed(x: Stream, totals: list[str], scope: Scope) -> list[str]:
    """The sums of row r, in variables that every lane has, and the chunks that come next on their way into freed slots."""
    full, rest = divmod(x.chunks, x.window)
    q = scope.variable("q")
    next_row = _Next(f"r + {STEP}", "", min(x.window, x.chunks))
    lines = [f"float {s} = 0.0f;" for s in totals]
    if full > 1:
        eaten, after = _Next("r", f"{q} * {x.window}", x.window), _Next("r", f"({q} + 1) * {x.window}", x.window)
        body = _groups(x, scope, eaten, after, totals)
        lines += [f"for (int {q} = 0; {q} < {full - 1}; ++{q}) {{", *indented(body), "}"]
    if full:
        last = _Next("r", str((full - 1) * x.window) if full > 1 else "", x.window)
        lines += _groups(x, scope, last, _Next("r", str(full * x.window), rest) if rest else next_row, totals)
    if rest:
        lines += _groups(x, scope, _Next("r", str(full * x.window) if full else "", rest), next_row, totals)
    scope.helpers.add("warp_sum_f32")
    return [*lines, *(f"{s} = warp_sum_f32({s});" for s in totals)]


@dataclass(frozen=True, slots=True)
class _Next:
    """A pass: of a row, from a chunk on (nothing: the first), so many chunks, in a layer."""

    row: str
    start: str
    count: int
    where: str = ""


def _groups(x: Stream, scope: Scope, eaten: _Next | None, after: _Next, totals: list[str]) -> list[str]:
    """A pass: each group is awaited and added to the sums, and the same slots get another pass'."""
    out = []
    for first, end, (old, new) in x.stretches(0 if eaten is None else eaten.count, after.count):
        t = str(first) if end - first == 1 else scope.variable("t")
        body = [] if eaten is None else [f"__pipeline_wait_prior({x.groups - 1});"]
        if eaten is not None:
            body += _each(x, scope, t, old, lambda u, p=eaten: _added(x, scope, totals, u, p))  # type: ignore[misc]
        body += _each(x, scope, t, new, lambda u: _copied(x, scope, u, after))
        body.append("__pipeline_commit();")
        head = [f"#pragma unroll {UNROLLED}", f"for (int {t} = {first}; {t} < {end}; ++{t}) {{"]
        out += body if end - first == 1 else [*head, *indented(body), "}"]
    return out


def _each(x: Stream, scope: Scope, t: str, count: int, lines: Callable[[str], list[str]]) -> list[str]:
    """Lines for each of a group's chunks, by its number in the pass."""
    if count < 2:
        return lines(t) if count else []
    u = scope.variable("u")
    return [f"for (int {u} = 0; {u} < {count}; ++{u}) {{", *indented(lines(f"{u} * {x.groups} + {t}")), "}"]


def _added(x: Stream, scope: Scope, totals: list[str], at: str, p: _Next) -> list[str]:
    """The products of a chunk of each matrix with the vector's."""
    c, by, add = scope.variable("c"), width(x.dtype), f"products_{x.dtype.value}"
    scope.helpers.add(add)
    chunk = f"{p.start} + {at}" if p.start else at
    lines = [f"{s} = {add}({_slot(x, k, at)}, {x.vector} + {c} * {by}, {s});" for k, s in enumerate(totals)]
    if x.terms % (LANES * by):
        lines = [f"if ({c} < {x.terms // by}) {{", *indented(lines), "}"]
    at_lane = "lane" if chunk == "0" else f"{_term(chunk)} * {LANES} + lane"
    return [f"const int {c} = {at_lane};", *lines]


def _copied(x: Stream, scope: Scope, at: str, p: _Next) -> list[str]:
    """A chunk of each matrix on its way."""
    call = f"fetch_{x.dtype.value}"
    scope.helpers.add(call)
    chunk = f"{p.start} + {at}" if p.start else at
    return [
        f"{call}({_slot(x, k, at)}, {_pointer(place, offset, p.where, scope)}, {x.terms}, {x.rows}, {p.row}, {chunk}, lane);"
        for k, (place, offset) in enumerate(x.matrices)
    ]


def _slot(x: Stream, k: int, at: str) -> str:
    """Where the thread's chunk of the k-th matrix lies."""
    n = str(int(at) + k * x.window) if at.isdigit() else f"{at} + {k * x.window}" if k else at
    place = "threadIdx.x" if n == "0" else f"({_term(n)} * THREADS + threadIdx.x)"
    return f"ring + {place} * {width(x.dtype)}"


def _term(text: str) -> str:
    return f"({text})" if " " in text else text


def _pointer(place: Place, offset: int, where: str, scope: Scope) -> str:
    base, parts = place.base, [place.offset] if place.offset else []
    if where and base.removesuffix("_l") in {x.name for x in scope.memory.parameters if x.layered}:
        whole = base.removesuffix("_l")
        base = whole if where == "0" else base
        parts = parts if where == "0" else [stride_name(whole), *parts]
    return " + ".join([base, *parts, *([str(offset)] if offset else [])])


# ------------------------------------------------------------------------------------------------------------ order
Following = dict[int, list[str]]


def ahead(s: Schedule, found: Mapping[int, Stream], scope: Scope) -> tuple[list[str], Following]:
    """What is fetched before all phases, and behind each nest that streams: what the next one begins with."""
    first, layer, after = (
        [id(n) for phase in phases for n in phase.nests if id(n) in found] for phases in (s.before, s.layer, s.after)
    )
    scope.shown = {}
    following: Following = {}
    for chain in (first, layer, after):
        following |= {a: fetched(found[b], scope) for a, b in pairwise(chain)}
    entry = fetched(found[layer[0]], scope, "0") if layer else fetched(found[after[0]], scope) if after else []
    if layer:
        again = fetched(found[layer[0]], scope, "l + 1")
        done = ["} else {", *indented(fetched(found[after[0]], scope))] if after else []
        following[layer[-1]] = ["if (l + 1 < LAYERS) {", *indented(again), *done, "}"]
    if first:
        following[first[-1]] = entry
    return fetched(found[first[0]], scope) if first else entry, following
