"""The corpus on a GPU: does it give the interpreter's bits, the reference's bits, and the counterexamples' bits?

    python benchmarks/gpu.py [--jobs N] [--seconds S] [--out FILE] [CASE ...]      # needs a GPU and CuPy

For each case, on several contents of the inputs:
  interpreter   a run of the interpreter and one on the GPU leave the same bits in every buffer (any NaN equals any NaN)
  reference     of a proved case: the GPU's outputs are those of `tv reference` under the proof's certificate
Both with the GPU's own exp, log and the like; by how much these err is measured apart, for each function that was met. What takes
too long at a case's full sizes is asked at its family's smallest.
  refuted       of a case that is refuted by a value: the GPU's bits are none that the graph may have
Each case runs in a process of its own, which is stopped after a while: a kernel of the corpus may wait for ever.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "corpus")]

from gpu_functions import error
from redraw import small

from tv.check import check
from tv.diagnostic import TvError
from tv.execution import gpu_runner, opened, replay
from tv.expectation import Case, find_cases
from tv.gpu.driver import require_device
from tv.gpu.functions import GpuFunctions, spelling
from tv.gpu.run import MOST_BYTES, GpuRunner, Left
from tv.launch import CompileOptions
from tv.reference import Reference, stored
from tv.refute.differences import differing
from tv.refute.patterns import Pattern
from tv.refute.record import dense_inputs
from tv.refute.setting import NARROW, Setting
from tv.refute.trials import Outcome, Trial, execute, sizes
from tv.verdict import Verdict

CORPUS = ROOT / "corpus"
Answer = TypeVar("Answer")
Bits = np.ndarray[Any, np.dtype[np.uint64]]
Read = Callable[
    [str, np.ndarray[Any, np.dtype[np.int64]], int], Bits
]  # of a buffer: elements of a width at byte offsets
PATTERNS = (Pattern("uneven", 1), Pattern("uneven", 2), Pattern("signed", 1), Pattern("nan", 1))
SEEDS = (Pattern("small", 11), Pattern("uneven", 12), Pattern("uneven", 13))
SECONDS = 20.0  # of one run of the interpreter
MOST_ELEMENTS = 4096  # of an output that are compared with the reference
LIMIT = 300.0  # of one case


# ------------------------------------------------------------------------------------------------ one case
def one(case: Case) -> dict[str, Any]:
    """What the GPU says of a case, as text by question; `small`: what it says of its copy at its family's smallest sizes."""
    out = questions(case, ("interpreter", "reference", "refuted"))
    left = tuple(q for q in ("interpreter", "reference") if any(map(unanswered, out.get(q, ()))))
    folder = Path(case.request.kernel).parent
    if left and (folder.parent / "graph.py").is_file():
        with tempfile.TemporaryDirectory() as copy:
            small(folder, Path(copy))
            request = replace(
                case.request, kernel=f"{copy}/kernel.cu", model=f"{copy}/model.onnx", spec=f"{copy}/kernel.toml"
            )
            out["small"] = questions(replace(case, request=request), left)
    return out


def unanswered(answer: str) -> bool:
    return answer == "too long" or answer.startswith(("not run: budget", "not run: TV0654", "GPU: TV0764"))


def questions(case: Case, asked: Sequence[str]) -> dict[str, Any]:
    out: dict[str, Any] = {"case": case.name, "states": str(case.expectation)}
    try:
        spec, _, refuter = opened(case.request)
        runner = gpu_runner(case.request, spec)
        functions = GpuFunctions(spec.spec.options)
        out["compiler"] = runner.where
    except TvError as e:
        return {**out, "stopped": f"{e.code} {e.message}"}
    chosen = next(sizes(refuter.binder.ranges, [middle(refuter.binder.ranges)]))
    setting = refuter.setting(chosen)
    out["sizes"] = chosen
    if "interpreter" in asked:
        fmad = spec.spec.options.fmad
        out["interpreter"] = within(lambda: list(agreements(runner, setting, fmad, functions))) or ["too long"]
    if "reference" in asked and case.expectation.verdict is Verdict.PROVED:
        out["reference"] = within(lambda: reference(case, runner, setting, functions)) or ["too long"]
    if "refuted" in asked and case.expectation.verdict is Verdict.REFUTED:
        out["refuted"] = within(lambda: refuted(case)) or "too long"
    return {**out, "functions": sorted(functions.met)}


class TooLong(Exception):
    """A question that is given up."""


def within(ask: Callable[[], Answer], seconds: int = 60) -> Answer | None:
    """The answer, or None where it takes longer: large graphs are slow without a GPU."""

    def stop(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return ask()
    except TooLong:
        return None
    finally:
        signal.alarm(0)


def middle(ranges: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """A size for each symbol: near its least, and no two alike."""
    return {s: min(high, max(low, 37 + 2 * k)) for k, (s, (low, high)) in enumerate(ranges.items())}


def agreements(runner: GpuRunner, setting: Setting, fmad: bool, functions: GpuFunctions) -> Iterator[str]:
    """One answer for each pattern; a launch that is not clean has no bits to compare, and is not run again."""
    for n, pattern in enumerate(PATTERNS):
        yield (answer := interpreter(runner, setting, pattern, fmad, functions, races=n == 0))
        if answer.startswith("not run"):
            return


def interpreter(
    runner: GpuRunner, setting: Setting, pattern: Pattern, fmad: bool, functions: GpuFunctions, races: bool
) -> str:
    """equal | contracted (only one of the interpreter's two readings) | within FUNCTIONS that a GPU gives no bits of by themselves |
    a run's event | DIFFERS and where."""
    found = []
    for contract in dict.fromkeys((fmad, False)):
        try:
            trial = Trial(tuple(setting.symbols.items()), pattern, None)
            run = execute(setting, trial, contract, time.monotonic() + SECONDS, races=races, functions=functions)
        except TvError as e:
            return f"not run: {e.code}"
        if not run.execution.clean:
            return f"not run: {run.execution.events[0].kind if run.execution.events else run.execution.ended}"
        if not found:
            try:
                left = runner.run(setting, pattern)
            except TvError as e:
                return f"GPU: {e.code} {e.message}"
        differences = [*unequal(setting, run, left)]
        if not differences:
            return "equal" if contract is fmad else "equal without contraction"
        found.append((run, differences))
    run, differences = found[0]
    if open_ := sorted(f for f in run.execution.math_functions if spelling(f) is None):
        return f"within {max(d for _, _, d in differences)} ulp: {' '.join(open_)}"
    kind = "contracted otherwise" if run.execution.rounded_products else "DIFFERS"
    return f"{kind}: {differences[0]}"


def unequal(setting: Setting, run: Outcome, left: Left) -> Iterator[tuple[str, int, int]]:
    """(buffer, elements that differ, the largest distance between their bits) for each buffer that differs."""
    if left.overrun:
        yield left.overrun[0], -1, -1
    for name, places in setting.places.items():
        for p in places:
            if not p.output:
                continue
            label = setting.graph.outputs[p.tensor].type
            at = p.of_linear(np.arange(p.count)) * p.width
            mine = run.buffers[name].load(at, p.width).astype(np.uint64)
            theirs = bits_at(left.buffers[name], at, p.width)
            differ = differing(mine, theirs, label, False)
            if differ.any():
                far = np.abs(ordered(mine, p.width) - ordered(theirs, p.width))[differ].max()
                yield name, int(differ.sum()), int(far)


def bits_at(
    content: np.ndarray[Any, np.dtype[np.uint8]], at: np.ndarray[Any, np.dtype[np.int64]], width: int
) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Elements of a buffer at byte offsets."""
    lanes = content[at[:, None] + np.arange(width)]
    return np.ascontiguousarray(lanes).view(NARROW[width])[:, 0].astype(np.uint64)


def ordered(bits: np.ndarray[Any, np.dtype[np.uint64]], width: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Bits of floats as integers in the floats' order: a difference of 1 is one step."""
    top = np.int64(1) << np.int64(8 * width - 1)
    value = bits.astype(np.int64)
    return np.where(value & top != 0, -(value & (top - 1)), value) if width < 8 else value


def reference(case: Case, runner: GpuRunner, setting: Setting, functions: GpuFunctions) -> list[str]:
    """equal | DIFFERS and where, for each of the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "certificate.json")
        result = check(
            replace(
                case.request, certificate=path, require=case.expectation.relation or case.request.require, replay="none"
            )
        )
        if result.verdict is not Verdict.PROVED:
            return [f"not proved here: {result.verdict.value} {result.why}"]
        data = json.loads(Path(path).read_text())
    if data.get("orders") is None:
        return [f"no order: {data.get('without_orders', '')}"]
    try:
        prepared = Reference(case.request.model, data, functions)
    except TvError as e:
        return [f"not run: {e.code} {e.message}"] * len(SEEDS)
    return [referred(prepared, setting, p, lambda p=p: by_gpu(runner.run(setting, p))) for p in SEEDS]  # type: ignore[misc]


def by_gpu(left: Left) -> Read:
    """What a launch on the GPU left, as it is read."""
    return lambda name, at, width: bits_at(left.buffers[name], at, width)


def referred(
    prepared: Reference,
    setting: Setting,
    pattern: Pattern,
    run: Callable[[], Read],
) -> str:
    """equal | DIFFERS and where: what a run leaves, beside the model in the order of its certificate."""
    arrays: dict[str, Any] = {n: np.array(v) for n, v in setting.symbols.items()}
    for name, bits in dense_inputs(setting, pattern, MOST_BYTES).items():
        arrays[name] = stored(bits.astype(np.uint64), setting.graph.inputs[name].type).reshape(bits.shape)
    try:
        graph, values = prepared.graph, prepared.values(arrays)
        read = run()
        held = [(n, p) for n, places in setting.places.items() for p in places if p.output]
        for name, p in held:
            info = graph.outputs[p.tensor]
            some = np.unique(np.linspace(0, p.count - 1, min(p.count, MOST_ELEMENTS)).astype(np.int64))
            index = list(np.unravel_index(some, p.shape)) if p.shape else []
            index = index if info.layer is None else [np.full(some.shape, info.layer), *index]
            points = np.stack(index, axis=1) if index else np.zeros((len(some), 0), np.int64)
            with np.errstate(all="ignore"):
                theirs = values.values_at(info.unit, points)
            mine = read(name, p.of_linear(some) * p.width, p.width)
            differ = differing(mine, theirs, info.type, False)
            if differ.any():
                far = np.abs(ordered(mine, p.width) - ordered(theirs, p.width))[differ].max()
                return f"DIFFERS: {p.tensor} in {int(differ.sum())} of {len(some)}, by up to {int(far)} ulp"
    except TvError as e:
        return f"not run: {e.code} {e.message}"
    return "equal"


def refuted(case: Case) -> str:
    """The counterexample's kind and where it was replayed."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "counterexample.npz")
        result = check(replace(case.request, counterexample=path, replay="auto"))
        found = result.counterexample
        if found is None:
            return f"NOT REFUTED: {result.verdict.value} {result.why}"
        if found.kind != "value":
            return f"{found.kind}: by the interpreter"
        again = replay(path, case.request, "gpu")
        notes = [d.message for d in result.diagnostics if d.severity == "note"]
        return f"value: {found.replayed}, again {again.holds}" + (
            f" ({notes[-1]})" if found.replayed != "gpu" and notes else ""
        )


# ------------------------------------------------------------------------------------------------ all cases
def apart(name: str, until: float) -> dict[str, Any]:
    """One case in a process of its own, which ends when it is too late."""
    left = min(LIMIT, until - time.monotonic())
    if left <= 0:
        return {"case": name, "stopped": "not begun"}
    command = [sys.executable, __file__, "--one", name]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as own:
        try:
            out, told = own.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            os.killpg(own.pid, signal.SIGKILL)  # and the checks that it began
            return {"case": name, "stopped": f"after {LIMIT:g} s" if left == LIMIT else "when time was up"}
    if own.returncode != 0:
        return {"case": name, "stopped": " / ".join(told.strip().splitlines()[-3:])}
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer


def summary(rows: list[dict[str, Any]]) -> list[str]:
    lines = []
    for question in ("interpreter", "reference"):
        given = [r.get("small", {}).get(question) or r.get(question, ()) for r in rows]
        answers = Counter(a.partition(":")[0].partition(" ulp")[0] for own in given for a in own)
        lines.append(f"{question}: " + ", ".join(f"{n} {a}" for a, n in answers.most_common()))
    answers = Counter(r["refuted"].partition(" (")[0] for r in rows if "refuted" in r)
    lines.append("refuted: " + ", ".join(f"{n} {a}" for a, n in answers.most_common()))
    lines.append(
        "stopped: "
        + ", ".join(f"{n} {a}" for a, n in Counter(r["stopped"][:60] for r in rows if "stopped" in r).most_common())
    )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="names such as rmsnorm/warp; all of the corpus if none is given")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long")
    parser.add_argument("--out", help="write every answer to this file, as JSON, as soon as it is known")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    cases = {c.name: c for c in find_cases(str(CORPUS))}
    if given.one:
        print(json.dumps(one(cases[given.one])))
        return
    names = [n for n in cases if not given.cases or any(n.startswith(c) for c in given.cases)]
    started, rows = time.monotonic(), dict[str, dict[str, Any]]()
    machine = require_device().name

    def known(**more: Any) -> dict[str, Any]:
        return {"machine": machine, "cases": len(rows), "seconds": round(time.monotonic() - started), **more}

    def save(**more: Any) -> None:
        if given.out:
            listed = [rows[n] for n in names if n in rows]
            Path(given.out).write_text(json.dumps({**known(**more), "rows": listed}, indent=1) + "\n")

    with ThreadPoolExecutor(given.jobs) as pool:
        begun = {pool.submit(apart, n, started + given.seconds): n for n in names}
        for done in as_completed(begun):
            rows[begun[done]] = done.result()
            save()
    functions = GpuFunctions(CompileOptions())
    met = sorted({f for r in rows.values() for own in (r, r.get("small", {})) for f in own.get("functions", ())})
    errors = [error(functions, f) for f in met]
    for line in [*summary(list(rows.values())), *(json.dumps(e) for e in errors)]:
        print(line)
    print(known())
    save(functions=errors)


if __name__ == "__main__":
    main()
