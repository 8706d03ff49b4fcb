"""Plain reads that only guess what an atomic compare-and-swap will find.

    int old = *p, assumed;
    do { assumed = old; old = atomicCAS(p, assumed, f(assumed)); } while (assumed != old);

By the letter of the memory model the first read races with other threads' atomics. CUDA's own guide has this loop: a wrong guess
costs a round and no more, where the read is of one aligned element. So it is executed as one relaxed read, and refutes nothing;
in a proof it stays a race that is open.
"""

from __future__ import annotations

from dataclasses import replace

from tv.kernel import Assign, Atomic, Expr, If, Load, Loop, Stmt, Var, children, walk

GUESS = "guess"  # of a reference: how such a read accesses memory


def with_guesses(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The statements, with those loads marked."""
    swaps = [s for s in walk(body) if isinstance(s, Atomic) and s.op == "cas"]
    return _marked(body, [(s, guessed(s, body)) for s in swaps]) if swaps else body


def guessed(swap: Atomic, body: tuple[Stmt, ...]) -> frozenset[str]:
    """Variables that the value compared comes from, by copies alone."""
    first = _copied(swap.operands[0])
    names = set() if first is None else {first}
    while True:
        more = {
            v
            for s in walk(body)
            if isinstance(s, Assign) and s.var.name in names and (v := _copied(s.value)) is not None
        }
        if more <= names:
            return frozenset(names)
        names |= more


def _copied(e: Expr) -> str | None:
    """The variable of an expression that is one, converted at most."""
    while not isinstance(e, Var):
        parts = children(e)
        if len(parts) != 1:
            return None
        e = parts[0]
    return e.name


def _marked(body: tuple[Stmt, ...], swaps: list[tuple[Atomic, frozenset[str]]]) -> tuple[Stmt, ...]:
    def inner(b: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        return _marked(b, swaps)

    out: list[Stmt] = []
    for s in body:
        match s:
            case Load(dests=(d,), ref=r) if r.access == "weak" and any(
                (a.ref.object, a.ref.type.bytes) == (r.object, r.type.bytes) and d.name in names for a, names in swaps
            ):
                out.append(replace(s, ref=replace(r, access=GUESS)))
            case If(then=a, orelse=b):
                out.append(replace(s, then=inner(a), orelse=inner(b)))
            case Loop(body=b, step=c, prelude=p):
                out.append(replace(s, body=inner(b), step=inner(c), prelude=inner(p)))
            case _:
                out.append(s)
    return tuple(out)
