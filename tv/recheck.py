"""Checking a certificate without searching for one, and evaluating a graph in a certificate's order.

Everything but the proof is computed again from the files: both systems, and every obligation other than `equal`. The proof is
read from the certificate and followed by the checker.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tv import certify
from tv.diagnostic import BadInput, Unknown
from tv.equiv.certificate import Certificate, from_json
from tv.equiv.checker import Checker
from tv.equiv.outcome import Failure, Proof, Related, explain
from tv.equiv.problem import Mismatch, Problem
from tv.examine import Findings, Progress, examine, numbered, read_inputs
from tv.kernel import Kernel
from tv.obligation import Relation
from tv.order.collect import Collecting
from tv.order.program import to_json
from tv.request import CheckRequest
from tv.sets.numeric import same_text
from tv.spec import Resolved
from tv.verdict import Answer, Verdict, conclude


def recheck(certificate: str, request: CheckRequest) -> Answer:
    """Is this certificate a proof about these files? The answer's first word is `valid` or `invalid`.

    Raises BadInput where a file cannot be read or is no certificate, Unsupported where a front end refuses the files.
    """
    data = certify.read(certificate)
    for what, found in certify.hashes(request).items():
        if not isinstance(data.get("sha256"), dict) or data["sha256"].get(what) != found:
            return invalid(f"it is about another {'specification' if what == 'spec' else what}")
    try:
        why = Recheck(data, request).run()
    except Unknown as e:
        why = f"{e.message} ({e.code})"
    except RecursionError:
        why = "it is nested too deeply"
    if why:
        return invalid(why)
    return Answer(True, f"valid: `{data['kernel']}` is `{data['relation']}` to the graph")


def invalid(why: str) -> Answer:
    return Answer(False, f"invalid: {why}\n  = help: prove the pair anew with `tv check --certificate`")


@dataclass(slots=True)
class Recheck:
    data: dict[str, Any]
    request: CheckRequest
    findings: Findings = field(default_factory=Findings)

    def run(self) -> str:
        """Why the certificate is not valid; empty where it is. Raises what reading and executing raise."""
        spec, kernel = read_inputs(self.request, lambda _: None)
        spec = self.read_alike(spec)
        for key, value in certify.statement(spec, kernel).items():
            if self.data.get(key) != value:
                return f"its {key} is another"
        stated = self.relation()
        f = self.findings

        def relate(problem: Problem, _: Progress) -> Related:
            return self.follow(problem, spec, kernel)

        examine(self.request, spec, kernel, spec.spec.launches[0], f, lambda _: None, relate)
        conclusion = conclude(numbered(f.obligations), stated, f.expected, spec.guessed)
        if conclusion.verdict is not Verdict.PROVED or conclusion.relation is None:
            return conclusion.why or "nothing was shown"
        missing = set(certify.assumptions(spec, f)) - set(certify.texts(self.data, "assumptions"))
        if missing:
            return f"it does not state an assumption: {min(missing)}"
        return ""

    def read_alike(self, spec: Resolved) -> Resolved:
        """The graph read as the certificate reads it: that is part of what it claims, and printed with it."""
        try:
            stated = certify.reading(self.data)
        except (KeyError, TypeError, ValueError) as e:
            raise BadInput(
                "TV0652", f"not a certificate: {e}", help="name the file that `tv check --certificate` wrote"
            ) from None
        reading = replace(
            spec.spec.reading,
            strict_nan=stated.strict_nan,
            body_precision=stated.body_precision,
            half_functions=stated.half_functions,
        )
        return replace(spec, spec=replace(spec.spec, reading=reading))

    def relation(self) -> Relation:
        try:
            return Relation(self.data.get("relation"))
        except ValueError:
            raise BadInput(
                "TV0652",
                f"not a certificate: no relation `{self.data.get('relation')}`",
                help="name the file that `tv check --certificate` wrote",
            ) from None

    def follow(self, problem: Problem, spec: Resolved, kernel: Kernel) -> Related:
        """The certificate's proof of this problem, as the checker sees it."""
        result = Related(None)
        try:
            given = from_json(self.data, problem.sets)
            fits(given, problem)
            checker = self.checked(given, problem, spec, kernel)
        except (Mismatch, Unknown) as e:
            result.failures.append(explain(problem, problem.outputs[0], e))
            return result
        wrong = "" if set(certify.texts(self.data, "laws")) == checker.laws else "it uses other laws than it states"
        if self.data.get("lemmas") != list(checker.lemmas):
            wrong = "its lemmas are not those of its proof"
        if isinstance(checker, Collecting) and not same(self.data["orders"], [to_json(o) for o in checker.orders]):
            wrong = "its orders of sums are not those of its proof"
        if isinstance(checker, Collecting) and self.data.get("masked", []) != [list(x) for x in checker.masked]:
            wrong = "what it leaves out of masked tensors is not what its proof leaves out"
        if wrong:
            result.failures = [Failure(o.name, "equal", wrong) for o in problem.outputs]
            return result
        result.proof = Proof(given, checker.relation, tuple(sorted(checker.laws)), tuple(checker.lemmas))
        result.times = {o.name: 0.0 for o in problem.outputs}
        return result

    def checked(self, given: Certificate, problem: Problem, spec: Resolved, kernel: Kernel) -> Checker:
        if self.data.get("orders") is not None:
            return certify.orders(spec, kernel, self.findings, given)
        checker = Checker(problem, given.claims)
        checker.check(given.roots)
        return checker


def fits(given: Certificate, problem: Problem) -> None:
    """Claims are about units of both systems, roots about the launch's outputs: all of them, and nothing else."""
    for c in given.claims.values():
        if c.kernel not in problem.kernel.units or c.graph not in problem.graph.units:
            raise Unknown(
                "TV0613",
                f"claim {c.id} is not about a statement and a tensor",
                help="prove the pair anew with `tv check --certificate`",
            )
    outputs = {o.name for o in problem.outputs}
    if set(given.roots) != outputs:
        raise Unknown(
            "TV0611",
            f"its roots are not the outputs {', '.join(sorted(outputs))}",
            help="prove the pair anew with `tv check --certificate`",
        )


def same(a: Any, b: Any) -> bool:
    """Two orders, index maps and sets compared by what they hold."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, str) and isinstance(b, str):
        return a == b or ("{" in a and "{" in b and same_text(a, b))
    return type(a) is type(b) and bool(a == b)
