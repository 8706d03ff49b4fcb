"""What execution alone can say of a kernel: a counterexample run again, and a hunt for one without a proof."""

from __future__ import annotations

import time

from tv.advice import advised
from tv.binding import Binder
from tv.diagnostic import TvError, Unsupported
from tv.examine import assumed_values, index_sets, read_graph, read_inputs
from tv.kernel import Kernel, Store, walk
from tv.launch import BufferBinding, Launch
from tv.obligation import Obligation, Status
from tv.refute import Refuter, is_ieee
from tv.refute.defects import EVENTS
from tv.request import CheckRequest
from tv.source import Span
from tv.spec import Resolved
from tv.term import Terms
from tv.verdict import Answer, CheckResult, KernelInfo, conclude, failed


def opened(request: CheckRequest, seconds: float | None = None) -> tuple[Resolved, Kernel, Refuter]:
    """A launch that is ready to be run at any size. Raises what reading raises."""
    spec, kernel = read_inputs(request, lambda _: None)
    if spec.spec.globals:
        raise Unsupported("TV0739", "executing a kernel whose module-scope variables are bound")
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
    """Runs a saved counterexample again by the interpreter; holds if it shows the same defect."""
    if on == "gpu":
        raise Unsupported(
            "TV0738", "counterexamples are not replayed on a GPU", help="leave `--on` out, or say `--on cpu`"
        )
    holds, text = opened(request)[2].replay(counterexample)
    return Answer(holds, text + ("" if holds else "\nnot reproduced"))


def hunt(request: CheckRequest, seconds: float) -> CheckResult:
    """Looks for a defect by execution alone, for about `seconds`: refuted, or unknown."""
    start = time.monotonic()
    try:
        spec, kernel, refuter = opened(request, seconds / 2)
        launch = spec.spec.launches[0]
        asked = [Obligation(f"{kernel.name}.{k}", k, Status.UNKNOWN, kernel.span) for k in sorted(EVENTS)]
        for name in refuter.graph.outputs:
            span = stored_at(kernel, launch, name)
            asked.append(Obligation(f"{kernel.name}.{name}.coverage", "coverage", Status.UNKNOWN, span))
            asked.append(Obligation(f"{kernel.name}.{name}.equal", "equal", Status.UNKNOWN, span, tensor=name))
        obligations, found = refuter.confirm(asked)
        if found is not None:
            obligations = [o for o in obligations if o.status is Status.REFUTED]
        if found is not None and request.counterexample is not None:
            refuter.save(request.counterexample)
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
        diagnostics=spec.diagnostics,
        assumptions=spec.assumptions,
        time_s=time.monotonic() - start,
    )


def stored_at(kernel: Kernel, launch: Launch, tensor: str) -> Span:
    """Where the kernel stores an output, if that is one place; else the kernel."""
    bound = {
        n for n, b in launch.args.items() if isinstance(b, BufferBinding) and tensor in {o.tensor for o in b.outputs}
    }
    spans = {s.span for s in walk(kernel.body) if isinstance(s, Store) and s.ref.object in bound}
    return spans.pop() if len(spans) == 1 else kernel.span
