"""Computations that are often taken for each other and give other bits: what a failure says of them by name.

Nothing here decides anything. A difference is looked for in the operations just below the place where the two sides part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tv.equiv.problem import Mismatch, Problem
from tv.system import System
from tv.term import LIBRARY, Term, op_head

NEAR = 5  # operations and statements below the place
NARROW = ("f16", "bf16")
NAMES = {"f16": "half", "bf16": "bfloat16"}


@dataclass(frozen=True, slots=True)
class Sides:
    """Operations near the place, by name (`fadd.f32`): kernel, graph; and those that only one of them has."""

    kernel: Mapping[str, Term]
    graph: Mapping[str, Term]

    def ours(self, pattern: str) -> re.Match[str] | None:
        """An operation of the kernel alone."""
        return _first(pattern, self.kernel.keys() - self.graph.keys())

    def theirs(self, pattern: str) -> re.Match[str] | None:
        return _first(pattern, self.graph.keys() - self.kernel.keys())


def _first(pattern: str, names: set[str]) -> re.Match[str] | None:
    return next((m for n in sorted(names) if (m := re.fullmatch(pattern, n))), None)


def known_difference(problem: Problem, e: Mismatch) -> str:
    """The sentence about a well-known difference between the two sides of a failure; "" where none is seen."""
    kernel, graph = e.kernel or e.site, e.graph
    if graph is None and e.tensor in problem.graph.units:
        graph = problem.graph.units[e.tensor].value
    if kernel is None or graph is None:
        return ""
    sides = Sides(near(problem.kernel, kernel), near(problem.graph, graph))
    return next((text for rule in RULES if (text := rule(sides))), "")


def near(system: System, root: Term) -> dict[str, Term]:
    """Operations down to `NEAR` below a term, through statements; folds under their operation's name."""
    found: dict[str, Term] = {}
    level = [root]
    for _ in range(NEAR):
        below: list[Term] = []
        for t in level:
            if t.kind in ("op", "reduce"):
                found.setdefault(t.name, t)
            below += [system.units[t.name].value] if t.kind == "ref" else t.args
        level = list({t.id: t for t in below}.values())
    return found


# ------------------------------------------------------------------------------------------------ the table
def fast_function(s: Sides) -> str:
    if (m := s.ours(r"fast_(\w+)\.f32")) is None:
        return ""
    name = "__fdividef" if m[1] == "div" else f"__{m[1]}f"
    exact = "the division" if m[1] == "div" else f"{m[1]}f"
    return f"`{name}` is an approximation, with other bits than {exact}, which the graph means"


def reciprocal_root(s: Sides) -> str:
    if s.ours(r"rsqrt(_rn)?\.\w+") is None or s.theirs(r"(fsqrt|fdiv)\.\w+") is None:
        return ""
    return "`rsqrtf(x)` has other bits than 1 / sqrt(x), which rounds twice: write `1.0f / sqrtf(x)`, or use a graph with one operation"


def narrow_sum(s: Sides) -> str:
    for kind in NARROW:
        adds = s.ours(rf"(fadd|ffma)\.{kind}") is not None
        if adds and s.theirs(r"fadd\.f32") is not None:
            return f"the kernel accumulates in {NAMES[kind]} where the graph accumulates in float and rounds once"
    return ""


def narrow_function(s: Sides) -> str:
    for kind in NARROW:
        for name in sorted(LIBRARY):
            m = s.ours(rf"(?:folded_|h_){name}\.{kind}")
            if m is not None and s.theirs(rf"{name}\.f32") is not None:
                return f"`h{name}` of {NAMES[kind]} has bits of its own; the graph's {name} is the float function, rounded once: convert, call `{name}f`, convert back"
    return ""


def product_for_quotient(s: Sides) -> str:
    quotient, product = s.theirs(r"fdiv\.(\w+)"), s.ours(r"fmul\.(\w+)")
    if quotient is None or product is None:
        return ""
    factors = s.kernel[product[0]].args
    if any(a.kind == "const" for a in factors) or any(a.kind == "op" and op_head(a) == "fdiv" for a in factors):
        return (
            "the kernel multiplies by a rounded reciprocal where the graph divides: other bits, but for powers of two"
        )
    return ""


def quotient_for_product(s: Sides) -> str:
    if s.ours(r"fdiv\.(\w+)") is None or s.theirs(r"fmul\.(\w+)") is None:
        return ""
    return "the kernel divides where the graph multiplies: other bits, but for powers of two"


def in_double(s: Sides) -> str:
    m = s.ours(r"(fadd|fsub|fmul|fdiv|fsqrt|ffma)\.f64")
    if m is None or any(n.endswith(".f64") for n in s.graph):
        return ""
    return "the kernel computes in double where the graph computes in float: a constant without `f` is a double"


def maximum_by_comparison(s: Sides) -> str:
    compares = s.ours(r"(flt|fle|fupper|flower)\.\w+")
    if compares is None or s.theirs(r"(fmax|fmin)\.\w+") is None:
        return ""
    return "`a > b ? a : b` is no maximum where an operand is NaN or a zero of either sign: use `fmaxf`"


RULES: tuple[Callable[[Sides], str], ...] = (
    fast_function,
    reciprocal_root,
    narrow_sum,
    narrow_function,
    in_double,
    product_for_quotient,
    quotient_for_product,
    maximum_by_comparison,
)
