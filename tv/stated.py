"""What a launch states of integers that are data (`[inputs] ids = { min = 0, max = 50256 }`), on both sides.

The kernel's side: between which integers the elements of a buffer lie. The graph's: an index that is not negative counts from
the front, so that what ONNX does with negative ones is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from tv.binding import Binder
from tv.graph import Graph, below, origin
from tv.graph_frontend.elements import BY_LABEL
from tv.kernel import AsyncCopy, Atomic, Kernel, Store, walk
from tv.launch import BufferBinding, InputAssumption, ScalarBinding
from tv.sets import Affine
from tv.sets.affine import times
from tv.symexec.data_indices import Contents
from tv.term import Term, op_head

Range = tuple[int, int]


# ------------------------------------------------------------------------------------------------ the kernel's side
def contents(binder: Binder) -> Contents:
    """What is known of the integers in buffers that the kernel leaves alone, and what could be stated of others."""
    stated, changed = ranges_of_inputs(binder.graph, binder.inputs), written(binder.kernel)
    ranges: dict[str, tuple[Range, int]] = {}
    advice: dict[str, str] = {}
    gathered = dict(gathers(binder.graph))
    for name, tensors in held(binder).items():
        if name in changed or any(BY_LABEL[binder.graph.inputs[t].type].is_float for t in tensors):
            continue
        known = [stated[t] for t in tensors if t in stated]
        bits = {BY_LABEL[binder.graph.inputs[t].type].width for t in tensors}
        if len(known) == len(tensors) and len(bits) == 1:
            ranges[name] = (min(low for low, _ in known), max(high for _, high in known)), bits.pop()
        else:
            first = next(t for t in tensors if t not in stated)
            most = gathered.get(binder.graph.inputs[first].unit)
            advice[name] = f"state which integers it holds: [inputs] {first} = {{ min = 0, max = {most or 'N'} }}"
    return Contents(ranges, advice, frozenset(n for n, b in binder.buffers().items() if empty(b)))


def empty(b: BufferBinding) -> bool:
    """Is the memory bound to no input, and not cleared? Reads of it before it is written are errors."""
    return not b.inputs and not b.zeroed and not b.null


def held(binder: Binder) -> dict[str, tuple[str, ...]]:
    """The inputs that a buffer or parameter holds, where it holds nothing else."""
    out: dict[str, tuple[str, ...]] = {}
    for name, b in binder.launch.args.items():
        match b:
            case BufferBinding() if b.inputs and not b.outputs and not b.null and full(binder, name, b):
                out[name] = tuple(i.tensor for i in b.inputs)
            case ScalarBinding() if tensor := (b.element or b.symbol or "").partition("[")[0].strip():
                if tensor in binder.graph.inputs:
                    out[name] = (tensor,)
            case _:
                pass
    return out


def full(binder: Binder, name: str, b: BufferBinding) -> bool:
    """Every element of the buffer is an element of a tensor: they lie apart, and there are as many."""
    total = Affine.of(0)
    for image in b.inputs:
        t = binder.info(image, False)
        total = total + reduce(times, t.shape, Affine.of(1)) * max(BY_LABEL[t.type].width // 8, 1)
    return total == binder.shape(name, b).extent


def written(kernel: Kernel) -> set[str]:
    """The memory that a kernel's own text changes."""
    found = {s.ref.object for s in walk(kernel.body) if isinstance(s, Store | Atomic)}
    return found | {s.dst.object for s in walk(kernel.body) if isinstance(s, AsyncCopy)}


def ranges_of_inputs(graph: Graph, inputs: Sequence[InputAssumption]) -> dict[str, Range]:
    """Of integer inputs: what is stated, and where one bound is not, the type's own."""
    out: dict[str, Range] = {}
    for a in inputs:
        t = graph.inputs.get(a.tensor)
        if t is None or BY_LABEL[t.type].is_float or (a.min is None and a.max is None):
            continue
        least, most = BY_LABEL[t.type].limits()
        out[a.tensor] = (least if a.min is None else max(a.min, least)), (most if a.max is None else min(a.max, most))
    return {name: r for name, r in out.items() if r[0] <= r[1]}


def gathers(graph: Graph) -> Iterator[tuple[str, str]]:
    """Units of inputs whose values are indices, with the greatest such index."""
    for u in graph.system.units.values():
        for t in below(u.value):
            s = graph.supposed.get(t.id)
            source = origin(graph, t)
            if s is not None and s.high is not None and not BY_LABEL[s.label].is_float and source is not None:
                yield source, s.high.text()


# ------------------------------------------------------------------------------------------------ the graph's side
def count_from_front(graph: Graph, inputs: Sequence[InputAssumption]) -> None:
    """Leaves out of the graph what is done with negative indices, where an index is stated to be none."""
    stated = ranges_of_inputs(graph, inputs)
    units = {t.unit for t in graph.inputs.values()}
    known: dict[str, Range] = {}
    for unit in units:  # of a family of tensors, where it is stated of each
        members = [stated.get(t.name) for t in graph.inputs.values() if t.unit == unit]
        ranges = [m for m in members if m is not None]
        if len(ranges) == len(members):
            known[unit] = min(low for low, _ in ranges), max(high for _, high in ranges)
    if known or graph.system.extremes:
        front = Front(graph, known)
        for u in graph.system.units.values():
            u.value = front.rewritten(u.value)


class Front:
    """known: unit of an input -> between which integers its elements lie."""

    def __init__(self, graph: Graph, known: Mapping[str, Range]) -> None:
        self.graph, self.system, self.known = graph, graph.system, known
        self.done: dict[int, Term] = {}

    def rewritten(self, root: Term) -> Term:
        todo = [root]
        while todo:
            t = todo[-1]
            inner = [a for a in t.args if a.id not in self.done]
            if t.id in self.done or not inner:
                todo.pop()
                self.done.setdefault(t.id, self._rewritten(t))
            else:
                todo += inner
        return self.done[root.id]

    def _rewritten(self, t: Term) -> Term:
        args = tuple(self.done[a.id] for a in t.args)
        if args == t.args:
            return self.counted(t)
        new = self.system.terms.make(
            t.kind,
            name=t.name,
            args=args,
            map=t.map,
            sets=t.sets,
            bits=t.bits,
            width=t.width,
            attr=t.attr,
            scope=t.scope,
        )
        if t.id in self.system.conditions:
            self.system.conditions[new.id] = self.system.conditions[t.id]
        if t.id in self.graph.supposed:
            self.graph.supposed[new.id] = self.graph.supposed[t.id]
        return self.counted(new)

    def counted(self, t: Term) -> Term:
        """`w < 0 ? w + extent : w` of a w that is not negative."""
        if t.kind != "op" or t.name != "select" or t.args[0].kind != "op" or t.args[0].name != "slt.i64":
            return t
        w, zero = t.args[0].args
        found = self.between(w, 64)
        return w if t.args[2] is w and zero.kind == "const" and zero.bits == 0 and found and found[0] >= 0 else t

    def between(self, t: Term, bits: int) -> Range | None:
        """The signed integers of so many bits that a term may be; None where nothing is known."""
        match t.kind:
            case "const":
                found: Range | None = (signed(t.bits, bits),) * 2
            case "input":
                found = self.known.get(t.name)
            case "ref":
                found = self.between(self.system.units[t.name].value, bits)
            case "case":
                found = joined([self.between(a, bits) for a in t.args])
            case "op" if op_head(t) == "cvt" and all(label[0] in "su" for label in t.name.split(".")[1:3]):
                source = t.name.split(".")[2]
                found = self.between(t.args[0], int(source[1:]))
                if source[0] == "u" and (found is None or found[0] < 0):
                    found = 0, (1 << int(source[1:])) - 1
            case "reduce" if t.id in self.system.extremes:
                found = 0, (1 << (bits - 1)) - 1  # the place of an extreme
            case _:
                found = None
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        return found if found is not None and low <= found[0] and found[1] <= high else None


def signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def joined(parts: Sequence[Range | None]) -> Range | None:
    known = [p for p in parts if p is not None]
    return (min(p[0] for p in known), max(p[1] for p in known)) if len(known) == len(parts) else None
