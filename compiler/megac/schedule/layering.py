"""A program as stages before, in and after its layers, in the names of the first layer, and their phases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from megac import index as ix
from megac.errors import CompileError
from megac.ir import Axis, Load, Program, Rolled, Stage
from megac.layers import names_in_layer
from megac.passes.stages import reads, rewritten
from megac.schedule.phases import Facts, phases
from megac.schedule.records import Cache, Schedule
from megac.size import ONE


@dataclass(slots=True)
class _Parts:
    """The stages in the names of the first layer."""

    before: list[Stage]
    layer: list[Stage]
    after: list[Stage]
    carried: dict[str, str]
    names: list[dict[str, str]]  # for each layer what the first one's names are there


def schedule(p: Program) -> Schedule:
    """Raises CompileError for what no kernel can hold: an output that is nothing but an input's cache, for example."""
    if p.layers is not None and not p.layers.carried:
        p = replace(p, layers=None)  # nothing that waits for what came before: as many stages side by side
    parts = _parts(p)
    outputs = _outputs(p, parts)
    _keep_initial(parts, outputs)
    every = (*parts.before, *parts.layer, *parts.after)
    in_layers = {x.tensor for s in parts.layer for x in reads(s)} - {s.name for s in parts.layer}
    read_after = {x.tensor for s in parts.after for x in reads(s)}
    kept = set(outputs) | set(parts.carried)
    kept |= {s.name for s in parts.before if s.name in in_layers | read_after}
    kept |= {s.name for s in parts.layer if s.name in read_after}
    facts = Facts(
        weights={w.name: w for w in p.weights},
        rows={a.rows: a.output for a in p.appends},
        uses=Counter(n for s in every for n in {x.tensor for x in reads(s)}),
        kept=frozenset(kept),
        overwrites=parts.carried,
    )
    return Schedule(
        phases(parts.before, facts), phases(parts.layer, facts), phases(parts.after, facts),
        len(parts.names), parts.carried, _per_layer(p, parts), outputs, _caches(p),
    )  # fmt: skip


def renamed(s: Stage, names: dict[str, str]) -> Stage:
    """The stage with tensors called otherwise."""

    def inline(x: Load, _: ix.Ranges) -> Load:
        return Load(names.get(x.tensor, x.tensor), x.index, x.dtype)

    return replace(rewritten(s, inline=inline), name=names.get(s.name, s.name))


def _parts(p: Program) -> _Parts:
    r = p.layers
    if r is None:
        return _Parts(list(p.stages), [], [], {}, [])
    names = [names_in_layer(p, r, k) for k in range(r.count)]
    end = r.start + r.period * r.count
    carried = {c.produced[0]: c.initial for c in r.carried}
    last = _last_names(p, r, names[-1])
    return _Parts(
        list(p.stages[: r.start]),
        list(p.stages[r.start : r.start + r.period]),
        [renamed(s, last) for s in p.stages[end:]],
        carried,
        names,
    )


def _last_names(p: Program, r: Rolled, names: dict[str, str]) -> dict[str, str]:
    """The first layer's names for the last one's stages; all else keeps its name."""
    own = {p.stages[r.start + k].name for k in range(r.period)}
    return {there: here for here, there in names.items() if here in own}


def _outputs(p: Program, parts: _Parts) -> dict[str, tuple[str, ...]]:
    """The outputs that are no caches: the tensor that holds them, and their names, one for each layer where it is a
    layer's own. An output that is a leaf, or of a tensor that is one already, gets a stage that copies it."""
    caches = {a.output for a in p.appends}
    layer = {s.name for s in parts.layer}
    first = {there: (here, k) for k, names in enumerate(parts.names) for here, there in names.items() if here in layer}
    stages = {s.name: s for s in (*p.stages, *parts.before, *parts.layer, *parts.after)}
    named: dict[str, list[str]] = {}
    for o in p.outputs:
        if o.tensor in caches and o.name == o.tensor:
            continue
        here, k = first.get(o.tensor, (o.tensor, 0))
        last = bool(parts.names) and k == len(parts.names) - 1
        if here in layer and sum(first.get(q.tensor, ("", 0))[0] == here for q in p.outputs) == len(parts.names):
            named.setdefault(here, []).append(o.name)
        elif o.tensor in stages and here not in layer and o.tensor not in named and o.tensor not in caches:
            named[o.tensor] = [o.name]
        elif o.tensor in stages and here in layer and last:
            parts.after.append(_copy(o.name, here, stages[here]))
            named[o.name] = [o.name]
        elif o.tensor in stages and here not in layer:
            parts.after.append(_copy(o.name, o.tensor, stages[o.tensor]))
            named[o.name] = [o.name]
        else:
            raise CompileError(
                f"the output `{o.name}` is `{o.tensor}`, which no stage of its own computes",
                hint="outputs are what the graph computes, or caches that it appends to",
            )
    return {tensor: tuple(names) for tensor, names in named.items()}


def _copy(name: str, tensor: str, like: Stage) -> Stage:
    axes = tuple(Axis(f"i{k}", a.extent) for k, a in enumerate(a for a in like.axes if a.extent != ONE))
    body = Load(tensor, tuple(ix.axis(a.name) for a in axes), like.dtype)
    return Stage(name, axes, like.dtype, body, None, ())


def _keep_initial(parts: _Parts, outputs: dict[str, tuple[str, ...]]) -> None:
    """What layers carry lies in one place: what comes first is copied there if it has another role, and what a layer
    makes is copied there at its end if the layer may still need what it had."""
    before = {s.name: s for s in parts.before}
    after = {x.tensor for s in parts.after for x in reads(s)}
    made = {s.name: k for k, s in enumerate(parts.layer)}
    for produced, initial in list(parts.carried.items()):
        stage = parts.layer[made[produced]]
        if initial not in before or initial in after or initial in outputs:
            name = f"{initial}.carried"
            parts.before.append(_copy(name, initial, stage))
            parts.layer[:] = [renamed(s, {initial: name}) for s in parts.layer]
            initial = name
            parts.carried[produced] = name
        late = any(x.tensor == initial for s in parts.layer[made[produced] + 1 :] for x in reads(s))
        elsewhere = any(x.tensor == initial and not _own(stage, x) for x in reads(stage))
        if late or elsewhere or produced in outputs:
            parts.layer.append(_copy(f"{produced}.next", produced, stage))
            del parts.carried[produced]
            parts.carried[f"{produced}.next"] = initial


def _own(s: Stage, x: Load) -> bool:
    return x.index == tuple(ix.axis(a.name) for a in s.axes)


def _per_layer(p: Program, parts: _Parts) -> dict[str, tuple[str, ...]]:
    """For weights that each layer has its own of, the names in all layers."""
    if p.layers is None:
        return {}
    weights = {w.name for w in p.weights}
    inputs = {i.name for i in p.inputs}
    caches = {n for a in p.appends for n in (a.input, a.output)}
    out: dict[str, tuple[str, ...]] = {}
    for leaf in p.layers.leaves:
        if leaf.slot in (weights | inputs) - caches:
            out[leaf.slot] = leaf.names
        elif leaf.slot not in caches:
            raise CompileError(f"`{leaf.slot}` is another constant in each layer")
    return out


def _caches(p: Program) -> tuple[Cache, ...]:
    rolled: Sequence[tuple[int, ...]] = p.layers.appends if p.layers is not None else ()
    inside = {k for places in rolled for k in places}
    alone: Iterable[tuple[int, ...]] = ((k,) for k in range(len(p.appends)) if k not in inside)
    return tuple(Cache(tuple(p.appends[k] for k in places)) for places in (*rolled, *alone))
