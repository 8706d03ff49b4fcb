"""A kernel with its short loops written out: what a single output hangs on becomes visible.

Loops whose counters are constants are unrolled, integer expressions on constants are folded, and what a round keeps to
itself gets names of its own. The result executes as the kernel does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from tv.kernel import (
    Assign,
    Atomic,
    Binary,
    Break,
    Compare,
    Const,
    Continue,
    Convert,
    Expr,
    If,
    Kernel,
    Load,
    Loop,
    Scalar,
    Select,
    Shuffle,
    Stmt,
    Unary,
    Var,
    Vote,
    assigned,
    blocks,
    expressions,
    walk,
)
from tv.replay import integers
from tv.replay.carriers import Array, constant, to_bits
from tv.replay.contraction import map_expressions, rebuild, variables
from tv.replay.conversions import convert
from tv.replay.expressions import COMPARE
from tv.source import Span

MOST_ROUNDS = 64  # of a loop that is written out
MOST_STATEMENTS = 20_000
Known = dict[str, Const]


class _TooLong(Exception):
    """Written out, a loop has too many rounds or statements."""


def unrolled(kernel: Kernel) -> Kernel:
    """The kernel with short loops written out, wherever that can be done; as it is where that makes too much of it."""
    try:
        return replace(kernel, body=_Unroller(_reads(kernel.body)).run(kernel.body, {}))
    except _TooLong:
        return kernel


# ------------------------------------------------------------------------------------------------ loops
class _Unroller:
    def __init__(self, reads: Counter[str]) -> None:
        self._statements, self._fresh = 0, 0
        self._reads = reads  # of each variable, in the whole kernel

    def run(self, body: tuple[Stmt, ...], known: Known) -> tuple[Stmt, ...]:
        """The statements with constants put in; `known`: variables that hold constants, before and then after them."""
        out: list[Stmt] = []
        for s in body:
            out += self._one(s, known)
        return tuple(out)

    def _one(self, s: Stmt, known: Known) -> list[Stmt]:
        self._statements += 1
        if self._statements > MOST_STATEMENTS:
            raise _TooLong
        match s:
            case If(cond=cond):
                return self._if(s, folded(cond, known), known)
            case Loop():
                return self._loop(s, known)
            case Assign(var=var, value=value):
                new = folded(value, known)
                known.pop(var.name, None)
                if isinstance(new, Const):
                    known[var.name] = new
                return [replace(s, value=new)]
            case _:
                done = map_expressions(s, lambda e: folded(e, known))
                for v in assigned(s):
                    known.pop(v.name, None)
                return [done]

    def _if(self, s: If, cond: Expr, known: Known) -> list[Stmt]:
        if isinstance(cond, Const) and not s.launch:
            return list(self.run(s.then if cond.bits else s.orelse, known))
        arms = [self.run(arm, dict(known)) for arm in (s.then, s.orelse)]
        _forget(s, known)
        return [replace(s, cond=cond, then=arms[0], orelse=arms[1])]

    def _loop(self, s: Loop, known: Known) -> list[Stmt]:
        if not s.prelude and s.test_first and not _jumps(s) and self._few(s, dict(known)):
            before = self._statements
            try:
                after = dict(known)
                out = self._rounds(s, after)
            except _TooLong:
                self._statements = before
            else:
                if out is not None:
                    known.clear()
                    known.update(after)
                    return out
        _forget(s, known)
        parts = [self.run(part, dict(known)) for part in (s.prelude, s.body, s.step)]
        return [replace(s, cond=folded(s.cond, known), prelude=parts[0], body=parts[1], step=parts[2])]

    def _few(self, s: Loop, known: Known) -> bool:
        """Whether the condition ends the loop soon, as far as only its step decides."""
        counters = {v.name for t in walk(s.step) for v in assigned(t)}
        for t in walk(s.body):
            for v in assigned(t):
                if v.name not in counters:
                    known.pop(v.name, None)
        for _ in range(MOST_ROUNDS + 1):
            cond = folded(s.cond, known)
            if not isinstance(cond, Const) or not cond.bits:
                return True
            _Unroller(Counter()).run(s.step, known)
        return False

    def _rounds(self, s: Loop, known: Known) -> list[Stmt] | None:
        """The rounds one after another; None where their number is not known."""
        out: list[Stmt] = []
        own = self._of_a_round(s)
        for _ in range(MOST_ROUNDS + 1):
            cond = folded(s.cond, known)
            if not isinstance(cond, Const):
                return None
            if not cond.bits:
                return out
            self._fresh += 1
            names = {n: f"{_base(n)}@{self._fresh}" for n in own}
            for part in (s.body, s.step):
                out += self.run(tuple(_renamed(t, names) for t in part), known)
        return None

    def _of_a_round(self, s: Loop) -> set[str]:
        """Variables that each round assigns before it reads them, and that nothing else reads."""
        inside = _reads((s,))
        own: set[str] = set()
        met = set(variables(s.cond))
        for t in (*s.body, *s.step):
            met |= {n for u in walk((t,)) for e in expressions(u) for n in variables(e)}
            own |= {v.name for v in assigned(t) if v.name not in met}
            met |= {v.name for u in walk((t,)) for v in assigned(u)}
        return {n for n in own if inside[_base(n)] == self._reads[_base(n)]}


def _base(name: str) -> str:
    """The name that a round's own variable had."""
    return name.partition("@")[0]


def _reads(body: tuple[Stmt, ...]) -> Counter[str]:
    found: Counter[str] = Counter()
    for s in walk(body):
        for e in expressions(s):
            for name, times in variables(e).items():
                found[_base(name)] += times
    return found


def _renamed(s: Stmt, names: Mapping[str, str]) -> Stmt:
    def other(e: Expr) -> Expr:
        return replace(e, name=names[e.name]) if isinstance(e, Var) and e.name in names else e

    def var(v: Var) -> Var:
        return replace(v, name=names.get(v.name, v.name))

    done = map_expressions(s, lambda e: rebuild(e, other))
    match done:
        case Assign():
            return replace(done, var=var(done.var))
        case Load():
            return replace(done, dests=tuple(var(d) for d in done.dests))
        case Shuffle() | Vote():
            return replace(done, dest=var(done.dest))
        case Atomic(dest=dest) if dest is not None:
            return replace(done, dest=var(dest))
        case If(then=a, orelse=b):
            return replace(done, then=_all(a, names), orelse=_all(b, names))
        case Loop(prelude=p, body=b, step=c):
            return replace(done, prelude=_all(p, names), body=_all(b, names), step=_all(c, names))
        case _:
            return done


def _all(body: tuple[Stmt, ...], names: Mapping[str, str]) -> tuple[Stmt, ...]:
    return tuple(_renamed(s, names) for s in body)


def _forget(s: Stmt, known: Known) -> None:
    for t in walk((s,)):
        for v in assigned(t):
            known.pop(v.name, None)


def _jumps(s: Loop) -> bool:
    """Whether a break or continue may leave a round early."""
    return any(isinstance(t, Break | Continue) for b in blocks(s) for t in walk(b))


# ------------------------------------------------------------------------------------------------ constants
def folded(e: Expr, known: Mapping[str, Const]) -> Expr:
    """The expression with constants in place of known variables, and of integer operations on constants."""
    return rebuild(e, lambda x: _fold(known.get(x.name, x) if isinstance(x, Var) else x))


def _fold(e: Expr) -> Expr:
    if isinstance(e, Const | Var):
        return e
    match e:
        case Binary(op=op, type=t, a=Const() as a, b=Const() as b, span=span) if t.is_int:
            value, bad = integers.binary(op, _number(a), _number(b), t)
            return e if bad is not None else _const(value, t, span)
        case Binary(op="and" | "or" | "xor" as op, type=Scalar.BOOL, a=Const() as a, b=Const() as b, span=span):
            both = {"and": a.bits & b.bits, "or": a.bits | b.bits, "xor": a.bits ^ b.bits}[op]
            return Const(Scalar.BOOL, both, span)
        case Compare(op=op, a=Const() as a, b=Const() as b, span=span) if a.type.is_int:
            return _const(COMPARE[op](_number(a), _number(b)), Scalar.BOOL, span)
        case Convert(a=Const() as a, type=t, rounding=mode, span=span) if not a.type.is_float and not t.is_float:
            value, bad = convert(_number(a), a.type, t, mode, span)
            return e if bad is not None else _const(value, t, span)
        case Unary(op="not", type=Scalar.BOOL, a=Const() as a, span=span):
            return Const(Scalar.BOOL, 1 - a.bits, span)
        case Unary(op=op, type=t, a=Const() as a, span=span) if t.is_int:
            return _const(-_number(a) if op == "neg" else ~_number(a), t, span)
        case Select(cond=Const() as c, a=x, b=y):
            return x if c.bits else y
        case _:
            return e


def _number(c: Const) -> Array:
    return constant(c.bits, c.type)


def _const(value: Array, t: Scalar, span: Span) -> Const:
    return Const(t, int(to_bits(value, t)[0]), span)
