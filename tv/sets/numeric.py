"""Index maps and sets as functions on arrays of points: for evaluating what a proof says about small instances.

Symbols get a value each. Nothing is approximated: an expression that isl cannot give in closed form is Unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import lcm
from typing import Any

import islpy as isl
import numpy as np

from tv.diagnostic import Unknown
from tv.sets.points import Column, Ints, Points, Truths, put

_D = isl.dim_type
Ranges = Mapping[str, tuple[int, int]]  # of symbols, both ends in it


@dataclass(frozen=True, slots=True)
class Linear:
    """floor((const + dims . x + symbols . p + floors) / denominator)."""

    const: int
    dims: tuple[int, ...]
    symbols: tuple[tuple[str, int], ...]
    floors: tuple[tuple[int, Linear], ...]
    denominator: int

    def at(self, points: Points, symbols: Mapping[str, int]) -> Ints:
        """At every point; an array that broadcasts to their shape."""
        const = self.const + sum(c * symbols[name] for name, c in self.symbols)
        sums: dict[tuple[int, ...], Ints] = {
            (1,) * len(points.shape): np.full((1,) * len(points.shape), const, np.int64)
        }
        parts = [(c, points.columns[d].values) for d, c in enumerate(self.dims) if c]
        for c, values in (*parts, *((c, f.at(points, symbols)) for c, f in self.floors)):
            term = values if c == 1 else c * values
            sums[values.shape] = sums[values.shape] + term if values.shape in sums else term
        total, *others = sorted(sums.values(), key=lambda a: a.size)
        for term in others:
            total = total + term
        return total // self.denominator if self.denominator != 1 else total

    def bounds(self, points: Points, symbols: Mapping[str, int]) -> tuple[int, int]:
        """Between which integers all values lie. There are points."""
        low = high = self.const + sum(c * symbols[name] for name, c in self.symbols)
        ranges = [(c, points.columns[d].bounds) for d, c in enumerate(self.dims) if c]
        for c, (least, most) in (*ranges, *((c, f.bounds(points, symbols)) for c, f in self.floors)):
            low, high = low + min(c * least, c * most), high + max(c * least, c * most)
        return low // self.denominator, high // self.denominator


@dataclass(frozen=True, slots=True)
class PointSet:
    """A union of basic sets: each a list of (is equality, expression), expressions = 0 or >= 0."""

    source: isl.Set
    pieces: tuple[tuple[tuple[bool, Linear], ...], ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        return _symbols(self.source)

    def holds(self, points: Points, symbols: Mapping[str, int]) -> Truths:
        """Where points lie in it; broadcasts to their shape. Unknown where the set is over other dimensions or symbols."""
        if len(points.columns) != self.source.dim(_D.set):
            text = f"an index set over {self.source.dim(_D.set)} dimensions, asked for {len(points.columns)}"
            raise Unknown("TV0402", text)
        known_symbols(self.source, symbols)
        out = np.zeros((1,) * len(points.shape), np.bool_)
        if not points.count:
            return np.zeros(points.shape, np.bool_)
        for piece in self.pieces:
            good = _meets(piece, points, symbols)
            if good is not None:
                out = out | good
            if out.all():
                break
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


def _meets(constraints: tuple[tuple[bool, Linear], ...], points: Points, symbols: Mapping[str, int]) -> Truths | None:
    """Where all constraints hold; None: nowhere."""
    found: dict[tuple[int, ...], Truths] = {(1,) * len(points.shape): np.ones((1,) * len(points.shape), np.bool_)}
    for equality, e in constraints:
        low, high = e.bounds(points, symbols)
        if high < 0 or (equality and low > 0):
            return None
        if low >= 0 and (not equality or high == 0):
            continue
        v = e.at(points, symbols)
        good = (v == 0) if equality else (v >= 0)
        found[v.shape] = found[v.shape] & good if v.shape in found else good
    total = np.ones((1,) * len(points.shape), np.bool_)
    for good in sorted(found.values(), key=lambda a: a.size):
        if not good.any():
            return None
        if not good.all():
            total = total & good
    return total


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
    symbols: tuple[str, ...]

    def images(self, points: Points, symbols: Mapping[str, int]) -> Iterator[tuple[Truths, Points]]:
        """Masks that share no point, and the images of the points in each."""
        left: Truths | None = None
        for where, exprs in self.pieces:
            mask = where.holds(points, symbols)
            mask = mask if left is None else mask & left
            if not mask.any():
                continue
            whole = bool(mask.all())
            some = points if whole else points.only(mask)
            yield mask, Points(tuple(Column(e.at(some, symbols)) for e in exprs), some.shape)
            if whole:
                return
            left = ~mask if left is None else left & ~mask

    def image(self, points: Points, symbols: Mapping[str, int]) -> tuple[Points, Truths]:
        """The images, and where there is one (it broadcasts to the shape); coordinates of what has none are 0."""
        out = [np.zeros(points.count, np.int64) for _ in range(self.arity)]
        found = np.zeros((1,) * len(points.shape) if points.count else points.shape, np.bool_)
        for mask, there in self.images(points, symbols):
            if mask.all():
                return there, mask
            found = found | mask
            for d, column in enumerate(out):
                put(column, points.shape, mask, there.flat(d))
        return Points(tuple(Column(c.reshape(points.shape)) for c in out), points.shape), found


def point_set(text: str, ranges: Ranges | None = None) -> PointSet:
    """Of isl text, for values of symbols in their ranges. Raises Unknown where it is none."""
    try:
        return _point_set(_unmoved(isl.Set(text), ranges or {}))
    except isl.Error:
        raise Unknown("TV0404", f"not an index set: `{text[:80]}`") from None


def point_map(text: str, ranges: Ranges | None = None) -> PointMap:
    """Of isl text, for values of symbols in their ranges; where the map has several images, the lexicographically least. Raises
    Unknown where it is none."""
    try:
        m = _unmoved(isl.Map(text), ranges or {})
        f = isl.PwMultiAff.from_map(m) if m.is_single_valued() else m.lexmin_pw_multi_aff()
        pieces: list[tuple[PointSet, tuple[Linear, ...]]] = []
        f.foreach_piece(
            lambda s, ma: pieces.append((_point_set(s), tuple(_aff(ma.get_aff(i)) for i in range(ma.dim(_D.out)))))
        )
        return PointMap(tuple(pieces), m.dim(_D.out), _symbols(m))
    except isl.Error:
        raise Unknown("TV0404", f"not an index map with a least image: `{text[:80]}`") from None


def _unmoved(x: Any, ranges: Ranges) -> Any:
    """The set or map without those symbols that it does not hang on, as long as they are in their ranges."""
    for name, (low, high) in ranges.items():
        if x.find_dim_by_name(_D.param, name) < 0:
            continue
        inside = isl.Set(f"[{name}] -> {{ : {low} <= {name} <= {high} }}")
        here = x.intersect_params(inside)
        without = here.project_out(_D.param, here.find_dim_by_name(_D.param, name), 1)
        if here.is_equal(without.intersect_params(inside)):
            x = without
    return x


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
def _symbols(x: Any) -> tuple[str, ...]:
    return tuple(str(x.get_dim_name(_D.param, i)) for i in range(x.dim(_D.param)))


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
