"""`--order CERT`: `bitwise` means the graph evaluated in that certificate's order of sums.

The ordinary proof shows that the kernel adds in some order of the graph's sums. Here the kernel is related once more, to the
graph with its sums added as the certificate says, bit for bit and with no sum matched up to order. Both together mean that the
order is the certificate's, whatever else the certificate may hold.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from tv import certify
from tv.binding import Binder
from tv.diagnostic import BadInput, Unknown
from tv.equiv.asked import Asked
from tv.equiv.outcome import Related
from tv.equiv.problem import Problem
from tv.equiv.relate import relate
from tv.examine import (
    Findings,
    Progress,
    add_readers,
    assumed_values,
    chosen_blocks,
    index_sets,
    problem_of,
    read_graph,
    run_kernel,
)
from tv.kernel import Call, Kernel, children, expressions, walk
from tv.masking import ASSUMED
from tv.obligation import Obligation, Relation, Status, weaker
from tv.order.masked import Masked, Named, masked_in, read_masked
from tv.order.needed import without_unread_cases
from tv.order.pinned import Pinned
from tv.order.program import Order, fused, read_orders
from tv.replay.contraction import contract
from tv.request import CheckRequest
from tv.sets import Affine
from tv.source import Span
from tv.spec import Resolved
from tv.symexec.flow.folding import fold_known_calls
from tv.symexec.flow.recurrences import find_recurrences
from tv.symexec.flow.resolve import resolve
from tv.term import Terms


def pin(request: CheckRequest, spec: Resolved, kernel: Kernel, f: Findings, progress: Progress) -> None:
    """Gives every proved `equal` of f the relation that it has to the graph in the order of the certificate `request.order`.

    Raises BadInput (TV0652 .. TV0655) where the certificate is none, or is about another model, part, reading or range of sizes.
    """
    assert request.order is not None
    orders, masked = orders_of(request.order, request.model, spec)
    if f.related is None or not any(o.kind == "equal" and o.status is Status.PROVED for o in f.obligations):
        return
    progress("relating in the certificate's order")
    text = contract(kernel) if spec.spec.options.fmad and any(fused(o) for o in orders) else kernel
    related, why = in_order(request, spec, text, orders, masked, progress)
    if masked and related is not None and ASSUMED not in f.assumptions:
        f.assumptions.append(ASSUMED)
    if text != kernel and related is not None:
        f.assumptions.append(f"nvcc fuses exactly these multiply-adds: {lines_of(text, kernel)}")
    f.obligations = [pinned(o, related, why) for o in f.obligations]


def pinned(o: Obligation, related: Related | None, why: str) -> Obligation:
    """An obligation with the relation that holds in the order; what is not a proved `equal` stays."""
    if o.kind != "equal" or o.status is not Status.PROVED or o.relation is None:
        return o
    if related is not None and related.proved.get(o.tensor) is Relation.BITWISE:
        return replace(o, relation=Relation.BITWISE)
    own = next((x for x in related.failures if x.output == o.tensor), None) if related is not None else None
    reason = own.why if own is not None else why or "nvcc may contract a product of it, or not"
    help = f"not shown to be added in the order of the certificate: {reason}"
    return replace(o, relation=weaker(o.relation, Relation.REASSOC), help=help)


def orders_of(certificate: str, model: str, spec: Resolved) -> tuple[list[Order], Named]:
    data = certify.read(certificate)
    if not isinstance(data.get("sha256"), dict) or data["sha256"].get("model") != certify.sha256(model):
        raise BadInput("TV0654", f"the certificate is not about the model `{model}`")
    if data.get("orders") is None:
        raise BadInput("TV0654", f"the certificate says nothing of the order of sums: {data.get('without_orders', '')}")
    for key, value in alike(spec).items():
        if data.get(key) != value:
            raise BadInput(
                "TV0654", f"the certificate is about other {key}", help="--order needs the same of both checks"
            )
    return read_orders(data["orders"]), read_masked(data.get("masked", []))


def alike(spec: Resolved) -> dict[str, Any]:
    """What a certificate has to share with a check that follows its orders: how the graph is cut, read and sized."""
    about = {
        "symbols": [asdict(s) for s in spec.spec.symbols],
        "part": {"inputs": spec.spec.model_inputs, "outputs": spec.spec.model_outputs},
        "reading": asdict(spec.spec.reading),
    }
    return json.loads(json.dumps(about))  # type: ignore[no-any-return]


def in_order(
    request: CheckRequest, spec: Resolved, kernel: Kernel, orders: list[Order], named: Named, progress: Progress
) -> tuple[Related | None, str]:
    """The kernel related to the graph in the orders, or why that could not be asked. named: what it is without, of masks."""
    try:
        problem, masked = problem_again(request, spec, kernel, named)
        graph = Pinned(problem.graph, orders, masked).system()
        if named:
            without_unread_cases(graph, [o.unit for o in problem.outputs])
        return relate(replace(problem, graph=graph, pinned=True), progress), ""
    except Unknown as e:
        return None, e.message
    except RecursionError:
        return None, "it is nested too deeply"


def problem_again(request: CheckRequest, spec: Resolved, kernel: Kernel, named: Named) -> tuple[Problem, Masked]:
    """Both sides once more, in index spaces of their own, and what the graph's tensors are without what masks take out."""
    ranges = {s.name: (s.min, s.max) for s in spec.spec.symbols}
    sets, terms = index_sets(ranges, *chosen_blocks(kernel, spec.spec.launches[0], ranges)), Terms()
    graph = read_graph(request.model, sets, terms, spec.spec)
    launch, inputs = spec.spec.launches[0], spec.spec.inputs
    binder = Binder(sets, kernel, launch, graph, ranges, assumed_values(spec.spec), inputs)
    program = run_kernel(binder, spec.spec.options, terms, {s: Affine.sym(s) for s in ranges})
    readers = add_readers(program, binder)
    resolve(program)
    find_recurrences(program)
    fold_known_calls(program)
    masked = masked_in(graph, named, inputs, ranges)
    return problem_of(program, binder, graph, readers, Asked()), masked


def lines_of(fused_text: Kernel, kernel: Kernel) -> str:
    """The lines of the multiply-adds that the first text has and the second has not."""
    lines = sorted({span.line for span in fmas(fused_text) - fmas(kernel)})
    return ("lines " if len(lines) > 1 else "line ") + ", ".join(map(str, lines))


def fmas(kernel: Kernel) -> set[Span]:
    found: set[Span] = set()
    todo = [e for s in walk(kernel.body) for e in expressions(s)]
    while todo:
        e = todo.pop()
        todo += children(e)
        if isinstance(e, Call) and e.function == "fma":
            found.add(e.span)
    return found
