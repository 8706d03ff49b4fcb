"""Exact operations and questions on index sets, every step total.

A step that must be total fails with its remainder (`Remainder`); what composes or joins without that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import islpy as isl

from tv.sets.spaces import Map, Set, SetOrMap, Spaces, remembered, tidy

_D = isl.dim_type


class Remainder(Exception):
    """A step that must be total is not: `rest` (a Map or Set) is what it would have dropped."""

    def __init__(self, why: str, rest: Any) -> None:
        super().__init__(why)
        self.why, self.rest = why, rest


DIFFERENCE = (
    1_000_000  # operations for a difference: of sets that take more, the pieces multiply and no question on them ends
)


class Sets(Spaces):
    """Everything that a check asks of its index sets."""

    # -------------------------------------------------------------- questions
    def empty(self, s: Set | Map) -> bool:
        with self._ask("empty"):
            return bool(s.is_empty())

    @remembered
    def subset(self, a: Any, b: Any) -> bool:
        self._same(a, b, "subset")
        with self._ask("subset"):
            return bool(a.is_subset(b))

    @remembered
    def equal(self, a: Any, b: Any) -> bool:
        self._same(a, b, "equal")
        with self._ask("equal"):
            return bool(a.is_equal(b))

    @remembered
    def disjoint(self, a: Any, b: Any) -> bool:
        self._same(a, b, "disjoint")
        with self._ask("disjoint"):
            return bool(a.intersect(b).is_empty())

    @remembered
    def single_valued(self, m: Map) -> bool:
        with self._ask("single_valued"):
            return bool(m.is_single_valued())

    @remembered
    def injective(self, m: Map) -> bool:
        with self._ask("injective"):
            return bool(m.is_injective())

    # -------------------------------------------------------------- exact operations
    @remembered
    def meet(self, a: SetOrMap, b: SetOrMap) -> SetOrMap:
        self._same(a, b, "meet")
        with self._ask("meet"):
            return a.intersect(b)

    @remembered
    def join(self, a: SetOrMap, b: SetOrMap) -> SetOrMap:
        self._same(a, b, "join")
        with self._ask("join"):
            return tidy(a.union(b))

    @remembered
    def minus(self, a: SetOrMap, b: SetOrMap) -> SetOrMap:
        self._same(a, b, "minus")
        with self.limited(DIFFERENCE), self._ask("minus"):
            return tidy(a.subtract(b))

    def domain(self, m: Map) -> Set:
        with self._ask("domain"):
            return m.domain()

    def range(self, m: Map) -> Set:
        with self._ask("range"):
            return m.range()

    def reverse(self, m: Map) -> Map:
        return m.reverse()

    def identity(self, s: Set) -> Map:
        return s.identity()

    @remembered
    def restrict_domain(self, m: Map, s: Set) -> Map:
        self._same(m.domain(), s, "restrict_domain")
        with self._ask("restrict_domain"):
            return m.intersect_domain(s)

    @remembered
    def restrict_range(self, m: Map, s: Set) -> Map:
        self._same(m.range(), s, "restrict_range")
        with self._ask("restrict_range"):
            return m.intersect_range(s)

    def idle(self, s: Set) -> Set:
        """The values of the symbols, as a set without dimensions, for which s is empty."""
        with self._ask("idle"):
            if not self.symbols:
                return self.context if s.is_empty() else self.context.subtract(self.context)
            return tidy(self.context.subtract(s.params()))

    @remembered
    def whatever_symbols(self, s: Set) -> Set:
        """The elements that s has for some values of the symbols, as a set that does not depend on them."""
        with self._ask("whatever_symbols"):
            count = s.dim(_D.param)
            return tidy(s.project_out(_D.param, 0, count).align_params(self.context.get_space()))

    def forgetting(self, x: SetOrMap, symbols: Sequence[str]) -> SetOrMap:
        """The elements that x has for some value of `symbols`, whatever they are; of the others it still depends."""
        with self._ask("forgetting"):
            for s in symbols:
                at = x.find_dim_by_name(_D.param, s)
                x = x.eliminate(_D.param, at, 1) if at >= 0 else x
            return tidy(x.intersect_params(self.context.params()))

    def always(self, values: Set) -> bool:
        """Is a set of values of the symbols all that the context allows?"""
        with self._ask("always"):
            return bool(self.context.is_subset(values))

    def condition(self, values: Set) -> str:
        """A set of values of the symbols in words, for people: what the context says anyway is left out."""
        with self._ask("condition"):
            text = str(values.gist_params(self.context.params()))
        return text.rpartition("{")[2].strip().removesuffix("}").strip().removeprefix(":").strip()

    @remembered
    def leaving(self, m: Map, s: Set) -> Map:
        """The part of m whose image is not in s."""
        self._same(m.range(), s, "leaving")
        with self._ask("leaving"):
            return m.intersect_range(s.complement())

    @remembered
    def coalesce(self, x: SetOrMap) -> SetOrMap:
        with self._ask("coalesce"):
            return tidy(x)

    @remembered
    def compose(self, a: Map, b: Map) -> Map:
        """a then b, dropping what b does not cover: for candidates and footprints only, whose results are checked again."""
        self._same(a.range(), b.domain(), "compose")
        with self._ask("compose"):
            return tidy(a.apply_range(b))

    @remembered
    def step_domain(self, r: Map, f: Map, why: str) -> Map:
        """r: A -> B moved along f: A -> A'. Total: raises Remainder where f has no image for some of r (S1)."""
        self._same(r.domain(), f.domain(), why)
        with self._ask(why):
            if not r.domain().is_subset(f.domain()):
                raise Remainder(why, r.subtract_domain(f.domain()))
            return tidy(r.apply_domain(f))

    @remembered
    def step_range(self, r: Map, g: Map, why: str) -> Map:
        """r: A -> B moved along g: B -> B'. Total, as `step_domain`."""
        self._same(r.range(), g.domain(), why)
        with self._ask(why):
            if not r.range().is_subset(g.domain()):
                raise Remainder(why, r.subtract_range(g.domain()))
            return tidy(r.apply_range(g))

    @remembered
    def pair(self, a: Map, b: Map) -> Map:
        """X -> [A -> B] from X -> A and X -> B."""
        self._same(a.domain(), b.domain(), "pair")
        with self._ask("pair"):
            return a.range_product(b)

    def wrap(self, m: Map) -> Set:
        return m.wrap()

    def unwrap(self, s: Set) -> Map:
        return s.unwrap()

    def projections(self, r: Map) -> tuple[Map, Map]:
        """[A -> B] -> A and [A -> B] -> B over the pairs of r."""
        with self._ask("projections"):
            return r.domain_map(), r.range_map()

    def curried(self, z: Map) -> tuple[Map, Map]:
        """Of Z -> [A -> B]: [Z -> A] -> B and [Z -> B] -> A."""
        with self._ask("curried"):
            return z.uncurry(), z.range_reverse().uncurry()

    def product(self, a: Set, b: Set) -> Map:
        """All pairs: a -> b."""
        with self._ask("product"):
            return isl.Map.from_domain_and_range(a, b)

    def first_of(self, m: Map) -> Map:
        """Z -> A from Z -> [A -> B]."""
        with self._ask("first_of"):
            return m.range_factor_domain()

    def second_of(self, m: Map) -> Map:
        """Z -> B from Z -> [A -> B]."""
        with self._ask("second_of"):
            return m.range_factor_range()

    # -------------------------------------------------------------- points
    def sample(self, x: Set | Map) -> dict[str, int] | None:
        """One point, by dimension name (in_k and out_k where nameless), symbols included; None where x is empty."""
        with self._ask("sample"):
            s = x.wrap() if isinstance(x, isl.Map) else x
            if s.is_empty():
                return None
            p = s.sample_point()
            out = {n: _coordinate(p, _D.param, i) for i, n in enumerate(self.symbols)}
            n_in = x.dim(_D.in_) if isinstance(x, isl.Map) else 0
            for i in range(s.dim(_D.set)):
                out[f"in_{i}" if i < n_in else f"out_{i - n_in}"] = _coordinate(p, _D.set, i)
            return out

    def points(self, s: Set, limit: int = 200_000) -> list[tuple[int, ...]]:
        """All points of a bounded set without symbols (small instances only); Unknown above `limit`."""
        out: list[Any] = []

        def visit(p: Any) -> None:
            if len(out) >= limit:
                raise isl.Error("too many points")
            out.append(p)

        n = s.dim(_D.set)
        with self._ask("points"):
            with redirect_stderr(StringIO()):  # islpy prints what ends a callback, and raises it too
                s.foreach_point(visit)
            return [tuple(_coordinate(p, _D.set, i) for i in range(n)) for p in out]

    def pieces(self, x: Set | Map) -> int:
        return int(x.n_basic_map() if isinstance(x, isl.Map) else x.n_basic_set())


def _coordinate(p: Any, kind: Any, i: int) -> int:
    """Of a point. Raises isl.Error where the budget is spent: islpy's own conversion does not look."""
    text = p.get_coordinate_val(kind, i).to_str()
    if text is None:
        raise isl.Error("a coordinate was given up")
    return int(text)


def ask(sets: Sets, question: Callable[[], Any], what: str) -> Any:
    """Runs a compound isl question of a module in this package under the budget."""
    with sets._ask(what):
        return question()
