"""The softmaxes of a graph: a maximum, differences from it, their exponentials, the sum of those; and what a mask does to them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tv.arithmetic import decode
from tv.masking.intervals import FLOATS, Interval
from tv.masking.possible import NEARLY_ONE, Possible
from tv.sets import TRUE, Affine, Formula, Map, Set
from tv.sets.affine import Dim, Sym
from tv.sets.formulas import FALSE, all_of, any_of, negate
from tv.system import Scope, System
from tv.term import Term, op_head

INFINITY_BITS = {"f16": 0xFC00, "bf16": 0xFF80, "f32": 0xFF800000}  # the negative one
DEEPEST = 24  # references followed one behind the other
LOWERED = -128.0  # numbers that may be meant as a mask
FLUSHED = -150.0  # below it exp is +0: exp(-150) is 2^-67 of the least positive f32


@dataclass(frozen=True, slots=True)
class Softmax:
    """Names of units: e = exp(d), d = x[at_x] - m[at_m], m = the maximum of x, s = the sum of e ("" where there is none).

    summed_x, summed_e: at which instance the maximum reads x, and the sum e, over their child scopes.
    """

    e: str
    d: str
    x: str
    m: str
    at_d: Term
    at_x: Term
    at_m: Term
    summed_x: Term
    s: str = ""
    summed_e: Term | None = None


class Reading:
    """One graph, looked at."""

    def __init__(self, system: System) -> None:
        self.system, self.sets = system, system.sets

    def substitution(self, t: Term) -> Mapping[Dim | Sym, Affine]:
        """Of a reference: the dimensions of its unit, over the scope it stands in."""
        return {Dim(d): a for d, a in zip(self.system.units[t.name].scope.dims, self.system.indices[t.id], strict=True)}

    def softmaxes(self) -> Iterator[Softmax]:
        sums = {c.name: (name, c) for name, c in self._sums()}
        for name, u in self.system.units.items():
            if not is_op(u.value, "exp.f32") or u.value.args[0].kind != "ref":
                continue
            d = u.value.args[0]
            if not self._pointwise(d, name):
                continue
            difference = self.system.units[d.name].value
            if not is_op(difference, "fsub.f32") or any(a.kind != "ref" for a in difference.args):
                continue
            at_x, at_m = difference.args
            m = self.system.units[at_m.name].value
            term = folded(m, ("fmax.f32", "fmaximum.f32"), INFINITY_BITS["f32"])
            if term is None or term.kind != "ref" or term.name != at_x.name or not self._pointwise(at_x, d.name):
                continue
            found = Softmax(name, d.name, at_x.name, at_m.name, d, at_x, at_m, term)
            if self._belongs(found):
                s, summed = sums.get(name, ("", None))
                yield replace(found, s=s, summed_e=summed)

    def _sums(self) -> Iterator[tuple[str, Term]]:
        for name, u in self.system.units.items():
            term = folded(u.value, ("fadd.f32",), 0)
            if term is not None and term.kind == "ref":
                yield name, term

    def _pointwise(self, t: Term, reader: str) -> bool:
        """Does unit `reader` read the unit of t at its own index?"""
        here, there = (self.system.units[n].scope for n in (reader, t.name))
        if here.dims != there.dims:
            return False
        own = self.sets.map(here.name, here.dims, here.domain, there.name, [Affine.dim(d) for d in here.dims])
        return self.sets.equal(t.embedding(), own)

    def reads(self, t: Term, term: Term) -> Map:
        """Of a reduction t over reads `term` of a unit: instance of the reduction -> instance of that unit."""
        return self.sets.compose(t.embedding(), term.embedding())

    def _belongs(self, s: Softmax) -> bool:
        """Every x is among those of the maximum that it is taken from."""
        maxima = self.reads(self.system.units[s.m].value, s.summed_x)
        return self.sets.subset(s.at_x.embedding(), self.sets.compose(s.at_m.embedding(), maxima))

    # -------------------------------------------------------------- what a mask does
    def masked(self, t: Term, kind: str, scope: Scope, possible: Possible, depth: int = DEEPEST) -> Formula:
        """Where in its scope t is surely -inf: a stored -inf, or one added to what is neither NaN nor +inf."""
        if depth == 0 or kind not in FLOATS:
            return FALSE
        match t.kind:
            case "const":
                return TRUE if t.bits == INFINITY_BITS[kind] else FALSE
            case "case":
                arms = zip(self.system.conditions[t.id], t.args, strict=True)
                return any_of(*(all_of(c, self.masked(a, kind, scope.where(c), possible, depth - 1)) for c, a in arms))
            case "ref":
                u = self.system.units[t.name]
                if u.format != kind:
                    return FALSE
                return self.masked(u.value, kind, u.scope, possible, depth - 1).substitute(self.substitution(t))
            case "op" if op_head(t) == "cvt" and t.name.count(".") == 2 and t.name.split(".")[1] == kind:
                return self.masked(t.args[0], t.name.split(".")[2], scope, possible, depth - 1)
            case "op" if t.name == f"fadd.{kind}":
                pairs = (t.args, t.args[::-1])
                return any_of(*(self._pulled_down(a, b, kind, scope, possible, depth) for a, b in pairs))
            case _:
                return FALSE

    def lowered(self, t: Term, kind: str, scope: Scope, depth: int = DEEPEST) -> Formula:
        """Where a large negative number stands in place of t, or is added to it: a guess at where it is far below the rest."""
        if depth == 0 or kind not in FLOATS:
            return FALSE
        match t.kind:
            case "const":
                return TRUE if float(decode(np.array([t.bits], np.uint64), kind)[0]) <= LOWERED else FALSE
            case "case":
                arms = zip(self.system.conditions[t.id], t.args, strict=True)
                return any_of(*(all_of(c, self.lowered(a, kind, scope.where(c), depth - 1)) for c, a in arms))
            case "ref" if self.system.units[t.name].format == kind:
                u = self.system.units[t.name]
                return self.lowered(u.value, kind, u.scope, depth - 1).substitute(self.substitution(t))
            case "op" if op_head(t) == "cvt" and t.name.count(".") == 2 and t.name.split(".")[1] == kind:
                return self.lowered(t.args[0], t.name.split(".")[2], scope, depth - 1)
            case "op" if t.name == f"fadd.{kind}":
                return any_of(*(self.lowered(a, kind, scope, depth - 1) for a in t.args))
            case _:
                return FALSE

    def sunk(self, x: Term, scope: Scope, masked: Formula, possible: Possible) -> Formula:
        """Where in its scope x, an f32, is so far below each of the rest that exp of the difference is +0.

        The rest is what is neither this nor masked: finite numbers, and of any of them and the maximum of a row that holds it
        none is the smaller.
        """
        low = all_of(self.lowered(x, "f32", scope), negate(masked))
        if low.op == "false":
            return FALSE
        sunk, rest = self.nodes(scope, low), self.nodes(scope, all_of(negate(low), negate(masked)))
        if self.sets.empty(sunk) or self.sets.empty(rest):
            return FALSE
        below, kept = possible.at(x, "f32", sunk), possible.at(x, "f32", rest)
        if below.nan or not kept.finite or not below.high - kept.low < FLUSHED - 1.0:
            return FALSE
        return low

    def _pulled_down(self, a: Term, b: Term, kind: str, scope: Scope, possible: Possible, depth: int) -> Formula:
        """Where a is -inf, if b is neither NaN nor +inf there."""
        where = self.masked(a, kind, scope, possible, depth - 1)
        if where.op == "false":
            return FALSE
        nodes = self.nodes(scope, where)
        if self.sets.empty(nodes):
            return FALSE
        value = possible.at(b, kind, nodes)
        return where if not value.nan and value.high < math.inf else FALSE

    def nodes(self, scope: Scope, where: Formula) -> Set:
        return self.sets.set(scope.name, scope.dims, all_of(scope.domain, where))


def is_op(t: Term, name: str) -> bool:
    return t.kind == "op" and t.name == name


def folded(t: Term, names: tuple[str, ...], start: int) -> Term | None:
    """What a reduction folds, one term a step; None where t is another reduction, or starts elsewhere."""
    if t.kind != "reduce" or t.name not in names:
        return None
    step, init = t.args
    if init.kind != "const" or init.bits != start or step.kind != "op" or step.name != t.name or len(step.args) != 2:
        return None
    inner = [a for a in step.args if a.kind != "hole"]
    return inner[0] if len(inner) == 1 else None


def known(reading: Reading, softmaxes: list[Softmax], possible: Possible) -> dict[str, Interval]:
    """Intervals of exponentials and their sums whose maximum is finite: the largest x gives exp(+-0) = 1."""
    out: dict[str, Interval] = {}
    sets, units = reading.sets, reading.system.units
    for f in softmaxes:
        m, x = units[f.m], units[f.x]
        top, all_x = possible.at(m.value, "f32", m.domain), possible.at(x.value, "f32", x.domain)
        if not top.finite or all_x.nan:
            continue
        out[f.e] = Interval(0.0, NEARLY_ONE, False)
        if f.summed_e is None:
            continue
        maxima = reading.reads(m.value, f.summed_x)
        differences = sets.compose(reading.reads(units[f.s].value, f.summed_e), f.at_d.embedding())
        read, to_m = (sets.compose(differences, t.embedding()) for t in (f.at_x, f.at_m))
        if sets.single_valued(to_m) and sets.subset(sets.compose(to_m, maxima), read):
            out[f.s] = Interval(1.0, math.inf, False)
    return out
