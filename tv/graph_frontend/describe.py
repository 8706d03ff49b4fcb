"""A graph for people: `tv graph`."""

from __future__ import annotations

from tv.graph import Graph, TensorInfo
from tv.graph_frontend.shapes import text
from tv.term import show


def describe(graph: Graph) -> str:
    """Inputs, outputs and tensors with types and shapes; families of a rolled stretch in one line each."""
    lines = []
    if graph.layers:
        lines.append(f"{graph.layers} equal layers, denoted once with a leading layer dimension")
    lines += ["inputs:", *_named(graph, graph.inputs), "outputs:", *_named(graph, graph.outputs), "tensors:"]
    for u in sorted(graph.system.units.values(), key=lambda u: u.order):
        if u.value.kind != "input":
            where = f"  node {u.node}" if u.node else ""
            lines.append(f"  {u.name}{text(u.shape)} {u.width} bits, used {u.uses}x{where}\n      = {show(u.value, 3)}")
    if graph.assumptions:
        lines += ["readings and assumptions:", *(f"  {a}" for a in graph.assumptions)]
    return "\n".join(lines) + "\n"


def _named(graph: Graph, infos: dict[str, TensorInfo]) -> list[str]:
    families: dict[str, list[TensorInfo]] = {}
    for t in infos.values():
        families.setdefault(t.unit if t.layer is not None else t.name, []).append(t)
    lines = []
    for members in families.values():
        t = members[0]
        if t.layer is None or len(members) == 1:
            at = "" if t.layer is None else f"  = layer {t.layer} of {t.unit}"
            lines.append(f"  {t.name}: {t.type}{text(t.shape)}{at}")
        else:
            members = sorted(members, key=lambda m: m.layer or 0)
            lines.append(
                f"  {members[0].name} .. {members[-1].name}: {len(members)} x {t.type}{text(t.shape)}, {t.unit} by layer"
            )
    return lines
