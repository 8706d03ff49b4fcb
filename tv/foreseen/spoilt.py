"""Where a value is a NaN if all data is: there it is no number that a compiler knows, since other data gives another one.

By structure: arithmetic hands a NaN on, from whichever operand. Never more instances than those where that is so: what a condition
may tell of data, what chooses, and what a loop leads back to counts as no NaN.
"""

from __future__ import annotations

from collections.abc import Collection

from tv.sets import Set
from tv.system import System
from tv.term import LIBRARY, Term, op_head

HANDS_ON = frozenset({"fadd", "fsub", "fmul", "fdiv", "ffma", "fsqrt", "fneg", "fabs", "fmaximum", "fminimum"}) | (
    LIBRARY - {"pow", "hypot", "atan2"}
)
FLOATS = ("f16", "bf16", "f32", "f64")


class Spoilt:
    """told: buffers and operations of which conditions may tell a compiler."""

    def __init__(self, system: System, told: Collection[str]) -> None:
        self.system, self.sets, self.told = system, system.sets, told
        self.units: dict[str, Set] = {}
        self.terms: dict[tuple[int, str], Set] = {}

    def every(self, t: Term, instances: Set) -> bool:
        """Is a fold of sums spoilt at all of these instances of the scope it stands in?"""
        return self.sets.subset(instances, self.fold(t))

    def of(self, t: Term, scope: str) -> Set:
        """The instances of a scope at which a term is spoilt."""
        key = (t.id, scope)
        if key not in self.terms:
            self.terms[key] = self._of(t, scope)
        return self.terms[key]

    def _of(self, t: Term, scope: str) -> Set:
        sets, whole = self.sets, self.system.scope_sets[scope]
        nothing = sets.minus(whole, whole)
        match t.kind:
            case "input":
                return nothing if t.name in self.told else sets.meet(whole, sets.domain(t.embedding()))
            case "ref":
                return sets.domain(sets.restrict_range(t.embedding(), self.unit(t.name)))
            case "case":
                out = nothing
                for s, a in zip(t.sets, t.args, strict=True):
                    out = sets.join(out, sets.meet(s, self.of(a, scope)))
                return out
            case "pick":  # from wherever: everything there is
                child = self.system.scope_sets[t.scope]
                whole_rows = sets.domain(t.embedding())
                return sets.minus(
                    whole_rows,
                    sets.domain(sets.restrict_range(t.embedding(), sets.minus(child, self.of(t.args[0], t.scope)))),
                )
            case "reduce":
                return self.fold(t)
            case "op" if t.name not in self.told and hands_on(t):
                out = nothing
                for a in t.args:
                    out = sets.join(out, self.of(a, scope))
                return out
            case _:
                return nothing

    def fold(self, t: Term) -> Set:
        """Of a fold of sums: where it starts so, or some round adds what is."""
        there = self.sets.range(self.sets.reverse(t.embedding()))
        if not t.name.startswith("fadd.") or not sums_up(t.args[0]):
            return self.sets.minus(there, there)
        rounds = self.of(t.args[0], t.scope)
        return self.sets.domain(self.sets.restrict_range(t.embedding(), rounds))

    def whole(self, name: str) -> bool:
        """Is a statement's value spoilt at all of its instances?"""
        return self.sets.subset(self.system.scope_sets[name], self.unit(name))

    def unit(self, name: str) -> Set:
        if name not in self.units:
            whole = self.system.scope_sets[name]
            self.units[name] = self.sets.minus(whole, whole)  # around a loop
            self.units[name] = self.of(self.system.units[name].value, name)
        return self.units[name]


def hands_on(t: Term) -> bool:
    """Is the result a NaN where an operand is? All data being NaN means each part of 16 bits and more."""
    head, *types = t.name.split(".")
    if head == "cvt":
        return len(types) == 2 and all(k in FLOATS for k in types)
    if head == "extract":
        return int(types[0]) % 16 == 0 and t.width in (16, 32)
    return op_head(t) in HANDS_ON


def sums_up(step: Term) -> bool:
    """Does a round only add to the fold so far?"""
    if step.kind == "hole":
        return True
    if step.kind != "op" or step.name.split(".")[0] not in ("fadd", "ffma"):
        return False
    return any(sums_up(a) for a in (step.args[2:] if step.name.startswith("ffma") else step.args))
