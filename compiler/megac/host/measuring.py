"""How long a token takes, beside how long it takes to read the weights alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from megac.errors import RunError
from megac.host.decoding import Decoder
from megac.host.device import Device

WARM = 3  # launches before those that count


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds, in the order in which they were taken."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.samples)

    @property
    def spread(self) -> float:
        """Between the tenth and the ninetieth percentile, as a part of the median."""
        low, high = np.percentile(self.samples, (10, 90))
        return float(high - low) / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """contexts: for each number of keys that a token attends to, its own among them, what a launch takes. row: tokens in a
    row, the first one's position, and milliseconds a token, its choice included; None: there is no room for any;
    a text: why they ended. rate: bytes per second that reading alone reaches; read: bytes of weights that a launch reads."""

    contexts: dict[int, Times]
    row: tuple[int, int, float] | str | None
    rate: float
    read: int

    @property
    def floor(self) -> float:
        """Milliseconds that reading the weights takes."""
        return 1e3 * self.read / self.rate


def measure(
    decoder: Decoder, contexts: Sequence[int], repeats: int, tokens: int, rate: float | None, seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Measured:  # fmt: skip
    """Contexts that the kernel has no room for are left out; if none is left, its only position is measured. rate: bytes per
    second, None: as measured."""
    room = decoder.positions
    wanted = [c for c in contexts if c - 1 in room] or [room[-1] + 1]
    decoder.draw_caches(seed)
    if rate is None:
        progress("reading alone")
        rate = reading(decoder.device, list(decoder.memory.values()), repeats)
    found = {}
    for c in wanted:
        progress(f"context {c}")
        found[c] = _context(decoder, c, repeats)
    progress(f"{tokens} tokens in a row")
    row: tuple[int, int, float] | str | None
    try:
        row = _in_a_row(decoder, wanted, tokens)
    except RunError as e:  # random weights may lead to what is no number; the times above are times all the same
        row = e.reason
    return Measured(found, row, rate, decoder.plan.read)


def reading(device: Device, memory: Sequence[Any], repeats: int) -> float:
    """Bytes per second: the median over repeated reads of the largest buffer."""
    largest = max(memory, key=lambda m: int(m.size))
    return median(device.bandwidth(largest, WARM + repeats)[WARM:])


def _context(decoder: Decoder, context: int, repeats: int) -> Times:
    def step() -> None:
        decoder.launch(0, context - 1)

    return Times(tuple(decoder.device.timed([step] * (WARM + repeats))[WARM:]))


def _in_a_row(decoder: Decoder, contexts: Sequence[int], tokens: int) -> tuple[int, int, float] | None:
    """Tokens from the middle one of the contexts on, each chosen from the logits of the one before."""
    room = decoder.positions
    tokens = min(tokens, len(room) - 1)
    if tokens < 1:
        return None
    first = min(sorted(contexts)[len(contexts) // 2] - 1, room.stop - tokens - 1)
    decoder.launch(0, first)
    token = decoder.next_token()
    start = time.perf_counter()
    for k in range(tokens):
        decoder.launch(token, first + 1 + k)
        token = decoder.next_token()
    return tokens, first + 1, 1e3 * (time.perf_counter() - start) / tokens
