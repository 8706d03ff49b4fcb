"""From files to obligations: both systems are built, and every question about them is asked.

read -> execute -> resolve -> relate. How the outputs are related is a parameter: a check searches for a proof, a recheck
follows the one it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from tv import cuda_frontend, graph_frontend
from tv.binding import Binder, affine_values
from tv.booleans import in_memory
from tv.diagnostic import BadInput, Diagnostic
from tv.equiv.asked import Asked
from tv.equiv.outcome import Related
from tv.equiv.problem import Output, Problem
from tv.graph import Graph
from tv.kernel import Kernel, Space
from tv.launch import CompileOptions, Launch, Reading, Spec
from tv.masking import Alternative, Bound, alternatives, bounds_of_extremes, suppositions
from tv.obligation import Obligation, Status, Witness
from tv.request import CheckRequest
from tv.sets import TRUE, Affine, Formula, Map, SameTime, Sets
from tv.sets.formulas import all_of, ge
from tv.spec import Resolved, in_one, read_document, read_signature, sidecar
from tv.spec import resolve as resolve_spec
from tv.spec.affine import size
from tv.spec.nulls import decided
from tv.spec.tables import placed
from tv.spec.variables import with_variables
from tv.stated import contents, count_from_front
from tv.symexec import Program, execute
from tv.symexec.alignment import promised, resting
from tv.symexec.flow.folding import fold_known_calls
from tv.symexec.flow.outputs import add_reader, coverage, last_store, untouched
from tv.symexec.flow.reach import idle_stores
from tv.symexec.flow.recurrences import find_recurrences
from tv.symexec.flow.resolve import resolve
from tv.symexec.known import with_known_loads
from tv.symexec.obligations import failing, kernel_obligations
from tv.symexec.scalars import scalar_values
from tv.symexec.threads.arrivals import require_counted
from tv.symexec.threads.determinism import determinism
from tv.symexec.threads.order_of_arrival import order_of_arrival
from tv.symexec.threads.races import Races
from tv.symexec.threads.relaunch import left_zero
from tv.symexec.threads.roles import role_symbols
from tv.symexec.truths import unfit
from tv.term import Terms

Progress = Callable[[str], None]
Relate = Callable[[Problem, Progress], Related]


@dataclass(slots=True)
class Findings:
    """What a check has established so far. expected: ids that must be among the obligations before anything is proved."""

    obligations: list[Obligation] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    related: Related | None = None
    binder: Binder | None = None
    problem: Problem | None = None
    program: Program | None = None
    asked: Asked = field(default_factory=Asked)
    bounds: Mapping[int, Bound] = field(default_factory=dict)  # beyond which no element of a row of the graph lies


def read_inputs(request: CheckRequest, progress: Progress) -> tuple[Resolved, Kernel]:
    """The kernel, the specification, and how they bind; several launches as one."""
    progress("reading")
    path = Path(request.kernel)
    document = read_document(request.spec or sidecar(request.kernel))
    options = document.compile_options(request.overrides)
    text = read_text(path)
    module = cuda_frontend.read(
        path, text, options, frontend=request.frontend, wanted=document.wanted_kernels(request.overrides)
    )
    signature = read_signature(request.model, document.cut())
    resolved = with_variables(
        in_one(placed(decided(resolve_spec(module, signature, document, request.overrides)))), text
    )
    return with_reading(resolved, request), resolved.kernels[0]


def with_reading(resolved: Resolved, request: CheckRequest) -> Resolved:
    """The command line's word on how the graph is read; the specification's stands where it says nothing."""
    own = resolved.spec.reading
    reading = replace(
        own,
        strict_nan=own.strict_nan or request.strict_nan,
        body_precision=request.body_precision or own.body_precision,
    )
    return replace(resolved, spec=replace(resolved.spec, reading=reading))


def read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as e:
        raise BadInput(
            "TV0101", f"cannot read `{path}`: {e.strerror}", help="name an existing file that may be read"
        ) from None
    except UnicodeDecodeError:
        raise BadInput("TV0102", f"`{path}` is not UTF-8 text", help="save the file as UTF-8 text") from None


def examine(
    request: CheckRequest,
    spec: Resolved,
    kernel: Kernel,
    launch: Launch,
    f: Findings,
    progress: Progress,
    relate: Relate,
) -> None:
    """All obligations of one launch, into f. relate: what proves the outputs, by search or from a certificate."""
    symbols = {s.name: (s.min, s.max) for s in spec.spec.symbols}
    known = {s: Affine.sym(s) for s in symbols}
    sets, terms = index_sets(symbols, *chosen_blocks(kernel, launch, symbols)), Terms()
    progress("reading the graph")
    graph = read_graph(request.model, sets, terms, spec.spec)
    f.binder = binder = Binder(sets, kernel, launch, graph, symbols, assumed_values(spec.spec), spec.spec.inputs)
    progress("executing the kernel")
    program = run_kernel(binder, spec.spec.options, terms, known)
    f.assumptions += [*graph.assumptions, *program.trace.assumptions]
    readers = add_readers(program, binder)
    f.notes += idle_stores(program)
    f.obligations += kernel_obligations(program, launch)
    progress("races")
    groups = require_counted(program)
    races = Races(program, groups)
    f.obligations += races.obligations()
    f.assumptions += races.assumptions
    f.expected += [
        f"{kernel.name}.{kind}" for kind in ("bounds", "range", "barrier", "race", "determinism", "coverage")
    ]
    f.expected += [f"{kernel.name}.{name}.equal" for name in graph.outputs]
    f.expected += [f"{kernel.name}.relaunch"] if spec.spec.relaunch else []
    if any(o.kind in ("race", "barrier") and o.status is not Status.PROVED for o in f.obligations):
        return  # without order there is no dataflow: who wrote what is read here has no answer
    found = determinism(program)
    f.obligations += found
    if any(o.status is not Status.PROVED for o in found):
        text = "not asked, since a result may depend on the order of atomic operations"
        f.obligations += [
            Obligation(f"{kernel.name}.{o.name}.equal", "equal", Status.UNKNOWN, found[0].span, text, tensor=o.name)
            for o in readers
        ]
        return
    progress("dataflow")
    try:
        resolve(program)
    except SameTime as e:
        span = program.system.units[e.a].span
        f.obligations.append(
            failing("race", f"{kernel.name}.race", span, "two threads write one cell at one time", "", Witness())
        )
        return
    f.obligations += coverage_obligations(program, binder, readers)
    f.obligations += order_of_arrival(program, groups, [o.reader for o in readers])
    if spec.spec.relaunch:
        f.obligations += left_zero(program, races)
    find_recurrences(program)
    fold_known_calls(program)
    f.asked = Asked(request.dump_smt2)
    progress("relating")
    stated = suppositions(graph, spec.spec.inputs)
    masks = alternatives(graph, stated, symbols)
    f.bounds = bounds_of_extremes(graph, stated, symbols)
    f.obligations += equal_obligations(program, binder, graph, readers, masks, frozenset(stated), f, progress, relate)


def index_sets(
    symbols: Mapping[str, tuple[int, int]], chosen: Mapping[str, tuple[int, int]] | None = None, where: Formula = TRUE
) -> Sets:
    """Index sets over open sizes with their ranges; chosen: which blocks come last, other open integers of which `where` holds."""
    every = {**symbols, **(chosen or {})}
    known = {s: Affine.sym(s) for s in every}
    least = [ge(known[s], low) for s, (low, _) in every.items()]
    most = [ge(Affine.of(high), known[s]) for s, (_, high) in every.items()]
    return Sets(tuple(every), all_of(*least, *most, where))


def chosen_blocks(
    kernel: Kernel, launch: Launch, symbols: Mapping[str, tuple[int, int]]
) -> tuple[dict[str, tuple[int, int]], Formula]:
    """The block that comes last at each counter, as open integers."""
    known = {s: Affine.sym(s) for s in symbols}
    x, y, z = (size(g, known) for g in launch.grid)
    return role_symbols(kernel, (x, y, z), symbols)


def read_graph(model: str, sets: Sets, terms: Terms, spec: Spec) -> Graph:
    """The model, or the part of it that the specification cuts out, read as it says; its open dimensions are the symbols'.

    A symbol is the dimensions that it is tied to, and none by its name alone."""
    dims = {d: Affine.sym(s.name) for s in spec.symbols for d in s.dims}
    graph = graph_frontend.read(
        Path(model),
        sets,
        terms,
        dims=dims,
        inputs=spec.model_inputs,
        outputs=spec.model_outputs,
        strict_nan=spec.reading.strict_nan,
        body_precision=spec.reading.body_precision,
        half_functions=spec.reading.half_functions,
        fixed=spec.reading.fixed,
        values=assumed_values(spec),
    )
    count_from_front(graph, spec.inputs)
    graph.assumptions[:0] = chosen_readings(spec.reading)
    return graph


def chosen_readings(reading: Reading) -> list[str]:
    """What was asked for in place of the usual reading: said of every verdict, whether an operator is concerned or not."""
    strict = ["Max, Min, Relu, Clip and their reductions propagate NaN"] if reading.strict_nan else []
    bodies = ["function bodies on 16-bit types are evaluated in that type"] if reading.body_precision == "type" else []
    native = reading.half_functions == "native"
    half = ["Exp, Log, Sin and Cos on 16-bit types are the functions that CUDA's hexp, hlog, hsin and hcos compute"]
    return strict + bodies + (half if native else [])


def assumed_values(spec: Spec) -> dict[str, Affine]:
    """Graph inputs all of whose elements are one integer: it, over the symbols."""
    known = {s.name: Affine.sym(s.name) for s in spec.symbols}
    return {name: size(value, known) for name, value in spec.reading.values}


def run_kernel(binder: Binder, options: CompileOptions, terms: Terms, known: dict[str, Affine]) -> Program:
    launch = binder.launch
    grid = tuple(size(g, known) for g in launch.grid)
    integers = affine_values(launch, known, binder.values)
    kernel, loaded = with_known_loads(binder.kernel, binder.known_buffers(), binder.range_of)
    scalars = scalar_values(kernel, launch.args, integers) | loaded
    fmad = options.fmad
    program = execute(
        binder.sets,
        terms,
        promised(kernel, options),
        launch,
        (grid[0], grid[1], grid[2]),
        size(launch.shared, known),
        scalars,
        binder.ranges,
        binder.shapes(),
        fmad,
        contents(binder),
    )
    program.trace.assumptions += resting(program.trace, kernel, options)
    return program


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
    allowed: dict[str, list[Map]] = {}
    for o in readers:
        am = program.accesses[o.reader]
        allowed.setdefault(am.access.object, []).append(am.cells)
    found = coverage(program, {o.reader: o.name for o in readers}) + untouched(program, allowed, scratch)
    return found + unfit(program, booleans(binder))


def booleans(binder: Binder) -> frozenset[str]:
    """Buffers that hold boolean tensors, and nothing else, before the launch; and bytes that are stated to be 0 or 1."""
    starts = {n: [binder.info(i, False).type for i in b.inputs] for n, b in binder.buffers().items()}
    stated = {n for n, (r, bits) in contents(binder).ranges.items() if bits == 8 and 0 <= r[0] <= r[1] <= 1}
    return frozenset(n for n, types in starts.items() if types and set(types) == {"bool"}) | stated


def problem_of(
    program: Program,
    binder: Binder,
    graph: Graph,
    readers: list[Output],
    asked: Asked,
    masks: Mapping[int, Alternative] = MappingProxyType({}),
    finite: frozenset[str] = frozenset(),
) -> Problem:
    """What is to be related: both sides, and where their memories meet. masks: other terms of the graph's tensors. finite: the
    units of its inputs of which that is stated."""
    private = {
        u
        for u, m in program.accesses.items()
        if m.access.register or program.objects[m.access.object].space is Space.LOCAL
    }
    plain = frozenset(u for u, m in program.accesses.items() if m.access.mode not in ("volatile", "atomic"))
    bytes_ = in_memory(graph.system, graph.supposed)
    images, outputs = bytes_.images(binder.images(program.objects)), bytes_.outputs(readers)
    return Problem(
        binder.sets,
        program.system.terms,
        program.system,
        bytes_.system,
        images,
        outputs,
        frozenset(private),
        time_arity=program.time_arity,
        spans=program.spans,
        origins=program.origins,
        threads=frozenset(program.trace.space.dims),
        memory=plain | program.publications.keys(),
        asked=asked,
        supposed=bytes_.supposed,
        alternatives=masks,
        finite=finite,
    )


def equal_obligations(
    program: Program,
    binder: Binder,
    graph: Graph,
    readers: list[Output],
    masks: Mapping[int, Alternative],
    finite: frozenset[str],
    f: Findings,
    progress: Progress,
    relate: Relate,
) -> list[Obligation]:
    """One `equal` an output, with the relation that was proved or the place where the two sides part."""
    problem = problem_of(program, binder, graph, readers, f.asked, masks, finite)
    problem.bounds = f.bounds
    f.problem, f.program = problem, program
    name = program.trace.kernel.name
    f.related = related = relate(problem, progress)
    f.assumptions += sorted(problem.assumptions)
    out: list[Obligation] = []
    failed_outputs = {x.output: x for x in related.failures}
    unwritten = {x.witness.tensor for x in f.obligations if x.kind == "coverage" and x.witness is not None}
    for o in readers:
        id, span = f"{name}.{o.name}.equal", program.system.units[o.reader].span
        x = failed_outputs.get(o.name)
        if related.proof is not None or o.name in related.proved:
            relation = related.proof.relation if related.proof is not None else related.proved[o.name]
            seconds = related.times.get(o.name, 0.0)
            out.append(Obligation(id, "equal", Status.PROVED, span, relation=relation, tensor=o.name, time_s=seconds))
        elif o.name in unwritten:
            out.append(
                Obligation(
                    id, "equal", Status.UNKNOWN, span, "not every element of this output is written", tensor=o.name
                )
            )
        elif x is not None:
            message = x.why + (f" ({x.detail})" if x.detail else "")
            where = (
                x.span if x.span.line and x.span != program.trace.kernel.span else span
            )  # what no line states: the store
            out.append(
                Obligation(
                    id if x.kind == "equal" else f"{id[:-6]}.{x.kind}",
                    x.kind,
                    Status.UNKNOWN,
                    where,
                    message,
                    x.help,
                    node=x.node,
                    tensor=x.tensor,
                    sides=x.sides,
                )
            )
            out += left_out(program, o) if x.kind == "init" else []
        else:
            out.append(
                Obligation(id, "equal", Status.UNKNOWN, span, "not proved, since another output is not", tensor=o.name)
            )
    return out


def left_out(program: Program, o: Output) -> list[Obligation]:
    """An output that an uninitialised value reaches: the kernel may have written nothing there, under a condition on data."""
    obj = program.accesses[o.reader].access.object
    if obj not in program.trace.perhaps:
        return []
    text, help = f"part of output `{o.name}` may never be written", "write it whatever the data is"
    witness, id = Witness(object=obj, tensor=o.name), f"{program.trace.kernel.name}.{o.name}.coverage"
    return [Obligation(id, "coverage", Status.UNKNOWN, program.trace.perhaps[obj], text, help, witness=witness)]


def numbered(obligations: list[Obligation]) -> list[Obligation]:
    """Ids made unique: the second finding of one id is `id.2`."""
    seen: dict[str, int] = {}
    out = []
    for o in obligations:
        seen[o.id] = seen.get(o.id, 0) + 1
        out.append(o if seen[o.id] == 1 else replace(o, id=f"{o.id}.{seen[o.id]}"))
    return out
