"""`python -m tests.random_kernels`: many random kernels in parallel, and what came of them. Exit code 1 where one failed."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.random_kernels.cases import KINDS, Result, kind_of, one, text
from tv.limits import Finished, Outcome, Raised, run_each

MEMORY_MB = 4096  # of a case's process
PATIENCE = 4  # times a case's own limit, after which its process is ended: what does not heed it


def endings(a: argparse.Namespace) -> Iterator[tuple[str, int, Outcome[Result]]]:
    """All cases by kind and number, each in a process of its own, in the order in which they end, until the time is over."""
    deadline = time.monotonic() + a.seconds
    begun: list[tuple[str, int]] = []

    def cases() -> Iterator[Callable[[], Result]]:
        for n in range(a.first, a.first + a.cases):
            if time.monotonic() >= deadline:
                return
            begun.append((a.kind or kind_of(n), n))
            yield partial(one, begun[-1][0], a.seed, n, a.each)

    for place, outcome in run_each(cases(), a.jobs, a.each * PATIENCE, MEMORY_MB):
        yield *begun[place], outcome


def main() -> int:
    a = arguments()
    found: dict[str, Counter[str]] = {k: Counter() for k in KINDS}
    asked: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    failed, told, start = 0, time.monotonic(), time.monotonic()
    for count, (kind, number, ended) in enumerate(endings(a), 1):
        if not isinstance(ended, Finished):
            failed += 1
            found[kind]["FAILED"] += 1
            keep(Path(a.out), kind, a.seed, number, ended.trace if isinstance(ended, Raised) else str(ended))
            say(f"FAILED {kind} {number}: {ended.summary if isinstance(ended, Raised) else ended}")
        else:
            r = ended.value
            found[kind][r.ending] += 1
            asked += r.asked
            spent[kind] += round(r.seconds * 1000)
            if r.ending == "slow":
                keep(Path(a.out), kind, a.seed, number, "slow")
        if time.monotonic() - told > 30:
            told = time.monotonic()
            say(f"{count} cases, {failed} failed, {told - start:.0f} s")
    summary(found, asked, spent, failed, time.monotonic() - start)
    return 1 if failed else 0


def arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="python -m tests.random_kernels", description=__doc__)
    p.add_argument("--cases", type=int, default=100_000)
    p.add_argument("--first", type=int, default=0, help="number of the first case")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seconds", type=float, default=1e9, help="begin no case after so many")
    p.add_argument("--each", type=float, default=30.0, help="seconds that a case may take")
    p.add_argument("--kind", choices=("", *KINDS), default="", help="only cases of this kind")
    p.add_argument("--out", default="build/random", help="folder for the text of what failed")
    return p.parse_args()


def keep(out: Path, kind: str, seed: int, number: int, why: str) -> None:
    """The case as a file, with what is wrong below it."""
    out.mkdir(parents=True, exist_ok=True)
    told = "".join(f"// {line}\n" for line in why.splitlines())
    (out / f"{kind}_{seed}_{number}.cu").write_text(text(kind, seed, number) + told)


def summary(found: dict[str, Counter[str]], asked: Counter[str], spent: Counter[str], failed: int, wall: float) -> None:
    say(f"{sum(c.total() for c in found.values())} cases in {wall:.0f} s, {failed} failed")
    for kind, ends in found.items():
        if not ends:
            continue
        say(f"{kind}: {ends.total()} cases, {spent[kind] / ends.total():.0f} ms each")
        for ending, count in ends.most_common():
            say(f"  {count:8} {ending}")
    say("compared, or proved of kernels dealt out so:")
    for what, count in sorted(asked.items()):
        say(f"  {count:8} {what}")
    right = found["right"]
    if right:
        proved = sum(c for e, c in right.items() if e.startswith("proved"))
        say(f"right kernels proved: {proved} of {right.total()} ({100 * proved / right.total():.1f} %)")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
