"""The rules that every Kernel IR keeps: asked after every producer."""

from __future__ import annotations

from tv.kernel.expressions import (
    Binary,
    Bitcast,
    Builtin,
    Compare,
    Const,
    Expr,
    Extract,
    NotNull,
    Pack,
    Param,
    Select,
    Unary,
)
from tv.kernel.module import Kernel
from tv.kernel.statements import Aligned, Assume, If, Inside, Load, Loop, Store
from tv.kernel.traverse import assigned, children, expressions, references, walk
from tv.kernel.types import Scalar

INT_OPS = frozenset("add sub mul div rem and or xor shl shr min max".split())
FLOAT_OPS = frozenset("add sub mul div".split())
COMPARES = frozenset("eq ne lt le gt ge".split())


def _require(ok: bool, what: str, where: object) -> None:
    if not ok:
        raise TypeError(f"Kernel IR: {what}: {where!r}")


def _check_expr(e: Expr, kernel: Kernel, params: dict[str, Scalar | None]) -> None:
    for c in children(e):
        _check_expr(c, kernel, params)
    match e:
        case Const(type=t, bits=b):
            _require(0 <= b < 1 << t.bits, "constant wider than its type", e)
        case Param(type=t, name=n):
            _require(params.get(n) is t, "no such scalar parameter", e)
        case Builtin(type=t):
            _require(t is Scalar.U32, "builtins are U32", e)
        case NotNull(type=t, object=name):
            _require(
                t is Scalar.BOOL and name in kernel.objects and name in params, "null test of a pointer parameter", e
            )
        case Binary(type=t, op=op, a=a, b=b):
            if t is Scalar.BOOL:
                _require(op in ("and", "or", "xor"), "operator on bool", e)
            else:
                _require(op in (FLOAT_OPS if t.is_float else INT_OPS), "operator", e)
            _require(a.type is t and (b.type is t or (op in ("shl", "shr") and b.type.is_int)), "operand types", e)
        case Compare(type=t, op=op, a=a, b=b):
            _require(t is Scalar.BOOL and op in COMPARES and a.type is b.type, "comparison", e)
        case Select(type=t, cond=c, a=a, b=b):
            _require(c.type is Scalar.BOOL and a.type is t and b.type is t, "select", e)
        case Unary(type=t, op=op, a=a):
            _require(op in ("neg", "not") and a.type is t, "unary", e)
        case Bitcast(type=t, a=a):
            _require(a.type.bits == t.bits, "bitcast width", e)
        case Pack(type=t, parts=ps):
            _require(sum(p.type.bits for p in ps) == t.bits, "pack width", e)
        case Extract(type=t, a=a, low=low):
            _require(0 <= low and low + t.bits <= a.type.bits, "extract range", e)


def check(kernel: Kernel) -> Kernel:
    """Raises TypeError where a reader broke a rule of the IR; returns the kernel."""
    params = {p.name: p.type for p in kernel.parameters}
    types: dict[str, Scalar] = {}
    for p in kernel.parameters:
        _require((p.type is None) != (p.pointee is None), "parameter is a scalar or a pointer", p)
        if p.pointee is not None:
            _require(p.name in kernel.objects, "pointer parameter without an object", p)
    for s in walk(kernel.body):
        for v in assigned(s):
            _require(types.setdefault(v.name, v.type) is v.type, "variable with two types", v)
        for e in expressions(s):
            _check_expr(e, kernel, params)
        for r in references(s):
            _require(r.object in kernel.objects, "unknown memory object", r)
            _require(r.offset.type is Scalar.I64 and r.count in (1, 2, 4, 8, 16), "reference", r)
            _require((r.entry is None) == (kernel.objects[r.object].entries is None), "which of a table's buffers", r)
            _require(r.entry is None or r.entry.type is Scalar.I64, "which of a table's buffers", r)
        match s:
            case Load(dests=ds, ref=r):
                _require(len(ds) == r.count and all(d.type is r.type for d in ds), "load destinations", s)
            case Store(values=vs, ref=r):
                _require(len(vs) == r.count and all(v.type is r.type for v in vs), "stored values", s)
            case Aligned(object=o, offset=at, align=n):
                _require(o in kernel.objects and at.type is Scalar.I64 and n & (n - 1) == 0 < n, "alignment", s)
            case Inside(object=o, entry=i, offset=at):
                _require(o in kernel.objects and i.type is at.type is Scalar.I64, "place in a table's buffer", s)
            case If(cond=c) | Loop(cond=c) | Assume(cond=c):
                _require(c.type is Scalar.BOOL, "condition is not bool", s)
    return kernel
