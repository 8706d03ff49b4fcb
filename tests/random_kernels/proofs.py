"""A random kernel checked against the graph it was printed from: what is proved has to hold in every run that is tried."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tests.random_kernels.bijections import recorded
from tests.random_kernels.enumeration import Disagreement
from tests.random_kernels.graphs import DTYPES, Drawn
from tests.random_kernels.printing import Printed
from tv import cuda_frontend
from tv.diagnostic import TvError
from tv.equiv.relate import relate
from tv.examine import Findings, examine, numbered, read_inputs
from tv.execution import hunt
from tv.launch import CompileOptions
from tv.obligation import Relation
from tv.replay import DenseBuffer, run
from tv.request import CheckRequest
from tv.verdict import Verdict, conclude

Array = Any
HUNT = 1.0  # seconds in which a right kernel that is not proved must not be refuted
ROWS = (6, 1, 33)  # at which a kernel of an open size is run
MOST_ROWS = 100_000
WITH_ZEROS_ALIKE = frozenset(("Max", "Min", "Relu", "ReduceMax", "ReduceMin"))


@dataclass(frozen=True)
class Ending:
    """verdict: proved, unknown, stopped with a code; real: whether some run showed the kernel to be wrong."""

    verdict: str
    real: bool
    relation: Relation | None = None
    why: str = ""
    asked: Counter[str] = field(default_factory=Counter)


def write(folder: Path, graph: Drawn, kernel: Printed) -> CheckRequest:
    """The files of one check."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.cu").write_text(kernel.text)
    onnx.save(graph.model, folder / "model.onnx")
    args = "".join(f'{n} = "{n}"\n' for n in (*graph.inputs, "y"))
    grid = kernel.grid if kernel.grid.isdigit() else f'"{kernel.grid}"'
    args += f'n = {{ symbol = "N", min = 1, max = {MOST_ROWS} }}\n' if graph.open else ""
    (folder / "kernel.toml").write_text(f"grid = [{grid}]\nblock = [{kernel.block}]\n\n[args]\n{args}")
    return CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx"))


def proof_alone(request: CheckRequest, elements: int) -> Ending:
    """What a check comes to that looks for no counterexample; real is left open. elements: of y, 0 where that is open.

    Raises Disagreement where a map that a proof rests on is not what it has to be, point by point.
    """
    try:
        spec, kernel = read_inputs(request, lambda _: None)
        f = Findings(assumptions=[*spec.assumptions])
        with recorded() as maps:
            examine(request, spec, kernel, spec.spec.launches[0], f, lambda _: None, relate)
    except TvError as e:
        return Ending(f"stopped {e.code}", False, None, e.message)
    found = conclude(numbered(f.obligations), request.require, f.expected, spec.guessed)
    asked: Counter[str] = Counter()
    if found.verdict is Verdict.PROVED and f.problem is not None and elements:
        asked = maps.compare(f.problem.sets, list(f.problem.outputs), elements)
    return Ending(found.verdict.value, False, found.relation, found.why, asked)


def check(graph: Drawn, kernel: Printed, folder: Path, seed: int) -> Ending:
    """Raises Disagreement where a wrong kernel is proved, a right one is refuted, or the two descriptions are not of one graph."""
    request = write(folder, graph, kernel)
    result = proof_alone(request, 0 if graph.open else int(np.prod(graph.y.shape)))
    real = shown_wrong(graph, kernel, seed)
    proved = result.verdict == Verdict.PROVED.value
    if proved and real:
        raise Disagreement(f"wrongly proved ({kernel.fault}): {real}")
    if not kernel.fault and real:
        raise Disagreement(f"printed wrong ({kernel.way}): {real}")
    if result.verdict == Verdict.REFUTED.value:
        raise Disagreement("refuted without a search")
    if not kernel.fault and not proved:
        found = hunt(request, HUNT)
        if found.verdict is Verdict.REFUTED:
            raise Disagreement(f"wrongly refuted: {found.why}")
    return replace(result, real=bool(real))


def shown_wrong(graph: Drawn, kernel: Printed, seed: int) -> str:
    """What a run shows of the kernel: an event, or an element that the graph does not have; "" where it shows nothing."""
    rng = np.random.default_rng(seed)
    for rows in ROWS if graph.open else ROWS[:1]:
        for whole, fmad in ((True, True), (True, False), (False, False)):
            feeds = {n: content(graph, n, rows, rng, whole) for n in graph.inputs}
            told = one_run(graph, kernel, rows, feeds, whole, fmad)
            if told:
                return told
    return ""


def content(graph: Drawn, name: str, rows: int, rng: Any, whole: bool) -> Array:
    """whole: small whole numbers, on which every order and every fusion gives the same; else numbers that round, and specials
    where the graph only computes element by element and compares nothing."""
    shape, type = graph.shape(name, rows), graph.inputs[name][1]
    if whole:
        return rng.integers(-4, 5, shape).astype(DTYPES[type])
    values = rng.normal(0, 100, shape).astype(DTYPES[type])
    if type != "int" and not graph.words & WITH_ZEROS_ALIKE:
        flat = values.reshape(-1)
        at = rng.integers(0, flat.size, max(1, flat.size // 4))
        flat[at] = rng.choice(np.array([np.inf, -np.inf, np.nan, -0.0, 0.0, 6e-8], dtype=DTYPES[type]), at.size)
    return values


def one_run(graph: Drawn, kernel: Printed, rows: int, feeds: dict[str, Array], whole: bool, fmad: bool) -> str:
    """whole: values that no order of a sum changes."""
    (code,) = cuda_frontend.read(Path("k.cu"), kernel.text, CompileOptions()).kernels.values()
    with np.errstate(all="ignore"):
        want = np.ascontiguousarray(graph.y.value(feeds)).reshape(-1)
    buffers: dict[str, Any] = {n: DenseBuffer.of(v) for n, v in feeds.items()}
    buffers["y"] = DenseBuffer.empty(want.nbytes)
    scalars = {"n": rows} if graph.open else {}
    done = run(code, (kernel.blocks(want.size), 1, 1), (kernel.block, 1, 1), buffers, scalars, fmad=fmad)
    if not done.clean:
        return f"{done.ended} {[e.kind + ' ' + e.message for e in done.events]}"
    if not buffers["y"].init.all():
        return "an element of y is not written"
    if graph.folded is not None and not whole and graph.folded.op == "sum":
        return ""
    got = buffers["y"].array(want.dtype)
    alike = (got == want) | (np.isnan(got) & np.isnan(want))
    if want.dtype != np.int32 and not graph.words & WITH_ZEROS_ALIKE and graph.folded is None:
        alike &= (np.signbit(got) == np.signbit(want)) | np.isnan(want)
    at = np.flatnonzero(~alike)
    return f"element {at[0]} of {rows} rows: {got[at[0]]} for {want[at[0]]}" if at.size else ""
