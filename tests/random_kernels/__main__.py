"""`python -m tests.random_kernels`: many random kernels in parallel, and what came of them. Exit code 1 where one failed."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

from tests.random_kernels.cases import KINDS, Result, kind_of, one, text

Ended = tuple[str, int, Future[Result]]


def endings(a: argparse.Namespace) -> Iterator[Ended]:
    """All cases by kind and number, in the order in which they end, until the time is over."""
    deadline = time.monotonic() + a.seconds
    numbers = iter(range(a.first, a.first + a.cases))
    with ProcessPoolExecutor(a.jobs) as pool:
        running: dict[Future[Result], tuple[str, int]] = {}
        while True:
            while len(running) < 4 * a.jobs and time.monotonic() < deadline:
                n = next(numbers, None)
                if n is None:
                    break
                kind = a.kind or kind_of(n)
                running[pool.submit(one, kind, a.seed, n, a.each)] = (kind, n)
            if not running:
                return
            for f in wait(running, return_when=FIRST_COMPLETED).done:
                yield *running.pop(f), f


def main() -> int:
    a = arguments()
    found: dict[str, Counter[str]] = {k: Counter() for k in KINDS}
    asked: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    failed, told, start = 0, time.monotonic(), time.monotonic()
    for count, (kind, number, ended) in enumerate(endings(a), 1):
        wrong = ended.exception()
        if wrong is not None:
            failed += 1
            found[kind]["FAILED"] += 1
            keep(Path(a.out), kind, a.seed, number, "".join(traceback.format_exception(wrong)))
            say(f"FAILED {kind} {number}: {type(wrong).__name__}: {wrong}")
        else:
            r = ended.result()
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
