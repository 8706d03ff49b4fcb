"""Where graph and kernel meet in memory: every bound tensor as a map from its indices to cells of a kernel object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from math import gcd, prod

from tv.diagnostic import BadInput, Unknown
from tv.equiv.problem import Image
from tv.graph import Graph, TensorInfo
from tv.kernel import Kernel
from tv.launch import BufferBinding, InputAssumption, Launch, ScalarBinding, TensorImage
from tv.sets import TRUE, Affine, Dim, Formula, Map, Quotient, Ranges, Set, Sets, Sym
from tv.sets.affine import Range, factors, floordiv, times
from tv.sets.formulas import all_of, eq, negate, within
from tv.sets.products import divide, leading
from tv.source import NOWHERE
from tv.spec.affine import affine, size
from tv.spec.layout import parse_layout
from tv.symexec.build import parameter_space
from tv.symexec.instances import Cuts
from tv.symexec.memory import BufferShape, Cells
from tv.system import Scope
from tv.term import type_width


@dataclass(slots=True)
class Binder:
    """One launch's buffers against one graph. ranges: of symbols. values: of graph inputs all of whose elements are one. inputs:
    what is assumed of graph inputs."""

    sets: Sets
    kernel: Kernel
    launch: Launch
    graph: Graph
    ranges: Mapping[str, tuple[int, int]]
    values: Mapping[str, Affine] = field(default_factory=dict)
    inputs: Sequence[InputAssumption] = ()

    @property
    def symbols(self) -> dict[str, Affine]:
        return {s: Affine.sym(s) for s in self.ranges}

    def buffers(self) -> dict[str, BufferBinding]:
        return {n: b for n, b in self.launch.args.items() if isinstance(b, BufferBinding) and not b.null}

    def info(self, image: TensorImage, output: bool) -> TensorInfo:
        table = self.graph.outputs if output else self.graph.inputs
        found = table.get(image.tensor)
        if found is None:
            kind = "output" if output else "input or initializer"
            raise BadInput("TV0813", f"the graph has no {kind} `{image.tensor}`", help=f"it has: {', '.join(table)}")
        return found

    def range_of(self, a: Dim | Sym) -> Range:
        """Of a symbol."""
        return self.ranges[a.name]

    def known_buffers(self) -> dict[str, Affine]:
        """Buffers that hold one input with one value and nothing else, and are not written by the caller's account."""
        out: dict[str, Affine] = {}
        for name, b in self.buffers().items():
            if (
                len(b.inputs) != 1
                or b.outputs
                or b.inputs[0].tensor not in self.values
                or b.inputs[0].layout is not None
            ):
                continue
            t, count = self.info(b.inputs[0], False), 1
            for extent in t.shape:
                count *= extent.constant or 0
            whole = b.extent is None or size(b.extent, self.symbols).constant == count
            if whole and size(b.inputs[0].offset, self.symbols).constant == 0:
                out[name] = self.values[b.inputs[0].tensor]
        return out

    # -------------------------------------------------------------- offsets
    def offset(self, image: TensorImage, t: TensorInfo) -> Affine:
        """Offset in elements over dimensions i0.. of the tensor."""
        index = [Affine.dim(f"i{k}") for k in range(len(t.shape))]
        if image.layout is not None:
            layout = parse_layout(image.layout, len(t.shape), NOWHERE)
            out = affine(layout.offset, {**self.symbols, **dict(zip(layout.dims, index, strict=True))})
        else:
            out, stride = Affine.of(0), Affine.of(1)
            for k in reversed(range(len(t.shape))):
                out = out + times(index[k], stride)
                stride = times(stride, t.shape[k])
        return out + size(image.offset, self.symbols)

    def shapes(self) -> dict[str, BufferShape]:
        """Extent, strides and initial content of every bound buffer."""
        return {n: self.shape(n, b) for n, b in self.buffers().items()}

    def shape(self, name: str, b: BufferBinding) -> BufferShape:
        obj = self.kernel.objects[name]
        wanted: set[int] = set()
        end, width = Affine.of(0), obj.element.bytes
        offsets: list[tuple[Affine, TensorInfo, int]] = []
        for image, output in [(i, False) for i in b.inputs] + [(i, True) for i in b.outputs]:
            t = self.info(image, output)
            item = type_width(t.type) // 8 if t.type != "bool" else 1
            off = self.offset(image, t)
            offsets.append((off * item, t, item))
            wanted |= {c * item for a, c in off.terms if isinstance(a, Dim) and c > 0}
            last = off
            for k, extent in enumerate(t.shape):
                last = last.substitute({Dim(f"i{k}"): extent - 1})
            end, width = (last + 1) * item, gcd(width, item)
        starts = sorted({off.const for off, _, _ in offsets})
        wanted |= {b - a for a, b in pairwise(starts)} | self.family_strides(offsets)
        if b.extent is not None:
            end = size(b.extent, self.symbols) * obj.element.bytes
        content = "input" if b.inputs else "zero" if b.zeroed else "undefined"
        open = open_strides([off for off, _, _ in offsets], name)
        align = b.align
        if obj.extents is not None:  # a module variable: as long, and as aligned, as it is declared
            align, whole = obj.align, prod(obj.extents) * obj.element.bytes
            most = end.interval(self.range_of)[1]
            if most is None or most > whole:
                text = f"`{name}` has {whole} bytes, and what is bound to it does not fit"
                raise BadInput("TV0813", text, obj.span, "declare it with the size of the tensor")
        return BufferShape(end, self.strides(wanted, offsets, width, open), content, align, width, open)

    def family_strides(self, offsets: list[tuple[Affine, TensorInfo, int]]) -> set[int]:
        """Distances between consecutive layers of a rolled family."""
        out: set[int] = set()
        by_unit: dict[str, list[int]] = {}
        for off, t, _ in offsets:
            if t.layer is not None:
                by_unit.setdefault(t.unit, []).append(off.const)
        for starts in by_unit.values():
            starts.sort()
            out |= {b - a for a, b in pairwise(starts)}
        return out

    def strides(
        self, wanted: set[int], offsets: list[tuple[Affine, TensorInfo, int]], width: int, open: tuple[Affine, ...]
    ) -> tuple[int, ...]:
        """The constant strides, in bytes, at which a buffer is taken apart: descending, each dividing the one before, and such that
        no tensor in it needs a floor to say where its elements are."""
        chosen: tuple[int, ...] = ()
        for w in sorted((w for w in wanted if w > width), reverse=True):
            if chosen and (chosen[-1] % w or chosen[-1] == w):
                continue
            tried = (*chosen, w)
            if all(floor_free(below(off, open), tried, self.tensor_ranges(t)) for off, t, _ in offsets):
                chosen = tried
        return chosen

    def tensor_ranges(self, t: TensorInfo) -> Ranges:
        limits = {f"i{k}": e for k, e in enumerate(t.shape)}

        def range_of(a: Dim | Sym) -> Range:
            if isinstance(a, Sym):
                return self.ranges[a.name]
            hi = limits[a.name].interval(range_of)[1]
            return 0, None if hi is None else hi - 1

        return range_of

    # -------------------------------------------------------------- images
    def one_cell(self, cells: Cells, t: TensorInfo) -> None:
        """An element has to be exactly one cell."""
        item = type_width(t.type) if t.type != "bool" else 8
        if item != cells.bits:
            text = (
                f"the elements of `{t.name}` have {item} bits, the accesses to `{cells.object}` pieces of {cells.bits}"
            )
            raise Unknown(
                "TV0815",
                text,
                help="access the buffer through pointers to its own element type",
            )

    def images(self, objects: Mapping[str, Cells]) -> dict[str, tuple[Image, ...]]:
        """Graph input unit -> its places in memory."""
        out: dict[str, tuple[Image, ...]] = {}
        for name, b in self.buffers().items():
            members: dict[str, list[tuple[TensorInfo, Affine]]] = {}
            for image in b.inputs:
                t = self.info(image, False)
                members.setdefault(t.unit, []).append((t, self.offset(image, t)))
            for unit, parts in members.items() if name in objects else ():
                maps = tuple(Image(name, m) for m in self.cell_maps(objects[name], unit, parts))
                out[unit] = (*out.get(unit, ()), *maps)
        for name, scalar in self.launch.args.items():
            if isinstance(scalar, ScalarBinding):
                found = self.scalar_image(name, scalar)
                if found is not None:
                    out[found[0]] = (*out.get(found[0], ()), found[1])
        return out

    def scalar_image(self, name: str, b: ScalarBinding) -> tuple[str, Image] | None:
        """An open scalar parameter that is a graph input's only element, or one element of it."""
        tensor, _, at = (b.element or b.symbol or "").partition("[")
        t = self.graph.inputs.get(tensor.strip())
        if t is None or t.layer is not None:
            return None
        scope = self.graph.system.scopes[t.unit]
        index = [size(x, self.symbols) for x in at.rstrip("] ").split(",") if x.strip()] or [Affine.of(0)] * len(
            t.shape
        )
        whole = all(e.constant == 1 for e in t.shape)
        if len(index) != len(t.shape) or not (at or whole):
            return None
        here = all_of(scope.domain, *(eq(Affine.dim(d), i) for d, i in zip(scope.dims, index, strict=True)))
        return t.unit, Image(name, self.sets.map(scope.name, scope.dims, here, parameter_space(name), []))

    def cell_maps(self, cells: Cells, unit: str, parts: list[tuple[TensorInfo, Affine]]) -> list[Map]:
        """Unit instance -> cell. A family whose members lie a constant distance apart is one map, else one map a member."""
        scope = self.graph.system.scopes[unit]
        members = sorted(parts, key=lambda p: p[0].layer or 0)
        layers = [t.layer for t, _ in members]
        if len(members) > 1 and None not in layers:
            first, step = members[0][1], members[1][1] - members[0][1]
            consecutive = layers == list(range(layers[0] or 0, (layers[0] or 0) + len(layers)))
            regular = step.constant is not None and all(off == first + step * k for k, (_, off) in enumerate(members))
            if consecutive and regular:
                layer = Affine.dim(scope.dims[0])
                start = first + layer * (step.constant or 0) - (step.constant or 0) * (layers[0] or 0)
                domain = scope.where(within(layer - (layers[0] or 0), len(layers))).domain
                return [self.cell_map(cells, scope, members[0][0], start, domain)]
        out = []
        for t, off in members:
            domain = scope.domain if t.layer is None else scope.where(eq(Affine.dim(scope.dims[0]), t.layer)).domain
            out.append(self.cell_map(cells, scope, t, off, domain))
        return out

    def reader(self, cells: Cells, image: TensorImage, t: TensorInfo, unit: str) -> Reader:
        """The final reader of an output, with its dimensions cut where the buffer's strides cut them."""
        self.one_cell(cells, t)
        off = self.offset(image, t)
        dims: list[str] = []
        ranges: dict[str, Range] = {}
        index: list[Affine] = []
        conds: list[Formula] = []
        for k, extent in enumerate(t.shape):
            step = dict(off.terms).get(Dim(f"i{k}"), 0)
            number, high = Affine.of(0), self.highest(extent)
            for name, weight, count in self.cuts(cells, step, high).digits(f"o{k}", high + 1):
                dims.append(name)
                ranges[name] = (0, count - 1)
                number = number + Affine.dim(name) * weight
                conds.append(within(Affine.dim(name), count))
            conds.append(within(number, extent))
            index.append(number)
        linear = off.substitute({Dim(f"i{k}"): x for k, x in enumerate(index)})

        def range_of(a: Dim | Sym) -> Range:
            return self.ranges[a.name] if isinstance(a, Sym) else ranges[a.name]

        domain = all_of(*conds)

        def proved(f: Formula) -> bool:
            return self.sets.empty(self.sets.set(f"at{len(dims)}", dims, all_of(domain, negate(f))))

        cell = cells.coordinates(linear, range_of, proved)
        if cells.open:
            unit_cells = self.sets.map(f"in_{unit}", dims, domain, cells.name, cell)
            self.inside(cells, unit_cells, self.sets.set(f"in_{unit}", dims, domain), t.name)
        at = index if t.layer is None else [Affine.of(t.layer), *index]
        return Reader(tuple(dims), domain, cell, self.sets.map(unit, dims, domain, t.unit, at))

    def highest(self, extent: Affine) -> int:
        high = extent.interval(lambda a: self.ranges[a.name])[1]
        if high is None:
            raise Unknown("TV0816", "an output without a greatest extent", help="give its symbol a `max`")
        return max(high - 1, 0)

    def cuts(self, cells: Cells, step: int, high: int) -> Cuts:
        """Where a tensor dimension of stride `step` is taken apart by the object's strides."""
        out = Cuts()
        for s in cells.strides:
            if step > 0 and s % step == 0 and 1 < s // step <= high:
                out.cut("o", s // step)
        out.points = {f"o{k}": out.points.get("o", set()) for k in range(16)}
        return out

    def cell_map(self, cells: Cells, scope: Scope, t: TensorInfo, off: Affine, domain: Formula) -> Map:
        """Unit instance -> cell, as an equation between offsets: no floors."""
        self.one_cell(cells, t)
        dims = scope.dims if t.layer is None else scope.dims[1:]
        rename: dict[Dim | Sym, Affine] = {Dim(f"i{k}"): Affine.dim(d) for k, d in enumerate(dims)}
        there = tuple(f"cell{k}" for k in range(cells.arity))
        meets = cells.holds(tuple(Affine.dim(c) for c in there), off.substitute(rename))
        m = self.sets.relation(scope.name, scope.dims, cells.name, there, all_of(domain, meets))
        self.inside(cells, m, self.sets.set(scope.name, scope.dims, domain), t.name)
        return m

    def inside(self, cells: Cells, m: Map, whole: Set, tensor: str) -> None:
        """Where rows have an open size, coordinates say which cell is meant only inside their boxes: every element has to be there."""
        if not cells.open:
            return
        dims = tuple(f"c{i}" for i in range(cells.arity))
        box = self.sets.set(cells.name, dims, cells.domain(dims, TRUE))
        if not self.sets.subset(whole, self.sets.domain(m)) or not self.sets.subset(self.sets.range(m), box):
            raise Unknown(
                "TV0814",
                f"`{tensor}` does not lie in rows of `{cells.object}`",
                help="let the symbols be fixed sizes, or give the layout by rows",
            )


@dataclass(frozen=True, slots=True)
class Reader:
    """An output's final reader: dimensions, domain, the cell read, and reader instance -> element of the graph's unit."""

    dims: tuple[str, ...]
    domain: Formula
    cell: tuple[Affine, ...]
    relation: Map


def open_strides(offsets: list[Affine], name: str) -> tuple[Affine, ...]:
    """The strides with symbols of the tensors in a buffer, each a multiple of the next. Raises Unknown (TV0814) where they are not."""
    found: list[Affine] = []
    for off in offsets:
        strides: dict[Dim, Affine] = {}
        for atom, c in off.terms:
            symbols, rest = factors(atom)
            if isinstance(rest, Dim):
                stride = reduce(times, (Affine.sym(n) for n in symbols), Affine.of(c))
                strides[rest] = strides.get(rest, Affine.of(0)) + stride
        found += [s for s in strides.values() if s.terms and s not in found]
    found.sort(key=lambda s: (len(leading(s)[0]), leading(s)[1]), reverse=True)
    for a, b in pairwise(found):
        if divide(a, b)[1] != Affine.of(0):
            text = f"the tensors in `{name}` have open strides of which none is a multiple of the other"
            raise Unknown("TV0814", text, help="give the buffer a `layout` with fixed strides")
    return tuple(found)


def below(off: Affine, open: tuple[Affine, ...]) -> Affine:
    """What the open strides leave of an offset."""
    for s in open:
        off = divide(off, s)[1]
    return off


def floor_free(off: Affine, strides: tuple[int, ...], ranges: Ranges) -> bool:
    """Are all coordinates of `off` below the strides free of floors?"""
    rest = off
    for s in strides:
        q = floordiv(rest, s, ranges)
        rest = rest - q * s
        if any(isinstance(a, Quotient) for a, _ in q.terms):
            return False
    return True


def affine_values(
    launch: Launch, symbols: Mapping[str, Affine], values: Mapping[str, Affine] | None = None
) -> dict[str, Affine]:
    """Integer parameters whose value is a symbol, an expression over symbols, or an element of an input with one value."""
    out: dict[str, Affine] = {}
    for name, b in launch.args.items():
        if not isinstance(b, ScalarBinding):
            continue
        tensor = (b.element or "").partition("[")[0].strip()
        if b.symbol is not None and b.symbol in symbols:
            out[name] = symbols[b.symbol]
        elif isinstance(b.value, str):
            out[name] = size(b.value, symbols)
        elif values is not None and tensor in values:
            out[name] = values[tensor]
    return out
