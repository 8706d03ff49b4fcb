"""Ranges of integers that come from data: whether C's arithmetic on them stays defined (S19)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tv.arithmetic import decode
from tv.kernel import Scalar
from tv.sets import Ranges
from tv.symexec.values import Node, Value, as_signed, type_range

Range = tuple[int, int]


FLOATS = ("f16", "bf16", "f32", "f64")
Given = Mapping[int, tuple[Node, Range]]  # by identity: a node, and between which numbers its bits lie as signed ones
NOTHING: Given = {}


def range_of(v: Value, ranges: Ranges, given: Given = NOTHING) -> Range:
    """An enclosure of a value's integers; its type's whole range where nothing narrower shows."""
    whole = type_range(v.type)
    if v.pieces is not None:
        found = [a.interval(ranges) for _, a in v.pieces]
        lows, highs = [lo for lo, _ in found], [hi for _, hi in found]
        low = min((x for x in lows if x is not None), default=whole[0])
        high = max((x for x in highs if x is not None), default=whole[1])
        return (whole[0] if None in lows else low), (whole[1] if None in highs else high)
    return whole if v.node is None else range_of_node(v.node, v.type, ranges, given)


MOST_WAYS = 8  # to look at one node


@dataclass(slots=True)
class Known:
    """What was found for nodes, each of which may be reached in many ways. ways: how many, as far as conditions differ."""

    found: dict[tuple[int, Scalar, frozenset[tuple[int, Range]]], Range] = field(default_factory=dict)
    ways: Counter[tuple[int, Scalar]] = field(default_factory=Counter)


def range_of_node(n: Node, t: Scalar, ranges: Ranges, given: Given = NOTHING, known: Known | None = None) -> Range:
    """An enclosure of what the node's bits mean in integer type t, of their width. given: what conditions around it say, of
    which nothing is made where the node stands under many."""
    known = known or Known()
    key = id(n), t, frozenset((k, r) for k, (_, r) in given.items())
    if key not in known.found:
        if given:
            known.ways[key[:2]] += 1
            if known.ways[key[:2]] > MOST_WAYS:
                return range_of_node(n, t, ranges, NOTHING, known)
        known.found[key] = _range_of_node(n, t, ranges, given, known)
    return known.found[key]


def _range_of_node(n: Node, t: Scalar, ranges: Ranges, given: Given, known: Known) -> Range:
    whole = type_range(t)

    def within(found: Range) -> Range:
        found = found if whole[0] <= found[0] and found[1] <= whole[1] else whole
        if id(n) not in given:
            return found
        low, high = given[id(n)][1]
        if not t.signed and low < 0:
            return found
        both = max(found[0], low), min(found[1], high)
        return both if both[0] <= both[1] else found  # where the condition never holds, anything is true

    match n.kind:
        case "const":
            x = as_signed(n.bits, t)
            return x, x
        case "fetch" | "parameter" if n.known is not None:
            return within(n.known)
        case "index":
            return _of_index(n, ranges, whole)
        case "case":
            parts = [range_of_node(a, t, ranges, given, known) for a in n.args]
            return within((min(low for low, _ in parts), max(high for _, high in parts)))
        case "op" if n.known is not None:
            low, high = _of_operation(n, t, ranges, given, known)
            both = max(low, n.known[0]), min(high, n.known[1])
            return within((both if both[0] <= both[1] else n.known) if t.signed else (low, high))
        case "op":
            return within(_of_operation(n, t, ranges, given, known))
        case _:
            return within(whole)


def _of_index(n: Node, ranges: Ranges, whole: Range) -> Range:
    """The pieces' own type may be another: what is half known says nothing of `whole`."""
    found = [a.interval(ranges) for _, a in n.pieces]
    lows, highs = [lo for lo, _ in found if lo is not None], [hi for _, hi in found if hi is not None]
    if min(len(lows), len(highs)) < len(found) or min(lows) < whole[0] or whole[1] < max(highs):
        return whole
    return min(lows), max(highs)


def _of_operation(n: Node, t: Scalar, ranges: Ranges, given: Given, known: Known) -> Range:
    """As `range_of_node`, of what the operation gives over the integers, where that lies in the type."""
    whole = type_range(t)
    head, _, rest = n.name.partition(".")
    match head:
        case "cvt" if rest.split(".")[1] in FLOATS:
            if LABELS.get(rest.split(".")[0]) != t:  # a conversion between signed and unsigned keeps the node
                return whole
            floats = float_range(n.args[0], rest.split(".")[1])
            if floats is None:
                return whole
            low, high = (min(max(x, float(whole[0])), float(whole[1])) for x in floats)
            return max(math.trunc(low), whole[0]), min(math.trunc(high), whole[1])
        case "cvt":
            target, source = (LABELS.get(label) for label in rest.split(".")[:2])
            if source is None or target is None or target.bits != t.bits:  # a float's bits are no conversion's integers
                return whole
            return range_of_node(n.args[0], source, ranges, given, known)
        case "extract":
            source = SIGNED.get(n.args[0].width) if rest.startswith("0.") else None
            return whole if source is None else range_of_node(n.args[0], source, ranges, given, known)
        case "and":
            parts = [range_of_node(a, t, ranges, given, known) for a in n.args]
            return (0, min(p[1] for p in parts if p[0] >= 0)) if any(p[0] >= 0 for p in parts) else whole
        case "or" | "xor":
            parts = [range_of_node(a, t, ranges, given, known) for a in n.args]
            return (0, (1 << max(p[1] for p in parts).bit_length()) - 1) if all(p[0] >= 0 for p in parts) else whole
        case "smax" | "smin" | "umax" | "umin" if (head[0] == "s") == t.signed:
            a, b = (range_of_node(x, t, ranges, given, known) for x in n.args)
            pick = max if head.endswith("max") else min
            return pick(a[0], b[0]), pick(a[1], b[1])
        case "select":
            arms = [
                (x, {**given, **says(n.args[0], taken)}) for x, taken in zip(n.args[1:], (True, False), strict=True)
            ]
            a, b = (range_of_node(x, t, ranges, said, known) for x, said in arms)
            return min(a[0], b[0]), max(a[1], b[1])
        case "add" | "sub" | "mul" | "shl":
            a, b = (range_of_node(x, t, ranges, given, known) for x in n.args)
            return whole if head == "shl" and not 0 <= b[0] <= b[1] < t.bits else combine(head, a, b)
        case "ashr" | "sdiv" | "srem":
            own = SIGNED.get(n.width)
            return (
                whole
                if own is None
                else _divided(head, *(range_of_node(x, own, ranges, given, known) for x in n.args)) or whole
            )
        case "popc" | "ffs" | "clz":
            return _counted(head, n.args[0], ranges, given, known)
        case "lshr" | "udiv" | "urem":  # of what is not negative in either reading
            return _divided(head, *(range_of_node(x, t, ranges, given, known) for x in n.args)) or whole
        case _:
            return whole


def _counted(head: str, a: Node, ranges: Ranges, given: Given, known: Known) -> Range:
    """How many of a word's bits are 1, where the lowest is, or how many zeros stand before the highest."""
    word = UNSIGNED.get(a.width)
    low, high = (0, (1 << a.width) - 1) if word is None else range_of_node(a, word, ranges, given, known)
    if head == "clz":
        return a.width - high.bit_length(), a.width - low.bit_length()
    return int(low > 0), high.bit_length()


def says(c: Node, holds: bool) -> Given:
    """What a condition, or its contrary, says of an integer that it compares with a constant."""
    if c.kind != "op":
        return NOTHING
    head, _, label = c.name.partition(".")
    if head == "xor" and c.args[1].kind == "const":
        return says(c.args[0], holds != bool(c.args[1].bits))
    if (head == "and" and holds) or (head == "or" and not holds):
        return {**says(c.args[0], holds), **says(c.args[1], holds)} if c.width == 1 else NOTHING
    own = SIGNED.get(int(label[1:])) if head in ("slt", "sle") else None
    if own is None:
        return NOTHING
    (least, most), (a, b) = type_range(own), c.args
    strict = int((head == "slt") == holds)  # a < b, or not a <= b: which is b < a
    if b.kind == "const":
        k = as_signed(b.bits, own)
        return {id(a): (a, (least, k - strict) if holds else (k + strict, most))}
    if a.kind == "const":
        k = as_signed(a.bits, own)
        return {id(b): (b, (k + strict, most) if holds else (least, k - strict))}
    return NOTHING


def _divided(head: str, a: Range, b: Range) -> Range | None:
    """A value that is not negative, divided by a positive number or shifted right."""
    if a[0] < 0 or b[0] != b[1] or b[0] < (0 if head.endswith("shr") else 1):
        return None
    if head.endswith("rem"):
        return 0, min(a[1], b[0] - 1)
    k = 1 << min(b[0], 64) if head.endswith("shr") else b[0]
    return a[0] // k, a[1] // k


def ordered(op: str, a: Range, b: Range) -> bool | None:
    """A comparison of any two integers from these ranges, where all of them compare so."""
    match op:
        case "lt":
            return True if a[1] < b[0] else False if a[0] >= b[1] else None
        case "le":
            return True if a[1] <= b[0] else False if a[0] > b[1] else None
        case "gt" | "ge":
            return ordered("lt" if op == "gt" else "le", b, a)
        case "eq":
            apart = a[1] < b[0] or b[1] < a[0]
            return False if apart else True if a[0] == a[1] == b[0] == b[1] else None
        case "ne":
            same = ordered("eq", a, b)
            return None if same is None else not same
        case _:
            return None


def unnarrowed(t: Scalar, a: Node, b: Node, ranges: Ranges) -> tuple[Scalar, Node, Node]:
    """The operands of a comparison in type t, one of them a constant, in the wider type that the other was narrowed from: the same
    numbers, where that lost nothing."""
    for x, c in ((a, b), (b, a)):
        wide = SIGNED.get(x.args[0].width) if x.kind == "op" and x.name.startswith("extract.0.") else None
        if wide is None or c.kind != "const" or not t.signed:
            continue
        low, high = range_of_node(x.args[0], wide, ranges)
        least, most = type_range(t)
        if least <= low and high <= most:
            same = replace(c, width=wide.bits, bits=as_signed(c.bits, t) & ((1 << wide.bits) - 1))
            return (wide, x.args[0], same) if x is a else (wide, same, x.args[0])
    return t, a, b


def float_range(n: Node, kind: str) -> tuple[float, float] | None:
    """An enclosure of a float that is no NaN; None where none shows. A minimum or maximum with a number is no NaN."""
    if n.kind == "const":
        x = float(np.asarray(decode(np.array([n.bits], np.uint64), kind)).astype(np.float64)[0])
        return (x, x) if math.isfinite(x) else None
    if n.kind != "op":
        return None
    head, _, label = n.name.partition(".")
    if label != kind:  # an operation of another type, whose bits are read as this one's
        return None
    parts = [float_range(a, kind) for a in n.args] if head in ("fmax", "fmin", "rint", "floor", "ceil", "trunc") else []
    known = [p for p in parts if p is not None]
    match head:
        case "fmax" if known:
            least = max(p[0] for p in known)
            return least, (max(p[1] for p in known) if len(known) == 2 else math.inf)
        case "fmin" if known:
            most = min(p[1] for p in known)
            return (min(p[0] for p in known) if len(known) == 2 else -math.inf), most
        case "rint" | "floor" | "ceil" | "trunc" if known:
            low, high = (_WHOLE[head](x) if math.isfinite(x) else x for x in known[0])
            return low, high
        case _:
            return None


_WHOLE: dict[str, Callable[[float], int]] = {
    "rint": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
}


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


LABELS = {("u1" if t is Scalar.BOOL else f"{'s' if t.signed else 'u'}{t.bits}"): t for t in Scalar if not t.is_float}
UNSIGNED = {8: Scalar.U8, 16: Scalar.U16, 32: Scalar.U32, 64: Scalar.U64}
SIGNED = {8: Scalar.I8, 16: Scalar.I16, 32: Scalar.I32, 64: Scalar.I64}
