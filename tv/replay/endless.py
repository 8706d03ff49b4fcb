"""Loops that never end, recognised by a round that repeats an earlier one.

Whether a thread stays in a loop is decided by some of its variables. Where these hang on nothing but themselves, what does not
change in the loop, and memory that no thread of the launch writes, the thread goes the same way from the same values: meeting
them again at the same place, it meets them for ever, whatever other threads do. Nothing is said of a loop that other threads may
end (volatile loads, atomics, shuffles, memory that is written) or whose variables are computed by float arithmetic, which
contraction and functions may round otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tv.kernel import (
    Assign,
    Atomic,
    Binary,
    Break,
    Call,
    Continue,
    Convert,
    Declare,
    Expr,
    If,
    Load,
    Loop,
    Return,
    Space,
    Stmt,
    Store,
    Unary,
    assigned,
    blocks,
    children,
    expressions,
    walk,
)
from tv.replay.contraction import variables
from tv.replay.events import Event
from tv.replay.frame import Frame
from tv.replay.guesses import GUESS
from tv.replay.masks import Mask

FIRST = 16  # rounds after which a loop is watched
ENDLESS = "this loop never ends: what decides whether it goes on is as it was in an earlier round"
HELP = "let each round change what the loop's condition reads"
_LEAVE = (Break, Continue, Return)


@dataclass(frozen=True, slots=True)
class Deciding:
    """What decides whether a thread leaves a loop: variables that the loop assigns, and memory that it reads."""

    variables: tuple[str, ...]
    objects: frozenset[str]


def deciding(s: Loop) -> Deciding | None:
    """None where more than the thread's own variables and unchanging memory may decide."""
    inside = tuple(walk((*s.prelude, *s.body, *s.step)))
    names, size = _named([s.cond, *(t.cond for t in inside if isinstance(t, Loop))]), -1
    while size != len(names):
        size = len(names)
        names |= {n for t in inside if isinstance(t, If) and _decides(t, names) for n in variables(t.cond)}
        names |= {n for t in inside if _assigns(t, names) for n in _named(expressions(t))}
    objects: set[str] = set()
    for t in (t for t in inside if _assigns(t, names)):
        if not isinstance(t, Assign | Load) or any(_rounds(e) for e in expressions(t)):
            return None
        if isinstance(t, Load):
            if t.ref.access in ("volatile", GUESS):
                return None
            objects.add(t.ref.object)
    changed = {v.name for t in inside for v in assigned(t)}
    own = {t.ref.object for t in inside if isinstance(t, Store | Atomic)}
    own |= {t.object for t in inside if isinstance(t, Declare)}
    conditions = [
        s.cond,
        *(t.cond for t in inside if isinstance(t, Loop) or (isinstance(t, If) and _decides(t, names))),
    ]
    if objects & own or any(_rounds(e) for e in conditions):
        return None
    return Deciding(tuple(sorted(names & changed)), frozenset(objects))


def _decides(s: If, names: set[str]) -> bool:
    """Does a branch change which way the loop goes, or one of the variables?"""
    return any(isinstance(t, (*_LEAVE, Loop)) or _assigns(t, names) for b in blocks(s) for t in walk(b))


def _assigns(s: Stmt, names: set[str]) -> bool:
    return any(v.name in names for v in assigned(s))


def _named(found: Iterable[Expr]) -> set[str]:
    return {n for e in found for n in variables(e)}


def _rounds(e: Expr) -> bool:
    """Is there float arithmetic in an expression? A conversion to a wider format is exact."""
    match e:
        case Convert(a=a):
            here = e.type.is_float and not (a.type.is_float and a.type.bytes < e.type.bytes)
        case Unary() | Binary() | Call():
            here = e.type.is_float
        case _:
            here = False
    return here or any(_rounds(a) for a in children(e))


class Watch:
    """Watches the rounds of a loop for one of its threads at a time, by Brent's method: it compares each round with one before
    it, and that one moves on ever more rarely."""

    def __init__(self, s: Loop, what: Deciding) -> None:
        self._loop, self._what = s, what
        self._round, self._lane, self._next = 0, -1, FIRST
        self._before: tuple[bytes, ...] | None = None

    def round(self, frame: Frame, active: Mask) -> None:
        """Called at the same place of every round. Ends the run with an event where the round repeats one."""
        self._round += 1
        if self._round < FIRST:
            return
        lane = int(active.indices[0])
        found = (frame.variables[n] for n in self._what.variables)
        now = tuple((v[lane] if v.size > 1 else v[0]).tobytes() for v in found)
        if lane == self._lane and now == self._before and self._settled(frame):
            event = Event("barrier", ENDLESS, (self._loop.span,), (frame.group.name(lane),), help=HELP)
            frame.recorder.report(event, fatal=True)
        if lane != self._lane or self._round >= self._next:
            self._lane, self._before, self._next = lane, now, 2 * self._round

    def _settled(self, frame: Frame) -> bool:
        """Does no thread write the memory that decides?"""
        regions = frame.memory.regions
        written = [regions[n].buffer for n in frame.written if n in regions and regions[n].space is not Space.LOCAL]
        return all(
            regions[n].space is Space.LOCAL or all(regions[n].buffer is not b for b in written)
            for n in self._what.objects
        )
