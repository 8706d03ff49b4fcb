"""Lemmas: two scalar terms that are equal whatever the values of the subterms are that they share. The part that has to be right.

A lemma is about one kernel instance and one graph element. Its text is made from the two terms and from pairs of subterms,
each proved by itself under the same R; whatever else a term refers to is a variable of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan, trunc

import numpy as np

from tv.arithmetic import decode
from tv.diagnostic import Unknown
from tv.equiv.formats import FLOATS, WIDEST, format_of
from tv.equiv.problem import Problem
from tv.equiv.rules import Rules
from tv.equiv.script import Leaf, Script, Split, Unfold, Vacuous
from tv.graph import Supposed
from tv.sets import Affine, Map
from tv.term import Term, op_head, op_type

LEAVES = ("ref", "input", "index", "hole", "reduce", "case", "pick")
ADDITIONS = ("fadd", "fsub", "ffma")


@dataclass(frozen=True, slots=True)
class Body:
    """The graph's side of a lemma: `term`, in which references to scalar operations are replaced by these.

    own: terms of the goal itself, by the id of what became of them. opened: additions inside of what was replaced, each with R
    to its own scope. supposed: what the graph's meaning supposes of these terms, by id.
    """

    term: Term
    own: dict[int, tuple[Term, ...]]
    opened: tuple[tuple[Term, Map], ...]
    supposed: dict[int, Supposed]


@dataclass(frozen=True, slots=True)
class Pair:
    kernel: Term
    graph: Term
    proof: Script


def subterms(root: Term) -> list[Term]:
    """Through operations only, each once, operands first: what `Lemma` counts by."""
    seen: dict[int, Term] = {}
    stack = [root]
    while stack:
        t = stack.pop()
        todo = [a for a in t.args if a.id not in seen] if t.kind == "op" and t.id not in seen else []
        if todo:
            stack += [t, *reversed(todo)]
        else:
            seen.setdefault(t.id, t)
    return list(seen.values())


def above(root: Term, cut: frozenset[int]) -> list[Term]:
    """The subterms that are reached without crossing a cut, cuts included."""
    seen: dict[int, Term] = {}
    todo = [root]
    while todo:
        t = todo.pop()
        if t.id not in seen:
            seen[t.id] = t
            todo += t.args[::-1] if t.kind == "op" and t.id not in cut else ()
    return list(seen.values())


class Lemmas:
    def __init__(self, problem: Problem, rules: Rules) -> None:
        self.p, self.sets, self.terms, self.rules = problem, problem.sets, problem.terms, rules
        self.paths: dict[tuple[int, int], tuple[Map, Map, Map]] = {}

    def composed(self, a: Map, b: Map) -> Map:
        """a then b, once for each pair of objects: terms are interned by the identity of their maps."""
        key = (id(a), id(b))
        if key not in self.paths:
            self.paths[key] = (a, b, self.sets.compose(a, b))
        return self.paths[key][2]

    # -------------------------------------------------------------- the graph's side
    def body(self, gt: Term, r: Map, names: Sequence[str]) -> Body:
        """gt with references to the units `names` replaced by their values. Raises Mismatch as a graph reference does; Unknown
        where a unit's value is no scalar operation."""
        return Opening(self, r, frozenset(names)).body(gt)

    def openable(self, t: Term) -> bool:
        """A reference to a scalar operation on references, inputs and constants."""
        if t.kind != "ref":
            return False
        value = self.p.graph.units[t.name].value
        return value.kind in ("op", "ref") and all(
            x.kind in ("op", "const", "ref", "input", "index") for x in subterms(value)
        )

    # -------------------------------------------------------------- what NaN means
    def nan(self, p: Pair) -> str:
        """The NaNs of which format a proved pair may differ in; "" if it is equal bit for bit."""
        if bitwise(p.proof) and not (holds_hole(p.kernel) or holds_hole(p.graph)):
            return ""
        known = format_of(self.p.graph.units, p.graph)
        return known or WIDEST.get(p.graph.width, "")

    def additions(self, body: Body, r: Map, pairs: Sequence[Pair]) -> list[tuple[Term, Map]]:
        """Additions of the graph that the lemma takes exactly as the graph has them, each with R to its own scope."""
        cut = frozenset(p.graph.id for p in pairs)
        here = [t for t in above(body.term, cut) if t.id not in cut and t.id in body.own and op_head(t) in ADDITIONS]
        return [(old, r) for t in here for old in body.own[t.id]] + list(body.opened)

    def pair(self, kt: Term, body: Body, k: int, g: int, proof: Script) -> Pair:
        """The k-th subterm of the kernel's side and the g-th of the graph's. Raises Unknown where there are none, or where the
        latter is an operation of another tensor, whose sums would be accounted for nowhere."""
        ours, theirs = subterms(kt), subterms(body.term)
        must(0 <= k < len(ours) and 0 <= g < len(theirs), "a pair of subterms that are not there")
        must(self.may_pair(body, theirs[g]), "a pair inside an opened tensor")
        return Pair(ours[k], theirs[g], proof)

    def may_pair(self, body: Body, t: Term) -> bool:
        return t.kind in ("ref", "input", "index", "const") or body.own.get(t.id) == (t,)

    # -------------------------------------------------------------- the text
    def text(self, kt: Term, body: Body, r: Map, pairs: Sequence[Pair]) -> str:
        """The lemma as SMT-LIB. Raises Unknown (TV0904) where a rule forbids it, and what references raise."""
        from tv.solvers import Shared, lemma_text

        cut_k, cut_g = frozenset(p.kernel.id for p in pairs), frozenset(p.graph.id for p in pairs)
        self.kernel_side(kt, r, cut_k)
        for t in above(body.term, cut_g):
            must(
                t.id in cut_g or not self.rules.of_constants(t),
                "a function of constants, which nvcc may evaluate itself",
            )
            if t.id in cut_g or t.kind in ("op", "const", "input", "index"):
                continue
            must(t.kind == "ref", f"a {t.kind} of the graph that no pair covers")
            self.rules.graph_step(r, t)
        self.uncontracted(kt, body.term)
        shared = [Shared(p.kernel, p.graph, self.nan(p)) for p in pairs]
        return lemma_text(kt, body.term, shared, format_of(self.p.graph.units, body.term), facts(body, cut_g))

    def kernel_side(self, kt: Term, r: Map, cut: frozenset[int]) -> None:
        """Every value is there and defined, and no operation has two of them (S7)."""
        for t in above(kt, cut):
            if t.id in cut or t.kind in ("const", "input", "index"):
                continue
            if t.kind == "ref":
                at = self.sets.domain(self.rules.kernel_step(r, t))
                must(not self.p.definedness().undefined(t.name, at), "a value that may be uninitialised, in a lemma")
                continue
            must(t.kind == "op", f"a {t.kind} of the kernel that no pair covers")
            must(t.attr != "u", "the product inside a fused multiply-add is not rounded")
            must(not self.rules.contracted(t), "nvcc may contract an addition inside a lemma")

    def uncontracted(self, kt: Term, gt: Term) -> None:
        """A product that an addition around this place may take in unrounded: a lemma speaks of the rounded one only."""
        while gt.kind == "ref":
            gt = self.p.graph.units[gt.name].value
        if self.rules.graph_product(gt):
            must(
                not self.rules.may_be_product(kt, op_type(gt.name)),
                "a product that nvcc may contract, inside a lemma",
            )
            must(kt.attr != "u", "the product inside a fused multiply-add is not rounded")


@dataclass(slots=True)
class Opening:
    """One pass over the graph's side: maps composed, equal ones shared."""

    lemmas: Lemmas
    relation: Map
    names: frozenset[str]
    used: set[str] = field(default_factory=set)
    own: list[tuple[Term, Term]] = field(default_factory=list)
    additions: list[tuple[Term, Map]] = field(default_factory=list)
    leaves: dict[tuple[str, str, int], list[tuple[Map, Term]]] = field(default_factory=dict)
    supposed: dict[int, Supposed] = field(default_factory=dict)
    memo: dict[tuple[int, int], Term] = field(default_factory=dict)  # maps are kept alive by the terms that hold them

    def body(self, gt: Term) -> Body:
        term = self.walk(gt, None, frozenset())
        must(len(self.used) == len(self.names), "a tensor to be opened does not occur")
        own: dict[int, tuple[Term, ...]] = {}
        for old, new in self.own:
            own[new.id] = (*own.get(new.id, ()), old)
        return Body(term, own, tuple(self.additions), self.supposed)

    def walk(self, t: Term, along: Map | None, inside: frozenset[str]) -> Term:
        key = (t.id, id(along))
        if key not in self.memo:
            self.memo[key] = new = self._walk(t, along, inside)
            if along is None:
                self.own.append((t, new))
            if t.id in self.lemmas.p.supposed:
                self.supposed[new.id] = self.lemmas.p.supposed[t.id]
        return self.memo[key]

    def _walk(self, t: Term, along: Map | None, inside: frozenset[str]) -> Term:
        terms = self.lemmas.terms
        match t.kind:
            case "op":
                if along is not None and op_head(t) in ADDITIONS:
                    self.additions.append((t, self.lemmas.sets.step_range(self.relation, along, "an opened tensor")))
                args = tuple(self.walk(a, along, inside) for a in t.args)
                return terms.make("op", name=t.name, args=args, width=t.width, attr=t.attr)
            case "const":
                return t
            case "ref" if t.name in self.names and t.name not in inside and self.lemmas.openable(t):
                leaf = self.leaf(t, along)
                self.lemmas.rules.graph_step(self.relation, leaf)
                self.used.add(t.name)
                return self.walk(self.lemmas.p.graph.units[t.name].value, leaf.embedding(), inside | {t.name})
            case "ref" | "input" | "index":
                return self.leaf(t, along)
            case _:
                must(along is None, f"a {t.kind} in an opened tensor")
                return t

    def leaf(self, t: Term, along: Map | None) -> Term:
        """The term of the lemma's scope that stands for t: one for equal maps, so that they become one variable."""
        sets = self.lemmas.sets
        m = t.embedding() if along is None else self.lemmas.composed(along, t.embedding())
        known = self.leaves.setdefault((t.kind, t.name, t.width), [])
        for other, found in known:
            if other is m or sets.equal(other, m):
                return found
        new = t if along is None else self.lemmas.terms.make(t.kind, name=t.name, map=m, width=t.width)
        known.append((m, new))
        return new


def facts(body: Body, cut: frozenset[int]) -> list[tuple[Term, Supposed]]:
    """What holds of terms of the graph's side: what its meaning supposes, and of a term that is a variable what follows."""
    found: list[tuple[Term, Supposed]] = []
    for t in above(body.term, cut):
        if t.id in body.supposed:
            found.append((t, body.supposed[t.id]))
        elif t.id in cut and t.kind == "op" and op_type(t.name) in FLOATS:
            found += [(t, between(op_type(t.name), *r)) for r in [enclosed(body, t)] if r is not None]
    return found


def between(kind: str, low: float, high: float) -> Supposed:
    """A number from low to high, as far as whole numbers say it."""
    bounds = [Affine.of(trunc(x)) if isfinite(x) else None for x in (low, high)]
    return Supposed(kind, *bounds)


def enclosed(body: Body, t: Term) -> tuple[float, float] | None:
    """An enclosure of a float that is no NaN where the graph has a meaning: it is supposed, or rounds or clamps such a one."""
    if t.id in body.supposed:
        return (-inf, inf) if body.supposed[t.id].label in FLOATS else None
    kind = op_type(t.name) if t.kind == "op" else ""
    if kind not in FLOATS:
        return None
    if op_head(t) in ("rint", "floor", "ceil", "trunc", "fneg", "fabs"):
        return (-inf, inf) if enclosed(body, t.args[0]) is not None else None
    if op_head(t) not in ("fmax", "fmin"):
        return None
    parts = [number(a, kind) if a.kind == "const" else enclosed(body, a) for a in t.args]
    known, largest = [p for p in parts if p is not None], op_head(t) == "fmax"
    if len(known) == 2:
        pick = max if largest else min
        return pick(known[0][0], known[1][0]), pick(known[0][1], known[1][1])
    return next(((p[0], inf) if largest else (-inf, p[1]) for p in known), None)


def number(t: Term, kind: str) -> tuple[float, float] | None:
    x = float(decode(np.array([t.bits], np.uint64), kind)[0])
    return None if isnan(x) else (x, x)


def bitwise(s: Script) -> bool:
    """Does this proof show equal bits, not only equal floats: cells and constants, through references and cases?"""
    match s:
        case Leaf() | Vacuous():
            return True
        case Unfold(then=then):
            return bitwise(then)
        case Split(arms=arms):
            return all(bitwise(a) for a in arms)
        case _:
            return False


def holds_hole(root: Term) -> bool:
    todo, seen = [root], set[int]()
    while todo:
        t = todo.pop()
        if t.id not in seen:
            seen.add(t.id)
            if t.kind == "hole":
                return True
            todo += t.args
    return False


def must(good: bool, why: str) -> None:
    if not good:
        raise Unknown("TV0904", f"no lemma: {why}")
