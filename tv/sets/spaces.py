"""The door to isl: registered spaces, sets and maps from text, a deterministic budget for each question, answers kept.

isl's silence is the danger: composition drops what it cannot place, operations on different spaces answer "empty". Here an
operation on two different spaces raises, and every isl error, exhaustion included, is `Unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import islpy as isl

from tv.diagnostic import Unknown
from tv.sets.affine import Affine
from tv.sets.formulas import TRUE, Formula

Set: TypeAlias = isl.Set
Map: TypeAlias = isl.Map
SetOrMap = TypeVar("SetOrMap", isl.Set, isl.Map)
_D = isl.dim_type
_CTX = isl.DEFAULT_CONTEXT
_P = ParamSpec("_P")
_S = TypeVar("_S", bound="Spaces")
_T = TypeVar("_T")


def tidy(x: SetOrMap) -> SetOrMap:
    """x with fewer pieces, where isl finds them. Coalescing changes no set, and isl's is known to fail on some
    ("original tableau does not correspond"): then x stays as it is. On others, with constraints
    that follow from the rest, it crashes, so these go first."""
    try:
        return x.remove_redundancies().coalesce()
    except isl.Error:
        return x


class Spaces:
    """Spaces, symbols and the budget of one check.

    symbols: names of open integers. context: what is known of them; never empty (SOUNDNESS S13), else Unknown.
    """

    def __init__(self, symbols: Sequence[str] = (), context: Formula = TRUE, budget: int = 5_000_000) -> None:
        self.symbols = tuple(symbols)
        self._prefix = f"[{', '.join(symbols)}] -> " if symbols else ""
        self._arity: dict[str, int] = {}
        self._budget, self._depth = budget, 0
        self.answers: dict[tuple[object, ...], list[tuple[tuple[object, ...], Any]]] = {}  # of `remembered`
        self._sets: dict[str, Set] = {}
        self._maps: dict[tuple[str, int], Map] = {}
        self.orders: dict[tuple[str, int, bool], Map] = {}  # of `lex_less`
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

    def source_name(self, m: Map) -> str:
        """Tuple name of a map's domain."""
        return str(m.get_tuple_name(_D.in_))

    def target_name(self, m: Map) -> str:
        return str(m.get_tuple_name(_D.out))

    # -------------------------------------------------------------- guards
    def _same(self, a: Any, b: Any, what: str) -> None:
        if not a.get_space().has_equal_tuples(b.get_space()):
            raise Unknown("TV0402", f"`{what}` on different spaces: {a.get_space()} and {b.get_space()}")


def remembered(question: Callable[Concatenate[_S, _P], _T]) -> Callable[Concatenate[_S, _P], _T]:
    """A method whose answer hangs on its operands alone: of operands that are plainly equal to those of an earlier question the
    answer is that one's. A search asks most of its questions many times, of sets that it made anew."""
    name = question.__name__

    @wraps(question)
    def ask(sets: _S, /, *args: _P.args, **named: _P.kwargs) -> _T:
        operands = (*args, *named.values())
        key = (name, *named, *map(hash, operands))
        for known, answer in sets.answers.get(key, ()):
            if all(map(_plainly_equal, known, operands)):
                found: _T = answer
                return found
        answer = question(sets, *args, **named)
        sets.answers.setdefault(key, []).append((operands, answer))
        return answer

    return ask


def _plainly_equal(a: object, b: object) -> bool:
    """Are two operands the same, space and text of isl's representation alike? False says nothing."""
    if isinstance(a, isl.Set):
        return isinstance(b, isl.Set) and bool(a.plain_is_equal(b))
    if isinstance(a, isl.Map):
        return isinstance(b, isl.Map) and bool(a.plain_is_equal(b))
    return type(a) is type(b) and a == b
