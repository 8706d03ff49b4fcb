"""Other terms that have a tensor's value, bit for bit: of a softmax without the keys that its mask takes out, and without the
zeros that it adds to the others.

Let x be -inf at the masked keys, and m the maximum of x over a row. There exp(x - m) is +0, or, where m is -inf, NaN: but then
every exp(x - m) of the row is NaN. So a row's sum does not see its masked keys, and neither does a sum of e / s * v, where v is
finite: it adds +-0 to a sum that starts from +0, or is NaN either way. Both hold only where some key of the row is left.
The same holds where x is not -inf at the masked keys, but more than 150 below each of the others, which are finite: m is one of the
others' x, no e is NaN, and exp(x - m) is +0 as well.
An x + 0 differs from x in the sign of zero alone, which exp(x - m) does not show: exp(+0) = exp(-0) = 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tv.graph import Graph
from tv.masking.copying import Copy
from tv.masking.intervals import FLOATS
from tv.masking.possible import Possible, Supposition
from tv.masking.softmax import Reading, Softmax, folded, is_op, known
from tv.sets import Affine, Formula
from tv.sets.affine import Dim, Sym
from tv.sets.formulas import all_of, any_of, negate
from tv.system import Scope, Unit
from tv.term import Term, op_head

ASSUMED = "expf is +0 at -inf and below -150, 1 at +0 and -0, never negative, and at most 1 + 2^-22 below 0"
FROM_ZERO = "from zero"  # attr of a sum that has to start from +0, since terms of either zero were left out
DECIDED = "decided-condition"
Substitution = Mapping[Dim | Sym, Affine]


@dataclass(frozen=True, slots=True)
class Alternative:
    """term: has the same value at every instance of the scope. law: its name, in proofs."""

    law: str
    term: Term

    @property
    def left(self) -> Term:
        """The term where no key is masked."""
        return self.term.args[0] if self.term.kind == "case" else self.term


def alternatives(
    graph: Graph, supposed: Mapping[str, Supposition], ranges: Mapping[str, tuple[int, int]]
) -> dict[int, Alternative]:
    """By the id of the term that is a tensor's value. Units that only they refer to are added to the graph's system.

    supposed: of units of inputs. ranges: of symbols.
    """
    return Masks(graph, supposed, ranges).run()


@dataclass(frozen=True, slots=True)
class Row:
    """A softmax and where, over the scope of its x, a key is masked."""

    softmax: Softmax
    masked: Formula


class Masks:
    def __init__(
        self, graph: Graph, supposed: Mapping[str, Supposition], ranges: Mapping[str, tuple[int, int]]
    ) -> None:
        self.system, self.sets = graph.system, graph.system.sets
        self.reading, self.possible = Reading(graph.system), Possible(graph, supposed, ranges)
        self.found: dict[int, Alternative] = {}
        self.rows: dict[str, Row] = {}  # by the name of e

    def run(self) -> dict[int, Alternative]:
        softmaxes = list(self.reading.softmaxes())
        if not softmaxes:
            return {}
        units = list(self.system.units.values())
        inside = known(self.reading, softmaxes, self.possible)
        self.possible.special = inside.get
        for s in softmaxes:
            x = self.system.units[s.x]
            masked = self.reading.masked(x.value, "f32", x.scope, self.possible)
            masked = any_of(masked, self.reading.sunk(x.value, x.scope, masked, self.possible))
            self.rows[s.e] = Row(s, masked)
            self._exponential(s, masked)
            self._denominator(s, masked)
        for u in units:
            self._decided(u)
        for u in units:
            self._weighted(u)
        return self.found

    # -------------------------------------------------------------- exp(x - m), and the sum of these
    def _exponential(self, s: Softmax, masked: Formula) -> None:
        """At the keys that are left: of x without added zeros, and of the maximum of the keys that are left."""
        e, x, m = (self.system.units[n] for n in (s.e, s.x, s.m))
        left = negate(masked)
        if self.sets.empty(self.reading.nodes(x.scope, left)):
            return
        name = self._fresh(f"{s.x}__left")
        scope = Scope(name, x.scope.dims, all_of(x.scope.domain, left), name)
        plain = Copy(self.system, self.possible, scope)
        value = plain.whole(x.value)
        if value is None or (masked.op == "false" and not plain.dropped):
            return
        self._unit(self.system.scope(scope), x, value)
        top = self._fresh(f"{s.m}__left")
        over = self.system.scope(Scope(top, m.scope.dims, m.scope.domain, top))
        child = self.system.scopes[m.value.scope]
        inner = self._child(over, child, left.substitute(self._at(x, s.summed_x)))
        step = self.system.terms.op(
            m.value.name, self.system.terms.hole(32), self.system.ref(inner, name, self.system.indices[s.summed_x.id])
        )
        self._unit(over, m, self.system.reduce(over, inner, m.value.name, step, m.value.args[1]))
        here, terms = e.scope.where(left), self.system.terms
        at_x, at_m = (self.system.indices[t.id] for t in (s.at_x, s.at_m))
        new = terms.op(
            "exp.f32", terms.op("fsub.f32", self.system.ref(here, name, at_x), self.system.ref(here, top, at_m))
        )
        if masked.op != "false":
            new = self.system.case(e.scope, [(left, new), (masked, e.value)])
        self.found[e.value.id] = Alternative("exponential-of-the-keys-left", new)

    def _denominator(self, s: Softmax, masked: Formula) -> None:
        if s.summed_e is None or masked.op == "false":
            return
        u, m = self.system.units[s.s], self.system.units[s.m]
        e = self.system.units[s.e]
        out = masked.substitute(self._at(e, s.summed_e))
        differences = self.sets.compose(self.reading.reads(u.value, s.summed_e), s.at_d.embedding())
        rows = self.sets.compose(differences, s.at_m.embedding())
        if self.sets.single_valued(rows) and m.value.kind == "reduce":
            self._shorter(u, s.summed_e, out, "sum-of-the-keys-left", "")

    def _shorter(self, u: Unit, term: Term, out: Formula, law: str, attr: str) -> None:
        """The sum of u without the instances `out` of its child scope, if each sum keeps some."""
        child = self.system.scopes[u.value.scope]
        left = self.sets.set(child.name, child.dims, all_of(child.domain, negate(out)))
        kept = self.sets.domain(self.sets.restrict_range(u.value.embedding(), left))
        gone = self.sets.set(child.name, child.dims, all_of(child.domain, out))
        if self.sets.empty(gone) or not self.sets.subset(u.domain, kept):
            return
        inner = self._child(u.scope, child, negate(out))
        new = Copy(self.system, self.possible, inner, drop=False).whole(term)
        if new is None:
            return
        step = self.system.terms.op(u.value.name, self.system.terms.hole(u.width), new)
        short = self.system.reduce(u.scope, inner, u.value.name, step, u.value.args[1])
        t = self.system.terms.make(
            "reduce", name=short.name, args=short.args, map=short.map, scope=short.scope, width=short.width, attr=attr
        )
        self.found[u.value.id] = Alternative(law, t)

    # -------------------------------------------------------------- sums of e / s * v
    def _weighted(self, u: Unit) -> None:
        term = folded(u.value, ("fadd.f32",), 0)
        if term is None or not is_op(term, "fmul.f32"):
            return
        child = self.system.scopes[u.value.scope]
        for weight, value in (term.args, term.args[::-1]):
            found = self._weight(weight, {Dim(d): Affine.dim(d) for d in child.dims})
            if found is None or found[0].masked.op == "false":
                continue
            row, at_e, at_s = found
            out = row.masked.substitute(at_e)
            gone = self.sets.set(child.name, child.dims, all_of(child.domain, out))
            at_m = [a.substitute(at_e) for a in self.system.indices[row.softmax.at_m.id]]
            to_m = self.sets.map(child.name, child.dims, child.domain, row.softmax.m, at_m)
            to_s = self.sets.map(
                child.name, child.dims, child.domain, row.softmax.s, [at_s[Dim(d)] for d in self._dims(row.softmax.s)]
            )
            # one denominator: where that is 0, the weights of the keys that are left are 0 / 0 as well
            one_row = all(self.sets.single_valued(self.sets.compose(u.value.embedding(), m)) for m in (to_m, to_s))
            if one_row and not self.sets.empty(gone) and self.possible.at(value, "f32", gone).finite:
                self._shorter(u, term, out, "weighted-sum-of-the-keys-left", FROM_ZERO)
                return

    def _dims(self, unit: str) -> tuple[str, ...]:
        return self.system.units[unit].scope.dims

    def _weight(self, t: Term, at: Substitution, depth: int = 12) -> tuple[Row, Substitution, Substitution] | None:
        """The softmax that t is the weight of, through conversions and a guard against NaN; the instances of its e and its s."""
        if depth == 0:
            return None
        match t.kind:
            case "op" if op_head(t) == "cvt" and all(k in FLOATS for k in t.name.split(".")[1:]):
                return self._weight(t.args[0], at, depth - 1)
            case "op" if t.name == "select" and self._guard(t):
                return self._weight(t.args[2], at, depth - 1)
            case "op" if t.id in self.found and self.found[t.id].law == DECIDED:
                return self._weight(self.found[t.id].term, at, depth - 1)
            case "op" if t.name == "fdiv.f32" and all(a.kind == "ref" for a in t.args):
                e, s = t.args
                row = self.rows.get(e.name)
                if row is None or row.softmax.summed_e is None or row.softmax.s != s.name:
                    return None
                summed = self.reading.reads(self.system.units[s.name].value, row.softmax.summed_e)
                if not self.sets.subset(e.embedding(), self.sets.compose(s.embedding(), summed)):
                    return None
                at_e, at_s = (self._then(self.reading.substitution(r), at) for r in (e, s))
                return row, at_e, at_s
            case "ref":
                return self._weight(
                    self.system.units[t.name].value, self._then(self.reading.substitution(t), at), depth - 1
                )
            case _:
                return None

    def _guard(self, t: Term) -> bool:
        """x is NaN ? +0 : x."""
        condition, zero, x = t.args
        return zero.kind == "const" and zero.bits == 0 and self._is_nan(condition, x)

    def _is_nan(self, c: Term, x: Term) -> bool:
        """Is c the test whether x is NaN, here or in a tensor of its own?"""
        if c.kind == "ref":
            value, at = self.system.units[c.name].value, self.reading.substitution(c)
            test = _nan_test(value)
            return (
                test is not None
                and test.kind == x.kind == "ref"
                and test.name == x.name
                and tuple(a.substitute(at) for a in self.system.indices[test.id]) == self.system.indices[x.id]
            )
        return _nan_test(c) is x

    def _decided(self, u: Unit) -> None:
        """c ? x : y, where c is known: a guard against NaN where there is none, a row that is not all masked."""
        t = u.value
        if not is_op(t, "select") or t.id in self.found:
            return
        known = self.possible.decided(t.args[0], u.domain)
        if known is not None:
            self.found[t.id] = Alternative(DECIDED, t.args[1 if known else 2])

    # -------------------------------------------------------------- terms and units
    def _then(self, first: Substitution, at: Substitution) -> Substitution:
        return {d: a.substitute(at) for d, a in first.items()}

    def _at(self, u: Unit, t: Term) -> Substitution:
        return dict(zip((Dim(d) for d in u.scope.dims), self.system.indices[t.id], strict=True))

    def _fresh(self, name: str) -> str:
        while name in self.system.scopes:
            name += "_"
        return name

    def _child(self, scope: Scope, like: Scope, condition: Formula) -> Scope:
        """The child scope `like` where a condition holds, below `scope`, whose dimensions are those of its parent."""
        name = self._fresh(f"{like.name}__left")
        return self.system.scope(Scope(name, like.dims, all_of(like.domain, condition), scope.unit))

    def _unit(self, scope: Scope, like: Unit, value: Term) -> None:
        domain = self.system.scope_sets[scope.name]
        u = Unit(
            scope.name, scope, domain, like.width, value, len(self.system.units), node=like.node, tensor=like.tensor
        )
        u.shape, u.format = like.shape, like.format
        self.system.units[scope.name] = u


def _nan_test(t: Term) -> Term | None:
    """x, of the test that x is not equal to itself."""
    if not is_op(t, "xor.i1") or t.args[1].kind != "const" or t.args[1].bits != 1:
        return None
    equal = t.args[0]
    return equal.args[0] if op_head(equal) == "feq" and equal.args[0] is equal.args[1] else None
