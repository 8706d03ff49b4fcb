"""A buffer that holds many tensors, each at a place and in a layout of its own, and the proof that none lies on another."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tv.diagnostic import BadInput, Unknown
from tv.kernel import Scalar
from tv.launch import BufferBinding, TensorImage
from tv.source import Span
from tv.spec import arguments as arg
from tv.spec.expression import parse, simplified
from tv.spec.fit import extent_text, require_extent
from tv.spec.polynomial import Polynomial, number, polynomial

if TYPE_CHECKING:
    from tv.spec.bind import Binder

Stretch = tuple[Polynomial, Polynomial, str, Span]  # from, to (excluded), what lies there


def packed(binder: Binder, name: str, pointee: Scalar, readonly: bool, a: arg.Packed) -> BufferBinding:
    """Raises BadInput (TV0222 .. TV0226); Unknown (TV0229) where it cannot be decided whether two tensors overlap."""
    before: list[TensorImage] = []
    after: list[TensorImage] = []
    held: list[Stretch] = []
    left: list[Stretch] = []
    needed: list[Polynomial] = []
    for part in a.parts:
        for k in range(max(len(part.tensors), len(part.inputs), len(part.outputs))):
            start = polynomial(parse(part.offset, part.span)) + number(k) * polynomial(parse(part.stride, part.span))
            own = arg.Buffer(
                part.tensors[k : k + 1], part.span, _at(part.inputs, k), _at(part.outputs, k), part.layout,
                simplified(start.expression()), a.extent, a.align,
            )  # fmt: skip
            inputs, outputs = binder.images(name, pointee, readonly, own)
            for found, images, stretches in ((inputs, before, held), (outputs, after, left)):
                for h in found:
                    if h.end is None:
                        what = f"the size of `{h.image.tensor}` is not known"
                        raise BadInput("TV0228", what, part.span, "write a layout")
                    images.append(h.image)
                    needed.append(h.end)
                    stretches.append((start, h.end, h.image.tensor, part.span))
    ranges = binder.symbols.ranges()
    for stretches in (held, left):
        _require_apart(stretches, ranges)
    outputs_twice = [i.tensor for i in after]
    if len(set(outputs_twice)) < len(outputs_twice):
        raise BadInput("TV0226", f"an output stands twice in `{name}`", a.span, "name it once")
    if a.extent is not None:
        for n in needed:
            require_extent(a.extent, n, ranges, a.span, f"`{name}`")
    extent = a.extent if a.extent is not None else extent_text(needed, ranges)
    return BufferBinding(tuple(before), tuple(after), extent, a.align)


def _at(names: tuple[str, ...], k: int) -> str | None:
    return names[k] if names else None


def _require_apart(stretches: list[Stretch], ranges: dict[str, tuple[int, int]]) -> None:
    """No two share an element, for all values of the symbols: each ends before the next begins, and they begin in one order."""
    least = {s: low for s, (low, _) in ranges.items()}
    ordered = sorted(stretches, key=lambda s: (s[0].at(least), s[1].at(least)))
    for (first, end, one, _), (start, _, other, span) in pairwise(ordered):
        gap, inside = (start - end).range(ranges), (start - first).range(ranges)
        apart = all(r is not None and r[0] >= 0 for r in (gap, inside))  # an empty tensor may end before it begins
        if not apart:
            if gap is not None and gap[1] < 0 and inside is not None and inside[0] >= 0:
                raise BadInput(
                    "TV0226", f"`{other}` begins where `{one}` still lies", span, "move it behind the other's end"
                )
            what = f"it cannot be decided whether `{one}` and `{other}` share elements of the buffer"
            raise Unknown("TV0229", what, span, "put one behind the other's end")
