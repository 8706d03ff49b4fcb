"""What several goals of one sum lead to: a load of eight halves gives eight summands that read every eighth element of one tensor.

Claimed one by one, each of them is a claim at one remainder, and so is all that it rests on, layer after layer. Claimed together
they are the tensor. A guess: whoever claims it proves it whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from tv.diagnostic import Unknown
from tv.equiv.candidates import Candidates
from tv.equiv.problem import Mismatch, is_view
from tv.equiv.rules import Goal, Rules
from tv.equiv.summands import COMMUTATIVE
from tv.sets import Map
from tv.term import Term, op_head

STEPS = 12  # operations and references from a goal to the claims that it rests on
Met = dict[tuple[str, str], list[Map]]


def claimed_together(rules: Rules, candidates: Candidates, goals: Sequence[Goal]) -> list[tuple[str, str, Map]]:
    """(kernel unit, graph unit, relation) for all that more than one of the goals leads to; the relations of all of them as one."""
    every: Met = {}
    for kt, gt, r in goals:
        own: Met = {}
        try:
            Walk(rules, candidates, own).visit(kt, gt, r, STEPS)
        except (Mismatch, Unknown):
            continue  # its own proof says what is wrong
        for key, found in own.items():
            every.setdefault(key, []).append(reduce(rules.sets.join, found))
    return [(*key, reduce(rules.sets.join, found)) for key, found in every.items() if len(found) > 1]


class Walk:
    """The steps of a search that leave no choice, down to the first claims."""

    def __init__(self, rules: Rules, candidates: Candidates, met: Met) -> None:
        self.rules, self.sets, self.p, self.candidates, self.met = rules, rules.sets, rules.p, candidates, met

    def visit(self, kt: Term, gt: Term, r: Map, n: int) -> None:
        if n == 0 or self.sets.empty(r):
            return
        units, tensors = self.p.kernel.units, self.p.graph.units
        if kt.kind == "case":
            for s, a in zip(kt.sets, kt.args, strict=True):
                self.visit(a, gt, self.sets.restrict_domain(r, s), n)
        elif gt.kind == "case":
            for s, a in zip(gt.sets, gt.args, strict=True):
                self.visit(kt, a, self.sets.restrict_range(r, s), n)
        elif gt.kind == "ref" and is_view(tensors[gt.name].value):
            self.visit(kt, tensors[gt.name].value, self.rules.graph_step(r, gt), n - 1)
        elif kt.kind == "ref" and gt.kind == "ref" and not is_view(units[kt.name].value):
            found = self.rules.graph_step(self.rules.kernel_step(r, kt), gt)
            self.met.setdefault((kt.name, gt.name), []).append(found)
        elif kt.kind == "ref":
            self.visit(units[kt.name].value, gt, self.rules.kernel_step(r, kt), n - 1)
        elif gt.kind == "ref":
            self.visit(kt, tensors[gt.name].value, self.rules.graph_step(r, gt), n - 1)
        elif kt.kind == gt.kind == "op" and kt.name == gt.name and len(kt.args) == len(gt.args):
            swapped = op_head(kt) in COMMUTATIVE and not all(map(self.candidates.possible, kt.args, gt.args))
            for a, b in zip(kt.args, gt.args[::-1] if swapped else gt.args, strict=True):
                self.visit(a, b, r, n - 1)
