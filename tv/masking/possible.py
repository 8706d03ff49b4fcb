"""Between which numbers a float of the graph lies, and whether it may be NaN, given what a launch states of its inputs.

An interval holds the value in every order of its sums, whatever joins them, and with every product fused or not. What is not known is
anything: every way out of here is `ANYTHING`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tv.arithmetic import decode
from tv.graph import Graph
from tv.launch import InputAssumption
from tv.masking.intervals import ANYTHING, FLOATS, Interval, added, largest, multiplied, negated, rounded, summed
from tv.sets import Affine, Set
from tv.sets.affine import Dim, Range, Sym
from tv.sets.formulas import Formula
from tv.system import Unit
from tv.term import Term, op_head

FUEL = 4000  # terms looked at in one question: what is left after that is not known
NEARLY_ONE = 1.0 + 2.0**-22  # exp of what is not positive, with its error


@dataclass(frozen=True, slots=True)
class Supposition:
    """What is stated of a free tensor: every element is a finite number, between these where they are given."""

    low: int | None = None
    high: int | None = None


def suppositions(graph: Graph, stated: Sequence[InputAssumption]) -> dict[str, Supposition]:
    """Of the units of float inputs; one that holds a family only where the same is stated of every member."""
    by_name = {
        a.tensor: Supposition(a.min, a.max) for a in stated if a.finite or (a.min is not None and a.max is not None)
    }
    found: dict[str, Supposition] = {}
    units: dict[str, list[str]] = {}
    for t in graph.inputs.values():
        units.setdefault(t.unit, []).append(t.name)
    for unit, names in units.items():
        known = {by_name.get(n) for n in names}
        only = known.pop() if len(known) == 1 else None
        if only is not None:
            found[unit] = only
    return found


@dataclass(slots=True)
class Possible:
    """ranges: of symbols. special: intervals of units that are known for reasons of their own, by name."""

    graph: Graph
    supposed: Mapping[str, Supposition]
    ranges: Mapping[str, tuple[int, int]]
    special: Callable[[str], Interval | None] = lambda _: None
    whole: dict[str, Interval] = field(default_factory=dict)
    cases: dict[str, bool] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    fuel: int = FUEL

    def at(self, t: Term, kind: str, nodes: Set) -> Interval:
        """Of a term's values of float format `kind` at instances of its scope."""
        self.fuel = FUEL
        return self._at(t, kind, nodes)

    def decided(self, t: Term, nodes: Set) -> bool | None:
        """What a condition is at all of these instances, where that is known."""
        self.fuel = FUEL
        return self._decided(t, nodes)

    def _decided(self, t: Term, nodes: Set) -> bool | None:
        self.fuel -= 1
        if self.fuel < 0:
            return None
        if t.kind == "const":
            return t.bits != 0
        if t.kind == "ref":
            there = self.graph.system.sets.range(self.graph.system.sets.restrict_domain(t.embedding(), nodes))
            return self._decided(self.graph.system.units[t.name].value, there)
        if t.kind != "op" or len(t.args) != 2:
            return None
        if t.name in ("xor.i1", "and.i1", "or.i1"):
            return joined(t.name, *(self._decided(a, nodes) for a in t.args))
        head, kind = op_head(t), t.name.split(".")[-1]
        if head not in ("feq", "flt", "fle"):
            return None
        a, b = (self._at(x, kind, nodes) for x in t.args)
        if t.args[0] is t.args[1]:
            return None if a.nan or head == "flt" else True
        return compared(head, a, b)

    def _at(self, t: Term, kind: str, nodes: Set) -> Interval:
        self.fuel -= 1
        if kind not in FLOATS or self.fuel < 0:
            return ANYTHING
        sets = self.graph.system.sets
        match t.kind:
            case "const":
                value = float(decode(np.array([t.bits], np.uint64), kind)[0])
                return ANYTHING if math.isnan(value) else Interval(value, value, False)
            case "input":
                return self._input(t.name, kind)
            case "ref":
                unit = self.graph.system.units[t.name]
                return (
                    self._unit(unit, sets.range(sets.restrict_domain(t.embedding(), nodes)))
                    if unit.format == kind
                    else ANYTHING
                )
            case "case":
                parts = [(a, sets.meet(nodes, s)) for s, a in zip(t.sets, t.args, strict=True)]
                return self._join([self._at(a, kind, s) for a, s in parts if not sets.empty(s)])
            case "op":
                return self._op(t, kind, nodes)
            case "reduce":
                return self._reduce(t, kind, nodes)
            case _:
                return ANYTHING

    @staticmethod
    def _join(parts: Sequence[Interval]) -> Interval:
        if not parts:
            return ANYTHING
        out = parts[0]
        for p in parts[1:]:
            out = out.join(p)
        return out

    def _unit(self, u: Unit, nodes: Set) -> Interval:
        known = self.special(u.name)
        if known is not None:
            return known
        if u.name in self.whole:
            found = self.whole[u.name]
        elif u.name in self.busy:
            return ANYTHING
        else:
            self.busy.add(u.name)
            found = self._at(u.value, u.format, u.domain)
            self.busy.discard(u.name)
            if self.fuel >= 0:
                self.whole[u.name] = found
        plain = found.finite and not self._by_cases(u.value)
        if plain or self.graph.system.sets.equal(nodes, u.domain) or u.name in self.busy:
            return found
        self.busy.add(u.name)
        found = self._at(u.value, u.format, nodes)
        self.busy.discard(u.name)
        return found

    def _by_cases(self, t: Term) -> bool:
        """Is t, or what it is computed from element by element, a case: another value at other instances?"""
        if t.kind != "ref":
            return t.kind == "case" or (t.kind == "op" and any(self._by_cases(a) for a in t.args))
        if t.name not in self.cases:
            self.cases[t.name] = False
            self.cases[t.name] = self._by_cases(self.graph.system.units[t.name].value)
        return self.cases[t.name]

    def _input(self, unit: str, kind: str) -> Interval:
        s = self.supposed.get(unit)
        if s is None:
            return ANYTHING
        most = largest(kind)
        return Interval(-most if s.low is None else float(s.low), most if s.high is None else float(s.high), False)

    # -------------------------------------------------------------- operations
    def _op(self, t: Term, kind: str, nodes: Set) -> Interval:
        head, *types = t.name.split(".")
        if head == "select":
            return self._join([self._at(a, kind, nodes) for a in t.args[1:]])
        if head == "cvt" and len(types) == 2 and types[0] == kind and types[1] in FLOATS:
            a = self._at(t.args[0], types[1], nodes)
            return rounded(a.low, a.high, kind, a.nan)
        if types != [kind]:
            return ANYTHING
        args = [self._at(a, kind, nodes) for a in t.args]
        match head, args:
            case "fneg", [a]:
                return negated(a)
            case "fabs", [a]:
                low = 0.0 if a.low <= 0.0 <= a.high else min(abs(a.low), abs(a.high))
                return Interval(low, max(abs(a.low), abs(a.high)), a.nan)
            case "fadd", [a, b]:
                return added(a, b, kind)
            case "fsub", [a, b]:
                return added(a, negated(b), kind)
            case "fmul", [a, b]:
                return multiplied(a, b, kind)
            case "fdiv", [a, b] if a.finite and b.low > 0.0:
                ends = [x / y if y < math.inf else 0.0 for x in (a.low, a.high) for y in (b.low, b.high)]
                return rounded(min(ends), max(ends), kind, b.nan)
            case "fmax" | "fmin" | "fmaximum" | "fminimum", [a, b] if not (a.nan or b.nan):
                pick = max if head in ("fmax", "fmaximum") else min
                return Interval(pick(a.low, b.low), pick(a.high, b.high), False)
            case "exp", [a]:
                return Interval(0.0, NEARLY_ONE if a.high <= 0.0 else math.inf, a.nan)
            case "tanh", [a]:
                return Interval(-1.0, 1.0, a.nan)
            case _:
                return ANYTHING

    # -------------------------------------------------------------- reductions
    def _reduce(self, t: Term, kind: str, nodes: Set) -> Interval:
        sets = self.graph.system.sets
        inner = sets.range(sets.restrict_domain(t.embedding(), nodes))
        step, init = t.args
        holes = [k for k, a in enumerate(step.args) if a.kind == "hole"]
        if t.name.split(".")[1] != kind or step.kind != "op" or step.name != t.name or len(holes) != 1:
            return ANYTHING
        start = self._at(init, kind, nodes)
        if sets.empty(inner):
            return start
        each = self._at(step.args[1 - holes[0]], kind, inner)
        match op_head(t):
            case "fadd":
                return summed(start, each, self._count(t), kind)
            case "fmax" | "fmaximum" if not start.nan and (op_head(t) == "fmax" or not each.nan):
                return Interval(max(start.low, self._reached(t, kind, nodes)), max(start.high, each.high), False)
            case _:
                return ANYTHING

    def _reached(self, t: Term, kind: str, nodes: Set) -> float:
        """What a maximum is at least: every instance has a term of that size that is no NaN."""
        sets = self.graph.system.sets
        term = next(a for a in t.args[0].args if a.kind != "hole")
        inner = sets.restrict_domain(t.embedding(), nodes)
        found = -math.inf
        for part in self._regions(term, sets.range(inner)):
            value = self._at(term, kind, part)
            if not value.nan and sets.subset(nodes, sets.domain(sets.restrict_range(inner, part))):
                found = max(found, value.low)
        return found

    def _regions(self, t: Term, nodes: Set) -> list[Set]:
        """The instances as a whole, and apart by the arms of the nearest case behind references and operations."""
        sets = self.graph.system.sets
        todo, out = [(t, sets.identity(nodes))], [nodes]
        for _ in range(32):
            if not todo:
                break
            x, m = todo.pop()
            if x.kind == "case":
                arms = [sets.restrict_range(m, s) for s in x.sets]
                out += [sets.domain(a) for a in arms if not sets.empty(a)]
                todo += [(a, part) for a, part in zip(x.args, arms, strict=True) if not sets.empty(part)]
            elif x.kind == "ref":
                todo.append((self.graph.system.units[x.name].value, sets.compose(m, x.embedding())))
            elif x.kind == "op":
                todo += [(a, m) for a in x.args]
        return out

    def _count(self, t: Term) -> int | None:
        """No fewer than the terms of any instance's sum."""
        child = self.graph.system.scopes[t.scope]
        parent = self.graph.system.scopes[self.graph.system.sets.source_name(t.embedding())]
        total = 1
        for d in child.dims[len(parent.dims) :]:
            extent = self._extent(child.domain, d)
            if extent is None:
                return None
            total *= max(extent, 1)
        return total

    def _extent(self, domain: Formula, d: str) -> int | None:
        best: int | None = None
        for f in domain.args if domain.op == "and" else (domain,):
            if f.op == "and":
                inner = self._extent(f, d)
            elif f.op == "ge" and f.affine is not None and {a.key: k for a, k in f.affine.terms}.get("d" + d) == -1:
                high = (f.affine + Affine.dim(d)).interval(self._range)[1]
                inner = None if high is None else high + 1
            else:
                continue
            best = inner if best is None else best if inner is None else min(best, inner)
        return best

    def _range(self, a: Dim | Sym) -> Range:
        return self.ranges.get(a.name, (None, None)) if isinstance(a, Sym) else (None, None)


def joined(name: str, a: bool | None, b: bool | None) -> bool | None:
    """xor, and, or of conditions that may not be known."""
    if name == "and.i1" and (a is False or b is False):
        return False
    if name == "or.i1" and (a or b):
        return True
    if a is None or b is None:
        return None
    return a != b if name == "xor.i1" else a and b if name == "and.i1" else a or b


def compared(head: str, a: Interval, b: Interval) -> bool | None:
    """A comparison, false where an operand is NaN, of any values of two intervals."""
    numbers = not (a.nan or b.nan)
    match head:
        case "feq":
            if a.high < b.low or b.high < a.low:
                return False
            return True if numbers and a.low == a.high == b.low == b.high else None
        case "flt":
            return False if a.low >= b.high else True if numbers and a.high < b.low else None
        case _:
            return False if a.low > b.high else True if numbers and a.high <= b.low else None
