"""What became of relating kernel and graph: a proof that the checker accepted, or where and why each output fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.advice import advised
from tv.diagnostic import Unknown
from tv.equiv.certificate import Certificate
from tv.equiv.differences import known_difference
from tv.equiv.problem import OTHER, Mismatch, Output, Problem
from tv.equiv.wording import Words
from tv.obligation import Relation
from tv.source import NOWHERE, Span
from tv.term import FOLDED, Term


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
    sides: tuple[str, str] = ("", "")  # what the kernel and the graph have there
    scalar: bool = False  # operations that differ: a lemma might show them equal


@dataclass(slots=True)
class Related:
    proof: Proof | None
    failures: list[Failure] = field(default_factory=list)
    proved: dict[str, Relation] = field(default_factory=dict)  # by output
    times: dict[str, float] = field(default_factory=dict)


def explain(problem: Problem, o: Output, e: Mismatch | Unknown) -> Failure:
    if isinstance(e, Unknown):
        return Failure(o.name, "equal", f"{e.message} ({e.code})", e.span, help=advised(e).help)
    unit = problem.kernel.units.get(e.unit)
    tensor = problem.graph.units.get(e.tensor)
    why, detail, sides = said(problem, e)
    at = operation_span(problem, e.kernel) or operation_span(problem, e.site)
    span = at or (unit.span if unit is not None else NOWHERE)
    return Failure(
        o.name,
        e.kind,
        why,
        span,
        tensor.tensor if tensor else "",
        tensor.node if tensor else "",
        detail,
        advice(e.kernel) or known_difference(problem, e),
        sides,
        e.kind == "equal" and any(t is not None and t.kind in ("op", "reduce") for t in (e.kernel, e.graph, e.site)),
    )


def said(problem: Problem, e: Mismatch) -> tuple[str, str, tuple[str, str]]:
    """Why a pair does not match, what each side is there in words, and as terms; `OTHER` stands for no more than that they are not
    the same."""
    if e.rest is None:
        return ("the kernel computes another value than the graph" if e.why == OTHER else e.why), "", ("", "")
    kernel, graph, place = Words(problem).pair(e.rest, e.kernel, e.graph)
    if e.why == OTHER and kernel != graph:
        return f"the kernel has `{kernel}` where the graph has `{graph}`", place, (kernel, graph)
    if kernel == graph:  # their difference is nothing that a term shows
        kernel = graph = ""
    sides = [f"{name}: `{text}`" for name, text in (("kernel", kernel), ("graph", graph)) if text.strip("(.) +-*/")]
    why = "the kernel computes another value than the graph" if e.why == OTHER else e.why
    return why, "; ".join([*sides, *([place] if place else [])]), (kernel, graph)


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
