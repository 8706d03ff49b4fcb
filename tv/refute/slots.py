"""Tensors that get contents: what is stated of their elements, and what the graph's meaning leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tv.arithmetic import encode
from tv.graph_frontend.elements import BY_LABEL

Words = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor that gets contents. ordinal: its place among the graph's inputs. last: extent of its last dimension.

    low, high: what is assumed of its values (both included), None where nothing is. finite: assumed to hold neither NaN nor
    infinities. numbers: assumed to hold no NaN.
    stored: the model's own integers, as bits: what a graph says of them it may say of no others. index: the least and the greatest
    integer that the graph takes its elements for as indices; None where it takes them for none. free: integers about which no
    operator of the graph supposes anything.
    """

    name: str
    ordinal: int
    label: str
    count: int
    last: int
    low: int | None = None
    high: int | None = None
    finite: bool = False
    numbers: bool = False
    stored: tuple[int, ...] | None = None
    index: tuple[int, int] | None = None
    free: bool = False

    @property
    def bounded(self) -> bool:
        """Integers that lie between two: these are stated, or all that are indices."""
        stated = self.low is not None and self.high is not None
        return not BY_LABEL[self.label].is_float and (stated or self.index is not None)

    @property
    def taken_for_index(self) -> bool:
        """Integers of which nothing is stated, and which are wide enough for a kernel to address memory by them."""
        wide = not BY_LABEL[self.label].is_float and BY_LABEL[self.label].width >= 32
        return wide and self.low is None and self.high is None

    @property
    def open_float(self) -> bool:
        """May it hold infinities and NaN?"""
        return self.endless and not self.numbers

    @property
    def endless(self) -> bool:
        """May it hold infinities?"""
        return BY_LABEL[self.label].is_float and self.low is None and self.high is None and not self.finite

    def holds(self, value: float) -> bool:
        """May it hold this number?"""
        return self.endless if np.isinf(value) else self.open_float if np.isnan(value) else True

    @property
    def zero(self) -> int:
        """The bits of zero, or of what lies nearest to it among what is stated."""
        least, most = (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)
        nearest = min(max(0, least), most)
        element = BY_LABEL[self.label]
        if element.is_float:
            return int(encode(np.array([nearest], carrier(self.label)), self.label)[0])
        return int(nearest) & ((1 << element.width) - 1)

    @property
    def flags(self) -> bool:
        """May its bytes say of each element whether it is masked?"""
        small = BY_LABEL[self.label].width <= 8 and not BY_LABEL[self.label].is_float
        return small and self.stored is None and self.low is None and self.high is None and self.index is None


def mixed(linear: Ints, ordinal: int, seed: int) -> Words:
    """A hash of an element, uniform over 32 bits; in words of that size, since huge tensors are made of it."""
    x = linear.astype(np.uint32)
    if linear.size and int(linear.max()) >> 32:
        x ^= (linear >> 32).astype(np.uint32) * np.uint32(0x85EBCA77)
    x *= np.uint32(0x9E3779B1)
    x += np.uint32((ordinal * 0xC2B2AE3D + seed * 0x27D4EB2F + 0x165667B1) & 0xFFFFFFFF)
    for multiplier in (0x85EBCA6B, 0xC2B2AE35):
        x ^= x >> np.uint32(15)
        x *= np.uint32(multiplier)
    x ^= x >> np.uint32(16)
    return x


def carrier(label: str) -> type[np.generic]:
    """The numpy type in which numbers of a float format are given."""
    carriers: dict[str, type[np.generic]] = {"f64": np.float64, "f16": np.float16}
    return carriers.get(label, np.float32)
