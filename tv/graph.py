"""The graph as the prover sees it: a system of tensors, with repeated layers rolled into one tensor indexed by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tv.sets import Affine
from tv.system import System
from tv.term import Term, op_head


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A graph input, initializer or output: element type label (f32 f16 bf16 i64 bool ...), shape over symbols.

    unit: the unit that holds it. layer: its index in the unit's leading (layer) dimension where that unit is rolled, else None.
    kept: its values are the model's: only a buffer that a kernel reads them from makes them arbitrary.
    """

    name: str
    type: str
    shape: tuple[Affine, ...]
    unit: str
    layer: int | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Supposed:
    """What a reading supposes of a value of element type `label`: a number, from `low` to `high` (None: no bound) once what
    follows its point is dropped."""

    label: str
    low: Affine | None = None
    high: Affine | None = None


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
    supposed: dict[int, Supposed] = field(default_factory=dict)  # term -> what the graph's meaning rests on
    layers: int = 0  # length of the rolled stretch, 0 where nothing is rolled
    contents: dict[str, tuple[int, ...]] = field(
        default_factory=dict
    )  # of short integer inputs that the model stores: bits

    def family(self, unit: str) -> tuple[TensorInfo, ...]:
        """Members of a rolled input unit in layer order; of an output unit likewise."""
        members = [t for t in (*self.inputs.values(), *self.outputs.values()) if t.unit == unit and t.layer is not None]
        return tuple(sorted(members, key=lambda t: t.layer or 0))


def origin(graph: Graph, t: Term) -> str | None:
    """The unit of the input whose elements a term's values are, through views and conversions of integers."""
    while t.kind == "ref" or (t.kind == "op" and op_head(t) == "cvt"):
        t = graph.system.units[t.name].value if t.kind == "ref" else t.args[0]
    return t.name if t.kind == "input" else None


def below(root: Term) -> Iterator[Term]:
    """A term and all that it is made of, within its tensor, each once."""
    todo, seen = [root], {root.id}
    while todo:
        t = todo.pop()
        yield t
        fresh = [a for a in t.args if a.id not in seen]
        seen |= {a.id for a in fresh}
        todo += fresh
