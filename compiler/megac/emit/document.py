"""The plan as data: phases, memory, and how weights are packed."""

from __future__ import annotations

import json
from typing import Any

from megac.emit.kernel import THREADS, kernel_name
from megac.emit.spec import layout
from megac.ir import Program, Weight
from megac.memory.records import Memory, Parameter, Part, Slot
from megac.schedule.records import Elements, Nest, Owned, Replicated, Rows, Schedule, stages_of


def plan_text(p: Program, s: Schedule, m: Memory, blocks: int, arch: str, limits: dict[str, int]) -> str:
    """JSON: sizes are in elements unless they are called bytes, offsets and strides in elements."""
    stored = {w.name: w for w in p.weights}
    data = {
        "program": p.name,
        "kernel": kernel_name(p),
        "arch": arch,
        "blocks": blocks,
        "threads": THREADS,
        "cooperative": True,
        "layers": s.layers,
        "dimensions": [{"name": d, "parameter": m.dims[d], "max": limits[d]} for d in p.dims],
        "phases": _phases(s),
        "parameters": [_parameter(x, stored) for x in m.parameters],
        "workspace": [_slot(x, "phases") for x in m.workspace],
        "shared": [_slot(x, "stages") for x in m.shared],
        "bytes": {
            kind: sum(x.extent * x.dtype.bytes for x in m.parameters if x.kind == kind)
            for kind in ("weights", "input", "cache", "output", "workspace")
        }
        | {"shared": sum(x.elements * x.dtype.bytes for x in m.shared)},
    }
    return json.dumps(data, indent=1) + "\n"


def _phases(s: Schedule) -> list[dict[str, Any]]:
    first, end = len(s.before), len(s.before) + len(s.layer)
    return [
        {
            "phase": k + 1,
            "where": "before" if k < first else "layer" if k < end else "after",
            "nests": [_nest(n) for n in phase.nests],
            "nodes": list(dict.fromkeys(o.node for x in phase.stages for o in x.origin)),
        }
        for k, phase in enumerate(s.phases)
    ]


def _nest(n: Nest) -> dict[str, Any]:
    made = [x.name for x in stages_of(n)]
    match n:
        case Rows(_, dots):
            return {"kind": "rows", "stages": made, "sums": len(dots)}
        case Elements():
            return {"kind": "elements", "stages": made}
        case Owned(_, prefix):
            return {"kind": "owned", "stages": made, "axes": prefix}
        case Replicated():
            return {"kind": "replicated", "stages": made}


def _parameter(x: Parameter, stored: dict[str, Weight]) -> dict[str, Any]:
    out: dict[str, Any] = {"name": x.name, "kind": x.kind, "type": x.dtype.value, "extent": x.extent}
    if x.kind != "scalar":
        out["bytes"] = x.extent * x.dtype.bytes
    if x.element or x.symbol:
        symbol = {"input": x.stated} if x.stated else {"dimension": x.symbol}
        out["is"] = {"element": x.element} if x.element else {**symbol, "max": x.most}
    if x.parts:
        out["parts"] = [_part(q, stored) for q in x.parts]
    return out


def _part(q: Part, stored: dict[str, Weight]) -> dict[str, Any]:
    out: dict[str, Any] = {
        "label": q.label, "tensors": list(q.tensors), "shape": list(map(str, q.shape)), "capacity": list(q.capacity),
        "order": list(q.order), "layout": layout(q), "offset": q.offset, "stride": q.stride,
    }  # fmt: skip
    if q.after:
        out["after"] = list(q.after)
    data = [stored[n] for n in q.tensors if n in stored]
    if data:
        out["data"] = [{"file": w.file, "offset": w.offset, "length": w.length} for w in data]
    return out


def _slot(x: Slot, unit: str) -> dict[str, Any]:
    return {
        "name": x.name, "type": x.dtype.value, "elements": x.elements, "bytes": x.elements * x.dtype.bytes,
        "holds": [{"tensor": y.tensor, "elements": y.elements, unit: [y.first, y.last]} for y in x.lives],
    }  # fmt: skip
