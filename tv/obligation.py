"""Obligations: the questions a check asks, each with an id, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tv.source import NOWHERE, Span

KINDS = ("bounds", "init", "race", "barrier", "coverage", "determinism", "equal", "range")


class Status(Enum):
    """Order is precedence: of several findings the verdict is the first."""

    REFUTED = "refuted"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"
    PROVED = "proved"


class Relation(Enum):
    """Strongest first; see docs/semantics.md."""

    BITWISE = "bitwise"
    REASSOC = "reassoc"
    REAL = "real"

    @property
    def rank(self) -> int:
        return ("bitwise", "reassoc", "real").index(self.value)


def weaker(a: Relation, b: Relation) -> Relation:
    """The weaker of two relations."""
    return a if a.rank >= b.rank else b


@dataclass(frozen=True, slots=True)
class Witness:
    """A point at which an obligation fails, as sets see it: values of symbols, two instances, a cell. Not yet executed."""

    symbols: dict[str, int] = field(default_factory=dict)
    threads: tuple[tuple[tuple[int, int, int], tuple[int, int, int]], ...] = ()  # (block, thread) of each
    object: str = ""
    cell: tuple[int, ...] = ()  # byte offset for memory, index for a tensor
    tensor: str = ""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Obligation:
    id: str
    kind: str
    status: Status
    span: Span = NOWHERE
    message: str = ""
    help: str = ""
    relation: Relation | None = None
    node: str = ""
    tensor: str = ""
    time_s: float = 0.0
    witness: Witness | None = None
    executable: bool = True  # could a run show that it fails?
    sides: tuple[str, str] = (
        "",
        "",
    )  # where kernel and graph part: what each of them has there, "" where no term shows it
