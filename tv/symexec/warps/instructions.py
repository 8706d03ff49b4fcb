"""Shuffles, votes and barriers of a warp in the symbolic thread: who takes part, and what each lane then has.

A vote is a fold over the lanes that its mask names: of conditions on indices a condition, of data a term over what each lane
published.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unsupported
from tv.kernel import Scalar
from tv.sets import FALSE, TRUE, Affine, Dim, Formula
from tv.sets.formulas import all_of, any_of, ge, negate
from tv.source import Span
from tv.symexec.events import BarrierEvent, Publication
from tv.symexec.values import Node, Value, node_const, node_of
from tv.symexec.warps.exchange import Coordinates, lane_at, names, shuffle_sources
from tv.symexec.warps.lanes import EVERY, FULL, WARP, Named, named_lanes
from tv.symexec.warps.scans import scan_steps

if TYPE_CHECKING:
    from tv.symexec.execute import Executor

NEUTRAL: dict[str, Callable[[Scalar], int]] = {
    "add": lambda t: 0,
    "or": lambda t: 0,
    "xor": lambda t: 0,
    "and": lambda t: -1,
    "min": lambda t: (1 << (t.bits - 1)) - 1 if t.signed else -1,
    "max": lambda t: 1 << (t.bits - 1) if t.signed else 0,
}


class Warps:
    """Runs warp instructions on behalf of an executor, at its place."""

    def __init__(self, executor: Executor) -> None:
        self.x = executor
        self.steps = scan_steps(executor.kernel.body)
        self.returned = FALSE  # the threads of this launch that have, before what is executed now

    def named(self, mask: ir.Expr | None, span: Span) -> tuple[Named, ...]:
        """Raises Unsupported (TV0508)."""
        if mask is None:
            return EVERY
        return named_lanes(self.x.evaluator.value(mask), self.x.space, self.x.integers, span)

    def leave(self) -> None:
        """The threads that are here return. No loop is open: the condition is one on threads."""
        self.returned = any_of(self.returned, self.x.place.domain())

    def publish(self, value: Node, named: tuple[Named, ...], span: Span) -> str:
        trace, place = self.x.trace, self.x.place
        name = f"X{len(trace.publications)}"
        dims, domain, time = tuple(place.dims), place.domain(), place.tick()
        trace.publications.append(Publication(name, value, dims, domain, time, span, named, self.returned))
        trace.order.append(name)
        return name

    # -------------------------------------------------------------- shuffles
    def shuffle(self, s: ir.Shuffle) -> None:
        value, lane = node_of(self.x.evaluator.value(s.value)), self.x.evaluator.value(s.lane)
        named = self.named(s.mask, s.span)
        scan = s.mode == "up" or s.dest.name in self.steps
        sources = shuffle_sources(s, lane, named, self.x.space, self.x.integers, scan, self.returned)
        name = self.publish(value, named, s.span)
        width, word = s.dest.type.bits, f"__shfl{'' if s.mode == 'idx' else '_' + s.mode}_sync"
        nodes = tuple(
            Node("undefined", width, word) if at is None else Node("exchange", width, name, index=at)
            for _, at in sources
        )
        conds = tuple(c for c, _ in sources)
        n = nodes[0] if len(nodes) == 1 else Node("case", width, args=nodes, conditions=conds)
        self.name_published(s.value, name, value, ("op", "case", "fetch") if scan else ("op",))
        self.x.write(s.dest, Value(s.dest.type, node=n))

    def name_published(self, e: ir.Expr, event: str, value: Node, kinds: tuple[str, ...]) -> None:
        """A variable whose value was published stands for what its own lane published: a butterfly's terms then stay as long
        as one of its steps, instead of doubling with each."""
        if isinstance(e, ir.Var) and value.kind in kinds and self.x.env[e.name].pieces is None:
            own = tuple(Affine.dim(d) for d in self.x.space.thread_dims)
            self.x.env[e.name] = Value(e.type, node=Node("exchange", value.width, event, index=own))

    # -------------------------------------------------------------- votes
    def vote(self, s: ir.Vote) -> None:
        """Raises Unsupported (TV0508, TV0512)."""
        if s.scope == "block":
            self.block_vote(s)
            return
        value, named = self.x.evaluator.value(s.value), self.named(s.mask, s.span)
        lanes = [lane_at(Affine.of(i), self.x.space, self.x.integers) for i in range(WARP)]
        name = self.publish(node_of(value), named, s.span)
        match s.mode:
            case "any" | "all" if value.formula is not None:
                result = Value(s.dest.type, formula=self.decided(s.mode, value.formula, named, lanes))
            case "any" | "all":
                op = "or" if s.mode == "any" else "and"
                result = Value(s.dest.type, node=self.folded(op, s.dest.type, name, named, lanes))
            case "ballot":
                result = self.ballot(s, value, name, named, lanes)
            case "add" | "min" | "max" | "and" | "or" | "xor":
                result = Value(s.dest.type, node=self.folded(s.mode, s.dest.type, name, named, lanes))
            case _:
                raise Unsupported("TV0512", f"a vote of mode `{s.mode}`", s.span)
        self.x.write(s.dest, result)

    def takes_part(self, g: Named, lane: int, at: Coordinates) -> Formula:
        return names(g, Affine.of(lane), at, self.x.space, self.x.integers, self.returned)

    def decided(self, mode: str, f: Formula, named: tuple[Named, ...], lanes: list[Coordinates]) -> Formula:
        """Does the condition hold in any, or in all, of the lanes named?"""
        per_group = []
        for g in named:
            votes = []
            for i, at in enumerate(lanes):
                here, vote = self.takes_part(g, i, at), self.at_lane(f, at)
                votes.append(all_of(here, vote) if mode == "any" else any_of(negate(here), vote))
            per_group.append(all_of(g.cond, (any_of if mode == "any" else all_of)(*decisive(mode, votes))))
        return any_of(*per_group)

    def at_lane(self, f: Formula, at: Coordinates) -> Formula:
        return f.substitute({Dim(d): a for d, a in zip(self.x.space.thread_dims, at, strict=True)})

    def folded(self, op: str, t: Scalar, name: str, named: tuple[Named, ...], lanes: list[Coordinates]) -> Node:
        """What the lanes published, put together in the order of the lanes."""
        bits = NEUTRAL[op](t)
        label = {"min": ("umin", "smin"), "max": ("umax", "smax")}.get(op, (op, op))[int(t.signed)]
        arms = []
        for g in named:
            terms = [self.published(name, t.bits, bits, self.takes_part(g, i, at), at) for i, at in enumerate(lanes)]
            kept = [n for n in terms if n is not None] or [node_const(bits, t.bits)]
            arms.append(reduce(lambda a, b: Node("op", t.bits, f"{label}.i{t.bits}", (a, b)), kept))
        if len(arms) == 1:
            return arms[0]
        return Node("case", t.bits, args=tuple(arms), conditions=tuple(g.cond for g in named))

    def published(self, name: str, width: int, otherwise: int, cond: Formula, at: Coordinates) -> Node | None:
        """What one lane published where it takes part; None where it never does."""
        n = Node("exchange", width, name, index=at)
        if cond.op == "false":
            return None
        if cond.op == "true" or self.x.integers.holds(TRUE, cond):
            return n
        return Node("case", width, args=(n, node_const(otherwise, width)), conditions=(cond, negate(cond)))

    def ballot(self, s: ir.Vote, value: Value, name: str, named: tuple[Named, ...], lanes: list[Coordinates]) -> Value:
        arms = []
        for g in named:
            bits = [self.published(name, 1, 0, self.takes_part(g, i, at), at) for i, at in enumerate(lanes)]
            arms.append(Node("op", WARP, "concat", tuple(node_const(0, 1) if b is None else b for b in bits)))
        n = arms[0]
        if len(arms) > 1:
            n = Node("case", WARP, args=tuple(arms), conditions=tuple(g.cond for g in named))
        whole = len(named) == 1 and named[0].mask == FULL
        voting = None if value.formula is None else all_of(value.formula, negate(self.returned))
        return Value(s.dest.type, node=n, lanes=voting if whole else None)

    # -------------------------------------------------------------- votes of a block
    def block_vote(self, s: ir.Vote) -> None:
        """Any or all of a block's threads, on conditions of indices. All have to reach it. Raises Unsupported (TV0512)."""
        place, f = self.x.place, self.x.evaluator.value(s.value).formula
        dims, domain, time = tuple(place.dims), place.domain(), place.tick()
        self.x.trace.barriers.append(BarrierEvent("block", dims, domain, time, s.span))
        if f is None or s.mode not in ("any", "all"):
            text = f"a vote of a block by `{s.mode}`" if f is not None else "a vote of a block on data"
            raise Unsupported("TV0512", text, s.span, "let it ask `or` or `and` of a condition on indices")
        some = self.somewhere(f if s.mode == "any" else negate(f))
        if some is not None:
            result = some if s.mode == "any" else negate(some)
        elif self.x.integers.holds(TRUE, f) or self.x.integers.holds(TRUE, negate(f)):  # one answer for all threads
            result = TRUE if self.x.integers.holds(TRUE, f) else FALSE
        else:
            help = "compare one sum of indices with a bound that the block shares"
            raise Unsupported("TV0512", "a vote of a block on a condition that is no bound on indices", s.span, help)
        self.x.write(s.dest, Value(s.dest.type, formula=result))

    def somewhere(self, f: Formula) -> Formula | None:
        """Does the condition hold for some thread of the block? None where that is not seen by its form."""
        if not self.varies(f):
            return f
        if f.op == "ge" and f.affine is not None:
            top = self.most(f.affine)
            return None if top is None else ge(top)
        if f.op == "or":
            parts = [self.somewhere(a) for a in f.args]
            return None if None in parts else any_of(*(p for p in parts if p is not None))
        varying = [a for a in f.args if self.varies(a)]
        if f.op == "and" and len(varying) == 1:
            one = self.somewhere(varying[0])
            return None if one is None else all_of(one, *(a for a in f.args if a is not varying[0]))
        return None

    def varies(self, f: Formula) -> bool:
        return any(isinstance(a, Dim) and a.name in self.x.space.thread_dims for a in f.atoms())

    def most(self, a: Affine) -> Affine | None:
        """The greatest value over the block's threads, where each digit of the thread runs over all of its values."""
        space = self.x.space
        sizes = {d: (space.ranges[d][1] or 0) + 1 for d in space.thread_dims}
        if prod(sizes.values()) != prod(space.block):
            return None
        out = Affine.of(a.const)
        for atom, c in a.terms:
            if isinstance(atom, Dim) and atom.name in sizes:
                out = out + (max(c, 0) * (sizes[atom.name] - 1))
            elif any(isinstance(x, Dim) and x.name in sizes for x in Affine.atom(atom).atoms()):
                return None
            else:
                out = out + Affine.atom(atom) * c
        return out


def decisive(mode: str, votes: list[Formula]) -> list[Formula]:
    """Of bounds on one expression only the one that decides: the weakest for `any`, the strictest for `all`."""
    bounds: dict[str, Formula] = {}
    others: list[Formula] = []
    for f in votes:
        if f.op != "ge" or f.affine is None:
            others.append(f)
            continue
        key = (f.affine - f.affine.const).text() if f.affine.linear else repr(f.affine.terms)
        old = bounds.get(key)
        best = f.affine.const if old is None or old.affine is None else old.affine.const
        if old is None or (f.affine.const > best if mode == "any" else f.affine.const < best):
            bounds[key] = f
    return [*others, *bounds.values()]
