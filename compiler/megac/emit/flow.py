"""What a phase reads and makes, and how much of each weight a launch reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from megac.ir import Append, Index, Load, Program, Stage
from megac.memory.records import Memory
from megac.passes.stages import reads
from megac.schedule.kinds import contraction, mentions
from megac.schedule.records import Phase, Schedule


@dataclass(frozen=True, slots=True)
class Flow:
    """What is known of all tensors that phases meet, by the first layer's names.

    elements: at most how many of its elements a launch reads, of those that one layer has; fan_in: for weights of
    contractions the number of products that each sum has; appends: by the input that they append to."""

    memory: Memory
    limits: Mapping[str, int]
    first: Mapping[str, str]
    kinds: Mapping[str, str]
    elements: Mapping[str, int]
    fan_in: Mapping[str, int]
    appends: Mapping[str, Append]


def flow(p: Program, s: Schedule, m: Memory, limits: Mapping[str, int]) -> Flow:
    first = {own: here for here, names in s.per_layer.items() for own in names}
    weights = {w.name: w for w in p.weights}
    elements: dict[str, int] = {}
    fan_in: dict[str, int] = {}
    for _, _, _, stage in s.placed():
        for x in reads(stage):
            here = first.get(x.tensor, x.tensor)
            if here in weights:
                shape = [e.at(limits) for e in weights[here].shape]
                elements[here] = max(elements.get(here, 0), _read(x, stage, shape, limits))
        c = contraction(stage, weights)
        if c is not None:
            w = weights[c.weight.tensor]
            inner = prod(w.shape[d].at(limits) for d in c.order[len(c.order) - c.inner :])
            fan_in.setdefault(first.get(w.name, w.name), inner)
    appends = {c.first.input: c.first for c in s.caches}
    return Flow(m, limits, first, {x.name: x.kind for x in m.parameters}, elements, fan_in, appends)


def _read(x: Load, s: Stage, shape: list[int], limits: Mapping[str, int]) -> int:
    """At most how many elements a load reads: along each dimension no more than the axes that the index follows have."""
    axes = {a.name: a.extent.at(limits) for a in (*s.axes, *(s.reduction.axes if s.reduction is not None else ()))}

    def met(i: Index) -> int:
        return prod(n for name, n in axes.items() if mentions(i, frozenset({name})))

    return prod(min(n, met(i)) for i, n in zip(x.index, shape, strict=True))


def phase_flow(k: int, phase: Phase, f: Flow) -> dict[str, Any]:
    """reads: tensors that the phase does not make itself, weights with the bytes that a launch reads; makes: its own, and
    where they lie."""
    made = {s.name: s for s in phase.stages}
    read = dict.fromkeys(
        f.first.get(x.tensor, x.tensor) for s in phase.stages for x in reads(s) if x.tensor not in made
    )
    types = {x.tensor: x.dtype for s in phase.stages for x in reads(s)}
    taken = []
    for name in read:
        buffer = _buffer(name, f)
        if not buffer:
            continue
        one: dict[str, Any] = {"tensor": name, "in": buffer}
        if name in f.elements and name in types:
            one["bytes"] = f.elements[name] * types[name].bytes
        taken.append(one)
    return {"reads": taken, "makes": [_made(k, s, f) for s in made.values()]}


def _made(k: int, s: Stage, f: Flow) -> dict[str, Any]:
    places = [_buffer(s.name, f)]
    local = f.memory.local.get((k, s.name))
    places += [local.base] if local is not None else []
    return {
        "tensor": s.name, "type": s.dtype.value, "shape": list(map(str, s.shape)), "in": [x for x in places if x],
    }  # fmt: skip


def _buffer(name: str, f: Flow) -> str:
    """The parameter that a tensor lies in; empty where it lies in none."""
    place = f.memory.places.get(name) or f.memory.outside.get(name)
    if place is None:
        return ""
    return next((b for b in (place.base, place.base.removesuffix("_l")) if b in f.kinds), "")
