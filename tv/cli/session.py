"""A check as the command line runs it: in a child process, under its limits, with an answer for every way it can end."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tv.advice import advised
from tv.diagnostic import TvError
from tv.limits import Died, Finished, Outcome, OutOfMemory, Raised, TimedOut, run_each, run_limited
from tv.request import CheckRequest
from tv.verdict import CheckResult, Verdict, failed, gave_up

REPORT = "please report it: the command, the kernel and the model if you can, and the traceback that `-v` prints"


def _silent(_: str) -> None:
    """Progress that nobody watches."""


def engine(name: str) -> Callable[..., Any]:
    """A function of `tv.check`, where all parts meet; imported where it is called, so that `--help` is quick."""
    function: Callable[..., Any] = getattr(importlib.import_module("tv.check"), name)
    return function


def checked(request: CheckRequest, progress: Callable[[str], None]) -> CheckResult:
    """The check itself, in this process; what it raises on purpose becomes its result."""
    try:
        result = engine("check")(request, progress)
    except TvError as error:
        return failed(request, advised(error))
    if not isinstance(result, CheckResult):
        raise TypeError(f"tv.check.check returned {type(result).__name__}")
    return result


def run_check(request: CheckRequest, progress: Callable[[str], None] = _silent) -> CheckResult:
    """The check in a child process. A hang, a crash or a lack of memory is a result too, and never a good one."""
    started = time.monotonic()
    try:
        outcome = run_limited(lambda: checked(request, progress), request.timeout_s, request.memory_mb)
    except TvError as error:
        return failed(request, advised(error))
    result = _result(request, outcome)
    return replace(result, time_s=time.monotonic() - started, peak_rss_mb=outcome.peak_rss_mb)


def run_checks(
    requests: Sequence[CheckRequest], jobs: int, timeout_s: float | None, memory_mb: int | None
) -> Iterator[tuple[int, CheckResult]]:
    """Many checks, `jobs` at a time, under the same limits: (place in the sequence, result) as they end."""
    functions = [partial(checked, r, _silent) for r in requests]
    for place, outcome in run_each(functions, jobs, timeout_s, memory_mb):
        result = _result(requests[place], outcome)
        time_s = outcome.seconds if isinstance(outcome, TimedOut) else result.time_s
        yield place, replace(result, time_s=time_s, peak_rss_mb=outcome.peak_rss_mb)


def _result(request: CheckRequest, outcome: Outcome[CheckResult]) -> CheckResult:
    match outcome:
        case Finished(value=value):
            return value
        case TimedOut(seconds=seconds):
            help_text = "give it more with `--timeout`"
            return gave_up(request, Verdict.UNKNOWN, f"out of time after {seconds:g} s", help_text)
        case OutOfMemory(limit_mb=limit):
            what = f"out of memory at {limit} MB" if limit is not None else "out of memory"
            return gave_up(request, Verdict.UNKNOWN, what, "give it more with `--memory`")
        case Raised(summary=summary, trace=trace):
            if request.verbose:
                sys.stderr.write(trace)
            return gave_up(request, Verdict.INTERNAL_ERROR, f"a defect of tv: {summary}", REPORT)
        case Died(
            how="signal SIGSEGV" | "signal SIGABRT" as how
        ):  # isl, where a question exhausts its operations inside coalescing
            why = f"the index-set library gave up by {how}, most likely on a question that is too large"
            return gave_up(request, Verdict.UNKNOWN, why, "check a part of the graph, or a smaller launch")
        case Died(how=how):
            return gave_up(request, Verdict.INTERNAL_ERROR, f"a defect of tv: the check died by {how}", REPORT)
