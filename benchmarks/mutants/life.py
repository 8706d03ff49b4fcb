"""One mutant: compiled, its Kernel IR compared, checked, and judged by executions that know nothing of the proof."""

from __future__ import annotations

import importlib.util
import json
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gpu import PATTERNS, SEEDS, Read, by_gpu, middle, referred, within

from mutants.compiling import refused
from mutants.normal import normalised
from mutants.population import Mutant, beside_text
from mutants.running import TOLERANCES, Endless, passed
from tv.check import check
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.examine import read_inputs
from tv.execution import gpu_runner, hunt, opened, replay
from tv.gpu.replay import value_on_gpu
from tv.gpu.run import GpuRunner
from tv.kernel import Kernel
from tv.reference import Reference
from tv.refute.differences import graph_values, outside
from tv.refute.setting import Setting
from tv.refute.trials import Trial, execute
from tv.request import CheckRequest
from tv.spec import Resolved, read_document, sidecar
from tv.verdict import CheckResult, Verdict

Row = dict[str, Any]
MOST_COMPARED = 512  # elements of an output that are compared with the graph's


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of wall time. check: of a proof and the search for a counterexample. hunt: of a search without a proof. run: of five
    launches on the interpreter. whole: of the process; memory_mb: of it."""

    check: float = 20.0
    hunt: float = 4.0
    run: float = 8.0
    whole: float = 75.0
    memory_mb: int = 6000


def life(m: Mutant, limits: Limits) -> Row:
    """What became of a mutant: see `mutants.table` for what the entries mean."""
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        row = {"name": m.name, "case": m.case, "operator": m.operator, "told": m.told, **_life(m, Path(folder), limits)}
    return {**row, "seconds": round(time.process_time() - started, 2)}


def _life(m: Mutant, folder: Path, limits: Limits) -> Row:
    whole, own = Mutant(m.original, "", "", "").write(folder / "original"), m.write(folder / "mutant")
    first, request = (CheckRequest(str(k), str(g), replay="cpu") for k, g in (whole, own))
    if isinstance(before := _read(first), TvError):
        if importlib.util.find_spec("clang") is None:
            return {"skipped": "its original is read with libclang, which is not here"}
        return {"skipped": f"its original is not read: {before.code} {before.message}"}
    document = read_document(sidecar(request.kernel))
    options = document.compile_options(request.overrides)
    if m.change is not None or m.spec is not None:
        error = refused(own[0], options, document.wanted_kernels(request.overrides))
        if error is not None:
            return {"compiles": False, "why": error.why}
    found = _read(request)
    if isinstance(found, BadInput) and beside_text(m.operator):
        return {"compiles": False, "why": f"{found.code} {found.message}"}  # a model or a launch that there cannot be
    same_ir = not isinstance(found, TvError) and normalised(found[1]) == normalised(before[1])
    row = judged(m, request, first, folder, same_ir, limits)
    if row["verdict"] == "bad-input" and beside_text(m.operator):
        return {"compiles": False, "why": row["why"]}
    return {"compiles": True, "same_ir": same_ir, **row}


def _read(request: CheckRequest) -> tuple[Resolved, Kernel] | TvError:
    try:
        return read_inputs(request, lambda _: None)
    except TvError as e:
        return e


# ------------------------------------------------------------------------------------------------ verdict and truth
def judged(m: Mutant, request: CheckRequest, first: CheckRequest, folder: Path, same_ir: bool, limits: Limits) -> Row:
    """The check's verdict, and what executions say. A verdict against which they speak stands under `wrong`."""
    saved, certificate = folder / "counterexample.npz", folder / "certificate.json"
    asked = replace(request, counterexample=str(saved), certificate=str(certificate), timeout_s=limits.check)
    result = within(lambda: check(asked), int(limits.check) + 10)
    if result is None:
        row: Row = {"verdict": "unknown", "why": "the check took too long"}
    else:
        why = (result.why or _first_diagnostic(result)).replace(f"{Path(request.kernel).parent}/", "")
        row = {"verdict": result.verdict.value, "why": why[:200]}
    match row["verdict"]:
        case "refuted":
            row |= _refuted(asked, result, saved, same_ir and not _elsewhere(m))
        case "proved":
            row |= _proved(asked, certificate, limits)
        case "internal-error":
            row |= {"truth": "not run", "wrong": f"the check broke: {row['why']}"}
        case _:
            row |= _open(asked, first, folder, limits)
    if row["truth"] == "harmful" and "tolerance" not in row:
        row["tolerance"] = _tolerance(request, limits)[1]
    return row


def _first_diagnostic(result: CheckResult) -> str:
    return next((f"{d.code} {d.message}" for d in result.diagnostics), "")


def _elsewhere(m: Mutant) -> bool:
    """Does the mutant differ in its launch or its graph?"""
    return m.spec is not None or m.model is not None


def _refuted(request: CheckRequest, result: CheckResult | None, saved: Path, unchanged: bool) -> Row:
    kind = result.counterexample.kind if result is not None and result.counterexample is not None else ""
    row: Row = {"truth": "harmful", "kind": kind}
    if not kind:
        return {**row, "wrong": "refuted without a counterexample"}
    try:
        again = replay(str(saved), request, "cpu")
    except TvError as e:
        return {**row, "replayed": False, "wrong": f"its counterexample is not run again: {e.code} {e.message}"}
    row["replayed"] = again.holds
    with np.load(saved, allow_pickle=False) as data:
        row["counterexample"] = str(data["meta"])
    if not again.holds:
        return {**row, "truth": "harmless", "wrong": "its counterexample does not show it again"}
    if unchanged:
        return {**row, "truth": "harmless", "wrong": "refuted, but its Kernel IR is that of a right kernel"}
    return row


def _proved(request: CheckRequest, certificate: Path, limits: Limits) -> Row:
    hunted = within(lambda: hunt(request, limits.hunt), int(limits.hunt) * 2 + 10)
    if hunted is not None and hunted.verdict is Verdict.REFUTED:
        kind = hunted.counterexample.kind if hunted.counterexample is not None else ""
        return {"truth": "harmful", "wrong": f"proved, and an execution shows: {kind}"}
    answers = within(
        lambda: by_reference(request, json.loads(certificate.read_text()), None, limits), int(limits.run) + 5
    )
    row: Row = {"truth": "harmless", "reference": answers if answers is not None else ["too long"]}
    bad = [a for a in row["reference"] if a.startswith("DIFFERS")]
    return {**row, "truth": "harmful", "wrong": f"proved, but the certificate's order {bad[0]}"} if bad else row


def by_reference(request: CheckRequest, data: Row, runner: GpuRunner | None, limits: Limits) -> list[str]:
    """equal | DIFFERS | not run, for contents of the inputs: a run's bits beside the graph in the certificate's order."""
    if data.get("orders") is None:
        return [f"no order: {data.get('without_orders', '')}"[:100]]
    spec, _, refuter = opened(request)
    setting = refuter.setting(middle(refuter.binder.ranges))
    loose: list[bool] = []

    def read(pattern: Any) -> Read:
        if runner is not None:
            return by_gpu(runner.run(setting, pattern))
        trial = Trial(tuple(setting.symbols.items()), pattern, None)
        run = execute(setting, trial, spec.spec.options.fmad, time.monotonic() + limits.run, races=False)
        if not run.execution.clean:
            raise Unsupported("TV0732", "the run is not clean")
        loose.append(
            bool(run.execution.rounded_products or run.execution.loose_functions or run.execution.math_functions)
        )
        return lambda name, at, width: run.buffers[name].load(at, width).astype(np.uint64)

    found = []
    try:
        prepared = Reference(request.model, data)
    except TvError as e:
        return [f"not run: {e.code} {e.message}"] * 2
    for p in SEEDS[:2]:
        answer = referred(prepared, setting, p, partial(read, p))
        rounds = runner is not None or any(loose)  # contracted, or with other functions, bits may be others
        found.append(answer.replace("DIFFERS", "otherwise") if rounds else answer)
    return found


def _open(request: CheckRequest, first: CheckRequest, folder: Path, limits: Limits) -> Row:
    """What executions show of a mutant that is neither proved nor refuted."""
    hunted = within(
        lambda: hunt(replace(request, counterexample=str(folder / "hunted.npz")), limits.hunt),
        int(limits.hunt) * 2 + 10,
    )
    if hunted is not None and hunted.verdict is Verdict.REFUTED and hunted.counterexample is not None:
        return {"truth": "harmful", "shown_by": f"a search without a proof: {hunted.counterexample.kind}"}
    if hunted is not None and hunted.verdict in (Verdict.UNSUPPORTED, Verdict.BAD_INPUT):
        return {"truth": "not run"}
    ends, found = _tolerance(request, limits)
    if ends and found is not None and found["0.01"]:
        return {"truth": "harmless", "tries": "a search without a proof, normal inputs"}
    started = time.process_time()
    usual_ends, usual = _tolerance(first, limits)
    soon = time.process_time() < started + limits.run / 10
    if not ends and usual_ends and usual is not None and soon:
        return {"truth": "harmful", "shown_by": "a run without an end", "tolerance": found}
    if ends and found is not None and usual_ends and usual is not None and usual["0.01"]:
        return {"truth": "harmful", "shown_by": "normal inputs", "tolerance": found}
    return {"truth": "undecided", "tries": "a search without a proof"}


def _tolerance(request: CheckRequest, limits: Limits) -> tuple[bool, dict[str, bool] | None]:
    """(whether the runs came to an end, by tolerance whether the outputs are near the graph's), on the interpreter; None where
    nothing could be compared."""

    def ask() -> dict[str, bool] | None:
        spec, _, refuter = opened(request)
        return passed(refuter.setting(middle(refuter.binder.ranges)), spec.spec.options.fmad, None, limits.run)

    try:
        return True, within(ask, int(limits.run) + 5)
    except Endless:
        return False, dict.fromkeys(map(str, TOLERANCES), False)
    except TvError:
        return True, None


# ------------------------------------------------------------------------------------------------ on a GPU
def on_gpu(m: Mutant, row: Row, limits: Limits) -> Row:
    """What a GPU says of a judged mutant: `shows` (its bits are none that the graph may have), `permitted`, or why it was not asked;
    and the tolerance test of one that is harmful."""
    if not row.get("compiles") or row["truth"] == "not run":
        return {}
    with tempfile.TemporaryDirectory() as folder:
        kernel, model = m.write(Path(folder))
        try:
            return _on_gpu(CheckRequest(str(kernel), str(model)), row, Path(folder) / "counterexample.npz", limits)
        except TvError as e:
            return {"stopped": f"{e.code} {e.message}"[:160]}


def _on_gpu(request: CheckRequest, row: Row, saved: Path, limits: Limits) -> Row:
    spec, _, refuter = opened(request)
    runner = gpu_runner(request, spec)
    out: Row = {"where": runner.where}
    if row["verdict"] == "refuted" and row["kind"] == "value":
        np.savez(saved, meta=np.array(row["counterexample"]))
        record, setting = refuter.saved(str(saved))
        shown = value_on_gpu(runner, setting, record.trial.pattern, record.tensor, record.index)
        out["bits"] = "shows" if shown.differ else "permitted"
    setting = refuter.setting(middle(refuter.binder.ranges))
    if row["verdict"] != "refuted":
        out["bits"] = within(lambda: _outside(setting, runner), 30) or "too long"
    if row["truth"] == "harmful":
        out["tolerance"] = within(lambda: passed(setting, spec.spec.options.fmad, runner, limits.run), 30)
    return out


def _outside(setting: Setting, runner: GpuRunner) -> str:
    """shows | permitted: do the GPU's bits lie where the graph's may, on several contents? Signs of zeros are not told apart: what
    functions give may have either."""
    for pattern in PATTERNS[:3]:
        left = runner.run(setting, pattern)
        if left.overrun:
            return f"shows a store beside {left.overrun[0]}"
        for name, places in setting.places.items():
            for p in [p for p in places if p.output and p.count]:
                some = np.unique(np.linspace(0, p.count - 1, min(p.count, MOST_COMPARED)).astype(np.int64))
                mine = by_gpu(left)(name, p.of_linear(some) * p.width, p.width)
                theirs, _ = graph_values(setting, pattern, p, some)
                if outside(mine, theirs, setting.graph.outputs[p.tensor].type, True).any():
                    return f"shows {p.tensor} on {pattern.name}"
    return "permitted"
