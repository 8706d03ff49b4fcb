"""Search for inputs on which the kernel's output is not the graph's, in any order of its sums."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from tv.diagnostic import TvError
from tv.graph_frontend.arithmetic import decode
from tv.graph_frontend.elements import BY_LABEL
from tv.obligation import Obligation
from tv.refute.layouts import Place
from tv.refute.patterns import search_order
from tv.refute.setting import Dim3, Setting
from tv.refute.trials import Clock, Outcome, Trial, block_choices, execute, sizes
from tv.replay.doubt import VARIANTS
from tv.replay.events import Event
from tv.replay.exactness import Exactness
from tv.replay.graph_values import GraphValues

Bits = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
FIRST = 6  # elements of an output that are compared first
MOST = 4096
ENOUGH = 0.2  # seconds, after which no further elements of an output are compared
MOST_SIZES = 9  # assignments of the symbols that are tried
FIRST_GUESS = 0.05
PATIENCE, ENOUGH_RUNS = 10.0, 200  # seconds and runs: with both spent, a search ends before its time
MOST_THREADS = 1 << 16  # of a launch whose values are compared after a run of all blocks
MARGIN = 32.0  # times the change that other implementations of the functions make
ALONE = 3  # differing elements that are evaluated by themselves where the batch was not exact


@dataclass(frozen=True, slots=True)
class Difference:
    """An element at which a run left other bits than the graph has."""

    outcome: Outcome
    tensor: str
    index: tuple[int, ...]
    kernel_bits: int
    graph_bits: int
    width: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A run whose events make its values meaningless."""

    outcome: Outcome
    event: Event


@dataclass(slots=True)
class Differences:
    """Runs kernel and graph on the same contents. ranges: of symbols."""

    settings: Callable[[Mapping[str, int]], Setting]
    ranges: Mapping[str, tuple[int, int]]
    fmad: bool
    clock: Clock
    why: str = "no input that was tried shows a difference"
    _deadline: float = 0.0  # of the trial

    def show(self, failing: Obligation | None, first: list[Mapping[str, int]]) -> Difference | Broken | None:
        """The first difference that no order of sums explains, else the first run that is not clean."""
        broken: Broken | None = None
        for runs, (trial, setting) in enumerate(self._trials(failing, first)):
            if self.clock.left <= 0 or (self.clock.used > PATIENCE and runs >= ENOUGH_RUNS):
                self.why += "; the search ran out of time"
                break
            try:
                found = self._try(trial, setting)
            except TvError as e:
                self.why = f"a run failed: {e.message}"
                continue
            if isinstance(found, Difference):
                return found
            broken = broken or found
        return broken

    def _trials(self, failing: Obligation | None, first: list[Mapping[str, int]]) -> Iterator[tuple[Trial, Setting]]:
        """All sizes, blocks and patterns: the cheap ones with every pattern before the costly ones with many."""
        witness = failing.witness if failing is not None else None
        options: list[tuple[float, Setting, tuple[Dim3, ...] | None]] = []  # with how much they are put off
        for n, values in enumerate(islice(sizes(self.ranges, first), MOST_SIZES)):
            setting = self.settings(values)
            choices = dict.fromkeys(block_choices(setting, witness, MOST_THREADS))
            options += [((1 + n / 8) * (1 + 12 * rank), setting, blocks) for rank, blocks in enumerate(choices)]
        patterns = search_order(len(options[0][1].slots))
        # Seconds a run, guessed until it was measured; what is measured scales the other guesses.
        guess = [FIRST_GUESS * (1 + sum(s.symbols.values()) / 64) ** 0.5 for _, s, _ in options]
        cost = list(guess)
        tried = [0] * len(options)
        while True:
            left = [k for k in range(len(options)) if tried[k] < len(patterns)]
            if not left:
                return
            k = min(left, key=lambda k: cost[k] * (1 + tried[k]) ** 1.5 * options[k][0])
            _, setting, blocks = options[k]
            start = time.monotonic()
            share = max(2.0, self.clock.used / 3) if self.ranges else self.clock.left
            self._deadline = min(self.clock.deadline, start + share)
            yield Trial(tuple(setting.symbols.items()), patterns[tried[k]], blocks), setting
            took = time.monotonic() - start
            cost[k] = took if took < share else 4 * took
            tried[k] += 1
            scale = min(c / g for c, g, n in zip(cost, guess, tried, strict=True) if n)
            cost = [c if n else g * scale for c, g, n in zip(cost, guess, tried, strict=True)]

    # -------------------------------------------------------------- one run
    def _try(self, trial: Trial, setting: Setting) -> Difference | Broken | None:
        outcome = execute(setting, trial, self.fmad, self._deadline)
        if outcome.execution.events:
            return Broken(outcome, outcome.execution.events[0])
        if not outcome.execution.clean or outcome.execution.ordered_atomics:
            self.why = (
                "runs take too long"
                if outcome.execution.ended == "budget"
                else "a result hangs on the order of atomics"
            )
            return None
        for name, places in setting.places.items():
            for p in places:
                found = self._compare(outcome, name, p) if p.output else None
                if found is not None:
                    return found
        return None

    def _compare(self, outcome: Outcome, name: str, p: Place) -> Difference | None:
        elements = self._elements(outcome, name, p)
        start, step = time.monotonic(), FIRST
        while len(elements) and (step == FIRST or time.monotonic() < start + ENOUGH):
            some, elements = elements[:step], elements[step:]
            found = self._compare_some(outcome, name, p, some)
            if found is not None:
                return found
            step *= 4
        return None

    def _elements(self, outcome: Outcome, name: str, p: Place) -> Ints:
        """Row-major positions to compare: those that were written, after a whole run all; spread over the tensor."""
        if outcome.trial.blocks is None and p.count <= MOST:
            found = np.arange(p.count)
        else:
            linear, good = p.at(outcome.buffers[name].written_elements(p.width))
            found = linear[good]
            if outcome.trial.blocks is None:
                found = np.unique(np.concatenate([found, np.random.default_rng(1).integers(0, p.count, MOST)]))
        if not len(found):
            return found
        spread = np.random.default_rng(0).permutation(len(found))
        order = np.concatenate([[0, len(found) - 1], spread])
        _, at = np.unique(order, return_index=True)
        return np.asarray(found[order[np.sort(at)]][:MOST])

    def _kernel_bits(self, outcome: Outcome, name: str, p: Place, elements: Ints) -> tuple[Bits, npt.NDArray[np.bool_]]:
        at = p.of_linear(elements) * p.width
        bits = outcome.buffers[name].load(at, p.width).astype(np.uint64)
        good = outcome.buffers[name].initialised(at, p.width)
        return bits, np.ones(at.shape, np.bool_) if good is None else good

    def _compare_some(self, outcome: Outcome, name: str, p: Place, elements: Ints) -> Difference | None:
        mine, written = self._kernel_bits(outcome, name, p, elements)
        watch = Exactness(self._deadline)
        theirs = self._graph_bits(outcome, p, elements, watch)
        label = outcome.setting.graph.outputs[p.tensor].type
        wrong = np.flatnonzero(differing(mine, theirs, label, watch.free_zero) & written)
        for k in wrong[:ALONE]:
            if not watch.exact or watch.loose:
                watch = Exactness(self._deadline)
                again = self._graph_bits(outcome, p, elements[k : k + 1], watch)
                if int(again[0]) != int(theirs[k]):
                    continue
            if watch.free_zero and outcome.trial.pattern.kind == "signed":
                continue
            if not watch.exact:
                self.why = "outputs differ, but not by more than another order of sums may explain"
                continue
            loose = watch.loose | outcome.execution.loose_functions
            at = elements[k : k + 1]
            if loose and not self._outlives(outcome, name, p, at):
                self.why = f"outputs differ, but hardly by more than the errors of {', '.join(sorted(loose))}"
                continue
            if self._holds_uncontracted(outcome, name, p, at, theirs[k : k + 1], watch.free_zero):
                index = tuple(int(i) for i in np.unravel_index(int(elements[k]), p.shape)) if p.shape else ()
                return Difference(outcome, p.tensor, index, int(mine[k]), int(theirs[k]), BY_LABEL[label].width)
        return None

    def _graph_bits(self, outcome: Outcome, p: Place, elements: Ints, watch: Exactness, variant: int = 0) -> Bits:
        setting = outcome.setting
        info = setting.graph.outputs[p.tensor]
        graph = GraphValues(
            setting.graph, setting.symbols, setting.graph_inputs(outcome.trial.pattern), None, watch, variant
        )
        index = list(np.unravel_index(elements, p.shape)) if p.shape else []
        if info.layer is not None:
            index.insert(0, np.full(elements.shape, info.layer, np.int64))
        points = np.stack(index, axis=1) if index else np.zeros((len(elements), 0), np.int64)
        with np.errstate(all="ignore"):
            return graph.values_at(info.unit, points)

    def _outlives(self, outcome: Outcome, name: str, p: Place, element: Ints) -> bool:
        """Whether the difference is far larger than what other implementations of the functions change on either side."""
        label = outcome.setting.graph.outputs[p.tensor].type
        if not BY_LABEL[label].is_float:
            return False
        sides: list[tuple[float, float]] = []
        for variant in (0, *VARIANTS):
            run = (
                outcome
                if variant == 0
                else execute(
                    outcome.setting, outcome.trial, self.fmad, self.clock.deadline + self.clock.seconds, variant
                )
            )
            if not run.execution.clean:
                return False
            mine = self._kernel_bits(run, name, p, element)[0]
            theirs = self._graph_bits(outcome, p, element, Exactness(), variant)
            sides.append((float(decode(mine, label)[0]), float(decode(theirs, label)[0])))
        values = np.array(sides)
        if not np.isfinite(values).all():
            return False
        spread = (values.max(axis=0) - values.min(axis=0)).max()
        return bool(np.abs(values[:, 0] - values[:, 1]).min() > MARGIN * spread)

    def _holds_uncontracted(
        self, outcome: Outcome, name: str, p: Place, element: Ints, theirs: Bits, free_zero: bool
    ) -> bool:
        """Whether the difference is there as well when nothing is contracted."""
        if not self.fmad or not outcome.execution.rounded_products:
            return True
        other = execute(outcome.setting, outcome.trial, False, self.clock.deadline + self.clock.seconds)
        if not other.execution.clean:
            self.why = "outputs differ, but a run without contraction did not end"
            return False
        mine, written = self._kernel_bits(other, name, p, element)
        label = outcome.setting.graph.outputs[p.tensor].type
        if bool((differing(mine, theirs, label, free_zero) & written).all()):
            return True
        self.why = "outputs differ only if a multiply and an add are contracted"
        return False


def differing(a: Bits, b: Bits, label: str, free_zero: bool) -> npt.NDArray[np.bool_]:
    """Where two contents differ: any NaN equals any NaN; free_zero: zeros of either sign are not told apart."""
    out: npt.NDArray[np.bool_] = a != b
    if BY_LABEL[label].is_float:
        x, y = decode(a, label), decode(b, label)
        out &= ~(np.isnan(x) & np.isnan(y))
        if free_zero:
            out &= ~((x == 0) & (y == 0))
    return out
