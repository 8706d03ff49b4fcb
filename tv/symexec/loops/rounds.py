"""Loops of the symbolic thread: one body for all rounds, its counters closed forms of the round, the rest in register cells.

A loop whose condition is no affine function of the round (`s >>= 1`) runs on constants, round by round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unknown, Unsupported
from tv.sets import FALSE, TRUE, Affine, Dim, Formula, Sym
from tv.sets.affine import Quotient, floordiv, times
from tv.sets.formulas import all_of, any_of, eq, ge, negate, within
from tv.source import Span
from tv.symexec.loops.butterflies import exchanges_by_round
from tv.symexec.loops.cycles import cyclic
from tv.symexec.loops.exits import Exits, Open
from tv.symexec.loops.once import at_most_once, run_once
from tv.symexec.loops.ordinals import bound, exposed, modified, single_update, trip_count, variables, writers
from tv.symexec.loops.structured import breaks
from tv.symexec.values import Node, Value, product
from tv.symexec.warps.lanes import mixed_lanes

if TYPE_CHECKING:
    from tv.symexec.execute import Executor

UNROLL_LIMIT = 4096


class LoopExecution:
    """Runs loops on behalf of an executor, in its environment and at its place."""

    def __init__(self, executor: Executor) -> None:
        self.x = executor
        self.count = 0
        self.exits = Exits(executor)

    def loop(self, s: ir.Loop) -> None:
        if waits_on_memory(s):
            text = "this loop waits on memory, and is no grid barrier of a known shape"
            self.x.trace.waits.append((s.span, text))
            return
        ordinal = f"i{self.count}"
        self.count += 1
        leaves = any(breaks(t) for t in s.body)
        first = Affine.of(0) if leaves else self.first_round(s)
        counters = self.counters(s, Affine.dim(ordinal) - first, ordinal)
        carried = modified(s) - set(counters)
        exit = self.exits.condition(s, carried, counters) if leaves else FALSE
        if not leaves and at_most_once(self.x, s):
            run_once(self.x, s)
        elif exit is None or set(variables(s.cond)) & carried or exchanges_by_round(self.x, s, counters):
            self.unroll(s)
        else:
            self.rounds(s, ordinal, first, counters, exit)

    def first_round(self, s: ir.Loop) -> Affine:
        """Where the round coordinate starts: 0, or at the counter's own start where that has a floor in it.

        The counter's value may stand for the ordinal (`row = g * N / G; ...; ++row` then needs no floor) where no barrier
        in the body compares rounds of different threads, and lanes that exchange values start together (S4).
        """
        inner = list(ir.walk(s.body))
        if any(isinstance(t, ir.Barrier) for t in inner):
            return Affine.of(0)
        writes = writers(s)
        for n in sorted(set(variables(s.cond)) & writes.keys()):
            start, update = self.x.env.get(n), single_update(s, n, writes)
            if start is None or start.pieces is None or len(start.pieces) != 1 or update is None or update.step is None:
                continue
            a = start.pieces[0][1]
            one = (
                self.x.quietly(update.step).constant == 1 and not update.negative
                if not set(variables(update.step))
                else False
            )
            lanes = mixed_lanes(self.x.space)
            apart = any(isinstance(x, Dim) and x.name in lanes for x in a.atoms())
            if (
                one
                and any(isinstance(q, Quotient) for q, _ in a.terms)
                and not (apart and any(isinstance(t, ir.Shuffle | ir.Vote) for t in inner))
            ):
                return a
        return Affine.of(0)

    def unroll(self, s: ir.Loop) -> None:
        """A loop whose counter is no affine function of the round runs on constants, round by round."""
        for _ in range(UNROLL_LIMIT):
            self.x.block(s.prelude)
            test = self.x.evaluator.value(s.cond).constant
            if test is None:
                raise Unknown("TV0509", "the loop's condition is neither affine in its round nor constant", s.span)
            if not test:
                return
            with self.exits.inside(None):
                stays = self.x.block(s.body)
                if stays.op == "false":
                    return
                if stays.op != "true":
                    raise Unknown(
                        "TV0509", "threads leave this loop in different rounds, and its rounds are not affine", s.span
                    )
                self.x.block(s.step)
        raise Unknown("TV0509", f"the loop does not end within {UNROLL_LIMIT} rounds", s.span)

    def counters(self, s: ir.Loop, o: Affine, ordinal: str) -> dict[str, Value]:
        """Variables with a closed form: their value at the start of round number o, a guess that `rounds` checks."""
        out: dict[str, Value] = {}
        writes = writers(s)
        for n in sorted(writes):
            start, update = self.x.env.get(n), single_update(s, n, writes)
            if start is None or start.pieces is None:
                continue
            if update is None or update.step is None:
                closed = cyclic(self.x, s, n, o)
                if closed is not None:
                    out[n] = closed
                continue
            if writes.keys() & set(variables(update.step)):
                continue
            step = self.step(update.step, update.negative, start.type)
            if step is not None:
                out[n] = Value(start.type, pieces=tuple((c, a + times(o, step)) for c, a in start.pieces))
        return out

    def step(self, e: ir.Expr, negative: bool, t: ir.Scalar) -> Affine | None:
        """What a round adds, where that is one number; a large unsigned constant is a small negative one."""
        pieces = self.x.quietly(e).pieces
        if pieces is None or len(pieces) != 1 or not pieces[0][1].symbolic:
            return None
        step = -pieces[0][1] if negative else pieces[0][1]
        k = step.constant
        wraps = k is not None and not t.signed and k >= 1 << (t.bits - 1)
        return step - (1 << t.bits) if wraps else step

    def rounds(self, s: ir.Loop, ordinal: str, first: Affine, counters: dict[str, Value], exit: Formula) -> None:
        if s.prelude:
            raise Unsupported("TV0510", "a loop whose condition reads memory", s.span, "load the bound before the loop")
        carried = modified(s) - set(counters)
        self.settle(s, carried, set(counters))
        o = Affine.dim(ordinal)
        low = first.interval(self.x.range_of)[0]
        if low is None:
            raise Unknown("TV0509", "the loop's first round is not bounded", s.span)
        self.x.trace.ranges[ordinal] = (low, None)
        start = {n: self.x.env[n] for n in counters}
        self.x.env.update(counters)
        test = self.x.quietly(s.cond).formula
        if test is None:
            raise Unknown("TV0507", "the loop's condition depends on data", s.span)
        test = self.one_sided(test, ordinal, first)
        going, last = self.interval(s, ordinal, first, test, exit)
        if any(isinstance(a, Sym) for a in going.atoms()):
            self.x.trace.open_loops.add(ordinal)
        most = first.interval(self.x.range_of)[1]  # where no round runs, the test is made at `first` all the same
        self.x.trace.ranges[ordinal] = (low, None if most is None else max(last or 0, most) + 1)
        self.x.place.dims.append(ordinal)
        head = all_of(ge(o, first), any_of(eq(o, first), going.substitute({Dim(ordinal): o - 1})))
        with self.x.under(head):
            loud = self.x.evaluator.value(s.cond).formula
            agree = loud is not None and any_of(all_of(loud, test), all_of(negate(loud), negate(test)))
            if loud is None or (loud != test and not (agree and self.x.integers.holds(TRUE, agree))):
                text = "the loop's condition wraps around or leaves its type for some round, and has no affine reading there"
                raise Unknown("TV0509", text, s.span)
        self.x.trace.ranges[ordinal] = (low, max(last or 0, low))
        self.x.place.dims.pop()
        number, names, box = self.digits(ordinal, first)
        outer = dict(self.x.env)
        self.x.env.update({n: at_round(v, ordinal, number) for n, v in counters.items()})
        self.x.place.ordinals.append(number)
        self.x.place.tick()
        self.x.place.positions.append(0)
        depth = len(self.x.place.dims)
        self.x.place.dims += names
        here = all_of(box, ge(number, first), going.substitute({Dim(ordinal): number}))
        with self.x.under(here), self.exits.inside(Open(carried, ordinal, number)):
            stays = self.x.block(s.body)
            with self.x.under(stays):
                self.x.block(s.step)
                self.check_counters(s, ordinal, number, counters)
                self.x.flush(carried)
        self.x.place.positions.pop()
        self.x.place.ordinals.pop()
        del self.x.place.dims[depth:]
        changed, outside = modified(s), self.x.readers.outside(s)
        self.x.env = {n: v for n, v in outer.items() if n not in changed}  # what a round fetched is not known outside
        for n, form in counters.items():
            self.x.dirty.discard(n)
            if n in outside:
                if exit.op != "false":
                    raise Unknown("TV0503", f"`{n}` is used after its loop, which it leaves by `break`", s.span)
                self.x.env[n] = self.after(start[n], form, going, ordinal, first, s.span)
            else:  # only this loop can read it, should it run again
                self.x.env[n] = Value(start[n].type, node=Node("undefined", start[n].type.bits, n))
            if n in self.x.resident:
                self.x.dirty.add(n)

    def interval(
        self, s: ir.Loop, ordinal: str, first: Affine, going: Formula, exit: Formula
    ) -> tuple[Formula, int | None]:
        """The rounds as a condition on the ordinal, and the greatest that may run: an interval from the first round on, else Unknown."""
        o = Affine.dim(ordinal)
        last, closed = bound(going, ordinal, self.x.range_of, s.span)
        if exit.op != "false":
            stays = self.one_sided(negate(exit), ordinal, first)
            before = self.pruned(stays, ordinal).substitute({Dim(ordinal): o - 1})
            end, downward = bound(before, ordinal, self.x.range_of, s.span)
            going, closed = all_of(going, any_of(eq(o, first), before)), closed and downward
            ends = [max(end, 0)] if end is not None else []
            last = min([*ends, *([last] if last is not None else [])], default=None)
            if stays != negate(exit) and not self.alike(stays, negate(exit), ordinal, all_of(ge(o, first), going)):
                raise Unknown("TV0509", "whether a round leaves the loop is no affine question", s.span)
        if going.op != "false" and (last is None or not closed):
            raise Unknown("TV0509", "the loop's rounds are not an affine interval with an end", s.span)
        return going, last

    def alike(self, a: Formula, b: Formula, ordinal: str, rounds: Formula) -> bool:
        """Do the two conditions agree in all these rounds? Then, round by round, those are the rounds that run."""
        self.x.place.dims.append(ordinal)
        with self.x.under(rounds):
            same = self.x.integers.holds(TRUE, any_of(all_of(a, b), all_of(negate(a), negate(b))))
        self.x.place.dims.pop()
        return same

    def pruned(self, f: Formula, ordinal: str) -> Formula:
        """The condition without alternatives that imply another one."""
        if f.op == "and":
            return all_of(*(self.pruned(a, ordinal) for a in f.args))
        kept = list(f.args) if f.op == "or" else []
        self.x.place.dims.append(ordinal)
        with self.x.under(ge(Affine.dim(ordinal))):
            for a in list(kept):
                others = any_of(*(b for b in kept if b is not a))
                if len(kept) > 1 and self.x.integers.holds(a, others):
                    kept.remove(a)
        self.x.place.dims.pop()
        return any_of(*kept) if kept else f

    def one_sided(self, f: Formula, ordinal: str, first: Affine) -> Formula:
        """`a != 0` as `a < 0` or `a > 0`, where a walks from one side of 0 onto it; the rest of the condition as it is."""
        if f.op in ("and", "or"):
            args = [self.one_sided(a, ordinal, first) for a in f.args]
            return all_of(*args) if f.op == "and" else any_of(*args)
        a = f.args[0].affine if f.op == "not" and f.args[0].op == "eq" else None
        k = dict(a.terms).get(Dim(ordinal), 0) if a is not None else 0
        if a is None or k == 0 or [x for t, _ in a.terms for x in Affine.atom(t).atoms()].count(Dim(ordinal)) > 1:
            return f
        start = a.substitute({Dim(ordinal): first})
        if any(c % k for c in (start.const, *(c for _, c in start.terms))):
            return f
        if k > 0:
            return ge(-a, 1) if self.x.integers.holds(TRUE, ge(-start)) else f
        return ge(a, 1) if self.x.integers.holds(TRUE, ge(start)) else f

    def settle(self, s: ir.Loop, carried: set[str], counters: set[str]) -> None:
        """Before the first round: carried variables move into register cells."""
        live = exposed((*s.body, *s.step)) | self.x.readers.outside(s)
        types = {v.name: v.type for t in ir.walk((s,)) for v in ir.assigned(t)}
        self.x.keep({n: types[n] for n in carried if n in live})
        self.x.flush(carried)
        for n in carried:
            self.x.env.pop(n, None)
        self.x.dirty -= counters

    def digits(self, ordinal: str, first: Affine) -> tuple[Affine, list[str], Formula]:
        """The round's number over its dimensions, most significant first: digits where the loop's accesses meet others that
        are taken apart. The order of the dimensions is the order of rounds."""
        high = self.x.trace.ranges[ordinal][1]
        parts = self.x.cuts.digits(ordinal, (high or 0) + 1) if first.constant == 0 else [(ordinal, 1, 0)]
        if len(parts) == 1:
            return Affine.dim(ordinal), [ordinal], TRUE
        number, conds = Affine.of(0), []
        for name, weight, size in parts:
            number = number + Affine.dim(name) * weight
            self.x.trace.ranges[name] = (0, size - 1)
            conds.append(within(Affine.dim(name), size))
        return number, [name for name, _, _ in parts], all_of(*conds)

    def check_counters(self, s: ir.Loop, ordinal: str, number: Affine, counters: dict[str, Value]) -> None:
        """The guess is proved: what the round leaves is the closed form at the next ordinal."""
        for n, closed in counters.items():
            got = self.x.env[n].pieces
            after = at_round(closed, ordinal, number + 1).pieces or ()
            for c, x, y in product(got or (), after):
                if x != y and not self.x.integers.holds(c, eq(x, y)):
                    raise Unknown(
                        "TV0511", f"`{n}` does not grow by the same in every round: it may wrap around", s.span
                    )
            if got is None:
                raise Unknown("TV0511", f"`{n}` is no affine function of the loop's round", s.span)

    def after(self, start: Value, closed: Value, going: Formula, ordinal: str, first: Affine, span: Span) -> Value:
        """A counter's value when the loop has ended: the closed form at the first round that did not run."""
        k, c = trip_count(going, ordinal, span)
        end = floordiv(k, c, self.x.range_of) + 1
        ran = ge(k, first * c)
        done = tuple((all_of(g, ran), a) for g, a in at_round(closed, ordinal, end).pieces or ())
        none = tuple((all_of(g, negate(ran)), a) for g, a in start.pieces or ())
        return Value(start.type, pieces=tuple((g, a) for g, a in done + none if g.op != "false"))


def waits_on_memory(s: ir.Loop) -> bool:
    """An empty loop that polls memory: it orders nothing here, and that it ends stays open."""
    polls = all(
        isinstance(p, ir.Load | ir.Atomic) and r.access in ("volatile", "weak")
        for p in s.prelude
        for r in ir.references(p)
    )
    return bool(s.prelude) and polls and not s.body and not s.step


def at_round(v: Value, ordinal: str, number: Affine) -> Value:
    """A closed form at a given round."""
    at: dict[Dim | Sym, Affine] = {Dim(ordinal): number}
    return Value(v.type, pieces=tuple((c.substitute(at), a.substitute(at)) for c, a in v.pieces or ()))
