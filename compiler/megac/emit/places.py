"""Elements of tensors as C: variables, shared arrays, cells of parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

from megac import index as ix
from megac.dtype import DType
from megac.emit.expressions import Text
from megac.index import Ranges
from megac.ir import Append, Axis, AxisRef, Expr, Index, Load, Op, Reduced, Stage, Weight
from megac.memory.records import Memory, Place
from megac.schedule.kinds import mentions
from megac.size import ONE, Size


@dataclass(slots=True)
class Scope:
    """A phase while its text is made. held: the variable that has a tensor's element where the text stands, for tensors
    that are one there; outside: is the phase outside of the layers? reserved:
    names of parameters and arrays; rows: the append that a stage makes rows of; helpers: functions that are called."""

    memory: Memory
    limits: dict[str, int]
    reserved: frozenset[str]
    weights: dict[str, Weight]
    phase: int = 0
    outside: bool = False
    held: dict[str, str] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)  # leading axes that the nest's loop has taken
    helpers: set[str] = field(default_factory=set)
    shown: dict[str, int] = field(default_factory=dict)
    rows: dict[str, Append] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    slices: dict[DType, int] = field(default_factory=dict)  # elements of a thread in the array of partial sums

    def variable(self, wanted: str) -> str:
        """A name that no other variable of the phase has, and no parameter or array."""
        while True:
            k = self.shown[wanted] = self.shown.get(wanted, -1) + 1
            if f"{wanted}{k}" not in self.reserved:
                return f"{wanted}{k}"

    def text(self, *loops: Axis) -> Text:
        return Text(self.load, self.memory.dims, self.limits, Ranges.of(loops), self.variable)

    def load(self, x: Load, text: Text) -> str:
        """A tensor's element."""
        if x.tensor in self.held:
            return self.held[x.tensor]
        local = self.memory.local.get((self.phase, x.tensor))
        if local is not None and x.tensor in self.taken:
            return self.cell(local, x.index[self.taken[x.tensor] :], text)
        return self.cell(self.place(x.tensor), x.index, text)

    def above_infinity(self, e: Expr) -> bool:
        """Is a number of this tensor known to be no -inf: an exp, or a quotient of such?"""
        match e:
            case Op("exp"):
                return True
            case Op("div", (a, b)):
                return self.above_infinity(a) and self.above_infinity(b)
            case Load(tensor) if tensor in self.stages:
                s = self.stages[tensor]
                if s.reduction is None:
                    return self.above_infinity(s.body)
                return (
                    s.reduction.op == "sum" and isinstance(s.body, Reduced) and self.above_infinity(s.reduction.element)
                )
            case _:
                return False

    def place(self, tensor: str) -> Place:
        """Where a tensor lies for a phase in the layers, or outside."""
        if self.outside and tensor in self.memory.outside:
            return self.memory.outside[tensor]
        return self.memory.places[tensor]

    def cell(self, place: Place, index: tuple[Index, ...], text: Text) -> str:
        if place.scalar:
            return place.base
        if place.called:
            return f"{place.base}({text.index(address(place, index))})"
        return f"{place.base}[{self.offset(place, address(place, index), text)}]"

    def offset(self, place: Place, at: Index, text: Text) -> str:
        own = text.index(at)
        if not place.offset:
            return own
        return place.offset if own == "0" else f"{place.offset} + {own}"

    def where(self, x: Load) -> tuple[Place, Index]:
        """The place of a tensor that a load reads, and the element's number in it."""
        local = self.memory.local.get((self.phase, x.tensor))
        if local is not None and x.tensor in self.taken:
            return local, address(local, x.index[self.taken[x.tensor] :])
        place = self.place(x.tensor)
        return place, address(place, x.index)

    def stored(self, s: Stage, own: tuple[Index, ...], text: Text) -> str | None:
        """The cell in global memory that a stage's element goes to, if it has one."""
        place = self.memory.places.get(s.name)
        return None if place is None else self.cell(place, self.full(s, own), text)

    def full(self, s: Stage, own: tuple[Index, ...]) -> tuple[Index, ...]:
        """For new rows of a cache their index in it, for others their own."""
        a = self.rows.get(s.name)
        if a is None:
            return own
        left = iter(own)
        out = []
        for axis, extent in enumerate(a.shape):
            i = ix.constant(0) if (a.count if axis == a.axis else extent) == ONE else next(left)
            out.append(ix.add(i, a.position) if axis == a.axis else i)
        return tuple(out)


def address(place: Place, index: tuple[Index, ...]) -> Index:
    """The number of an element among the cells of its tensor."""
    return ix.row_major([index[d] for d in place.order], place.shape)


def along(i: Index, variable: str) -> Index | None:
    """What an index is without a loop's variable, where it follows that one by one and nowhere else."""
    ref = AxisRef(variable)
    rest = tuple((a, f) for a, f in i.terms if a != ref)
    if dict(i.terms).get(ref) != ONE or mentions(Index(rest, i.const), frozenset({variable})):
        return None
    return Index(rest, i.const)


def divisible(i: Index, by: int) -> bool:
    """Is the index known to be a multiple?"""
    return all(_multiple(f, by) for _, f in i.terms) and _multiple(i.const, by)


def _multiple(s: Size, by: int) -> bool:
    return s.const % by == 0 and all(f % by == 0 for _, f in s.terms)
