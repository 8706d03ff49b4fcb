"""`tv test`: every case under a folder against what its first line states."""

from __future__ import annotations

import sys
import time

from tv.cli.output import Progress
from tv.cli.session import engine, run_checks
from tv.expectation import Case, find_cases, mismatch
from tv.verdict import CheckResult


def run_cases(folder: str, only: str, timeout_s: float | None, memory_mb: int | None, jobs: int, quiet: bool) -> int:
    """Prints a table; returns 0 if every case is as stated, else 1. Raises BadInput where there is no case.

    The limits are those of one case. Each runs in a child forked from this process, which has everything imported: a case
    that hangs or crashes is one line of the table.
    """
    cases = [c for c in find_cases(folder) if only in c.name]
    engine("check")  # imported once, here, and not again in the child process of every case
    width = max((len(c.name) for c in cases), default=0)
    progress = Progress(quiet)
    started = time.monotonic()
    rows: dict[int, tuple[bool, str]] = {}
    shown = 0
    progress.say(f"0/{len(cases)}")
    for place, result in run_checks([c.request for c in cases], jobs, timeout_s, memory_mb):
        difference = mismatch(cases[place].expectation, result)
        rows[place] = bool(difference), _row(cases[place], result, difference, width)
        progress.clear()
        while shown in rows:  # in the order of their names, whichever ends first
            if rows[shown][0] or not quiet:
                sys.stdout.write(rows[shown][1])
            shown += 1
        progress.say(f"{len(rows)}/{len(cases)}")
    progress.clear()
    wrong = sum(differs for differs, _ in rows.values())
    total = f"{len(cases)} cases, {len(cases) - wrong} as stated, {wrong} not, {time.monotonic() - started:.1f} s"
    sys.stdout.write(f"{total}\n")
    return 0 if cases and len(rows) == len(cases) and not wrong else 1


def _row(case: Case, result: CheckResult, difference: str, width: int) -> str:
    mark = "DIFFERS" if difference else "ok"
    rest = f"  found {difference}" if difference else ""
    return f"{mark:<8}{case.name:<{width}}  {case.expectation!s:<18}{result.time_s:>7.2f} s{rest}\n"
