"""Relating: search for a proof of every output, then let the checker decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tv.diagnostic import Unknown
from tv.equiv.certificate import Certificate, reachable
from tv.equiv.checker import Checker
from tv.equiv.lemmas import Lemmas
from tv.equiv.outcome import Failure, Proof, Related, explain
from tv.equiv.problem import Mismatch, Output, Problem
from tv.equiv.proposing import Proposer
from tv.equiv.search import Grew, Search


def relate(problem: Problem, progress: Callable[[str], None] = lambda _: None) -> Related:
    """Proves every output or says where each fails. `proof` is set only if the checker accepted all of it."""
    search, roots, result = attempt(problem, progress, lemmas=False)
    if any(x.scalar for x in result.failures):
        progress("asking solvers")
        second = attempt(problem, progress, lemmas=True)
        if len(second[2].failures) < len(result.failures):
            search, roots, result = second
        for x in result.failures:
            x.help = x.help or problem.asked.undecided()
    if result.failures or not roots:
        for o in problem.outputs:
            if o.name in roots:
                alone(problem, search, o, roots[o.name], result)
        return result
    certificate = Certificate({}, reachable(search.t.claims, roots), roots)
    checker = Checker(problem, certificate.claims, search.rules)
    try:
        relation = checker.check(roots)
    except (Mismatch, Unknown) as e:
        result.failures.append(explain(problem, problem.outputs[0], e))
        return result
    result.proved = dict.fromkeys(roots, relation)
    result.proof = Proof(certificate, relation, tuple(sorted(checker.laws)), tuple(checker.lemmas))
    return result


def attempt(
    problem: Problem, progress: Callable[[str], None], lemmas: bool
) -> tuple[Search, dict[str, tuple[int, ...]], Related]:
    """One search for a proof of every output: the claims found for each, and the failures."""
    search, result = Search(problem, progress), Related(None)
    if lemmas:
        search.propose = Proposer(Lemmas(problem, search.rules), search.attempt).propose
        search.candidates.lemmas = True
    roots: dict[str, tuple[int, ...]] = {}
    for o in sorted(problem.outputs, key=lambda o: last_store(problem, o), reverse=True):
        start = time.perf_counter()
        try:
            roots[o.name] = search.prove(o.reader, o.unit, o.relation)
        except Grew:
            result.failures.append(Failure(o.name, "equal", "no invariant was found for a loop"))
        except (Mismatch, Unknown) as e:
            result.failures.append(explain(problem, o, e))
        except RecursionError:  # what was claimed on the way is used by nothing that the checker does not follow
            span = problem.kernel.units[o.reader].span
            deep = Unknown("TV0604", "the search for a proof goes through too many rounds of a loop, one by one", span)
            result.failures.append(explain(problem, o, deep))
        result.times[o.name] = time.perf_counter() - start
    places = {o.name: i for i, o in enumerate(problem.outputs)}
    result.failures.sort(key=lambda x: places[x.output])
    return search, {o.name: roots[o.name] for o in problem.outputs if o.name in roots}, result


def last_store(problem: Problem, o: Output) -> int:
    """The latest statement, in the order of the text, that an output's reader finds values of. What rests on all layers comes
    first: its proof goes round the loop over them and claims them at once, where each layer's own output asks for one more."""
    units = problem.kernel.units
    value = units[o.reader].value
    found = [units[t.name].order for t in (value, *value.args) if t.kind == "ref"]
    return max(found, default=-1)


def alone(problem: Problem, search: Search, o: Output, claims: tuple[int, ...], result: Related) -> None:
    """One output by itself, where another one failed: proved, if the checker accepts its claims."""
    roots = {o.name: claims}
    try:
        result.proved[o.name] = Checker(
            replace(problem, outputs=[o]), reachable(search.t.claims, roots), search.rules
        ).check(roots)
    except (Mismatch, Unknown) as e:
        result.failures.append(explain(problem, o, e))
