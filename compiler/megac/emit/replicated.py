"""A norm as each block computes it: sums over a vector and what is then made of each element, the vector read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from megac.emit.blocks import ONCE, number
from megac.emit.expressions import Text, moved, spread
from megac.emit.folds import block_total, indented, own_index, step
from megac.emit.library import THREADS
from megac.emit.places import Scope, address
from megac.emit.types import C_TYPES, neutral
from megac.emit.vectors import WIDE, Vectors, chunk, pointer
from megac.expr import Rewriter
from megac.ir import Axis, Expr, Reduction, Stage
from megac.passes.stages import reads
from megac.size import Size, product

CHUNKS = 4  # of each vector that a thread may keep in registers


def along_one_vector(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The leading stages that are sums over as many terms as the others have elements, numbers made of such, and vectors
    made of those: of a norm all. None of them reads a vector that another one makes."""
    out: list[Stage] = []
    vectors: set[str] = set()
    count: int | None = None
    for s in stages:
        r = s.reduction
        axes = s.axes if r is None else r.axes
        n = product(a.extent for a in axes).constant
        alone = r is None or not s.axes and not r.op.startswith("arg") and r.where is None
        fits = not axes or n is not None and count in (None, n)
        if not alone or not fits or vectors & {x.tensor for x in reads(s)}:
            break
        count = n if axes else count
        vectors |= {s.name} if s.axes else set()
        out.append(s)
    return tuple(out) if vectors and any(s.reduction is not None for s in out) else ()


@dataclass(slots=True)
class _Kept(Vectors):
    """Vectors of which each thread keeps its chunks in registers. own: their names by type; loads: type, and what fills them;
    views: pointers to a chunk's elements, by name. at: which of the thread's chunks it is, in brackets, where it has several."""

    at: str = ""
    many: int = 1
    own: dict[str, list[str]] = field(default_factory=dict)
    loads: list[tuple[str, str]] = field(default_factory=list)
    views: dict[str, str] = field(default_factory=dict)

    def declare(self, x: Expr, v: str, h: str, loaded: str) -> None:
        wide, kind = WIDE[self.by * x.dtype.bytes], C_TYPES[x.dtype]
        self.own.setdefault(wide, []).append(f"{v}[{self.many}]" if self.at else v)
        self.loads.append((wide, f"{v}{self.at} = {loaded};"))
        self.views[h] = f"const {kind}* {h} = (const {kind}*)&{v}{self.at};"


def normalised(stages: Sequence[Stage], scope: Scope) -> list[str] | None:
    """The lines of such stages; what they have in shared memory is there behind them. None where the vectors lie so that no
    access has several elements."""
    s = next(s for s in stages if s.axes)
    n = product(s.shape).constant
    found = None if n is None else _chunks(n, max(_bytes(stages)))
    if found is None:
        return None
    by, count = found
    many = -(-count // THREADS)
    c, e, j = Axis(scope.variable("c"), Size(count)), Axis(scope.variable("e"), Size(by)), scope.variable("j")
    kept = _Kept(scope, scope.text(c, e), e.name, by, at=f"[{j}]" if many > 1 else "", many=many)
    norm = _Norm(scope, kept, c, e, j, count)
    before = dict(scope.held)
    lines = [x for s in stages for x in norm.stage(s)]
    if not kept.loads or not norm.wide:
        scope.held = before
        return None
    if many == 1 and count == THREADS:
        loads = [f"const {wide} {x}" for wide, x in kept.loads]
    else:
        own = [f"{wide} {', '.join(names)};" for wide, names in kept.own.items()]
        loads = [*own, *norm.each([x for _, x in kept.loads])]
    first = [f"const int {c.name} = threadIdx.x;", *loads, *kept.views.values()] if many == 1 else loads
    return [*first, *lines, "__syncthreads();"]


def _bytes(stages: Sequence[Stage]) -> set[int]:
    """How wide elements are of what stages along the vector read and make."""
    made = {s.name for s in stages}
    read = {x.dtype.bytes for s in stages for x in reads(s) if x.index and x.tensor not in made}
    return read | {s.dtype.bytes for s in stages if s.axes}


def _chunks(n: int, widest: int) -> tuple[int, int] | None:
    """How many elements an access has, and how many such there are: 16 bytes of the widest elements, or 8 where each thread then
    has as many of them."""
    full = 16 // widest
    choices = [by for by in (full, full // 2) if by > 1 and n % (by * THREADS) == 0]
    by = choices[0] if choices else full
    return (by, n // by) if n % by == 0 and n // by <= CHUNKS * THREADS else None


@dataclass(slots=True)
class _Norm:
    """The stages' text. c: the number of a chunk, e: of an element in it, j: of the thread's chunks, count: of all chunks.
    wide: did all vectors have their place in accesses of several elements?"""

    scope: Scope
    kept: _Kept
    c: Axis
    e: Axis
    j: str
    count: int
    wide: bool = True

    def stage(self, s: Stage) -> list[str]:
        if s.axes:
            return self._vector(s)
        text = self.scope.text()
        lines: list[str] = []
        if s.reduction is not None:
            lines, text.reduced = self._sum(s.reduction)
        return [*lines, *number(s, {}, text, self.scope, ONCE)]

    def each(self, lines: list[str]) -> list[str]:
        """For each of the thread's chunks."""
        views = [x for h, x in self.kept.views.items() if any(f"{h}[" in line for line in lines)]
        if self.count % THREADS:
            lines = [f"if ({self.c.name} < {self.count}) {{", *indented(lines), "}"]
        if not self.kept.at:
            return lines
        head = [f"const int {self.c.name} = {self.j} * THREADS + threadIdx.x;", *views]
        loop = f"for (int {self.j} = 0; {self.j} < {self.kept.many}; ++{self.j}) {{"
        return ["#pragma unroll", loop, *indented([*head, *lines]), "}"]

    def _element(self, x: Expr, axes: tuple[Axis, ...]) -> tuple[Expr, Text]:
        """An expression along the vector, its operands in registers, and the text inside of the loop over elements."""
        own, loop = spread(axes, "i")
        at = moved(x, own, self.scope.text(loop).ranges)
        value = self.kept.taken(
            moved(at, {loop.name: chunk(self.c.name, self.e.name, self.kept.by)}, self.kept.text.ranges)
        )
        inner = self.kept.text.inside()
        inner.keep(value)
        return value, inner

    def _elements(self, lines: list[str]) -> list[str]:
        e = self.e
        return [f"for (int {e.name} = 0; {e.name} < {e.extent}; ++{e.name}) {{", *indented(lines), "}"]

    def _sum(self, r: Reduction) -> tuple[list[str], str]:
        mine, kind = self.scope.variable("p"), C_TYPES[r.dtype]
        value, text = self._element(r.element, r.axes)
        adding = self._elements([*text.lines, f"{mine} = {step(r.op, mine, value, text)};"])
        line, total = block_total(r, mine, self.scope)
        return [f"{kind} {mine} = {neutral(r.op, r.dtype)};", *self.each(adding), line], total

    def _vector(self, s: Stage) -> list[str]:
        w, y, by = self.scope.variable("w"), self.scope.variable("y"), self.kept.by
        kind, wide = C_TYPES[s.dtype], WIDE.get(by * s.dtype.bytes, "")
        value, text = self._element(s.body, s.axes)
        targets = self._targets(s, wide)
        self.wide = self.wide and bool(wide) and bool(targets)
        making = self._elements([*text.lines, f"{y}[{self.e.name}] = {text.value(value)};"])
        return self.each([f"{wide} {w};", f"{kind}* {y} = ({kind}*)&{w};", *making, *(x.format(w) for x in targets)])

    def _targets(self, s: Stage, wide: str) -> list[str]:
        """The lines that write a chunk, `{}` in its place; none where one of the places cannot take it."""
        scope = self.scope
        own, loop = spread(s.axes, "i")
        ranges = scope.text(loop).ranges
        at = {loop.name: chunk(self.c.name, self.e.name, self.kept.by)}
        index = tuple(
            Rewriter(at).index(Rewriter(own).index(i, ranges), self.kept.text.ranges) for i in own_index(s.axes, {})
        )
        local = scope.memory.local.get((scope.phase, s.name))
        out = []
        for place, i, guard in (
            (local, index, ""),
            (scope.memory.places.get(s.name), scope.full(s, index), f"if ({ONCE}) "),
        ):
            if place is None:
                continue
            where = pointer(place, address(place, i), self.e.name, self.kept.by, scope, self.kept.text)
            if where is None:
                return []
            out.append(f"{guard}*({wide}*){where} = {{}};")
        return out
