"""Denoting repeated layers once: the stretch's tensors get a leading layer dimension.

Nothing is taken on trust from the search: every tensor that a layer makes or hands on goes through the same handlers as any
other, a carried tensor's type and shape are compared with what the first layer is given, and `Irregular` undoes the attempt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tv.diagnostic import BadInput
from tv.graph_frontend.build import Builder, Irregular
from tv.graph_frontend.load import Node
from tv.graph_frontend.tensors import InUnit, PreviousLayer, SameLayer, Tensor
from tv.sets import Affine


@dataclass(frozen=True, slots=True)
class Same:
    """Output `output` of node `node` of the same layer."""

    node: int
    output: int


@dataclass(frozen=True, slots=True)
class Previous:
    """Output `output` of node `node` of the layer before; the first layer reads the tensor `first` from outside."""

    node: int
    output: int
    first: str


@dataclass(frozen=True, slots=True)
class Common:
    """One tensor from outside for all layers."""

    name: str


@dataclass(frozen=True, slots=True)
class Own:
    """A graph input or initializer for each layer, all different, of one type and shape."""

    names: tuple[str, ...]


Link = Same | Previous | Common | Own


@dataclass(frozen=True, slots=True)
class Stretch:
    """nodes[start : start + period * layers] are `layers` isomorphic layers. links: (node in layer, input) -> Link."""

    start: int
    period: int
    layers: int
    links: dict[tuple[int, int], Link]
    by_value: frozenset[str] = frozenset()  # Common tensors that stand for others of equal content

    @property
    def stop(self) -> int:
        return self.start + self.period * self.layers

    def families(self) -> Iterator[tuple[str, ...]]:
        """Each family of per-layer inputs once."""
        seen = set()
        for link in self.links.values():
            if isinstance(link, Own) and link.names not in seen:
                seen.add(link.names)
                yield link.names

    def members(self) -> set[str]:
        return {name for names in self.families() for name in names}


def make_families(b: Builder, s: Stretch) -> dict[str, tuple[str, int]]:
    """One input unit for each family; its members by name, with unit and layer."""
    out: dict[str, tuple[str, int]] = {}
    for names in s.families():
        first = b.model.declared[names[0]]
        for name in names:
            d = b.model.declared[name]
            if (d.element, d.shape) != (first.element, first.shape) or name in out:
                raise Irregular(f"`{name}` does not fit its family")
        unit = b.input_unit(names[0], first.element, first.shape, s.layers)
        for layer, name in enumerate(names):
            out[name] = (unit, layer)
            b.env[name] = Tensor(name, first.element, first.shape, InUnit(unit, Affine.of(layer)))
    return out


def denote_stretch(b: Builder, s: Stretch, members: dict[str, tuple[str, int]]) -> None:
    """Runs the layer's nodes once with a layer dimension, then gives every layer's outputs to the environment outside."""
    outer = b.env
    layer = b.model.nodes[s.start : s.start + s.period]
    b.layers = s.layers
    carried = _announce(b, s, layer, outer)
    b.env = {}
    try:
        for j, node in enumerate(layer):
            given = [
                _resolve(b, s.links[j, x], layer, outer, carried, members) if name else None
                for x, name in enumerate(node.inputs)
            ]
            b.run(node, given)
        inside = b.env
    finally:
        b.layers, b.env = None, outer
    for name, unit in carried.items():
        if inside[name].source != SameLayer(unit):
            raise Irregular(f"`{name}` is handed to the next layer but is not a tensor of its own")
    read_as_data = sorted(s.by_value & b.free_units.keys())
    if read_as_data:  # equal now, but a kernel may hold different contents for each
        raise Irregular(f"`{read_as_data[0]}` is one of several weights of equal content")
    for at in range(s.layers):
        for j, node in enumerate(layer):
            names = b.model.nodes[s.start + at * s.period + j].outputs
            for base, name in zip(node.outputs, names, strict=True):
                if name in outer:
                    raise BadInput("TV0302", f"a layer defines `{name}` anew")
                if name and base in inside:
                    outer[name] = _outside(inside[base], name, at)


def _announce(b: Builder, s: Stretch, layer: list[Node], outer: dict[str, Tensor]) -> dict[str, str]:
    carried: dict[str, str] = {}
    for link in s.links.values():
        if isinstance(link, Previous):
            name, first = layer[link.node].outputs[link.output], outer[link.first]
            if name not in carried:
                carried[name] = b.announce(name, first.element, first.shape)
    return carried


def _resolve(
    b: Builder,
    link: Link,
    layer: list[Node],
    outer: dict[str, Tensor],
    carried: dict[str, str],
    members: dict[str, tuple[str, int]],
) -> Tensor:
    match link:
        case Same(node=node, output=output):
            return b.env[layer[node].outputs[output]]
        case Previous(node=node, output=output, first=first):
            name, t = layer[node].outputs[output], outer[first]
            unit = b.system.units[carried[name]]
            if (unit.width, unit.shape[1:]) != (t.element.width, t.shape):
                raise Irregular(f"`{first}` is not of the type and shape of `{name}`")
            return Tensor(name, t.element, t.shape, PreviousLayer(carried[name], t))
        case Common(name=name):
            return outer[name]
        case Own(names=names):
            d = b.model.declared[names[0]]
            return Tensor(names[0], d.element, d.shape, SameLayer(members[names[0]][0]))


def _outside(t: Tensor, name: str, layer: int) -> Tensor:
    """A tensor of the stretch as it is seen from outside at one layer."""
    match t.source:
        case SameLayer(unit=unit):
            return replace(t, name=name, source=InUnit(unit, Affine.of(layer)))
        case PreviousLayer(unit=unit, first=first):
            return first if layer == 0 else replace(t, name=name, source=InUnit(unit, Affine.of(layer - 1)))
        case _:
            return t
