"""Evaluation of Kernel IR expressions to symbolic values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tv import kernel as ir
from tv.diagnostic import Unknown, Unsupported
from tv.kernel import Scalar
from tv.sets import FALSE, TRUE, Affine, Formula
from tv.sets.formulas import all_of, any_of, eq, negate, within
from tv.source import NOWHERE
from tv.symexec.data_ranges import NOTHING, Given, Range, combine, float_range, ordered, range_of, unnarrowed
from tv.symexec.integers import Integers, RangeCheck, compare
from tv.symexec.values import SIGNS, Node, Value, as_signed, integer, node_const, node_of, nodes_of, type_range
from tv.term import DOUBTFUL

INT_NAME = {
    "div": ("udiv", "sdiv"),
    "rem": ("urem", "srem"),
    "shr": ("lshr", "ashr"),
    "min": ("umin", "smin"),
    "max": ("umax", "smax"),
}
EXACT = {"sqrt": "fsqrt", "fma": "ffma", "fmax": "fmax", "fmin": "fmin", "fabs": "fabs"}
BITS: dict[str, Callable[[int], int]] = {
    "popc": lambda x: x.bit_count(),
    "clz": lambda x: 32 - x.bit_length(),
    "ffs": lambda x: (x & -x).bit_length(),
    "brev": lambda x: int(f"{x:032b}"[::-1], 2),
}  # of 32-bit integers


def label(t: Scalar) -> str:
    """The type's label inside an operation's name."""
    if t.is_float:
        return t.label
    return "u1" if t is Scalar.BOOL else f"{'s' if t.signed else 'u'}{t.bits}"


class Evaluator:
    """read: the value of a variable, here and now. scalars: kernel parameters. builtins: `threadIdx.x` and kin.
    decided: what a comparison of values that are not affine is known to be. advice: what could be stated of data in values.
    kept: what is known of the data in an operation's operands that the launch itself keeps, or hands from lane to lane."""

    def __init__(
        self,
        integers: Integers,
        read: Callable[[ir.Var], Value],
        scalars: dict[str, Value],
        builtins: dict[str, Affine],
        fmad: bool,
        decided: Callable[[str, Value, Value], Formula | None] = lambda op, a, b: None,
        advice: Callable[..., str | None] = lambda *values: None,
        kept: Callable[[ir.Expr, Value, Value], Given] = lambda e, a, b: NOTHING,
    ) -> None:
        self.integers, self.read, self.scalars, self.builtins, self.fmad = integers, read, scalars, builtins, fmad
        self.decided, self.advice, self.kept = decided, advice, kept

    def value(self, e: ir.Expr) -> Value:
        match e:
            case ir.Const(type=t, bits=b):
                if t is Scalar.BOOL:
                    return Value(t, formula=TRUE if b else negate(TRUE))
                return Value(t, node=node_const(b, t.bits)) if t.is_float else integer(t, as_signed(b, t))
            case ir.Var():
                return self.read(e)
            case ir.Param(name=n):
                return self.scalars[n]
            case ir.Builtin(name=n):
                return integer(Scalar.U32, self.builtins[n])
            case ir.Unary():
                return self.unary(e)
            case ir.Binary():
                return self.binary(e)
            case ir.Compare():
                return self.comparison(e)
            case ir.Select(type=t, cond=c, a=a, b=b):
                return choose(t, self.value(c), self.value(a), self.value(b))
            case ir.Convert(type=t, a=a, rounding=r):
                v = self.convert(t, self.value(a), r)
                return (
                    v
                    if v.node is None
                    else Value(v.type, node=replace(v.node, span=e.span if v.node.span == NOWHERE else v.node.span))
                )
            case ir.Bitcast(type=t, a=a):
                return self.bitcast(t, self.value(a))
            case ir.Pack(type=t, parts=ps):
                return Value(t, node=Node("op", t.bits, "concat", tuple(node_of(self.value(p)) for p in ps)))
            case ir.Extract(type=t, a=a, low=low):
                return Value(t, node=Node("op", t.bits, f"extract.{low}.{t.bits}", (node_of(self.value(a)),)))
            case ir.Call():
                return self.call(e)
            case _:
                raise Unsupported("TV0501", f"expression `{type(e).__name__}` has no symbolic meaning")

    # -------------------------------------------------------------- operators
    def unary(self, e: ir.Unary) -> Value:
        a, t = self.value(e.a), e.type
        if t is Scalar.BOOL and e.op == "not":
            if a.formula is not None:
                return Value(t, formula=negate(a.formula))
            return Value(t, node=Node("op", 1, "xor.i1", (node_of(a), node_const(1, 1))))
        if t.is_float and e.op == "neg":
            return Value(t, node=Node("op", t.bits, f"fneg.{t.label}", (node_of(a),)))
        if a.pieces is not None:
            if e.op == "neg":
                return Value(t, pieces=self.integers.fit(tuple((c, -x) for c, x in a.pieces), t, "neg", e.span))
            top = -1 if t.signed else (1 << t.bits) - 1
            return Value(t, pieces=tuple((c, -x + top) for c, x in a.pieces))
        if e.op == "neg":
            self.inside("sub", t, Value(t, node=node_const(0, t.bits)), a, e)
        name, other = ("sub", node_const(0, t.bits)) if e.op == "neg" else ("xor", node_const(-1, t.bits))
        args = (other, node_of(a)) if name == "sub" else (node_of(a), other)
        return Value(t, node=Node("op", t.bits, f"{name}.i{t.bits}", args))

    def binary(self, e: ir.Binary) -> Value:
        a, b, t = self.value(e.a), self.value(e.b), e.type
        if t.is_float:
            attr = "c" if self.fmad and not e.rn and e.op in ("add", "sub", "mul") else ""
            name, args = f"f{e.op}.{t.label}", (node_of(a), node_of(b))
            source = e if attr and e.op != "mul" else None
            return Value(t, node=Node("op", t.bits, name, args, attr=attr, span=e.span, source=source))
        if t is Scalar.BOOL:
            return logic(e.op, a, b)
        self.defined(e, b)
        if a.pieces is not None and b.pieces is not None:
            pieces = self.integers.binary(e.op, t, a.pieces, b.pieces, e.span)
            if pieces is not None:
                return Value(t, pieces=pieces)
        known = self.inside(e.op, t, a, b, e)
        names = INT_NAME.get(e.op)
        name = e.op if names is None else names[int(t.signed)]
        args = node_of(a), node_of(b)
        return Value(t, node=Node("op", t.bits, f"{name}.i{t.bits}", args, span=e.span, known=known))

    def inside(self, op: str, t: Scalar, a: Value, b: Value, e: ir.Unary | ir.Binary | ir.Call) -> Range | None:
        """Signed arithmetic on data: overflow is undefined, and a compiler uses that. The result's range, where it takes what the
        launch keeps to know it."""
        if not t.signed or op not in ("add", "sub", "mul", "shl", "div", "rem"):
            return None
        low, high = type_range(t)

        def result(given: Given) -> Range | None:
            x, y = (range_of(v, self.integers.ranges, given) for v in (a, b))
            found = combine("div" if op == "rem" else op, x, y)
            return found if low <= found[0] and found[1] <= high else None

        if result(NOTHING) is not None:
            return None
        known = result(self.kept(e, a, b))
        if known is None:
            text = f"`{SIGNS[op]}` on values that depend on data may leave the range of its type, which is undefined"
            raise Unknown("TV0525", text, e.span, self.advice(a, b) or "compute it in an unsigned type, where it wraps")
        return known if op in ("add", "sub", "mul") else None

    def defined(self, e: ir.Binary, b: Value) -> None:
        """A division by zero, or a shift past the width, is undefined even where its result is not used (S19)."""
        if e.op not in ("div", "rem", "shl", "shr"):
            return
        if b.pieces is None:
            raise Unknown(
                "TV0521",
                f"`{SIGNS[e.op]}` by a value that depends on data",
                e.span,
                "divide or shift by an index or a constant",
            )
        for c, x in b.pieces:
            must = within(x, e.type.bits) if e.op in ("shl", "shr") else negate(eq(x))
            if not self.integers.holds(c, must):
                shifts = e.op in ("shl", "shr")
                text = "a shift by as many bits as the type has, or more" if shifts else "a division by zero"
                self.integers.refuse(RangeCheck(any_of(negate(c), must), text, e.span, "guard it with a condition"))

    def comparison(self, e: ir.Compare) -> Value:
        a, b, t = self.value(e.a), self.value(e.b), e.a.type
        if t is Scalar.BOOL and e.op in ("eq", "ne"):
            differ = logic("xor", a, b)
            return differ if e.op == "ne" else logic("xor", differ, Value(t, formula=TRUE))
        if a.pieces is not None and b.pieces is not None:
            return Value(Scalar.BOOL, formula=compare(e.op, a.pieces, b.pieces))
        if (known := self.decided(e.op, a, b)) is not None:
            return Value(Scalar.BOOL, formula=known)
        x, y = node_of(a), node_of(b)
        if not t.is_float:
            sure = ordered(e.op, range_of(a, self.integers.ranges), range_of(b, self.integers.ranges))
            if sure is not None and not any(n.kind == "undefined" for z in (x, y) for n in nodes_of(z)):
                return Value(Scalar.BOOL, formula=TRUE if sure else FALSE)
            t, x, y = unnarrowed(t, x, y, self.integers.ranges)
        if e.op in ("gt", "ge"):
            x, y = y, x
        base = {"eq": "eq", "ne": "eq", "lt": "lt", "le": "le", "gt": "lt", "ge": "le"}[e.op]
        if t.is_float:
            name = f"f{base}.{t.label}"
        else:
            name = f"{base if base == 'eq' else ('s' if t.signed else 'u') + base}.i{t.bits}"
        n = Node("op", 1, name, (x, y), span=e.span)
        return Value(Scalar.BOOL, node=Node("op", 1, "xor.i1", (n, node_const(1, 1))) if e.op == "ne" else n)

    def call(self, e: ir.Call) -> Value:
        t = e.type
        if t.signed and not t.is_float and e.function == "abs":
            self.inside("sub", t, Value(t, node=node_const(0, t.bits)), self.value(e.args[0]), e)
        values = [self.value(a) for a in e.args]
        if e.function in BITS and values[0].constant is not None:
            return integer(t, as_signed(BITS[e.function](values[0].constant & 0xFFFFFFFF), t))
        args = tuple(node_of(v) for v in values)
        return Value(t, node=Node("op", t.bits, f"{EXACT.get(e.function, e.function)}.{t.label}", args, span=e.span))

    # -------------------------------------------------------------- conversions
    def convert(self, t: Scalar, a: Value, rounding: str) -> Value:
        s = a.type
        if s is t:
            return a
        if s.is_float and not t.is_float and t is not Scalar.BOOL:
            return Value(t, node=truncated(t, s, node_of(a), rounding))
        if t is Scalar.BOOL:
            if a.pieces is not None:
                return Value(t, formula=negate(any_of(*(all_of(c, eq(x)) for c, x in a.pieces))))
            zero = node_const(0, s.bits)
            test = Node("op", 1, f"feq.{s.label}" if s.is_float else f"eq.i{s.bits}", (node_of(a), zero))
            return Value(t, node=Node("op", 1, "xor.i1", (test, node_const(1, 1))))
        if a.formula is not None:
            a = Value(Scalar.U8, pieces=((a.formula, Affine.of(1)), (negate(a.formula), Affine.of(0))))
            s = Scalar.U8
        if a.pieces is not None and not t.is_float:
            return Value(t, pieces=self.integers.convert(a.pieces, s, t))
        exact = 24 if t is Scalar.F32 else 53  # integers of so many bits are floats themselves, whatever the rounding
        if a.constant is not None and t in (Scalar.F32, Scalar.F64) and abs(a.constant) < 1 << exact:
            kind = np.float32 if t is Scalar.F32 else np.float64
            return Value(t, node=node_const(int.from_bytes(kind(a.constant).tobytes(), "little"), t.bits))
        if not s.is_float and not t.is_float and t.bits == s.bits:
            return Value(t, node=node_of(a), lanes=a.lanes)
        if not s.is_float and not t.is_float and t.bits < s.bits:
            return Value(t, node=Node("op", t.bits, f"extract.0.{t.bits}", (node_of(a),)))
        suffix = "" if rounding == "rn" or not t.is_float else f".{rounding}"
        if a.pieces is not None and s is not Scalar.U64:  # one integer is one float, whatever type it had
            a, s = Value(Scalar.I64, pieces=a.pieces), Scalar.I64
        return Value(t, node=Node("op", t.bits, f"cvt.{label(t)}.{label(s)}{suffix}", (node_of(a),)))

    def bitcast(self, t: Scalar, a: Value) -> Value:
        if a.pieces is not None and not t.is_float:
            return Value(t, pieces=self.integers.convert(a.pieces, a.type, t))
        return Value(t, node=node_of(a))


def truncated(t: Scalar, s: Scalar, n: Node, rounding: str) -> Node:
    """A float as an integer, toward zero. Outside the type's range that is undefined, but for the conversion that saturates."""
    name = f"cvt.{label(t)}.{label(s)}"
    if rounding == "sat":
        return Node("op", t.bits, f"{name}.sat", (n,))
    low, high = type_range(t)
    known = float_range(n, s.label)
    fits = known is not None and low - 1 < known[0] and known[1] < high + 1
    return Node("op", t.bits, name, (n,), attr="" if fits else DOUBTFUL)


def logic(op: str, a: Value, b: Value) -> Value:
    """and, or, xor of two booleans."""
    if a.formula is not None and b.formula is not None:
        f, g = a.formula, b.formula
        if op == "and":
            return Value(Scalar.BOOL, formula=all_of(f, g))
        if op == "or":
            return Value(Scalar.BOOL, formula=any_of(f, g))
        return Value(Scalar.BOOL, formula=any_of(all_of(f, negate(g)), all_of(negate(f), g)))
    return Value(Scalar.BOOL, node=Node("op", 1, f"{op}.i1", (node_of(a), node_of(b))))


def choose(t: Scalar, c: Value, a: Value, b: Value) -> Value:
    """c ? a : b."""
    if a is b:
        return a
    f = c.formula
    if f is None:
        return Value(t, node=Node("op", t.bits, "select", (node_of(c), node_of(a), node_of(b))))
    if f.op == "true":
        return a
    if f.op == "false":
        return b
    if t is Scalar.BOOL and a.formula is not None and b.formula is not None:
        return Value(t, formula=any_of(all_of(f, a.formula), all_of(negate(f), b.formula)))
    if a.pieces is not None and b.pieces is not None:
        chosen = [(all_of(f, k), x) for k, x in a.pieces] + [(all_of(negate(f), k), x) for k, x in b.pieces]
        return Value(t, pieces=tuple((k, x) for k, x in chosen if k.op != "false"))
    return Value(t, node=Node("case", t.bits, args=(node_of(a), node_of(b)), conditions=(f, negate(f))))
