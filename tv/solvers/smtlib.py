"""A lemma as SMT-LIB 2: bit-vector variables, float operations on the floats that bits stand for.

Asserted is the contrary, that the two sides differ; so `unsat` means valid. Which NaN a float operation gives is not
specified: where the bits of its result are looked at, they are any bits that stand for it. At the top any NaN equals any NaN
where the value is a float; where it is not, bits have to agree (S12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tv.graph import Supposed
from tv.solvers.meaning import FORMATS, Translation, inside
from tv.term import Term


@dataclass(frozen=True, slots=True)
class Shared:
    """A kernel term and a graph term that are known to be equal. nan: the float format whose NaNs count as one; "": bit for bit."""

    kernel: Term
    graph: Term
    nan: str


def lemma_text(
    kernel: Term, graph: Term, shared: Sequence[Shared], nan: str, facts: Sequence[tuple[Term, Supposed]] = ()
) -> str:
    """The question whether `kernel` and `graph` differ for some values of what they share and of what they do not, or whether the
    kernel does what is undefined there.

    nan: as of a pair, for the two whole terms. facts: what holds of subterms of `graph` at those values. The text depends on the shape of the terms only, not on names or the order in
    which terms were made. Raises Unknown (TV0901) for an operation without a meaning here.
    """
    v = Variables(shared)
    left, right = (Translation(side, v.bits(side), v.floats) for side in "kg")
    sides = [t.float(x, nan) if nan else t.bits(x) for t, x in ((left, kernel), (right, graph))]
    given = [x for t, s in facts for x in supposition(right, t, s)]
    wrong = [f"(not (= {sides[0]} {sides[1]}))", *(f"(not {c})" for c in left.required)]
    rows = [
        "(set-logic ALL)",
        *sorted({*left.functions, *right.functions}),
        *v.rows,
        *left.rows,
        *right.rows,
        *(f"(assert {x})" for x in given),
        f"(assert {wrong[0] if len(wrong) == 1 else '(or ' + ' '.join(wrong) + ')'})",
        "(check-sat)",
    ]
    return "\n".join(rows) + "\n"


def supposition(side: Translation, t: Term, s: Supposed) -> list[str]:
    """What is supposed of a term, as conditions; a bound that is no number is none."""
    low, high = (None if a is None else a.constant for a in (s.low, s.high))
    if s.label in FORMATS:
        x = side.float(t, s.label)
        return [f"(not (fp.isNaN {x}))", *inside(x, s.label, low, high)]
    x = side.bits(t)
    less = "bvsle" if s.label.startswith("i") else "bvule"
    out = [] if low is None else [f"({less} (_ bv{low % (1 << t.width)} {t.width}) {x})"]
    return out if high is None else [*out, f"({less} {x} (_ bv{high % (1 << t.width)} {t.width}))"]


Node = tuple[str, int]  # a side, and a term's id


class Variables:
    """What is shared: a variable of bits for what is equal bit for bit, and of a float for what is one float.

    floats: by the name of a variable of bits and a format, the float that these bits stand for. rows: their declarations.
    """

    def __init__(self, shared: Sequence[Shared]) -> None:
        self.shared = shared
        nodes = [n for p in shared for n in (("k", p.kernel.id), ("g", p.graph.id))]
        widths = {n: t.width for p in shared for n, t in ((("k", p.kernel.id), p.kernel), (("g", p.graph.id), p.graph))}
        same = classes([(("k", p.kernel.id), ("g", p.graph.id)) for p in shared if not p.nan])
        names: dict[Node, str] = {}
        self.rows: list[str] = []
        for n in nodes:
            root = same.get(n, n)
            if root not in names:
                names[root] = f"v{len(names)}"
                self.rows.append(f"(declare-const {names[root]} (_ BitVec {widths[n]}))")
        self.names = {n: names[same.get(n, n)] for n in nodes}
        self.floats: dict[tuple[str, str], str] = {}
        for kind in sorted({p.nan for p in shared} - {""}):
            self._declare_floats(kind)

    def bits(self, side: str) -> dict[int, str]:
        return {id: name for (s, id), name in self.names.items() if s == side}

    def _declare_floats(self, kind: str) -> None:
        """Two patterns of bits stand for one float if they are equal or both NaN: for floats, `=` is just that."""
        e, m = FORMATS[kind]
        pairs = [(self.names["k", p.kernel.id], self.names["g", p.graph.id]) for p in self.shared if p.nan == kind]
        same, made = classes(pairs), dict[str, str]()
        for name in dict.fromkeys(n for pair in pairs for n in pair):
            root = same[name]
            if root not in made:
                made[root] = f"{kind}_{len(made)}"
                self.rows.append(f"(declare-const {made[root]} (_ FloatingPoint {e} {m}))")
            self.floats[name, kind] = made[root]
            self.rows.append(f"(assert (= ((_ to_fp {e} {m}) {name}) {made[root]}))")


T = TypeVar("T", Node, str)


def classes(pairs: Sequence[tuple[T, T]]) -> dict[T, T]:
    """The least equivalence that holds the pairs: a representative for each element that occurs."""
    parent: dict[T, T] = {}

    def root(x: T) -> T:
        while parent.setdefault(x, x) != x:
            x = parent[x]
        return x

    for a, b in pairs:
        parent[root(b)] = root(a)
    return {x: root(x) for x in list(parent)}
