"""The plan as data: phases, memory, and how weights are packed."""

from __future__ import annotations

import json
from typing import Any

from megac.emit.flow import Flow, flow, phase_flow
from megac.emit.kernel import kernel_name
from megac.emit.library import THREADS
from megac.emit.spec import layout
from megac.ir import Program, Weight
from megac.memory.records import Memory, Parameter, Part, Slot
from megac.schedule.records import Elements, Nest, Owned, Replicated, Rows, Schedule, stages_of

SCHEMA = 1


def plan_text(
    p: Program, s: Schedule, m: Memory, blocks: int, arch: str, limits: dict[str, int], model: str = ""
) -> str:
    """JSON: sizes are in elements unless they are called bytes, offsets and strides in elements. model: the file that was compiled, as it is reached from the folder."""
    stored = {w.name: w for w in p.weights}
    f = flow(p, s, m, limits)
    data = {
        "schema": SCHEMA,
        "program": p.name,
        "model": model,
        "kernel": kernel_name(p),
        "arch": arch,
        "blocks": blocks,
        "threads": THREADS,
        "cooperative": True,
        "layers": s.layers,
        "dimensions": [{"name": d, "parameter": m.dims[d], "max": limits[d]} for d in p.dims],
        "ranges": _ranges(p, limits),
        "phases": _phases(s, f),
        "parameters": [_parameter(x, stored, f) for x in m.parameters],
        "workspace": [_slot(x, "phases") for x in m.workspace],
        "shared": [_slot(x, "stages") for x in m.shared],
        "bytes": {
            kind: sum(x.extent * x.dtype.bytes for x in m.parameters if x.kind == kind)
            for kind in ("weights", "input", "cache", "output", "workspace")
        }
        | {"shared": sum(x.elements * x.dtype.bytes for x in m.shared), "read": _read(m, f)},
    }
    return json.dumps(data, indent=1) + "\n"


def _ranges(p: Program, limits: dict[str, int]) -> dict[str, list[int]]:
    """What the elements of an integer input may be."""
    out: dict[str, list[int]] = {}
    for c in p.preconditions:
        low, high = out.get(c.tensor, [c.low, c.high.at(limits)])
        out[c.tensor] = [max(low, c.low), min(high, c.high.at(limits))]
    return out


def _read(m: Memory, f: Flow) -> int:
    """Bytes of weights that a launch reads, each once."""
    parts = [q for x in m.parameters if x.kind == "weights" for q in x.parts]
    return sum(f.elements.get(q.tensors[0], 0) * q.dtype.bytes * len(q.tensors) for q in parts)


def _phases(s: Schedule, f: Flow) -> list[dict[str, Any]]:
    first, end = len(s.before), len(s.before) + len(s.layer)
    return [
        {
            "phase": k + 1,
            "where": "before" if k < first else "layer" if k < end else "after",
            "nests": [_nest(n) for n in phase.nests],
            "nodes": list(dict.fromkeys(o.node for x in phase.stages for o in x.origin)),
            **phase_flow(k, phase, f),
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


def _parameter(x: Parameter, stored: dict[str, Weight], f: Flow) -> dict[str, Any]:
    out: dict[str, Any] = {"name": x.name, "kind": x.kind, "type": x.dtype.value, "extent": x.extent}
    if x.kind != "scalar":
        out["bytes"] = x.extent * x.dtype.bytes
    if x.zeroed:
        out["zeroed"] = True
    if x.element or x.symbol:
        symbol = {"input": x.stated} if x.stated else {"dimension": x.symbol}
        out["is"] = {"element": x.element} if x.element else {**symbol, "max": x.most}
    if x.parts:
        out["parts"] = [_part(q, stored, f) for q in x.parts]
    return out


def _part(q: Part, stored: dict[str, Weight], f: Flow) -> dict[str, Any]:
    out: dict[str, Any] = {
        "label": q.label, "tensors": list(q.tensors), "shape": list(map(str, q.shape)), "capacity": list(q.capacity),
        "order": list(q.order), "layout": layout(q), "offset": q.offset, "stride": q.stride,
    }  # fmt: skip
    if q.after:
        a = f.appends[q.tensors[0]]
        out |= {"after": list(q.after), "axis": a.axis, "rows": str(a.count)}
        out["position"] = str(a.position.size) if a.position.size is not None else "data"
    data = [stored[n] for n in q.tensors if n in stored]
    if data:
        out["read"] = f.elements.get(q.tensors[0], 0)
        out |= {"fan_in": f.fan_in[q.tensors[0]]} if q.tensors[0] in f.fan_in else {}
        out["data"] = [{"file": w.file, "offset": w.offset, "length": w.length} for w in data]
    return out


def _slot(x: Slot, unit: str) -> dict[str, Any]:
    return {
        "name": x.name, "type": x.dtype.value, "elements": x.elements, "bytes": x.elements * x.dtype.bytes,
        "holds": [{"tensor": y.tensor, "elements": y.elements, unit: [y.first, y.last]} for y in x.lives],
    }  # fmt: skip
