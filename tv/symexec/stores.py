"""Stores that may not happen: under a condition on data, or to a cell that data chooses. Each keeps what is there where it does not.

`if (c) a[i] = v` is taken for `a[i] = c ? v : a[i]`, and `a[p] = v` for such a store to every cell that p may mean. That is more
than the kernel does: it reads, and it writes where the kernel leaves alone. So a proof of the one is a proof of the other, while a
race or an access out of bounds that only shows here is no defect before a run shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unknown
from tv.sets import TRUE, Affine, Formula
from tv.sets.formulas import all_of, any_of, negate
from tv.symexec.data_indices import Index
from tv.symexec.expressions import choose
from tv.symexec.values import Node, Value, node_of

if TYPE_CHECKING:
    from tv.symexec.execute import Executor

PLAIN = ("weak", "cached")
Deciding = tuple[tuple[Node, bool], ...]  # conditions on data, outermost first, and which arm this is


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A store under conditions on data. place: its object, address, type, count, and where it stands. events: accesses before it
    and its own."""

    place: tuple[object, ...]
    deciding: Deciding
    values: tuple[Node, ...]
    events: int


def store(x: Executor, r: ir.MemRef, values: tuple[Node, ...], offset: Affine) -> str:
    """The accesses of a store at one affine address; the name of the one that writes."""
    data, deciding = x.indices.used(offset), tuple(x.deciding)
    here = (r.object, offset, r.type, r.count, tuple(x.place.dims), x.place.domain())
    other = x.sibling if r.access in PLAIN else None
    if other is not None and other.place == here and opposite(other.deciding, deciding) and untouched(x, other):
        c = deciding[-1][0]  # written in either arm: one store of one of the two values
        values = tuple(Node("op", v.width, "select", (c, u, v)) for u, v in zip(other.values, values, strict=True))
        deciding = deciding[:-1]
    if not data and not deciding:
        return x.access(True, r.object, offset, r.type, r.count, r.access, r.span, values, ref=r)
    if r.access not in PLAIN:
        raise Unknown("TV0507", f"a {r.access} store that depends on data ({x.data_condition or r.span})", r.span)
    x.trace.perhaps[r.object] = r.span
    held = x.access(False, r.object, offset, r.type, r.count, "weak", r.span, ref=r, free=data)
    before = (Node("fetch", v.width, held, index=(Affine.of(i),)) for i, v in enumerate(values))
    kept = tuple(chosen(deciding, data, v, old) for v, old in zip(values, before, strict=True))
    name = x.access(True, r.object, offset, r.type, r.count, r.access, r.span, kept, ref=r, free=data)
    x.sibling = Perhaps(here, deciding, values, len(x.trace.accesses))
    return name


def opposite(one: Deciding, other: Deciding) -> bool:
    """Are these the two arms of one condition?"""
    same = len(one) == len(other) > 0 and all(
        a[0] is b[0] and a[1] == b[1] for a, b in zip(one[:-1], other[:-1], strict=True)
    )
    return same and one[-1][0] is other[-1][0] and one[-1][1] and not other[-1][1]


def untouched(x: Executor, since: Perhaps) -> bool:
    """Has the thread written nothing to the object since? (Another thread that does so races: no barrier is in between.)"""
    return not any(a.write and a.object == since.place[0] for a in x.trace.accesses[since.events :])


def chosen(deciding: Deciding, data: tuple[Index, ...], value: Node, old: Node) -> Node:
    """What the cell holds afterwards: the value where the conditions hold and the data is that of this instance."""
    for decided, taken in reversed(deciding):
        arms = (value, old) if taken else (old, value)
        value = Node("op", value.width, "select", (decided, *arms), span=value.span)
    for i in data:
        here = Node("op", 1, "eq.i64", (i.value, Node("index", 64, pieces=((TRUE, Affine.dim(i.dim)),))))
        value = Node("op", value.width, "select", (here, value, old), span=value.span)
    return value


def apart(c: Value, a: Value, b: Value, then: Formula, orelse: Formula) -> Value:
    """`c ? a : b` where c depends on data; an arm is there only where indices do not decide against it."""
    chosen = node_of(choose(a.type, c, a, b))
    if then.op == orelse.op == "true":
        return Value(a.type, node=chosen)
    arms = [
        (all_of(then, orelse), chosen),
        (negate(then), node_of(b)),
        (all_of(then, negate(orelse)), node_of(a)),
    ]
    kept = [(f, n) for f, n in arms if f.op != "false"]
    return Value(
        a.type, node=Node("case", a.type.bits, args=tuple(n for _, n in kept), conditions=tuple(f for f, _ in kept))
    )


def may(n: Node, value: bool) -> Formula:
    """Where a condition may have this value."""
    match n.kind:
        case "const":
            return TRUE if bool(n.bits) == value else any_of()
        case "case":
            return any_of(*(all_of(c, may(a, value)) for c, a in zip(n.conditions, n.args, strict=True)))
        case "op" if n.name == ("and.i1" if value else "or.i1"):
            return all_of(*(may(a, value) for a in n.args))
        case "op" if n.name == "xor.i1" and n.args[1].kind == "const":
            return may(n.args[0], value != bool(n.args[1].bits))
        case _:
            return TRUE
