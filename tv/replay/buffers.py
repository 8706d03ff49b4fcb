"""Memory that a run reads and writes: dense, or generated on demand.

A buffer is byte-addressed. Offsets given to it are in range and aligned to the width: the interpreter has checked them.
Each byte is initialised or not; contents of uninitialised bytes are arbitrary but fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tv.replay.carriers import UNSIGNED, Array
from tv.replay.paging import PAGE, PageTable

Offsets = NDArray[np.int64]
Flags = NDArray[np.bool_]

_SMALL = 1 << 22  # bytes; a buffer up to that is copied whole when it is first written
_KEPT = 1 << 24  # bytes; a buffer up to that is kept whole once generating it costs no more than what was spent
_PAINS = 1 << 13  # elements that could be generated in the time that one request for a few of them takes
POISON = 0xA5  # fills bytes that nobody wrote, so that using them shows


class Buffer(Protocol):
    """What the interpreter needs of memory. `align`: bytes, of the buffer's base address."""

    size: int
    align: int

    def load(self, offsets: Offsets, width: int) -> Array:
        """The bits at `offsets`, shape (n,), as the unsigned dtype of `width` (1, 2, 4, 8) bytes."""

    def store(self, offsets: Offsets, width: int, bits: Array, mask: Flags | None = None) -> None:
        """Writes and marks as initialised, where `mask`; among equal offsets one of the values wins."""

    def initialised(self, offsets: Offsets, width: int) -> Flags | None:
        """Where all `width` bytes are initialised; None if that is everywhere."""

    def forget(self, offsets: Offsets, width: int) -> None:
        """Marks bytes as uninitialised."""

    def snapshot(self) -> object:
        """The state, for `restore`."""

    def restore(self, state: object) -> None: ...


class DenseBuffer:
    """Memory as one numpy array of bytes plus an optional mask of initialised bytes. Read the contents from `data`: the array
    given is used itself only where it is contiguous and a multiple of 8 bytes long."""

    def __init__(self, data: NDArray[np.uint8], init: NDArray[np.uint8] | None = None, *, align: int = 256) -> None:
        """`data`: bytes, one-dimensional. `init`: one byte for each, 1 where initialised; None: everywhere."""
        self.size = int(data.size)
        self.align = align
        self._pad = -self.size % 8
        self._data = data if not self._pad and data.flags.c_contiguous else _padded(data, self._pad)
        self._views = {w: self._data.view(UNSIGNED[w]) for w in (1, 2, 4, 8)}
        self._asked = 0  # bytes that were found initialised since all were looked at
        self._set_flags(None if init is None else _padded(init, self._pad))

    def _set_flags(self, init: NDArray[np.uint8] | None) -> None:
        """init: of every byte, the padding included; None: all are initialised, and nothing is to be kept of them."""
        self._init = init
        self._flags = {} if init is None else {w: init.view(UNSIGNED[w]) for w in (1, 2, 4, 8)}

    @classmethod
    def of(cls, array: NDArray[Any], *, align: int = 256) -> DenseBuffer:
        """A fully initialised buffer with a copy of an array's bytes, row-major."""
        return cls(np.frombuffer(np.ascontiguousarray(array).tobytes(), dtype=np.uint8).copy(), align=align)

    @classmethod
    def empty(cls, size: int, *, align: int = 256) -> DenseBuffer:
        """An uninitialised buffer of `size` bytes."""
        return cls(np.full(size, POISON, dtype=np.uint8), np.zeros(size, dtype=np.uint8), align=align)

    @classmethod
    def zeros(cls, size: int, *, align: int = 256) -> DenseBuffer:
        return cls(np.zeros(size, dtype=np.uint8), align=align)

    @property
    def data(self) -> NDArray[np.uint8]:
        return self._data[: self.size]

    @property
    def init(self) -> Flags:
        """One flag a byte."""
        if self._init is None:
            return np.ones(self.size, dtype=np.bool_)
        flags: Flags = self._init[: self.size] != 0
        return flags

    def array(self, dtype: Any) -> NDArray[Any]:
        """The contents as elements of a dtype."""
        return self.data.view(dtype)

    def load(self, offsets: Offsets, width: int) -> Array:
        bits: Array = self._views[width].take(offsets >> (width.bit_length() - 1))
        return bits

    def store(self, offsets: Offsets, width: int, bits: Array, mask: Flags | None = None) -> None:
        if mask is not None:
            offsets, bits = offsets[mask], np.broadcast_to(bits, mask.shape)[mask]
        index = offsets >> (width.bit_length() - 1)
        self._views[width][index] = bits
        if self._flags:
            self._flags[width][index] = _all_set(width)

    def initialised(self, offsets: Offsets, width: int) -> Flags | None:
        if self._init is None:
            return None
        good: Flags = self._flags[width].take(offsets >> (width.bit_length() - 1)) == _all_set(width)
        if np.count_nonzero(good) != good.size:
            return good
        self._asked += good.size * width
        if self._asked > 8 * self.size:  # now and then: what is initialised as a whole needs no flags
            self._asked = 0
            if self._init[: self.size].all():
                self._set_flags(None)
        return None

    def forget(self, offsets: Offsets, width: int) -> None:
        if self._init is None:
            self._set_flags(np.ones(self._data.size, dtype=np.uint8))
        self._flags[width][offsets >> (width.bit_length() - 1)] = 0

    def snapshot(self) -> object:
        return self._data.copy(), None if self._init is None else self._init.copy()

    def restore(self, state: object) -> None:
        assert isinstance(state, tuple)
        data, init = state
        self._data[:] = data
        self._set_flags(None if init is None else init.copy())


def _padded(data: NDArray[np.uint8], pad: int) -> NDArray[np.uint8]:
    return np.concatenate([data, np.zeros(pad, dtype=np.uint8)]) if pad else np.ascontiguousarray(data)


def _all_set(width: int) -> Any:
    return UNSIGNED[width].type(int.from_bytes(b"\x01" * width, "little"))


Generator = Callable[[Offsets], Array]  # element indices -> bits


class GeneratedBuffer:
    """Memory whose contents are a pure function of the element's index, under a sparse overlay of pages written.

    `generate` gets element indices (int64, any order and shape) and returns their bits; None: the contents are uninitialised.
    """

    def __init__(
        self,
        size: int,
        element: int,
        generate: Generator | None,
        *,
        align: int = 256,
        defined: Callable[[Offsets], Flags] | None = None,
    ) -> None:
        """`size` in bytes; `element`: bytes of an element (1, 2, 4, 8), the unit of `generate`.

        defined: of element indices, which are initialised at all; None: all of them, where there is a `generate`.
        """
        self.size, self.align = size, align
        self._element, self._generate, self._defined = element, generate, defined
        self._pages = PageTable(size)
        self._pool = np.zeros(0, dtype=np.uint8)
        self._flags = np.zeros(0, dtype=np.uint8)
        self._flat = False  # all pages exist, in order: an offset is its own slot
        self._asked = 0  # bytes that were or could have been generated so far
        self._whole: NDArray[np.uint8] | None = None  # all that there was before any write, once it is kept

    def _original(self, offsets: Offsets, width: int) -> Array:
        """Bits before any write."""
        if self._generate is None:
            return np.full(offsets.shape, int.from_bytes(bytes([POISON]) * width, "little"), dtype=UNSIGNED[width])
        self._asked += (offsets.size + _PAINS) * width
        if self._whole is None and self._asked > self.size and self.size <= _KEPT:
            bits = self._generate(np.arange(-(-self.size // self._element))).astype(UNSIGNED[self._element])
            self._whole = _padded(bits.view(np.uint8), -bits.nbytes % 8)
        if self._whole is not None:
            kept: Array = self._view(self._whole, width)[offsets >> (width.bit_length() - 1)]
            return kept
        return self._generated(self._generate, offsets, width)

    def _generated(self, generate: Generator, offsets: Offsets, width: int) -> Array:
        unit = self._element
        if width == unit:
            return generate(offsets >> (unit.bit_length() - 1)).astype(UNSIGNED[width])
        if width < unit:
            bits = generate(offsets // unit).astype(np.uint64)
            return (bits >> ((offsets % unit) * 8).astype(np.uint64)).astype(UNSIGNED[width])
        index = (offsets >> (unit.bit_length() - 1))[:, None] + np.arange(width // unit)
        return np.ascontiguousarray(generate(index).astype(UNSIGNED[unit])).view(UNSIGNED[width])[:, 0]

    def _originally_defined(self, offsets: Offsets, width: int) -> Flags:
        assert self._defined is not None
        good = self._defined(offsets // self._element)
        for i in range(1, width // self._element):
            good = good & self._defined(offsets // self._element + i)
        return good

    def load(self, offsets: Offsets, width: int) -> Array:
        if not self._pages.pages:
            return self._original(offsets, width)
        if self._flat:
            found: Array = self._view(self._pool, width)[offsets >> (width.bit_length() - 1)]
            return found
        slots = self._pages.lookup(offsets)
        written = slots >= 0
        out = np.empty(offsets.shape, dtype=UNSIGNED[width])
        out[written] = self._view(self._pool, width)[slots[written] >> (width.bit_length() - 1)]
        out[~written] = self._original(offsets[~written], width)
        return out

    def store(self, offsets: Offsets, width: int, bits: Array, mask: Flags | None = None) -> None:
        if mask is not None:
            offsets, bits = offsets[mask], np.broadcast_to(bits, mask.shape)[mask]
        index = self._writable(offsets) >> (width.bit_length() - 1)
        self._view(self._pool, width)[index] = bits
        self._view(self._flags, width)[index] = _all_set(width)

    def initialised(self, offsets: Offsets, width: int) -> Flags | None:
        if not self._pages.pages and self._generate is not None and self._defined is None:
            return None
        if self._flat:
            set_ = self._view(self._flags, width)[offsets >> (width.bit_length() - 1)] == _all_set(width)
            return None if np.count_nonzero(set_) == set_.size else set_
        slots = self._pages.lookup(offsets)
        written = slots >= 0
        good = np.full(offsets.shape, self._generate is not None)
        if self._defined is not None:
            good[~written] = self._originally_defined(offsets[~written], width)
        flags = self._view(self._flags, width)[slots[written] >> (width.bit_length() - 1)]
        good[written] = flags == _all_set(width)
        return None if good.all() else good

    def forget(self, offsets: Offsets, width: int) -> None:
        index = self._writable(offsets) >> (width.bit_length() - 1)  # before the view: it may grow the pool
        self._view(self._flags, width)[index] = 0

    def written(self) -> bool:
        """Whether anything was ever stored."""
        return self._pages.pages > 0

    def snapshot(self) -> object:
        return self._pages.copy(), self._pool.copy(), self._flags.copy(), self._flat

    def restore(self, state: object) -> None:
        assert isinstance(state, tuple)
        pages, pool, flags, self._flat = state
        self._pages, self._pool, self._flags = pages.copy(), pool.copy(), flags.copy()

    def _view(self, pool: NDArray[np.uint8], width: int) -> Array:
        return pool.view(UNSIGNED[width])

    def _writable(self, offsets: Offsets) -> Offsets:
        """Slots of offsets, whose pages are first filled with the generated contents."""
        if self._flat:
            return offsets
        new = self._pages.missing(offsets)
        if len(new) and not self._pages.pages and self.size <= _SMALL:
            new, self._flat = np.arange(-(-self.size // PAGE)), True
        if len(new):
            first = self._pages.capacity
            self._pages.add(new)
            self._grow()
            place = (new[:, None] * PAGE + np.arange(0, PAGE, 8)).reshape(-1)
            inside = place <= self.size - 8
            words = self._view(self._pool, 8)[first >> 3 : self._pages.capacity >> 3]
            words[inside] = self._original(place[inside], 8)
            self._flags[first : self._pages.capacity] = self._generate is not None
            if self._defined is not None:
                every = (new[:, None] * PAGE + np.arange(PAGE)).reshape(-1)
                real = every < self.size
                self._flags[first : self._pages.capacity][real] = self._originally_defined(every[real], 1)
            self._fill_tail(place[~inside & (place < self.size)])
        if self._flat:
            return offsets
        return self._pages.lookup(offsets)

    def _fill_tail(self, place: Offsets) -> None:
        """The last bytes of a buffer whose size is no multiple of 8."""
        for start in place:
            for offset in range(int(start), self.size):
                at = np.array([offset], dtype=np.int64)
                self._pool[self._pages.lookup(at)] = self._original(at, 1)

    def _grow(self) -> None:
        if self._pool.size < self._pages.capacity:
            more = max(self._pages.capacity, 2 * self._pool.size) - self._pool.size
            self._pool = np.concatenate([self._pool, np.zeros(more, dtype=np.uint8)])
            self._flags = np.concatenate([self._flags, np.zeros(more, dtype=np.uint8)])
