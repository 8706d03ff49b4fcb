"""What execution of a symbolic thread leaves behind: accesses, publications, barriers and open questions, in program order."""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.kernel import Kernel, Scalar
from tv.sets import Affine, Formula
from tv.source import Span
from tv.symexec.instances import LaunchSpace
from tv.symexec.integers import RangeCheck
from tv.symexec.values import Node

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
    scope: str = ""  # of an atomic: block device system

    @property
    def stride(self) -> int:
        """Bytes from one element to the next."""
        return self.step or self.type.bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """A value that other lanes read: `dims`, `domain`, `time` as of an access. exchange: how the reader finds its lane."""

    name: str
    value: Node
    dims: tuple[str, ...]
    domain: Formula
    time: Time
    span: Span
    mask: int | None
    sources: tuple[tuple[Formula, tuple[Affine, ...]], ...]  # per piece of the reading instance: the instance read


@dataclass(frozen=True, slots=True)
class BarrierEvent:
    """scope: warp, block or grid. counter, target: of a grid barrier made of an atomic counter, the count it waits for."""

    scope: str
    dims: tuple[str, ...]
    domain: Formula
    time: Time
    span: Span
    counter: str = ""
    target: Affine | None = None


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
class Decision:
    """A value that has to be defined where it stands: a condition on data, an operand of an atomic operation."""

    value: Node
    span: Span
    what: str


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
    checks: list[DomainCheck] = field(default_factory=list)
    alignments: list[Alignment] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    registers: dict[str, Scalar] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)  # names of accesses and publications, program order
    waits: list[tuple[Span, str]] = field(default_factory=list)  # loops that poll memory: whether they end is open
    merged: dict[str, tuple[str, int]] = field(
        default_factory=dict
    )  # access -> the group it went into, and its place there
