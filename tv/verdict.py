"""Verdicts: what a check found, and the one rule by which obligations become a verdict.

`proved` is never a default: it needs every expected obligation present, every obligation closed and a relation strong enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tv import __version__
from tv.diagnostic import BadInput, Diagnostic, TvError, Unknown, Unsupported
from tv.launch import IntOrText, Symbol
from tv.obligation import KINDS, Obligation, Relation, Status, weaker
from tv.request import CheckRequest
from tv.source import NOWHERE, Span


class Verdict(Enum):
    """Value: the word in reports. Only `PROVED` exits with 0."""

    PROVED = "proved"
    REFUTED = "refuted"
    BAD_INPUT = "bad-input"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    INTERNAL_ERROR = "internal-error"

    @property
    def exit_code(self) -> int:
        return _EXIT[self]


_EXIT = {
    Verdict.PROVED: 0,
    Verdict.REFUTED: 1,
    Verdict.BAD_INPUT: 2,
    Verdict.UNKNOWN: 3,
    Verdict.UNSUPPORTED: 4,
    Verdict.INTERNAL_ERROR: 5,
}

# Kinds of counterexample that no execution of the kernel shows; every other kind must have been replayed.
NOT_EXECUTABLE = frozenset({"read-only", "determinism"})


@dataclass(frozen=True, slots=True)
class KernelInfo:
    """The kernel that was checked; grid and block are () and name is "" where the check did not get that far."""

    file: str
    name: str = ""
    grid: tuple[IntOrText, ...] = ()
    block: tuple[IntOrText, ...] = ()


@dataclass(frozen=True, slots=True)
class InputElement:
    """An element of an input that is not zero."""

    tensor: str
    index: tuple[int, ...]
    bits: str
    value: str


@dataclass(frozen=True, slots=True)
class Parting:
    """Where a proof finds that kernel and graph part: the kernel's line, the graph's node and its result, and what each side has
    there; "" for what is not known."""

    location: Span
    node: str
    tensor: str
    kernel: str = ""
    graph: str = ""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A witness that was executed. kind: value | race | bounds | init | barrier | coverage | range | read-only | determinism.

    file: the .npz with inputs, "" if it was not written. replayed: gpu | cpu | None. threads: (block, thread), both linear ids;
    of a value the one that stored the element last, at `stored`. Of a value the bits, and the number that they are. where: the
    GPU and the compiler that were used. inputs: elements that are not zero, `others` more of them are not listed (None: not
    counted).
    """

    kind: str
    replayed: str | None
    location: Span = NOWHERE
    file: str = ""
    threads: tuple[tuple[int, int], ...] = ()
    tensor: str = ""
    index: tuple[int, ...] = ()
    kernel_bits: str = ""
    graph_bits: str = ""
    symbols: dict[str, int] = field(default_factory=dict)
    kernel_value: str = ""
    graph_value: str = ""
    where: str = ""
    stored: Span = NOWHERE
    inputs: tuple[InputElement, ...] = ()
    others: int | None = None
    parting: Parting | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Everything a report says. A `proved` or `refuted` that its own fields contradict cannot be built (ValueError)."""

    verdict: Verdict
    required: Relation
    kernel: KernelInfo
    model: str
    relation: Relation | None = None
    obligations: tuple[Obligation, ...] = ()
    counterexample: Counterexample | None = None
    why: str = ""
    help: str = ""
    bindings: dict[str, str] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    assumptions: tuple[str, ...] = ()
    time_s: float = 0.0
    peak_rss_mb: float = 0.0
    version: str = __version__

    def __post_init__(self) -> None:
        match self.verdict:
            case Verdict.PROVED:
                self._forbid(not self.obligations, "no obligation")
                self._forbid(any(o.status is not Status.PROVED for o in self.obligations), "an open obligation")
                self._forbid(not any(o.kind == "equal" for o in self.obligations), "no `equal` obligation")
                self._forbid(self.relation is None or self.relation.rank > self.required.rank, "too weak a relation")
                self._forbid(self.counterexample is not None, "a counterexample")
                self._forbid(any(d.severity == "error" for d in self.diagnostics), "an error")
            case Verdict.REFUTED:
                self._forbid(self.counterexample is None, "no counterexample")
                self._forbid(bool(self.guessed), "a guessed binding")
                cex = self.counterexample
                executed = cex is not None and (cex.replayed in ("gpu", "cpu") or cex.kind in NOT_EXECUTABLE)
                self._forbid(not executed, "a witness that was not executed")
            case _:
                pass

    def _forbid(self, wrong: bool, what: str) -> None:
        if wrong:
            raise ValueError(f"verdict `{self.verdict.value}` with {what}")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The verdict that a set of obligations carries, the relation that was proved, and why it is no stronger."""

    verdict: Verdict
    relation: Relation | None = None
    why: str = ""
    help: str = ""


def conclude(
    obligations: Sequence[Obligation],
    required: Relation,
    expected_ids: Collection[str],
    guessed: Sequence[str] = (),
) -> Conclusion:
    """The first of refuted, unsupported, unknown, proved that a finding calls for.

    expected_ids: every obligation that the launch gives rise to, an `equal` for each bound output among them. guessed:
    parameters bound by position; with one, a refutation is only `unknown`. A relation is reported where every obligation is
    closed, also where it is weaker than required. Raises ValueError for obligations that share an
    id or are of no known kind: a defect, not a verdict.
    """
    _well_formed(obligations)
    for status in (Status.REFUTED, Status.UNSUPPORTED, Status.UNKNOWN):
        found = [o for o in obligations if o.status is status]
        if found and not (status is Status.REFUTED and guessed):
            return Conclusion(_VERDICT[status], None, _why(found[0], len(found)), found[0].help)
    if any(o.status is Status.REFUTED for o in obligations):
        keys = ", ".join(f'{p} = "..."' for p in guessed)
        why = "a difference was found, but the binding was guessed"
        return Conclusion(Verdict.UNKNOWN, None, why, f"write [args] {keys}")
    return _conclude_closed(obligations, required, expected_ids, proved_relation(obligations, expected_ids))


def _conclude_closed(
    obligations: Sequence[Obligation], required: Relation, expected_ids: Collection[str], relation: Relation | None
) -> Conclusion:
    """Every obligation here is proved; what can still be wrong is that something was never asked."""
    missing = sorted(set(expected_ids) - {o.id for o in obligations})
    if missing:
        return Conclusion(Verdict.UNKNOWN, None, f"obligation `{missing[0]}` was not examined")
    if not any(o.kind == "equal" and o.id in expected_ids for o in obligations) or relation is None:
        return Conclusion(Verdict.UNKNOWN, None, "nothing was shown about the outputs")
    if relation.rank > required.rank:
        weak = next(
            o for o in obligations if o.kind == "equal" and o.relation is not None and o.relation.rank > required.rank
        )
        why = f"equal at `{relation.value}`, but `{required.value}` is required (obligation `{weak.id}`)"
        return Conclusion(Verdict.UNKNOWN, relation, why, weak.help or f"ask for `--require {relation.value}`")
    return Conclusion(Verdict.PROVED, relation)


def proved_relation(obligations: Sequence[Obligation], expected_ids: Collection[str]) -> Relation | None:
    """The strongest relation that holds for every output; None where an `equal` is open, absent or has none."""
    equals = [o for o in obligations if o.kind == "equal"]
    absent = set(expected_ids) - {o.id for o in obligations}
    if not equals or absent or any(o.status is not Status.PROVED for o in equals):
        return None
    result = Relation.BITWISE
    for o in equals:
        if o.relation is None:
            return None
        result = weaker(result, o.relation)
    return result


_VERDICT = {
    Status.REFUTED: Verdict.REFUTED,
    Status.UNSUPPORTED: Verdict.UNSUPPORTED,
    Status.UNKNOWN: Verdict.UNKNOWN,
    Status.PROVED: Verdict.PROVED,
}


def _why(first: Obligation, count: int) -> str:
    more = f" (and {count - 1} more)" if count > 1 else ""
    where = f" at {first.span}" if first.span != NOWHERE else ""
    return f"obligation `{first.id}`{where}: {first.message or first.status.value}{more}"


def _well_formed(obligations: Sequence[Obligation]) -> None:
    twice = [i for i, n in Counter(o.id for o in obligations).items() if n > 1]
    if twice:
        raise ValueError(f"two obligations are called `{twice[0]}`")
    odd = [o for o in obligations if o.kind not in KINDS]
    if odd:
        raise ValueError(f"obligation `{odd[0].id}` is of no known kind: `{odd[0].kind}`")


def verdict_of(error: TvError) -> Verdict:
    """The verdict in which an exception ends; a bare TvError is a defect."""
    match error:
        case BadInput():
            return Verdict.BAD_INPUT
        case Unsupported():
            return Verdict.UNSUPPORTED
        case Unknown():
            return Verdict.UNKNOWN
        case _:
            return Verdict.INTERNAL_ERROR


def failed(request: CheckRequest, error: TvError) -> CheckResult:
    """The result of a check that ended in an exception before it could conclude."""
    return CheckResult(
        verdict_of(error),
        request.require,
        KernelInfo(request.kernel),
        request.model,
        why=error.message,
        help=error.help,
        diagnostics=(error.diagnostic(),),
    )


def gave_up(request: CheckRequest, verdict: Verdict, why: str, help: str = "") -> CheckResult:
    """The result of a check that a limit or a crash ended: `unknown` or `internal-error`, nothing else (ValueError)."""
    if verdict not in (Verdict.UNKNOWN, Verdict.INTERNAL_ERROR):
        raise ValueError(f"a check that did not finish is not `{verdict.value}`")
    return CheckResult(verdict, request.require, KernelInfo(request.kernel), request.model, why=why, help=help)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command other than `check` found: does the claim hold (exit 0, else 1), and the text to print."""

    holds: bool
    text: str
