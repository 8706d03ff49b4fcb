"""Mutants of right kernels and of their graphs: which of them does `tv check` catch? `make mutants`.

    python benchmarks/mutants [--count N] [--seed S] [--jobs N] [--seconds S] [--rows FILE]     # goes on where it stopped
    python benchmarks/mutants --gpu              # asks a GPU about those that are done, and nothing else
    python benchmarks/mutants --table            # writes the table into docs/soundness.md and benchmarks/results/mutants.json
    python benchmarks/mutants --write NAME DIR   # the files of one of them

Exit 1 where an execution speaks against a verdict: a harmful mutant that was proved, a harmless one that was refuted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "corpus")]

from mutants import table
from mutants.compiling import compiler
from mutants.life import Limits, Row, life, on_gpu
from mutants.population import Mutant, case_names, mutants_of, original, sample
from tv.cli.session import engine
from tv.gpu.driver import require_device
from tv.limits import Died, Finished, Outcome, OutOfMemory, Raised, TimedOut, run_each, run_limited

ROWS = ROOT / "build" / "mutants.jsonl"
DOCUMENT = ROOT / "docs" / "soundness.md"
RECORD = ROOT / "benchmarks" / "results" / "mutants.json"
NO_GPU = "no GPU"
COUNT = 4200  # of which some are no kernels


# ------------------------------------------------------------------------------------------------ rows
def read_rows(path: Path) -> dict[str, Row]:
    """The last row of each mutant; a line that was cut off when a run ended is none."""
    out: dict[str, Row] = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        out[row["name"]] = row
    return out


def unfinished(row: Row, again: bool) -> bool:
    """Is there more to find out here? What was skipped for want of libclang is, where there is one; again: what gave no answer."""
    return ("skipped" in row and importlib.util.find_spec("clang") is not None) or (again and "ended" in row)


def ended(m: Mutant, outcome: Outcome[Row]) -> Row:
    """The row of a mutant whose process has ended, with or without an answer."""
    head = {"name": m.name, "case": m.case, "operator": m.operator, "told": m.told}
    match outcome:
        case Finished(value=row):
            return row
        case TimedOut(seconds=s):
            return {**head, "ended": f"after {s:g} s"}
        case OutOfMemory():
            return {**head, "ended": "out of memory"}
        case Raised(summary=summary, trace=trace):
            return {**head, "ended": f"raised {summary}", "trace": trace[-3000:]}
        case Died(how=how):
            return {**head, "ended": f"died: {how}"}


def run_all(
    todo: Iterable[Mutant],
    path: Path,
    jobs: int,
    until: float,
    limits: Limits,
    live: Callable[[Mutant, Limits], Row] = life,
) -> list[Row]:
    """Lives of the mutants, `jobs` at a time; each is appended to the file as it ends. None begins after `until`."""
    chosen = list(todo)
    done: list[Row] = []

    def begun() -> Iterable[Callable[[], Row]]:
        for m in chosen:
            if time.monotonic() >= until:
                return
            yield partial(live, m, limits)

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for place, outcome in run_each(begun(), jobs, limits.whole, limits.memory_mb):
            row = ended(chosen[place], outcome)
            file.write(json.dumps(row) + "\n")
            file.flush()
            done.append(row)
            report(row, len(done))
    return done


def report(row: Row, number: int) -> None:
    """A line for what a person has to look at, and one for every hundred."""
    if "ended" in row:
        print(f"ENDED {row['ended']}: {row['name']} ({row['told']})", flush=True)
    elif table.complaint(row):
        print(f"!!! {table.complaint(row)}\n!!! {row['name']} ({row['told']})", flush=True)
    if number % 100 == 0:
        print(f"{number} done", flush=True)


# ------------------------------------------------------------------------------------------------ a GPU
def with_gpu(m: Mutant, limits: Limits, row: Row) -> Row:
    return {**row, "gpu": on_gpu(m, row, limits)}


def ask_gpu(rows: dict[str, Row], known: dict[str, Mutant], path: Path, jobs: int, until: float, limits: Limits) -> int:
    """Asks a GPU about every row that has no word of one. How many were asked."""
    todo = [r for r in rows.values() if r.get("compiles") and "gpu" not in r and r["name"] in known]
    todo.sort(key=lambda r: (r["verdict"] == "refuted", r.get("kind") != "value"))  # proofs first
    functions = (partial(with_gpu, known[r["name"]], limits, r) for r in todo if time.monotonic() < until)
    asked = 0
    with path.open("a") as file:
        for place, outcome in run_each(functions, jobs, limits.whole, None):
            silent = {**todo[place], "gpu": {"stopped": "the GPU's process came to no end"}}
            row = outcome.value if isinstance(outcome, Finished) else silent
            file.write(json.dumps(row) + "\n")
            file.flush()
            asked += 1
            report(row, asked)
    return asked


def machine() -> str:
    found = run_limited(lambda: require_device().name, 120.0) if importlib.util.find_spec("cupy") else None
    gpu = found.value if isinstance(found, Finished) else NO_GPU
    return f"{os.cpu_count()} cores ({platform.machine()}), {gpu}"


# ------------------------------------------------------------------------------------------------ the command
def main() -> int:
    options = _options()
    path, limits = Path(options.rows), Limits()
    if options.table:
        return write_table(list(read_rows(path).values()), options)
    started = time.monotonic()
    until = started + options.seconds
    every = [m for case in case_names() if options.only in case for m in mutants_of(original(case))]
    chosen = sample(every, options.count, options.seed)
    known = {m.name: m for m in chosen}
    if options.write:
        return _write(options.write, {m.name: m for m in every})
    engine("check")  # imported once, and not again in every process
    rows = read_rows(path)
    todo = [m for m in chosen if m.name not in rows or unfinished(rows[m.name], options.again)]
    where = machine()
    print(f"{len(every)} mutants, {len(chosen)} chosen, {len(todo)} to do; {compiler()}; {where}", flush=True)
    if options.gpu and NO_GPU in where:
        print("there is no GPU here, or no CuPy to reach it", file=sys.stderr)
        return 2
    if not options.gpu:
        run_all(todo, path, options.jobs, until, limits)
    if NO_GPU not in where:
        print(f"{ask_gpu(read_rows(path), known, path, options.jobs, until, limits)} asked of a GPU", flush=True)
    found = [r for n, r in read_rows(path).items() if n in known]
    return summary(found, time.monotonic() - started)


def summary(rows: list[Row], seconds: float) -> int:
    """Prints what is asked of all mutants; 1 where an execution speaks against a verdict."""
    print(table.text(rows, f"{len(rows)} rows, {seconds:.0f} s"))
    for asked, holds in table.requirements(table.counted(rows)):
        print(f"{'holds' if holds else 'MISSING':<8}{asked}")
    against = [r for r in table.judged(rows) if table.complaint(r)]
    for r in against:
        print(f"!!! {table.complaint(r)}: {r['name']} ({r['told']})")
    return 1 if against else 0


def write_table(rows: list[Row], options: argparse.Namespace) -> int:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    where = sorted({r["gpu"]["where"] for r in rows if (r.get("gpu") or {}).get("where")})
    head = {
        "command": "python benchmarks/mutants", "machine": machine(), "gpus": where, "seed": options.seed, "commit": commit.stdout.strip(),
        "date": time.strftime("%Y-%m-%d"), "compiler": compiler(),
    }  # fmt: skip
    asked = sum("bits" in (r.get("gpu") or {}) for r in rows)
    gpus = f"{asked} of them run on {' and '.join(where)} too" if where else "no GPU"
    how = f"`make mutants`, seed {options.seed}; {gpus}; {head['date']}."
    RECORD.write_text(json.dumps(table.record(rows, head), indent=1) + "\n")
    DOCUMENT.write_text(table.placed(DOCUMENT.read_text(), table.text(rows, how)))
    return summary(rows, 0.0)


def _write(given: list[str], known: dict[str, Mutant]) -> int:
    name, folder = given
    if name not in known:
        print(f"no mutant is called {name}", file=sys.stderr)
        return 2
    kernel, model = known[name].write(Path(folder))
    print(f"{known[name].told}\ntv check {kernel} {model}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after so long")
    parser.add_argument("--rows", default=str(ROWS), metavar="FILE", help="where rows are kept, as JSON lines")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name holds this")
    parser.add_argument("--again", action="store_true", help="once more those whose process came to no answer")
    parser.add_argument("--gpu", action="store_true", help="only ask a GPU about those that are done")
    parser.add_argument("--table", action="store_true", help="only write the table")
    parser.add_argument("--write", nargs=2, metavar=("NAME", "DIR"), help="only write one mutant's files")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
