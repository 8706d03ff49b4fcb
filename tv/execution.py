"""What execution alone can say of a kernel: a counterexample run again, and a hunt for one without a proof."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tv.advice import advised
from tv.arithmetic import number
from tv.binding import Binder
from tv.diagnostic import Diagnostic, TvError, Unsupported
from tv.equiv.relate import relate
from tv.examine import Findings, assumed_values, examine, index_sets, read_graph, read_inputs, read_text
from tv.gpu.driver import device, require_device
from tv.gpu.replay import value_on_gpu
from tv.gpu.run import GpuRunner
from tv.graph_frontend.elements import BY_LABEL
from tv.kernel import Atomic, Kernel, Store, walk
from tv.launch import BufferBinding, Launch
from tv.limits import Finished, run_limited
from tv.obligation import Obligation, Status
from tv.refute import Refuter, hexadecimal, is_ieee, open_still
from tv.refute.defects import EVENTS
from tv.refute.differences import Difference
from tv.refute.record import again
from tv.refute.showing import only_node
from tv.request import CheckRequest
from tv.source import NOWHERE, Span
from tv.spec import Resolved
from tv.term import Terms
from tv.verdict import Answer, CheckResult, Counterexample, KernelInfo, Parting, conclude, failed

PROOF_SECONDS, PROOF_MB = 10.0, 4000  # for asking a proof where a difference comes from


def opened(request: CheckRequest, seconds: float | None = None) -> tuple[Resolved, Kernel, Refuter]:
    """A launch that is ready to be run at any size. Raises what reading raises."""
    spec, kernel = read_inputs(request, lambda _: None)
    launch = spec.spec.launches[0]
    symbols = {s.name: (s.min, s.max) for s in spec.spec.symbols}
    sets = index_sets(symbols)
    graph = read_graph(request.model, sets, Terms(), spec.spec)
    binder = Binder(sets, kernel, launch, graph, symbols, assumed_values(spec.spec), spec.spec.inputs)
    refuter = Refuter(
        kernel,
        launch,
        binder,
        graph,
        spec.spec.options.fmad,
        spec.spec.inputs,
        request.require,
        is_ieee(spec.spec.options),
    )
    if seconds is not None:
        refuter.seconds = seconds
    return spec, kernel, refuter


def replay(counterexample: str, request: CheckRequest, on: str | None) -> Answer:
    """Runs a saved counterexample again, on a GPU where there is one (`on` None), else by the interpreter; holds if it shows the
    same defect. Only values are compared on a GPU: it stops at no race."""
    if on == "gpu":
        require_device()
    spec, _, refuter = opened(request)
    record, setting = refuter.saved(counterexample)
    if record.kind != "value" and on == "gpu":
        text = f"a counterexample of the kind `{record.kind}` on a GPU, which does not stop at one"
        raise Unsupported("TV0738", text, help="say `--on cpu`: the interpreter does")
    if on == "cpu" or record.kind != "value" or device() is None:
        holds, text = again(record, setting)
    else:
        shown = value_on_gpu(gpu_runner(request, spec), setting, record.trial.pattern, record.tensor, record.index)
        holds, text = shown.differ, shown.told(record.tensor, record.index)
    return Answer(holds, text + ("" if holds else "\nnot reproduced"))


def gpu_runner(request: CheckRequest, spec: Resolved) -> GpuRunner:
    """What runs the launches of a specification on the first GPU. Raises Unsupported (TV0760) where there is none."""
    path = Path(request.kernel)
    return GpuRunner(path, read_text(path), spec.spec.options, spec.stages, spec.variables)


def on_gpu(
    request: CheckRequest,
    spec: Resolved,
    refuter: Refuter,
    obligations: list[Obligation],
    found: Counterexample | None,
) -> tuple[list[Obligation], Counterexample | None, Diagnostic | None]:
    """What the interpreter refuted, after the same run on a GPU if one is there and wanted: where that one's bits are permitted
    ones, nothing is refuted. The note tells why a GPU that is there could not run it.

    Raises Unsupported (TV0760) where a GPU is demanded and none is there, and what a run on it raises then."""
    if request.replay == "gpu":
        require_device()
    shown = refuter.shown
    if found is None or not isinstance(shown, Difference) or request.replay not in ("auto", "gpu") or device() is None:
        return obligations, found, None
    setting, pattern = shown.outcome.setting, shown.outcome.trial.pattern
    try:
        there = value_on_gpu(gpu_runner(request, spec), setting, pattern, shown.tensor, shown.index)
    except TvError as e:
        if request.replay == "gpu":
            raise
        return obligations, found, replace(advised(e).diagnostic(), severity="note")
    element = BY_LABEL[shown.label]
    bits, value = hexadecimal(there.kernel_bits, element.width), number(there.kernel_bits, element.op)
    if there.differ:
        return (
            obligations,
            replace(found, replayed="gpu", where=there.where, kernel_bits=bits, kernel_value=value),
            None,
        )
    why = f"the interpreter shows other bits, but {there.where} gives {value} ({bits}), which the graph may have"
    kept = [
        open_still(replace(o, status=Status.UNKNOWN), why, "") if o.status is Status.REFUTED else o for o in obligations
    ]
    return kept, None, None


def hunt(request: CheckRequest, seconds: float, explain: bool = True) -> CheckResult:
    """Looks for a defect by execution alone, for about `seconds`: refuted, or unknown.

    explain: of a value, ask a proof as well where kernel and graph part, for as long at most."""
    start = time.monotonic()
    try:
        spec, kernel, refuter = opened(request, seconds / 2)
        launch = spec.spec.launches[0]
        asked = questions(kernel, launch, refuter.graph.outputs)
        obligations, found = refuter.confirm(asked)
        obligations, found, note = on_gpu(request, spec, refuter, obligations, found)
        if found is not None:
            obligations = [o for o in obligations if o.status is Status.REFUTED]
        if found is not None and found.kind == "value" and explain:
            parts = proof_parts(request, found.tensor, min(seconds, PROOF_SECONDS))
            obligations, found = explained(refuter, obligations, found, parts)
        if found is not None and request.counterexample is not None:
            refuter.save(request.counterexample)
            found = replace(found, file=request.counterexample)
    except TvError as e:
        return failed(request, advised(e))
    verdict = conclude(obligations, request.require, [o.id for o in asked], spec.guessed)
    return CheckResult(
        verdict.verdict,
        request.require,
        KernelInfo(request.kernel, kernel.name, launch.grid, launch.block),
        request.model,
        obligations=tuple(obligations),
        counterexample=found,
        why=verdict.why,
        help=verdict.help,
        bindings=spec.bindings,
        guessed=spec.guessed,
        symbols=spec.spec.symbols,
        diagnostics=spec.diagnostics if note is None else (*spec.diagnostics, note),
        assumptions=spec.assumptions,
        time_s=time.monotonic() - start,
    )


def questions(kernel: Kernel, launch: Launch, outputs: Iterable[str]) -> list[Obligation]:
    """All that a run can answer."""
    asked = [Obligation(f"{kernel.name}.{k}", k, Status.UNKNOWN, kernel.span) for k in sorted(EVENTS)]
    asked.append(Obligation(f"{kernel.name}.coverage", "coverage", Status.UNKNOWN, kernel.span))
    for name in outputs:
        span = stored_at(kernel, launch, name)
        asked.append(Obligation(f"{kernel.name}.{name}.coverage", "coverage", Status.UNKNOWN, span, tensor=name))
        asked.append(Obligation(f"{kernel.name}.{name}.equal", "equal", Status.UNKNOWN, span, tensor=name))
    return asked


def proof_parts(request: CheckRequest, tensor: str, seconds: float) -> Obligation | None:
    """The open `equal` of the output that differs, with the place where a proof finds that kernel and graph part. None where no
    proof comes so far in the time: it works in a process of its own, and whatever ends it there tells nothing."""
    try:
        outcome = run_limited(lambda: open_equal(request, tensor), seconds, PROOF_MB)
    except TvError:
        return None
    return outcome.value if isinstance(outcome, Finished) else None


def open_equal(request: CheckRequest, tensor: str) -> Obligation | None:
    """The `equal` of an output as an attempt at a proof leaves it, where that names both sides. Raises what the attempt raises."""
    spec, kernel = read_inputs(request, lambda _: None)
    findings = Findings()
    examine(request, spec, kernel, spec.spec.launches[0], findings, lambda _: None, relate)
    id = f"{kernel.name}.{tensor}.equal"
    return next((o for o in findings.obligations if o.id == id and o.node and all(o.sides)), None)


def explained(
    refuter: Refuter, obligations: list[Obligation], found: Counterexample, parts: Obligation | None
) -> tuple[list[Obligation], Counterexample]:
    """A difference with where it comes from: what a proof says of that, else the one node that computes the output, if it is one."""
    if parts is None:
        node = only_node(refuter.graph, found.tensor)
        where = found.location if found.stored == NOWHERE else found.stored
        return obligations, replace(found, parting=Parting(where, node, found.tensor)) if node else found
    told = [
        replace(
            o,
            span=parts.span,
            message=f"{parts.message}; {o.message}" if parts.message else o.message,
            help=parts.help or o.help,
            node=parts.node,
            tensor=parts.tensor,
            sides=parts.sides,
        )
        if o.kind == "equal"
        else o
        for o in obligations
    ]
    return told, replace(
        found, location=parts.span, parting=Parting(parts.span, parts.node, parts.tensor, *parts.sides)
    )


def stored_at(kernel: Kernel, launch: Launch, tensor: str) -> Span:
    """Where the kernel stores an output, if that is one place; else the kernel."""
    bound = {
        n for n, b in launch.args.items() if isinstance(b, BufferBinding) and tensor in {o.tensor for o in b.outputs}
    }
    spans = {s.span for s in walk(kernel.body) if isinstance(s, Store | Atomic) and s.ref.object in bound}
    return spans.pop() if len(spans) == 1 else kernel.span
