"""A tensor while the graph is being read: its type, its shape and where its elements come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tv.diagnostic import BadInput
from tv.graph_frontend.elements import Element
from tv.graph_frontend.shapes import Shape
from tv.graph_frontend.static import Pieces, at, boolean, constant_pieces
from tv.sets import Affine


@dataclass(frozen=True, slots=True)
class InUnit:
    """Elements are the unit's. layer: None, the unit has no layer dimension; an Affine, this layer of it."""

    unit: str
    layer: Affine | None = None


@dataclass(frozen=True, slots=True)
class SameLayer:
    """Inside a rolled layer: the unit at the layer that is being denoted."""

    unit: str


@dataclass(frozen=True, slots=True)
class PreviousLayer:
    """Inside a rolled layer: the unit at the layer before; in layer 0, `first`."""

    unit: str
    first: Tensor


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every element has these bits."""

    bits: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """Elements are integers known by their index (`Tensor.ints`); nothing is stored."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An initializer that becomes a free unit only if an element of it is read as data."""

    name: str


Source = Stored | InUnit | SameLayer | PreviousLayer | Uniform | Indexed


@dataclass(frozen=True, slots=True)
class Tensor:
    """name: for people. lazy_ints: of integers and booleans, their values as index sets, or None where they are data.

    regions: of a unit of floats that is constant by pieces, its bits.
    """

    name: str
    element: Element
    shape: Shape
    source: Source
    lazy_ints: Callable[[], Pieces | None] | None = field(default=None, compare=False)
    regions: Pieces | None = field(default=None, compare=False)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def bits(self) -> Pieces | None:
        """The contents by pieces, each of one constant: bits of floats, and integers; None where they are not known so."""
        if isinstance(self.source, Uniform):
            return constant_pieces(self.source.bits)
        pieces = self.regions if self.element.is_float else self.ints if isinstance(self.source, Indexed) else None
        return pieces if pieces is not None and all(v.constant is not None for _, v in pieces) else None

    @property
    def ints(self) -> Pieces | None:
        pieces = self.lazy_ints() if self.lazy_ints is not None else None
        return boolean(pieces) if pieces is not None and self.element.kind == "bool" else pieces

    def elements(self, use: str) -> tuple[Affine, ...]:
        """The values of a tensor of rank 0 or 1 that must be known (a shape, axes): affine over symbols. BadInput otherwise."""
        pieces = self.ints
        if pieces is None:
            raise BadInput(
                "TV0304",
                f"{use}: the values of `{self.name}` are not known",
                help="let it be a constant of the model that is stored inline: no input, and no external data",
            )
        count = self.shape[0].constant if self.rank == 1 else 1 if self.rank == 0 else None
        if count is None or count > 4096:
            raise BadInput("TV0304", f"{use}: `{self.name}` is not a short list")
        out = []
        for k in range(count):
            here = at(pieces, [Affine.of(k)] * self.rank)
            if len(here) != 1:
                raise BadInput("TV0304", f"{use}: element {k} of `{self.name}` depends on the open sizes by cases")
            out.append(here[0][1])
        return tuple(out)

    def scalar(self, use: str) -> Affine:
        """As `elements`, of a tensor that must have one."""
        values = self.elements(use)
        if len(values) != 1:
            raise BadInput("TV0302", f"{use}: `{self.name}` has {len(values)} elements, not one")
        return values[0]

    def integers(self, use: str) -> tuple[int, ...]:
        """As `elements`, all of them numbers."""
        out = []
        for e in self.elements(use):
            if e.constant is None:
                raise BadInput("TV0304", f"{use}: `{self.name}` depends on the open size {e.text()}")
            out.append(e.constant)
        return tuple(out)
