"""What checks cost: one process each, start-up included, against targets. `make bench` prints the table; exit 1 on a miss.
`make bench SEED=n` measures copies with other names, files and sizes, and no comments.

Four parts, and a word (`targets`, `growth`, `corpus`, `interpreter`) runs that part alone: chosen pairs against seconds and megabytes;
of every family one kernel at some sizes and at sixteen times those; every good case of the corpus once, with median and slowest;
executions of kernels and graphs at real sizes (`interpreter.py`).

Each check of the first two runs a few times, in turns with the others of its group, and its best time counts: ratios are of times
taken within one run on one machine. A check that does not end in a proof is a miss whatever it cost.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "corpus")]

from authoring import Sizes
from families import families, load
from interpreter import main as executions
from redraw import redraw, resized

ROUNDS = 3
LIMIT_S = 120
GROWTH, FACTOR = 1.2, 16
MEDIAN_S, SLOWEST_S, LARGEST_MB = 1.0, 15.0, 1536.0


@dataclass(slots=True)
class Check:
    """A kernel and its model; seconds and megabytes of each run. verdict: what was found instead of a proof."""

    name: str
    kernel: Path
    model: Path
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    verdict: str = "proved"

    @property
    def time(self) -> float:
        return min(self.seconds)

    @property
    def memory(self) -> float:
        return max(self.megabytes)

    def run(self) -> None:
        """One process from start to end; its own peak and that of its children count as memory."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            command = [sys.executable, "-m", "tv", "check", str(self.kernel), str(self.model), "-q"]
            command += ["--replay", "none", "--timeout", str(LIMIT_S), "--json", str(report)]
            start = time.perf_counter()
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, _, usage = os.wait4(process.pid, 0)
            self.seconds.append(time.perf_counter() - start)
            found = json.loads(report.read_text()) if report.exists() else {"verdict": "nothing", "peak_rss_mb": 0}
        self.megabytes.append(max(usage.ru_maxrss / 1024, found["peak_rss_mb"]))
        if found["verdict"] != "proved":
            self.verdict = found["verdict"]


@dataclass(frozen=True, slots=True)
class Target:
    """A check against limits; `against`: another one whose time it may exceed by `ratio` at most."""

    check: Check
    seconds: float | None = None
    megabytes: float | None = None
    against: Check | None = None
    ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Corpus:
    """Cases to measure, written into `out`. seed: None for the cases themselves, else copies drawn with it."""

    out: Path
    seed: int | None

    def case(self, name: str) -> Check:
        """A case at the sizes that its text states, or at drawn ones."""
        folder = ROOT / "corpus" / name
        if self.seed is None:
            return Check(name, folder / "kernel.cu", folder.parent / "model.onnx")
        return self.copy(name, load(folder.parent).drawn(folder.name, random.Random(f"{name}/{self.seed}")))

    def at(self, name: str, sizes: Sizes) -> Check:
        """A case at other sizes."""
        shown = {k: sizes[k] for k in load(ROOT / "corpus" / name.split("/")[0]).module.GROWS}
        if self.seed is not None:
            return self.copy(name, sizes, shown)
        place = resized(ROOT / "corpus" / name, self.place(name, shown), sizes)
        return Check(label(name, shown), place / "kernel.cu", place / "model.onnx")

    def good(self) -> Iterator[Check]:
        """Every case that has to be proved, as `case` gives it."""
        for family in families():
            yield from (self.case(f"{family.folder.name}/{c.name}") for c in family.cases if "__" not in c.name)

    def copy(self, name: str, sizes: Sizes, shown: Sizes | None = None) -> Check:
        assert self.seed is not None
        shown = sizes if shown is None else shown
        found = redraw(ROOT / "corpus" / name, self.place(name, shown), self.seed, sizes)
        return Check(label(name, shown), found.kernel, found.model)

    def place(self, name: str, sizes: Sizes) -> Path:
        return self.out / label(name, sizes).replace("/", "_").replace(" ", "_")

    def layers(self) -> tuple[Check, Check]:
        """One stack, and the same with two layers."""
        name = "residual_mlp/grid_sync"
        if self.seed is None:
            return self.case(name), self.case("residual_mlp_2/grid_sync")
        sizes = load(ROOT / "corpus" / "residual_mlp").drawn("grid_sync", random.Random(f"{name}/{self.seed}"))
        return self.copy(name, {**sizes, "L": max(sizes["L"], 8)}), self.copy(name, {**sizes, "L": 2})


def label(name: str, sizes: Sizes) -> str:
    return f"{name} " + " ".join(f"{k}={v}" for k, v in sizes.items())


def growth(corpus: Corpus) -> Iterator[Target]:
    """The first good case of every family, whose sizes grow all at once."""
    for family in families():
        case = next(c.name for c in family.cases if "__" not in c.name)
        small, large = family.growing(FACTOR)
        name = f"{family.folder.name}/{case}"
        yield Target(corpus.at(name, large), against=corpus.at(name, small), ratio=GROWTH)


def targets(corpus: Corpus) -> list[list[Target]]:
    """Groups whose checks run in turns."""
    deep, two_layers = corpus.layers()
    return [
        [Target(corpus.case("sgemm/tiled"), 1.5, 400)],
        [Target(corpus.case("gemv_f32/block_row"), 1.5), Target(corpus.case("gemv_f16/warp_rows"), 1.5)],
        [Target(corpus.case(f"attention_decode/{name}"), 2.0) for name in ("two_pass", "two_pass_tree")],
        [Target(deep, 3.0, against=two_layers, ratio=1.3)],
    ]


def measure(group: list[Target]) -> None:
    checks = {id(c): c for t in group for c in (t.check, t.against) if c is not None}
    for _ in range(ROUNDS):
        for c in checks.values():
            if c.verdict == "proved":
                c.run()


def judged(t: Target) -> tuple[bool, str]:
    """(met, what was found and what was asked for)."""
    words, met = [f"{t.check.time:6.2f} s {t.check.memory:6.0f} MB"], True
    for c in (t.check, t.against):
        if c is not None and c.verdict != "proved":
            words.append(f"{c.name} is {c.verdict}")
            met = False
    if t.seconds is not None:
        words.append(f"at most {t.seconds:.1f} s")
        met = met and t.check.time <= t.seconds
    if t.megabytes is not None:
        words.append(f"at most {t.megabytes:.0f} MB")
        met = met and t.check.memory <= t.megabytes
    if t.against is not None:
        ratio = t.check.time / t.against.time
        words.append(f"{ratio:.2f} times {t.against.name} ({t.against.time:.2f} s), at most {t.ratio:.1f}")
        met = met and ratio <= t.ratio
    return met, ", ".join(words)


def against_targets(groups: Iterable[list[Target]]) -> int:
    """Prints a line for each target. Returns the number missed."""
    missed = 0
    for group in groups:
        measure(group)
        for t in group:
            met, words = judged(t)
            missed += not met
            print(f"{'ok' if met else 'MISS':<5}{t.check.name:<72}{words}", flush=True)
    return missed


def of_corpus(checks: Iterable[Check]) -> int:
    """Runs each once; prints each, then median and slowest. Returns the number of figures missed, unproved ones counted."""
    ran, missed = [], 0
    for c in checks:
        c.run()
        ran.append(c)
        met, words = judged(Target(c, SLOWEST_S, LARGEST_MB))
        missed += not met
        print(f"{'ok' if met else 'MISS':<5}{c.name:<72}{words}", flush=True)
    median = statistics.median(c.time for c in ran)
    slowest = max(ran, key=lambda c: c.time)
    print(
        f"{'ok' if median <= MEDIAN_S else 'MISS':<5}{len(ran)} cases: median {median:.2f} s, at most {MEDIAN_S:.1f} s; "
        f"slowest {slowest.time:.2f} s ({slowest.name}); most memory {max(c.memory for c in ran):.0f} MB"
    )
    return missed + (median > MEDIAN_S)


PARTS = {
    "targets": lambda corpus: against_targets(targets(corpus)),
    "growth": lambda corpus: against_targets([t] for t in growth(corpus)),
    "corpus": lambda corpus: of_corpus(corpus.good()),
    "interpreter": lambda corpus: executions([]),
}


def main(words: list[str]) -> int:
    parts = [w for w in words if w in PARTS] or list(PARTS)
    seeds = [int(w) for w in words if w.isdigit()]
    if len(seeds) > 1 or len(words) != len(seeds) + sum(w in PARTS for w in words):
        sys.exit(f"usage: run.py [{' | '.join(PARTS)}]... [SEED]")
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(Path(folder), seeds[0] if seeds else None)
        missed = sum(PARTS[part](corpus) for part in parts)
    print(f"{missed} missed" if missed else "all met")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
