"""Memory objects as index spaces: owner coordinates, then the cell, in units of the narrowest access.

A buffer's linear offset is taken apart at the strides of what is bound to it: quotient and remainder, exact whatever the
offset is, and free of floors wherever the ranges (or an index-set question) show that a coordinate stays in its dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import gcd

from tv.diagnostic import Unknown
from tv.kernel import MemoryObject, Space
from tv.sets import FALSE, Affine, Dim, Formula, Quotient, Ranges, Sym
from tv.sets.affine import Range, floordiv, mod
from tv.sets.formulas import all_of, any_of, eq, ge, lt, within
from tv.sets.products import divide
from tv.symexec.events import Access, Trace


@dataclass(frozen=True, slots=True)
class BufferShape:
    """Of a bound buffer: extent in bytes, strides in bytes (descending, each dividing the one before) that its tensors use.

    content: what no write precedes: input (free), zero, or undefined. align in bytes. item: bytes of its narrowest tensor's elements.
    open: strides in bytes that have symbols, all outside `strides`.
    """

    extent: Affine
    strides: tuple[int, ...]
    content: str
    align: int = 256
    item: int = 0
    open: tuple[Affine, ...] = ()


@dataclass(frozen=True, slots=True)
class Cells:
    """An object's index space: tuple `name`, owner dimensions, strides in cells, bits of a cell, extent in cells.

    Coordinates below the owner: one a stride with symbols (`open`), one a constant stride, the innermost. They are those of one
    cell only inside their boxes, which `domain` states: every access has to lie there.
    """

    object: str
    name: str
    space: Space
    owner: tuple[str, ...]
    strides: tuple[int, ...]
    bits: int
    extent: Affine
    content: str
    align: int
    open: tuple[Affine, ...] = ()

    @property
    def arity(self) -> int:
        return len(self.owner) + len(self.open) + len(self.strides) + 1

    def coordinates(self, cell: Affine, ranges: Ranges, prove: Callable[[Formula], bool]) -> tuple[Affine, ...]:
        """The cell's position below the owner, by strides."""
        out: list[Affine] = []
        rest = cell
        for open in self.open:
            q, rest = _row(rest, open, prove)
            out.append(q)
        for s in self.strides:
            q = _floor(rest, s, ranges, prove)
            out.append(q)
            rest = rest - q * s
        return (*out, rest)

    def holds(self, coordinates: tuple[Affine, ...], cell: Affine) -> Formula:
        """`coordinates` (below the owner) are those of linear cell `cell`: equations and boxes, no floor."""
        conds = []
        for c, open in zip(coordinates, self.open, strict=False):
            q, cell = divide(cell, open)
            conds.append(eq(c, q))
        linear, boxes = self._below(coordinates[len(self.open) :])
        return all_of(*conds, eq(linear, cell), *boxes)

    def domain(self, dims: tuple[str, ...], owner: Formula) -> Formula:
        """Inside the object: dims are the owner's, then one a stride, then the innermost."""
        return all_of(owner, self._first(tuple(Affine.dim(d) for d in dims[len(self.owner) :]), self.open, self.extent))

    def _first(self, coordinates: tuple[Affine, ...], open: tuple[Affine, ...], extent: Affine) -> Formula:
        """The first `extent` cells, row by row of the first open stride: whole rows, then what is left of one."""
        if not open:
            linear, boxes = self._below(coordinates)
            return all_of(*boxes, within(linear, extent))
        row, below, stride = coordinates[0], coordinates[1:], open[0]
        count, left = divide(extent, stride)
        if left.constant is None:
            raise Unknown("TV0513", f"`{self.object}` is no whole number of its rows")
        if left.constant == 0:
            return all_of(within(row, count), self._first(below, open[1:], stride))
        if left.constant < 0:  # the last of `count` rows is short
            count, left = count - 1, stride + left
        inside = self._first(below, open[1:], stride)
        last = all_of(eq(row, count), ge(count), inside, self._first(below, open[1:], left))
        return any_of(all_of(within(row, count), inside), last)

    def _below(self, coordinates: tuple[Affine, ...]) -> tuple[Affine, list[Formula]]:
        """Of the coordinates under the open strides: the linear cell, and the boxes of all but the first."""
        linear = coordinates[-1]
        for c, s in zip(coordinates, self.strides, strict=False):
            linear = linear + c * s
        steps = zip(coordinates[1:], self.strides, (*self.strides[1:], 1), strict=False)
        return linear, [within(c, s // t) for c, s, t in steps]


def _row(a: Affine, stride: Affine, prove: Callable[[Formula], bool]) -> tuple[Affine, Affine]:
    """(q, r) with a = q * stride + r; where r by its form may lie in a neighbouring row (`K * N - 1`), in the row where it is."""
    q, rest = divide(a, stride)
    if rest.linear and stride.linear and (rest.const < 0 or any(isinstance(x, Sym) for x, _ in rest.terms)):
        for shift in (0, -1, 1):
            moved = rest - stride * shift
            if prove(all_of(ge(moved), lt(moved, stride))):
                return q + shift, moved
    return q, rest


def _floor(a: Affine, k: int, ranges: Ranges, prove: Callable[[Formula], bool]) -> Affine:
    """floor(a / k); where the part of a that is no multiple of k is provably in [0, k), without a floor."""
    q = floordiv(a, k, ranges)
    whole = Affine(tuple((x, c // k) for x, c in a.terms if c % k == 0), a.const // k)
    for near in (
        (whole, whole + 1, whole - 1) if q != whole else ()
    ):  # `s[1][t - d]`: its constant alone names the row before
        rest = a - near * k
        if prove(all_of(ge(rest), lt(rest, k))):
            return near
    return q


def cell_bits(accesses: list[Access], obj: MemoryObject | None) -> int:
    """The narrowest access of an object, and the alignment of its constant offsets, decide the cell."""
    bits = 0
    for a in accesses:
        bits = gcd(bits, a.type.bits if a.register else a.type.bytes * 8)
        for c in (a.offset.const, *(c for _, c in a.offset.terms)):
            if not a.register:
                bits = gcd(bits, c * 8)
    if bits == 0 and obj is not None:
        bits = obj.element.bytes * 8
    return bits


def refined(cells: Cells, accesses: list[Access], ranges: Ranges) -> Cells:
    """The same object with the strides of its accesses' digits added, where every access then has a coordinate without a
    floor: writers and readers meet digit by digit."""
    scale = cells.bits // 8
    if scale == 0 or not any(a.write for a in accesses):
        return cells
    wanted = {c // scale for a in accesses for _, c in a.offset.terms if c > 0 and c % scale == 0}
    wanted |= {a.count * a.stride // scale for a in accesses if a.count > 1} | {a.stride // scale for a in accesses}
    widest = max((a.count * a.type.bytes * 8 // cells.bits for a in accesses if not a.step), default=1)
    for least in sorted(
        {2, widest}
    ):  # the cells of a wide access are one digit, or smaller ones where that needs no floor
        fine = replace(cells, strides=_chained(cells.strides, {w for w in wanted if w >= least}))
        if all(floorless(fine, a, ranges) for a in accesses):
            return fine
    return cells


def _chained(strides: tuple[int, ...], wanted: set[int]) -> tuple[int, ...]:
    """The strides, descending, with those that are wanted and divide, or are divided by, their neighbours."""
    out = list(strides)
    for w in sorted(wanted - {1, *out}, reverse=True):
        at = sum(1 for s in out if s > w)
        above = out[at - 1] if at else None
        below = out[at] if at < len(out) else None
        if (above is None or above % w == 0) and (below is None or w % below == 0):
            out.insert(at, w)
    return tuple(out)


def floorless(cells: Cells, a: Access, ranges: Ranges) -> bool:
    n = a.count * a.type.bytes * 8 // cells.bits
    first = floordiv(a.offset, cells.bits // 8)
    cell = first + Affine.dim("c") * (1 if not a.step else a.step * 8 // cells.bits if n == a.count else 1)
    if n == 1:
        cell = first

    def with_cell(d: Dim | Sym) -> Range:
        return (0, n - 1) if d == Dim("c") else ranges(d)

    own = {x.key for x, _ in a.offset.terms}  # the stage of a ring of buffers, `k % 2`, is a digit as it is
    found = (x for q in cells.coordinates(cell, with_cell, lambda f: False) for x, _ in q.terms)
    return not any(isinstance(x, Quotient) and x.key not in own for x in found)


def spaces(
    trace: Trace, buffers: dict[str, BufferShape], dynamic_shared: Affine, symbols: Mapping[str, tuple[int, int]]
) -> dict[str, Cells]:
    """The index space of every object that the trace touches, bound outputs included."""
    by_object: dict[str, list[Access]] = {}
    for a in trace.accesses:
        by_object.setdefault(a.object, []).append(a)
    out: dict[str, Cells] = {}
    taken: set[str] = set()
    block, thread = trace.space.block_dims, trace.space.thread_dims
    for name in {**by_object, **buffers}:
        obj, accesses = trace.kernel.objects.get(name), by_object.get(name, [])
        bits = cell_bits(accesses, obj)
        if name in buffers:
            bits = gcd(bits, buffers[name].item * 8)
        if bits == 0 or (bits % 8 and obj is not None):
            raise Unknown("TV0513", f"no common cell width for the accesses to `{name}`")
        tuple_name = "m_" + name.replace(".", "_").replace("#", "_at_")
        while tuple_name in taken:  # `reg.s` and `reg_s` are two objects
            tuple_name += "_"
        taken.add(tuple_name)
        if obj is None:
            out[name] = Cells(name, tuple_name, Space.LOCAL, block + thread, (), bits, Affine.of(1), "undefined", 1)
        elif obj.space is Space.GLOBAL:
            b = buffers.get(name)
            if b is None:
                table = "args" if any(p.name == name for p in trace.kernel.parameters) else "globals"
                raise Unknown(
                    "TV0514",
                    f"`{name}` is used but bound to nothing",
                    obj.span,
                    f"write `{name} = ...` under [{table}]",
                )
            if obj.entries is not None:
                raise TypeError(f"where the buffers of `{name}` lie is open")
            w = bits // 8
            strides = tuple(s // w for s in b.strides if s % w == 0 and s > w)
            open = tuple(exact(o, w, name) for o in b.open)
            size = floordiv(b.extent, w)
            out[name] = Cells(name, tuple_name, obj.space, (), strides, bits, size, b.content, b.align, open)
        else:
            lives = {len(a.owner) for a in accesses}
            if len(lives) > 1:
                raise Unknown("TV0513", f"`{name}` is used before its declaration", obj.span)
            life = tuple(f"life{i}" for i in range(max(lives, default=0)))
            owner = block if obj.space is Space.SHARED else block + thread + life
            out[name] = _static(obj, tuple_name, bits, owner, dynamic_shared)
    known = trace.ranges

    def range_of(d: Dim | Sym) -> Range:
        return symbols[d.name] if isinstance(d, Sym) else known.get(d.name, (None, None))

    return {
        n: refined(c, by_object.get(n, []), range_of) if n not in trace_registers(trace) else c for n, c in out.items()
    }


def exact(stride: Affine, k: int, name: str) -> Affine:
    """stride / k, from bytes to cells; Unknown where a cell is wider than an element."""
    if any(c % k for c in (stride.const, *(c for _, c in stride.terms))):
        raise Unknown("TV0513", f"`{name}` has rows of an open size, and is accessed in wider pieces than its elements")
    return floordiv(stride, k)


def trace_registers(trace: Trace) -> set[str]:
    return {f"reg.{n}" for n in trace.registers}


def _static(obj: MemoryObject, tuple_name: str, bits: int, owner: tuple[str, ...], dynamic_shared: Affine) -> Cells:
    """Shared and local objects: C dimensions where they are declared, the launch's size where not."""
    w = bits // 8
    if obj.extents is None:
        return Cells(
            obj.name, tuple_name, obj.space, owner, (), bits, floordiv(dynamic_shared, w), "undefined", obj.align
        )
    stride, strides = obj.element.bytes, []
    for n in reversed(obj.extents[1:]):
        stride *= n
        strides.append(stride // w)
    total = stride * (obj.extents[0] if obj.extents else 1) // w
    used = tuple(s for s in reversed(strides) if s > 1)
    return Cells(obj.name, tuple_name, obj.space, owner, used, bits, Affine.of(total), "undefined", obj.align)


def misaligned(a: Access, cells: Cells, ranges: Ranges) -> Formula | None:
    """The condition an access's address must meet to be aligned; None where it plainly is."""
    need = a.type.bytes * (1 if a.step else a.count)
    if a.register or need == 1:
        return None
    rest = mod(a.offset, need, ranges)
    if rest.constant == 0 and cells.align % need == 0:
        return None
    if cells.align % need:
        return FALSE
    return all_of(ge(rest), ge(-rest))
