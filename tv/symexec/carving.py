"""Several arrays in one block of shared memory: `float* a = (float*)block; half* b = (half*)(block + 4096);`.

Accesses whose byte ranges surely do not meet cannot conflict, nor write what the others read. Where they fall into ranges that
are apart, each range becomes an object of its own, with cells of its own width. Accesses that may leave their range are in one
range with what they may meet, since ranges are bounds of all their instances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tv.kernel import MemoryObject, Space
from tv.sets import Affine, Dim, Ranges, Sym
from tv.sets.affine import Range
from tv.symexec.events import Access, Trace

MARK = "#"  # in a part's name, between the object's and its first byte
ALIGN = 256


def whole(name: str) -> str:
    """The object that a part was cut from; any other object itself."""
    return name.partition(MARK)[0]


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes [low, high) of an object, and the accesses there."""

    low: int
    high: int
    accesses: tuple[str, ...]


def carve(trace: Trace, shared: Affine, symbols: Ranges) -> None:
    """Cuts shared objects of the trace into parts, in place."""

    def range_of(a: Dim | Sym) -> Range:
        return symbols(a) if isinstance(a, Sym) else trace.ranges.get(a.name, (None, None))

    for name, obj in list(trace.kernel.objects.items()):
        size = _bytes(obj, shared)
        accesses = [a for a in trace.accesses if a.object == name]
        if obj.space is Space.SHARED and size is not None and worthwhile(obj, accesses):
            parts = _parts(accesses, size, range_of)
            if len(parts) > 1:
                _cut(trace, obj, parts, size)


def worthwhile(obj: MemoryObject, accesses: list[Access]) -> bool:
    """A block that the launch sizes holds what it is cast to; an array holds one thing, unless it is accessed in several types."""
    return obj.extents is None or len({a.type.bytes for a in accesses}) > 1


def _bytes(obj: MemoryObject, shared: Affine) -> int | None:
    if obj.extents is None:
        return shared.constant
    size = obj.element.bytes
    for n in obj.extents:
        size *= n
    return size if len(obj.extents) == 1 else None  # dimensions that are declared say more than parts


def _parts(accesses: list[Access], size: int, ranges: Ranges) -> list[Part]:
    """The accesses by disjoint byte ranges, ascending; one part where that cannot be told."""
    spans: list[Part] = []
    for a in accesses:
        low, high = a.offset.interval(ranges)
        if low is None or high is None or low < 0 or high + _length(a) > size:
            return []
        spans.append(Part(low, high + _length(a), (a.name,)))
    out: list[Part] = []
    for p in sorted(spans, key=lambda p: p.low):
        if out and p.low < out[-1].high:
            out[-1] = Part(out[-1].low, max(out[-1].high, p.high), out[-1].accesses + p.accesses)
        else:
            out.append(p)
    return out


def _length(a: Access) -> int:
    return (a.count - 1) * a.stride + a.type.bytes


def _cut(trace: Trace, obj: MemoryObject, parts: list[Part], size: int) -> None:
    """Every part begins at a multiple of any alignment, so that addresses are aligned in it as they were."""
    objects, owner = dict(trace.kernel.objects), {}
    for p, end in zip(parts, [*(q.low for q in parts[1:]), size], strict=True):
        base = p.low - p.low % ALIGN
        part = replace(obj, name=f"{obj.name}{MARK}{p.low}", extents=((end - base) // obj.element.bytes,))
        objects[part.name] = part
        owner.update(dict.fromkeys(p.accesses, (part.name, base)))
    first = f"{obj.name}{MARK}{parts[0].low}"
    trace.kernel = replace(trace.kernel, objects=objects)
    for i, a in enumerate(trace.accesses):
        if a.name in owner:
            name, base = owner[a.name]
            trace.accesses[i] = replace(a, object=name, offset=a.offset - base)
    for j, x in enumerate(trace.alignments):
        if x.object == obj.name:
            trace.alignments[j] = replace(x, object=first)
