"""A schedule: phases between grid barriers, and in each the loop nests that compute its stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from megac.ir import Append, Load, Stage


@dataclass(frozen=True, slots=True)
class Dot:
    """A contraction whose sum a warp takes: the element of `stage` where the target of the nest has `load`."""

    stage: Stage
    load: Load | None  # None: the target is the contraction itself


@dataclass(frozen=True, slots=True)
class Rows:
    """A warp takes an element of `target`: its lanes share the sums of the dots, its first lane does the rest."""

    target: Stage
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """A thread takes an element of each of these stages, which have the same axes and read each other there only."""

    made: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Owned:
    """A block takes an index along the first `prefix` axes, which all share; they read each other there only.

    coarse: stages of which one index along the one axis stands for so many of the nest's: each block computes it for
    itself, and the first of them writes it.
    """

    made: tuple[Stage, ...]
    prefix: int
    coarse: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replicated:
    """Each block computes all of the stage for itself."""

    stage: Stage


Nest = Rows | Elements | Owned | Replicated


def stages_of(nest: Nest) -> tuple[Stage, ...]:
    """The stages that a nest computes, in their order."""
    match nest:
        case Rows(target, dots):
            return (*dict.fromkeys(d.stage for d in dots if d.load is not None), target)
        case Elements(made) | Owned(made):
            return made
        case Replicated(stage):
            return (stage,)


@dataclass(frozen=True, slots=True)
class Phase:
    """What lies between two grid barriers. Replicated nests come first; the others do not read each other."""

    nests: tuple[Nest, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        return tuple(s for n in self.nests for s in stages_of(n))


@dataclass(frozen=True, slots=True)
class Cache:
    """Appends of one place in the layers: a cache for each layer; the names of the first one stand for all."""

    appends: tuple[Append, ...]

    @property
    def first(self) -> Append:
        return self.appends[0]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Phases before, in and after the layers. Names are those of the first layer, also where the last one is read.

    carried: for the stage that makes a tensor that the next layer reads, the name that it has there.
    per_layer: for a weight of the first layer, or a stage of it that is an output, its names in all layers.
    outputs: for each output of the graph (its first layer's), the tensor that holds it.
    """

    before: tuple[Phase, ...]
    layer: tuple[Phase, ...]
    after: tuple[Phase, ...]
    layers: int
    carried: dict[str, str]
    per_layer: dict[str, tuple[str, ...]]
    outputs: dict[str, tuple[str, ...]]
    caches: tuple[Cache, ...]

    @property
    def phases(self) -> tuple[Phase, ...]:
        return (*self.before, *self.layer, *self.after)

    @property
    def waits(self) -> bool:
        """Has a launch barriers?"""
        return bool(self.layer) or len(self.phases) > 1

    def placed(self) -> Iterator[tuple[int, Phase, Nest, Stage]]:
        """Each stage with the number of its phase, in order."""
        for k, phase in enumerate(self.phases):
            for nest in phase.nests:
                for s in stages_of(nest):
                    yield k, phase, nest, s
