"""Which values of the kernel are, or are made of, uninitialised memory or conversions that are undefined.

Such a value may be another one at each of its uses, so nothing may be concluded from what holds for all values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tv.sets import Set, Sets
from tv.system import Unit
from tv.term import DOUBTFUL, Term


class Definedness:
    """units: of the kernel, with their values filled in."""

    def __init__(self, sets: Sets, units: Mapping[str, Unit]) -> None:
        self.sets, self.units = sets, units
        self.doubtful = reaching(units)

    def undefined(self, unit: str, where: Set, above: frozenset[str] = frozenset()) -> bool:
        """Whether the value of `unit` may rest on uninitialised memory at an instance of `where`; yes, in a loop of doubtful units."""
        if unit not in self.doubtful or self.sets.empty(where):
            return False
        return unit in above or self.within(self.units[unit].value, where, above | {unit})

    def within(self, t: Term, where: Set, above: frozenset[str]) -> bool:
        match t.kind:
            case "undefined":
                return True
            case "const" | "input" | "index" | "hole":
                return False
            case "op" if t.attr == DOUBTFUL:
                return True
            case "op":
                return any(self.within(a, where, above) for a in t.args)
            case "case":
                parts = [(self.sets.meet(where, s), a) for s, a in zip(t.sets, t.args, strict=True)]
                return any(not self.sets.empty(s) and self.within(a, s, above) for s, a in parts)
            case "ref":
                at = self.sets.range(self.sets.restrict_domain(t.embedding(), where))
                return self.undefined(t.name, at, above)
            case _:  # of another scope: asked of whole units
                return any(is_undefined(x) or (x.kind == "ref" and x.name in self.doubtful) for x in parts_of(t))


def is_undefined(t: Term) -> bool:
    return t.kind == "undefined" or (t.kind == "op" and t.attr == DOUBTFUL)


def reaching(units: Mapping[str, Unit]) -> frozenset[str]:
    """Units with an undefined value among what they are made of, at whatever instance."""
    users: dict[str, list[str]] = {}
    todo: list[str] = []
    for name, u in units.items():
        for t in parts_of(u.value):
            if is_undefined(t):
                todo.append(name)
            elif t.kind == "ref":
                users.setdefault(t.name, []).append(name)
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += users.get(name, [])
    return frozenset(found)


def parts_of(root: Term) -> Iterator[Term]:
    todo, seen = [root], set[int]()
    while todo:
        t = todo.pop()
        if t.id not in seen:
            seen.add(t.id)
            yield t
            todo += t.args
