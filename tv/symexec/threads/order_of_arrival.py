"""Does a result depend on which block comes last? Values must not, in any of their parts: another run has another last block.

The statements of last blocks are compared without the coordinates that say which block of its group it is: what they refer to,
and under which conditions, has to be the same then for every choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tv.obligation import Obligation, Status, Witness
from tv.sets import Affine, Map
from tv.source import Span
from tv.symexec.build import Program
from tv.symexec.obligations import failing
from tv.symexec.threads.arrivals import Group, after, roles
from tv.term import Term


def order_of_arrival(program: Program, groups: list[Group], readers: list[str]) -> list[Obligation]:
    """Obligations that are open; after `resolve`. readers: the units that read outputs."""
    return [*_forwarded(program), *(_Choices(program, groups).open(readers) if groups else ())]


def _forwarded(program: Program) -> list[Obligation]:
    """A load of a shared variable that was given what a store says of who is last: it has to read that store."""
    out, units, merged = [], program.system.units, program.trace.merged
    for load, store, span in program.trace.forwarded:
        (load_unit, _), (store_unit, _) = merged.get(load, (load, 0)), merged.get(store, (store, 0))
        value = units[load_unit].value
        parts = [value, *value.args]
        refs = {t.name for t in parts if t.kind == "ref"}
        if refs != {store_unit} or any(t.kind not in ("ref", "case", "op") for t in parts):
            text = "this variable may be read before it says which block comes last"
            id = f"{program.trace.kernel.name}.init"
            out.append(
                failing("init", id, span, text, "write it, then let all threads pass a barrier", Witness(spans=(span,)))
            )
    return out


class _Choices:
    def __init__(self, program: Program, groups: list[Group]) -> None:
        self.program, self.sets, self.groups, self.symbols = program, program.system.sets, groups, roles(program)
        self.stripped: dict[str, Map | None] = {}

    def open(self, readers: list[str]) -> list[Obligation]:
        """Of what the readers' values are made of, a statement that differs with the last block."""
        units, kernel, found = self.program.system.units, self.program.trace.kernel, list[Span]()
        todo, seen = list(readers), set[str]()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            todo += [t.name for t in _terms(units[name].value) if t.kind == "ref"]
            if not self.same(name):
                found.append(units[name].span)
        if not found:
            return []
        span = next((x for x in found if x != kernel.span), kernel.span)
        text = "this value depends on which block comes last"
        help = "let the last block read what each block has left in memory, its own part too, in one order"
        return [Obligation(f"{kernel.name}.determinism", "determinism", Status.UNKNOWN, span, text, help)]

    def same(self, name: str) -> bool:
        """Is the unit's value, its references included, the same for every choice?"""
        unit = self.program.system.units[name]
        terms, own = list(_terms(unit.value)), self.strip(name)
        for s in [unit.domain, *(s for t in terms for s in t.sets)]:
            if not self.free(s if own is None else self.sets.range(self.sets.restrict_domain(own, s))):
                return False
        for t in terms:
            if t.map is None:
                continue
            target = self.strip(t.name) if t.kind == "ref" else None
            m = t.map if target is None else self.sets.compose(t.map, target)
            if not self.free(m if own is None else self.sets.compose(self.sets.reverse(own), m)):
                return False
        return True

    def free(self, x: Any) -> bool:
        """Does this not hang on who is last?"""
        return self.sets.equal(x, self.sets.forgetting(x, self.symbols))

    def strip(self, name: str) -> Map | None:
        """Instances of a last block's unit -> the same without the block's place in its group; None for other units."""
        if name not in self.stripped:
            self.stripped[name] = None
            unit, space = self.program.system.units[name], self.program.trace.space
            for g in self.groups:
                if unit.thread is not None and after(self.program, g.arrival, name):
                    rest = [Affine.dim(d) for d in unit.scope.dims if d not in space.block_dims]
                    at = [*g.arrival.group, *rest]
                    self.stripped[name] = self.sets.map(
                        name, unit.scope.dims, unit.scope.domain, f"{name}_of_group", at
                    )
                    break
        return self.stripped[name]


def _terms(root: Term) -> Iterator[Term]:
    """The term and everything below it, each once."""
    todo, seen = [root], set[int]()
    while todo:
        t = todo.pop()
        if t.id not in seen:
            seen.add(t.id)
            yield t
            todo += t.args
