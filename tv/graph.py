"""The graph as the prover sees it: a system of tensors, with repeated layers rolled into one tensor indexed by layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.sets import Affine
from tv.system import System


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A graph input, initializer or output: element type label (f32 f16 bf16 i64 bool ...), shape over symbols.

    unit: the unit that holds it. layer: its index in the unit's leading (layer) dimension where that unit is rolled, else None.
    """

    name: str
    type: str
    shape: tuple[Affine, ...]
    unit: str
    layer: int | None = None


@dataclass(slots=True)
class Graph:
    """system: the tensors. inputs: graph inputs and initializers that stay free (bindable), by name; outputs likewise.

    A rolled family (per-layer weights, caches) is one unit whose leading dimension is the layer; its members are the
    TensorInfos that name that unit, each with its layer. assumptions: readings that the verdict must print.
    """

    system: System
    inputs: dict[str, TensorInfo] = field(default_factory=dict)
    outputs: dict[str, TensorInfo] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    numbers_only: bool = False  # some operator is read as if it saw no NaN
    layers: int = 0  # length of the rolled stretch, 0 where nothing is rolled

    def family(self, unit: str) -> tuple[TensorInfo, ...]:
        """Members of a rolled input unit in layer order; of an output unit likewise."""
        members = [t for t in (*self.inputs.values(), *self.outputs.values()) if t.unit == unit and t.layer is not None]
        return tuple(sorted(members, key=lambda t: t.layer or 0))
