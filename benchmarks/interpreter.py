"""What executions cost: kernels on the interpreter and graphs in a certificate's order, at real sizes, each in a process of its own.

    python benchmarks/interpreter.py [runs | graphs]... [CASE ...]          # `make bench PART=interpreter` runs them all

runs    seconds of one execution that looks for races and of one that does not (its kernel is first written out, once)
graphs  seconds of proving a pair, and of `tv reference` in the order that the proof found
Seconds are those of one core that were used; beside them stands the peak of memory. A figure above its limit, or a run that is not
clean, is a miss (exit 1).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT), str(ROOT / "corpus")]

from families import load
from redraw import resized

from tv.check import check
from tv.execution import opened
from tv.obligation import Relation
from tv.reference import Reference, stored
from tv.refute.patterns import Pattern
from tv.refute.record import dense_inputs
from tv.refute.trials import Trial, execute
from tv.request import CheckRequest
from tv.verdict import Verdict

SECONDS, MEGABYTES = 10.0, 2048.0
MOST_INPUT = 1 << 30  # bytes of all inputs of a graph
ROWS = {"R": 1024, "COLS": 4096}
CUBE = {"M": 256, "N": 256, "K": 256}


@dataclass(frozen=True, slots=True)
class Job:
    """A case of the corpus, and which of its sizes are changed."""

    case: str
    sizes: Mapping[str, int]


JOBS = (
    Job("rmsnorm/butterflies", ROWS),
    Job("rmsnorm/tree_half2", ROWS),
    Job("rmsnorm/tree_uint4", ROWS),
    Job("rmsnorm_op23/butterflies", ROWS),
    Job("rmsnorm_bf16/uint4_loads", ROWS),
    Job("softmax_rows/thread_row", ROWS),
    Job("softmax_f16/block_row", {"R": 1024}),
    Job("softmax_f16/warp_row", {"R": 1024}),
    Job("softmax_rows_bf16/thread_row", ROWS),
    Job("layer_norm_f16/warp_row", {"R": 1024, "COLS": 4100}),  # a quotient by 4096 is a product, which nvcc may fuse
    Job("sgemm/naive", CUBE),
    Job("sgemm/tiled", CUBE),
    Job("sgemm/double_buffered", CUBE),
    Job("sgemm/double_buffered_functions", CUBE),
    Job("gemm_f16/naive", CUBE),
    Job("gemm_f16/tiled_edges", CUBE),
    Job("gemm_f16_blocked/registers", CUBE),
    Job("gemm_async_f16/two_stages", CUBE),
    Job("gemm_async_f16/ring", CUBE),
    Job("gemm_async_f16/swizzled", CUBE),
)


def placed(job: Job, folder: Path) -> tuple[CheckRequest, dict[str, int]]:
    """The case at its sizes, and a value for each symbol that may be open."""
    case = ROOT / "corpus" / job.case
    sizes = {**load(case.parent).sizes(case.name)[0], **job.sizes}
    place = resized(case, folder, sizes)
    return CheckRequest(str(place / "kernel.cu"), str(place / "model.onnx")), sizes


def run(job: Job, folder: Path) -> dict[str, Any]:
    """Seconds with and without a look for races."""
    request, sizes = placed(job, folder)
    spec, _, refuter = opened(request)
    symbols = {s: min(max(sizes[s], low), high) for s, (low, high) in refuter.binder.ranges.items()}
    found: dict[str, Any] = {"bad": ""}
    for races in (True, False):
        setting = refuter.setting(symbols)
        trial = Trial(tuple(symbols.items()), Pattern("uneven"), None)
        start = time.process_time()
        done = execute(setting, trial, spec.spec.options.fmad, time.monotonic() + 300, races=races).execution
        found["races" if races else "plain"] = time.process_time() - start
        found["steps"] = done.steps
        if not done.clean:
            found["bad"] = done.events[0].message if done.events else done.ended
    return found


def graph(job: Job, folder: Path) -> dict[str, Any]:
    """Seconds of a proof, and of its graph's evaluation."""
    request, sizes = placed(job, folder)
    path = folder / "certificate.json"
    start = time.process_time()
    result = check(replace(request, certificate=str(path), require=Relation.REASSOC, replay="none"))
    found: dict[str, Any] = {"proof": time.process_time() - start, "bad": ""}
    if result.verdict is not Verdict.PROVED:
        return {**found, "bad": f"{result.verdict.value}: {result.why}"}
    data = json.loads(path.read_text())
    if data.get("orders") is None:
        return {**found, "bad": f"no order: {data.get('without_orders', '')}"}
    _, _, refuter = opened(request)
    symbols = {s: min(max(sizes[s], low), high) for s, (low, high) in refuter.binder.ranges.items()}
    setting = refuter.setting(symbols)
    arrays: dict[str, Any] = {n: np.array(v) for n, v in symbols.items()}
    for name, bits in dense_inputs(setting, Pattern("uneven"), MOST_INPUT).items():
        arrays[name] = stored(bits.astype(np.uint64), setting.graph.inputs[name].type).reshape(bits.shape)
    start = time.process_time()
    Reference(request.model, data).outputs(arrays)
    found["reference"] = time.process_time() - start
    return found


PARTS = {"runs": (run, ("races", "plain")), "graphs": (graph, ("reference",))}


def apart(part: str, job: Job) -> dict[str, Any]:
    """What a process of its own finds; what it printed where it failed."""
    command = [sys.executable, __file__, "--one", part, job.case]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"bad": " / ".join(done.stderr.strip().splitlines()[-2:]), "megabytes": 0.0}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def one(part: str, case: str) -> None:
    job = next(j for j in JOBS if j.case == case)
    with tempfile.TemporaryDirectory() as folder:
        found = PARTS[part][0](job, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**found, "megabytes": peak}))


def main(words: list[str]) -> int:
    if words[:1] == ["--one"]:
        one(*words[1:])
        return 0
    parts = [w for w in words if w in PARTS] or list(PARTS)
    wanted = [w for w in words if w not in PARTS]
    missed = 0
    for part in parts:
        limited = PARTS[part][1]
        for job in (j for j in JOBS if not wanted or any(j.case.startswith(w) for w in wanted)):
            found = apart(part, job)
            slow = any(found.get(k, 0.0) > SECONDS for k in limited) or found["megabytes"] > MEGABYTES
            missed += bool(slow or found["bad"])
            times = " ".join(f"{k} {v:6.2f} s" for k, v in found.items() if isinstance(v, float) and k != "megabytes")
            shown = f"{job.case} " + " ".join(f"{k}={v}" for k, v in job.sizes.items())
            mark = "MISS" if slow or found["bad"] else "ok"
            print(
                f"{mark:<5}{part:<7}{shown:<62}{times} {found['megabytes']:6.0f} MB {found['bad']}".rstrip(), flush=True
            )
    print(f"{missed} missed" if missed else "all met")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
