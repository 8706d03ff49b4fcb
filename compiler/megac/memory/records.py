"""A memory plan: what each tensor's cells are, which parameters the kernel has, and what lies in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from megac.dtype import DType
from megac.ir import Constant
from megac.size import Size


@dataclass(frozen=True, slots=True)
class Place:
    """The element at `index` is cell row_major(index[order], shape) of `base`, which is a pointer's or an array's name.

    shape: capacities, in the order of the cells; order: which dimension of the tensor comes first, second, ...
    offset: the name of a number of elements before it, in every layer the same. A scalar is `base` itself;
    called: `base` is a function of the cell's number.
    """

    base: str
    dtype: DType
    shape: tuple[Size, ...]
    order: tuple[int, ...]
    offset: str = ""
    scalar: bool = False
    called: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Tensors of all layers in one buffer: the k-th at offset + k * stride elements, its dimensions in this order.

    after: for a cache updated in place, the names of what lies there after the launch.
    """

    label: str
    tensors: tuple[str, ...]
    dtype: DType
    shape: tuple[Size, ...]
    capacity: tuple[int, ...]
    order: tuple[int, ...]
    offset: int
    stride: int
    after: tuple[str, ...] = ()

    @property
    def elements(self) -> int:
        n = 1
        for e in self.capacity:
            n *= e
        return n


Kind = Literal["weights", "input", "cache", "output", "workspace", "scalar"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the kernel. extent: elements. layered: is it one stretch of `stride` elements per layer?

    element: of a scalar, the tensor's element that it is; symbol: the open number that it is, a dimension or what every
    element of the input `stated` is, at most `most`. zeroed: is it cleared before each launch?
    """

    name: str
    kind: Kind
    dtype: DType
    extent: int
    parts: tuple[Part, ...] = ()
    layered: bool = False
    stride: int = 0
    element: str = ""
    symbol: str = ""
    stated: str = ""
    most: int = 0
    written: bool = False
    zeroed: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """A tensor in workspace or shared memory: from when it is written to when it is last read, phases or stages."""

    tensor: str
    dtype: DType
    elements: int
    first: int
    last: int

    def meets(self, other: Life) -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Slot:
    """Memory that several tensors have one after another."""

    name: str
    dtype: DType
    lives: tuple[Life, ...]

    @property
    def elements(self) -> int:
        return max(x.elements for x in self.lives)


@dataclass(frozen=True, slots=True)
class Memory:
    """places: of tensors in global memory and of scalars, by the first layer's names; outside: of what layers have of
    their own, where it is read outside of their loop. local: of tensors that a block has for itself in a phase, by
    the number of the phase; registers: tensors that are no more than a variable there. offsets: names of numbers.
    constants: tensors in the file itself, with their names there. dims: the parameter for each open dimension. arrivals: the
    parameter that counts who arrived at barriers of the grid, where there are any."""

    parameters: tuple[Parameter, ...]
    places: dict[str, Place]
    outside: dict[str, Place]
    local: dict[tuple[int, str], Place]
    registers: frozenset[tuple[int, str]]
    workspace: tuple[Slot, ...]
    shared: tuple[Slot, ...]
    offsets: tuple[tuple[str, int], ...]
    constants: tuple[tuple[str, Constant], ...]
    dims: Mapping[str, str]
    arrivals: str = ""
