"""The `--json` report: schema 1 of the command line's contract."""

from __future__ import annotations

import json

from tv.diagnostic import Diagnostic
from tv.obligation import Obligation
from tv.source import NOWHERE, Span
from tv.verdict import CheckResult, Counterexample, KernelInfo, Parting

SCHEMA = 1
Json = dict[str, object]


def to_json(result: CheckResult) -> str:
    """The whole report as text, ending in a newline."""
    return json.dumps(document(result), indent=1, allow_nan=False) + "\n"


def document(r: CheckResult) -> Json:
    return {
        "schema": SCHEMA,
        "verdict": r.verdict.value,
        "relation": None if r.relation is None else r.relation.value,
        "required": r.required.value,
        "kernel": _kernel(r.kernel),
        "model": {"file": r.model},
        "obligations": [_obligation(o) for o in r.obligations],
        "counterexample": None if r.counterexample is None else counterexample(r.counterexample),
        "why": r.why,
        "help": r.help,
        "bindings": dict(r.bindings),
        "guessed": list(r.guessed),
        "symbols": {s.name: {"min": s.min, "max": s.max, "dims": list(s.dims)} for s in r.symbols},
        "diagnostics": [diagnostic(d) for d in r.diagnostics],
        "assumptions": list(r.assumptions),
        "time_s": round(r.time_s, 4),
        "peak_rss_mb": round(r.peak_rss_mb, 1),
        "version": r.version,
    }


def _kernel(k: KernelInfo) -> Json:
    return {"file": k.file, "name": k.name, "grid": list(k.grid), "block": list(k.block)}


def _obligation(o: Obligation) -> Json:
    return {
        "id": o.id,
        "kind": o.kind,
        "status": o.status.value,
        "relation": None if o.relation is None else o.relation.value,
        "file": o.span.file,
        "line": o.span.line,
        "onnx": {"node": o.node, "tensor": o.tensor},
        "message": o.message,
        "help": o.help,
        "time_s": round(o.time_s, 4),
    }


def diagnostic(d: Diagnostic) -> Json:
    """One entry of `diagnostics`; line and col are 0 where there is no place."""
    known = d.span != NOWHERE
    return {
        "code": d.code,
        "severity": d.severity,
        "file": d.span.file,
        "line": d.span.line,
        "col": d.span.col if known and d.span.line else 0,
        "message": d.message,
        "help": d.help,
    }


def counterexample(c: Counterexample) -> Json:
    """The entry `counterexample`."""
    return {
        "kind": c.kind,
        "file": c.file or None,
        "replayed": c.replayed,
        "replayed_on": c.where or None,
        "location": location(c.location),
        "threads": [list(t) for t in c.threads],
        "element": {"tensor": c.tensor, "index": list(c.index)} if c.tensor else None,
        "kernel_bits": c.kernel_bits or None,
        "graph_bits": c.graph_bits or None,
        "symbols": dict(c.symbols),
        "stored_at": location(c.stored),
        "inputs": {
            "nonzero": [
                {"tensor": i.tensor, "index": list(i.index), "bits": i.bits, "value": i.value} for i in c.inputs
            ],
            "others": c.others,
        },
        "parts": None if c.parting is None else _parting(c.parting),
    }


def _parting(p: Parting) -> Json:
    return {
        "location": location(p.location),
        "onnx": {"node": p.node, "tensor": p.tensor},
        "kernel": p.kernel or None,
        "graph": p.graph or None,
    }


def location(span: Span) -> str | None:
    return None if span == NOWHERE else str(span)
