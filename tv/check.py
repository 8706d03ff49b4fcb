"""The whole of a check on one screen: files in, obligations out. The only module on which all rooms meet.

read -> execute -> resolve -> relate -> conclude. Whatever raises on the way ends as `unknown`, `unsupported` or bad input,
never as a proof: a proof is what `conclude` makes of obligations that are all there and all closed.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tv import cuda_frontend, graph_frontend
from tv.binding import Binder, affine_values, size
from tv.diagnostic import BadInput, TvError, Unsupported
from tv.equiv.problem import Output, Problem
from tv.equiv.relate import Related, relate
from tv.graph import Graph
from tv.kernel import Kernel, Space
from tv.launch import CompileOptions, Launch
from tv.obligation import Obligation, Status, Witness
from tv.refute import Refuter
from tv.request import CheckRequest
from tv.sets import Affine, SameTime, Sets
from tv.sets.affine import all_of, ge
from tv.spec import Resolved, read_document, read_signature, sidecar
from tv.spec import resolve as resolve_spec
from tv.symexec import Program, execute
from tv.symexec.obligations import failing, kernel_obligations
from tv.symexec.outputs import add_reader, coverage, last_store, untouched
from tv.symexec.races import Races
from tv.symexec.recurrences import find_recurrences
from tv.symexec.resolve import resolve
from tv.symexec.scalars import scalar_values
from tv.term import Terms
from tv.verdict import CheckResult, Counterexample, KernelInfo, conclude, failed

Progress = Callable[[str], None]


@dataclass(slots=True)
class Findings:
    """What a check has established so far. expected: ids that must be among the obligations before anything is proved."""

    obligations: list[Obligation] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    related: Related | None = None
    binder: Binder | None = None


def check(request: CheckRequest, progress: Progress = lambda _: None) -> CheckResult:
    """Checks one kernel against one graph. Never raises TvError: every ending is a result."""
    start = time.perf_counter()
    try:
        result = _check(request, progress)
    except TvError as e:
        result = failed(request, e)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return replace(result, time_s=time.perf_counter() - start, peak_rss_mb=peak)


def _check(request: CheckRequest, progress: Progress) -> CheckResult:
    spec, kernel = read_inputs(request, progress)
    if len(spec.spec.launches) != 1:
        raise Unsupported("TV0801", "several launches in one specification")
    launch = spec.spec.launches[0]
    findings = Findings(assumptions=[*spec.assumptions])
    examine(request, spec, kernel, launch, findings, progress)
    obligations, counterexample = shown(request, spec, kernel, launch, findings, progress)
    verdict = conclude(obligations, request.require, findings.expected, spec.guessed)
    info = KernelInfo(request.kernel, kernel.name, launch.grid, launch.block)
    return CheckResult(
        verdict.verdict,
        request.require,
        info,
        request.model,
        relation=verdict.relation,
        obligations=tuple(obligations),
        counterexample=counterexample,
        why=verdict.why,
        help=verdict.help,
        bindings=spec.bindings,
        guessed=spec.guessed,
        symbols=spec.spec.symbols,
        diagnostics=spec.diagnostics,
        assumptions=tuple(dict.fromkeys(findings.assumptions)),
    )


def shown(
    request: CheckRequest, spec: Resolved, kernel: Kernel, launch: Launch, f: Findings, progress: Progress
) -> tuple[list[Obligation], Counterexample | None]:
    """The obligations, the failing ones refuted where an execution shows the defect, and the counterexample."""
    obligations = numbered(f.obligations)
    if f.binder is None or all(o.status is Status.PROVED for o in obligations):
        return obligations, None
    progress("looking for a counterexample")
    return Refuter(kernel, launch, f.binder, f.binder.graph, spec.spec.options.fmad, spec.spec.inputs, request.require).confirm(obligations)


def read_inputs(request: CheckRequest, progress: Progress) -> tuple[Resolved, Kernel]:
    """The kernel, the specification, and how they bind."""
    progress("reading")
    path = Path(request.kernel)
    document = read_document(request.spec or sidecar(request.kernel))
    options = document.compile_options(request.overrides)
    module = cuda_frontend.read(path, read_text(path), options, frontend=request.frontend, wanted=document.wanted_kernels(request.overrides))
    signature = read_signature(request.model, document.cut())
    resolved = resolve_spec(module, signature, document, request.overrides)
    return resolved, resolved.kernels[0]


def read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as e:
        raise BadInput("TV0101", f"cannot read `{path}`: {e.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput("TV0102", f"`{path}` is not UTF-8 text") from None


def examine(request: CheckRequest, spec: Resolved, kernel: Kernel, launch: Launch, f: Findings, progress: Progress) -> None:
    """All obligations of one launch, into f."""
    symbols = {s.name: (s.min, s.max) for s in spec.spec.symbols}
    known = {s: Affine.sym(s) for s in symbols}
    sets = Sets(tuple(symbols), all_of(*(ge(known[s], lo) for s, (lo, _) in symbols.items()), *(ge(Affine.of(hi), known[s]) for s, (_, hi) in symbols.items())))
    terms = Terms()
    progress("reading the graph")
    dims = {d: known[s.name] for s in spec.spec.symbols for d in (s.name, *s.dims)}
    cut = (spec.spec.model_inputs, spec.spec.model_outputs)
    graph = graph_frontend.read(Path(request.model), sets, terms, dims=dims, inputs=cut[0], outputs=cut[1])
    f.binder = binder = Binder(sets, kernel, launch, graph, symbols)
    progress("executing the kernel")
    program = run_kernel(binder, spec.spec.options, terms, known)
    f.assumptions += [*graph.assumptions, *program.trace.assumptions]
    readers = add_readers(program, binder)
    f.obligations += kernel_obligations(program, launch)
    progress("races")
    f.obligations += Races(program).obligations()
    f.expected += [f"{kernel.name}.{kind}" for kind in ("bounds", "range", "barrier", "race", "coverage")]
    f.expected += [f"{kernel.name}.{o.name}.equal" for o in readers]
    progress("dataflow")
    try:
        resolve(program)
    except SameTime as e:
        span = program.system.units[e.a].span
        f.obligations.append(failing("race", f"{kernel.name}.race", span, "two threads write one cell at one time", "", Witness()))
        return
    f.obligations += coverage_obligations(program, binder, readers)
    find_recurrences(program)
    progress("relating")
    f.obligations += equal_obligations(program, binder, graph, readers, f, progress)


def run_kernel(binder: Binder, options: CompileOptions, terms: Terms, known: dict[str, Affine]) -> Program:
    launch = binder.launch
    grid = tuple(size(g, known) for g in launch.grid)
    integers = affine_values(launch, known)
    scalars = scalar_values(binder.kernel, launch.args, integers)
    fmad = options.fmad
    return execute(
        binder.sets, terms, binder.kernel, launch, (grid[0], grid[1], grid[2]), size(launch.shared, known), scalars, binder.ranges, binder.shapes(), fmad
    )


def add_readers(program: Program, binder: Binder) -> list[Output]:
    """A reader of final memory for every output that the launch binds."""
    out: list[Output] = []
    for name, b in binder.buffers().items():
        for image in b.outputs:
            t = binder.info(image, True)
            unit = f"OUT_{len(out)}"
            r = binder.reader(program.objects[name], image, t, unit)
            add_reader(program, unit, r.dims, r.domain, name, r.cell, last_store(program, name))
            out.append(Output(image.tensor, unit, t.unit, r.relation))
    return out


def coverage_obligations(program: Program, binder: Binder, readers: list[Output]) -> list[Obligation]:
    buffers = binder.buffers()
    scratch = {n for n, b in buffers.items() if not b.inputs and not b.outputs}
    allowed: dict[str, list] = {}  # type: ignore[type-arg]
    for o in readers:
        am = program.accesses[o.reader]
        allowed.setdefault(am.access.object, []).append(am.cells)
    return coverage(program, {o.reader: o.name for o in readers}) + untouched(program, allowed, scratch)


def equal_obligations(program: Program, binder: Binder, graph: Graph, readers: list[Output], f: Findings, progress: Progress) -> list[Obligation]:
    """One `equal` an output, with the relation that was proved or the place where the two sides part."""
    private = {
        u for u, m in program.accesses.items() if m.access.register or program.objects[m.access.object].space is Space.LOCAL
    }
    problem = Problem(
        binder.sets, program.system.terms, program.system, graph.system, binder.images(program.objects), readers, frozenset(private), program.time_arity
    )
    name = program.trace.kernel.name
    f.related = related = relate(problem, progress)
    f.assumptions += sorted(problem.assumptions)
    out: list[Obligation] = []
    failed_outputs = {x.output: x for x in related.failures}
    for o in readers:
        id, span = f"{name}.{o.name}.equal", program.system.units[o.reader].span
        x = failed_outputs.get(o.name)
        if related.proof is not None:
            out.append(Obligation(id, "equal", Status.PROVED, span, relation=related.proof.relation, tensor=o.name, time_s=related.times[o.name]))
        elif x is not None:
            message = x.why + (f" ({x.detail})" if x.detail else "")
            where = x.span if x.span.line else span
            out.append(Obligation(id if x.kind == "equal" else f"{id[:-6]}.{x.kind}", x.kind, Status.UNKNOWN, where, message, x.help, node=x.node, tensor=x.tensor))
        else:
            out.append(Obligation(id, "equal", Status.UNKNOWN, span, "not proved, since another output is not", tensor=o.name))
    return out


def numbered(obligations: list[Obligation]) -> list[Obligation]:
    """Ids made unique: the second finding of one id is `id.2`."""
    seen: dict[str, int] = {}
    out = []
    for o in obligations:
        seen[o.id] = seen.get(o.id, 0) + 1
        out.append(o if seen[o.id] == 1 else replace(o, id=f"{o.id}.{seen[o.id]}"))
    return out
