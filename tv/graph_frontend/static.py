"""Integers and truths known as index sets: an element is an affine function of its index, by pieces.

Shapes, positions and masks live here, not as data. `Pieces` are written over the tensor's own dimensions `i0, i1, ...` and
symbols; their conditions are disjoint and cover the tensor. A boolean tensor has the values 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tv.sets import TRUE, Affine, Formula
from tv.sets.affine import Dim, Ranges, Sym
from tv.sets.formulas import FALSE, all_of, any_of, eq, ge, negate

Pieces = tuple[tuple[Formula, Affine], ...]
LIMIT = 64  # pieces of one tensor


def own(k: int) -> Affine:
    """The index in dimension k of a tensor, in its `Pieces`."""
    return Affine.dim(f"i{k}")


def constant_pieces(value: int) -> Pieces:
    return ((TRUE, Affine.of(value)),)


def reduce_formula(f: Formula, ranges: Ranges | None = None) -> Formula:
    """f rebuilt: comparisons that are decided by constants, or by the ranges of their atoms, disappear."""
    match f.op:
        case "ge" | "eq":
            a = f.affine
            if a is None:
                raise TypeError("a comparison without its operand")
            if ranges is not None:
                lo, hi = a.interval(ranges)
                if lo is not None and (lo >= 0 if f.op == "ge" else lo > 0):
                    return TRUE if f.op == "ge" else FALSE
                if hi is not None and hi < 0:
                    return FALSE
            return ge(a) if f.op == "ge" else eq(a)
        case "and":
            return all_of(*(reduce_formula(g, ranges) for g in f.args))
        case "or":
            return any_of(*(reduce_formula(g, ranges) for g in f.args))
        case "not":
            return negate(reduce_formula(f.args[0], ranges))
        case _:
            return f


def at(pieces: Pieces, index: Sequence[Affine], ranges: Ranges | None = None) -> Pieces:
    """The pieces at `index` (one entry a dimension), those that cannot occur dropped."""
    here: dict[Dim | Sym, Affine] = {Dim(f"i{k}"): a for k, a in enumerate(index)}
    out: list[tuple[Formula, Affine]] = []
    for condition, value in pieces:
        c = reduce_formula(condition.substitute(here), ranges)
        if c.op == "true":
            return ((TRUE, value.substitute(here)),)
        if c.op != "false":
            out.append((c, value.substitute(here)))
    return merge(out)


def merge(pieces: Sequence[tuple[Formula, Affine]]) -> Pieces:
    """Pieces of one value joined; a single value needs no condition, since the pieces cover."""
    by_value: dict[Affine, list[Formula]] = {}
    for c, v in pieces:
        by_value.setdefault(v, []).append(c)
    if len(by_value) == 1:
        return ((TRUE, next(iter(by_value))),)
    return tuple((any_of(*cs), v) for v, cs in by_value.items())


def combine(
    operands: Sequence[Pieces], f: Callable[..., Affine | Pieces | None], ranges: Ranges | None = None
) -> Pieces | None:
    """f over all combinations of pieces; None where f has no affine answer or there are too many pieces."""
    rows: list[tuple[Formula, list[Affine]]] = [(TRUE, [])]
    for p in operands:
        rows = [
            (both, [*vs, v])
            for c, vs in rows
            for d, v in p
            if (both := reduce_formula(all_of(c, d), ranges)).op != "false"
        ]
        if len(rows) > 4 * LIMIT:
            return None
    out: list[tuple[Formula, Affine]] = []
    for c, vs in rows:
        result = f(*vs)
        if result is None:
            return None
        for d, v in ((TRUE, result),) if isinstance(result, Affine) else result:
            both = reduce_formula(all_of(c, d), ranges)
            if both.op != "false":
                out.append((both, v))
    joined = merge(out) if out else constant_pieces(0)
    return joined if len(joined) <= LIMIT else None


def truth(f: Formula) -> Pieces:
    """A condition as the pieces of a boolean."""
    if f.op in ("true", "false"):
        return constant_pieces(int(f.op == "true"))
    return ((f, Affine.of(1)), (negate(f), Affine.of(0)))


def holds(pieces: Pieces) -> Formula:
    """Where a boolean (or integer) is not zero."""
    return any_of(*(all_of(c, FALSE if v.constant == 0 else TRUE if v.constant else negate(eq(v))) for c, v in pieces))


def boolean(pieces: Pieces) -> Pieces:
    """The same truth as constants 0 and 1: what is made of booleans asks each piece for its one value."""
    return pieces if all(v.constant in (0, 1) for _, v in pieces) else truth(holds(pieces))


def from_array(a: npt.NDArray[np.object_]) -> Pieces | None:
    """Stored integers as pieces: affine in the index where they are, else by value; None where there are too many."""
    if a.size == 0:
        return constant_pieces(0)
    first = int(a.flat[0])
    guess = Affine.of(first)
    grid = np.full(a.shape, first, dtype=object)
    for k, extent in enumerate(a.shape):
        if extent > 1:
            step = int(a[tuple(1 if d == k else 0 for d in range(a.ndim))]) - first
            guess = guess + own(k) * step
            grid = grid + step * np.arange(extent, dtype=object).reshape([-1 if d == k else 1 for d in range(a.ndim)])
    if bool((grid == a).all()):
        return ((TRUE, guess),)
    if a.size > LIMIT:
        return None
    out = []
    for index in np.ndindex(*a.shape):
        out.append((all_of(*(eq(own(k), i) for k, i in enumerate(index) if a.shape[k] > 1)), Affine.of(int(a[index]))))
    return merge(out)
