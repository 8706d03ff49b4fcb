"""Search for inputs on which the kernel's output is not the graph's, in any order of its sums."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from tv.advice import advised
from tv.arithmetic import decode
from tv.diagnostic import TvError
from tv.graph_frontend.elements import BY_LABEL
from tv.kernel import Atomic, Kernel, walk
from tv.obligation import Obligation
from tv.refute.admissible import unmet
from tv.refute.layouts import Place
from tv.refute.nan_bits import sees_bits
from tv.refute.otherwise import with_other_nans
from tv.refute.patterns import MAKE_NAN, Pattern, search_order
from tv.refute.setting import Dim3, Setting
from tv.refute.single import OTHERS, Target, targets
from tv.refute.trials import Clock, Outcome, Trial, block_choices, execute, sizes
from tv.replay.distinct import distinct
from tv.replay.doubt import VARIANTS
from tv.replay.events import Event
from tv.replay.graph_bounds import GraphBounds
from tv.replay.memory import StoreWitness
from tv.replay.sums import Value

Bits = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
FIRST = 64  # elements of an output that are compared first
MOST = 4096
ENOUGH = 0.2  # seconds, after which no further elements of an output are compared
QUICK = 0.5  # seconds; an evaluation of the graph that takes longer is not repeated for single elements
MOST_SIZES = 9  # assignments of the symbols that are tried
FIRST_GUESS = 0.05
PATIENCE, ENOUGH_RUNS = 8.0, 100  # seconds and runs: with both spent, a search ends before its time
ENOUGH_UNORDERED = 16  # runs, all of which hang on the order of atomics: then the rest will
MOST_THREADS = 1 << 16  # of a launch whose values are compared after a run of all blocks
BROKEN_SECONDS, BROKEN_RUNS = 1.0, 3  # with both spent, an uninitialised value that was met is what was found
WHOLE = 8.0  # by how much a run of all of a kernel is put off where one of its values can be shown alone
MARGIN = 32.0  # times the change that other implementations of its functions make to the kernel's value
ALONE = 3  # differing elements that are looked at one by one


@dataclass(frozen=True, slots=True)
class Difference:
    """An element at which a run left other bits than the graph has."""

    outcome: Outcome
    tensor: str
    index: tuple[int, ...]
    kernel_bits: int
    graph_bits: int
    label: str  # of the element type


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an output."""

    tensor: str
    index: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """A run whose events make its values meaningless."""

    outcome: Outcome
    event: Event


@dataclass(slots=True)
class Differences:
    """Runs kernel and graph on the same contents. ranges: of symbols. races: whether to look for them; not where none is left."""

    settings: Callable[[Mapping[str, int]], Setting]
    ranges: Mapping[str, tuple[int, int]]
    fmad: bool
    clock: Clock
    races: bool = True
    why: str = "no input that was tried shows a difference"
    help: str = ""  # where a run failed
    given: Sequence[tuple[int, int]] = ()  # numbers (width, bits) to be tried as inputs
    took: float = 0.0  # seconds of the run that showed what was found
    _deadline: float = 0.0  # of the trial
    _unordered: int = 0  # runs whose results hang on the order of atomics

    def show(self, failing: Obligation | None, first: list[Mapping[str, int]]) -> Difference | Broken | None:
        """The first difference that no order of sums explains, else the first run that is not clean."""
        broken: Broken | None = None
        uninitialised = failing is not None and failing.kind == "init"  # which a run shows as well as a proof
        for runs, (trial, setting) in enumerate(self._trials(failing, first)):
            own = setting.unheld()
            if own is not None:
                self.why = f"the values of `{own}` are the model's own, since no argument holds it"
                break
            if self._unordered == runs >= ENOUGH_UNORDERED:
                break
            if self.clock.left <= 0 or (self.clock.used > PATIENCE and runs >= ENOUGH_RUNS):
                self.why += "; the search ran out of time"
                break
            start = time.monotonic()
            try:
                found = self._try(trial, setting)
                why = unmet(setting, trial.pattern, self.clock.deadline) if found is not None else ""
            except TvError as e:
                self.why, self.help = f"a run failed: {e.message} ({e.code})", advised(e).help
                continue
            if why:
                self.why = why
                continue
            if isinstance(found, Difference):
                self.took = time.monotonic() - start
                return found
            broken = broken or found
            spent = self.clock.used > BROKEN_SECONDS and runs >= BROKEN_RUNS
            if broken is not None and broken.event.kind == "init" and (uninitialised or spent):
                break
        return broken

    def _trials(self, failing: Obligation | None, first: list[Mapping[str, int]]) -> Iterator[tuple[Trial, Setting]]:
        """All sizes, blocks and patterns: the cheap ones with every pattern before the costly ones with many."""
        witness = failing.witness if failing is not None else None
        options: list[
            tuple[float, Setting, tuple[Dim3, ...] | None, Target | None]
        ] = []  # with how much they are put off
        for n, values in enumerate(islice(sizes(self.ranges, first), MOST_SIZES)):
            setting = self.settings(values)
            parts = targets(setting.kernel, setting.outputs)
            for rank, blocks in enumerate(dict.fromkeys(block_choices(setting, witness, MOST_THREADS, whole=True))):
                put_off = (1 + n / 8) * (1 + 12 * rank)
                options += [(put_off, setting, blocks, part) for part in parts]
                options.append((put_off * (WHOLE if parts else 1), setting, blocks, None))
        slots = options[0][1].slots
        patterns = search_order(len(slots), options[0][1].graph.layers, list(slots.values()), self.given)
        if sees_bits(options[0][1].kernel):
            patterns = [p for p in patterns if p.kind not in MAKE_NAN]
        # Seconds a run, guessed until it was measured; what is measured scales the other guesses.
        guess = [FIRST_GUESS * (1 + sum(map(abs, s.symbols.values())) / 64) ** 0.5 for _, s, _, _ in options]
        cost = list(guess)
        tried = [0] * len(options)
        while True:
            left = [k for k in range(len(options)) if tried[k] < len(patterns)]
            if not left:
                return
            k = min(left, key=lambda k: cost[k] * (1 + tried[k]) ** 1.5 * options[k][0])
            _, setting, blocks, part = options[k]
            start = time.monotonic()
            share = max(2.0, self.clock.used / 3) if self.ranges else self.clock.left
            self._deadline = min(self.clock.deadline, start + share)
            yield Trial(tuple(setting.symbols.items()), patterns[tried[k]], blocks, None, part), setting
            took = time.monotonic() - start
            cost[k] = took if took < share else 4 * took
            tried[k] += 1
            scale = min(c / g for c, g, n in zip(cost, guess, tried, strict=True) if n)
            cost = [c if n else g * scale for c, g, n in zip(cost, guess, tried, strict=True)]

    # -------------------------------------------------------------- one run
    def judged(self, trial: Trial, setting: Setting, deadline: float, only: Element | None = None) -> Difference | None:
        """What a run shows of all elements or of one, judged as in a search; None also where it fails or goes on for too long."""
        self._deadline = deadline
        try:
            found = self._try(trial, setting, only)
            why = unmet(setting, trial.pattern, deadline) if isinstance(found, Difference) else ""
        except TvError:
            return None
        return found if isinstance(found, Difference) and not why else None

    def _try(self, trial: Trial, setting: Setting, only: Element | None = None) -> Difference | Broken | None:
        witness = None if only is None else witness_of(setting, only)
        outcome = execute(setting, trial, self.fmad, self._deadline, races=self.races, witness=witness)
        if outcome.execution.events:
            return Broken(outcome, outcome.execution.events[0])
        hangs = outcome.execution.ordered_atomics and rounds_in_atomics(setting.kernel)
        if not outcome.execution.clean or hangs:
            self._unordered += hangs
            self.why = (
                "runs take too long"
                if outcome.execution.ended == "budget"
                else "a result hangs on the order of atomics"
            )
            return None
        for name, p in outputs_in_order(setting):
            found = self._compare(outcome, name, p, only) if wanted(p, only) else None
            if found is not None:
                return found
        return None

    def _compare(self, outcome: Outcome, name: str, p: Place, only: Element | None = None) -> Difference | None:
        elements = self._elements(outcome, name, p) if only is None else self._one(outcome, name, p, only)
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
        if outcome.trial.blocks is None and outcome.trial.target is None and p.count <= MOST:
            found = np.arange(p.count)
        else:
            linear, good = p.at(self._stored(outcome, name, p.width))
            found = linear[good]
            if outcome.trial.blocks is None and outcome.trial.target is None:
                found = distinct(np.concatenate([found, np.random.default_rng(1).integers(0, p.count, MOST)]))
        if not len(found):
            return found
        spread = np.random.default_rng(0).permutation(len(found))
        order = np.concatenate([[0, len(found) - 1], spread])
        _, at = np.unique(order, return_index=True)
        return np.asarray(found[order[np.sort(at)]][:MOST])

    def _one(self, outcome: Outcome, name: str, p: Place, only: Element) -> Ints:
        """The one element's row-major position; nothing where a run of some blocks did not store it."""
        at = np.array([int(np.ravel_multi_index(only.index, p.shape)) if p.shape else 0], np.int64)
        if outcome.trial.blocks is None and outcome.trial.target is None:
            return at
        linear, good = p.at(self._stored(outcome, name, p.width))
        return np.intersect1d(at, linear[good])

    def _stored(self, outcome: Outcome, name: str, width: int) -> Ints:
        """Offsets of the elements that hold what the kernel leaves there."""
        found = outcome.buffers[name].written_elements(width)
        target = outcome.trial.target
        if target is None:
            return found
        if target.object != name:  # its values were left out
            return found[:0]
        return np.setdiff1d(found, outcome.buffers[name + OTHERS].written_elements(width), assume_unique=True)

    def _kernel_bits(self, outcome: Outcome, name: str, p: Place, elements: Ints) -> tuple[Bits, npt.NDArray[np.bool_]]:
        at = p.of_linear(elements) * p.width
        bits = outcome.buffers[name].load(at, p.width).astype(np.uint64)
        good = outcome.buffers[name].initialised(at, p.width)
        return bits, np.ones(at.shape, np.bool_) if good is None else good

    def _compare_some(self, outcome: Outcome, name: str, p: Place, elements: Ints) -> Difference | None:
        mine, written = self._kernel_bits(outcome, name, p, elements)
        start = time.monotonic()
        theirs, free_zero = graph_values(outcome.setting, outcome.trial.pattern, p, elements, self._deadline)
        quick = time.monotonic() - start < QUICK
        label = outcome.setting.graph.outputs[p.tensor].type
        if free_zero and outcome.trial.pattern.may_be_minus_zero:
            return None
        apart = outside(mine, theirs, label, free_zero) & written
        unclear = np.flatnonzero(~apart & written & differing(mine, theirs.encoded(label), label, free_zero))
        for k in [*np.flatnonzero(apart)[:ALONE], *unclear[: ALONE if quick else 0]]:
            at, bits = elements[k : k + 1], mine[k : k + 1]
            if not apart[k]:  # by itself, an element may depend on less
                own, free_zero = graph_values(outcome.setting, outcome.trial.pattern, p, at, self._deadline)
            else:
                own = theirs.map(itemgetter(np.s_[k : k + 1]))
            if not outside(bits, own, label, free_zero)[0]:
                self.why = (
                    "outputs differ, but not by more than another order of sums or the errors of functions may explain"
                )
            elif self._believed(outcome, name, p, at, own, free_zero):
                index = tuple(int(i) for i in np.unravel_index(int(elements[k]), p.shape)) if p.shape else ()
                graph_bits = int(own.encoded(label)[0])
                return Difference(outcome, p.tensor, index, int(bits[0]), graph_bits, label)
        return None

    def _believed(self, outcome: Outcome, name: str, p: Place, at: Ints, theirs: Value, free_zero: bool) -> bool:
        """Whether a difference is there with other functions, without contraction and with other NaNs as well."""
        loose = outcome.execution.loose_functions
        if loose and not self._outlives(outcome, name, p, at, theirs):
            self.why = f"outputs differ, but hardly by more than the errors of {', '.join(sorted(loose))}"
            return False
        deadline = self.clock.deadline + self.clock.seconds
        for other in with_other_nans(outcome, self.fmad, deadline, self.races):
            if not other.execution.clean or not self._differs(other, name, p, at, theirs, free_zero):
                self.why = "outputs differ, but not with every NaN that an operation may give"
                return False
        return self._holds_uncontracted(outcome, name, p, at, theirs, free_zero)

    def _differs(self, outcome: Outcome, name: str, p: Place, element: Ints, theirs: Value, free_zero: bool) -> bool:
        mine, written = self._kernel_bits(outcome, name, p, element)
        label = outcome.setting.graph.outputs[p.tensor].type
        return bool((outside(mine, theirs, label, free_zero) & written).all())

    def _again(self, outcome: Outcome, fmad: bool, variant: int) -> Outcome:
        """The same run, contracted or not, with some implementation of the functions."""
        deadline = self.clock.deadline + self.clock.seconds
        return execute(outcome.setting, outcome.trial, fmad, deadline, variant, self.races)

    def _outlives(self, outcome: Outcome, name: str, p: Place, element: Ints, theirs: Value) -> bool:
        """Whether the kernel lies further from all that the graph may be than other functions move the kernel."""
        label = outcome.setting.graph.outputs[p.tensor].type
        if not BY_LABEL[label].is_float:
            return False
        found = []
        for variant in (0, *VARIANTS):
            run = outcome if variant == 0 else self._again(outcome, self.fmad, variant)
            if not run.execution.clean:
                return False
            found.append(float(decode(self._kernel_bits(run, name, p, element)[0], label)[0]))
        kernel, centre = np.array(found), float(theirs.numbers(label)[0])
        radius = 0.0 if theirs.radius is None else float(theirs.radius[0])
        if np.isnan(centre) and radius == 0.0:  # whatever the functions give, the graph is NaN
            return not np.isnan(kernel).any()
        if not np.isfinite(kernel).all() or not np.isfinite(centre):
            return False
        return bool((np.abs(kernel - centre) - radius).min() > MARGIN * (kernel.max() - kernel.min()))

    def _holds_uncontracted(
        self, outcome: Outcome, name: str, p: Place, element: Ints, theirs: Value, free_zero: bool
    ) -> bool:
        """Whether the difference is there as well when nothing is contracted."""
        if not self.fmad or not outcome.execution.rounded_products:
            return True
        other = self._again(outcome, False, 0)
        if not other.execution.clean:
            self.why = "outputs differ, but a run without contraction did not end"
            return False
        if self._differs(other, name, p, element, theirs, free_zero):
            return True
        self.why = "outputs differ only if a multiply and an add are contracted"
        return False


def outputs_in_order(setting: Setting) -> list[tuple[str, Place]]:
    """The outputs with their buffers, those first that others are computed from."""
    units, outputs = setting.graph.system.units, setting.graph.outputs
    found = [(name, p) for name, places in setting.places.items() for p in places if p.output]
    return sorted(found, key=lambda o: (units[outputs[o[1].tensor].unit].order, outputs[o[1].tensor].layer or 0))


def wanted(p: Place, only: Element | None) -> bool:
    return only is None or p.tensor == only.tensor


def witness_of(setting: Setting, only: Element) -> StoreWitness | None:
    """What notes who stores an element; None where atomic operations may change it too, each with a part in what it is."""
    for name, places in setting.places.items():
        for p in places:
            if p.output and wanted(p, only):
                at = int(p.of([np.array([i], np.int64) for i in only.index])[0]) * p.width
                together = any(isinstance(s, Atomic) and s.ref.object == name for s in walk(setting.kernel.body))
                return None if together else StoreWitness(name, at, p.width)
    return None


def rounds_in_atomics(kernel: Kernel) -> bool:
    """Does some atomic operation round? Of all others every order is one that hardware may take, and its result is exact."""
    return any(isinstance(s, Atomic) and s.ref.type.is_float for s in walk(kernel.body))


def graph_values(
    setting: Setting,
    pattern: Pattern,
    p: Place,
    elements: Ints,
    deadline: float | None = None,
    note: Callable[[str, Ints], None] | None = None,
) -> tuple[Value, bool]:
    """What an output's elements (row-major) may be, arrays [n], and whether zeros may have either sign. note: told of what is
    read of the inputs."""
    info = setting.graph.outputs[p.tensor]
    index = list(np.unravel_index(elements, p.shape)) if p.shape else []
    if info.layer is not None:
        index.insert(0, np.full(elements.shape, info.layer, np.int64))
    points = np.stack(index, axis=1) if index else np.zeros((len(elements), 0), np.int64)
    graph = GraphBounds(setting.graph, setting.symbols, setting.graph_inputs(pattern, note), deadline)
    with np.errstate(all="ignore"):
        return graph.at(info.unit, points), graph.free_zero


def outside(mine: Bits, theirs: Value, label: str, free_zero: bool) -> npt.NDArray[np.bool_]:
    """Where a content is none that the graph may have."""
    differs = differing(mine, theirs.encoded(label), label, free_zero)
    if theirs.radius is None:
        return differs
    if not BY_LABEL[label].is_float:
        sure: npt.NDArray[np.bool_] = differs & (theirs.radius == 0)
        return sure
    with np.errstate(all="ignore"):
        x, centre = decode(mine, label).astype(np.float64), theirs.numbers(label)
        far = (np.abs(x - centre) > theirs.radius) | (np.isnan(x) & np.isfinite(theirs.radius))
    found: npt.NDArray[np.bool_] = np.where(theirs.radius == 0, differs, far & np.isfinite(centre))
    return found


def differing(a: Bits, b: Bits, label: str, free_zero: bool) -> npt.NDArray[np.bool_]:
    """Where two contents differ: any NaN equals any NaN; free_zero: zeros of either sign are not told apart."""
    out: npt.NDArray[np.bool_] = a != b
    if BY_LABEL[label].is_float:
        x, y = decode(a, label), decode(b, label)
        out &= ~(np.isnan(x) & np.isnan(y))
        if free_zero:
            out &= ~((x == 0) & (y == 0))
    return out
