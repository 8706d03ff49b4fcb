"""Guesses that widen a relation: whoever claims one proves it whole by exact operations."""

from __future__ import annotations

import islpy as isl

from tv.sets.algebra import Sets
from tv.sets.spaces import Map, Set, remembered, tidy

_D = isl.dim_type


@remembered
def envelope(sets: Sets, r: Map, dom: Set, ran: Set) -> Map:
    """A simpler superset of r inside dom x ran: its equalities only. A guess: whoever claims it proves it whole."""
    with sets._ask("envelope"):
        hull = tidy(isl.Map.from_basic_map(r.affine_hull()).intersect_domain(dom).intersect_range(ran))
        return hull if r.is_subset(hull) else r


def agreeing(sets: Sets, r: Map) -> Map:
    """Pairs that agree in the coordinates in which all pairs of r do; all pairs where r is between two spaces. A guess."""
    with sets._ask("agreeing"):
        whole = isl.Map.universe(r.get_space())
        if not r.domain().get_space().has_equal_tuples(r.range().get_space()):
            return whole
        hull = isl.Map.from_basic_map(r.affine_hull())
        for k in range(r.dim(_D.in_)):
            if hull.is_subset(hull.equate(_D.in_, k, _D.out, k)):
                whole = whole.equate(_D.in_, k, _D.out, k)
        return whole


def messy(r: Map) -> bool:
    """Several pieces, or existentials, as of a path that came by one half of each row: worth replacing by its envelope."""
    divs: list[int] = []
    r.foreach_basic_map(lambda b: divs.append(b.dim(_D.div)))
    return len(divs) > 1 or any(divs)


def orbit(sets: Sets, r: Map, moved: Map, dom: Set, ran: Set) -> Map:
    """r joined with its translates by the vector from a point of r to one of `moved`, inside dom x ran. A guess."""
    with sets._ask("orbit"):
        a, b = _point(r.wrap()), _point(moved.wrap())
        n = len(a)
        xs, zs = [f"x{i}" for i in range(n)], [f"z{i}" for i in range(n)]
        steps = " and ".join(f"{z} = {x} + {q - p}k" for x, z, p, q in zip(xs, zs, a, b, strict=True))
        text = f"{sets._prefix}{{ [{', '.join(xs)}] -> [{', '.join(zs)}] : exists k : k >= 0 and {steps} }}"
        unflatten = isl.Set.universe(r.wrap().get_space()).flatten_map().reverse()
        shifted = r.wrap().flatten().apply(isl.Map(text)).apply(unflatten).unwrap()
        return tidy(r.union(shifted.intersect_domain(dom).intersect_range(ran)))


def _point(s: Set) -> list[int]:
    p = s.project_out(_D.param, 0, s.dim(_D.param)).lexmax().sample_point()
    return [int(p.get_coordinate_val(_D.set, i).to_python()) for i in range(s.dim(_D.set))]
