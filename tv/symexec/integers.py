"""C's integer arithmetic on affine values: exact over the integers, with a range check at each operator's own type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tv.kernel import Scalar
from tv.sets import TRUE, Affine, Formula, Quotient, Ranges
from tv.sets.affine import floordiv, mod, times
from tv.sets.formulas import all_of, any_of, eq, ge, lt, negate
from tv.sets.products import divide
from tv.source import Span
from tv.symexec.bitwise import bitwise
from tv.symexec.instances import Cuts
from tv.symexec.values import SIGNS, Pieces, product, type_range


@dataclass(frozen=True, slots=True)
class RangeCheck:
    """A value that must lie inside its type on `domain`: the formula that must hold there."""

    must: Formula
    what: str  # said where it may fail
    span: Span
    help: str = "compute it in a wider type: `(long long)a * b`"


@dataclass(slots=True)
class Integers:
    """ranges: of dimensions and symbols. prove: is the formula true at every instance of the place the executor stands at?

    refuse(check): records a range obligation that could not be discharged on the spot.
    """

    ranges: Ranges
    cuts: Cuts
    prove: Callable[[Formula], bool]
    refuse: Callable[[RangeCheck], None]
    wraps: list[Span] = field(default_factory=list)

    # -------------------------------------------------------------- pieces of affine arithmetic
    def quotient(self, a: Affine, k: int) -> Affine:
        self.cuts.request(a, k)
        return floordiv(a, k, self.ranges)

    def remainder(self, a: Affine, k: int) -> Affine:
        self.cuts.request(a, k)
        return mod(a, k, self.ranges)

    def holds(self, cond: Formula, f: Formula) -> bool:
        """f on every instance here where cond holds: by intervals, else by index sets."""
        if f.op == "true":
            return True
        if f.op == "ge" and f.affine is not None:
            lo, _ = f.affine.interval(self.ranges)
            if lo is not None and lo >= 0:
                return True
        if f.op == "and":
            return all(self.holds(cond, g) for g in f.args)
        if not (f.linear and cond.linear):
            return f.op == "ge" and f.affine is not None and self._at_least(f.affine)
        return self.prove(f if cond.op == "true" else _implies(cond, f))

    def _at_least(self, a: Affine) -> bool:
        """a >= 0 by intervals, each n - k floor(n / k) taken as the remainder that it is, from 0 to k - 1."""
        low = 0
        for x, c in a.terms:
            if isinstance(x, Quotient) and c % x.denominator == 0:
                copies = -c // x.denominator
                low += min(0, copies * (x.denominator - 1))
                a = a - Affine.atom(x) * c - x.numerator * copies
        least, _ = a.interval(self.ranges)
        return least is not None and least + low >= 0

    def fit(self, pieces: Pieces, t: Scalar, what: str, span: Span) -> Pieces:
        """The value as type t holds it: unchanged where proved in range; signed: an obligation; unsigned: modulo 2^bits."""
        lo, hi = type_range(t)
        out: list[tuple[Formula, Affine]] = []
        for cond, a in pieces:
            inside = all_of(ge(a, lo), ge(Affine.of(hi), a))
            if self.holds(cond, inside):
                out.append((cond, a))
            elif t.signed:
                text = f"`{SIGNS.get(what, what)}` leaves the range of its type here"
                self.refuse(RangeCheck(_implies(cond, inside), text, span))
                out.append((cond, a))
            else:
                self.wraps.append(span)
                out.append((cond, self.remainder(a, 1 << t.bits)))
        return tuple(out)

    def convert(self, pieces: Pieces, source: Scalar, target: Scalar) -> Pieces:
        """Integer conversion: modulo 2^bits into the target's range; never undefined."""
        lo, hi = type_range(target)
        slo, shi = type_range(source)
        if lo <= slo and shi <= hi:
            return pieces
        out: list[tuple[Formula, Affine]] = []
        for cond, a in pieces:
            if self.holds(cond, all_of(ge(a, lo), ge(Affine.of(hi), a))):
                out.append((cond, a))
            else:
                out.append((cond, self.remainder(a - lo, 1 << target.bits) + lo))
        return tuple(out)

    # -------------------------------------------------------------- operators
    def binary(self, op: str, t: Scalar, a: Pieces, b: Pieces, span: Span) -> Pieces | None:
        """None where the result is not affine. Division by zero and wild shifts are refused by the caller's obligation."""
        out: list[tuple[Formula, Affine]] = []
        if op == "rem" and any(y.constant == -1 for _, y in b):
            self.binary("div", t, a, b, span)  # a remainder is undefined where its quotient is
        for cond, x, y in product(a, b):
            rs = self._operate(op, t, cond, x, y, span)
            if rs is None:
                return None
            out += [(all_of(cond, c), r) for c, r in rs]
        return self.fit(tuple(out), t, op, span) if op in ("add", "sub", "mul", "shl", "div") else tuple(out)

    def _operate(self, op: str, t: Scalar, cond: Formula, x: Affine, y: Affine, span: Span) -> Pieces | None:
        k = y.constant
        match op:
            case "add":
                return ((TRUE, x + y),)
            case "sub":
                return ((TRUE, x - y),)
            case "mul":
                return ((TRUE, times(x, y)),) if x.symbolic or y.symbolic else None
            case "min":
                return self._extremum(x, y, lambda a, b: ge(b, a))
            case "max":
                return self._extremum(x, y, lambda a, b: ge(a, b))
            case "div" | "rem":
                return (
                    self._by_symbol(op, cond, x, y) if k is None else None if k == 0 else self._divide(op, cond, x, k)
                )
            case "shl" | "shr":
                if k is None or not 0 <= k < t.bits:
                    return None
                return ((TRUE, x * (1 << k) if op == "shl" else self.quotient(x, 1 << k)),)
            case "and" | "or" | "xor":
                return self._bits(op, t, cond, x, y)
            case _:
                return None

    def _extremum(self, x: Affine, y: Affine, keep: Callable[[Affine, Affine], Formula]) -> Pieces:
        c = keep(x, y)
        if self.holds(TRUE, c):
            return ((TRUE, x),)
        return ((c, x), (negate(c), y))

    def _divide(self, op: str, cond: Formula, x: Affine, k: int) -> Pieces:
        """Truncation toward zero; floor where x >= 0 is proved."""
        sign, k = (1, k) if k > 0 else (-1, -k)
        up = self.quotient(x, k) * sign if op == "div" else self.remainder(x, k)
        if self.holds(cond, ge(x)):
            return ((TRUE, up),)
        down = self.quotient(-x, k) * -sign if op == "div" else -self.remainder(-x, k)
        return ((ge(x), up), (lt(x, 0), down))

    def _by_symbol(self, op: str, cond: Formula, x: Affine, y: Affine) -> Pieces | None:
        """x = q y + r is divided by an open size y where 0 <= r < y, and x is not negative."""
        if not y.symbolic:
            return None
        q, r = divide(x, y)
        if not self.holds(cond, all_of(ge(r), lt(r, y), ge(x))):
            return None
        return ((TRUE, q if op == "div" else r),)

    def _bits(self, op: str, t: Scalar, cond: Formula, x: Affine, y: Affine) -> Pieces | None:
        if x.constant is not None and y.constant is not None:
            a, b = x.constant, y.constant
            return ((TRUE, Affine.of({"and": a & b, "or": a | b, "xor": a ^ b}[op])),)
        if x.constant is not None:
            x, y = y, x
        m = y.constant
        if m is None:
            return self._disjoint_bits(op, cond, x, y)
        if not self.holds(cond, ge(x)) and not (op == "and" and m >= 0):
            return None
        wrap = 0
        if m < 0:  # the sign bit is set: of `or` and `xor` with x >= 0 too
            m &= (1 << t.bits) - 1
            wrap = 1 << t.bits
        common = self._masked(x, m, t.bits)
        if op == "and":
            return ((TRUE, common),)
        return ((TRUE, x + (m - wrap) - common * (1 if op == "or" else 2)),)

    def _masked(self, x: Affine, m: int, bits: int) -> Affine:
        """x & m for x >= 0 (or m below 2^(bits-1)): the sum of the runs of ones in m."""
        out, low = Affine.of(0), 0
        while m >> low:
            if not (m >> low) & 1:
                low += 1
                continue
            high = low
            while (m >> high) & 1:
                high += 1
            run = self.quotient(x, 1 << low)
            out = out + (run if high >= bits else self.remainder(run, 1 << (high - low))) * (1 << low)
            low = high
        return out

    def _disjoint_bits(self, op: str, cond: Formula, x: Affine, y: Affine) -> Pieces | None:
        """x a multiple of 2^k and 0 <= y < 2^k: or and xor are sums, and is 0."""
        for hi, lo in ((x, y), (y, x)):
            k = 1
            while all(c % (2 * k) == 0 for _, c in hi.terms) and hi.const % (2 * k) == 0 and k < 1 << 40:
                k *= 2
            if k > 1 and self.holds(cond, all_of(ge(x), ge(y), lt(lo, k))):
                return ((TRUE, Affine.of(0) if op == "and" else x + y),)
        return bitwise(self, op, cond, x, y)


def _implies(cond: Formula, f: Formula) -> Formula:
    return f if cond.op == "true" else any_of(negate(cond), f)


def compare(op: str, a: Pieces, b: Pieces) -> Formula:
    """The condition under which a `op` b holds."""
    tests = {
        "eq": lambda x, y: eq(x, y),
        "ne": lambda x, y: negate(eq(x, y)),
        "lt": lambda x, y: lt(x, y),
        "le": lambda x, y: ge(y, x),
        "gt": lambda x, y: lt(y, x),
        "ge": lambda x, y: ge(x, y),
    }
    return any_of(*(all_of(c, tests[op](x, y)) for c, x, y in product(a, b)))
