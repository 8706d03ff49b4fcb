"""Laws: rewritings of a term at its root that keep every bit (any NaN equals any NaN). Each has a name, which proofs quote.

Each is tested exhaustively on a small format and by a solver where one can (tests/test_laws.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from tv.arithmetic import fold
from tv.equiv.neighbours import FORMATS, is_nan, neighbours, width
from tv.term import Term, Terms

Law = Callable[[Terms, Term], Term | None]
LAWS: dict[str, Law] = {}
TO_THE_BIT: set[str] = set()  # those that keep the bits of NaNs too
NARROW = ("f16", "bf16")
ONE = {"f16": 0x3C00, "bf16": 0x3F80, "f32": 0x3F800000, "f64": 0x3FF0000000000000}
FLT_MAX = (2.0 - 2.0**-23) * 2.0**127


def law(name: str, to_the_bit: bool = False) -> Callable[[Law], Law]:
    """Registers a law; names are unique. to_the_bit: it keeps the bits of NaNs too, or there are none."""

    def register(f: Law) -> Law:
        if name in LAWS:
            raise ValueError(f"law {name} is registered twice")
        LAWS[name] = f
        TO_THE_BIT.update({name} if to_the_bit else ())
        return f

    return register


def rewrites(terms: Terms, t: Term) -> list[tuple[str, Term]]:
    """All laws that apply at the root of t."""
    if t.kind not in ("op", "const"):
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
    one = ONE.get(kind)
    return None if one is None else terms.op(f"fdiv.{kind}", terms.const(one, t.width), t.args[0])


@law("product-with-one")
def product_with_one(terms: Terms, t: Term) -> Term | None:
    """x * 1 = x, rounded or not; whether nvcc fuses it shows in no bit either, so that it counts as no product (S7)."""
    return beside_one(t)


def beside_one(t: Term) -> Term | None:
    """x, of a product of x and the literal 1."""
    if not is_op(t, "fmul"):
        return None
    one = ONE.get(t.name.split(".")[1])
    return next((x for x, y in (t.args, t.args[::-1]) if y.kind == "const" and y.bits == one), None)


@law("relu-of-not-positive", to_the_bit=True)
def relu_spelled_le(terms: Terms, t: Term) -> Term | None:
    """select(not (0 < x), +0, x) = select(0 < x, x, +0): a negated condition swaps the arms."""
    if t.kind == "op" and t.name == "select" and t.args[0].kind == "op" and t.args[0].name == "xor.i1":
        c, flip = t.args[0].args
        if flip.kind == "const" and flip.bits == 1:
            return terms.op("select", c, t.args[2], t.args[1])
    return None


@law("round-after-relu")
def round_after_relu(terms: Terms, t: Term) -> Term | None:
    """round16(0 < x ? x : +0) = 0 < y ? y : +0 with y = round16(x), the relu spelled fmax(x, +0) too: rounding keeps order and
    zero, a positive x that rounds to zero gives +0 on both sides, and so does NaN."""
    if not is_op(t, "cvt") or t.name not in [f"cvt.{kind}.f32" for kind in NARROW]:
        return None
    x = relu_operand(terms, t.args[0])
    if x is None:
        return None
    y, zero = terms.op(t.name, x), terms.const(0, t.width)
    return terms.op("select", terms.op(f"flt.{t.name.split('.')[1]}", zero, y), y, zero)


def relu_operand(terms: Terms, t: Term) -> Term | None:
    """x where t is 0 < x ? x : +0 in f32, in one of its spellings."""
    t = max_with_zero(terms, t) or relu_spelled_le(terms, t) or t
    if t.kind != "op" or t.name != "select":
        return None
    test, x, zero = t.args
    if zero.kind != "const" or zero.bits != 0 or test.kind != "op" or test.name != "flt.f32":
        return None
    return x if test.args[0] is zero and test.args[1] is x else None


@law("converted-constant", to_the_bit=True)
def converted_constant(terms: Terms, t: Term) -> Term | None:
    """A conversion of a float constant is a constant, rounded to nearest even."""
    if not is_op(t, "cvt") or t.args[0].kind != "const" or len(parts := t.name.split(".")) != 3:
        return None
    if not all(k in FORMATS for k in parts[1:]) or is_nan(t.args[0].bits, FORMATS[parts[2]]):
        return None
    bits = fold(t.name, [t.args[0].bits])
    return None if bits is None else terms.make("const", bits=bits, width=t.width, attr=t.args[0].attr)


@law("constant-widened-from-f16", to_the_bit=True)
def constant_of_half(terms: Terms, t: Term) -> Term | None:
    """A constant that f16 holds is that f16 constant, widened."""
    return widened_constant(terms, t, "f16")


@law("constant-widened-from-bf16", to_the_bit=True)
def constant_of_brain(terms: Terms, t: Term) -> Term | None:
    """A constant that bf16 holds is that bf16 constant, widened."""
    return widened_constant(terms, t, "bf16")


def widened_constant(terms: Terms, t: Term, kind: str) -> Term | None:
    if t.kind != "const" or t.width != 32 or is_nan(t.bits, FORMATS["f32"]):
        return None
    bits, above = neighbours(t.bits, FORMATS["f32"], FORMATS[kind])
    if bits != above or fold(f"cvt.f32.{kind}", [bits]) != t.bits:  # -0 is the neighbour +0
        return None
    return terms.op(f"cvt.f32.{kind}", terms.make("const", bits=bits, width=16, attr=t.attr))


@law("comparison-of-widened", to_the_bit=True)
def comparison_of_widened(terms: Terms, t: Term) -> Term | None:
    """Widening keeps order: widened numbers compare as they do themselves, and so with a constant that the narrow format holds.
    Of another constant c between its neighbours x < x': y < c and y <= c are y < x', c < y and c <= y are x < y."""
    return narrow_comparison(terms, t, strict=True)


@law("comparison-of-widened-or-equal", to_the_bit=True)
def comparison_of_widened_or_equal(terms: Terms, t: Term) -> Term | None:
    """With the other neighbour: y < c and y <= c are y <= x, c < y and c <= y are x' <= y."""
    return narrow_comparison(terms, t, strict=False)


def narrow_comparison(terms: Terms, t: Term, strict: bool) -> Term | None:
    head, _, wide = t.name.partition(".")
    if t.kind != "op" or head not in ("feq", "flt", "fle") or wide not in FORMATS:
        return None
    sources = {a.name.split(".")[2] for a in t.args if a.kind == "op" and a.name.startswith(f"cvt.{wide}.")}
    kind = sources.pop() if len(sources) == 1 else ""
    if kind not in FORMATS or width(FORMATS[kind]) >= width(FORMATS[wide]):
        return None
    args: list[Term] = []
    exact = True
    for i, a in enumerate(t.args):
        if a.kind == "op" and a.name == f"cvt.{wide}.{kind}":
            args.append(a.args[0])
        elif a.kind == "const" and not is_nan(a.bits, FORMATS[wide]):
            below, above = neighbours(a.bits, FORMATS[wide], FORMATS[kind])
            exact = below == above
            bits = above if strict == (i == 1) else below
            args.append(terms.make("const", bits=bits, width=width(FORMATS[kind]), attr=a.attr))
        else:
            return None
    if exact:
        return terms.op(f"{head}.{kind}", *args) if strict else None
    return None if head == "feq" else terms.op(f"{'flt' if strict else 'fle'}.{kind}", *args)
