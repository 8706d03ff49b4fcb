"""Expressions of the Kernel IR as Python closures over a frame.

`compile_expression` gives a function (frame, mask) -> value, shape (threads,) or (1,) where it is uniform. Lanes outside
the mask hold anything. No array is ever changed in place, so an integer operation that meets the operands of its last
evaluation gives the same array again: what does not change in a loop costs nothing there. Operations that C leaves undefined are `range` events of the threads that execute them: the arm of
a select that a thread does not take is not executed, nor the second operand of `and`/`or` on bool that the first decides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tv.diagnostic import Unsupported
from tv.kernel import (
    Binary,
    Bitcast,
    Builtin,
    Call,
    Compare,
    Const,
    Convert,
    Expr,
    Extract,
    Pack,
    Param,
    Scalar,
    Select,
    Unary,
    Var,
    children,
)
from tv.replay import integers, rounding
from tv.replay.carriers import CARRIER, UNSIGNED, Array, constant, from_bits, to_bits
from tv.replay.conversions import convert
from tv.replay.frame import Frame
from tv.replay.masks import Mask
from tv.replay.mathlib import MathLibrary
from tv.replay.nans import moves
from tv.source import Span

Evaluate = Callable[[Frame, Mask], Array]

COMPARE: dict[str, Callable[[Array, Array], Array]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
_LOGIC: dict[str, Callable[[Array, Array], Array]] = {
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
}
_FLOAT = {"add": rounding.add, "sub": rounding.sub, "mul": rounding.mul, "div": rounding.div}


class Expression:
    """A compiled expression with what is known of it before it runs."""

    def __init__(self, source: Expr, math: MathLibrary) -> None:
        self.source, self.type = source, source.type
        self._reads = _reads(source)
        self.names = frozenset(v.name for v in self._reads)
        self.value: Evaluate = compile_expression(source, math)
        self._math = math

    def undefined(self, frame: Frame, mask: Mask) -> NDArray[np.bool_] | None:
        """The mask's threads whose value hangs on a variable or memory cell that was never written; None: nobody's."""
        if not frame.hollow(self.names, mask):
            return None
        lanes = undefined_lanes(self.source, frame, mask, self._math)
        return None if lanes is None else mask.holds(lanes)

    def origin(self, frame: Frame, mask: Mask, span: Span) -> Span:
        """Where the first of the undefined operands was read: here (`span`), or where the variable got its value."""
        for v in self._reads:
            hole = frame.holes.get(v.name)
            if hole is not None and (hole.lanes & mask.flags).any():
                return hole.origin or span
        return span

    def require(self, frame: Frame, mask: Mask, what: str, span: Span) -> None:
        """An `init` event unless the value is defined for all threads of the mask."""
        bad = self.undefined(frame, mask)
        if bad is not None:
            text = f"{what} depends on a value that was never written"
            frame.report("init", text, span, bad, origin=self.origin(frame, mask, span))


def _reads(e: Expr) -> tuple[Var, ...]:
    """The variables of an expression, in order."""
    return (e,) if isinstance(e, Var) else tuple(v for c in children(e) for v in _reads(c))


def compile_expression(e: Expr, math: MathLibrary) -> Evaluate:
    """Raises Unsupported for what the interpreter has no meaning for."""
    value = _compiled(e, math)
    if not e.type.is_float or moves(e) or math.nans.form is None:
        return value
    nans, scalar = math.nans, e.type
    return lambda frame, mask: nans.given(value(frame, mask), scalar)


def _compiled(e: Expr, math: MathLibrary) -> Evaluate:
    match e:
        case Const(type=t, bits=bits):
            value = constant(bits, t)
            return lambda frame, mask: value
        case Var(name=name):
            return lambda frame, mask: frame.variables[name]
        case Param(name=name):
            return lambda frame, mask: frame.params[name]
        case Builtin(name=name):
            return lambda frame, mask: frame.builtins[name]
        case Unary():
            return _unary(e, math)
        case Binary():
            return _binary(e, math)
        case Compare(op=op, a=a, b=b):
            left, right, compare = compile_expression(a, math), compile_expression(b, math), COMPARE[op]
            return lambda frame, mask: compare(left(frame, mask), right(frame, mask))
        case Select():
            return _select(e, math)
        case Convert():
            return _convert(e, math)
        case Bitcast(type=t, a=a):
            inner, source = compile_expression(a, math), a.type
            return lambda frame, mask: from_bits(to_bits(inner(frame, mask), source), t)
        case Pack():
            return _pack(e, math)
        case Extract(type=t, a=a, low=low):
            inner, source = compile_expression(a, math), a.type
            shift = UNSIGNED[source.bytes].type(low)
            return lambda frame, mask: from_bits(to_bits(inner(frame, mask), source) >> shift, t)
        case Call(type=t, function=function, args=args):
            call = math.resolve(function, len(args), t, e.span)
            operands = [compile_expression(a, math) for a in args]
            return lambda frame, mask: call(*(f(frame, mask) for f in operands))
        case _:
            raise Unsupported("TV0701", f"the interpreter has no meaning for {type(e).__name__}")


def _unary(e: Unary, math: MathLibrary) -> Evaluate:
    inner = compile_expression(e.a, math)
    if e.op == "neg" and e.type is not Scalar.BOOL:
        return lambda frame, mask: -inner(frame, mask)
    if e.op == "not" and e.type is Scalar.BOOL:
        return lambda frame, mask: ~inner(frame, mask)
    if e.op == "not" and e.type.is_int:
        return lambda frame, mask: ~inner(frame, mask)
    raise Unsupported("TV0701", f"unary `{e.op}` on {e.type!r}", e.span)


def _binary(e: Binary, math: MathLibrary) -> Evaluate:
    if e.type is Scalar.BOOL:
        return _logic(e, math)
    left, right, scalar, op, span = compile_expression(e.a, math), compile_expression(e.b, math), e.type, e.op, e.span
    if scalar.is_float:
        if op not in _FLOAT:
            raise Unsupported("TV0701", f"`{op}` on {scalar!r}", span)
        operation = _FLOAT[op]
        return lambda frame, mask: operation(left(frame, mask), right(frame, mask), scalar)
    last: list[tuple[Array, Array, Array]] = []

    def integer(frame: Frame, mask: Mask) -> Array:
        a, b = left(frame, mask), right(frame, mask)
        if last and last[0][0] is a and last[0][1] is b:
            return last[0][2]
        value, bad = integers.binary(op, a, b, scalar)
        if bad is None:
            last[:] = [(a, b, value)]
        else:
            _trap(frame, mask, bad, integers.WORDS[op], span, e, math)
        return value

    return integer


def _trap(frame: Frame, mask: Mask, bad: Array, text: str, span: Span, e: Expr, math: MathLibrary) -> None:
    lanes = mask.holds(bad)
    if lanes is None:
        return
    undefined = undefined_lanes(e, frame, mask, math)  # garbage in, garbage out: only what hangs on it counts
    if undefined is not None:
        lanes = lanes & ~undefined
    if lanes.any():
        frame.report("range", text, span, lanes)


def _logic(e: Binary, math: MathLibrary) -> Evaluate:
    left, right, combine = compile_expression(e.a, math), compile_expression(e.b, math), _LOGIC[e.op]
    if e.op == "xor" or not may_trap(e.b):
        return lambda frame, mask: combine(left(frame, mask), right(frame, mask))
    decided = e.op == "or"  # the value of the first operand that makes the second one moot

    def short(frame: Frame, mask: Mask) -> Array:
        first = left(frame, mask)
        rest = mask.split(~first if decided else first)[0]
        return first if rest is None else combine(first, right(frame, rest))

    return short


def _select(e: Select, math: MathLibrary) -> Evaluate:
    cond, a, b = (compile_expression(x, math) for x in (e.cond, e.a, e.b))
    narrow = may_trap(e.a) or may_trap(e.b)

    def select(frame: Frame, mask: Mask) -> Array:
        chosen = cond(frame, mask)
        if chosen.size == 1:
            return a(frame, mask) if chosen[0] else b(frame, mask)
        if not narrow:
            return np.where(chosen, a(frame, mask), b(frame, mask))
        yes, no = mask.split(chosen)
        if no is None:
            return a(frame, mask)
        if yes is None:
            return b(frame, mask)
        return np.where(chosen, a(frame, yes), b(frame, no))

    return select


def _convert(e: Convert, math: MathLibrary) -> Evaluate:
    inner, source, target, mode, span = compile_expression(e.a, math), e.a.type, e.type, e.rounding, e.span
    convert(np.zeros(1, dtype=CARRIER[source]), source, target, mode, span)  # refuses what it cannot do, before the run

    last: list[tuple[Array, Array]] = []

    def run(frame: Frame, mask: Mask) -> Array:
        a = inner(frame, mask)
        if last and last[0][0] is a:
            return last[0][1]
        value, bad = convert(a, source, target, mode, span)
        if bad is None:
            last[:] = [(a, value)]
        else:
            _trap(frame, mask, bad, f"the value does not fit {target!r}", span, e, math)
        return value

    return run


def _pack(e: Pack, math: MathLibrary) -> Evaluate:
    parts = [(compile_expression(p, math), p.type) for p in e.parts]
    wide, scalar = UNSIGNED[e.type.bytes], e.type

    def pack(frame: Frame, mask: Mask) -> Array:
        total: Array = np.zeros(1, dtype=wide)
        low = 0
        for part, kind in parts:
            total = total | to_bits(part(frame, mask), kind).astype(wide) << wide.type(low)
            low += kind.bits
        return from_bits(total, scalar)

    return pack


def may_trap(e: Expr) -> bool:
    """Whether evaluating an expression can be an event."""
    match e:
        case Binary(op=op, type=t) if t.is_int and integers.can_trap(op, t):
            return True
        case Convert(type=t, a=a) if a.type.is_float and t.is_int:
            return True
    return any(may_trap(c) for c in children(e))


def undefined_lanes(e: Expr, frame: Frame, mask: Mask, math: MathLibrary) -> NDArray[np.bool_] | None:
    """Lanes (of any thread) where an expression hangs on something undefined; None: nowhere."""
    match e:
        case Var(name=name):
            hole = frame.holes.get(name)
            return None if hole is None else hole.lanes
        case Select(cond=cond, a=a, b=b):
            chosen = compile_expression(cond, math)(frame, mask)
            arms = [undefined_lanes(x, frame, mask, math) for x in (a, b)]
            if arms[0] is None and arms[1] is None:
                return undefined_lanes(cond, frame, mask, math)
            none = np.zeros(mask.width, dtype=np.bool_)
            picked = np.where(chosen, none if arms[0] is None else arms[0], none if arms[1] is None else arms[1])
            return _either(undefined_lanes(cond, frame, mask, math), picked)
    found: NDArray[np.bool_] | None = None
    for c in children(e):
        found = _either(found, undefined_lanes(c, frame, mask, math))
    return found


def _either(a: NDArray[np.bool_] | None, b: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if a is None or b is None:
        return b if a is None else a
    return a | b
