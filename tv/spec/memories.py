"""Which memory the parameters of several launches mean: one name for each buffer of a sequence.

Scratch is shared by the name that the specification gives it. Buffers that hold one tensor are one memory where any of them
changes it; of a tensor that nothing changes each launch may have a copy of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tv.diagnostic import BadInput
from tv.kernel import Kernel, MemoryObject
from tv.launch import BufferBinding, Launch, TensorImage
from tv.source import Span

Place = tuple[int, str]  # launch, parameter


_ONE_TYPE = "let the parameters of all launches point to one type, or name two memories"


@dataclass(slots=True)
class Memory:
    """One buffer: the parameters that mean it, and what it is bound to over the whole sequence."""

    places: list[Place]
    binding: BufferBinding
    object: MemoryObject
    span: Span

    def same(self, b: BufferBinding) -> bool:
        """Does a buffer bound so have to be this one?"""
        mine = self.binding
        if b.null or mine.null:
            return False
        if b.name or mine.name:
            return b.name == mine.name
        if not (b.outputs or mine.outputs):
            return bool(b.inputs) and (b.inputs, b.extent, b.align) == (mine.inputs, mine.extent, mine.align)
        return bool(_tensors(b) & _tensors(mine))


def memories(launches: tuple[Launch, ...], kernels: tuple[Kernel, ...]) -> list[Memory]:
    """Every buffer of the launches, once. Raises BadInput (TV0243) where two of them contradict each other."""
    out: list[Memory] = []
    for n, (launch, kernel) in enumerate(zip(launches, kernels, strict=True)):
        for p in kernel.parameters:
            b = launch.args.get(p.name)
            if not isinstance(b, BufferBinding):
                continue
            new = Memory([(n, p.name)], b, kernel.objects[p.name], p.span)
            for m in [m for m in out if m.same(b)]:
                read_only = not (b.outputs or m.binding.outputs or b.name)
                if read_only and {k for k, _ in m.places} & {k for k, _ in new.places}:
                    continue  # two parameters of a launch that read one tensor
                new = _joined(m, new)
                out.remove(m)
            out.append(new)
    return sorted(out, key=lambda m: m.places)


def require_one_place(launch: Launch, kernel: Kernel) -> None:
    """Raises BadInput (TV0243) where two parameters of a launch name one scratch memory."""
    found: dict[str, str] = {}
    for p in kernel.parameters:
        b = launch.args.get(p.name)
        if isinstance(b, BufferBinding) and b.name:
            if b.name in found:
                text = f"`{p.name}` and `{found[b.name]}` are one memory in one launch"
                raise BadInput("TV0243", text, p.span, "give each parameter scratch of its own")
            found[b.name] = p.name


def _tensors(b: BufferBinding) -> set[str]:
    return {i.tensor for i in (*b.inputs, *b.outputs)}


def _joined(a: Memory, b: Memory) -> Memory:
    """Both as one; a's launches come first."""
    _, name = b.places[-1]
    here = b.span
    if {n for n, _ in a.places} & {n for n, _ in b.places}:
        text = f"`{name}` and `{a.places[-1][1]}` are one memory in one launch"
        raise BadInput("TV0243", text, here, "bind it to one parameter, in place: { input = ..., output = ... }")
    if a.object.element.bytes != b.object.element.bytes:
        raise BadInput("TV0243", f"`{name}` has elements of another size than in an earlier launch", here, _ONE_TYPE)
    if b.binding.zeroed:
        text = f"`{name}` is said to be zeroed before a later launch than its first"
        raise BadInput(
            "TV0243", text, here, "`zeroed` is what the caller does before all launches: say it in the first"
        )
    x, y = a.binding, b.binding
    if x.extent != y.extent:
        raise BadInput("TV0243", f"`{name}` is of two sizes", here, "give it the same `extent` in each launch")
    inputs, outputs = _images(x.inputs, y.inputs, name, here), _images(x.outputs, y.outputs, name, here)
    _images(inputs, outputs, name, here)
    if inputs and x.zeroed:
        text = f"`{name}` holds `{inputs[0].tensor}`, and an earlier launch says `zeroed`"
        raise BadInput("TV0243", text, here, "leave `zeroed` out: the launches start from the tensor")
    mine, theirs = {i.tensor for i in x.inputs}, {i.tensor for i in y.inputs}
    if not (mine <= theirs or theirs <= mine):  # only what one launch holds is known to lie apart
        text = f"`{name}` holds {_listed(theirs - mine)} here, and {_listed(mine - theirs)} in an earlier launch"
        raise BadInput("TV0243", text, here, "one launch names all inputs that the memory holds at the start: `parts`")
    align = min(x.align, y.align)
    joined = replace(x, inputs=inputs, outputs=outputs, align=align)
    return Memory([*a.places, *b.places], joined, a.object, a.span)


def _listed(names: set[str]) -> str:
    return " and ".join(f"`{n}`" for n in sorted(names))


def _images(a: Iterable[TensorImage], b: Iterable[TensorImage], name: str, span: Span) -> tuple[TensorImage, ...]:
    found: dict[str, TensorImage] = {}
    for i in (*a, *b):
        if found.setdefault(i.tensor, i) != i:
            raise BadInput("TV0243", f"`{i.tensor}` lies in `{name}` in two ways", span, "one layout for all launches")
    return tuple(found.values())
