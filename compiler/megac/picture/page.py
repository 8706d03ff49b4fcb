"""The score in a page of its own, with tables of phases and memory below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from megac.picture.amounts import plural, size
from megac.picture.score import drawn
from megac.plan import Parameter, Phase, Plan

STYLE = """
body { font: 14px/1.4 Helvetica, Arial, sans-serif; color: #1d232b; margin: 24px; background: #ffffff; }
table { border-collapse: collapse; margin: 8px 0 28px; } th, td { padding: 3px 12px 3px 0; text-align: left; vertical-align: top; }
th { border-bottom: 1px solid #9fb2cf; } td.n { text-align: right; white-space: nowrap; } .score { overflow-x: auto; }
details { max-width: 60em; }
"""


def page(plan: Plan) -> str:
    """HTML that needs no other file."""
    name = escape(plan.program)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<div class="score">{drawn(plan)}</div>\n'
        f"<h2>Phases</h2>\n{_table(('phase', 'where', 'weights', 'makes', 'ONNX nodes'), map(_phase, plan.phases))}\n"
        f"<h2>Memory</h2>\n{_table(('parameter', 'kind', 'type', 'size', 'holds'), map(_parameter, plan.parameters))}\n"
        f"{_shared(plan)}</body>\n</html>\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells of the rows are markup already."""
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join(f"<tr>{''.join(r)}</tr>\n" for r in rows)
    return f"<table>\n<tr>{top}</tr>\n{body}</table>"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _number(text: str) -> str:
    return f'<td class="n">{escape(text)}</td>'


def _folded(items: Sequence[str], word: str) -> str:
    if len(items) <= 2:
        return _cell(", ".join(items))
    return f"<td><details><summary>{plural(len(items), word)}</summary>{escape(', '.join(items))}</details></td>"


def _phase(p: Phase) -> tuple[str, ...]:
    read = sum(t.bytes for t in p.reads)
    made = [f"{t.tensor} {t.type}[{', '.join(t.shape)}]" for t in p.makes]
    return (
        _number(str(p.number)), _cell(p.where), _number(size(read) if read else ""), _folded(made, "tensor"),
        _folded(p.nodes, "node"),
    )  # fmt: skip


def _parameter(x: Parameter) -> tuple[str, ...]:
    held = [f"{q.label} ({plural(len(q.tensors), 'tensor')})" if len(q.tensors) > 1 else q.tensors[0] for q in x.parts]
    held += [t for t in (x.element, x.dimension, x.stated) if t]
    amount = "" if x.kind == "scalar" else size(x.bytes)
    return _cell(x.name), _cell(x.kind), _cell(x.dtype.value), _number(amount), _folded(held, "part")


def _shared(plan: Plan) -> str:
    if not plan.tiles:
        return ""
    rows = [
        (_cell(s.name), _cell(s.type), _number(size(s.bytes)), _folded([t for t, _, _ in s.holds], "tensor"))
        for s in plan.tiles
    ]
    return f"<h2>Shared memory of a block</h2>\n{_table(('array', 'type', 'size', 'holds'), rows)}\n"
