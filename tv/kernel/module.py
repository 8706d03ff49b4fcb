"""Kernels with their parameters and objects, and what else a file holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.kernel.memory import MemoryObject
from tv.kernel.statements import Stmt
from tv.kernel.types import Scalar
from tv.source import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """A kernel parameter. A pointer has `pointee` (its object has the parameter's name), a scalar has `type`.

    readonly: declared `const T*`; restrict: `__restrict__`. `const T* __restrict__` loads are emitted with access="readonly".
    A struct by value is one parameter a leaf, `p.ld`: offset, of the leaf in its argument; whole, the argument's size; in bytes.
    A table of pointers is one parameter, and all that its pointers point to one object: entries, how many stand in the
    argument itself, 0 where the argument is the address of the table; None for a pointer.
    """

    name: str
    type: Scalar | None
    pointee: Scalar | None = None
    readonly: bool = False
    restrict: bool = False
    span: Span = NOWHERE
    offset: int = 0
    whole: int = 8
    entries: int | None = None

    @property
    def argument(self) -> str:
        """The parameter as the source has it: of the leaf `p.ld` the struct `p`."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Kernel:
    name: str
    parameters: tuple[Parameter, ...]
    objects: dict[str, MemoryObject]  # pointer parameters, shared, local arrays, module globals that it uses
    body: tuple[Stmt, ...]
    max_threads: int | None = None  # __launch_bounds__
    span: Span = NOWHERE
    globals: dict[str, tuple[int, ...]] = field(default_factory=dict)  # initial elements (bits) of module-scope objects


@dataclass(frozen=True, slots=True)
class HostLaunch:
    """`name<<<grid, block, shared>>>(args)` found in host code; None where an operand did not evaluate."""

    kernel: str
    grid: tuple[int, int, int] | None
    block: tuple[int, int, int] | None
    shared: int | None
    args: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Module:
    """A translation unit: its kernels, the launches seen in host code, and names of kernel templates."""

    kernels: dict[str, Kernel]
    launches: tuple[HostLaunch, ...] = ()
    templates: tuple[str, ...] = ()
