"""Booleans in memory: bytes that are 0 or 1. A graph's system with a unit of bytes for every boolean tensor that buffers hold.

A buffer's byte is the boolean widened. That a boolean input's bytes are 0 or 1 is the caller's account, as the tensor's type is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from tv.equiv.problem import Image, Output
from tv.graph import Supposed
from tv.sets import Affine, Map
from tv.system import Scope, System, Unit
from tv.term import Term


@dataclass(slots=True)
class Bytes:
    """system: the graph's, which stays as it is, with the units added. supposed: of its terms, by id."""

    system: System
    supposed: dict[int, Supposed] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)  # of booleans -> of their bytes

    def images(self, found: Mapping[str, tuple[Image, ...]]) -> dict[str, tuple[Image, ...]]:
        """The places in memory of inputs, of booleans by their bytes."""
        return dict(self._input(unit, places) for unit, places in found.items())

    def _input(self, unit: str, places: tuple[Image, ...]) -> tuple[str, tuple[Image, ...]]:
        u = self.system.units.get(unit)
        if u is None or u.width != 1 or u.value.kind != "input":
            return unit, places
        terms, sets = self.system.terms, self.system.sets
        name, back = self._unit(u), self._same(u, self.units[unit], unit)
        own = sets.reverse(back)
        self.system.units[name].value = terms.input(name, sets.identity(self.system.scope_sets[name]), 8)
        byte = terms.ref(name, own, 8)
        self.supposed[byte.id] = Supposed("u8", Affine.of(0), Affine.of(1))
        value = terms.op("xor.i1", terms.op("eq.i8", byte, terms.const(0, 8)), terms.const(1, 1))
        self.system.units[unit] = replace(u, value=value)
        return name, tuple(Image(i.object, sets.compose(back, i.cells)) for i in places)

    def outputs(self, found: Collection[Output]) -> list[Output]:
        """What final readers are related to, of booleans their bytes."""
        return [self._output(o) for o in found]

    def _output(self, o: Output) -> Output:
        u = self.system.units[o.unit]
        if u.width != 1:
            return o
        terms, sets = self.system.terms, self.system.sets
        if o.unit not in self.units:
            name = self._unit(u)
            bit = terms.ref(o.unit, self._same(u, name, o.unit), 1)
            self.system.units[name].value = terms.op("cvt.u8.u1", bit)
        name = self.units[o.unit]
        return replace(o, unit=name, relation=sets.compose(o.relation, self._same(u, o.unit, name)))

    def _unit(self, u: Unit) -> str:
        """A unit of bytes with the indices of u; its value is still to be given."""
        name = f"byte_of_{u.name}"
        scope = self.system.scope(Scope(name, u.scope.dims, u.scope.domain, name))
        value: Term = self.system.terms.hole(8)
        self.system.units[name] = replace(
            u, name=name, scope=scope, domain=self.system.scope_sets[name], width=8, value=value, uses=1
        )
        self.units[u.name] = name
        return name

    def _same(self, u: Unit, source: str, target: str) -> Map:
        dims = u.scope.dims
        return self.system.sets.map(source, dims, u.scope.domain, target, [Affine.dim(d) for d in dims])


def in_memory(system: System, supposed: Mapping[int, Supposed]) -> Bytes:
    """A copy of a graph's system that may grow units of bytes."""
    own = replace(system, units=dict(system.units), scopes=dict(system.scopes), scope_sets=dict(system.scope_sets))
    return Bytes(own, dict(supposed))
