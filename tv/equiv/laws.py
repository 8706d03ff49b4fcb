"""Laws: rewritings of a term at its root that keep every bit (any NaN equals any NaN). Each has a name, which proofs quote.

Each is tested exhaustively on a small format and by a solver where one can (tests/test_laws.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from tv.term import Term, Terms

Law = Callable[[Terms, Term], Term | None]
LAWS: dict[str, Law] = {}
NARROW = ("f16", "bf16")
FLT_MAX = (2.0 - 2.0**-23) * 2.0**127


def law(name: str) -> Callable[[Law], Law]:
    """Registers a law; names are unique."""

    def register(f: Law) -> Law:
        if name in LAWS:
            raise ValueError(f"law {name} is registered twice")
        LAWS[name] = f
        return f

    return register


def rewrites(terms: Terms, t: Term) -> list[tuple[str, Term]]:
    """All laws that apply at the root of t."""
    if t.kind != "op":
        return []
    found = [(name, f(terms, t)) for name, f in LAWS.items()]
    return [(name, new) for name, new in found if new is not None]


def is_op(t: Term, head: str) -> bool:
    return t.kind == "op" and t.name.split(".")[0] == head


@law("narrow-op-in-f32")
def narrow_op_in_f32(terms: Terms, t: Term) -> Term | None:
    """round16(op32(x, y)) = op16(x, y) for + - * / sqrt on exact conversions of 16-bit x, y: 24 >= 2 * 11 + 2
    (S. A. Figueroa, When is double rounding innocuous?, SIGNUM Newsletter 30(3), 1995)."""
    return narrow_op(terms, t, NARROW, "f32")


@law("narrow-op-in-f64")
def narrow_op_in_f64(terms: Terms, t: Term) -> Term | None:
    """round32(op64(x, y)) = op32(x, y) for + - * / sqrt on exact conversions of f32 x, y, and constants that are f32 numbers:
    53 >= 2 * 24 + 2 (Figueroa). A compiler knows it too: what it may contract stays so."""
    return narrow_op(terms, t, ("f32",), "f64")


def narrow_op(terms: Terms, t: Term, kinds: tuple[str, ...], wide: str) -> Term | None:
    if t.kind != "op" or len(t.args) != 1:
        return None
    parts = t.name.split(".")
    if parts[0] != "cvt" or len(parts) != 3 or parts[1] not in kinds or parts[2] != wide:
        return None
    inner, kind = t.args[0], parts[1]
    if inner.kind != "op" or inner.name not in [f"{op}.{wide}" for op in ("fadd", "fsub", "fmul", "fdiv", "fsqrt")]:
        return None
    narrow = [narrowed(terms, a, kind, wide) for a in inner.args]
    if any(a is None for a in narrow):
        return None
    attr = inner.attr if wide == "f64" else ""
    return terms.op(inner.name.replace(wide, kind), *(a for a in narrow if a is not None), attr=attr)


def narrowed(terms: Terms, t: Term, kind: str, wide: str) -> Term | None:
    """x where t is the exact widening of a narrow x, or a double constant that is a float."""
    if t.kind == "op" and t.name == f"cvt.{wide}.{kind}":
        return t.args[0]
    if t.kind == "const" and wide == "f64":
        value = struct.unpack("<d", t.bits.to_bytes(8, "little"))[0]
        if abs(value) <= FLT_MAX and struct.unpack("<f", struct.pack("<f", value))[0] == value:
            return terms.const(int.from_bytes(struct.pack("<f", value), "little"), 32)
    return None


@law("widen-then-narrow")
def widen_then_narrow(terms: Terms, t: Term) -> Term | None:
    """round16(widen32(x)) = x."""
    if is_op(t, "cvt"):
        for kind in NARROW:
            if t.name == f"cvt.{kind}.f32" and t.args[0].kind == "op" and t.args[0].name == f"cvt.f32.{kind}":
                return t.args[0].args[0]
    return None


@law("max-with-zero-is-relu")
def max_with_zero(terms: Terms, t: Term) -> Term | None:
    """fmax(x, +0) = 0 < x ? x : +0: where x is NaN both give +0, and fmax(-0, +0) = +0."""
    if not is_op(t, "fmax"):
        return None
    kind = t.name.split(".")[1]
    for x, zero in (t.args, t.args[::-1]):
        if zero.kind == "const" and zero.bits == 0:
            return terms.op("select", terms.op(f"flt.{kind}", zero, x), x, zero)
    return None


@law("reciprocal-is-division")
def reciprocal(terms: Terms, t: Term) -> Term | None:
    """rcp(x) with correct rounding is 1 / x."""
    if not is_op(t, "frcp"):
        return None
    kind = t.name.split(".")[1]
    one = {"f32": 0x3F800000, "f16": 0x3C00, "bf16": 0x3F80}.get(kind)
    return None if one is None else terms.op(f"fdiv.{kind}", terms.const(one, t.width), t.args[0])


@law("relu-of-not-positive")
def relu_spelled_le(terms: Terms, t: Term) -> Term | None:
    """select(not (0 < x), +0, x) = select(0 < x, x, +0): a negated condition swaps the arms."""
    if t.kind == "op" and t.name == "select" and t.args[0].kind == "op" and t.args[0].name == "xor.i1":
        c, flip = t.args[0].args
        if flip.kind == "const" and flip.bits == 1:
            return terms.op("select", c, t.args[2], t.args[1])
    return None
