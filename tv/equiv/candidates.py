"""Guesses which leaves of two sums belong together: pairs that claims, input cells or common footprints suggest.

A guess is never trusted: the pairing is checked to be a bijection, and every pair is proved.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from tv.equiv.problem import Problem
from tv.equiv.summands import COMMUTATIVE, EXTREMA, accumulates
from tv.sets import Map, Set
from tv.sets.guesses import envelope
from tv.term import Term, op_head

DEPTH = 24
NEAR = 8
FAR = 16  # references that a footprint follows, whoever asks: a tree of shuffles is as deep
REACHES = (0, 1, 2, 4, 8)  # tried before


Way = tuple[Map | Set, ...]  # from the instances that are asked about to those of a term: references, and arms of cases


class Impossible(Exception):
    """The two leaves can never be equal."""


class Candidates:
    def __init__(self, problem: Problem, known: Callable[[str, str], list[Map]]) -> None:
        self.p, self.sets, self.known = problem, problem.sets, known
        self.footprints: dict[tuple[str, int, int], dict[str, Map]] = {}
        self.replaced: set[int] = set()  # graph terms whose alternatives are looked at
        self.wide = False
        self.extending = False  # pieces of a case of which nothing is known go with what the others' equations say
        self.asked: Set | None = None  # instances of the kernel's term; None: all
        self.lemmas = False  # different operations may be equal after all

    def relation(
        self, kt: Term, gt: Term, wide: bool, asked: Set | None = None, *, extending: bool = False
    ) -> Map | None:
        """A relation that holds of all pairs of instances, `asked` of the kernel's, at which the two can be proved equal; None: no
        idea, or none."""
        self.wide, self.asked, self.extending = wide, asked, extending
        try:
            return self.guess(kt, gt, DEPTH, ())
        except Impossible:
            return None

    def possible(self, kt: Term, gt: Term) -> bool:
        """False where the two can never be equal, as far as that is seen at once."""
        self.wide, self.asked, self.extending = False, None, False
        try:
            self.guess(kt, gt, NEAR, ())
        except Impossible:
            return False
        return True

    def guess(self, kt: Term, gt: Term, n: int, way: Way) -> Map | None:
        other = self.p.alternatives.get(gt.id)
        if other is None or kt.kind == "ref" or gt.id in self.replaced or n == 0:
            return self.guess_as_is(kt, gt, n, way)
        self.replaced.add(gt.id)
        try:
            for t in (gt, other.left):
                try:
                    found = self.guess(kt, t, n - 1, way)
                except Impossible:
                    continue
                if found is not None:
                    return found
            return None
        finally:
            self.replaced.discard(gt.id)

    def guess_as_is(self, kt: Term, gt: Term, n: int, way: Way) -> Map | None:
        if n == 0:
            return None
        if kt.kind == "case" or gt.kind == "case":
            return self.cases(kt, gt, n, way)
        if kt.kind == "ref" and gt.kind == "ref":
            known = self.known(kt.name, gt.name)
            if known:
                return self.beyond_known(reduce(self.sets.join, known), kt, gt, n, way)
        if gt.kind == "ref" and self.p.graph.units[gt.name].value.kind in ("ref", "input", "case"):
            return self.through(self.guess(kt, self.p.graph.units[gt.name].value, n, way), None, gt)
        if kt.kind == "ref":
            return self.through(
                self.guess(self.p.kernel.units[kt.name].value, gt, n - 1, (*way, kt.embedding())), kt, None
            )
        if gt.kind == "ref":
            return self.through(self.guess(kt, self.p.graph.units[gt.name].value, n - 1, way), None, gt)
        if kt.kind == "input" and gt.kind == "input":
            return self.inputs(kt, gt)
        if kt.kind == "index" and gt.kind == "index":
            return self.sets.compose(kt.embedding(), self.sets.reverse(gt.embedding()))
        if kt.kind == "pick" and gt.kind == "pick":
            return self.picks(kt, gt, n, way)
        if self.sum_like(kt) or self.sum_like(gt):
            if self.stored("k", kt) or self.stored("g", gt):
                raise Impossible
            return self.sums(kt, gt, n, way) if self.wide else None
        if kt.kind == "op" and gt.kind == "op" and kt.name == gt.name:
            return self.arguments(kt, gt, n, way)
        if "const" in (kt.kind, gt.kind) or "op" in (kt.kind, gt.kind):
            return None if kt.kind == gt.kind == "const" else self.unlike(kt, gt, n, way)
        raise Impossible

    def picks(self, kt: Term, gt: Term, n: int, way: Way) -> Map | None:
        """Where what is picked from may be equal at some integers, and the integers are, as far as they tell."""
        found = self.through(self.guess(kt.args[0], gt.args[0], n - 1, (*way, kt.embedding())), kt, gt)
        if found is None or not len(kt.args) == len(gt.args) == 2:
            return found
        try:
            integers = self.guess(kt.args[1], gt.args[1], n - 1, way)
        except Impossible:
            integers = None  # other operations: the proof of their equality says what is wrong
        return found if integers is None else self.sets.coalesce(self.sets.meet(found, integers))

    def beyond_known(self, known: Map, kt: Term, gt: Term, n: int, way: Way) -> Map | None:
        """What claims say, if they speak of all that is asked about; else what the next few terms below suggest: one half of a pair
        may be known before the other, and one layer before the next, of which it tells nothing."""
        there = self.reached((*way, kt.embedding()))
        if self.sets.subset(there, self.sets.domain(known)):
            return self.through(known, kt, gt)
        some = not self.sets.disjoint(there, self.sets.domain(known))
        if n <= 1 and some:
            return self.through(known, kt, gt)
        ku, gu = self.p.kernel.units[kt.name], self.p.graph.units[gt.name]
        try:
            found = self.guess(ku.value, gu.value, min(n - 1, NEAR), (*way, kt.embedding()))
        except Impossible:  # a law or a lemma knew more
            return self.through(known, kt, gt) if self.wide and some else None
        return self.through(found, kt, gt)

    def reached(self, way: Way) -> Set:
        """The instances at which a term matters."""
        first, *rest = way
        if isinstance(first, Map):
            there = self.sets.range(first if self.asked is None else self.sets.restrict_domain(first, self.asked))
        else:
            there = first if self.asked is None else self.sets.meet(self.asked, first)
        for step in rest:
            if isinstance(step, Map):
                there = self.sets.range(self.sets.restrict_domain(step, there))
            else:
                there = self.sets.meet(there, step)
        return there

    def unlike(self, kt: Term, gt: Term, n: int, way: Way) -> Map | None:
        """Different operations: a law or a lemma may still make them equal, cells decide. A number, such as a tile's padding,
        is no more a converted input than an input."""
        if self.lemmas and self.wide:
            return self.common_cells(kt, gt)
        if not self.lemmas and kt.kind == "const" and gt.kind == "op" and op_head(gt) == "cvt":
            return self.guess(kt, gt.args[0], n - 1, way)
        if not self.lemmas and gt.kind == "const" and kt.kind == "op" and op_head(kt) == "cvt":
            return self.guess(kt.args[0], gt, n - 1, way)
        if "input" in (kt.kind, gt.kind) and not self.lemmas:
            raise Impossible
        return None

    def stored(self, side: str, t: Term) -> bool:
        """An element of an input, wherever data say that it lies."""
        if t.kind == "pick":
            t = t.args[0]
            while t.kind == "ref":
                t = self.p.views(side).units[t.name].value
        return t.kind == "input"

    def sums(self, kt: Term, gt: Term, n: int, way: Way) -> Map | None:
        """By common cells, or by the operands of one addition on each side: a residual's cells lie layers away, its other
        operand's do not. Operands first where no other order is allowed: of a rotated pair both halves read the same angle."""
        one_each = kt.kind == gt.kind == "op" and kt.name == gt.name
        if one_each and not accumulates(kt.name):
            try:
                found = self.arguments(kt, gt, n, way)
            except Impossible:
                found = None
            return self.common_cells(kt, gt) if found is None else found
        found = self.common_cells(kt, gt)
        return self.arguments(kt, gt, n, way) if found is None and one_each else found

    @staticmethod
    def sum_like(t: Term) -> bool:
        return t.kind == "reduce" or (t.kind == "op" and op_head(t) in ("fadd", "ffma", *EXTREMA))

    def through(self, c: Map | None, kt: Term | None, gt: Term | None) -> Map | None:
        if c is None:
            return None
        if kt is not None:
            c = self.sets.compose(kt.embedding(), c)
        if gt is not None:
            c = self.sets.compose(c, self.sets.reverse(gt.embedding()))
        return c

    def inputs(self, kt: Term, gt: Term) -> Map:
        out: Map | None = None
        for image in self.p.images.get(gt.name, ()):
            if image.object == kt.name:
                via = self.sets.compose(gt.embedding(), image.cells)
                m = self.sets.compose(kt.embedding(), self.sets.reverse(via))
                out = m if out is None else self.sets.join(out, m)
        if out is None:
            raise Impossible
        return out

    def cases(self, kt: Term, gt: Term, n: int, way: Way) -> Map | None:
        """Pieces one by one; a piece that can match nothing drops out. Of constants alone nothing shows: they go with whatever the
        other pieces' equations say, and so may a cache's new row with the rows that are there."""
        t = kt if kt.kind == "case" else gt
        out: Map | None = None
        possible = constant = False
        for s, a in zip(t.sets, t.args, strict=True):
            try:
                c = self.guess(a, gt, n, (*way, s)) if t is kt else self.guess(kt, a, n, way)
            except Impossible:
                continue
            possible = True
            if c is None and (a.kind == "const" or self.extending):
                constant = True
                continue
            if c is None:
                return None
            c = self.sets.restrict_domain(c, s) if t is kt else self.sets.restrict_range(c, s)
            out = c if out is None else self.sets.join(out, c)
        if not possible:
            raise Impossible
        return self.beyond(out) if constant and out is not None else out

    def beyond(self, c: Map) -> Map:
        """By the equations of c alone, all instances that they relate."""
        ours, theirs = self.p.kernel.scope_sets, self.p.graph.scope_sets
        return envelope(self.sets, c, ours[self.sets.source_name(c)], theirs[self.sets.target_name(c)])

    def arguments(self, kt: Term, gt: Term, n: int, way: Way) -> Map | None:
        orders = [gt.args, gt.args[::-1]] if op_head(kt) in COMMUTATIVE else [gt.args]
        possible = False
        for order in orders:
            try:
                out: Map | None = None
                for a, b in zip(kt.args, order, strict=True):
                    c = self.guess(a, b, n - 1, way)
                    if c is not None:
                        out = c if out is None else self.sets.meet(out, c)
                possible = True
                if out is not None:
                    return self.sets.coalesce(out)
            except Impossible:
                continue
        if not possible:
            raise Impossible
        return None

    # -------------------------------------------------------------- footprints
    def common_cells(self, kt: Term, gt: Term) -> Map | None:
        """Instances that read a common cell of an array that every instance reads on both sides."""
        f, g = self.cells("k", kt, FAR), self.cells("g", gt, FAR)
        out: Map | None = None
        for obj in f.keys() & g.keys():
            if self.total(f[obj], "k") and self.total(g[obj], "g"):
                c = self.sets.compose(f[obj], self.sets.reverse(g[obj]))
                out = c if out is None else self.sets.coalesce(self.sets.meet(out, c))
        return out

    def total(self, m: Map, side: str) -> bool:
        whole = self.p.views(side).scope_sets[self.sets.source_name(m)]
        return self.sets.subset(whole, self.sets.domain(m))

    def cells(self, side: str, t: Term, n: int) -> dict[str, Map]:
        key = (side, t.id, n)
        if key not in self.footprints:
            self.footprints[key] = self._cells(side, t, n)
        return self.footprints[key]

    def _cells(self, side: str, t: Term, n: int) -> dict[str, Map]:
        out: dict[str, Map] = {}

        def add(d: dict[str, Map], along: Map | None = None) -> None:
            for obj, m in d.items():
                m = m if along is None else self.sets.compose(along, m)
                out[obj] = m if obj not in out else self.sets.join(out[obj], m)

        if t.kind == "input":
            if side == "k":
                add({t.name: t.embedding()})
            for image in self.p.images.get(t.name, ()) if side == "g" else ():
                add({image.object: self.sets.compose(t.embedding(), image.cells)})
        elif t.kind == "ref" and n > 0:
            add(self.cells(side, self.p.views(side).units[t.name].value, n - 1), t.embedding())
        elif t.kind in ("reduce", "pick"):
            add(self.cells(side, t.args[0], n), t.embedding())
        elif t.kind == "case":
            for s, a in zip(t.sets, t.args, strict=True):
                add({o: self.sets.restrict_domain(m, s) for o, m in self.cells(side, a, n).items()})
        else:  # the nearest input cells only: footprints through whole layers explode
            for reach in (*(r for r in REACHES if r < n), n):
                if not out:
                    for a in t.args:
                        add(self.cells(side, a, reach))
        return out
