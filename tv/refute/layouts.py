"""Where the elements of a bound tensor lie in its buffer at given sizes, and which element lies at an offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tv.diagnostic import Unknown
from tv.sets import Affine, Dim, Sym
from tv.sets.affine import Parity, Product, Quotient

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
FARTHEST = 1 << 48  # in elements
MOST_LISTED = 1 << 22  # elements of a tensor whose layout is inverted by listing it


def integer(a: Affine, symbols: Mapping[str, int]) -> int:
    """The value of an expression over symbols alone. Raises Unknown where no address is as large."""
    value = a.substitute(fixed(symbols)).constant
    if value is None:
        raise TypeError(f"`{a.text()}` has a symbol without a value")
    if abs(value) > FARTHEST:
        raise Unknown("TV0740", f"a run at a size of {value}")
    return value


def fixed(symbols: Mapping[str, int]) -> dict[Dim | Sym, Affine]:
    return {Sym(n): Affine.of(v) for n, v in symbols.items()}


def values(a: Affine, symbols: Mapping[str, int], dims: Mapping[str, Ints]) -> Ints:
    """The values of an expression at arrays of indices."""
    if not a.linear:
        a = a.substitute(fixed(symbols))
    out = np.asarray(a.const, np.int64)
    for atom, c in a.terms:
        if isinstance(atom, Product):
            raise TypeError(f"`{atom}` has a symbol without a value")
        if isinstance(atom, Quotient):
            v: Ints = values(atom.numerator, symbols, dims) // atom.denominator
        elif isinstance(atom, Parity):
            v = values(atom.numerator, symbols, dims) % 2
        elif isinstance(atom, Dim):
            v = dims[atom.name]
        else:
            v = np.asarray(symbols[atom.name], np.int64)
        out = out + c * v
    return out


@dataclass(slots=True)
class Place:
    """A tensor in a buffer. shape: extents. offset: elements, over dimensions i0, i1, ... ; width: bytes of an element."""

    tensor: str
    output: bool
    shape: tuple[int, ...]
    offset: Affine
    symbols: Mapping[str, int]
    width: int
    _strides: tuple[int, ...] | None = None
    _listed: tuple[Ints, Ints] | None = None
    _first: int | None = None

    @property
    def count(self) -> int:
        return int(np.prod(self.shape, dtype=object)) if self.shape else 1

    def of(self, index: Sequence[Ints]) -> Ints:
        """Offsets, in elements, of elements by index arrays."""
        out = values(self.offset, self.symbols, {f"i{k}": i for k, i in enumerate(index)})
        return np.broadcast_to(out, index[0].shape if index else (1,)).astype(np.int64)

    def of_linear(self, linear: Ints) -> Ints:
        """Offsets of elements by row-major position."""
        return self.of(np.unravel_index(linear, self.shape) if self.shape else [])

    def at(self, offsets: Ints) -> tuple[Ints, Truths]:
        """Row-major positions of the elements at offsets, and where there is an element. Raises Unknown for a layout of no known inverse."""
        if self._strides is None:
            self._strides = self._nested() or ()
        strides = self._strides
        if not strides and self.shape:
            return self._by_listing(offsets)
        rest = offsets - self._base()
        good = rest >= 0
        if self._dense():
            good &= rest < self.count
            return rest if good.all() else np.where(good, rest, 0), good
        index: list[Ints] = [np.zeros(1, np.int64)] * len(self.shape)
        for k in sorted(range(len(self.shape)), key=lambda k: -strides[k]):
            if self.shape[k] == 1:  # its stride means nothing
                continue
            i = rest // strides[k]
            good = good & (i < self.shape[k])
            index[k] = i
            rest = rest - i * strides[k]
        good = good & (rest == 0)
        linear = np.zeros(offsets.shape, np.int64)
        for k, extent in enumerate(self.shape):
            linear = linear * extent + index[k]
        return np.where(good, linear, 0), good

    def _base(self) -> int:
        if self._first is None:
            self._first = self.base
        return self._first

    def _dense(self) -> bool:
        """Whether elements follow one another row-major, without gaps."""
        expected = 1
        for k in reversed(range(len(self.shape))):
            if self.shape[k] > 1 and (self._strides is None or self._strides[k] != expected):
                return False
            expected *= self.shape[k]
        return True

    @property
    def base(self) -> int:
        """Offset of the first element."""
        zero = np.zeros(1, np.int64)
        return int(self.of([zero] * len(self.shape))[0])

    def _nested(self) -> tuple[int, ...] | None:
        """Strides of a layout in which each dimension's steps are wider than all below it together; else None."""
        strides = []
        for k in range(len(self.shape)):
            own = [c for a, c in self.offset.terms if isinstance(a, Dim) and a.name == f"i{k}"]
            strides.append(own[0] if own else 1 if self.shape[k] == 1 else 0)
        if any(isinstance(a, Quotient) for a, _ in self.offset.terms) or any(s <= 0 for s in strides):
            return None
        below = 0
        for k in sorted(range(len(self.shape)), key=lambda k: (strides[k], self.shape[k])):
            if self.shape[k] > 1 and strides[k] <= below:
                return None
            below += strides[k] * (self.shape[k] - 1)
        return tuple(strides)

    def _by_listing(self, offsets: Ints) -> tuple[Ints, Truths]:
        if self._listed is None:
            if self.count > MOST_LISTED:
                raise Unknown("TV0731", f"the layout of `{self.tensor}` is not inverted at this size")
            all_at = self.of_linear(np.arange(self.count))
            order = np.argsort(all_at, kind="stable")
            self._listed = all_at[order], order
        sorted_at, order = self._listed
        if not len(sorted_at):
            return np.zeros(offsets.shape, np.int64), np.zeros(offsets.shape, np.bool_)
        place = np.minimum(np.searchsorted(sorted_at, offsets), len(sorted_at) - 1)
        good = sorted_at[place] == offsets
        return np.where(good, order[place], 0), good
