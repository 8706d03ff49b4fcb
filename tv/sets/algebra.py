"""The only door to isl: registered spaces, exact operations, a deterministic budget for each question.

isl's silence is the danger: composition drops what it cannot place, operations on different spaces answer "empty". Here an
operation on two different spaces raises, a step that must be total fails with its remainder (`Remainder`), and every isl
error, exhaustion included, is `Unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import islpy as isl

from tv.diagnostic import Unknown
from tv.sets.affine import TRUE, Affine, Formula

Set: TypeAlias = isl.Set
Map: TypeAlias = isl.Map
SetOrMap = TypeVar("SetOrMap", isl.Set, isl.Map)
_D = isl.dim_type
_CTX = isl.DEFAULT_CONTEXT


def tidy(x: SetOrMap) -> SetOrMap:
    """x with fewer pieces, where isl finds them. Coalescing changes no set, and isl's is known to fail on some
    ("original tableau does not correspond"): then x stays as it is."""
    try:
        return x.coalesce()
    except isl.Error:
        return x


class Remainder(Exception):
    """A step that must be total is not: `rest` (a Map or Set) is what it would have dropped."""

    def __init__(self, why: str, rest: Any) -> None:
        super().__init__(why)
        self.why, self.rest = why, rest


class Sets:
    """Spaces, symbols and the budget of one check.

    symbols: names of open integers. context: what is known of them; never empty (SOUNDNESS S13), else Unknown.
    """

    def __init__(self, symbols: Sequence[str] = (), context: Formula = TRUE, budget: int = 5_000_000) -> None:
        self.symbols = tuple(symbols)
        self._prefix = f"[{', '.join(symbols)}] -> " if symbols else ""
        self._arity: dict[str, int] = {}
        self._budget, self._depth = budget, 0
        self._sets: dict[str, Set] = {}
        self._maps: dict[tuple[str, int], Map] = {}
        self.context = isl.Set(f"{self._prefix}{{ : {context.text()} }}")
        if self.context.is_empty():
            raise Unknown("TV0401", "the ranges of the symbols leave no value at all", help="widen min and max")

    # -------------------------------------------------------------- spaces
    def declare(self, name: str, arity: int) -> str:
        """Registers tuple `name`; a second shape for one name is a defect."""
        if self._arity.setdefault(name, arity) != arity:
            raise Unknown(
                "TV0402", f"index space `{name}` declared with {self._arity[name]} and with {arity} dimensions"
            )
        return name

    def arity(self, name: str) -> int:
        if name not in self._arity:
            raise Unknown("TV0402", f"index space `{name}` was never declared")
        return self._arity[name]

    @contextmanager
    def limited(self, budget: int) -> Iterator[None]:
        """Questions asked inside give up sooner: for a search, which has other ways to go on."""
        before, self._budget = self._budget, min(budget, self._budget)
        try:
            yield
        finally:
            self._budget = before

    @contextmanager
    def _ask(self, what: str) -> Iterator[None]:
        outer = self._depth == 0
        if outer:
            _CTX.reset_operations()
            _CTX.set_max_operations(self._budget)
        self._depth += 1
        try:
            yield
        except isl.Error as e:
            raise Unknown("TV0403", f"index-set question `{what}` gave up: {str(e).strip()[:100]}") from None
        finally:
            self._depth -= 1
            if outer:
                _CTX.set_max_operations(0)
                _CTX.reset_operations()

    # -------------------------------------------------------------- construction
    def set(self, name: str, dims: Sequence[str], domain: Formula = TRUE) -> Set:
        """{ name[dims] : domain }."""
        self.declare(name, len(dims))
        text = f"{self._prefix}{{ {name}[{', '.join(dims)}] : {domain.text()} }}"
        if text not in self._sets:
            with self._ask("set"):
                self._sets[text] = tidy(isl.Set(text).intersect_params(self.context))
        return self._sets[text]

    def map(self, name: str, dims: Sequence[str], domain: Formula, out: str, exprs: Sequence[Affine]) -> Map:
        """{ name[dims] -> out[exprs] : domain }."""
        self.declare(out, len(exprs))
        inside = self.set(name, dims, domain)
        text = f"{self._prefix}{{ {name}[{', '.join(dims)}] -> {out}[{', '.join(e.text() for e in exprs)}] }}"
        key = (text, id(inside))  # sets are kept for good, so their identity is a key
        if key not in self._maps:
            with self._ask("map"):
                self._maps[key] = isl.Map(text).intersect_domain(inside)
        return self._maps[key]

    def relation(self, name: str, dims: Sequence[str], out: str, out_dims: Sequence[str], cond: Formula) -> Map:
        """{ name[dims] -> out[out_dims] : cond }; all names distinct."""
        self.declare(name, len(dims))
        self.declare(out, len(out_dims))
        with self._ask("relation"):
            m = isl.Map(
                f"{self._prefix}{{ {name}[{', '.join(dims)}] -> {out}[{', '.join(out_dims)}] : {cond.text()} }}"
            )
            return tidy(m.intersect_params(self.context))

    def read_map(self, text: str) -> Map:
        """A map of a certificate: its tuples must be declared spaces, its symbols this check's."""
        try:
            m = isl.Map(text)
        except isl.Error:
            raise Unknown("TV0404", f"not an index map: `{text[:80]}`") from None
        for i in range(m.dim(_D.param)):
            if m.get_dim_name(_D.param, i) not in self.symbols:
                raise Unknown("TV0404", f"an index map over unknown symbols: `{text[:80]}`")
        for kind in (_D.in_, _D.out):
            if m.dim(kind) != self.arity(str(m.get_tuple_name(kind))):
                raise Unknown("TV0404", f"an index map between unknown spaces: `{text[:80]}`")
        return m.align_params(self.context.get_space()).intersect_params(self.context)

    def text(self, x: Set | Map) -> str:
        return str(x)

    # -------------------------------------------------------------- guards
    def _same(self, a: Any, b: Any, what: str) -> None:
        if not a.get_space().has_equal_tuples(b.get_space()):
            raise Unknown("TV0402", f"`{what}` on different spaces: {a.get_space()} and {b.get_space()}")

    # -------------------------------------------------------------- questions
    def empty(self, s: Set | Map) -> bool:
        with self._ask("empty"):
            return bool(s.is_empty())

    def subset(self, a: Any, b: Any) -> bool:
        self._same(a, b, "subset")
        with self._ask("subset"):
            return bool(a.is_subset(b))

    def equal(self, a: Any, b: Any) -> bool:
        self._same(a, b, "equal")
        with self._ask("equal"):
            return bool(a.is_equal(b))

    def disjoint(self, a: Any, b: Any) -> bool:
        self._same(a, b, "disjoint")
        with self._ask("disjoint"):
            return bool(a.intersect(b).is_empty())

    def single_valued(self, m: Map) -> bool:
        with self._ask("single_valued"):
            return bool(m.is_single_valued())

    def injective(self, m: Map) -> bool:
        with self._ask("injective"):
            return bool(m.is_injective())

    # -------------------------------------------------------------- exact operations
    def meet(self, a: SetOrMap, b: SetOrMap) -> SetOrMap:
        self._same(a, b, "meet")
        with self._ask("meet"):
            return a.intersect(b)

    def join(self, a: SetOrMap, b: SetOrMap) -> SetOrMap:
        self._same(a, b, "join")
        with self._ask("join"):
            return tidy(a.union(b))

    def minus(self, a: SetOrMap, b: SetOrMap) -> SetOrMap:
        self._same(a, b, "minus")
        with self._ask("minus"):
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

    def restrict_domain(self, m: Map, s: Set) -> Map:
        self._same(m.domain(), s, "restrict_domain")
        with self._ask("restrict_domain"):
            return m.intersect_domain(s)

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

    def leaving(self, m: Map, s: Set) -> Map:
        """The part of m whose image is not in s."""
        self._same(m.range(), s, "leaving")
        with self._ask("leaving"):
            return m.intersect_range(s.complement())

    def coalesce(self, x: SetOrMap) -> SetOrMap:
        with self._ask("coalesce"):
            return tidy(x)

    def compose(self, a: Map, b: Map) -> Map:
        """a then b, dropping what b does not cover: for candidates and footprints only, whose results are checked again."""
        self._same(a.range(), b.domain(), "compose")
        with self._ask("compose"):
            return tidy(a.apply_range(b))

    def step_domain(self, r: Map, f: Map, why: str) -> Map:
        """r: A -> B moved along f: A -> A'. Total: raises Remainder where f has no image for some of r (S1)."""
        self._same(r.domain(), f.domain(), why)
        with self._ask(why):
            if not r.domain().is_subset(f.domain()):
                raise Remainder(why, r.subtract_domain(f.domain()))
            return tidy(r.apply_domain(f))

    def step_range(self, r: Map, g: Map, why: str) -> Map:
        """r: A -> B moved along g: B -> B'. Total, as `step_domain`."""
        self._same(r.range(), g.domain(), why)
        with self._ask(why):
            if not r.range().is_subset(g.domain()):
                raise Remainder(why, r.subtract_range(g.domain()))
            return tidy(r.apply_range(g))

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

    def envelope(self, r: Map, dom: Set, ran: Set) -> Map:
        """A simpler superset of r inside dom x ran: its equalities only. A guess: whoever claims it proves it whole."""
        with self._ask("envelope"):
            hull = tidy(isl.Map.from_basic_map(r.affine_hull()).intersect_domain(dom).intersect_range(ran))
            return hull if r.is_subset(hull) else r

    def agreeing(self, r: Map) -> Map:
        """Pairs that agree in the coordinates in which all pairs of r do; all pairs where r is between two spaces. A guess."""
        with self._ask("agreeing"):
            whole = isl.Map.universe(r.get_space())
            if not r.domain().get_space().has_equal_tuples(r.range().get_space()):
                return whole
            hull = isl.Map.from_basic_map(r.affine_hull())
            for k in range(r.dim(_D.in_)):
                if hull.is_subset(hull.equate(_D.in_, k, _D.out, k)):
                    whole = whole.equate(_D.in_, k, _D.out, k)
            return whole

    def messy(self, r: Map) -> bool:
        """Several pieces, or many existentials: worth replacing by its envelope."""
        n = [0, 0]

        def see(b: Any) -> None:
            n[0] += 1
            n[1] += b.dim(_D.div)

        r.foreach_basic_map(see)
        return n[0] > 1 or n[1] > 2

    def orbit(self, r: Map, moved: Map, dom: Set, ran: Set) -> Map:
        """r joined with its translates by the vector from a point of r to one of `moved`, inside dom x ran. A guess."""
        with self._ask("orbit"):
            a, b = self._point(r.wrap()), self._point(moved.wrap())
            n = len(a)
            xs, zs = [f"x{i}" for i in range(n)], [f"z{i}" for i in range(n)]
            steps = " and ".join(f"{z} = {x} + {q - p}k" for x, z, p, q in zip(xs, zs, a, b, strict=True))
            text = f"{self._prefix}{{ [{', '.join(xs)}] -> [{', '.join(zs)}] : exists k : k >= 0 and {steps} }}"
            unflatten = isl.Set.universe(r.wrap().get_space()).flatten_map().reverse()
            shifted = r.wrap().flatten().apply(isl.Map(text)).apply(unflatten).unwrap()
            return tidy(r.union(shifted.intersect_domain(dom).intersect_range(ran)))

    def _point(self, s: Set) -> list[int]:
        p = s.project_out(_D.param, 0, s.dim(_D.param)).lexmax().sample_point()
        return [int(p.get_coordinate_val(_D.set, i).to_python()) for i in range(s.dim(_D.set))]

    # -------------------------------------------------------------- points
    def source_name(self, m: Map) -> str:
        """Tuple name of a map's domain."""
        return str(m.get_tuple_name(_D.in_))

    def target_name(self, m: Map) -> str:
        return str(m.get_tuple_name(_D.out))

    def sample(self, x: Set | Map) -> dict[str, int] | None:
        """One point, by dimension name (in_k and out_k where nameless), symbols included; None where x is empty."""
        with self._ask("sample"):
            s = x.wrap() if isinstance(x, isl.Map) else x
            if s.is_empty():
                return None
            p = s.sample_point()
            out = {n: int(p.get_coordinate_val(_D.param, i).to_python()) for i, n in enumerate(self.symbols)}
            n_in = x.dim(_D.in_) if isinstance(x, isl.Map) else 0
            for i in range(s.dim(_D.set)):
                out[f"in_{i}" if i < n_in else f"out_{i - n_in}"] = int(p.get_coordinate_val(_D.set, i).to_python())
            return out

    def points(self, s: Set, limit: int = 200_000) -> list[tuple[int, ...]]:
        """All points of a bounded set without symbols (small instances only); Unknown above `limit`."""
        out: list[tuple[int, ...]] = []
        n = s.dim(_D.set)

        def visit(p: Any) -> None:
            if len(out) >= limit:
                raise isl.Error("too many points")
            out.append(tuple(int(p.get_coordinate_val(_D.set, i).to_python()) for i in range(n)))

        with self._ask("points"):
            s.foreach_point(visit)
        return out

    def pieces(self, x: Set | Map) -> int:
        return int(x.n_basic_map() if isinstance(x, isl.Map) else x.n_basic_set())


def ask(sets: Sets, question: Callable[[], Any], what: str) -> Any:
    """Runs a compound isl question of a module in this package under the budget."""
    with sets._ask(what):
        return question()
