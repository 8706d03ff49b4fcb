"""Between which integers a value lies that the launch itself keeps: in a variable, an array, a buffer that holds nothing before.

What is read there is something that was stored there, so that it lies where all that was stored lies; a loop that carries it adds
nothing of its own. That what is read was stored is asked for wherever a range is used: of an address, and of arithmetic on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.kernel import Scalar
from tv.sets import Affine, Formula
from tv.sets.formulas import all_of, ge, lt
from tv.source import NOWHERE
from tv.symexec.data_ranges import LABELS, SIGNED, Given, range_of, range_of_node
from tv.symexec.events import Decision
from tv.symexec.values import Node, Value, as_signed, nodes_of, type_range

if TYPE_CHECKING:
    from tv.symexec.execute import Executor

Range = tuple[int, int]
REGISTER = "reg."


class Nothing:
    """No value at all: of what a loop carries, before anything was stored."""


NOTHING = Nothing()
NOTHING_GIVEN: Given = {}
Found = Range | Nothing | None  # None: anything


@dataclass(frozen=True, slots=True)
class Where:
    """Instances of a place."""

    dims: tuple[str, ...]
    domain: Formula


@dataclass(frozen=True, slots=True)
class Seen:
    """Objects that are being looked at. moved: from there on values were only moved, so that what comes from there again is nothing
    new. changed: some operation was on the way, so that it may be anything."""

    moved: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()

    @property
    def operated(self) -> Seen:
        return Seen(frozenset(), self.changed | self.moved)

    def at(self, name: str) -> Seen:
        return Seen(self.moved | {name}, self.changed)


@dataclass(slots=True)
class KeptRanges:
    """open: the loops that are being executed, whose later rounds may store more."""

    x: Executor
    open: list[ir.Loop] = field(default_factory=list)
    adding: ir.Assign | None = None  # the assignment that is being evaluated
    done: dict[tuple[int, Scalar, Where, Seen], Found] = field(default_factory=dict)

    @contextmanager
    def inside(self, loop: ir.Loop) -> Iterator[None]:
        self.open.append(loop)
        try:
            yield
        finally:
            self.open.pop()

    def of(self, n: Node, t: Scalar) -> Range | None:
        """The integers that a node's bits may be in type t, where it is read from, or exchanged between, what the launch keeps."""
        self.done.clear()
        found = self._of(n, t, Where(tuple(self.x.place.dims), self.x.place.domain()), Seen())
        return None if found is None or isinstance(found, Nothing) else found

    @contextmanager
    def evaluating(self, s: ir.Assign) -> Iterator[None]:
        self.adding = s
        try:
            yield
        finally:
            self.adding = None

    def given(self, e: ir.Expr, a: Value, b: Value) -> Given:
        """What is known of all that the operands of `e` read from what the launch keeps, and get from other lanes. It is known of what
        was stored; that something was, is asked for."""
        self.done.clear()
        at = Where(tuple(self.x.place.dims), self.x.place.domain())
        found = {
            **self._given(tuple(v.node for v in (a, b) if v.node is not None), at, Seen()),
            **self._total(e, a, b, at),
        }
        span = getattr(e, "span", NOWHERE)
        self.x.trace.decisions += [Decision(n, span, "this arithmetic is done on a value") for n, _ in found.values()]
        return found

    def _total(self, e: ir.Expr, a: Value, b: Value, at: Where) -> Given:
        """Of a sum that loops add up, `v = v + x` being all that they do to v: what it has before a round, by induction over the
        rounds. Earlier ones have added something from x's range each, to something that was stored before."""
        s = self.adding
        if s is None or s.value is not e or not isinstance(e, ir.Binary) or e.op != "add" or a.node is None:
            return NOTHING_GIVEN
        v, n, own = s.var.name, a.node, SIGNED.get(a.node.width)
        before = n.kind == "fetch" and self.x.trace.object(n.name) == f"{REGISTER}{v}"
        if not before or e.a != replace(s.var, span=getattr(e.a, "span", s.span)) or own is not e.type:
            return NOTHING_GIVEN
        rounds, starts = self._rounds(s)
        stores = [x for x in self.x.trace.accesses if x.object == f"{REGISTER}{v}" and x.write]
        name = Seen().at(f"{REGISTER}{v}")
        found = [self._of(y, own, Where(x.dims, x.domain), name) for x in stores for y in x.values]
        first = joined([*found, *((c, c) for c in (as_signed(bits, own) for bits in starts))])
        if rounds == 0 or first is None or isinstance(first, Nothing):
            return NOTHING_GIVEN
        more = range_of(b, self.x.range_of, self._given(() if b.node is None else (b.node,), at, name.operated))
        return {id(n): (n, (first[0] + (rounds - 1) * min(more[0], 0), first[1] + (rounds - 1) * max(more[1], 0)))}

    def _rounds(self, s: ir.Assign) -> tuple[int, tuple[int, ...]]:
        """How often a thread executes this statement at most, and the bits of all constants that the open loops around it give its
        variable; 0 where they do anything else to it. Each of them runs its text once for each round: one that is unrolled
        has no ordinal."""
        around = [o for o in self.open if any(t is s for t in ir.walk((o,)))]
        changes = [t for t in ir.walk(tuple(around[:1])) if any(x.name == s.var.name for x in ir.assigned(t))]
        others = [t for t in changes if t is not s]
        starts = [t.value.bits for t in others if isinstance(t, ir.Assign) and isinstance(t.value, ir.Const)]
        whole = len(self.x.place.ordinals) == len(self.open)
        if len(changes) != len(others) + 1 or len(starts) != len(others) or not whole:
            return 0, ()
        count = 1
        for d in self.x.place.dims[len(self.x.space.dims) :]:
            low, high = self.x.trace.ranges.get(d, (None, None))
            if low is None or low < 0 or high is None:
                return 0, ()
            count *= high + 1
        return count, tuple(starts)

    def _given(self, nodes: tuple[Node, ...], at: Where, seen: Seen) -> Given:
        found: dict[int, tuple[Node, Range]] = {}
        for n in (n for root in nodes for n in nodes_of(root)):
            own = SIGNED.get(n.width)
            if n.kind in ("fetch", "exchange") and n.known is None and own is not None:
                known = self._of(n, own, at, seen)
                if known is not None and not isinstance(known, Nothing):
                    found[id(n)] = n, known
        return found

    def _of(self, n: Node, t: Scalar, at: Where, seen: Seen) -> Found:
        key = id(n), t, at, seen
        if key not in self.done:
            self.done[key] = self._looked_up(n, t, at, seen)
        return self.done[key]

    def _looked_up(self, n: Node, t: Scalar, at: Where, seen: Seen) -> Found:
        match n.kind:
            case "undefined":
                return NOTHING
            case "fetch" if n.known is None:
                return self._object(self.x.trace.object(n.name), t, seen)
            case "exchange":
                p = next((p for p in self.x.trace.publications if p.name == n.name), None)
                return None if p is None else self._of(p.value, t, Where(p.dims, p.domain), seen)
            case "case":
                arms = zip(n.conditions, n.args, strict=True)
                return joined([self._of(a, t, Where(at.dims, all_of(at.domain, c)), seen) for c, a in arms])
            case "op" if n.name == "select":
                return joined([self._of(a, t, at, seen) for a in n.args[1:]])
            case "op" if n.name.startswith("cvt."):
                target, source = (LABELS.get(label) for label in n.name.split(".")[1:3])
                if source is None or source.bits != n.args[0].width or target is None or target.bits != t.bits:
                    return None  # a float's bits are no conversion's integers
                inner = self._of(n.args[0], source, at, seen.operated)
                return inner if isinstance(inner, Nothing) or fits(inner, t) else None
            case "op" if n.name.startswith("extract.0."):
                return self._low_bits(n.args[0], t, at, seen.operated)
            case "index":
                return joined([self._affine(a, t, Where(at.dims, all_of(at.domain, c))) for c, a in n.pieces])
            case _:
                found = range_of_node(n, t, self.x.range_of)
                if found == type_range(t):
                    found = range_of_node(n, t, self.x.range_of, self._given((n,), at, seen.operated))
                return found if found != type_range(t) else None

    def _low_bits(self, n: Node, t: Scalar, at: Where, seen: Seen) -> Found:
        """Of an integer that its low bits are all of: it lies in the type that they are read in."""
        for whole in (s for s in LABELS.values() if s.bits == n.width and not s.is_float):
            found = self._of(n, whole, at, seen)
            if isinstance(found, Nothing) or fits(found, t):
                return found
        return None

    def _affine(self, a: Affine, t: Scalar, at: Where) -> Found:
        """An index where the instances are, not only within the ranges of their dimensions."""
        low, high = a.interval(self.x.range_of)
        if low is None or high is None or not fits((low, high), t):
            return None
        most = first(low, high, lambda v: self.x.prove(at.dims, at.domain, lt(a, v + 1)))
        least = -first(-high, -low, lambda v: self.x.prove(at.dims, at.domain, ge(a, -v)))
        return (least, most) if least <= most else NOTHING  # of no instance anything is true

    def _object(self, name: str, t: Scalar, seen: Seen) -> Found:
        """Of all that is ever stored there; of a store that is looked at already, what the others give."""
        if name in seen.changed:
            return None
        if name in seen.moved:
            return NOTHING
        stores = [a for a in self.x.trace.accesses if a.object == name and a.write]
        if not name or not self._fresh(name) or any(a.type.bits != t.bits or a.type.is_float or a.fold for a in stores):
            return None
        if any(stored_in(s, name) for s in self.open) or not all(a.values for a in stores):
            return None
        return joined([self._of(v, t, Where(a.dims, a.domain), seen.at(name)) for a in stores for v in a.values])

    def _fresh(self, name: str) -> bool:
        """Does the memory hold nothing before the launch?"""
        if name.startswith(REGISTER):
            return True
        obj = self.x.kernel.objects.get(name)
        return obj is not None and (obj.space is not ir.Space.GLOBAL or name in self.x.contents.fresh)


def stored_in(loop: ir.Loop, name: str) -> bool:
    for s in ir.walk((loop,)):
        if any(f"{REGISTER}{v.name}" == name for v in ir.assigned(s)):
            return True
        if isinstance(s, ir.Store | ir.Atomic) and s.ref.object == name:
            return True
        if isinstance(s, ir.AsyncCopy) and s.dst.object == name:
            return True
    return False


def first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least integer from low on of which something holds that holds of high, and of all above one of which it holds."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


def joined(parts: list[Found]) -> Found:
    if None in parts:
        return None
    known = [p for p in parts if p is not None and not isinstance(p, Nothing)]
    return (min(p[0] for p in known), max(p[1] for p in known)) if known else NOTHING


def fits(found: Found, t: Scalar) -> bool:
    least, most = type_range(t)
    return found is not None and not isinstance(found, Nothing) and least <= found[0] and found[1] <= most
