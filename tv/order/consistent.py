"""One order for each tensor of the graph: where a kernel computes a tensor in several places, all have to add it alike.

A proof relates every place to the graph by itself. A tensor that one place adds in the graph's order and another in an order
of its own, or whose product one place fuses and another rounds, has no single order that could be written down.
"""

from __future__ import annotations

from dataclasses import dataclass

from tv.diagnostic import Unknown
from tv.equiv.problem import Problem
from tv.equiv.rules import Rules
from tv.equiv.uniform import Reordered, Uniformity
from tv.order.contraction import Choices
from tv.sets import Map
from tv.term import Term, op_head


@dataclass(frozen=True, slots=True)
class Computed:
    """A graph sum matched with a kernel term over `relation`. reordered: up to order; else operand by operand.

    fused: the graph operand whose product the kernel fuses, None where it rounds it (of a reordered sum: not said here).
    """

    kernel: Term
    graph: Term
    relation: Map
    reordered: bool
    fused: int | None = None


class Alike(Uniformity):
    """Instances that agree bit for bit, fused products included."""

    def __init__(self, problem: Problem, choices: Choices) -> None:
        super().__init__(problem, Rules(problem))
        self.choices = choices

    def operation(self, x: Term, y: Term, want: Map) -> Map:
        a, b = self.choices.of(x), self.choices.of(y)
        if not a and not b:
            return super().operation(x, y, want)
        if not a or not b or (op_head(x) == "fsub" and a != b):
            return self.sets.minus(want, want)
        return self.all_args(x, y.args if a == b else y.args[::-1], want)


def require_one_order(problem: Problem, choices: Choices, found: list[Computed]) -> None:
    """Raises Unknown (TV0664) where two places were not shown to add one element of a tensor alike."""
    groups: dict[int, list[Computed]] = {}
    for c in found:
        groups.setdefault(c.graph.id, []).append(c)
    sets = problem.sets
    for group in groups.values():
        for i, a in enumerate(group):
            for b in group[i + 1 :]:
                if a.kernel is b.kernel or sets.disjoint(sets.range(a.relation), sets.range(b.relation)):
                    continue
                if not a.reordered and not b.reordered:
                    if a.fused == b.fused:
                        continue
                    raise two_ways(problem, a)
                try:
                    Alike(problem, choices).pair(
                        Reordered(a.kernel, a.graph, a.relation), Reordered(b.kernel, b.graph, b.relation)
                    )
                except Unknown as e:
                    if e.code != "TV0621":
                        raise
                    raise two_ways(problem, a) from None


def two_ways(problem: Problem, c: Computed) -> Unknown:
    unit = problem.graph.scopes[problem.sets.target_name(c.relation)].unit
    name = problem.graph.units[unit].tensor or unit
    return Unknown("TV0664", f"`{name}` is added up in two places in two ways", help="compute it once and share it")
