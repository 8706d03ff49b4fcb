"""Loads of 16 bytes: the elements of an expression that lie next to each other along a short loop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from megac import index as ix
from megac.emit.expressions import Text
from megac.emit.places import Scope, along, divisible
from megac.emit.types import C_TYPES, width
from megac.expr import walk
from megac.index import Ranges
from megac.ir import AxisRef, Cast, Expr, Index, IndexTest, Load, Op, Select


@dataclass(slots=True)
class Vectors:
    """Operands of an expression that one load has for all `by` elements of the loop `e`; those of wider or narrower elements are
    loaded one by one. lines: the loads, to stand before that loop."""

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
        self.lines += [
            f"const uint4 {v} = {loaded};",
            f"const {C_TYPES[x.dtype]}* {h} = (const {C_TYPES[x.dtype]}*)&{v};",
        ]
        self.names[x] = Load(f"vector {h}", (), x.dtype)
        self.scope.held[f"vector {h}"] = f"{h}[{self.e}]"
        return self.names[x]

    def _loaded(self, x: Expr) -> str | None:
        """The text of the load, or of a choice between two."""
        match x:
            case Load(tensor) if tensor not in self.scope.held:
                place, at = self.scope.where(x)
                base = None if place.scalar or place.called else along(at, self.e)
                if base is None or width(x.dtype) != self.by or not divisible(base, self.by):
                    return None
                fixed = replace(self.text, ranges=Ranges(self.text.ranges.axes, {}))
                offset = self.scope.offset(place, base, fixed)
                return f"*(const uint4*)({place.base} + {offset})" if offset != "0" else f"*(const uint4*){place.base}"
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


def chunk(c: str, e: str, by: int) -> Index:
    """The index of element e of chunk c."""
    return ix.add(ix.scaled(ix.axis(c), by), ix.axis(e))
