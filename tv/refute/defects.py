"""Defects that a run shows by itself: races, bad addresses, uninitialised values, barriers, overflow, elements left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tv.advice import MENDS, advised
from tv.diagnostic import TvError
from tv.graph_frontend.elements import BY_LABEL
from tv.kernel import Atomic, Kernel, Loop, Space, Store, walk
from tv.obligation import Obligation
from tv.refute.admissible import hangs_on_contents, unmet
from tv.refute.kept import Kept
from tv.refute.otherwise import hangs_on_floats, otherwise
from tv.refute.patterns import Pattern
from tv.refute.setting import Setting
from tv.refute.single import targets
from tv.refute.slicing import KINDS, Cut
from tv.refute.trials import Clock, Outcome, Trial, block_choices, execute, sizes
from tv.replay.endless import ENDLESS
from tv.replay.events import Event
from tv.replay.races import OVERWRITTEN
from tv.replay.waiting import waits, waits_across_blocks
from tv.source import Span

EVENTS = frozenset({"race", "bounds", "init", "barrier", "range"})
PLAIN_SHARE, SLICE_SHARE = 0.1, 0.5  # of the time that is left, for one run of a whole kernel and of a slice
NOTHING = "no run showed it"
MOST_SIZES = 5  # assignments of the symbols that are tried for one obligation
MOST_ELEMENTS = 1 << 25  # of an output that is searched for what was left out
_STRETCH = 1 << 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A defect that a run showed. event: None for an element that was left out, or for memory (`changed`) that was changed although
    no output lies there."""

    outcome: Outcome
    kind: str
    span: Span
    event: Event | None = None
    tensor: str = ""
    index: tuple[int, ...] = ()
    changed: str = ""

    def mended(self) -> str:
        """What to do about it."""
        if self.changed:
            return "bind an output there, or do not write"
        if self.event is not None and self.event.help:
            return self.event.help
        stated = self.event is not None and self.event.message.endswith("does not hold")
        return "let it hold for every launch, or remove it" if stated else MENDS[self.kind]

    def told(self) -> str:
        """What the run shows, in words."""
        if self.event is not None:
            return self.event.message
        if self.changed:
            return f"`{self.changed}` is changed where no output lies"
        return f"element {list(self.index)} of `{self.tensor}` is never written"


def matching(o: Obligation, events: tuple[Event, ...]) -> Event | None:
    """The event that shows what the obligation denies; one behind an event of another kind may be that one's consequence.

    Where a barrier may fail nothing is known of order, so a race shows it as well.
    """
    obj = o.witness.object if o.witness is not None else ""
    for k, e in enumerate(events):
        if e.kind == "race" and o.kind == "barrier":
            return e
        if e.kind != o.kind:
            return None
        if not obj or not e.object or e.object == obj:
            return e
        if o.kind == "init" and k == 0:
            return None
    return None


def cuts_for(o: Obligation, kernel: Kernel) -> Iterator[Cut]:
    """The slices in which an obligation's defect shows, if it does."""
    w = o.witness
    match o.kind:
        case "range":
            lines = (o.span.line, *(s.line for s in w.spans)) if w is not None else (o.span.line,)
            yield Cut((), tuple(sorted({n for n in lines if n})))
        case "barrier":
            yield Cut()
            stored = dict.fromkeys(s.ref.object for s in walk(kernel.body) if isinstance(s, Store))
            yield from (Cut((n,)) for n in stored if kernel.objects[n].space is Space.GLOBAL)
        case _:
            yield Cut((w.object,) if w is not None and w.object else ())


def spins(kernel: Kernel) -> bool:
    """Whether blocks wait for each other in a loop, so that the pace of each of them counts."""
    return any(isinstance(s, Loop) and waits(s) for s in walk(kernel.body)) and waits_across_blocks(kernel) is not None


def line_of(o: Obligation, e: Event) -> Span:
    """The place that the proof named if the event is there, else the event's; of an undefined value, where it was read."""
    if o.kind == "init" and e.spans:
        return e.spans[-1]
    if not e.spans or o.span.line in {s.line for s in e.spans}:
        return o.span
    named = {s.line for s in o.witness.spans} if o.witness is not None else set()
    return next((s for s in e.spans if s.line in named), e.spans[0])


@dataclass(slots=True)
class Defects:
    """Looks for runs in which failing obligations show. ranges: of symbols."""

    settings: Callable[[Mapping[str, int]], Setting]
    ranges: Mapping[str, tuple[int, int]]
    fmad: bool
    clock: Clock
    ieee: bool = True  # division, roots and subnormals
    why: str = NOTHING
    help: str = ""  # where a run failed
    _done: set[Trial] = field(default_factory=set)
    _others: tuple[Outcome, list[Outcome]] | None = None  # of a run, the same in all that the language leaves open
    _unmet: dict[tuple[tuple[tuple[str, int], ...], Pattern], str] = field(default_factory=dict)

    def show(self, open_ones: Sequence[Obligation]) -> dict[int, Shown]:
        """What the first telling run shows: position in `open_ones` -> defect. Empty where none does; then `why` says why."""
        pending = [self._trials(o) for o in open_ones]
        while pending:
            for trials in list(pending):
                if self.clock.left <= 0:
                    self.why = "looking for a run that shows it took too long" if self.why == NOTHING else self.why
                    return {}
                trial = next(trials, None)
                if trial is None:
                    pending.remove(trials)
                    continue
                found = self._all_in(open_ones, *trial)
                if found:
                    return found
        return {}

    def _all_in(self, open_ones: Sequence[Obligation], setting: Setting, trial: Trial) -> dict[int, Shown]:
        """Of a run, then of slices of it where it took too long, what they show."""
        kernel = setting.kernel
        cuts = list(dict.fromkeys(c for o in open_ones if o.kind in KINDS for c in cuts_for(o, kernel)))
        if trial.blocks is None and spins(kernel) and any(o.kind in ("race", "barrier") for o in open_ones):
            found = self._in_slices(open_ones, setting, [replace(trial, cut=c, turns=True) for c in cuts])
            if found:
                return found
        outcome = self._run(setting, trial, PLAIN_SHARE)
        if outcome is None:
            return {}
        found = self._in(open_ones, outcome, KINDS | {"init"})
        if found or outcome.execution.ended != "budget" or trial.target is not None:
            return found
        return self._in_slices(open_ones, setting, [replace(trial, cut=c) for c in cuts])

    def _in_slices(
        self, open_ones: Sequence[Obligation], setting: Setting, trials: Sequence[Trial]
    ) -> dict[int, Shown]:
        for trial in trials:
            outcome = self._run(setting, trial, SLICE_SHARE)
            found = {} if outcome is None else self._in(open_ones, outcome, KINDS)
            if found:
                return found
        return {}

    def _run(self, setting: Setting, trial: Trial, share: float) -> Outcome | None:
        """One run, once, in some share of the time that is left; None where there is nothing to learn from it."""
        if trial in self._done or self.clock.left <= 0:
            return None
        self._done.add(trial)
        try:
            outcome = execute(setting, trial, self.fmad, time.monotonic() + max(1.0, share * self.clock.left))
        except TvError as e:
            self.why, self.help = f"a run failed: {e.message} ({e.code})", advised(e).help
            return None
        if outcome.execution.events:
            other = outcome.execution.events[0]
            self.why = f"a run showed a `{other.kind}` at line {other.span.line}"
        elif outcome.execution.ended == "budget":
            self.why = "a run that shows it takes too long"
        return outcome

    def smaller(self, o: Obligation, shown: Shown) -> Shown:
        """The same defect at the least sizes and on inputs that are zero, where a run of each shows it."""
        best, low = shown, {s: least for s, (least, _) in self.ranges.items()}
        if dict(best.outcome.trial.symbols) != low:
            setting = self.settings(low)
            for blocks in dict.fromkeys(block_choices(setting, None)):
                trial = replace(best.outcome.trial, symbols=tuple(setting.symbols.items()), blocks=blocks)
                found = self._again(o, best, setting, trial)
                if found is not best:
                    best = found
                    break
        trial, setting = best.outcome.trial, best.outcome.setting
        for kept in (Kept(), integers_alone(setting)):
            found = self._again(o, best, setting, replace(trial, pattern=replace(trial.pattern, kept=kept)))
            if found is not best:
                return found
        return best

    def _again(self, o: Obligation, best: Shown, setting: Setting, trial: Trial) -> Shown:
        """What a run shows of the same defect, else the best one so far."""
        left = self.clock.left
        outcome = self._run(setting, trial, min(PLAIN_SHARE, self.clock.used / (2 * left))) if left > 0 else None
        if outcome is None:
            return best
        found = self._in([o], outcome, KINDS | {"init"}).get(0)
        return best if found is None or (found.kind, found.span) != (best.kind, best.span) else found

    def _in(self, open_ones: Sequence[Obligation], outcome: Outcome, kinds: Collection[str]) -> dict[int, Shown]:
        found: dict[int, Shown] = {}
        for k, o in enumerate(open_ones):
            if o.kind in kinds:
                shown = self._shown(o, outcome)
                if shown is not None and self.meant(o, shown):
                    found[k] = shown
        return found

    def _shown(self, o: Obligation, outcome: Outcome) -> Shown | None:
        return self._left_out(o, outcome) if o.kind == "coverage" else self._event(o, outcome)

    def meant(self, o: Obligation, shown: Shown, races: bool = True) -> bool:
        """Whether the graph has a meaning on the run's contents, or another content would show the same; whatever the language
        leaves open. races: whether the run looked for them."""
        setting, trial = shown.outcome.setting, shown.outcome.trial
        lines = {s.line for s in shown.event.spans} if shown.event is not None else set()
        special = shown.event is not None and shown.event.message in (OVERWRITTEN, ENDLESS)
        valued = special or shown.kind in ("init", "range")  # others are of addresses and of control flow that ends
        if hangs_on_floats(setting.kernel, lines if valued else ()) and not self._in_all(o, shown, races):
            return False
        if not hangs_on_contents(setting, tuple(lines)):
            return True
        key = trial.symbols, trial.pattern
        if key not in self._unmet:
            self._unmet[key] = unmet(setting, trial.pattern, time.monotonic() + max(1.0, self.clock.left))
        self.why = self._unmet[key] or self.why
        return not self._unmet[key]

    def _in_all(self, o: Obligation, shown: Shown, races: bool) -> bool:
        """Whether the same shows in all runs that the language and the flags permit."""
        if not self.ieee:
            self.why = "what a run showed hangs on floats, which are not as IEEE has them under these flags"
            return False
        if self._others is None or self._others[0] is not shown.outcome:
            deadline = time.monotonic() + max(1.0, self.clock.left)
            try:
                self._others = shown.outcome, list(otherwise(shown.outcome, self.fmad, deadline, races))
            except TvError as e:
                self.why, self.help = f"a run failed: {e.message} ({e.code})", advised(e).help
                return False
        if all(self._shown(o, other) is not None for other in self._others[1]):
            return True
        self.why = "what a run showed hangs on the bits of a NaN, on the last bits of a function, or on contraction"
        return False

    def _trials(self, o: Obligation) -> Iterator[tuple[Setting, Trial]]:
        first = [o.witness.symbols] if o.witness is not None and o.witness.symbols else []
        for n, symbols in enumerate(sizes(self.ranges, first)):
            if n >= MOST_SIZES:
                return
            setting = self.settings(symbols)
            for blocks in dict.fromkeys(block_choices(setting, o.witness if n == 0 else None)):
                if o.kind == "init":
                    for part in targets(setting.kernel, setting.outputs):
                        yield setting, Trial(tuple(symbols.items()), Pattern("small"), blocks, None, part)
                yield setting, Trial(tuple(symbols.items()), Pattern("small"), blocks)
                if any(self._unmet.values()):  # of zeros more graphs have a meaning, whatever the order of their sums
                    yield setting, Trial(tuple(symbols.items()), Pattern("small", kept=Kept()), blocks)
                if o.kind in ("bounds", "range") and any(s.bounded for s in setting.slots.values()):
                    for seed in range(3):
                        yield setting, Trial(tuple(symbols.items()), Pattern("edges", seed), blocks)
                if o.kind in ("bounds", "range") and any(s.taken_for_index and s.free for s in setting.slots.values()):
                    yield setting, Trial(tuple(symbols.items()), Pattern("uneven"), blocks)

    def _event(self, o: Obligation, outcome: Outcome) -> Shown | None:
        found = matching(o, outcome.execution.events)
        return None if found is None else Shown(outcome, found.kind, line_of(o, found), found)

    def _left_out(self, o: Obligation, outcome: Outcome) -> Shown | None:
        """An element of the output that the obligation is about, or memory that is none of the outputs'."""
        if outcome.execution.events:
            return None
        obj, tensor = (o.witness.object, o.witness.tensor) if o.witness is not None else ("", "")
        objects = [obj] if obj else [n for n, places in outcome.setting.places.items() if places]
        if outcome.trial.cut is not None:  # a slice stores to no other
            objects = [n for n in objects if n in outcome.trial.cut.objects]
        tensor = o.tensor or tensor
        if not tensor:
            name = next((n for n in objects if foreign(outcome, n) is not None), None)
            return None if name is None else Shown(outcome, o.kind, stored_where(outcome, name, o.span), changed=name)
        if outcome.trial.blocks is not None or outcome.trial.target is not None or not outcome.execution.clean:
            return None
        missing = next((m for n in objects if (m := unwritten(outcome, n, tensor)) is not None), None)
        return None if missing is None else Shown(outcome, o.kind, o.span, None, tensor, missing)


def stored_where(outcome: Outcome, name: str, otherwise: Span) -> Span:
    """The one place where the kernel stores to an object; `otherwise` where there are several."""
    kernel = outcome.setting.kernel
    spans = {s.span for s in walk(kernel.body) if isinstance(s, Store | Atomic) and s.ref.object == name}
    return spans.pop() if len(spans) == 1 else otherwise


def integers_alone(setting: Setting) -> Kept:
    """All integers, which addresses may hang on, and no float."""
    slots = setting.slots.values()
    return Kept.of({s.name: [(0, s.count)] for s in slots if not BY_LABEL[s.label].is_float and s.count})


def unwritten(outcome: Outcome, name: str, tensor: str) -> tuple[int, ...] | None:
    """After a run of all blocks: an element of an output that is uninitialised, where the output lies in buffer `name`."""
    for p in outcome.setting.places.get(name, []):
        for start in range(0, min(p.count, MOST_ELEMENTS) if p.output and p.tensor == tensor else 0, _STRETCH):
            linear = np.arange(start, min(start + _STRETCH, p.count))
            good = outcome.buffers[name].initialised(p.of_linear(linear) * p.width, p.width)
            if good is not None:
                first = int(linear[int(np.argmin(good))])
                return tuple(int(i) for i in np.unravel_index(first, p.shape)) if p.shape else ()
    return None


def foreign(outcome: Outcome, name: str) -> int | None:
    """The byte of an object that the run stored to although no output lies there; None where there is none, or for scratch."""
    if name not in outcome.setting.places or not outcome.setting.places[name]:
        return None
    size = outcome.setting.kernel.objects[name].element.bytes
    places = [p for p in outcome.setting.places[name] if p.output]
    width = places[0].width if places else size
    stored = outcome.buffers[name].written_elements(width)
    inside = np.zeros(stored.shape, np.bool_)
    for p in places:
        inside |= p.at(stored)[1]
    return None if inside.all() else int(stored[int(np.argmin(inside))]) * width
