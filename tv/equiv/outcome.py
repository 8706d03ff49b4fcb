"""What became of relating kernel and graph: a proof that the checker accepted, or where and why each output fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.diagnostic import Unknown
from tv.equiv.certificate import Certificate
from tv.equiv.problem import Mismatch, Output, Problem
from tv.obligation import Relation
from tv.source import NOWHERE, Span
from tv.term import FOLDED, Term, show


@dataclass(slots=True)
class Proof:
    """What the checker accepted, the relation that it computed, and the laws and lemmas that were used."""

    certificate: Certificate
    relation: Relation
    laws: tuple[str, ...]
    lemmas: tuple[str, ...] = ()  # as SMT-LIB


@dataclass(slots=True)
class Failure:
    """Why an output is not proved. kind: equal or init. unit, tensor: where the two sides part."""

    output: str
    kind: str
    why: str
    span: Span = NOWHERE
    tensor: str = ""
    node: str = ""
    detail: str = ""
    help: str = ""
    scalar: bool = False  # operations that differ: a lemma might show them equal


@dataclass(slots=True)
class Related:
    proof: Proof | None
    failures: list[Failure] = field(default_factory=list)
    proved: dict[str, Relation] = field(default_factory=dict)  # by output
    times: dict[str, float] = field(default_factory=dict)


def explain(problem: Problem, o: Output, e: Mismatch | Unknown) -> Failure:
    if isinstance(e, Unknown):
        return Failure(o.name, "equal", e.message, e.span, help=e.help)
    unit = problem.kernel.units.get(e.unit)
    tensor = problem.graph.units.get(e.tensor)
    sides = []
    if e.kernel is not None:
        sides.append(f"kernel: {show(e.kernel, 3)}")
    if e.graph is not None:
        sides.append(f"graph: {show(e.graph, 3)}")
    point = problem.sets.sample(e.rest) if e.rest is not None else None
    if point:
        sides.append("at " + ", ".join(f"{k}={v}" for k, v in point.items()))
    at = operation_span(problem, e.kernel) or operation_span(problem, e.site)
    span = at or (unit.span if unit is not None else NOWHERE)
    return Failure(
        o.name,
        e.kind,
        e.why,
        span,
        tensor.tensor if tensor else "",
        tensor.node if tensor else "",
        "; ".join(sides),
        advice(e.kernel),
        e.kind == "equal" and any(t is not None and t.kind in ("op", "reduce") for t in (e.kernel, e.graph, e.site)),
    )


def advice(t: Term | None) -> str:
    """What to do where the kernel's side is a term that no graph has."""
    if t is not None and t.kind == "op" and t.name.startswith(FOLDED):
        name = t.name.removeprefix(FOLDED).partition(".")[0]
        return f"nvcc evaluates `{name}` of what it knows on the host, with other bits: pass the value as an argument or input"
    return ""


def operation_span(problem: Problem, t: Term | None) -> Span | None:
    """Where the kernel has the operation at the root of a term."""
    while t is not None and t.kind == "reduce":
        t = t.args[0]
    if t is None or t.kind in ("const", "input"):
        return None
    if t.kind == "ref":
        u = problem.kernel.units[t.name]
        return operation_span(problem, u.value) or u.span
    span = problem.spans.get(t.id)
    return span if span is not None and span.line else None
