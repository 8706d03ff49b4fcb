"""Both arms of a condition, and what the variables are after it.

Where indices decide, each arm runs where its threads are. Where data decide, both run and each effect is made to depend on the
condition; nothing that orders or ends threads may stand there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tv import kernel as ir
from tv.diagnostic import Unknown
from tv.kernel import Scalar
from tv.sets import TRUE, Formula
from tv.sets.formulas import all_of, any_of, negate
from tv.symexec.events import Decision
from tv.symexec.expressions import choose
from tv.symexec.loops.structured import breaks
from tv.symexec.stores import apart, may
from tv.symexec.values import Node, Value, node_of

if TYPE_CHECKING:
    from tv.symexec.execute import Executor


def branch(x: Executor, s: ir.If) -> Formula:
    """Runs a condition; returns where control goes on after it. Raises Unknown, Unsupported."""
    c = x.evaluator.value(s.cond)
    if breaks(s):
        x.loops.exits.confirm(s, c.formula)
    if c.constant is not None:
        return x.block(s.then if c.constant else s.orelse)
    return by_data(x, s, c) if c.formula is None else by_indices(x, s, c, c.formula)


def by_data(x: Executor, s: ir.If, c: Value) -> Formula:
    x.trace.decisions.append(Decision(node_of(c), s.span, "this branch is decided by a value"))
    outer, x.data_condition = x.data_condition, s.span
    alive, envs = [], []
    before, dirty = dict(x.env), set(x.dirty)
    where = [may(node_of(c), taken) for taken in (True, False)]
    for body, taken, there in zip((s.then, s.orelse), (True, False), where, strict=True):
        x.env = dict(before)
        x.deciding.append((node_of(c), taken))
        with x.under(there):
            alive.append(x.block(body))
        x.deciding.pop()
        envs.append(x.env)
    x.data_condition, x.dirty = outer, x.dirty | dirty
    if any(a.op != "true" for a in alive):
        raise Unknown("TV0507", "this condition depends on data, and decides which statements follow", s.span)
    x.env = {}
    merge(x, c, envs[0], envs[1], where[0], where[1])
    return TRUE


def by_indices(x: Executor, s: ir.If, c: Value, f: Formula) -> Formula:
    x.keep(crossing(x, s))
    before, dirty = dict(x.env), set(x.dirty)
    with x.under(f):
        x.env = dict(before)
        alive_then = x.block(s.then)
        env_then, dirty_then = x.env, x.dirty
    with x.under(negate(f)):
        x.env, x.dirty = dict(before), dirty
        alive_else = x.block(s.orelse)
    env_else, x.dirty = x.env, x.dirty | dirty_then
    if alive_then.op == "false" or alive_else.op == "false":
        x.env = env_else if alive_then.op == "false" else env_then
    else:
        x.env = {}
        merge(x, c, env_then, env_else, f, negate(f))
    if alive_then.op == alive_else.op == "true":
        return TRUE
    return any_of(all_of(f, alive_then), all_of(negate(f), alive_else))


def crossing(x: Executor, s: ir.If) -> dict[str, Scalar]:
    """Variables that a loop in one arm changes and that are read outside the condition: both arms keep them in memory."""
    loops = [t for t in ir.walk((*s.then, *s.orelse)) if isinstance(t, ir.Loop)]
    changed = {v.name: v.type for loop in loops for t in ir.walk((loop,)) for v in ir.assigned(t)}
    outside = x.readers.outside(s) if changed else set()
    return {n: t for n, t in changed.items() if n in outside}


def merge(x: Executor, c: Value, then: dict[str, Value], orelse: dict[str, Value], ca: Formula, cb: Formula) -> None:
    """Each variable as a choice between what it is after one arm and after the other. ca, cb: where these run."""
    for n in {**then, **orelse}:
        a, b = then.get(n), orelse.get(n)
        if a is b and a is not None:
            x.env[n] = a
            continue
        if a is None or b is None:
            if n in x.resident and n not in x.dirty:
                continue  # stale on one side, a cached copy on the other: memory has it
            if n in x.resident:
                with x.under(ca if a is None else cb):
                    fresh = x.fetch_register(n)
                a, b = a or fresh, b or fresh
            else:
                t = a or b
                assert t is not None
                missing = Value(t.type, node=Node("undefined", t.type.bits, n))
                a, b = a or missing, b or missing
        x.env[n] = choose(a.type, c, a, b) if c.formula is not None else apart(c, a, b, ca, cb)
