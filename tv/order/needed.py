"""Which elements of a graph's tensors its outputs need, and the cases of tensors without those of which none is needed."""

from __future__ import annotations

from collections.abc import Iterable

from tv.sets import Set
from tv.system import System
from tv.term import Term


def without_unread_cases(system: System, outputs: Iterable[str]) -> None:
    """Of units that are cases, drops those that no element which an output needs has. outputs: names of units."""
    found = needed(system, tuple(outputs))
    for u in system.units.values():
        if u.value.kind != "case" or u.name not in found:
            continue
        arms = list(zip(u.value.sets, u.value.args, strict=True))
        left = [(s, a) for s, a in arms if not system.sets.disjoint(s, found[u.name])]
        if 0 < len(left) < len(arms):
            u.value = left[0][1] if len(left) == 1 else system.terms.case(left)


def needed(system: System, outputs: tuple[str, ...]) -> dict[str, Set]:
    """By unit, the elements that the outputs need, whole; all elements of a unit that needs itself."""
    order, whole = readers_first(system, outputs)
    out = {n: system.units[n].domain for n in {*outputs, *whole}}
    for name in order:
        todo = [(system.units[name].value, out[name])]
        seen: dict[tuple[int, int], Set] = {}  # the sets stay alive: they are told apart by identity
        while todo:
            t, here = todo.pop()
            if (t.id, id(here)) in seen:
                continue
            seen[t.id, id(here)] = here
            inside = [here] * len(t.args)
            match t.kind:
                case "ref":
                    there = system.sets.range(system.sets.restrict_domain(t.embedding(), here))
                    if t.name not in whole:
                        out[t.name] = system.sets.join(out[t.name], there) if t.name in out else there
                case "case":
                    inside = [system.sets.meet(here, s) for s in t.sets]
                case "reduce" | "pick":
                    inside[0] = system.sets.range(system.sets.restrict_domain(t.embedding(), here))
            todo += zip(t.args, inside, strict=True)
    return out


def readers_first(system: System, outputs: tuple[str, ...]) -> tuple[list[str], set[str]]:
    """The units that the outputs refer to, each before those that it refers to itself, but for references in a circle: with the
    units that such come back to."""
    done: dict[str, None] = {}
    circles, open_ = set[str](), set[str]()
    stack = [(n, False) for n in outputs]
    while stack:
        name, left = stack.pop()
        if left:
            open_.discard(name)
            done[name] = None
        elif name in open_:
            circles.add(name)
        elif name not in done:
            open_.add(name)
            stack.append((name, True))
            stack += [(t.name, False) for t in references(system.units[name].value)]
    return list(done)[::-1], circles


def references(root: Term) -> list[Term]:
    found, seen, todo = list[Term](), {root.id}, [root]
    while todo:
        t = todo.pop()
        if t.kind == "ref":
            found.append(t)
        fresh = [a for a in t.args if a.id not in seen]
        seen |= {a.id for a in fresh}
        todo += fresh
    return found
