"""Weights, inputs, caches and outputs as parameters of the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from megac.dtype import DType
from megac.errors import CompileError
from megac.expr import loads
from megac.ir import Constant, IndexValue, Input, Program, Weight
from megac.memory.names import Names, short
from megac.memory.records import Kind, Parameter, Part, Place
from megac.passes.stages import reads
from megac.schedule.kinds import contraction
from megac.schedule.records import Cache, Schedule
from megac.size import Size

CHOSEN = 64  # elements of a constant tensor that a function chooses among, instead of memory
ALIGNED = 16  # bytes: where each part of a buffer starts


def stride_name(buffer: str) -> str:
    """What the elements from a layer to the next are called."""
    return f"STRIDE_{buffer.upper()}"


@dataclass(slots=True)
class Buffers:
    """Parameters while they are made."""

    limits: Mapping[str, int]  # the greatest value of each dimension
    names: Names
    parameters: list[Parameter] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    offsets: list[tuple[str, int]] = field(default_factory=list)
    outside: dict[str, Place] = field(default_factory=dict)

    def settle(self, name: str, place: Place, names: Sequence[str]) -> None:
        """Puts what each layer has of its own there: `name` in the layers, `names` outside of their loop."""
        self.places[name] = replace(place, base=f"{place.base}_l")
        for k, own in enumerate(names):
            before = f"(size_t){k} * {stride_name(place.base)}"
            offset = f"{before} + {place.offset}" if place.offset else before
            self.outside[own] = replace(place, offset=offset)

    def capacity(self, shape: Sequence[Size]) -> tuple[int, ...]:
        return tuple(e.at(self.limits) for e in shape)

    def add(self, kind: Kind, wanted: str, parts: Sequence[Part], layered: bool, written: bool = False) -> str:
        name = self.names.fresh(wanted)
        stride = parts[0].stride
        extent = max(p.offset + p.elements for p in parts) + stride * (len(parts[0].tensors) - 1)
        self.parameters.append(
            Parameter(name, kind, parts[0].dtype, extent, tuple(parts), layered, stride, written=written)
        )
        return name


def orders(p: Program, s: Schedule) -> dict[str, tuple[int, ...]]:
    """For weights of contractions the order of dimensions in which the sums run along the cells."""
    weights = {w.name: w for w in p.weights}
    out: dict[str, tuple[int, ...]] = {}
    for _, _, _, stage in s.placed():
        c = contraction(stage, weights)
        if c is not None:
            out.setdefault(c.weight.tensor, c.order)
    return out


def pack_leaves(p: Program, s: Schedule, b: Buffers) -> None:
    """Weights that each layer has its own of in one buffer a type, rows of contractions first; other leaves alone."""
    order = orders(p, s)
    every: tuple[Input | Weight, ...] = (*p.weights, *p.inputs)
    leaves = {x.name: x for x in every}
    used = dict.fromkeys(x.tensor for _, _, _, stage in s.placed() for x in reads(stage) if x.tensor in leaves)
    own = {n for names in s.per_layer.values() for n in names} | {a.input for c in s.caches for a in c.appends}
    layered = [leaves[n] for n in (*order, *used) if n in s.per_layer]
    for dtype in dict.fromkeys(x.dtype for x in layered):
        _pack_layers([x for x in dict.fromkeys(layered) if x.dtype is dtype], dtype, s, order, b)
    for name in used:
        x = leaves[name]
        if name in own:
            continue
        if isinstance(x, Input) and all(e == Size(1) for e in x.shape):
            _scalar(x, _position(p, x, b), b)
        else:
            _alone(x, order.get(name, tuple(range(len(x.shape)))), b)


def _pack_layers(
    xs: Sequence[Input | Weight], dtype: DType, s: Schedule, order: Mapping[str, tuple[int, ...]], b: Buffers
) -> None:
    unit = max(1, ALIGNED // dtype.bytes)
    offset, made = 0, []
    for x in xs:
        if any(e.constant is None for e in x.shape):
            raise CompileError(f"`{x.name}`, which each layer has its own of, has no fixed size")
        o = order.get(x.name, tuple(range(len(x.shape))))
        part = Part(short(s.per_layer[x.name]), s.per_layer[x.name], dtype, x.shape, b.capacity(x.shape), o, offset, 0)
        made.append((x, part))
        offset = -(-(offset + part.elements) // unit) * unit
    parts = [Part(q.label, q.tensors, dtype, q.shape, q.capacity, q.order, q.offset, offset) for _, q in made]
    base = b.add("weights", f"layers_{dtype.value}", parts, layered=True)
    for (x, _), part in zip(made, parts, strict=True):
        name = b.names.fresh(f"AT_{part.label}".upper())
        b.offsets.append((name, part.offset))
        shape = tuple(x.shape[d] for d in part.order)
        b.settle(x.name, Place(base, dtype, shape, part.order, name), part.tensors)


def _position(p: Program, x: Input, b: Buffers) -> int | None:
    """The greatest number that an input may be, where a cache gets its new rows there."""
    places = {y.tensor for a in p.appends for y in loads(IndexValue(a.position, DType.I64))}
    highs = [c.high.at(b.limits) for c in p.preconditions if c.tensor == x.name and c.low >= 0]
    return min(highs) if x.name in places and highs else None


def _scalar(x: Input, most: int | None, b: Buffers) -> None:
    """A number by value: where a cache's rows go an open one, so that a proof is for each of its values."""
    name = b.names.fresh(x.name)
    if most is not None:
        b.parameters.append(Parameter(name, "scalar", x.dtype, 1, symbol=f"at_{name}", stated=x.name, most=most))
    else:
        at = ", ".join("0" for _ in x.shape)
        b.parameters.append(Parameter(name, "scalar", x.dtype, 1, element=f"{x.name}[{at}]" if at else x.name))
    b.places[x.name] = Place(name, x.dtype, (), (), scalar=True)


def _alone(x: Input | Weight, order: tuple[int, ...], b: Buffers) -> None:
    part = Part(short((x.name,)), (x.name,), x.dtype, x.shape, b.capacity(x.shape), order, 0, 0)
    base = b.add("weights" if isinstance(x, Weight) else "input", part.label, [part], layered=False)
    b.places[x.name] = Place(base, x.dtype, tuple(x.shape[d] for d in order), order)


def pack_caches(caches: Sequence[Cache], b: Buffers) -> None:
    """A buffer for each place of the layers that appends, with room for the most rows."""
    for c in caches:
        a = c.first
        capacity = b.capacity(a.shape)
        part = Part(
            short((a.output,)), tuple(x.input for x in c.appends), a.dtype, a.shape, capacity,
            tuple(range(len(capacity))), 0, 0, after=tuple(x.output for x in c.appends),
        )  # fmt: skip
        many = len(c.appends) > 1
        part = Part(
            part.label,
            part.tensors,
            a.dtype,
            a.shape,
            capacity,
            part.order,
            0,
            part.elements if many else 0,
            part.after,
        )
        base = b.add("cache", f"{part.label}_cache", [part], layered=many, written=True)
        shape = tuple(Size(e) for e in capacity)
        place = Place(base, a.dtype, shape, part.order)
        if many:
            b.settle(a.output, place, part.after)
        else:
            b.places[a.output] = place
        b.places[a.input] = b.places[a.output]  # what is read of it are rows that stay


def pack_outputs(p: Program, s: Schedule, b: Buffers) -> None:
    """A buffer for each output that is no cache; for those of layers one of all of them."""
    stages = {x.name: x for _, _, _, x in s.placed()}
    shapes = {o.name: o.shape for o in p.outputs}
    for tensor, names in s.outputs.items():
        x = stages[tensor]
        shape = shapes[names[0]]
        many = len(names) > 1
        part = Part(short(names), names, x.dtype, shape, b.capacity(shape), tuple(range(len(shape))), 0, 0)
        if many:
            part = Part(part.label, names, x.dtype, shape, part.capacity, part.order, 0, part.elements)
        base = b.add("output", part.label, [part], layered=many, written=True)
        place = Place(base, x.dtype, x.shape, tuple(range(len(x.shape))))
        b.places[tensor] = place
        if many:  # outside of the layers it is the last one's that is read
            b.settle(tensor, place, (*names[:-1], tensor))


def name_constants(p: Program, s: Schedule, b: Buffers) -> tuple[tuple[str, Constant], ...]:
    """Small tensors that stand in the kernel's file, with their names there."""
    read = {x.tensor for _, _, _, stage in s.placed() for x in reads(stage)}
    out = []
    for c in p.constants:
        if c.name in read:
            name = b.names.fresh(short((c.name,)))
            called = len(c.data) // c.dtype.bytes <= CHOSEN
            b.places[c.name] = Place(name, c.dtype, c.shape, tuple(range(len(c.shape))), called=called)
            out.append((name, c))
    return tuple(out)


def dimensions(p: Program, b: Buffers) -> dict[str, str]:
    """A parameter for each dimension that is open: the name in C for its name in the graph."""
    out: dict[str, str] = {}
    for d in p.dims:
        out[d] = b.names.fresh(d)
        b.parameters.append(Parameter(out[d], "scalar", DType.I32, 1, symbol=d, most=b.limits[d]))
    return out
