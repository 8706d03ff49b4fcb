"""A launch with all sizes chosen: geometry, scalars, buffers with contents, and the same contents for the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.binding import Binder
from tv.diagnostic import Unknown
from tv.graph import Graph, TensorInfo
from tv.graph_frontend.elements import BY_LABEL
from tv.kernel import Kernel, Parameter
from tv.launch import InputAssumption, Launch, ScalarBinding, TensorImage
from tv.refute.indices import Range, deciding, permitted
from tv.refute.layouts import Place, fixed, integer
from tv.refute.patterns import Pattern
from tv.refute.slots import Slot
from tv.replay.buffers import Flags, GeneratedBuffer
from tv.replay.carriers import Array
from tv.replay.distinct import distinct
from tv.replay.pieces import joined
from tv.replay.sums import Value
from tv.spec.affine import size
from tv.spec.expression import evaluate, parse
from tv.symexec.scalars import float_bits

Bits = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Dim3 = tuple[int, int, int]
_MOST_PENDING = 1 << 22  # offsets of stores that are kept one by one
NARROW = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


class Watched(GeneratedBuffer):
    """A buffer that remembers where it was stored to."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._stored: list[tuple[Ints, int]] = []  # offsets, width
        self._marked: dict[int, Flags] = {}  # of many stores: by width, which multiples of it
        self._pending = 0

    def store(self, offsets: Ints, width: int, bits: Array, mask: Flags | None = None) -> None:
        kept = np.array(offsets if mask is None else offsets[mask])
        self._stored.append((kept, width))
        self._pending += len(kept)
        if self._pending > _MOST_PENDING:
            for there, w in self._stored:
                if w not in self._marked:
                    self._marked[w] = np.zeros(-(-self.size // w), np.bool_)
                self._marked[w][there // w] = True
            self._stored, self._pending = [], 0
        super().store(offsets, width, bits, mask)

    def restore(self, state: object) -> None:
        self._stored, self._marked, self._pending = [], {}, 0
        super().restore(state)

    def written_elements(self, width: int) -> Ints:
        """Indices of elements of `width` bytes that a store touched, ascending, each once."""
        found = [np.zeros(0, np.int64)]
        many = [(np.flatnonzero(marks) * w, w) for w, marks in self._marked.items()]
        for offsets, stored in (*self._stored, *many):
            first, last = offsets // width, (offsets + stored - 1) // width
            found += [np.minimum(first + k, last) for k in range(1 + (stored - 1) // width)]
        return distinct(np.concatenate(found))


@dataclass(slots=True)
class Setting:
    """symbols: a value for each. assumptions: what is assumed of graph inputs; contents keep to it."""

    kernel: Kernel
    launch: Launch
    binder: Binder
    graph: Graph
    symbols: Mapping[str, int]
    assumptions: Sequence[InputAssumption] = ()
    slots: dict[str, Slot] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=dict)
    _units: dict[str, list[tuple[int | None, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        indices, decisive = permitted(self.graph, self.symbols), deciding(self.graph)
        for n, (name, info) in enumerate(self.graph.inputs.items()):
            self.slots[name] = self._slot(n, info, indices.get(info.unit), info.unit not in decisive)
            self._units.setdefault(info.unit, []).append((info.layer, name))
        for name, b in self.binder.buffers().items():
            images = [(i, False) for i in b.inputs] + [(i, True) for i in b.outputs]
            self.places[name] = [self._place(i, output) for i, output in images]

    def _place(self, image: TensorImage, output: bool) -> Place:
        info = self.binder.info(image, output)
        width = max(1, BY_LABEL[info.type].width // 8)
        offset = self.binder.offset(image, info).substitute(fixed(self.symbols))
        return Place(image.tensor, output, self.shape(info), offset, self.symbols, width)

    def shape(self, info: TensorInfo) -> tuple[int, ...]:
        return tuple(integer(e, self.symbols) for e in info.shape)

    def _slot(self, ordinal: int, info: TensorInfo, index: Range | None, free: bool) -> Slot:
        shape = self.shape(info)
        low, high, finite = None, None, False
        for a in self.assumptions:
            if a.tensor == info.name:
                finite |= a.finite
                low, high = (
                    (a.min, a.max) if a.value is None else (fixed := evaluate(parse(a.value), self.symbols), fixed)
                )
        count = int(np.prod(shape, dtype=object)) if shape else 1
        stored = self.graph.contents.get(info.name)
        return Slot(
            info.name,
            ordinal,
            info.type,
            count,
            shape[-1] if shape else 1,
            low,
            high,
            finite,
            self.graph.numbers_only,
            stored,
            index,
            free,
        )

    # -------------------------------------------------------------- the launch
    @property
    def outputs(self) -> tuple[str, ...]:
        """Buffers in which outputs lie."""
        return tuple(n for n, places in self.places.items() if any(p.output for p in places))

    @property
    def grid(self) -> Dim3:
        x, y, z = (integer(size(g, self.binder.symbols), self.symbols) for g in self.launch.grid)
        return x, y, z

    @property
    def shared_bytes(self) -> int:
        return integer(size(self.launch.shared, self.binder.symbols), self.symbols)

    def scalars(self, pattern: Pattern) -> dict[str, int]:
        """Parameters by value, as bits of their types."""
        return {p.name: self._scalar(p, pattern) for p in self.kernel.parameters if p.type is not None}

    def _scalar(self, p: Parameter, pattern: Pattern) -> int:
        b = self.launch.args.get(p.name)
        assert p.type is not None
        if not isinstance(b, ScalarBinding):
            raise Unknown("TV0732", f"parameter `{p.name}` has no value", p.span)
        if b.symbol is not None and b.symbol in self.symbols:
            value: int | float = self.symbols[b.symbol]
        elif b.symbol is not None and b.symbol in self.slots:
            return int(pattern.bits(self.slots[b.symbol], np.zeros(1, np.int64))[0])
        elif b.element is not None and b.element.partition("[")[0] in self.slots:
            return self._element(b.element, pattern)
        elif isinstance(b.value, int | float):
            value = b.value
        elif isinstance(b.value, str):
            value = evaluate(parse(b.value), self.symbols)
        else:
            raise Unknown("TV0732", f"parameter `{p.name}` has no value", p.span)
        if p.type.is_float:
            return float_bits(float(value), p.type)
        return int(value) & ((1 << p.type.bits) - 1)

    def _element(self, element: str, pattern: Pattern) -> int:
        """The bits of `tensor[i, j]`, as the pattern has them."""
        name, _, at = element.partition("[")
        index = [evaluate(parse(i), self.symbols) for i in at.rstrip("] ").split(",") if i.strip()]
        shape = self.shape(self.graph.inputs[name])
        linear = int(np.ravel_multi_index(index, shape)) if index else 0
        return int(pattern.bits(self.slots[name], np.array([linear], np.int64))[0])

    # -------------------------------------------------------------- contents
    def buffers(self, pattern: Pattern) -> dict[str, Watched]:
        """A buffer for every bound pointer: inputs where they lie, everything else uninitialised (or zero, where cleared)."""
        out = {}
        shapes, bindings = self.binder.shapes(), self.binder.buffers()
        for name, places in self.places.items():
            total = integer(shapes[name].extent, self.symbols)
            inputs = [p for p in places if not p.output]
            width = inputs[0].width if inputs else self.kernel.objects[name].element.bytes
            if any(p.width != width for p in inputs):
                raise Unknown("TV0733", f"`{name}` holds tensors of elements of different sizes")
            align = bindings[name].align
            if not inputs:
                zero = (lambda at: np.zeros(at.shape, np.uint64)) if bindings[name].zeroed else None
                out[name] = Watched(total, width, zero, align=align)
                continue
            content = Content(inputs, [self.slots[p.tensor] for p in inputs], pattern)
            whole = sum(p.count for p in inputs) * width >= total
            out[name] = Watched(total, width, content.bits, align=align, defined=None if whole else content.defined)
        return out

    def graph_inputs(
        self, pattern: Pattern, note: Callable[[str, Ints], None] | None = None
    ) -> Callable[[str, Sequence[Ints]], Value]:
        """The same contents as the graph's evaluation asks for them; note: told of each tensor's elements that it asks for."""

        def inputs(unit: str, index: Sequence[Ints]) -> Value:
            members = self._units[unit]
            if members[0][0] is None:
                return self._elements(members[0][1], index, pattern, note)
            if index[0].size == 1:
                own = next(n for layer, n in members if layer == int(index[0].flat[0]))
                return self._elements(own, index[1:], pattern, note)
            index = np.broadcast_arrays(*index)
            masks = [(index[0] == layer, name) for layer, name in members]
            pieces = [
                (m, self._elements(name, [i[m] for i in index[1:]], pattern, note)) for m, name in masks if m.any()
            ]
            return joined(pieces, index[0].shape)

        return inputs

    def unheld(self) -> str | None:
        """A tensor that the outputs depend on and whose values are the model's own, since no argument holds it: a run's contents
        would contradict them."""
        held = {i.tensor for b in self.binder.buffers().values() for i in b.inputs}
        for b in self.launch.args.values():
            if isinstance(b, ScalarBinding):
                held |= {t.partition("[")[0].strip() for t in (b.element, b.symbol) if t is not None}
        units = self.graph.system.units
        return next(
            (t.name for n, t in self.graph.inputs.items() if t.kept and n not in held and units[t.unit].uses), None
        )

    def _elements(
        self, name: str, index: Sequence[Ints], pattern: Pattern, note: Callable[[str, Ints], None] | None
    ) -> Value:
        shape = self.shape(self.graph.inputs[name])
        linear = np.zeros((1,) * (index[0].ndim if index else 1), np.int64)
        for extent, i in zip(shape, index, strict=True):
            linear = linear * extent + i
        if note is not None:
            note(name, linear)
        slot = self.slots[name]
        if BY_LABEL[slot.label].is_float:
            numbers = pattern.numbers(slot, linear)
            if not np.isnan(numbers).any():  # a number of another format need not hold all bits of a NaN
                return Value(None, numbers, slot.label)
        return Value(pattern.bits(slot, linear))


@dataclass(slots=True)
class Content:
    """What a buffer holds of its input tensors, by element offset."""

    places: Sequence[Place]
    slots: Sequence[Slot]
    pattern: Pattern
    _ends: tuple[Ints, Ints] | None = None

    def _ranges(self) -> tuple[Ints, Ints]:
        """Offsets of the first and the last element of each tensor; layouts ascend."""
        if self._ends is None:
            first = [p.base for p in self.places]
            last = [int(p.of_linear(np.array([p.count - 1]))[0]) if p.count else p.base - 1 for p in self.places]
            self._ends = np.array(first, np.int64), np.array(last, np.int64)
        return self._ends

    def _pieces(self, at: Ints) -> Iterator[tuple[int, Flags | None]]:
        """For each tensor that may hold some of the elements: which tensor, and where in `at` to look (None: everywhere)."""
        if len(self.places) == 1:
            yield 0, None
            return
        starts, last = self._ranges()
        if not at.size:
            return
        low, high = int(at.min()), int(at.max())
        for k in np.flatnonzero((starts <= high) & (last >= low)):
            if starts[k] <= low and high <= last[k]:
                yield int(k), None
                continue
            mask = (at >= starts[k]) & (at <= last[k])
            if mask.any():
                yield int(k), mask

    def bits(self, at: Ints) -> Bits:
        out = np.zeros(at.shape, np.uint64)
        for k, mask in self._pieces(at):
            linear, good = self.places[k].at(at if mask is None else at[mask])
            found = self.pattern.bits(self.slots[k], linear)
            if mask is None and good.all():
                out = found
            elif mask is None:
                out = np.where(good, found, out)
            else:
                out[mask] = np.where(good, found, out[mask])
        return out

    def defined(self, at: Ints) -> Flags:
        out = np.zeros(at.shape, np.bool_)
        for k, mask in self._pieces(at):
            good = self.places[k].at(at if mask is None else at[mask])[1]
            if mask is None:
                out |= good
            else:
                out[mask] |= good
        return out
