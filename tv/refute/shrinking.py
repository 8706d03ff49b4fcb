"""A difference made small: the smallest sizes, one block, and as many inputs zero as the time allows.

Every step is a run that the search's own judge has to call a difference; what is reported is the last one that it did. A
step that fails leaves the one before. So a counterexample may stay larger than need be, and never shows less than it says.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tv.arithmetic import decode
from tv.diagnostic import TvError
from tv.graph_frontend.elements import BY_LABEL
from tv.refute.differences import Difference, Differences, Element, graph_values
from tv.refute.kept import Interval, Kept, halves, listed, without
from tv.refute.patterns import Pattern
from tv.refute.setting import Dim3, Setting
from tv.refute.trials import Clock, Trial, block_choices

Ints = npt.NDArray[np.int64]
LEAST_SECONDS = 1.0  # for a difference that was found at once
MOST_SECONDS = 4.0
RUNS = 64  # for so many runs there is time on a slow machine too, if they end in MOST_SECONDS
LONG_RUN = 2.0  # seconds
SIZES_SHARE = 0.4  # of the time, for smaller sizes
MOST_INTERVALS = 1 << 16  # of inputs that are kept
MOST_CELLS = 1 << 20  # that an evaluation of the graph may read for them to be kept one by one
SIMPLE = ("level", "small")  # contents, the plainer ones first


def shrunk(search: Differences, found: Difference) -> Difference:
    """The difference, or a smaller one that the same kernel shows. Takes about as long as the search took, MOST_SECONDS at most;
    where a single run takes long, what was found stays as it is."""
    seconds = max(LEAST_SECONDS, min(search.clock.used, MOST_SECONDS))
    shrinking = Shrinking(search, found, Clock(max(0.0, min(search.clock.left, seconds))))
    return found if shrinking.cost() > LONG_RUN else shrinking.run()


@dataclass(slots=True)
class Shrinking:
    search: Differences
    best: Difference
    clock: Clock
    _longest: float = field(default=0.0)  # seconds of a step so far

    def run(self) -> Difference:
        self._repeated()
        allowed = max(self.clock.seconds, min(MOST_SECONDS, RUNS * self._longest))
        self.clock = Clock(min(allowed, self.clock.used + self.search.clock.left), self.clock.start)
        self._sizes()
        self._block()
        self._values()
        self._plainer()
        return self.best

    def cost(self) -> float:
        """About how many seconds a run will take: of several blocks, only one is needed where they may run apart."""
        blocks = self.best.outcome.trial.blocks
        return self.search.took / (len(blocks) if blocks is not None and self._apart() else 1)

    @property
    def _element(self) -> Element:
        return Element(self.best.tensor, self.best.index)

    @property
    def _kept(self) -> Kept | None:
        return self.best.outcome.trial.pattern.kept

    @property
    def _setting(self) -> Setting:
        return self.best.outcome.setting

    def _again(
        self, trial: Trial, only: Element | None, setting: Setting | None = None, until: float | None = None
    ) -> bool:
        """Whether a run shows a difference; it is the best one then."""
        now = time.monotonic()
        deadline = self.clock.deadline if until is None else min(self.clock.deadline, until)
        if now + self._longest / 2 > deadline:
            return False
        found = self.search.judged(trial, self._setting if setting is None else setting, deadline, only)
        self._longest = max(self._longest, time.monotonic() - now)
        if found is None or found.tensor != self.best.tensor or sort_of(found) != sort_of(self.best):
            return False
        self.best = found
        return True

    # -------------------------------------------------------------- sizes and blocks
    def _repeated(self) -> None:
        """The same once more, with who stores the element: of several blocks that were run apart one after the other, and with
        no more inputs than the graph reads, if that shows it too."""
        trial, line = self.best.outcome.trial, Line.of(self._setting)
        read = self._read(line)
        plain = [trial if read is None else with_kept(trial, line.kept(read)), trial]
        apart = trial.blocks is not None and len(trial.blocks) > 1 and self._apart()
        for t in dict.fromkeys(plain):
            for block in trial.blocks if apart and trial.blocks is not None else ():
                if self._again(replace(t, blocks=(block,)), self._element):
                    return
            if self._again(t, self._element):
                return

    def _apart(self) -> bool:
        """Whether what a block leaves hangs on no other."""
        return any(b is not None and len(b) == 1 for b in block_choices(self._setting, None, whole=True))

    def _sizes(self) -> None:
        """Smaller values of the symbols: all of them least, else each on its own."""
        until, ranges = time.monotonic() + SIZES_SHARE * self.clock.left, self.search.ranges
        low = {s: least for s, (least, _) in ranges.items()}
        if not ranges or self._at(low, until):
            return
        for s, (least, _) in ranges.items():
            for v in smaller(least, dict(self.best.outcome.trial.symbols)[s]):
                if self._at({**dict(self.best.outcome.trial.symbols), s: v}, until):
                    break

    def _at(self, symbols: Mapping[str, int], until: float) -> bool:
        """Whether some element differs at these sizes on the same pattern."""
        setting = self.search.settings(symbols)
        trial = replace(self.best.outcome.trial, pattern=replace(self.best.outcome.trial.pattern, kept=None))
        key = tuple(setting.symbols.items())
        if dict(key) == dict(trial.symbols):
            return True
        for blocks in dict.fromkeys(block_choices(setting, None, whole=True)):
            if self._again(replace(trial, symbols=key, blocks=blocks), None, setting, until):
                return self._again(self.best.outcome.trial, self._element, setting)
        return False

    def _block(self) -> None:
        """Only the block that stores the element, where blocks may run apart."""
        own, trial = self.thread, self.best.outcome.trial
        if own is None or trial.blocks == (own[0],):
            return
        if self._apart():
            self._again(replace(trial, blocks=(own[0],)), self._element)

    @property
    def thread(self) -> tuple[Dim3, Dim3] | None:
        """Who stores the element."""
        witness = self.best.outcome.witness
        return None if witness is None else witness.thread

    # -------------------------------------------------------------- contents
    def _values(self) -> None:
        """As many inputs as possible zero: what the graph does not read first, then by halves, the largest ones first."""
        line = Line.of(self._setting)
        kept: tuple[Interval, ...] = ((0, line.total),) if line.total else ()
        read = self._read(line)
        if read is not None and (self._kept == line.kept(read) or self._keeping(line, read)):
            kept = read
        elif self._kept is not None and not self._keeping(line, kept):
            return
        if self._keeping(line, ()):
            return
        needed = deque([kept])  # parts of which some element has to be kept
        while needed and self.clock.left > 0:
            part = needed.popleft()
            if sum(b - a for a, b in part) < 2:
                continue
            first, second = halves(part)
            rest = without(kept, first)
            if self._keeping(line, rest):
                kept = rest
                needed.append(second)
                continue
            needed.append(first)
            rest = without(kept, second)
            if self._keeping(line, rest):
                kept = rest
            else:
                needed.append(second)

    def _keeping(self, line: Line, kept: Sequence[Interval]) -> bool:
        return self._again(with_kept(self.best.outcome.trial, line.kept(kept)), self._element)

    def _read(self, line: Line) -> tuple[Interval, ...] | None:
        """What the graph reads of its inputs for the element; None where that is too much to be named."""
        place = next(
            p for own in self._setting.places.values() for p in own if p.output and p.tensor == self.best.tensor
        )
        at = np.array([int(np.ravel_multi_index(self.best.index, place.shape)) if place.shape else 0], np.int64)
        found: list[Ints] = []
        total = 0

        def note(name: str, linear: Ints) -> None:
            nonlocal total
            total += linear.size
            if name in line.starts and total <= MOST_CELLS:
                found.append(np.unique(linear) + line.starts[name])

        try:
            graph_values(self._setting, self.best.outcome.trial.pattern, place, at, self.clock.deadline, note)
        except TvError:
            return None
        if total > MOST_CELLS or not found:
            return None
        read = listed(np.unique(np.concatenate(found)))
        return read if len(read) <= MOST_INTERVALS else None

    def _plainer(self) -> None:
        """Plainer numbers in what is not zero."""
        trial = self.best.outcome.trial
        for kind in SIMPLE:
            if trial.pattern.kind == kind:
                return
            pattern = Pattern(kind, kept=trial.pattern.kept)
            if self._again(replace(trial, pattern=pattern), self._element):
                return


@dataclass(frozen=True, slots=True)
class Line:
    """All elements that get contents one after another. starts: where each tensor's begin."""

    starts: Mapping[str, int]
    total: int

    @staticmethod
    def of(setting: Setting) -> Line:
        starts, total = {}, 0
        for name, slot in setting.slots.items():
            if slot.stored is None:
                starts[name] = total
                total += slot.count
        return Line(starts, total)

    def kept(self, intervals: Sequence[Interval]) -> Kept:
        """Parts of the line, by tensor."""
        names, starts = list(self.starts), [*self.starts.values(), self.total]
        parts: dict[str, list[Interval]] = {}
        for a, b in intervals:
            k = bisect_right(starts, a) - 1
            while a < b:
                end = min(b, starts[k + 1])
                if end > a:
                    parts.setdefault(names[k], []).append((a - starts[k], end - starts[k]))
                a, k = end, k + 1
        return Kept.of(parts)


def with_kept(trial: Trial, kept: Kept) -> Trial:
    return replace(trial, pattern=replace(trial.pattern, kept=kept))


def sort_of(found: Difference) -> str:
    """What tells the two contents apart: a small difference that is of another sort may be another defect's."""
    if not BY_LABEL[found.label].is_float:
        return "integer"
    both = decode(np.array([found.kernel_bits, found.graph_bits], np.uint64), found.label)
    if np.isnan(both).any():
        return "nan"
    return "sign of zero" if not both.any() else "number" if np.isfinite(both).all() else "infinity"


def smaller(least: int, size: int) -> Iterator[int]:
    """Smaller sizes to try: the least ones, then ever larger ones."""
    tried = [*range(least, least + 4)]
    step = 4
    while least + step < size and len(tried) < 8:
        tried.append(least + step)
        step *= 4
    yield from (v for v in tried if v < size)
