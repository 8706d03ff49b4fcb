"""Index maps and sets written down by another check: read into this one's spaces, under names of this one's choice."""

from __future__ import annotations

import islpy as isl

from tv.diagnostic import Unknown
from tv.sets.algebra import Sets
from tv.sets.spaces import Map, Set, tidy

_D = isl.dim_type


def adopt_map(sets: Sets, text: str, source: str, target: str) -> Map:
    """The map in `text`, its tuples renamed. Raises Unknown (TV0404) for what is no map over this check's symbols, (TV0402) where
    a name stands for a space of another arity."""
    try:
        m = isl.Map(text)
    except isl.Error:
        raise Unknown("TV0404", f"not an index map: `{text[:80]}`") from None
    _known_symbols(sets, m, text)
    sets.declare(source, m.dim(_D.in_))
    sets.declare(target, m.dim(_D.out))
    with sets._ask("adopt_map"):
        m = m.set_tuple_name(_D.in_, source).set_tuple_name(_D.out, target)
        return tidy(m.align_params(sets.context.get_space()).intersect_params(sets.context))


def adopt_set(sets: Sets, text: str, name: str) -> Set:
    """The set in `text`, its tuple renamed. Raises as `adopt_map`."""
    try:
        s = isl.Set(text)
    except isl.Error:
        raise Unknown("TV0404", f"not an index set: `{text[:80]}`") from None
    _known_symbols(sets, s, text)
    sets.declare(name, s.dim(_D.set))
    with sets._ask("adopt_set"):
        s = s.set_tuple_name(name)
        return tidy(s.align_params(sets.context.get_space()).intersect_params(sets.context))


def tuple_of_target(text: str) -> str:
    """The tuple name of a written map's range. Raises Unknown (TV0404)."""
    try:
        return str(isl.Map(text).get_tuple_name(_D.out))
    except isl.Error:
        raise Unknown("TV0404", f"not an index map: `{text[:80]}`") from None


def least(sets: Sets, m: Map) -> Map:
    """Of every source's targets the lexicographically least."""
    with sets._ask("least"):
        return tidy(m.lexmin())


def _known_symbols(sets: Sets, x: Map | Set, text: str) -> None:
    for i in range(x.dim(_D.param)):
        if x.get_dim_name(_D.param, i) not in sets.symbols:
            raise Unknown("TV0404", f"an index map over unknown symbols: `{text[:80]}`")
