"""The maps that a proof rests on, looked at point by point: pairings of a sum's terms, and which thread's value is which element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from tests.random_kernels.enumeration import Disagreement
from tv.equiv import checker
from tv.equiv.matching import Link, Matching
from tv.equiv.problem import Output
from tv.sets import Map, Sets

Point = tuple[int, ...]
Links = list[tuple[int, int, Link]]


@dataclass
class Bijections:
    """What a checker accepted: each sum's pairing, with the contributions that it pairs."""

    sums: list[tuple[Matching, Links]] = field(default_factory=list)

    def compare(self, sets: Sets, outputs: list[Output], elements: int) -> Counter[str]:
        """Raises Disagreement where a map is not one to one, or leaves something out. elements: of the one output."""
        for o in outputs:
            pairs = table(sets, o.relation)
            each = [there for found in pairs.values() for there in found]
            if len(pairs) != elements or len(each) != elements or len(set(each)) != elements:
                raise Disagreement(f"the elements of `{o.name}` are not those of its reader, one to one")
        for matching, links in self.sums:
            paired(sets, matching, links)
        return Counter({"outputs one to one": len(outputs), "sums whose terms are paired": len(self.sums)})


@contextmanager
def recorded() -> Iterator[Bijections]:
    """What the checker accepts in the body."""
    found = Bijections()

    class Recording(Matching):
        def check(self, links: Links) -> None:
            super().check(links)
            found.sums.append((self, links))

    with patch.object(checker, "Matching", Recording):
        yield found


def paired(sets: Sets, matching: Matching, links: Links) -> None:
    """For every pair of results: each term of the kernel's sum goes with one of the graph's, and the other way round."""
    k, g = ([table(sets, c.reach) for c in side] for side in (matching.k, matching.g))
    idle = [set() if c.idle is None else points(sets, c.idle) for c in matching.k]
    forward = [(i, j, points(sets, link.forward)) for i, j, link in links]
    for here, others in table(sets, matching.relation).items():
        for there in others:
            kernel = {(i, leaf) for i, reach in enumerate(k) for leaf in reach.get(here, [])}
            graph = {(j, leaf) for j, reach in enumerate(g) for leaf in reach.get(there, [])}
            before = () if matching.simple else (*here, *there)
            pairs = {
                ((i, a), (j, b))
                for i, j, known in forward
                for x, a in kernel
                if x == i
                for y, b in graph
                if y == j and (*before, *a, *b) in known
            }
            resting = {(i, a) for i, a in kernel if (*here, *a) in idle[i]} if not matching.counted else set()
            lost = (kernel - {a for a, _ in pairs} - resting) | (graph - {b for _, b in pairs})
            if lost or (matching.counted and not len(pairs) == len(kernel) == len(graph)):
                raise Disagreement(f"the terms of a sum are not paired one to one: {sorted(lost)[:3]}")


def points(sets: Sets, m: Map) -> set[Point]:
    """(domain, range) of each pair, in one tuple."""
    return set(sets.points(sets.wrap(m)))


def table(sets: Sets, m: Map) -> dict[Point, list[Point]]:
    """Domain -> images."""
    sources = sets.points(sets.domain(m))
    arity = len(sources[0]) if sources else 0
    out: dict[Point, list[Point]] = {}
    for p in points(sets, m):
        out.setdefault(p[:arity], []).append(p[arity:])
    return out
