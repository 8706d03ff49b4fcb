"""The whole of a check on one screen: files in, obligations out. The only module on which all rooms meet.

read -> execute -> resolve -> relate -> conclude. Whatever raises on the way ends as `unknown`, `unsupported` or bad input,
never as a proof: a proof is what `conclude` makes of obligations that are all there and all closed.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace

from tv import certify
from tv.advice import advised
from tv.diagnostic import TvError, Unknown, Unsupported
from tv.equiv.relate import relate
from tv.examine import Findings, examine, numbered, read_inputs
from tv.execution import hunt, on_gpu, replay, stored_at
from tv.kernel import Kernel
from tv.launch import Launch
from tv.obligation import Obligation, Status
from tv.pinning import pin
from tv.recheck import recheck
from tv.reference import reference
from tv.refute import SECONDS, Refuter, is_ieee
from tv.request import CheckRequest
from tv.spec import Resolved
from tv.verdict import CheckResult, Counterexample, KernelInfo, Verdict, conclude, failed

__all__ = ["check", "hunt", "recheck", "reference", "replay"]

HUNT_SECONDS = 10.0
SEARCH_SHARE = 0.5  # of the time that is left, for each of a search's two parts; the rest is for a run that ends late
Progress = Callable[[str], None]


def check(request: CheckRequest, progress: Progress = lambda _: None) -> CheckResult:
    """Checks one kernel against one graph. Never raises TvError: every ending is a result."""
    start = time.perf_counter()
    try:
        result = _check(request, start, progress)
    except (Unknown, Unsupported) as e:
        result = stopped(request, e, start, progress)
    except TvError as e:
        result = failed(request, advised(e))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return replace(result, time_s=time.perf_counter() - start, peak_rss_mb=peak)


def _check(request: CheckRequest, start: float, progress: Progress) -> CheckResult:
    spec, kernel = read_inputs(request, progress)
    launch = spec.spec.launches[0]
    findings = Findings(assumptions=[*spec.assumptions])
    examine(request, spec, kernel, launch, findings, progress, relate)
    if request.order is not None:
        pin(request, spec, kernel, findings, progress)
    obligations, counterexample = shown(request, spec, kernel, launch, findings, start, progress)
    verdict = conclude(obligations, request.require, findings.expected, spec.guessed)
    if request.certificate is not None and verdict.verdict is Verdict.PROVED:
        certify.write(request.certificate, certify.certificate_of(request, spec, kernel, findings))
    info = KernelInfo(request.kernel, kernel.name, launch.grid, launch.block)
    return CheckResult(
        verdict.verdict,
        request.require,
        info,
        request.model,
        relation=verdict.relation,
        obligations=tuple(obligations),
        counterexample=counterexample,
        why=verdict.why,
        help=verdict.help,
        bindings=spec.bindings,
        guessed=spec.guessed,
        symbols=spec.spec.symbols,
        diagnostics=(*spec.diagnostics, *findings.notes),
        assumptions=tuple(dict.fromkeys(findings.assumptions)),
    )


def search_seconds(request: CheckRequest, start: float, most: float) -> float:
    """How long each part of a search may take, so that what the proof found is still told before `request.timeout_s`."""
    if request.timeout_s is None:
        return most
    return min(most, max(0.0, SEARCH_SHARE * (request.timeout_s - (time.perf_counter() - start))))


def stopped(request: CheckRequest, e: TvError, start: float, progress: Progress) -> CheckResult:
    """The proof came to nothing it can name an obligation for: an execution may still show that the kernel is wrong."""
    progress("looking for a counterexample")
    found = hunt(request, search_seconds(request, start, HUNT_SECONDS), explain=False)  # that has just been asked
    if found.verdict is not Verdict.REFUTED:
        return failed(request, advised(e))
    why = replace(advised(e).diagnostic(), severity="note", message=f"the proof stopped here: {e.message}")
    return replace(found, diagnostics=(*found.diagnostics, why))


def unexamined(kernel: Kernel, launch: Launch, f: Findings) -> list[Obligation]:
    """Whether each output is written at all, and nothing else, where the proof did not come to that question: an execution may answer it."""
    if f.binder is None or any(o.kind == "coverage" for o in f.obligations):
        return []
    places = {n: stored_at(kernel, launch, n) for n in f.binder.graph.outputs}
    each = [
        Obligation(f"{kernel.name}.{n}.coverage", "coverage", Status.UNKNOWN, span, tensor=n)
        for n, span in places.items()
    ]
    return [*each, Obligation(f"{kernel.name}.coverage", "coverage", Status.UNKNOWN, kernel.span)]


def shown(
    request: CheckRequest, spec: Resolved, kernel: Kernel, launch: Launch, f: Findings, start: float, progress: Progress
) -> tuple[list[Obligation], Counterexample | None]:
    """The obligations, the failing ones refuted where an execution shows the defect, and the counterexample."""
    obligations = numbered(f.obligations)
    if f.binder is None or all(o.status is Status.PROVED for o in obligations):
        return obligations, None
    progress("looking for a counterexample")
    refuter = Refuter(
        kernel,
        launch,
        f.binder,
        f.binder.graph,
        spec.spec.options.fmad,
        spec.spec.inputs,
        request.require,
        is_ieee(spec.spec.options),
        search_seconds(request, start, SECONDS),
    )
    refuter.given = f.asked.models()
    more = unexamined(kernel, launch, f)
    found, counterexample = refuter.confirm([*obligations, *more])
    found = [o for o in found if o.status is Status.REFUTED or all(o.id != other.id for other in more)]
    found, counterexample, note = on_gpu(request, spec, refuter, found, counterexample)
    f.notes += [note] if note is not None else []
    if counterexample is not None and request.counterexample is not None:
        refuter.save(request.counterexample)
        counterexample = replace(counterexample, file=request.counterexample)
    return found, counterexample
