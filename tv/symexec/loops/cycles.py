"""Variables that a loop takes round in a circle: `stage ^= 1`, `if (++stage == 3) stage = 0`, pointers exchanged.

The part of the body that they depend on is run from where they start until they are back. That gives their values as functions of
the round modulo the period: a guess, which the loop's own run confirms by induction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unknown, Unsupported
from tv.sets import TRUE, Affine
from tv.sets.formulas import eq
from tv.symexec.loops.ordinals import exposed, modified, reads
from tv.symexec.values import Pieces, Value

if TYPE_CHECKING:
    from tv.symexec.execute import Executor

LONGEST = 8  # rounds until the values are back
State = tuple[Affine, ...]


def cyclic(x: Executor, s: ir.Loop, name: str, o: Affine) -> Value | None:
    """The value of `name` at the start of round number o; None where it is not seen to come back."""
    part = slice_of(s, name)
    if part is None or name not in x.env:
        return None
    state = tuple(sorted(exposed(part) & modified(s) | {name}))
    start = tuple(_single(x.env.get(n)) for n in state)
    fixed = reads(part) - {v.name for t in ir.walk(part) for v in ir.assigned(t)}
    if any(a is None for a in start) or any(n not in x.env or x.env[n].pieces is None for n in fixed):
        return None
    seen = _turns(x, part, state, tuple(a for a in start if a is not None))
    if seen is None:
        return None
    return Value(x.env[name].type, pieces=_by_phase(x, o, [values[state.index(name)] for values in seen]))


def slice_of(s: ir.Loop, name: str) -> tuple[ir.Stmt, ...] | None:
    """The statements of the loop that `name` depends on, in order; None where there are others than assignments."""
    wanted, kept = {name}, list[ir.Stmt]()
    before = -1
    while before != len(wanted):  # a variable that is wanted may be set further down, for the round that follows
        before, kept = len(wanted), []
        for t in (*s.body, *s.step):
            inside = tuple(ir.walk((t,)))
            if not any(v.name in wanted for u in inside for v in ir.assigned(u)):
                continue
            if not all(isinstance(u, ir.Assign | ir.If) for u in inside):
                return None
            wanted |= reads((t,)) & modified(s)
            kept.append(t)
    return tuple(kept)


def _single(v: Value | None) -> Affine | None:
    return v.pieces[0][1] if v is not None and v.pieces is not None and len(v.pieces) == 1 else None


def _turns(x: Executor, part: tuple[ir.Stmt, ...], state: tuple[str, ...], start: State) -> list[State] | None:
    """The values of `state` in the rounds of one turn, run on a copy of the environment; nothing is recorded."""
    env, dirty, seen = x.env, set(x.dirty), [start]
    types = {n: env[n].type for n in state}
    x.silent += 1
    try:
        while len(seen) <= LONGEST:
            x.env = env | {n: Value(types[n], pieces=((TRUE, a),)) for n, a in zip(state, seen[-1], strict=True)}
            if not _run(x, part):
                return None
            values = tuple(_single(x.env[n]) for n in state)
            if any(a is None for a in values):
                return None
            if values == start:
                return seen
            seen.append(tuple(a for a in values if a is not None))
        return None
    except (Unknown, Unsupported):  # no guess then: the loop says itself what cannot be read in it
        return None
    finally:
        x.silent -= 1
        x.env, x.dirty = env, dirty


def _run(x: Executor, part: tuple[ir.Stmt, ...]) -> bool:
    """Assignments, and branches whose conditions are known; False at any other."""
    for t in part:
        match t:
            case ir.Assign(var=v, value=e):
                x.env[v.name] = x.evaluator.value(e)
            case ir.If(cond=c, then=then, orelse=orelse):
                known = x.evaluator.value(c).constant
                if known is None or not _run(x, then if known else orelse):
                    return False
            case _:
                return False
    return True


def _by_phase(x: Executor, o: Affine, seen: list[Affine]) -> Pieces:
    """seen[o mod n]: in one piece where the values are equally spaced from some round on."""
    n = len(seen)
    for turn in range(n):
        values = [seen[(i - turn) % n] for i in range(n)]
        step = (values[1] - values[0]).constant if n > 1 else 0
        if step is not None and all(v == values[0] + step * i for i, v in enumerate(values)):
            return ((TRUE, x.integers.remainder(o + turn, n) * step + values[0]),)
    phase = x.integers.remainder(o, n)
    return tuple((eq(phase, i), v) for i, v in enumerate(seen))
