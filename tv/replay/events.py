"""What an execution found: events, and the record of the whole run."""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.source import NOWHERE, Span

Thread = tuple[tuple[int, int, int], tuple[int, int, int]]  # (block, thread)


@dataclass(frozen=True, slots=True)
class Event:
    """One defect met at run time.

    kind: an obligation's kind (race, bounds, init, barrier, range). severity `note`: worth saying, not a defect by itself.
    offset: byte in `object`, -1 where no memory is concerned. spans and threads: one or two, in the same order. help: what to do
    about it, where that is more than its kind says.
    """

    kind: str
    message: str
    spans: tuple[Span, ...] = ()
    threads: tuple[Thread, ...] = ()
    object: str = ""
    offset: int = -1
    severity: str = "error"
    help: str = ""

    @property
    def span(self) -> Span:
        return self.spans[0] if self.spans else NOWHERE


@dataclass(frozen=True, slots=True)
class Execution:
    """A finished run. The buffers hold what the kernel left.

    ended: `done` (every thread returned), `event` (stopped at `events[-1]`), `budget` (the step limit was reached: nothing is
    known of termination). math_functions: symbols whose bits may differ from a GPU's, such as `exp.f32`. ordered_atomics:
    some atomic's result hung on the order in which the interpreter ran the threads.
    """

    events: tuple[Event, ...]
    ended: str
    notes: tuple[Event, ...] = ()
    math_functions: frozenset[str] = frozenset()
    ordered_atomics: bool = False
    steps: int = 0
    statistics: dict[str, int] = field(default_factory=dict)
    rounded_products: bool = False  # whether it made a difference that some multiplies were contracted
    loose_functions: frozenset[str] = (
        frozenset()
    )  # of math_functions, those whose bits at the arguments met are in doubt
    made_nans: bool = False  # whether an operation gave a NaN; known of runs with a form of these

    @property
    def clean(self) -> bool:
        """Whether every thread ran to its end without an event."""
        return self.ended == "done" and not self.events


class Halt(Exception):
    """Ends a run inside the interpreter; never leaves it."""

    def __init__(self, ended: str) -> None:
        super().__init__(ended)
        self.ended = ended


class Recorder:
    """Collects events, one for each kind and statement; stops the run at the limit or where it cannot go on."""

    def __init__(self, event_limit: int) -> None:
        self.event_limit = event_limit
        self.events: list[Event] = []
        self.notes: list[Event] = []
        self._seen: set[tuple[str, str, tuple[Span, ...]]] = set()

    def report(self, event: Event, *, fatal: bool = False) -> None:
        """Raises Halt when the limit is reached, or at once if `fatal`."""
        key = (event.severity, event.kind, event.spans)
        if key not in self._seen:
            self._seen.add(key)
            (self.notes if event.severity == "note" else self.events).append(event)
        if event.severity == "error" and (fatal or len(self.events) >= self.event_limit):
            raise Halt("event")
