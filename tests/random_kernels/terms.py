"""Units of a program at single instances: the meaning of its terms, by evaluation of every reference along its index map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.random_kernels.scalars import Memory, Undefined
from tv.arithmetic import fold
from tv.sets import Map, Set
from tv.symexec import Program
from tv.term import Term

Point = tuple[int, ...]


class Values:
    """Bits of units of a resolved program. buffers: bytes before the launch, of each buffer that holds an input."""

    def __init__(self, program: Program, buffers: Mapping[str, Memory]) -> None:
        self.system, self.program, self.buffers = program.system, program, buffers
        self.known: dict[tuple[str, Point], int | None] = {}
        self.maps: dict[int, tuple[Map, dict[Point, list[Point]]]] = {}
        self.sets: dict[int, tuple[Set, frozenset[Point]]] = {}

    def at(self, unit: str, point: Point) -> int:
        """The bits at one instance. Raises Undefined where they come from what nobody wrote."""
        key = (unit, point)
        if key not in self.known:
            try:
                self.known[key] = self.term(self.system.units[unit].value, point, None)
            except Undefined:
                self.known[key] = None
        value = self.known[key]
        if value is None:
            raise Undefined
        return value

    def images(self, m: Map, point: Point) -> Sequence[Point]:
        """In lexicographic order."""
        if id(m) not in self.maps:
            table: dict[Point, list[Point]] = {}
            sets = self.system.sets
            arity = len(point)
            for p in sorted(sets.points(sets.wrap(m))):
                table.setdefault(p[:arity], []).append(p[arity:])
            self.maps[id(m)] = (m, table)
        return self.maps[id(m)][1].get(point, [])

    def only(self, m: Map, point: Point) -> Point:
        (there,) = self.images(m, point)
        return there

    def holds(self, s: Set, point: Point) -> bool:
        if id(s) not in self.sets:
            self.sets[id(s)] = (s, frozenset(self.system.sets.points(s)))
        return point in self.sets[id(s)][1]

    def term(self, t: Term, at: Point, hole: int | None) -> int:
        match t.kind:
            case "const":
                return t.bits
            case "hole":
                assert hole is not None
                return hole
            case "op":
                return self.operation(t, at, hole)
            case "ref":
                return self.at(t.name, self.only(t.embedding(), at))
            case "input":
                return self.content(t, self.only(t.embedding(), at))
            case "index":
                return self.only(t.embedding(), at)[0] & ((1 << t.width) - 1)
            case "case":
                (arm,) = [a for s, a in zip(t.sets, t.args, strict=True) if self.holds(s, at)]
                return self.term(arm, at, hole)
            case "reduce":
                total = self.term(t.args[1], at, hole)
                for round in self.images(t.embedding(), at):
                    total = self.term(t.args[0], round, total)
                return total
            case "undefined":
                raise Undefined
            case _:
                raise TypeError(t.kind)

    def operation(self, t: Term, at: Point, hole: int | None) -> int:
        if t.name == "concat":
            whole, low = 0, 0
            for a in t.args:
                whole, low = whole | self.term(a, at, hole) << low, low + a.width
            return whole
        if t.name.split(".")[0] == "select":
            return self.term(t.args[1 if self.term(t.args[0], at, hole) else 2], at, hole)
        found = fold(t.name, [self.term(a, at, hole) for a in t.args])
        if found is None:
            raise TypeError(t.name)
        return found

    def content(self, t: Term, cell: Point) -> int:
        """Of a global buffer before the launch, at the coordinates of a cell."""
        cells = self.program.objects[t.name]
        *rows, last = cell
        linear = last + sum(r * s for r, s in zip(rows, cells.strides, strict=True))
        first, width = linear * cells.bits // 8, t.width // 8
        raw = [b for b in self.buffers[t.name][first : first + width] if b is not None]
        assert len(raw) == width
        return int.from_bytes(bytes(raw), "little")
