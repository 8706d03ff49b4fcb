"""Reading rolled layers: what a tensor of the first layer is called in another one."""

from __future__ import annotations

from megac.ir import Program, Rolled


def names_in_layer(p: Program, r: Rolled, layer: int) -> dict[str, str]:
    """For each name that the stages of layer 0 make or read, the name that stands for it in `layer`; names that are not
    there are shared by all layers."""
    first, own = r.start, r.start + layer * r.period
    out = {p.stages[first + k].name: p.stages[own + k].name for k in range(r.period)}
    out |= {leaf.slot: leaf.names[layer] for leaf in r.leaves}
    out |= {c.initial: c.produced[layer - 1] for c in r.carried if layer > 0}
    for places in r.appends:
        a, b = p.appends[places[0]], p.appends[places[layer]]
        out |= {a.input: b.input, a.output: b.output}
    return out
