"""Ranges of integers that come from data: whether C's arithmetic on them stays defined (S19)."""

from __future__ import annotations

from tv.kernel import Scalar
from tv.sets import Ranges
from tv.symexec.values import Node, Value, as_signed, type_range

Range = tuple[int, int]


def range_of(v: Value, ranges: Ranges) -> Range:
    """An enclosure of a value's integers; its type's whole range where nothing narrower shows."""
    whole = type_range(v.type)
    if v.pieces is not None:
        found = [a.interval(ranges) for _, a in v.pieces]
        lows, highs = [lo for lo, _ in found], [hi for _, hi in found]
        low = min((x for x in lows if x is not None), default=whole[0])
        high = max((x for x in highs if x is not None), default=whole[1])
        return (whole[0] if None in lows else low), (whole[1] if None in highs else high)
    return whole if v.node is None else _of_node(v.node, v.type)


def _of_node(n: Node, t: Scalar) -> Range:
    whole = type_range(t)
    if n.kind == "const":
        x = as_signed(n.bits, t)
        return x, x
    if n.kind != "op":
        return whole
    head, _, rest = n.name.partition(".")
    match head:
        case "cvt":
            source = _LABELS.get(rest.split(".")[1])
            inside = None if source is None else _of_node(n.args[0], source)
            return inside if inside is not None and whole[0] <= inside[0] and inside[1] <= whole[1] else whole
        case "and":
            masks = [as_signed(a.bits, t) for a in n.args if a.kind == "const"]
            return (0, min(m for m in masks if m >= 0)) if any(m >= 0 for m in masks) else whole
        case "select":
            a, b = (_of_node(x, t) for x in n.args[1:])
            return min(a[0], b[0]), max(a[1], b[1])
        case "add" | "sub" | "mul":
            found = combine(head, *(_of_node(x, t) for x in n.args))
            return found if whole[0] <= found[0] and found[1] <= whole[1] else whole
        case _:
            return whole


def combine(op: str, a: Range, b: Range) -> Range:
    """What a op b can be, over the integers."""
    match op:
        case "add":
            return a[0] + b[0], a[1] + b[1]
        case "sub":
            return a[0] - b[1], a[1] - b[0]
        case "shl":
            return combine("mul", a, (1 << max(b[0], 0), 1 << min(max(b[1], 0), 64)))
        case "div":  # its only overflow
            return (a[0], max(a[1], -a[0])) if b[0] <= -1 <= b[1] else a
        case _:
            corners = [x * y for x in a for y in b]
            return min(corners), max(corners)


_LABELS = {("u1" if t is Scalar.BOOL else f"{'s' if t.signed else 'u'}{t.bits}"): t for t in Scalar if not t.is_float}
