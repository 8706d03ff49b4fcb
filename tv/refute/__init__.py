"""From a failing obligation to a counterexample: nothing is called refuted unless the interpreter has shown it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tv.advice import MENDS
from tv.binding import Binder
from tv.diagnostic import BadInput
from tv.graph import Graph
from tv.kernel import Kernel
from tv.launch import CompileOptions, InputAssumption, Launch
from tv.obligation import Obligation, Relation, Status
from tv.refute.defects import EVENTS, Defects, Shown
from tv.refute.differences import Broken, Difference, Differences
from tv.refute.record import Record, again, read, write
from tv.refute.setting import Setting
from tv.refute.showing import content, hexadecimal, of_defect, of_difference, unstated
from tv.refute.shrinking import shrunk
from tv.refute.trials import Clock
from tv.verdict import Counterexample

SECONDS = 60.0  # a search that had many runs ends much sooner

_STILL = "not refuted: "
__all__ = ["SECONDS", "Refuter", "hexadecimal", "is_ieee", "open_still"]


@dataclass(slots=True)
class Refuter:
    """Tries to show, by running the kernel, what a proof attempt left open.

    fmad: as compiled. assumptions: of graph inputs; no run breaks them. required: at `real`, rounding is no difference, so
    values refute nothing. ieee: whether division, roots and subnormals are as IEEE has them; where not, values refute nothing
    either, nor what hangs on floats. seconds: of wall time, for defects and for values each.
    """

    kernel: Kernel
    launch: Launch
    binder: Binder
    graph: Graph
    fmad: bool
    assumptions: Sequence[InputAssumption] = ()
    required: Relation = Relation.REASSOC
    ieee: bool = True
    seconds: float = SECONDS
    given: Sequence[tuple[int, int]] = ()  # numbers (width, bits) at which terms of the proof differ
    shown: Shown | Difference | None = None  # what the counterexample rests on
    _settings: dict[tuple[tuple[str, int], ...], Setting] = field(default_factory=dict)

    def confirm(self, obligations: Sequence[Obligation]) -> tuple[list[Obligation], Counterexample | None]:
        """The obligations, REFUTED where a run showed the defect, and the first run's record.

        What no run shows keeps its status, and says in its message why. Obligations that are not UNKNOWN are left alone.
        """
        out = list(obligations)
        where = [
            k
            for k, o in enumerate(out)
            if o.status is Status.UNKNOWN and o.executable and o.kind in EVENTS | {"coverage"}
        ]
        defects = self._defects()
        found = defects.show([out[k] for k in where]) if where else {}
        for n, (at, shown) in enumerate(found.items()):
            if n == 0:  # the one that is reported
                self.shown = shown = defects.smaller(out[where[at]], shown)
                told = of_defect(shown)
            out[where[at]] = self._refuted(out, where[at], shown)
        if found:
            return out, told
        for k in where:
            out[k] = open_still(out[k], defects.why, defects.help)
        return self._by_values(out)

    def _defects(self) -> Defects:
        return Defects(self.setting, self.binder.ranges, self.fmad, Clock(self.seconds / 2), self.ieee)

    def setting(self, symbols: Mapping[str, int]) -> Setting:
        key = tuple(sorted(symbols.items()))
        if key not in self._settings:
            self._settings[key] = Setting(
                self.kernel, self.launch, self.binder, self.graph, dict(symbols), tuple(self.assumptions)
            )
        return self._settings[key]

    def save(self, path: str) -> None:
        """Writes what the counterexample rests on. Raises ValueError where nothing was shown, BadInput for the file."""
        if self.shown is None:
            raise ValueError("there is no counterexample")
        write(path, self.shown, self.fmad)

    def replay(self, path: str) -> tuple[bool, str]:
        """Runs a saved counterexample again: whether it shows the same, and what to print."""
        return again(*self.saved(path))

    def saved(self, path: str) -> tuple[Record, Setting]:
        """A counterexample from its file, and the launch at its sizes. Raises BadInput (TV0736, TV0737)."""
        found = read(path)
        symbols = dict(found.trial.symbols)
        if set(symbols) != set(self.binder.ranges):
            raise BadInput(
                "TV0737",
                f"the counterexample is about the sizes {named(symbols)}, the launch about {named(self.binder.ranges)}",
            )
        return found, self.setting(symbols)

    # -------------------------------------------------------------- values
    def _by_values(self, out: list[Obligation]) -> tuple[list[Obligation], Counterexample | None]:
        open_ones = [
            k for k, o in enumerate(out) if o.status is Status.UNKNOWN and o.kind in ("equal", "init", "coverage")
        ]
        if not open_ones:
            return out, None
        orders = [o for o in out if o.kind in ("race", "barrier")]
        races = not orders or any(o.status is not Status.PROVED for o in orders)
        search = Differences(self.setting, self.binder.ranges, self.fmad, Clock(self.seconds), races)
        search.given = self.given
        first = [
            o.witness.symbols for o in out if o.status is Status.UNKNOWN and o.witness is not None and o.witness.symbols
        ]
        found = search.show(out[open_ones[0]], list(first))
        match found:
            case Difference() if self.required is Relation.REAL or not self.ieee:
                search.why = "a run showed other bits, which rounding may explain"
            case Difference():
                k = self._blamed(out, open_ones, found)
                if k is not None:
                    found = shrunk(search, found)
                    kernel, graph = (content(b, found.label) for b in (found.kernel_bits, found.graph_bits))
                    text = f"element {list(found.index)} of `{found.tensor}`: kernel {kernel}, graph {graph}"
                    text = f"{out[k].message}; {text}" if out[k].message else text
                    help_text = out[k].help or advice(MENDS["equal"], found)
                    out[k] = replace(out[k], status=Status.REFUTED, message=text, help=help_text)
                    self.shown = found
                    return out, of_difference(found, out[k])
            case Broken(event=event) if event.kind == "init":
                first_one = Shown(found.outcome, "init", event.spans[-1], event)
                defects, o = self._defects(), replace(out[open_ones[0]], kind="init")
                if defects.meant(o, first_one, search.races):
                    self.shown = defects.smaller(o, first_one)
                    out[open_ones[0]] = self._refuted(out, open_ones[0], self.shown)
                    return out, of_defect(self.shown)
                search.why = defects.why
            case Broken(event=event):
                search.why = f"a run showed a `{event.kind}` at line {event.span.line}"
            case None:
                pass
        for k in open_ones:
            out[k] = open_still(out[k], search.why, search.help)
        return out, None

    def _refuted(self, out: list[Obligation], k: int, shown: Shown) -> Obligation:
        """Obligation k, refuted; where the run shows something of another kind, that is what it becomes."""
        o = out[k]
        event = shown.told()
        if shown.kind == o.kind:
            help_text = o.help or advice(shown.mended(), shown)
            return replace(o, status=Status.REFUTED, span=shown.span, message=o.message or event, help=help_text)
        id = f"{self.kernel.name}.{shown.kind}.shown"
        while any(other.id == id for other in out):
            id += "+"
        help_text = advice(shown.mended(), shown)
        return replace(o, id=id, kind=shown.kind, status=Status.REFUTED, span=shown.span, message=event, help=help_text)

    def _blamed(self, out: list[Obligation], open_ones: list[int], found: Difference) -> int | None:
        """The obligation that a difference refutes: the `equal` of that output; else any open one that tells of a cause."""
        equal = [k for k in open_ones if out[k].kind == "equal"]
        own = [k for k in equal if out[k].tensor == found.tensor or out[k].id.endswith(f".{found.tensor}.equal")]
        return next(iter([*own, *equal]), None)


def advice(mends: str, shown: Shown | Difference) -> str:
    """What to do about a defect: mend the kernel, or state what it relies on."""
    said = unstated(shown.outcome.setting, shown.outcome.trial.pattern)
    return f"{mends}; {said}" if said else mends


def is_ieee(options: CompileOptions) -> bool:
    """Whether the flags leave float arithmetic as IEEE has it, contraction apart."""
    return not (options.fast_math or options.ftz) and options.prec_div and options.prec_sqrt


def open_still(o: Obligation, why: str, help: str) -> Obligation:
    """The obligation with the reason why no run refuted it; help: with runs, where they failed."""
    if why in o.message:
        return o
    why = why if _STILL in o.message else f"{_STILL}{why}"
    return replace(o, message=f"{o.message}; {why}" if o.message else why, help=o.help or help)


def named(words: Iterable[str]) -> str:
    return ", ".join(f"`{w}`" for w in sorted(words)) or "none"
