"""Relating: search for a proof of every output, then let the checker decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tv.diagnostic import Unknown
from tv.equiv.certificate import Certificate, reachable
from tv.equiv.checker import Checker
from tv.equiv.problem import Mismatch, Output, Problem
from tv.equiv.search import Grew, Search
from tv.obligation import Relation
from tv.source import NOWHERE, Span
from tv.term import show


@dataclass(slots=True)
class Proof:
    """What the checker accepted, the relation that it computed, and the laws that were used."""

    certificate: Certificate
    relation: Relation
    laws: tuple[str, ...]


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


@dataclass(slots=True)
class Related:
    proof: Proof | None
    failures: list[Failure] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)


def relate(problem: Problem, progress: Callable[[str], None] = lambda _: None) -> Related:
    """Proves every output or says where each fails. `proof` is set only if the checker accepted all of it."""
    search = Search(problem, progress)
    result = Related(None)
    roots: dict[str, tuple[int, ...]] = {}
    for o in problem.outputs:
        start = time.perf_counter()
        try:
            roots[o.name] = search.prove(o.reader, o.unit, o.relation)
        except (Mismatch, Unknown, Grew) as e:
            result.failures.append(explain(problem, o, e))
        result.times[o.name] = time.perf_counter() - start
    if result.failures or not roots:
        return result
    certificate = Certificate({}, reachable(search.t.claims, roots), roots)
    checker = Checker(problem, certificate.claims)
    try:
        relation = checker.check(roots)
    except (Mismatch, Unknown) as e:
        result.failures.append(explain(problem, problem.outputs[0], e))
        return result
    result.proof = Proof(certificate, relation, tuple(sorted(checker.laws)))
    return result


def explain(problem: Problem, o: Output, e: Mismatch | Unknown | Grew) -> Failure:
    if isinstance(e, Grew):
        return Failure(o.name, "equal", "no invariant was found for a loop")
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
    span = unit.span if unit is not None else NOWHERE
    return Failure(o.name, e.kind, e.why, span, tensor.tensor if tensor else "", tensor.node if tensor else "", "; ".join(sides))
