"""Beyond which number no element of a row lies, of which a graph looks for the extreme."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tv.graph import Graph
from tv.masking.alternatives import ASSUMED
from tv.masking.intervals import FLOATS
from tv.masking.possible import Possible, Supposition
from tv.masking.softmax import Reading, known
from tv.term import Term, op_head

TANH = "tanhf lies between -1 and 1"


@dataclass(frozen=True, slots=True)
class Bound:
    """What each element of a row is at least (at most, where the smallest is looked for), infinities included; none of them is a
    NaN there. assumed: of library functions, for it to hold."""

    value: float
    assumed: frozenset[str] = frozenset()


def bounds_of_extremes(
    graph: Graph, supposed: Mapping[str, Supposition], ranges: Mapping[str, tuple[int, int]]
) -> dict[int, Bound]:
    """By the id of the term that is the place of an extreme. supposed: of units of inputs. ranges: of symbols."""
    out: dict[int, Bound] = {}
    if not graph.system.extremes:
        return out
    possible, reading = Possible(graph, supposed, ranges), Reading(graph.system)
    possible.special = known(reading, list(reading.softmaxes()), possible).get
    for term, e in graph.system.extremes.items():
        if e.type in FLOATS:
            found = possible.at(e.value, e.type, graph.system.scope_sets[e.scope])
            value = found.low if e.largest else found.high
            if not math.isnan(value):
                out[term] = Bound(value, assumed(graph, e.value) if math.isfinite(value) else frozenset())
    return out


def assumed(graph: Graph, root: Term) -> frozenset[str]:
    """Of the functions that a value is made of."""
    heads, seen, todo = set[str](), {root.id}, [root]
    while todo:
        t = todo.pop()
        heads |= {op_head(t)} if t.kind == "op" else set()
        inner = (*t.args, graph.system.units[t.name].value) if t.kind == "ref" else t.args
        todo += [a for a in inner if a.id not in seen]
        seen |= {a.id for a in inner}
    return frozenset({ASSUMED} if "exp" in heads else ()) | frozenset({TANH} if "tanh" in heads else ())
