"""Which integers of the inputs are indices to the graph, or divide others, and between which ones it has a meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tv.graph import Graph, below, origin
from tv.graph_frontend.elements import BY_LABEL
from tv.refute.layouts import integer
from tv.term import Term, op_head

QUOTIENTS = ("sdiv", "udiv", "srem", "urem")
Range = tuple[int, int]


def permitted(graph: Graph, symbols: Mapping[str, int]) -> dict[str, Range]:
    """By the unit of an input: the least and the greatest integer that every operator permits which takes its elements for indices.

    An input that no operator takes so by itself, or of which no integer is permitted, is left out.
    """
    found: dict[str, Range] = {}
    for t in (t for u in graph.system.units.values() for t in below(u.value) if t.id in graph.supposed):
        s, source = graph.supposed[t.id], origin(graph, t)
        if source is None or s.low is None or s.high is None or BY_LABEL[s.label].is_float:
            continue
        low, high = found.get(source, BY_LABEL[s.label].limits())
        found[source] = max(low, integer(s.low, symbols)), min(high, integer(s.high, symbols))
    for source, low, high in operands_of_quotients(graph):
        before = found.get(source, (low, high))
        found[source] = max(low, before[0]), min(high, before[1])
    return {unit: r for unit, r in found.items() if r[0] <= r[1]}


def operands_of_quotients(graph: Graph) -> Iterator[tuple[str, int, int]]:
    """Units of inputs that are divided, or divide, and of integers between which ones there is a quotient: divisors are drawn above
    0, and what is divided by signed ones not as the least of its type."""
    for t in (t for u in graph.system.units.values() for t in below(u.value) if op_head(t) in QUOTIENTS):
        width, signed = t.width, op_head(t).startswith("s")
        most = (1 << (width - signed)) - 1
        for operand, low in ((t.args[1], 1), *([(t.args[0], -most)] if signed else [])):
            source = origin(graph, operand)
            if source is not None:
                yield source, low, most


def deciding(graph: Graph) -> frozenset[str]:
    """Units of inputs that decide about something that an operator supposes, an index among it."""
    system, seen, found = graph.system, set[str](), set[str]()
    todo: list[Term] = []
    for u in system.units.values():
        for t in below(u.value):
            todo += [t] if t.id in graph.supposed else t.args[1:] if t.kind == "pick" else []
    met = {t.id for t in todo}
    while todo:
        t = todo.pop()
        inner = list(t.args)
        if t.kind == "input":
            found.add(t.name)
        elif t.kind == "ref" and t.name not in seen:
            seen.add(t.name)
            inner.append(system.units[t.name].value)
        todo += (fresh := [a for a in inner if a.id not in met])
        met |= {a.id for a in fresh}
    return frozenset(found)
