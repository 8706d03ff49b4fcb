"""A select of the kernel that keeps the larger, or the smaller, of two values: where it is the operation `max`, and of what.

Of integers it always is. Of floats the arm that is taken where nothing compares has to be a number, so that a NaN is ignored as
by `fmaxf`; and where a zero's sign shows, neither value may be -0.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tv.equiv.alike import Alike
from tv.equiv.comparing import of_values, operands, sense, truth
from tv.equiv.numbers import Numbers
from tv.equiv.summands import UPPER
from tv.sets import Set
from tv.term import Term, op_head, op_type

if TYPE_CHECKING:
    from tv.equiv.rules import Rules

INTEGERS = {"smax": ("s", True), "smin": ("s", False), "umax": ("u", True), "umin": ("u", False)}


class Larger:
    """op: the maximum or minimum that is asked for. signless: which zero it is does not matter."""

    def __init__(self, rules: Rules, op: str, signless: bool) -> None:
        self.rules, self.op, self.signless = rules, op, signless
        self.head, self.kind = op.split(".")[0], op_type(op)
        self.upper = f"{UPPER[self.head]}.{self.kind}" if self.head in UPPER else ""
        self.numbers = Numbers(rules)

    def may_be(self, t: Term) -> bool:
        """Is this a form that `operands` looks into?"""
        return t.kind == "op" and by_comparison(t, self.op)

    def folds(self, t: Term, nodes: Set) -> bool:
        """Does a fold by comparison start from a number (and, where it shows, from no -0), so that it never holds a NaN?"""
        if not self.upper or t.name != self.upper:
            return False
        start = t.args[1]
        return self.numbers.number(start, self.kind, nodes) and self.one_zero((start,), nodes)

    def operands(self, t: Term, nodes: Set) -> tuple[Term, Term] | None:
        """The two values of which t is the larger at all of these instances; None where that is not shown."""
        if self.upper and t.kind == "op" and t.name == self.upper:
            kept, other = t.args
            good = self.numbers.number(kept, self.kind, nodes) and self.one_zero(t.args, nodes)
            return (kept, other) if good else None
        if t.kind != "op" or t.name != "select":
            return None
        if self.head in UPPER:
            return self._of_floats(t, nodes)
        return self._of_integers(t, nodes) if self.head in INTEGERS else None

    def one_zero(self, values: tuple[Term, ...], nodes: Set) -> bool:
        return self.signless or all(self.numbers.unsigned(v, self.kind, nodes) for v in values)

    def _of_floats(self, t: Term, nodes: Set) -> tuple[Term, Term] | None:
        own, alike = self.rules.sets.identity(nodes), Alike(self.rules)
        for p, q, x, y, kind in operands(t, "f", self.head == "fmax"):
            if kind != self.kind or not (alike.alike(p, own, x, own) and alike.alike(q, own, y, own)):
                continue
            apart = truth(t.args[0], partial(unordered, p, q, self.kind))
            if apart is None:
                continue
            kept = x if apart else y
            if self.numbers.number(kept, self.kind, nodes) and self.one_zero((x, y), nodes):
                return x, y
        return None

    def _of_integers(self, t: Term, nodes: Set) -> tuple[Term, Term] | None:
        letter, largest = INTEGERS[self.head]
        own, alike = self.rules.sets.identity(nodes), Alike(self.rules)
        for reading in ("s",) if letter == "s" else ("u", "s"):
            for p, q, x, y, _ in operands(t, reading, largest):
                a, b = self._before(p, letter), self._before(q, letter)
                if reading != letter and (
                    a is p or b is q
                ):  # only what was made wider is the same number in both readings
                    continue
                if alike.alike(a, own, x, own) and alike.alike(b, own, y, own):
                    return x, y
        return None

    def _before(self, t: Term, letter: str) -> Term:
        """An integer of the operation's own type, before it was made wider for a comparison."""
        bits = self.kind[1:]
        wide = t.kind == "op" and op_head(t) == "cvt" and t.name.split(".")[2] == f"{letter}{bits}"
        return t.args[0] if wide and t.name.split(".")[1][0] in "su" and t.width > int(bits) else t


def unordered(p: Term, q: Term, kind: str, atom: Term) -> bool | None:
    """What a comparison of p and q says where one of them is a NaN."""
    same = of_values(atom, "f") and op_type(atom.name) == kind and sense(atom, p, q, 0) is not None
    return False if same else None


def by_comparison(t: Term, op: str) -> bool:
    """May t, by its form, be a choice of the larger that stands for `op`?"""
    head = op.split(".")[0]
    upper = f"{UPPER[head]}.{op_type(op)}" if head in UPPER else ""
    return (bool(upper) and t.name == upper) or (
        t.kind == "op" and t.name == "select" and (head in UPPER or head in INTEGERS)
    )
