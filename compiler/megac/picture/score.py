"""The plan as a score: a row for each phase from the first to the last, and beside it a line for each buffer, with marks
where the phase reads and makes what lies there."""

from __future__ import annotations

from dataclasses import dataclass

from megac.picture.amounts import plural, size
from megac.picture.svg import document, tag, title, words
from megac.plan import Nest, Parameter, Phase, Plan

LEFT, BOX, BAR, LANE = 46, 430, 150, 40  # px: margin, a phase's box, the bar of its weights, a buffer's line
LINE, PAD, GAP, TOP = 16, 10, 30, 205  # px: a line of text, around it, between phases, above the first
KINDS = {
    "rows": "a warp a row",
    "elements": "a thread an element",
    "owned": "a block an index",
    "replicated": "each block for itself",
}
STYLE = """
.page { fill: #ffffff; } .loop { fill: #f2f5fa; stroke: #9fb2cf; } .phase { fill: #ffffff; stroke: #4a6fa5; }
.barrier { fill: #b5473c; } .told { fill: #b5473c; } .bar { fill: #7fa35b; } .line { stroke: #c9ced6; }
.life { fill: #d9e3f2; stroke: #4a6fa5; stroke-width: 0.6; } .made { fill: #4a6fa5; stroke: #4a6fa5; }
.read { fill: #ffffff; stroke: #4a6fa5; stroke-width: 1.8; } .soft { fill: #5c6470; } text { fill: #1d232b; }
text.told { fill: #b5473c; } text.soft { fill: #5c6470; } .back { fill: none; stroke: #9fb2cf; stroke-width: 2; }
"""


@dataclass(frozen=True, slots=True)
class Lane:
    """A line beside the phases. buffers: the parameters that it stands for."""

    label: str
    buffers: frozenset[str]
    told: str


@dataclass(frozen=True, slots=True)
class Row:
    """Where a phase is drawn: its upper edge and height, px."""

    phase: Phase
    y: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def drawn(plan: Plan) -> str:
    """The SVG."""
    lanes, rows = _lanes(plan), _rows(plan)
    width = LEFT + BOX + BAR + LANE * len(lanes) + LEFT
    height = rows[-1].y + rows[-1].height + 60
    inside = [tag("rect", class_="page", width=width, height=height), *_head(plan), *_loop(plan, rows, width)]
    for n, lane in enumerate(lanes):
        inside += _lane(plan, lane, LEFT + BOX + BAR + LANE * n + LANE / 2, rows)
    most = max((_weights(p) for p in plan.phases), default=0)
    for k, row in enumerate(rows):
        inside += _box(row, most)
        if k + 1 < len(rows):
            inside += _barrier(row.y + row.height + GAP / 2, width)
    inside.append(_legend(height - 18))
    return document(width, height, STYLE, inside)


def _head(plan: Plan) -> list[str]:
    facts = (
        f"{plan.kernel}: {plan.blocks} blocks of {plan.threads} threads, {_layers(plan)}; "
        f"{size(plan.read)} of weights a token"
    )
    kinds = [(k, sum(x.bytes for x in plan.of_kind(k))) for k in ("weights", "cache", "workspace", "input", "output")]
    kinds += [("shared memory of a block", sum(s.bytes for s in plan.tiles))]
    sizes = ", ".join(f"{k} {size(n)}" for k, n in kinds if n)
    return [
        words(plan.program, LEFT, 34, None, 20, font_weight="bold"),
        words(facts, LEFT, 58),
        words(sizes, LEFT, 78, class_="soft"),
    ]


def _layers(plan: Plan) -> str:
    barriers = len(plan.phases) - 1
    if not plan.layers:
        return plural(barriers, "grid barrier")
    inner = sum(p.where == "layer" for p in plan.phases)
    outer = len(plan.phases) - inner
    total = inner * plan.layers + outer - (plan.phases[-1].where == "after")
    return f"{plural(plan.layers, 'layer')} of {plural(inner, 'phase')}, {plural(total, 'grid barrier')}"


# --------------------------------------------------------------------------------------------------------------- rows
def _rows(plan: Plan) -> list[Row]:
    out: list[Row] = []
    y = float(TOP)
    for p in plan.phases:
        height = 2 * PAD + LINE * (2 + len(p.nests))
        out.append(Row(p, y, height))
        y += height + GAP
    return out


def _box(row: Row, most: int) -> list[str]:
    p = row.phase
    where = {"before": "before the layers", "layer": "in each layer", "after": "after the layers"}.get(p.where, p.where)
    out = [tag("rect", title(_told(p)), class_="phase", x=LEFT, y=row.y, width=BOX, height=row.height, rx=6)]
    y = row.y + PAD + LINE - 4
    out.append(words(f"{p.number}: {where}", LEFT + PAD, y, None, 13, font_weight="bold"))
    for n in p.nests:
        y += LINE
        out.append(words(_nest(n), LEFT + PAD, y, BOX - 2 * PAD))
    out.append(words(", ".join(p.nodes), LEFT + PAD, y + LINE, BOX - 2 * PAD, 11, class_="soft"))
    read = _weights(p)
    if read and most:
        long = max(2.0, (BAR - 74) * read / most)
        out.append(
            tag("rect", title(_told(p)), class_="bar", x=LEFT + BOX + 8, y=row.middle - 7, width=long, height=14)
        )
        out.append(words(size(read), LEFT + BOX + 12 + long, row.middle + 4, None, 11))
    return out


def _nest(n: Nest) -> str:
    sums = f", {plural(n.sums, 'sum')}" if n.sums else ""
    return f"{KINDS.get(n.kind, n.kind)}{sums}: {', '.join(n.stages)}"


def _weights(p: Phase) -> int:
    return sum(t.bytes for t in p.reads)


def _told(p: Phase) -> str:
    reads = [f"reads {t.tensor}" + (f" ({size(t.bytes)})" if t.bytes else "") for t in p.reads]
    makes = [f"makes {t.tensor} {t.type}[{', '.join(t.shape)}]" for t in p.makes]
    return "\n".join([f"phase {p.number}", *reads, *makes, *(f"node {n}" for n in p.nodes)])


def _barrier(y: float, width: float) -> list[str]:
    return [
        tag("rect", title("every block waits for every other one"), class_="barrier", x=LEFT, y=y - 1.5,
            width=width - 2 * LEFT, height=3, rx=1.5),
        words("grid barrier", LEFT + BOX - 66, y - 4, None, 10, class_="told"),
    ]  # fmt: skip


def _loop(plan: Plan, rows: list[Row], width: float) -> list[str]:
    """The frame around the layers, with the way back from their last phase to the first."""
    own = [r for r in rows if r.phase.where == "layer"]
    if not own:
        return []
    top, bottom = own[0].y - GAP / 2, own[-1].y + own[-1].height + GAP / 2
    middle, x = (top + bottom) / 2, LEFT - 8
    way = f"M {x} {own[-1].middle} h -14 V {own[0].middle} h 10 m -5 -5 l 5 5 l -5 5"
    return [
        tag("rect", class_="loop", x=8, y=top, width=width - 16, height=bottom - top, rx=8),
        tag("path", class_="back", d=way),
        words(f"\N{MULTIPLICATION SIGN} {plural(plan.layers, 'layer')}", 18, middle, None, 13,
              transform=f"rotate(-90 18 {middle})", text_anchor="middle", font_weight="bold"),
    ]  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- lanes
def _lanes(plan: Plan) -> list[Lane]:
    """All weights in one line, every other parameter in one of its own."""
    weights = plan.of_kind("weights")
    out = []
    if weights:
        told = "\n".join(f"{x.name}: {size(x.bytes)}" for x in weights)
        out.append(Lane("weights", frozenset(x.name for x in weights), told))
    touched = {b for p in plan.phases for t in (*p.reads, *p.makes) for b in t.buffers}
    shown = [x for x in plan.parameters if x.kind != "weights" and x.name in touched]
    order = ("scalar", "input", "cache", "workspace", "output")
    for x in sorted(shown, key=lambda x: order.index(x.kind)):
        out.append(Lane(x.name, frozenset({x.name}), _parameter(x)))
    return out


def _parameter(x: Parameter) -> str:
    held = [f"  {q.label}: {', '.join(q.tensors[:3])}" + (", ..." if len(q.tensors) > 3 else "") for q in x.parts]
    amount = f"{x.dtype.value}" if x.kind == "scalar" else f"{x.extent} {x.dtype.value}, {size(x.bytes)}"
    return "\n".join([f"{x.name} ({x.kind}): {amount}", *held])


def _lane(plan: Plan, lane: Lane, x: float, rows: list[Row]) -> list[str]:
    met = [
        (r, [t for t in r.phase.reads if lane.buffers & set(t.buffers)],
         [t for t in r.phase.makes if lane.buffers & set(t.buffers)])
        for r in rows
    ]  # fmt: skip
    used = [r for r, reads, makes in met if reads or makes]
    out = [
        tag(
            "g",
            title(lane.told),
            words(lane.label, x + 4, TOP - 14, 150, 11, transform=f"rotate(-50 {x + 4} {TOP - 14})"),
        )
    ]
    if used:
        out.append(tag("line", class_="line", x1=x, x2=x, y1=TOP - 8, y2=used[-1].middle))
    for slot in plan.workspace:
        if slot.name in lane.buffers:
            for tensor, first, last in slot.holds:
                top, bottom = rows[first].middle, rows[min(last, len(rows) - 1)].middle
                told = title(f"{slot.name} holds {tensor}")
                out.append(
                    tag("rect", told, class_="life", x=x - 5, y=top - 7, width=10, height=bottom - top + 14, rx=5)
                )
    for r, reads, makes in met:
        if makes:
            out.append(_mark("made", x, r.middle - 4 if reads else r.middle, [f"makes {t.tensor}" for t in makes], r))
        if reads:
            out.append(_mark("read", x, r.middle + 4 if makes else r.middle, [f"reads {t.tensor}" for t in reads], r))
    return out


def _mark(kind: str, x: float, y: float, told: list[str], row: Row) -> str:
    text = "\n".join([f"phase {row.phase.number}", *told])
    return tag("circle", title(text), class_=kind, cx=x, cy=y, r=4)


def _legend(y: float) -> str:
    return tag(
        "g",
        tag("circle", class_="made", cx=LEFT + 4, cy=y - 4, r=4), words("makes", LEFT + 14, y, None, 11),
        tag("circle", class_="read", cx=LEFT + 64, cy=y - 4, r=4), words("reads", LEFT + 74, y, None, 11),
        tag("rect", class_="life", x=LEFT + 120, y=y - 9, width=22, height=10, rx=5),
        words("workspace holds a tensor", LEFT + 148, y, None, 11),
        tag("rect", class_="bar", x=LEFT + 300, y=y - 9, width=22, height=10),
        words("weights that a launch reads there, in one layer", LEFT + 328, y, None, 11),
    )  # fmt: skip
