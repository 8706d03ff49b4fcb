"""SARIF 2.1.0, for code scanning: one result for everything that is not proved, at its line."""

from __future__ import annotations

import json
from pathlib import PurePath
from urllib.parse import quote

from tv.diagnostic import Diagnostic
from tv.report.json_report import counterexample
from tv.report.terminal import findings
from tv.source import Span
from tv.verdict import CheckResult, Verdict

Json = dict[str, object]
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RULES = {
    "bounds": "every access is inside its array and aligned",
    "init": "nothing is read before it is written",
    "race": "no two threads conflict unordered",
    "barrier": "every barrier is reached by all it waits for",
    "coverage": "every output is written completely and nothing else is changed",
    "determinism": "no result depends on the order of atomics",
    "equal": "the outputs are the graph's",
    "range": "no index or integer overflows",
}


def to_sarif(result: CheckResult) -> str:
    """The log as text. A check that was not completed is an invocation that failed, never a run without results."""
    found = findings(result)
    if not found and result.verdict is not Verdict.PROVED:
        found = [Diagnostic(result.verdict.value, "error", result.why, Span(result.kernel.file, 0), result.help)]
    rules = sorted({d.code for d in found})
    run: Json = {
        "tool": {"driver": {"name": "tv", "version": result.version, "rules": [_rule(c) for c in rules]}},
        "invocations": [
            {
                "executionSuccessful": result.verdict is not Verdict.INTERNAL_ERROR,
                "exitCode": result.verdict.exit_code,
                "exitCodeDescription": result.verdict.value,
            }
        ],
        "results": [_result(d, rules) for d in found],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "verdict": result.verdict.value,
            "model": result.model,
            "assumptions": list(result.assumptions),
            "counterexample": None if result.counterexample is None else counterexample(result.counterexample),
        },
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(code: str) -> Json:
    text = _RULES.get(code, f"`tv explain {code}` says more")
    return {"id": code, "shortDescription": {"text": text}}


def _result(d: Diagnostic, rules: list[str]) -> Json:
    text = f"{d.message}\n{d.help}" if d.help else d.message
    result: Json = {
        "ruleId": d.code,
        "ruleIndex": rules.index(d.code),
        "level": {"error": "error", "warning": "warning"}.get(d.severity, "note"),
        "message": {"text": text},
    }
    return {**result, "locations": [_location(d.span)]} if d.span.file else result


def _location(span: Span) -> Json:
    place: Json = {"artifactLocation": {"uri": _uri(span.file)}}
    if span.line:
        region: Json = {"startLine": span.line, "startColumn": max(span.col, 1)}
        if span.end > span.col:
            region["endColumn"] = span.end
        place["region"] = region
    return {"physicalLocation": place}


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
