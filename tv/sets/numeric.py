"""Index maps and sets as functions on arrays of points: for evaluating what a proof says about small instances.

Points are int64 arrays [n, dimensions]; symbols get a value each. Nothing is approximated: an expression that isl cannot
give in closed form is Unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import lcm
from typing import Any

import islpy as isl
import numpy as np
import numpy.typing as npt

from tv.diagnostic import Unknown

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
_D = isl.dim_type


@dataclass(frozen=True, slots=True)
class Linear:
    """floor((const + dims . x + symbols . p + floors) / denominator)."""

    const: int
    dims: tuple[int, ...]
    symbols: tuple[tuple[str, int], ...]
    floors: tuple[tuple[int, Linear], ...]
    denominator: int

    def at(self, points: Ints, symbols: Mapping[str, int]) -> Ints:
        total = np.full(len(points), self.const, np.int64)
        for d, c in enumerate(self.dims):
            if c:
                total += c * points[:, d]
        for name, c in self.symbols:
            total += c * symbols[name]
        for c, f in self.floors:
            total += c * f.at(points, symbols)
        return total // self.denominator if self.denominator != 1 else total


@dataclass(frozen=True, slots=True)
class PointSet:
    """A union of basic sets: each a list of (is equality, expression), expressions = 0 or >= 0."""

    source: isl.Set
    pieces: tuple[tuple[tuple[bool, Linear], ...], ...]

    def holds(self, points: Ints, symbols: Mapping[str, int]) -> Truths:
        """Raises Unknown where the set is over other dimensions or symbols than these."""
        if points.shape[1] != self.source.dim(_D.set):
            text = f"an index set over {self.source.dim(_D.set)} dimensions, asked for {points.shape[1]}"
            raise Unknown("TV0402", text)
        known_symbols(self.source, symbols)
        out = np.zeros(len(points), np.bool_)
        for piece in self.pieces:
            good = np.ones(len(points), np.bool_)
            for equality, e in piece:
                v = e.at(points, symbols)
                good &= (v == 0) if equality else (v >= 0)
            out |= good
        return out

    def box(self, symbols: Mapping[str, int]) -> list[tuple[int, int]]:
        """Least and greatest value of every dimension; all (0, -1) where the set is empty. Unknown where it is unbounded."""
        s = self.source
        known_symbols(s, symbols)
        for i in range(s.dim(_D.param)):
            s = s.fix_val(_D.param, i, isl.Val(symbols[str(s.get_dim_name(_D.param, i))]))
        n = s.dim(_D.set)
        if s.is_empty():
            return [(0, -1)] * n
        try:
            return [(_value(s.dim_min_val(i)), _value(s.dim_max_val(i))) for i in range(n)]
        except isl.Error:
            raise Unknown("TV0406", "an index set without bounds cannot be enumerated") from None


def known_symbols(s: isl.Set, symbols: Mapping[str, int]) -> None:
    """Raises Unknown (TV0404) for a symbol without a value."""
    for i in range(s.dim(_D.param)):
        if str(s.get_dim_name(_D.param, i)) not in symbols:
            raise Unknown("TV0404", f"an index set with an unknown symbol `{s.get_dim_name(_D.param, i)}`")


@dataclass(frozen=True, slots=True)
class PointMap:
    """A single-valued map: disjoint pieces (where, coordinates of the image)."""

    pieces: tuple[tuple[PointSet, tuple[Linear, ...]], ...]
    arity: int

    def image(self, points: Ints, symbols: Mapping[str, int]) -> tuple[Ints, Truths]:
        """The images [n, arity], and where there is one."""
        out = np.zeros((len(points), self.arity), np.int64)
        found = np.zeros(len(points), np.bool_)
        for where, exprs in self.pieces:
            mask = where.holds(points, symbols) & ~found
            if mask.any():
                some = points[mask]
                out[mask] = (
                    np.stack([e.at(some, symbols) for e in exprs], axis=1)
                    if exprs
                    else np.zeros((len(some), 0), np.int64)
                )
                found |= mask
        return out, found


def point_set(text: str) -> PointSet:
    """Of isl text. Raises Unknown where it is none."""
    try:
        return _point_set(isl.Set(text))
    except isl.Error:
        raise Unknown("TV0404", f"not an index set: `{text[:80]}`") from None


def point_map(text: str) -> PointMap:
    """Of isl text; where the map has several images, the lexicographically least. Raises Unknown where it is none."""
    try:
        m = isl.Map(text)
        f = isl.PwMultiAff.from_map(m) if m.is_single_valued() else m.lexmin_pw_multi_aff()
        pieces: list[tuple[PointSet, tuple[Linear, ...]]] = []
        f.foreach_piece(
            lambda s, ma: pieces.append((_point_set(s), tuple(_aff(ma.get_aff(i)) for i in range(ma.dim(_D.out)))))
        )
        return PointMap(tuple(pieces), m.dim(_D.out))
    except isl.Error:
        raise Unknown("TV0404", f"not an index map with a least image: `{text[:80]}`") from None


def same_text(a: str, b: str) -> bool:
    """Do two isl texts describe one set or map? False also where either is none."""
    if a == b:
        return True
    try:
        return (
            bool(isl.UnionMap(a).is_equal(isl.UnionMap(b)))
            if "->" in a.split("{", 1)[-1]
            else bool(isl.UnionSet(a).is_equal(isl.UnionSet(b)))
        )
    except isl.Error:
        return False


# ------------------------------------------------------------------------------------------------ reading isl's records
def _value(v: Any) -> int:
    if not v.is_int():
        raise Unknown("TV0406", "an index set without integer bounds")
    return int(v.to_python())


def _point_set(s: isl.Set) -> PointSet:
    pieces = []
    for b in s.compute_divs().get_basic_sets():
        pieces.append(tuple((c.is_equality(), _linear(c, _D.set, 1)) for c in b.get_constraints()))
    return PointSet(s, tuple(pieces))


def _aff(a: isl.Aff) -> Linear:
    return _linear(a, _D.in_, int(a.get_denominator_val().to_python()))


def _linear(x: Any, dims: Any, denominator: int) -> Linear:
    """A constraint or quasi-affine expression; coefficients are fractions over its denominator."""
    if isinstance(x, isl.Constraint):
        n_dims, n_params, n_divs = x.space.dim(_D.set), x.space.dim(_D.param), x.dim(_D.div)
    else:
        n_dims, n_params, n_divs = x.dim(dims), x.dim(_D.param), x.dim(_D.div)
    scale = denominator

    def coefficient(kind: Any, i: int) -> int:
        return _scaled(x.get_coefficient_val(kind, i), scale)

    floors = []
    for i in range(n_divs):
        c = coefficient(_D.div, i)
        if c:
            floors.append((c, _floored(x.get_div(i))))
    symbols = tuple((x.get_dim_name(_D.param, i), coefficient(_D.param, i)) for i in range(n_params))
    return Linear(
        _scaled(x.get_constant_val(), scale),
        tuple(coefficient(dims, i) for i in range(n_dims)),
        tuple((n, c) for n, c in symbols if c),
        tuple(floors),
        denominator,
    )


def _scaled(v: Any, scale: int) -> int:
    n, d = int(v.get_num_si()), int(v.get_den_val().to_python())
    if scale % d:
        raise Unknown("TV0406", "an index expression in fractions")
    return n * (scale // d)


def _floored(a: isl.Aff) -> Linear:
    """floor of a quasi-affine expression with rational coefficients."""
    kind = _D.in_ if a.dim(_D.in_) else _D.set
    d = int(a.get_denominator_val().to_python())
    for i in range(a.dim(_D.div)):
        d = lcm(d, int(a.get_coefficient_val(_D.div, i).get_den_val().to_python()))
    return _linear(a, kind, d)
