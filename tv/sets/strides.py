"""Relations that step evenly, `t -> t, t - 8, t - 16, ...`, as one piece each: coalescing joins boxes, but finds no stride.

The sets that the rounds of a scan reach are such, with a distance that halves from round to round; piece by piece they double.
Those of a balanced tree, of a node and its left neighbours level by level, are all that lies between two bounds. Whatever is
guessed here is compared with the pieces before it takes their place.
"""

from __future__ import annotations

from functools import partial, reduce
from math import gcd
from typing import Any

import islpy as isl

from tv.diagnostic import Unknown
from tv.sets.algebra import Sets, ask
from tv.sets.spaces import Map, tidy

_D = isl.dim_type
EFFORT = 400_000  # operations for one guess
Slope = tuple[int, ...]


def evenly(sets: Sets, m: Map) -> Map:
    """The same relation, with pieces joined that are a stride apart along some coordinate, where that is found quickly."""
    with sets.limited(EFFORT):
        while sets.pieces(m) > 1:
            try:
                joined: Map | None = ask(sets, partial(_step, m), "evenly")
            except Unknown:  # a spent budget: the pieces stay as they are
                break
            if joined is None:
                break
            m = joined
    return m


def _step(m: Map) -> Map | None:
    """m with some of its pieces as one; None where none go together."""
    pieces: list[Any] = []
    m.foreach_basic_map(pieces.append)
    whole = _between_bounds(m)
    if whole.is_subset(m) and m.is_subset(whole):
        return whole
    for i in range(m.dim(_D.out)):
        groups: dict[Slope, list[tuple[int, int, int]]] = {}
        for n, b in enumerate(pieces):
            for slope, start, step in _slopes(b, i):
                groups.setdefault(slope, []).append((n, start, step))
        for slope, members in groups.items():
            joined = _joined(m, pieces, i, slope, members) if len(members) > 1 else None
            if joined is not None:
                return joined
    return None


def _joined(m: Map, pieces: list[Any], i: int, slope: Slope, members: list[tuple[int, int, int]]) -> Map | None:
    """m with these pieces (number, start, stride) as one, where what they cover is all that lies at their common stride
    between their bounds."""
    first = members[0][1]
    step = 0
    for _, start, own in members:
        step = gcd(step, own, start - first)
    if step < 2:
        return None
    chosen = {n for n, _, _ in members}
    part = reduce(isl.Map.union, [isl.Map.from_basic_map(pieces[n]) for n in chosen])
    guess = _between_bounds(part).intersect(_lattice(m, i, slope, first, step))
    if not (guess.is_subset(part) and part.is_subset(guess)):
        return None
    rest = [isl.Map.from_basic_map(b) for n, b in enumerate(pieces) if n not in chosen]
    return tidy(reduce(isl.Map.union, rest, guess))


def _between_bounds(m: Map) -> Map:
    """All pairs between the bounds that hold of all pieces, whatever remainders they ask for."""
    hull = isl.Map.from_basic_map(m.simple_hull()).remove_divs()
    return hull.intersect_domain(_box(m.domain())).intersect_range(_box(m.range()))


def _box(s: Any) -> Any:
    return isl.Set.from_basic_set(s.simple_hull()).remove_divs()


def _lattice(m: Map, i: int, slope: Slope, start: int, step: int) -> Map:
    """All pairs with out_i = slope (symbols, in, out) + start, modulo step."""
    space = m.get_space()
    local = isl.LocalSpace.from_space(space.wrap())
    aff = isl.Aff.zero_on_domain(local).set_constant_val(isl.Val(start))
    count = m.dim(_D.param)
    for k, c in enumerate(slope):
        if c:
            kind, at = (_D.param, k) if k < count else (_D.in_, k - count)
            aff = aff.set_coefficient_val(kind, at, isl.Val(c))
    own = isl.Aff.zero_on_domain(local).set_coefficient_val(_D.in_, m.dim(_D.in_) + i, isl.Val(1))
    return aff.sub(own).mod_val(isl.Val(step)).zero_basic_set().to_set().unwrap()


def _slopes(b: Any, i: int) -> list[tuple[Slope, int, int]]:
    """Equations of a piece that give its coordinate i: coefficients of symbols, inputs and other outputs, a start, and the stride
    (0: none) at which they leave it open."""
    out: list[tuple[Slope, int, int]] = []
    for c in b.get_constraints():
        if not c.is_equality():
            continue
        own = _value(c, _D.out, i)
        if own not in (1, -1):
            continue
        step = gcd(*(_value(c, _D.div, k) for k in range(c.dim(_D.div))), 0)
        slope = [_value(c, kind, k) for kind in (_D.param, _D.in_, _D.out) for k in range(c.dim(kind))]
        slope[c.dim(_D.param) + c.dim(_D.in_) + i] = 0
        start = _number(c.get_constant_val())
        out.append((tuple(-own * x for x in slope), -own * start, step))
    return out


def _value(c: Any, kind: Any, k: int) -> int:
    return _number(c.get_coefficient_val(kind, k))


def _number(v: Any) -> int:
    text = v.to_str()
    if text is None:  # isl's way to say that the budget was spent
        raise isl.Error("no value")
    return int(text)
