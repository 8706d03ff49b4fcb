"""A counterexample about values, run again on a GPU: the bits of the element there, beside the graph's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tv.diagnostic import BadInput
from tv.gpu.run import GpuRunner
from tv.graph_frontend.elements import BY_LABEL
from tv.refute.differences import graph_values, outside
from tv.refute.layouts import Place
from tv.refute.patterns import Pattern
from tv.refute.setting import NARROW, Setting


@dataclass(frozen=True, slots=True)
class Shown:
    """differ: whether no permitted order of sums explains the GPU's bits. where: the GPU and the compiler."""

    differ: bool
    kernel_bits: int
    graph_bits: int
    where: str
    bits: int  # of an element

    def told(self, tensor: str, index: tuple[int, ...]) -> str:
        """Both contents and the bits that differ, a line each."""
        digits = max(1, self.bits // 4)
        rows = (
            ("kernel", self.kernel_bits),
            ("graph ", self.graph_bits),
            ("differ", self.kernel_bits ^ self.graph_bits),
        )
        lines = [f"element {list(index)} of `{tensor}` on {self.where}"]
        return "\n".join([*lines, *(f"  {word}  0x{bits:0{digits}x}" for word, bits in rows)])


def value_on_gpu(runner: GpuRunner, setting: Setting, pattern: Pattern, tensor: str, index: tuple[int, ...]) -> Shown:
    """Runs the whole launch on the contents of `pattern`. Raises BadInput (TV0737) where no buffer holds the tensor, and what a
    run raises."""
    held = [(n, p) for n, places in setting.places.items() for p in places if p.output and p.tensor == tensor]
    if not held:
        raise BadInput("TV0737", f"no buffer holds the output `{tensor}`")
    name, place = held[0]
    mine = element(runner.run(setting, pattern).buffers[name], place, index)
    at = np.array([int(np.ravel_multi_index(index, place.shape)) if place.shape else 0], np.int64)
    value, free_zero = graph_values(setting, pattern, place, at)
    label = setting.graph.outputs[tensor].type
    differ = bool(outside(np.array([mine], np.uint64), value, label, free_zero)[0])
    return Shown(differ, mine, int(value.encoded(label)[0]), runner.where, BY_LABEL[label].width)


def element(content: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], place: Place, index: tuple[int, ...]) -> int:
    """The bits of one element."""
    at = int(place.of([np.array([i], np.int64) for i in index])[0]) * place.width
    return int(content[at : at + place.width].view(NARROW[place.width])[0])
