"""Loads of 16 or 8 bytes: the elements of an expression that lie next to each other along a short loop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from megac import index as ix
from megac.emit.expressions import Text
from megac.emit.places import Scope, along, divisible
from megac.emit.types import C_TYPES
from megac.expr import walk
from megac.index import Ranges
from megac.ir import AxisRef, Cast, Expr, Index, IndexTest, Load, Op, Select
from megac.memory.records import Place

WIDE = {16: "uint4", 8: "uint2"}  # by bytes


@dataclass(slots=True)
class Vectors:
    """Operands of an expression that one load has for all `by` elements of the loop `e`; where these are no 16 or 8 bytes they
    are loaded one by one. lines: the loads, to stand before that loop."""

    scope: Scope
    text: Text
    e: str
    by: int
    lines: list[str] = field(default_factory=list)
    names: dict[Expr, Load] = field(default_factory=dict)

    def taken(self, x: Expr) -> Expr:
        """The expression with such operands replaced by elements of what is loaded."""
        if x in self.names:
            return self.names[x]
        loaded = self._loaded(x)
        if loaded is not None:
            return self._named(x, loaded)
        match x:
            case Op(name, args, dtype):
                return Op(name, tuple(map(self.taken, args)), dtype)
            case Cast(arg, dtype):
                return Cast(self.taken(arg), dtype)
            case Select(cond, yes, no) if not self._follows(cond):
                return Select(cond, self.taken(yes), self.taken(no))
            case _:
                return x

    def _named(self, x: Expr, loaded: str) -> Load:
        v, h = self.scope.variable("v"), self.scope.variable("h")
        self.declare(x, v, h, loaded)
        self.names[x] = Load(f"vector {h}", (), x.dtype)
        self.scope.held[f"vector {h}"] = f"{h}[{self.e}]"
        return self.names[x]

    def declare(self, x: Expr, v: str, h: str, loaded: str) -> None:
        """Notes the lines of a load into `v`, whose elements `h` points to."""
        kind = C_TYPES[x.dtype]
        wide = WIDE[self.by * x.dtype.bytes]
        self.lines += [f"const {wide} {v} = {loaded};", f"const {kind}* {h} = (const {kind}*)&{v};"]

    def _loaded(self, x: Expr) -> str | None:
        """The text of the load, or of a choice between two."""
        match x:
            case Load(tensor) if tensor not in self.scope.held:
                at = pointer(*self.scope.where(x), self.e, self.by, self.scope, self.text)
                return None if at is None else f"*(const {WIDE[self.by * x.dtype.bytes]}*){at}"
            case Select(cond, yes, no) if not self._follows(cond):
                a, b = self._loaded(yes), self._loaded(no)
                return None if a is None or b is None else f"{self.text.value(cond)} ? {a} : {b}"
            case _:
                return None

    def _follows(self, x: Expr) -> bool:
        """May the value be another one for each element?"""
        for y in walk(x):
            match y:
                case IndexTest(_, index):
                    if any(not isinstance(a, AxisRef) or a.name == self.e for a, _ in index.terms):
                        return True
                case _:
                    return True
        return False


def pointer(place: Place, at: Index, e: str, by: int, scope: Scope, text: Text) -> str | None:
    """Where `by` elements along the loop `e` begin, as an operand, if they are so many bytes and so aligned that one access
    has them."""
    base = None if place.scalar or place.called else along(at, e)
    if base is None or by * place.dtype.bytes not in WIDE or not divisible(base, by):
        return None
    offset = scope.offset(place, base, replace(text, ranges=Ranges(text.ranges.axes, {})))
    return place.base if offset == "0" else f"({place.base} + {offset})"


def chunk(c: str, e: str, by: int) -> Index:
    """The index of element e of chunk c."""
    return ix.add(ix.scaled(ix.axis(c), by), ix.axis(e))
