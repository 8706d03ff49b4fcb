"""The memory of a schedule: what stays in registers and shared memory, and what crosses phases in workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from megac.dtype import DType
from megac.ir import Program
from megac.memory.blocks import local
from megac.memory.names import Names
from megac.memory.packing import Buffers, dimensions, name_constants, pack_caches, pack_leaves, pack_outputs
from megac.memory.records import Life, Memory, Parameter, Place, Slot
from megac.memory.slots import slots
from megac.memory.uses import Made, made_by
from megac.schedule.records import Schedule
from megac.size import Size

FIXED = frozenset({"LAYERS", "THREADS", "WARPS", "FULL", "decode", "grid_barrier"})
ORDER = {"weights": 0, "input": 1, "cache": 2, "workspace": 3, "output": 4, "scalar": 5}


def memory(p: Program, s: Schedule, limits: Mapping[str, int]) -> Memory:
    """limits: the greatest value of each open dimension. Raises CompileError where one must be fixed."""
    b = Buffers(limits, Names(FIXED))
    pack_leaves(p, s, b)
    pack_caches(s.caches, b)
    pack_outputs(p, s, b)
    constants = name_constants(p, s, b)
    made = made_by(s)
    own = local(made, b)
    for c in s.caches:
        b.places[c.first.rows] = b.places[c.first.output]
    crossing = [m for m in made if m.stage.name not in b.places and _crosses(m, s, own.places, own.registers)]
    work = _workspace(crossing, s, b)
    dims = dimensions(p, b)
    arrivals = _arrivals(b) if s.waits else ""
    parameters = tuple(sorted(b.parameters, key=lambda x: ORDER[x.kind]))
    return Memory(
        parameters, b.places, b.outside, own.places, own.registers, work, own.slots, tuple(b.offsets), constants, dims,
        arrivals,
    )  # fmt: skip


def _crosses(
    m: Made, s: Schedule, places: Mapping[tuple[int, str], Place], registers: frozenset[tuple[int, str]]
) -> bool:
    """Does it need memory of the whole grid?"""
    handed_on = m.stage.name in s.carried or m.stage.name in s.carried.values()
    return handed_on or m.crosses or (m.key not in places and m.key not in registers)


def _workspace(made: Sequence[Made], s: Schedule, b: Buffers) -> tuple[Slot, ...]:
    """Tensors whose lives in phases do not meet share memory."""
    by_name = {m.stage.name: m for m in made}
    out = slots([_life(m, by_name, s, b) for m in made if m.stage.name not in s.carried], "work")
    for slot in out:
        b.parameters.append(Parameter(slot.name, "workspace", slot.dtype, slot.elements, written=True))
        for life in slot.lives:
            shape = tuple(Size(n) for n in b.capacity(by_name[life.tensor].stage.shape))
            b.places[life.tensor] = Place(slot.name, slot.dtype, shape, tuple(range(len(shape))))
    for produced, initial in s.carried.items():
        b.places[produced] = b.places[initial]
    return out


def _arrivals(b: Buffers) -> str:
    """The counter of the grid's barriers."""
    name = b.names.fresh("arrivals")
    b.parameters.append(Parameter(name, "workspace", DType.U32, 1, written=True, zeroed=True))
    return name


def _life(m: Made, by_name: Mapping[str, Made], s: Schedule, b: Buffers) -> Life:
    """What crosses the layers' loop lives in all of it; what the layers carry is one tensor."""
    first, end = len(s.before), len(s.before) + len(s.layer)
    name = m.stage.name
    uses = [m.phase, *(k for k, _, _ in m.readers)]
    for produced, initial in s.carried.items():
        if initial == name:
            uses += [end - 1, *(k for k, _, _ in by_name[produced].readers)]
    last = max(uses)
    if m.phase < first <= last:
        last = max(last, end - 1)
    return Life(name, m.stage.dtype, prod(b.capacity(m.stage.shape)), m.phase, last)
