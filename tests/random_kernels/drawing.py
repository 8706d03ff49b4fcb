"""One small door for random choices: a seeded generator for long runs, hypothesis for tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Draw(Protocol):
    """What a generator may ask: an integer of a closed interval."""

    def integer(self, low: int, high: int) -> int: ...


class Seeded:
    """Choices of `random.Random(seed)`."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)


class Recorded:
    """Choices made by a function of an interval, such as hypothesis' `data.draw(st.integers(low, high))`."""

    def __init__(self, choose: Callable[[int, int], int]) -> None:
        self._choose = choose

    def integer(self, low: int, high: int) -> int:
        return low if low == high else self._choose(low, high)


def pick(draw: Draw, options: Sequence[T]) -> T:
    """One of the options; the simplest stands first."""
    return options[draw.integer(0, len(options) - 1)]


def chance(draw: Draw, percent: int) -> bool:
    """True in so many of a hundred draws; False is the simpler answer."""
    return draw.integer(0, 99) >= 100 - percent
