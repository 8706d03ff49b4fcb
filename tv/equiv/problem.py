"""What is to be related: a kernel's system and a graph's system, and where their memories meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tv.defined import Definedness
from tv.equiv.asked import Asked
from tv.graph import Supposed
from tv.masking import Alternative, Bound
from tv.sets import Map, Sets
from tv.source import NOWHERE, Span
from tv.system import System
from tv.term import Term, Terms


@dataclass(frozen=True, slots=True)
class Image:
    """Where a graph input lives: kernel object, and the map from the tensor's indices to its cells."""

    object: str
    cells: Map


@dataclass(frozen=True, slots=True)
class Output:
    """reader: the kernel unit that reads the final content of `tensor`'s buffer; relation: reader instance -> element of unit."""

    name: str
    reader: str
    unit: str
    relation: Map


@dataclass(slots=True)
class Problem:
    """private: kernel units whose object is thread-private (registers, local arrays): contraction crosses them."""

    sets: Sets
    terms: Terms
    kernel: System
    graph: System
    images: dict[str, tuple[Image, ...]]
    outputs: list[Output]
    private: frozenset[str] = frozenset()
    threads: frozenset[str] = frozenset()  # the dimensions of blocks and threads
    memory: frozenset[str] = frozenset()  # loads and stores that are not volatile, and lane exchanges
    time_arity: int = 0
    pinned: bool = False  # the graph's sums are in the order that is asked for: none is searched for up to order
    assumptions: set[str] = field(default_factory=set)
    asked: Asked = field(default_factory=Asked)  # the lemmas put to solvers
    origins: dict[int, int] = field(default_factory=dict)  # of kernel operations, by term id: which evaluation they are
    spans: dict[int, Span] = field(default_factory=dict)  # of kernel operations, by term id
    defined: Definedness | None = None
    alternatives: Mapping[int, Alternative] = field(
        default_factory=dict
    )  # of values of the graph's tensors, by term id
    finite: frozenset[str] = frozenset()  # units of the graph's inputs that the launch states to be finite
    supposed: Mapping[int, Supposed] = field(default_factory=dict)  # graph term -> what the graph's meaning rests on
    bounds: Mapping[int, Bound] = field(default_factory=dict)  # place of an extreme -> beyond which no element lies

    def definedness(self) -> Definedness:
        """Of the kernel's values; made once, when they are all there."""
        if self.defined is None:
            self.defined = Definedness(self.sets, self.kernel.units)
        return self.defined

    def called(self, unit: str) -> str:
        """A statement or a tensor in the words of the files."""
        tensor = self.graph.units.get(unit)
        if tensor is not None:
            return f"`{tensor.tensor or unit}`"
        span = self.kernel.units[unit].span if unit in self.kernel.units else NOWHERE
        return f"the value of line {span.line}" if span.line else "a value"

    def views(self, side: str) -> System:
        return self.kernel if side == "k" else self.graph


OTHER = "other operations"  # why a pair does not match where the two sides themselves say it best


class Mismatch(Exception):
    """A pair of terms that does not match on `rest` (kernel instance -> graph instance). depth: operations matched before."""

    def __init__(
        self,
        kind: str,
        why: str,
        rest: Map | None,
        kernel: Term | None = None,
        graph: Term | None = None,
        unit: str = "",
    ) -> None:
        super().__init__(why)
        self.kind, self.why, self.rest, self.kernel, self.graph, self.unit = kind, why, rest, kernel, graph, unit
        self.depth = 0
        self.site: Term | None = None  # the nearest kernel operation around the place
        self.tensor = ""


def is_view(t: Term) -> bool:
    """A value that only refers: index maps compose through it."""
    return t.kind in ("ref", "input") or (
        t.kind == "case" and all(is_view(a) or a.kind in ("const", "undefined") for a in t.args)
    )


def uninitialised(t: Term) -> str:
    """What an undefined value is of, in words."""
    return f"uninitialised `{t.name.removesuffix('.undefined')}`"
