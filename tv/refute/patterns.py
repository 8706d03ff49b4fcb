"""Contents of input tensors as pure functions of the element: values for which float sums tend to be exact.

Only `nan`, `lone`, `special` and `given` hold NaN, only the last two, `rows` and `endless` infinities, and only `signed` and they a
negative zero. A pattern is known by its name, so a counterexample can be run again from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tv.arithmetic import decode, encode
from tv.graph_frontend.elements import BY_LABEL
from tv.refute.integers import of_integers
from tv.refute.kept import Kept
from tv.refute.slots import Slot, carrier, mixed

Bits = npt.NDArray[np.uint64]
Words = npt.NDArray[np.uint32]
Table = TypeVar("Table", Bits, npt.NDArray[np.float64])
Ints = npt.NDArray[np.int64]

_SMALL = (-2.0, -1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 2.0)  # of mean 0: sums grow slowly from layer to layer
_POSITIVE = (1.0, 2.0, 4.0, 0.5)
_ZERO = (0.0,)
_NAN = (1.0, float("nan"), -1.0, 2.0, 1.0, -2.0, float("nan"), 3.0)
_SIGNED = (0.0, -0.0, 1.0, -0.0)
_MASKED = (*_SMALL, *[-np.inf] * len(_SMALL))  # the second half for whole rows
_DEEP = {"f16": 13, "bf16": 100, "f32": 100, "f64": 100}  # exponents of large magnitudes
_SUBNORMAL = {"f16": 2.0**-24, "bf16": 2.0**-133, "f32": 2.0**-149, "f64": 2.0**-1074}
_MOST_FINITE = {
    "f16": 65504.0,
    "bf16": 255 * 2.0**120,
    "f32": (2 - 2.0**-23) * 2.0**127,
    "f64": float(np.finfo(np.float64).max),
}
_MOST_POWERS = 10
_MOST_GIVEN = 12
_PRECISION = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}


@dataclass(frozen=True, slots=True)
class Pattern:
    """kind: small | positive | sparse | fine | uneven | zero | opposed | level | hot | powers | one | deep | tiny | subnormal | signed | nan |
    lone | rows | endless | edges; `zero`: the tensor numbered `which` is 0, the others small. `powers`: each row of that one holds a run of
    distinct powers of two, `one`: a single 1, and else 0, so that its sums show which terms they have, how often and where; the others are
    level, or uneven. `subnormal`: that one holds subnormal numbers, the others are level. `endless`: a few infinities. `lone`: that one holds NaN. `rows`: half of its rows are -inf, or all 0 or 1. `edges`: integers are the greatest (seed 0), the least (1), or in turn either (2) that is stated. `special`: ends of the format. `given`: the numbers in
    `given` (width, bits), such as a solver's, and 1. kept: None for all elements."""

    kind: str
    seed: int = 0
    which: int = 0
    kept: Kept | None = None
    given: tuple[tuple[int, int], ...] = ()

    @property
    def may_be_minus_zero(self) -> bool:
        """Of the values, does some tensor hold a negative zero?"""
        return self.kind in ("signed", "special", "given")

    @property
    def name(self) -> str:
        """Of the values alone, without which of them are kept."""
        return f"{self.kind}:{self.seed}:{self.which}"

    @staticmethod
    def of(name: str) -> Pattern:
        """The inverse of `name`; ValueError for text that is none."""
        kind, seed, which = name.split(":")
        if kind not in KINDS:
            raise ValueError(f"no pattern is called {kind}")
        return Pattern(kind, int(seed), int(which))

    def bits(self, slot: Slot, linear: Ints) -> Bits:
        """The elements at row-major positions `linear`."""
        if slot.stored is not None:
            return np.array(slot.stored, np.uint64)[linear]
        if self.kept is not None:
            own = replace(self, kept=None)
            out = np.full(linear.shape, slot.zero, np.uint64)
            there = self.kept.where(slot.name, linear)
            if there.any():
                out[there] = own.bits(slot, linear[there])
            return out
        if not BY_LABEL[slot.label].is_float:
            return self._integers(slot, linear)
        return self._chosen(slot, linear, _table(self, slot))

    def numbers(self, slot: Slot, linear: Ints) -> npt.NDArray[np.float64]:
        """The elements of a tensor of floats, as numbers."""
        if self.kept is not None:
            found: npt.NDArray[np.float64] = decode(self.bits(slot, linear), slot.label).astype(np.float64)
            return found
        return self._chosen(slot, linear, decode(_table(self, slot), slot.label).astype(np.float64))

    def _chosen(self, slot: Slot, linear: Ints, table: Table) -> Table:
        if len(table) == 1:
            same: Table = table[np.zeros(linear.shape, np.int64)]
            return same
        h = mixed(linear, slot.ordinal, self.seed)
        if len(table) == len(_MASKED) and self._in_rows(slot):
            by_row: Table = table[(h & np.uint32(7)) + 8 * self._masked(slot, linear)]
            return by_row
        if self._picks(slot):
            run: Table = table[linear % max(1, slot.last) % len(table)]
            run[~self._picked(slot, linear)] = 0
            return run
        share = self._share(slot)
        which = np.uint32(len(table) - 1)
        if share is None:
            out: Table = table[h & which]
            return out
        out = np.zeros(linear.shape, table.dtype)
        there = h <= np.uint32(share * (2.0**32 - 1))
        out[there] = table[h[there] & which]
        return out

    def _picks(self, slot: Slot) -> bool:
        """Is all but a few neighbours of each row zero?"""
        free = slot.low is None and slot.high is None
        return self.kind in ("powers", "one") and slot.ordinal == self.which and free

    def _picked(self, slot: Slot, linear: Ints) -> npt.NDArray[np.bool_]:
        """Where the elements of such a row are that are not zero: as many neighbours as the table has values."""
        last, few = max(1, slot.last), 1 if self.kind == "one" else len(self.values(slot))
        row, place = np.divmod(linear, last)
        return np.asarray(place // few == mixed(row, slot.ordinal, self.seed).astype(np.int64) % -(-last // few))

    def _in_rows(self, slot: Slot) -> bool:
        """Are whole rows of the tensor alike?"""
        return self.kind == "rows" and slot.ordinal == self.which and (slot.endless or slot.flags)

    def _masked(self, slot: Slot, linear: Ints) -> Ints:
        """1 for the elements of rows that are masked, 0 for others; the first row is."""
        row = linear // max(1, slot.last)
        return np.where(row == 0, 1, mixed(row, slot.ordinal, self.seed) & np.uint32(1)).astype(np.int64)

    def _share(self, slot: Slot) -> float | None:
        """How much of a tensor is not zero; None: all that the table gives."""
        if slot.low is not None or slot.high is not None:
            return None  # a zero may not be allowed
        match self.kind:
            case "sparse" | "fine" if slot.last < slot.count:
                return (2 if self.kind == "fine" else 1) / max(2, slot.last)
            case "hot":
                return 1 / max(2, min(slot.last, slot.count))
            case _:
                return None

    def _integers(self, slot: Slot, linear: Ints) -> Bits:
        if self._in_rows(slot):
            return (self._masked(slot, linear) ^ (self.seed & 1)).view(np.uint64)
        return of_integers(slot, self.kind, self.seed, linear)

    def values(self, slot: Slot) -> Sequence[float]:
        """A power of two of values."""
        match self.kind:
            case "small" | "edges":
                return _SMALL
            case "positive":
                return _POSITIVE
            case "sparse" | "hot":
                return (1.0, 2.0) if self.kind == "hot" else (1.0, -1.0, 1.0, 2.0)
            case "uneven":
                return _uneven(_PRECISION[slot.label], self.seed + 31 * slot.ordinal, 1, 9)
            case "fine":
                return _uneven(_PRECISION[slot.label], self.seed + 31 * slot.ordinal, 0, 2)
            case "deep":
                return tuple(-float(np.ldexp(k, _DEEP[slot.label])) for k in (1, 2, 3, 1))
            case "tiny":
                return tuple(k * 2.0**-10 for k in (1, 2, -1, 1))
            case "powers":
                few = min(_PRECISION[slot.label] - 1, _MOST_POWERS)  # whose sums are exact
                return tuple(2.0**k for k in range(few)) if slot.ordinal == self.which else (1.0,)
            case "one":
                here = slot.ordinal == self.which
                return (1.0, 1.0) if here else _uneven(_PRECISION[slot.label], self.seed + 31 * slot.ordinal, 0, 2)
            case "subnormal":
                least = _SUBNORMAL[slot.label]
                return tuple(k * least for k in (1, -2, 3, 5)) if slot.ordinal == self.which else (1.0,)
            case "endless":
                return (*_SMALL * 7, *_SMALL[2:], np.inf, -np.inf) if slot.endless else _SMALL
            case "special":
                return tuple(v if slot.holds(v) else 1.0 for v in special(slot.label))
            case "given":
                width = BY_LABEL[slot.label].width
                bits = np.array(sorted({b for w, b in self.given if w == width})[:_MOST_GIVEN], np.uint64)
                found = [float(v) for v in decode(bits, slot.label) if slot.holds(float(v))]
                found += [1.0] * (1 << max(0, len(found)).bit_length())
                return tuple(found[: 1 << (len(found).bit_length() - 1)])
            case "signed":
                return _SIGNED
            case "nan":
                return _NAN if slot.open_float else _SMALL
            case "lone":
                return _NAN if slot.open_float and slot.ordinal == self.which else _SMALL
            case "rows":
                return _MASKED if self._in_rows(slot) else _SMALL
            case "zero":
                return _ZERO if slot.ordinal == self.which else _SMALL
            case "opposed":
                return (8.0,) if slot.ordinal == self.which else (-8.0,)
            case "level":
                return (float((1, 2, 3, 1)[(slot.ordinal + self.seed) % 4]),)
            case _:
                raise ValueError(f"no pattern is called {self.kind}")


MAKE_NAN = frozenset({"endless", "special", "given", "nan", "lone"})  # not tried where a kernel sees which NaN it has
KINDS = frozenset(
    "small positive sparse uneven zero opposed level hot deep tiny signed nan lone rows fine edges powers one subnormal endless special given".split()
)


@lru_cache(maxsize=256)
def _table(pattern: Pattern, slot: Slot) -> Bits:
    """The values that the elements of a tensor of floats are chosen from."""
    least = -np.inf if slot.low is None else slot.low
    most = np.inf if slot.high is None else slot.high
    return encode(np.clip(pattern.values(slot), least, most).astype(carrier(slot.label)), slot.label)


def special(label: str) -> tuple[float, ...]:
    """Zeros, ones, the least and the greatest numbers of a format, infinities, a NaN."""
    least, most, normal = _SUBNORMAL[label], _MOST_FINITE[label], _SUBNORMAL[label] * 2.0 ** (_PRECISION[label] - 1)
    ends = (1.0, -1.0, least, -least, most, -most, normal, np.inf, -np.inf)
    return (0.0, -0.0, *ends, np.nan, 2.0, 0.5, 3 * least, -normal)


def _uneven(precision: int, seed: int, low: int, high: int) -> tuple[float, ...]:
    """64 values with all bits of a significand in use, of magnitudes 2^(low - 1) .. 2^(high - 1): their sums need rounding."""
    rng = np.random.default_rng(seed)
    whole = rng.integers(1 << (precision - 1), 1 << precision, 64).astype(np.float64)
    values = np.ldexp(whole, rng.integers(low, high, 64) - precision) * rng.choice([-1.0, 1.0], 64)
    return tuple(float(v) for v in values)


def search_order(
    tensors: int, layers: int = 0, slots: Sequence[Slot] = (), given: Sequence[tuple[int, int]] = ()
) -> list[Pattern]:
    """The patterns that a search for a difference tries, most telling first.

    tensors: how many there are. layers: of a graph that repeats a part; dense contents grow from layer to layer. slots: the
    tensors of which some hold rows of which nothing is left, or NaN. given: numbers (width, bits) to be tried.
    """
    lone = [Pattern("lone", 0, s.ordinal) for s in slots if s.open_float]
    flags = [Pattern("rows", seed, s.ordinal) for s in slots if s.flags for seed in (0, 1)]
    rows = [Pattern("rows", 0, s.ordinal) for s in slots if s.endless]
    floats = [s for s in slots if BY_LABEL[s.label].is_float]
    ends = [Pattern("edges", seed) for seed in range(3) if any(s.bounded for s in slots)]
    zeros = [Pattern("zero", 0, which) for which in range(min(tensors, 4))]
    first = ["small", "positive", "uneven", "opposed", "tiny", "deep", "signed"]
    out = [Pattern(kind) for kind in first]
    out[1:1] = zeros[:1]
    order = [
        *([Pattern("given", given=tuple(given))] if given else []),
        *([Pattern("sparse"), Pattern("fine")] if layers > 1 else []),
        *out,
        *zeros[1:],
        *flags[:4],
        *(Pattern(k) for k in ("hot", "level", "sparse")),
        *rows[:4],
        *ends,
        *lone[:4],
        *(Pattern("powers", 0, s.ordinal) for s in floats[:2]),
        *(Pattern("one", 0, s.ordinal) for s in floats[:1]),
        *(Pattern("subnormal", 0, s.ordinal) for s in floats[:1]),
        *([Pattern("endless"), Pattern("special")] if rows else []),
        Pattern("small", 1),
        Pattern("uneven", 1),
        Pattern("nan"),
    ]
    return list(dict.fromkeys(order))
