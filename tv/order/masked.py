"""Tensors of a graph that a kernel computes without what a mask takes out: named in a certificate, and found again in the graph.

A certificate names the tensor and the law; what the tensor is without its masked keys is worked out anew (`tv.masking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tv.diagnostic import BadInput
from tv.graph import Graph
from tv.launch import InputAssumption
from tv.masking import Alternative, alternatives, suppositions
from tv.term import Term

Named = tuple[tuple[str, str], ...]  # unit of the graph, law


@dataclass(frozen=True, slots=True)
class Masked:
    """taken: unit's value, by term id -> what is evaluated in its place. added: units that only these refer to, whose values are
    not all of their shape."""

    taken: Mapping[int, Alternative] = field(default_factory=dict)
    added: frozenset[str] = frozenset()

    def left(self, t: Term) -> Alternative | None:
        return self.taken.get(t.id)


NOTHING_MASKED = Masked()


def masked_in(
    graph: Graph, named: Named, stated: Sequence[InputAssumption], ranges: Mapping[str, tuple[int, int]]
) -> Masked:
    """What a certificate names, in the graph, whose system gets the units that it takes. stated: of inputs. ranges: of symbols.

    Raises BadInput (TV0655) for a tensor of which no such law holds.
    """
    if not named:
        return NOTHING_MASKED
    system = graph.system
    before = set(system.units)
    found, taken = alternatives(graph, suppositions(graph, stated), ranges), dict[int, Alternative]()
    for unit, law in named:
        value = system.units[unit].value if unit in system.units else None
        known = None if value is None else found.get(value.id)
        if value is None or known is None or known.law != law:
            raise BadInput(
                "TV0655",
                f"an order leaves out what a mask takes out of `{unit}`, of which `{law}` does not hold here",
                help="prove the pair anew with `tv check --certificate`, with the same stated of the inputs",
            )
        taken[value.id] = known
    return Masked(taken, frozenset(set(system.units) - before))


def read_masked(data: Any) -> Named:
    """The tensors and laws that a certificate names. Raises BadInput (TV0652) for what is no list of them."""
    well = isinstance(data, list) and all(
        isinstance(x, list) and len(x) == 2 and all(isinstance(s, str) for s in x) for x in data
    )
    if not well:
        raise BadInput(
            "TV0652",
            "not a certificate: `masked` is no list of tensors and laws",
            help="`tv check --certificate` writes it; do not edit it",
        )
    return tuple((unit, law) for unit, law in data)
