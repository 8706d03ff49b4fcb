"""Weights on their way: each thread copies the chunks of rows that it will multiply into slots of shared memory that are
its own, those of the next sums before the barrier in front of them. Slots and counts start anew for each loop over rows,
so that which chunk lies in which slot is linear in the loops' counters."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Stream:
    """One or more sums over rows of stored matrices with one vector, rows dealt to the warps of the grid.

    rows: how many; terms: elements of a row. A group of copies has `deep` chunks of 16 bytes of each matrix; as many
    `groups` as lie in shared memory are a pass, `passes` are a row.
    """

    matrices: tuple[tuple[Place, int], ...]
    vector: str
    dtype: DType
    rows: int
    terms: int
    deep: int
    groups: int
    passes: int

    @property
    def window(self) -> int:
        """The chunks of a matrix that lie in shared memory."""
        return self.groups * self.deep

    @property
    def chunks(self) -> int:
        return -(-self.terms // (LANES * width(self.dtype)))

    @property
    def slots(self) -> int:
        return self.window * len(self.matrices)


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
    chunks = -(-terms // (LANES * width(dtype)))
    most = slots // len(every)
    if not most:
        return None
    passes = -(-chunks // most)
    window = -(-chunks // passes)
    deep = -(-window // GROUPS)
    groups = -(-window // deep)
    return Stream(tuple(x[0] for x in every), vector, dtype, rows, terms, deep, groups, -(-chunks // (groups * deep)))


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
    t, u = scope.variable("t"), scope.variable("u")
    body = list(_copies(x, scope, FIRST, f"{t} * {x.deep} + {u}" if x.deep > 1 else t, t, u, where))
    return [f"for (int {t} = 0; {t} < {x.groups}; ++{t}) {{", *indented([*body, "__pipeline_commit();"]), "}"]


def _copies(x: Stream, scope: Scope, row: str, chunk: str, t: str, u: str, where: str = "") -> Iterator[str]:
    call = f"fetch_{x.dtype.value}"
    scope.helpers.add(call)
    lines = []
    for k, (place, offset) in enumerate(x.matrices):
        start = _pointer(place, offset, where, scope)
        lines.append(f"{call}({_slot(x, k, t, u)}, {start}, {x.terms}, {x.rows}, {row}, {chunk}, lane);")
    if x.deep == 1:
        yield from lines
    else:
        yield from (f"for (int {u} = 0; {u} < {x.deep}; ++{u}) {{", *indented(lines), "}")


def _slot(x: Stream, k: int, t: str, u: str) -> str:
    """Where the thread's chunk of the k-th matrix lies."""
    n = f"{t} * {x.deep} + {u}" if x.deep > 1 else t
    n = f"{n} + {k * x.window}" if k else n
    return f"ring + ({_term(n)} * THREADS + threadIdx.x) * {width(x.dtype)}"


def _term(text: str) -> str:
    return f"({text})" if " " in text else text


def _pointer(place: Place, offset: int, where: str, scope: Scope) -> str:
    base, parts = place.base, [place.offset] if place.offset else []
    if where and base.removesuffix("_l") in {x.name for x in scope.memory.parameters if x.layered}:
        whole = base.removesuffix("_l")
        base = whole if where == "0" else base
        parts = parts if where == "0" else [stride_name(whole), *parts]
    return " + ".join([base, *parts, *([str(offset)] if offset else [])])


def summed(x: Stream, totals: list[str], scope: Scope) -> list[str]:
    """The sums of row r, in variables that every lane has, and the chunks that are next on their way into freed slots."""
    q, t, u, c = (scope.variable(v) for v in "qtuc")
    by, add, total = width(x.dtype), f"products_{x.dtype.value}", "warp_sum_f32"
    scope.helpers |= {add, total}
    place = f"{t} * {x.deep} + {u}" if x.deep > 1 else t
    chunk = place if x.passes == 1 else f"{q} * {x.window} + {place}"
    lines = [f"const int {c} = {_term(chunk)} * {LANES} + lane;"]
    adding = [f"{s} = {add}({_slot(x, k, t, u)}, {x.vector} + {c} * {by}, {s});" for k, s in enumerate(totals)]
    whole = x.terms == x.passes * x.window * LANES * by
    lines += adding if whole else [f"if ({c} < {x.terms // by}) {{", *indented(adding), "}"]
    if x.deep > 1:
        lines = [f"for (int {u} = 0; {u} < {x.deep}; ++{u}) {{", *indented(lines), "}"]
    after = list(_copies(x, scope, f"r + {STEP}", place, t, u))
    if x.passes > 1:
        same = list(_copies(x, scope, "r", f"{chunk} + {x.window}", t, u))
        after = [f"if ({q} + 1 < {x.passes}) {{", *indented(same), "} else {", *indented(after), "}"]
    body = [f"__pipeline_wait_prior({x.groups - 1});", *lines, *after, "__pipeline_commit();"]
    loop = [f"for (int {t} = 0; {t} < {x.groups}; ++{t}) {{", *indented(body), "}"]
    if x.passes > 1:
        loop = [f"for (int {q} = 0; {q} < {x.passes}; ++{q}) {{", *indented(loop), "}"]
    return [
        *(f"float {s} = 0.0f;" for s in totals),
        *loop,
        *(f"{s} = {total}({s});" for s in totals),
    ]


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
        following |= {a: fetched(found[b], scope) for a, b in itertools.pairwise(chain)}
    entry = fetched(found[layer[0]], scope, "0") if layer else fetched(found[after[0]], scope) if after else []
    if layer:
        again = fetched(found[layer[0]], scope, "l + 1")
        done = ["} else {", *indented(fetched(found[after[0]], scope))] if after else []
        following[layer[-1]] = ["if (l + 1 < LAYERS) {", *indented(again), *done, "}"]
    if first:
        following[first[-1]] = entry
    return fetched(found[first[0]], scope) if first else entry, following
