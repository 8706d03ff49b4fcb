"""Where each stage is made, and who reads it."""

from __future__ import annotations

from dataclasses import dataclass

from megac.ir import Stage
from megac.passes.stages import reads
from megac.schedule.records import Elements, Nest, Owned, Replicated, Rows, Schedule


@dataclass(frozen=True, slots=True)
class Made:
    """A stage, the number of its phase, its nest, its own number, and its readers: phase, nest's identity, number."""

    stage: Stage
    phase: int
    nest: Nest
    at: int
    readers: tuple[tuple[int, int, int], ...]

    @property
    def key(self) -> tuple[int, str]:
        return self.phase, self.stage.name

    @property
    def crosses(self) -> bool:
        """Is it read outside of where it is made?"""
        if isinstance(self.nest, Replicated):
            return any(k != self.phase for k, _, _ in self.readers)
        return any(k != self.phase or nest != id(self.nest) for k, nest, _ in self.readers)

    @property
    def inside(self) -> list[int]:
        """The numbers of the stages that read it where it is made."""
        shared = isinstance(self.nest, Replicated)
        return [at for k, nest, at in self.readers if k == self.phase and (shared or nest == id(self.nest))]

    @property
    def fused(self) -> bool:
        """Is it a sum that only the warp that takes it has?"""
        return isinstance(self.nest, Rows) and self.stage.name != self.nest.target.name


def made_by(s: Schedule) -> list[Made]:
    """All stages of a schedule."""
    where = [(k, nest, x) for k, _, nest, x in s.placed()]
    readers: dict[str, list[tuple[int, int, int]]] = {}
    for at, (k, nest, x) in enumerate(where):
        for name in {y.tensor for y in reads(x)}:
            readers.setdefault(name, []).append((k, id(nest), at))
    return [Made(x, k, nest, at, tuple(readers.get(x.name, ()))) for at, (k, nest, x) in enumerate(where)]


def taken_axes(nest: Nest, s: Stage) -> int:
    """How many leading axes the loop around a stage has taken: the others are those of what a block keeps of it."""
    match nest:
        case Owned(_, prefix):
            return prefix
        case Replicated():
            return 0
        case Elements() | Rows():
            return len(s.axes)
