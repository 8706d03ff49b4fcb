"""Which values of the kernel are never a NaN, and which never -0: what a comparison has to know before it may stand for a maximum.

By structure alone: a value that comes from itself, round by round, has the property where its start and its step have it, since
every reference goes strictly back in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tv.equiv.alike import Alike
from tv.equiv.padding import WIDENING, finite
from tv.sets import Set
from tv.term import Term, op_head

if TYPE_CHECKING:
    from tv.equiv.rules import Rules

FUEL = 2000  # terms looked at in one question
EXPONENT = {"f64": 0x7FF << 52, "f32": 0xFF << 23, "f16": 0x1F << 10, "bf16": 0xFF << 7}
COMPARISONS = ("flt", "fle", "feq")
Property = Callable[[Term, str, Set], bool]


@dataclass(slots=True)
class Numbers:
    """Questions about a kernel term, read as a float of format `kind`, at instances of its scope. False: not known."""

    rules: Rules
    busy: set[tuple[str, str, str]] = field(default_factory=set)
    known: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    here: dict[tuple[int, str, str], tuple[Set, bool]] = field(
        default_factory=dict
    )  # of terms, in the present question
    fuel: int = FUEL

    def number(self, t: Term, kind: str, nodes: Set) -> bool:
        """Never a NaN."""
        self._anew()
        return self._ask(self._number, t, kind, nodes)

    def unsigned(self, t: Term, kind: str, nodes: Set) -> bool:
        """Never -0."""
        self._anew()
        return self._ask(self._unsigned, t, kind, nodes)

    def positive(self, t: Term, kind: str, nodes: Set) -> bool:
        """Neither below zero nor -0, where it is a number."""
        self._anew()
        return self._ask(self._positive, t, kind, nodes)

    def literal(self, t: Term, kind: str) -> bool:
        """A constant that is a number."""
        return t.kind == "const" and t.bits & ~(1 << (t.width - 1)) <= EXPONENT[kind]

    def _anew(self) -> None:
        self.fuel = FUEL
        self.here.clear()

    def _ask(self, what: Property, t: Term, kind: str, nodes: Set) -> bool:
        key = (t.id, what.__name__, kind)
        if key in self.here and self.here[key][0] is nodes:
            return self.here[key][1]
        self.fuel -= 1
        if self.fuel < 0 or kind not in EXPONENT:
            return False
        found = self._by_kind(what, t, kind, nodes)
        self.here[key] = nodes, found
        return found

    def _by_kind(self, what: Property, t: Term, kind: str, nodes: Set) -> bool:
        if self.rules.sets.empty(nodes) or t.kind == "hole":  # a fold's own value: its start and its step are asked
            return True
        match t.kind:
            case "case":
                parts = [(a, self.rules.sets.meet(nodes, s)) for s, a in zip(t.sets, t.args, strict=True)]
                return all(self._ask(what, a, kind, s) for a, s in parts)
            case "ref":
                return self._unit(what, t, kind, nodes)
            case "reduce":
                child = self.rules.sets.range(self.rules.sets.restrict_domain(t.embedding(), nodes))
                return self._ask(what, t.args[1], kind, nodes) and self._ask(what, t.args[0], kind, child)
            case "op" if t.name in WIDENING and t.name.startswith(f"cvt.{kind}."):  # exact
                return self._ask(what, t.args[0], t.name.split(".")[2], nodes)
            case _:
                return what(t, kind, nodes)

    def _unit(self, what: Property, t: Term, kind: str, nodes: Set) -> bool:
        """Of a unit as a whole: asked again inside its own answer, it is taken for granted (it is of an earlier time)."""
        key = (t.name, what.__name__, kind)
        if key in self.busy:
            return True
        if key not in self.known:
            unit, outermost = self.rules.p.kernel.units[t.name], not self.busy
            self.rules.descends(self.rules.sets.source_name(t.embedding()), t)
            self.busy.add(key)
            try:
                found = self._ask(what, unit.value, kind, unit.domain)
            finally:
                self.busy.discard(key)
            if outermost or not found:
                self.known[key] = found
            if not found:
                self.here.clear()  # some of it took this for granted
            return found
        return self.known[key]

    # -------------------------------------------------------------- no NaN
    def _number(self, t: Term, kind: str, nodes: Set) -> bool:
        if t.kind == "const":
            return self.literal(t, kind)
        if t.kind == "input":
            return self.rules.sets.subset(nodes, finite(self.rules.p, "k", t, kind, nodes, frozenset()))
        if t.kind != "op":
            return False
        head = op_head(t)
        if from_integer(t, kind):
            return True
        if head == "select":
            return all(
                self._arm(t.args[0], a, taken, kind, nodes) for a, taken in zip(t.args[1:], (True, False), strict=True)
            )
        if t.name != f"{head}.{kind}":
            return False
        match head:
            case "fmax" | "fmin":
                return any(self._ask(self._number, a, kind, nodes) for a in t.args)
            case "fupper" | "flower":  # the second only where a comparison with it held
                return self._ask(self._number, t.args[0], kind, nodes)
            case "fneg" | "fabs" | "exp" | "fmaximum" | "fminimum":
                return all(self._ask(self._number, a, kind, nodes) for a in t.args)
            case "fmul":
                return t.args[0] is t.args[1] and self._ask(self._number, t.args[0], kind, nodes)
            case _:
                return False

    def _arm(self, c: Term, arm: Term, taken: bool, kind: str, nodes: Set) -> bool:
        return self._compared(c, arm, taken, kind, nodes) or self._ask(self._number, arm, kind, nodes)

    def _compared(self, c: Term, arm: Term, holds: bool, kind: str, nodes: Set) -> bool:
        """Does a condition, where it holds (or does not), say that some comparison with this value held?"""
        if c.kind != "op":
            return False
        if c.name == "xor.i1" and c.args[1].kind == "const":
            return self._compared(c.args[0], arm, holds != bool(c.args[1].bits), kind, nodes)
        if c.name in ("and.i1", "or.i1"):
            either = any if (c.name == "and.i1") == holds else all
            return either(self._compared(a, arm, holds, kind, nodes) for a in c.args)
        if not holds or c.name not in [f"{h}.{kind}" for h in COMPARISONS]:
            return False
        own = self.rules.sets.identity(nodes)
        return any(a is arm or Alike(self.rules).alike(a, own, arm, own) for a in c.args)

    # -------------------------------------------------------------- no -0
    def _unsigned(self, t: Term, kind: str, nodes: Set) -> bool:
        if t.kind == "const":
            return t.bits != 1 << (t.width - 1)
        if t.kind != "op":
            return False
        head = op_head(t)
        if from_integer(t, kind):
            return True
        if head == "select":
            return all(self._ask(self._unsigned, a, kind, nodes) for a in t.args[1:])
        if t.name != f"{head}.{kind}":
            return False
        match head:
            case "fabs" | "exp":
                return True
            case "fmul":
                return t.args[0] is t.args[1]
            case "fmax" | "fmin" | "fupper" | "flower" | "fmaximum" | "fminimum":
                return all(self._ask(self._unsigned, a, kind, nodes) for a in t.args)
            case "fadd":
                # fused, a product that is tiny and negative may round to -0
                return not self.rules.contracted(t) and any(self._ask(self._unsigned, a, kind, nodes) for a in t.args)
            case _:
                return False

    # -------------------------------------------------------------- no sign
    def _positive(self, t: Term, kind: str, nodes: Set) -> bool:
        if t.kind == "const":
            return not t.bits >> (t.width - 1)
        if t.kind != "op":
            return False
        head = op_head(t)
        if head == "select":
            return all(self._ask(self._positive, a, kind, nodes) for a in t.args[1:])
        if t.name != f"{head}.{kind}":
            return False
        match head:
            case "fabs" | "exp":
                return True
            case "fmul":
                return t.args[0] is t.args[1]
            case "fadd" | "fmin" | "fmaximum" | "fupper" | "flower":
                return all(self._ask(self._positive, a, kind, nodes) for a in t.args)
            case _:
                return False


def from_integer(t: Term, kind: str) -> bool:
    """A conversion of an integer to a float: a number, and +0 where it is zero."""
    parts = t.name.split(".")
    return len(parts) == 3 and parts[:2] == ["cvt", kind] and parts[2][0] in "su" and parts[2][1:].isdigit()
