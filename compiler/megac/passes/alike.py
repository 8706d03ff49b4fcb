"""Are layers alike: do their stages, which compute the same, read the same of their own and of each other's tensors?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from megac.ir import Append, Carried, Input, Load, PerLayer, Program, Rolled, Stage, Weight
from megac.passes.stages import reads
from megac.printing import index_text


def shapes_of(p: Program) -> dict[str, str]:
    """What a tensor is but for its name. A stage is told by its own key, so that here only its shape matters."""

    def text(kind: str, shape: Sequence[object], dtype: object) -> str:
        return f"{kind}{list(map(str, shape))}{dtype}"

    leaves: tuple[Input | Weight, ...] = (*p.inputs, *p.weights)
    out = {s.name: text("made", s.shape, s.dtype) for s in p.stages}
    out |= {x.name: text("leaf", x.shape, x.dtype) for x in leaves}
    out |= {c.name: f"constant {c.name}" for c in p.constants}
    out |= {a.output: text("cache", a.shape, a.dtype) for a in p.appends}
    return out


def named(s: Stage) -> list[Load]:
    """The first load of each tensor that a stage reads, in order."""
    out: dict[str, Load] = {}
    for x in reads(s):
        out.setdefault(x.tensor, x)
    return list(out.values())


# ---------------------------------------------------------------------------------------------------------- dataflow
@dataclass(frozen=True, slots=True)
class _Region:
    """The layers that are tried; place: where each stage stands, rows: the append that a stage makes rows of."""

    p: Program
    start: int
    period: int
    count: int
    place: dict[str, int]
    rows: dict[str, int]
    caches: dict[str, Append]

    def layer(self, name: str) -> tuple[int, int] | None:
        """The layer and the place in it of a stage, where it is in one."""
        k = self.place.get(name, -1) - self.start
        return (k // self.period, k % self.period) if 0 <= k < self.period * self.count else None

    def stage(self, layer: int, place: int) -> Stage:
        return self.p.stages[self.start + layer * self.period + place]


def layers_at(p: Program, shapes: dict[str, str], start: int, period: int, count: int) -> Rolled | int:
    """The layers there, where the stages read alike: own leaves, what the layer before made, or what all share. A number:
    how many of them may be layers, 1 at least; what follows is not alike, or reads what only the last one may hand on."""
    whole = _alike(p, shapes, start, period, count)
    if whole is None:
        fits, fails = 1, count
        while fails - fits > 1:
            half = (fits + fails) // 2
            fits, fails = (half, fails) if _alike(p, shapes, start, period, half) is not None else (fits, half)
        return fits
    last = _last_alone(_region(p, start, period, count))
    return whole if last is None else last + 1


def _region(p: Program, start: int, period: int, count: int) -> _Region:
    place = {s.name: k for k, s in enumerate(p.stages)}
    rows = {a.rows: k for k, a in enumerate(p.appends)}
    return _Region(p, start, period, count, place, rows, {a.output: a for a in p.appends})


def _alike(p: Program, shapes: dict[str, str], start: int, period: int, count: int) -> Rolled | None:
    region = _region(p, start, period, count)
    leaves: dict[str, tuple[str, ...]] = {}
    carried: dict[str, tuple[str, ...]] = {}
    shared: set[str] = set()
    for k in range(period):
        for names in zip(*([x.tensor for x in named(region.stage(n, k))] for n in range(count)), strict=True):
            if not _role(region, shapes, names, leaves, carried, shared):
                return None
    appends = _appends(region)
    if appends is None or shared & (leaves.keys() | carried.keys()) or leaves.keys() & carried.keys():
        return None
    own = tuple(PerLayer(slot, names) for slot, names in leaves.items())
    handed = tuple(Carried(slot, names) for slot, names in carried.items())
    return Rolled(start, period, count, own, handed, appends)


def _role(
    g: _Region, shapes: dict[str, str], names: tuple[str, ...], leaves: dict[str, tuple[str, ...]],
    carried: dict[str, tuple[str, ...]], shared: set[str],
) -> bool:  # fmt: skip
    """Notes what a tensor that the layers read is to them; False where there is no one answer."""
    homes = [g.layer(n) for n in names]
    if all(h is not None and h[0] == n for n, h in enumerate(homes)):
        return len({h[1] for h in homes if h is not None}) == 1
    if homes[0] is not None:
        return False
    if len(set(names)) == 1:
        shared.add(names[0])
        return True
    if all(h is None for h in homes):
        if len({shapes[n] for n in names}) != 1 or not all(shapes[n].startswith(("leaf", "cache")) for n in names):
            return False
        if any(n in g.caches for n in names) and not _own_caches(g, names):
            return False
        return leaves.setdefault(names[0], names) == names
    if (
        any(h is None or h[0] != n for n, h in enumerate(homes[1:]))
        or len({h[1] for h in homes[1:] if h is not None}) != 1
    ):
        return False
    last = homes[1]
    assert last is not None
    produced = tuple(g.stage(n, last[1]).name for n in range(g.count))
    return carried.setdefault(names[0], produced) == produced


def _own_caches(g: _Region, names: tuple[str, ...]) -> bool:
    """Are these the caches whose rows the layers make, each layer at the same place?"""
    homes = [g.layer(g.caches[n].rows) if n in g.caches else None for n in names]
    return all(h is not None and h[0] == n for n, h in enumerate(homes)) and len({h[1] for h in homes if h}) == 1


def _appends(g: _Region) -> tuple[tuple[int, ...], ...] | None:
    """For each append of the first layer its like in all; None where one has none."""
    out = []
    for k in range(g.period):
        found = [g.rows.get(g.stage(n, k).name) for n in range(g.count)]
        if found == [None] * g.count:
            continue
        numbers = tuple(f for f in found if f is not None)
        if len(numbers) != g.count or len({_append_key(g.p.appends[f]) for f in numbers}) != 1:
            return None
        out.append(numbers)
    return tuple(out)


def _append_key(a: Append) -> tuple[str, ...]:
    return str(a.axis), index_text(a.position), str(a.count), str(list(map(str, a.shape))), a.dtype.value


def _last_alone(g: _Region) -> int | None:
    """The first layer but the last whose stages something after the layers reads, or that is an output where others
    are none; None where there is none."""
    found: set[int] = set()
    for s in g.p.stages[g.start + g.period * g.count :]:
        homes = (g.layer(x.tensor) for x in reads(s) if x.tensor not in g.caches)
        found |= {home[0] for home in homes if home is not None}
    wanted: dict[int, set[int]] = {}
    for o in g.p.outputs:
        home = g.layer(o.tensor)
        if home is not None:
            wanted.setdefault(home[1], set()).add(home[0])
    found |= {n for layers in wanted.values() if len(layers) < g.count for n in layers}
    return min(found - {g.count - 1}, default=None)
