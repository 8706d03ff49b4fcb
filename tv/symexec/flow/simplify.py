"""Building terms in normal form: bit extraction through concatenation, and cases over cells folded into one term."""

from __future__ import annotations

from functools import reduce

from tv import arithmetic
from tv.sets import Map, Set, Sets
from tv.symexec.flow.extrema import propagating
from tv.term import ARGUMENT, Term, Terms, op_head

# Rounded once and never contracted: on constants they have one value, wherever it is computed.
QUOTIENTS = frozenset(("fdiv.f32", "fsqrt.f32", "fdiv.f64", "fsqrt.f64"))


def operation(terms: Terms, name: str, args: tuple[Term, ...], attr: str, width: int) -> Term:
    """An operation, with extraction and concatenation of bits undone where they cancel, and maxima told from selects."""
    if name.startswith("extract."):
        _, low, size = name.split(".")
        return extract(terms, args[0], int(low), int(size))
    if name == "concat":
        flat = [p for a in args for p in (a.args if a.kind == "op" and a.name == "concat" else (a,))]
        if len(flat) == 1:
            return flat[0]
        if all(p.kind == "const" for p in flat):
            bits, at = 0, 0
            for p in flat:
                bits, at = bits | p.bits << at, at + p.width
            return terms.const(bits, at)
        whole = _reassembled(flat)
        return whole if whole is not None else terms.op("concat", *flat)
    if name == "select":
        extremum = propagating(terms, args)
        if extremum is not None:
            return extremum
    if name.startswith("popc") and args[0].kind == "op" and args[0].name == "concat":
        counted = _bits_counted(terms, args[0].args, width)
        if counted is not None:
            return counted
    if name.startswith("eq.i"):
        narrow = _narrow_comparison(terms, args)
        if narrow is not None:
            return narrow
    if name in QUOTIENTS and all(a.kind == "const" for a in args):
        return _quotient(terms, name, args, attr, width)
    return terms.op(name, *args, attr=attr, width=width)


def _quotient(terms: Terms, name: str, args: tuple[Term, ...], attr: str, width: int) -> Term:
    """The constant that a division or root of constants is; the compiler knows it where it knows all of them."""
    bits = arithmetic.fold(name, [a.bits for a in args])
    nan = None if bits is None else arithmetic.fold(f"fisnan.{name.split('.')[1]}", [bits])
    if bits is None or nan:
        return terms.op(name, *args, attr=attr, width=width)
    known = "" if all(a.attr != ARGUMENT for a in args) else ARGUMENT
    return terms.make("const", bits=bits, width=width, attr=known)


def _bits_counted(terms: Terms, parts: tuple[Term, ...], width: int) -> Term | None:
    """The number of bits set in what a ballot gives: the sum of its single bits."""
    if any(p.width != 1 for p in parts):
        return None
    ones = [terms.op(f"cvt.s{width}.u1", p, width=width) for p in parts if p.kind != "const" or p.bits]
    return reduce(lambda a, b: terms.op(f"add.i{width}", a, b), ones) if ones else terms.const(0, width)


def _narrow_comparison(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    """eq(widened x, c) for an integer x and a constant c of x's own type: x compared in that type, as it was before C promoted it."""
    for wide, c in (args, args[::-1]):
        parts = wide.name.split(".") if wide.kind == "op" else []
        if c.kind != "const" or len(parts) != 3 or parts[0] != "cvt" or wide.width != c.width:
            continue
        x, source = wide.args[0], parts[2]
        if parts[1][0] in "su" and source[0] in "su" and 8 <= x.width < wide.width:
            low = c.bits & ((1 << x.width) - 1)
            negative = source[0] == "s" and low >> (x.width - 1)
            if c.bits == (low | (((1 << c.width) - 1) & -(1 << x.width)) if negative else low):
                return terms.op(f"eq.i{x.width}", x, terms.make("const", bits=low, width=x.width, attr=c.attr))
    return None


def _reassembled(parts: list[Term]) -> Term | None:
    """concat(extract(x, 0, a), extract(x, a, b), ...) of all of x is x."""
    at, source = 0, None
    for p in parts:
        if p.kind != "op" or not p.name.startswith("extract."):
            return None
        if int(p.name.split(".")[1]) != at or (source is not None and p.args[0] is not source):
            return None
        source, at = p.args[0], at + p.width
    return source if source is not None and source.width == at else None


def extract(terms: Terms, t: Term, low: int, bits: int) -> Term:
    """Bits [low, low + bits) of t."""
    if low == 0 and bits == t.width:
        return t
    if t.kind == "const":
        return terms.const(t.bits >> low, bits)
    if t.kind == "op" and t.name.startswith("extract."):
        return extract(terms, t.args[0], low + int(t.name.split(".")[1]), bits)
    if t.kind == "op" and t.name == "concat":
        at, inside = 0, []
        for p in t.args:
            lo, hi = max(low, at), min(low + bits, at + p.width)
            if lo < hi:
                inside.append(extract(terms, p, lo - at, hi - lo))
            at += p.width
        return inside[0] if len(inside) == 1 else terms.op("concat", *inside)
    if t.kind == "case":
        return terms.case([(s, extract(terms, a, low, bits)) for s, a in zip(t.sets, t.args, strict=True)])
    return terms.op(f"extract.{low}.{bits}", t)


def one_operation(a: Term, b: Term) -> bool:
    """Two operations of one name: may they be one, its operands cases? Sums that may be contracted keep their products in place,
    since it hangs on that which of them is."""
    if len(a.args) != len(b.args) or a.attr != b.attr:
        return False
    summed = a.attr == "c" and op_head(a) in ("fadd", "fsub")
    return not summed or all(is_product(x) == is_product(y) for x, y in zip(a.args, b.args, strict=True))


def is_product(t: Term) -> bool:
    """May it be contracted into a sum? Negated or not."""
    while t.kind == "op" and op_head(t) == "fneg":
        t = t.args[0]
    return t.kind == "op" and op_head(t) == "fmul" and t.attr == "c"


def merge(sets: Sets, terms: Terms, pieces: list[tuple[Set, Term]], joined: dict[int, list[Map]]) -> Term:
    """A case with its pieces folded where they are one term over the union: equal terms, references to one unit, and
    operations of one kind, argument by argument. The pieces' sets are disjoint.

    joined: gets, by its id, the parts that an index was made of: on each of them a condition of the kernel holds."""
    if len(pieces) == 1:
        return pieces[0][1]
    first = pieces[0][1]
    if all(t is first for _, t in pieces):
        return first
    if all(t.kind == first.kind and t.name == first.name and t.width == first.width for _, t in pieces):
        if first.kind in ("ref", "input", "index"):
            parts = [sets.restrict_domain(t.embedding(), s) for s, t in pieces]
            new = terms.make(first.kind, name=first.name, map=reduce(sets.join, parts), width=first.width)
            if first.kind == "index":
                inner = [sets.restrict_domain(m, s) for s, t in pieces for m in joined.get(t.id, ())]
                joined[new.id] = [*joined.get(new.id, ()), *parts, *inner]
            return new
        if first.kind == "op" and all(one_operation(t, first) for _, t in pieces):
            args = tuple(
                merge(sets, terms, [(s, t.args[i]) for s, t in pieces], joined) for i in range(len(first.args))
            )
            return terms.op(first.name, *args, attr=first.attr, width=first.width)
    return terms.case(pieces)
