"""What a block keeps for itself in a phase: scalars in registers, the rest in shared memory as far as that goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from megac.memory.packing import Buffers
from megac.memory.records import Life, Place, Slot
from megac.memory.slots import tight
from megac.memory.uses import Made, taken_axes
from megac.schedule.records import Replicated
from megac.size import Size

SHARED_BYTES = 28 * 1024  # of the 48 KB that a block has without asking; what is left is for partial results


@dataclass(frozen=True, slots=True)
class Local:
    """places: of tensors in shared memory, by phase and name; registers: tensors that are no more than a variable."""

    places: dict[tuple[int, str], Place]
    registers: frozenset[tuple[int, str]]
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    made: Made
    life: Life
    shape: tuple[Size, ...]


def local(made: Sequence[Made], b: Buffers) -> Local:
    """Lives are told by the stages' numbers. What is replicated stays to the end of its phase, and so does all where a
    phase has several nests: between two nests lies no barrier of the block."""
    registers = {m.key for m in made if m.fused or (m.inside and len(m.stage.axes) == taken_axes(m.nest, m.stage))}
    candidates = [_candidate(m, made, b) for m in made if m.inside and m.key not in registers]
    kept: list[_Candidate] = []
    for c in _stretched(candidates, made):
        fits = _bytes([*kept, c]) <= SHARED_BYTES
        if fits or isinstance(c.made.nest, Replicated):
            kept.append(c)
    by_name = {c.life.tensor: c for c in kept}
    found = tight([c.life for c in kept], "tile")
    places = {}
    for slot in found:
        for life in slot.lives:
            c = by_name[life.tensor]
            places[c.made.key] = Place(slot.name, slot.dtype, c.shape, tuple(range(len(c.shape))))
    return Local(places, frozenset(registers), found)


def _candidate(m: Made, made: Sequence[Made], b: Buffers) -> _Candidate:
    left = m.stage.axes[taken_axes(m.nest, m.stage) :]
    capacity = b.capacity([a.extent for a in left])
    last = _end(m, made) if isinstance(m.nest, Replicated) else max(m.inside)
    life = Life(f"{m.phase + 1}: {m.stage.name}", m.stage.dtype, prod(capacity), m.at, last)
    return _Candidate(m, life, tuple(Size(n) for n in capacity))


def _end(m: Made, made: Sequence[Made]) -> int:
    return max(x.at for x in made if x.phase == m.phase)


def _stretched(candidates: Sequence[_Candidate], made: Sequence[Made]) -> list[_Candidate]:
    nests: dict[int, set[int]] = {}
    for c in candidates:
        nests.setdefault(c.made.phase, set()).add(id(c.made.nest))
    return [
        c if len(nests[c.made.phase]) == 1 else replace(c, life=replace(c.life, last=_end(c.made, made)))
        for c in candidates
    ]


def _bytes(kept: Sequence[_Candidate]) -> int:
    return sum(x.elements * x.dtype.bytes for x in tight([c.life for c in kept], ""))
