"""`break`: which rounds of a loop leave it, known before its body runs and confirmed while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unknown
from tv.sets import FALSE, TRUE, Affine, Dim, Formula
from tv.sets.formulas import all_of, any_of, negate
from tv.source import Span
from tv.symexec.loops.structured import breaks
from tv.symexec.values import Node, Value

if TYPE_CHECKING:
    from tv.symexec.execute import Executor


@dataclass(frozen=True, slots=True)
class Open:
    """A loop whose body runs for all rounds at once: what it carries, its ordinal's name, and the round's number."""

    carried: set[str]
    ordinal: str
    number: Affine


class Exits:
    """The loops that the executor is in, and what was foreseen of their exits."""

    def __init__(self, executor: Executor) -> None:
        self.x = executor
        self.open: list[
            Open | int
        ] = []  # of a loop that runs round by round: the conditions that its round stands under
        self.foreseen: dict[int, Formula] = {}  # branch -> its condition over the ordinal of the loop around it

    @contextmanager
    def inside(self, loop: Open | None) -> Iterator[None]:
        self.open.append(len(self.x.place.conditions) if loop is None else loop)
        self.x.loop_depth += 1
        try:
            yield
        finally:
            self.x.loop_depth -= 1
            self.open.pop()

    def condition(self, s: ir.Loop, carried: set[str], counters: dict[str, Value]) -> Formula | None:
        """When a round leaves the loop, over its ordinal, by what is known at the round's start; None where that does not say."""
        saved = self.x.env
        for t in ir.walk(s.body):
            self.foreseen.pop(id(t), None)
        hidden = {n: unknown(self.x.trace.registers[n]) for n in self.x.resident if n not in saved}
        types = {v.name: v.type for t in ir.walk((s,)) for v in ir.assigned(t)}
        self.x.env = hidden | saved | {n: unknown(types[n]) for n in carried} | counters
        self.x.silent += 1
        try:
            return self._leaving(s.body)
        finally:
            self.x.silent -= 1
            self.x.env = saved

    def _leaving(self, body: tuple[ir.Stmt, ...]) -> Formula | None:
        gone = FALSE
        for s in body:
            match s:
                case ir.Break():
                    return TRUE
                case ir.Assign(var=v, value=e):
                    self.x.env[v.name] = self.x.evaluator.value(e)
                case ir.If() if breaks(s):
                    arms = self._branch(s)
                    if arms is None:
                        return None
                    gone = any_of(gone, arms)
                case _:
                    self._forget((s,))
        return gone

    def _branch(self, s: ir.If) -> Formula | None:
        c = self.x.evaluator.value(s.cond)
        f = c.formula
        if f is None:
            return None
        if self.foreseen.setdefault(id(s), f) != f:  # one branch in two places, with two conditions
            return None
        before, out = self.x.env, FALSE
        for side, arm in ((f, s.then), (negate(f), s.orelse)):
            self.x.env = dict(before)
            leaving = self._leaving(arm)
            if leaving is None:
                return None
            out = any_of(out, all_of(side, leaving))
        self.x.env = before
        self._forget((*s.then, *s.orelse))
        return out

    def _forget(self, body: tuple[ir.Stmt, ...]) -> None:
        for t in ir.walk(body):
            for v in ir.assigned(t):
                self.x.env[v.name] = unknown(v.type)

    def confirm(self, s: ir.If, f: Formula | None) -> None:
        """The condition of a branch with `break`, evaluated where it stands, is the one that was foreseen: else the rounds that
        were taken to run are not those that do."""
        loop = self.open[-1]
        if isinstance(loop, int):
            return
        if f is None:
            raise Unknown("TV0507", "`break` under a condition that depends on data", s.span)
        expected = self.foreseen[id(s)].substitute({Dim(loop.ordinal): loop.number})
        agree = any_of(all_of(f, expected), all_of(negate(f), negate(expected)))
        if f != expected and not self.x.integers.holds(TRUE, agree):
            raise Unknown("TV0509", "whether this round leaves the loop is not what its start says", s.span)

    def leave(self, span: Span) -> None:
        """At a `break`: what the loop carries goes to memory, where what follows the loop reads it. A loop that runs round by
        round keeps its values at hand, so that all threads have to leave it at one place."""
        loop = self.open[-1]
        if isinstance(loop, Open):
            self.x.flush(loop.carried)
        elif len(self.x.place.conditions) > loop:
            raise Unknown("TV0509", "threads leave this loop at different places, and its rounds are not affine", span)


def unknown(t: ir.Scalar) -> Value:
    return Value(t, node=Node("undefined", t.bits, "round"))
