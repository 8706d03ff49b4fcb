"""What execution of a symbolic thread leaves behind: accesses, publications, barriers and open questions, in program order."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

from tv.kernel import Kernel, Scalar
from tv.sets import FALSE, Affine, Formula
from tv.sets.affine import times
from tv.source import Span
from tv.symexec.data_indices import Index
from tv.symexec.instances import LaunchSpace
from tv.symexec.integers import RangeCheck
from tv.symexec.values import Node
from tv.symexec.warps.lanes import Named

Time = tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """A load or store of `count` elements of `type` at byte `offset` of `object`, at every instance of dims where `domain` holds.

    values: what is stored, per element. register: the object is a scalar variable that lives across loop rounds. step: bytes
    from one element to the next where this stands for several scalar accesses, 0 for one access of `count` elements.
    """

    name: str
    write: bool
    object: str
    offset: Affine
    type: Scalar
    count: int
    mode: str
    dims: tuple[str, ...]
    domain: Formula
    time: Time
    span: Span
    values: tuple[Node, ...] = ()
    register: bool = False
    step: int = 0
    owner: tuple[
        Affine, ...
    ] = ()  # of a local object: loop rounds and number of the declaration that began its lifetime
    claims: tuple[tuple[str, bool], ...] = ()  # as of the reference
    restricted: tuple[str, ...] = ()  # likewise
    noncoherent: bool = False  # likewise
    scope: str = ""  # of an atomic: block device system
    fold: str = (
        ""  # of an atomic whose result is not used: the operation by which cells take in its value, in any order
    )
    data: tuple[Index, ...] = ()  # what the last of `dims` stand for: it is read at all values that this data may have

    @property
    def stride(self) -> int:
        """Bytes from one element to the next."""
        return self.step or self.type.bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """A value that other lanes read: `dims`, `domain`, `time` as of an access. named: the lanes that have to take part, but for
    those of threads that have `returned`."""

    name: str
    value: Node
    dims: tuple[str, ...]
    domain: Formula
    time: Time
    span: Span
    named: tuple[Named, ...]
    returned: Formula = FALSE


@dataclass(frozen=True, slots=True)
class BarrierEvent:
    """scope: warp, block or grid. counter, target: of a grid barrier made of an atomic counter, the count it waits for.

    named: of a warp's barrier, the lanes that have to reach it. threads: it waits for the first so many of a block, 0: for all.
    inside: `__restrict__` pointers in whose scopes it stands.
    """

    scope: str
    dims: tuple[str, ...]
    domain: Formula
    time: Time
    span: Span
    counter: str = ""
    target: Affine | None = None
    named: tuple[Named, ...] = ()
    threads: int = 0
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupEvent:
    """A commit of a group of asynchronous copies (pending None), or a wait that leaves at most `pending` later groups open."""

    pending: int | None
    dims: tuple[str, ...]
    domain: Formula
    time: Time
    span: Span


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """`check.must` has to hold on `domain`."""

    kind: str  # range | bounds | ...
    dims: tuple[str, ...]
    domain: Formula
    check: RangeCheck


@dataclass(frozen=True, slots=True)
class Alignment:
    """The address at byte `offset` of `object` has to be a multiple of `align` bytes on `domain`."""

    object: str
    offset: Affine
    align: int
    dims: tuple[str, ...]
    domain: Formula
    span: Span


@dataclass(frozen=True, slots=True)
class Containment:
    """Buffer `entry` of a table is there, and has `width` bytes at byte `offset`. sizes, held: as `tv.kernel.Inside` has them."""

    object: str
    entry: Affine
    offset: Affine
    width: int
    sizes: tuple[int, ...]
    held: int
    dims: tuple[str, ...]
    domain: Formula
    span: Span


@dataclass(frozen=True, slots=True)
class Decision:
    """A value that has to be defined where it stands: a condition on data, an operand of an atomic operation."""

    value: Node
    span: Span
    what: str


@dataclass(frozen=True, slots=True)
class FenceEvent:
    """scope: block device system."""

    scope: str
    dims: tuple[str, ...]
    domain: Formula
    time: Time
    span: Span


@dataclass(frozen=True, slots=True)
class Arrival:
    """A counter's increment whose result says who comes last: the atomic access `access` to `counter`.

    here: the block's coordinates inside its group, of `sizes`. group: its other coordinates. role: it is the last of its group.
    wraps: the value at which the counter starts again from 0, if it does. order: of the operation.
    """

    access: str
    counter: str
    here: tuple[Affine, ...]
    sizes: tuple[Affine, ...]
    group: tuple[Affine, ...]
    role: Formula
    wraps: Affine | None
    order: str
    span: Span

    @property
    def members(self) -> Affine:
        """Blocks of a group."""
        return reduce(times, self.sizes, Affine.of(1))


@dataclass(slots=True)
class Trace:
    """Everything that one run of the symbolic thread recorded."""

    kernel: Kernel
    space: LaunchSpace
    ranges: dict[str, tuple[int, int | None]]
    accesses: list[Access] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    barriers: list[BarrierEvent] = field(default_factory=list)
    groups: list[GroupEvent] = field(default_factory=list)
    fences: list[FenceEvent] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    forwarded: list[tuple[str, str, Span]] = field(
        default_factory=list
    )  # a load, and the store whose value it was given
    checks: list[DomainCheck] = field(default_factory=list)
    alignments: list[Alignment] = field(default_factory=list)
    containments: list[Containment] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    registers: dict[str, Scalar] = field(default_factory=dict)
    open_loops: set[str] = field(default_factory=set)  # ordinals of loops whose number of rounds a symbol decides
    perhaps: dict[str, Span] = field(default_factory=dict)  # objects, by a store to them that may not happen
    assumptions: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)  # names of accesses and publications, program order
    waits: list[tuple[Span, str]] = field(default_factory=list)  # loops that poll memory: whether they end is open
    merged: dict[str, tuple[str, int]] = field(
        default_factory=dict
    )  # access -> the group it went into, and its place there

    def object(self, event: str) -> str:
        """The object of an access, "" for any other event."""
        return next((a.object for a in reversed(self.accesses) if a.name == event), "")
