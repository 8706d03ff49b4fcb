"""Stages into phases, greedily: a stage joins the phase unless it needs what other blocks make in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from megac import index as ix
from megac.index import Ranges
from megac.ir import Load, Stage, Weight
from megac.passes.stages import reads
from megac.schedule.kinds import cheap, contraction, is_short
from megac.schedule.records import Dot, Elements, Nest, Owned, Phase, Replicated, Rows
from megac.size import Size, product


@dataclass(frozen=True, slots=True)
class Facts:
    """What the program says of names. rows: the cache that a stage makes rows of. uses: how many stages read a tensor.
    kept: tensors that are wanted after their phase whoever reads them. overwrites: a stage's tensor takes the memory of
    another one, which may not be read in the same phase."""

    weights: Mapping[str, Weight]
    rows: Mapping[str, str]
    uses: Mapping[str, int]
    kept: frozenset[str]
    overwrites: Mapping[str, str]

    @property
    def caches(self) -> frozenset[str]:
        return frozenset(self.rows.values())


@dataclass(slots=True)
class _Group:
    """Stages of one nest while it grows. prefix: how many leading axes all share, and read each other along; coarse: as
    in Owned."""

    stages: list[Stage]
    prefix: int
    dots: tuple[Dot, ...] = ()
    coarse: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """The phase that is being filled."""

    groups: list[_Group] = field(default_factory=list)
    made: dict[str, Stage] = field(default_factory=dict)
    copied: set[str] = field(default_factory=set)  # replicated
    read: set[str] = field(default_factory=set)

    def group_of(self, name: str) -> _Group | None:
        return next((g for g in self.groups if any(s.name == name for s in g.stages)), None)


def phases(stages: Sequence[Stage], facts: Facts) -> tuple[Phase, ...]:
    """The phases of stages that run one after another."""
    return _Filler(facts).run(stages)


class _Filler:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.open = _Open()
        self.done: list[Phase] = []

    def run(self, stages: Sequence[Stage]) -> tuple[Phase, ...]:
        """Whatever can join the phase joins it, in the stages' order; then the phase ends."""
        owner = {self.facts.rows[s.name]: s.name for s in stages if s.name in self.facts.rows}
        made = {s.name for s in stages}
        needs = {s.name: {owner.get(x.tensor, x.tensor) for x in reads(s)} & made for s in stages}
        readers = {s.name: {x.tensor for x in reads(s)} for s in stages}
        left = list(stages)
        missing = set(made)
        while left:
            added = False
            for s in list(left):
                old = self.facts.overwrites.get(s.name)
                late = any(old in readers[t.name] for t in left if t is not s)
                if needs[s.name] & missing or late or self._conflicts(s) or not self._join(s):
                    continue
                self._add(s)
                left.remove(s)
                missing.discard(s.name)
                added = True
            if not added:
                assert self.open.groups, left[0].name
                self._close()
        self._close()
        return tuple(self.done)

    def _add(self, s: Stage) -> None:
        self.open.made[s.name] = s
        if s.name in self.facts.rows:
            self.open.made[self.facts.rows[s.name]] = s
        self.open.read |= {x.tensor for x in reads(s)}

    def _conflicts(self, s: Stage) -> bool:
        """Does it overwrite what this phase reads, or did another one here overwrite what it reads?"""
        over = self.facts.overwrites
        return over.get(s.name) in self.open.read or any(
            over.get(m) == x.tensor for m in self.open.made for x in reads(s)
        )

    def _close(self) -> None:
        o = self.open
        if o.groups:
            ordered = [s for s in o.made.values() if s.name in o.copied]
            nests: list[Nest] = [Replicated(s) for s in dict.fromkeys(ordered)]
            for g in o.groups:
                g.stages = [s for s in g.stages if s.name not in o.copied]
                if g.stages:
                    nests.append(self._nest(g))
            self.done.append(Phase(tuple(nests)))
        self.open = _Open()

    def _nest(self, g: _Group) -> Nest:
        if g.dots:
            return Rows(g.stages[0], g.dots)
        alike = all(len(s.axes) == g.prefix for s in g.stages)
        if alike and all(s.reduction is None or is_short(s) for s in g.stages):
            return Elements(tuple(g.stages))
        return Owned(tuple(g.stages), g.prefix, g.coarse)

    # ------------------------------------------------------------------------------------------------ joining
    def _join(self, s: Stage) -> bool:
        needed = [x for x in reads(s) if x.tensor in self.open.made]
        if contraction(s, self.facts.weights) is not None:
            if not self._copy(needed):
                return False
            self.open.groups.append(_Group([s], len(s.axes), (Dot(s, None),)))
            return True
        return self._after_dots(s, needed) or self._beside(s, needed)

    def _copy(self, needed: Sequence[Load]) -> bool:
        """Makes each block compute what is needed, if it may."""
        wanted: set[str] = set()
        if not all(self._copiable(x.tensor, wanted) for x in needed):
            return False
        self.open.copied |= wanted
        return True

    def _copiable(self, name: str, wanted: set[str]) -> bool:
        s = self.open.made.get(name)
        if s is None or name in self.open.copied or name in wanted:
            return True
        g = self.open.group_of(name)
        fused = g is not None and any(d.load is not None for d in g.dots)
        if fused or name in self.facts.caches or name in self.facts.overwrites:
            return False
        if not cheap(s, self.facts.weights, self.facts.caches):
            return False
        wanted.add(name)
        return all(self._copiable(x.tensor, wanted) for x in reads(s))

    def _after_dots(self, s: Stage, needed: Sequence[Load]) -> bool:
        """Is it done by the warps that take the sums it reads? Each sum is taken once, by the warp that needs it."""
        own = list(dict.fromkeys(x for x in needed if x.tensor not in self.open.copied))
        groups = {x.tensor: self.open.group_of(x.tensor) for x in own}
        if s.reduction is not None or not own:
            return False
        for name, g in groups.items():
            plain = g is not None and len(g.dots) == 1 and g.dots[0].load is None
            if not plain or name in self.facts.kept or name in self.facts.rows or self.facts.uses[name] != 1:
                return False
            count = sum(x.tensor == name for x in own)
            if product(a.extent for a in s.axes) * count != product(self.open.made[name].shape):
                return False
        self.open.groups = [g for g in self.open.groups if not any(g is h for h in groups.values())]
        self.open.groups.append(_Group([s], len(s.axes), tuple(Dot(self.open.made[x.tensor], x) for x in own)))
        return True

    def _beside(self, s: Stage, needed: Sequence[Load]) -> bool:
        """Does whoever makes what it reads make it too, along leading axes? All else that it reads is replicated."""
        prefix = len(s.axes)
        joined: list[_Group] = []
        others: list[Load] = []
        coarse: dict[str, int] = {}
        for x in needed:
            if x.tensor in self.open.copied:
                continue
            g = self.open.group_of(x.tensor)
            apart = g is None or g.dots or x.tensor in g.coarse
            shared = 0 if g is None or apart else min(g.prefix, self._shared(s, x))
            many = 0 if g is None or g.dots or shared else self._repeated(s, x, g)
            if g is None or shared + many == 0:
                others.append(x)
                continue
            coarse |= {x.tensor: many} if many else {}
            prefix = min(prefix, shared or 1)
            if not any(g is h for h in joined):
                joined.append(g)
        if not self._copy(others):
            return False
        stages = [t for g in joined for t in g.stages] + [s]
        coarse |= {name: n for g in joined for name, n in g.coarse.items()}
        whole = _Group(stages, min([prefix, *(g.prefix for g in joined)]), coarse=coarse)
        self.open.groups = [g for g in self.open.groups if not any(g is h for h in joined)] + [whole]
        return True

    def _repeated(self, s: Stage, x: Load, g: _Group) -> int:
        """How many indices along its first axis read the same one of a stage, which they may compute each for itself; 0
        where they do not."""
        made = self.open.made[x.tensor]
        if made.name != x.tensor or made.reduction is not None or not s.axes or not made.axes:
            return 0
        many, left = divmod(s.axes[0].extent.constant or 0, made.axes[0].extent.constant or 1)
        first = Ranges.of(s.axes).quotient(ix.axis(s.axes[0].name), Size(many)) if many > 1 and not left else None
        fits = g.coarse[x.tensor] == many if x.tensor in g.coarse else len(g.stages) == 1
        return many if fits and x.index[0] == first else 0

    def _shared(self, s: Stage, x: Load) -> int:
        """Along how many leading axes a stage reads another one at its own index."""
        made = self.open.made[x.tensor]
        if made.name != x.tensor:
            return 0
        n = 0
        for mine, theirs, i in zip(s.axes, made.axes, x.index, strict=False):
            if mine.extent != theirs.extent or i != ix.axis(mine.name):
                break
            n += 1
        return n
