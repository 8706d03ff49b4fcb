"""What a compiler may come to know of a kernel's values: `m - m`, `x < x`, `fminf(fmaxf(x, 1), 1)`, a round of an unrolled loop.

Its rules are not modelled. A compiler is right, so what takes two values on some data is no constant to it: operations are
evaluated on columns of numbers, and only what varies there is unknown to it. A column belongs to a buffer, so that all its
elements are alike and whatever might be equal is; each arm of a select or a case counts by itself, as a compiler may put what
follows into the arms; indices are numbers that it may know. All that may make too much known, which costs proofs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, isnan

import numpy as np

from tv.arithmetic import Bits, apply, decode
from tv.diagnostic import Unsupported
from tv.sets import Affine
from tv.system import System
from tv.term import ARGUMENT, COMPARES, Term, op_head, op_type

INTEGER = re.compile(r"[isu]\d+")
COUNT = 96  # values of a column
MOST_KNOWN, MOST_VARYING = 6, 4  # variants of a value: with more that are known it may be anything; others are left out
SPECIAL = {  # zeros, infinities, a NaN; at 16 bits of both formats
    16: (0, 0x8000, 0x7C00, 0xFC00, 0x7E00, 0x7F80, 0xFF80, 0x7FC0),
    32: (0, 1 << 31, 0xFF << 23, 0x1FF << 23, 0x7FC00000),
    64: (0, 1 << 63, 0x7FF << 52, 0xFFF << 52, 0x7FF8 << 48),
}
DEEPEST = 60  # statements that one value is followed through
EXTREMA = ("fmax", "fmin", "fmaximum", "fminimum")


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """Values that a term may take. known: which of them is one number to a compiler, though here it may be any."""

    column: Bits
    known: bool = False


class Foreseen:
    """threads: dimensions of blocks and threads. known_index: may a compiler know this index term? ranges: it knows more of
    integers, as conditions compare them."""

    def __init__(
        self, system: System, threads: Collection[str], known_index: Callable[[Term], bool], ranges: bool = False
    ) -> None:
        self.system, self.threads, self.known_index, self.ranges = system, threads, known_index, ranges
        self.rng = np.random.default_rng(1)
        self.columns: dict[tuple[str, int], Bits] = {}
        self.done: dict[int, tuple[Variant, ...] | None] = {}
        self.units: dict[str, tuple[Variant, ...] | None] = {}
        self.open: set[str] = set()

    # -------------------------------------------------------------- questions
    def may_be_known(self, t: Term) -> bool:
        """May a compiler find that the value is one number, at some instance?"""
        found = self.variants(t)
        return found is None or any(self.is_known(v, t) for v in found)

    def may_be(self, t: Term, kind: str, size: float) -> bool:
        """May it find that the value, of float type `kind`, is plus or minus `size` (for infinity: or NaN)?"""
        found = self.variants(t)
        if found is None:
            return True
        known = (v for v in found if self.is_known(v, t))
        return any(v.known or is_size(float(decode(v.column[:1], kind)[0]), size) for v in known)

    def is_known(self, v: Variant, t: Term) -> bool:
        return v.known or not varies(v.column, format_of(t))

    # -------------------------------------------------------------- values
    def variants(self, t: Term) -> tuple[Variant, ...] | None:
        """What the term may be; None: anything, and known."""
        todo = [t]
        while todo:  # the terms below first: expressions may be deep
            x = todo[-1]
            inner = [a for a in x.args if a.id not in self.done]
            if x.id in self.done or x.kind == "reduce":
                inner = []
            if inner:
                todo += inner
                continue
            todo.pop()
            if x.id not in self.done:
                self.done[x.id] = distinct(self.made(x), format_of(x))
        return self.done[t.id]

    def made(self, t: Term) -> Iterator[Variant] | None:
        match t.kind:
            case "const" if t.attr != ARGUMENT:
                return iter([Variant(np.full(COUNT, t.bits, np.uint64))])
            case "const" | "load" | "pick":
                return iter([Variant(self.column(f"{t.kind} {t.id}", t.width))])
            case "input":
                return iter([Variant(self.column(t.name, t.width))])
            case "index":
                return iter([Variant(self.column(f"index {t.id}", t.width), self.known_index(t))])
            case "hole" | "undefined":
                return iter([Variant(self.column(t.kind, t.width), True)])
            case "ref":
                return self.of_unit(t.name)
            case "case":
                return self.joined(t.args)
            case "op" if t.name == "select":
                return self.joined(t.args[1:])
            case "op":
                return self.of_operation(t)
            case "reduce":
                return self.of_reduction(t)
            case _:
                raise TypeError(f"a kernel's term of kind `{t.kind}`")

    def joined(self, arms: Sequence[Term]) -> Iterator[Variant] | None:
        found = [self.variants(a) for a in arms]
        return None if any(f is None for f in found) else (v for f in found for v in f or ())

    def of_operation(self, t: Term) -> Iterator[Variant] | None:
        found = [self.variants(a) for a in t.args]
        if any(f is None for f in found):
            return None
        out = [self.applied(t, combination) for combination in product(*(f or () for f in found))]
        if self.ranges and is_integral(t):
            out.append(Variant(self.column(f"range {t.id}", t.width), True))
        return iter(out)

    def applied(self, t: Term, args: Sequence[Variant]) -> Variant:
        """An operation on variants: known where all of them are, or where what is known of one may decide."""
        columns = [v.column for v in args]
        try:
            column = concatenated(t, columns) if t.name == "concat" else apply(t.name, columns)
        except Unsupported:
            column = self.column(f"op {t.id}", t.width)
        wild = any(v.known for v in args)
        if not wild:
            constant = not any(varies(c, format_of(a)) for c, a in zip(columns, t.args, strict=True))
            return Variant(column, constant and op_head(t) not in EVALUATED)
        rest = [(v, a) for v, a in zip(args, t.args, strict=True) if not self.is_known(v, a)]
        return Variant(column, not rest or absorbs(t))

    def of_reduction(self, t: Term) -> Iterator[Variant] | None:
        """A round's result, and what the fold starts from where the rounds around it decide that none runs."""
        step, init = t.args
        found = self.variants(step)
        start = self.variants(init) if self.may_be_empty(t) else ()
        return None if found is None or start is None else iter([*start, *found])

    def may_be_empty(self, t: Term) -> bool:
        """Is there a round of the loops around the fold in which it has no round of its own, whichever the thread?"""
        sets, some = self.system.sets, self.system.sets.domain(t.embedding())
        scope = self.system.scopes[sets.source_name(t.embedding())]
        loops = [d for d in scope.dims if d not in self.threads]
        name = f"{scope.name}_rounds"
        rounds = sets.map(scope.name, scope.dims, scope.domain, name, [Affine.dim(d) for d in loops])
        all_of_them, running = sets.range(rounds), sets.range(sets.restrict_domain(rounds, some))
        return not sets.empty(sets.minus(all_of_them, running))

    def of_unit(self, name: str) -> Iterator[Variant] | None:
        """A statement's value. Around a loop: what it starts from, and data if a round brings any, else a number."""
        value = self.system.units[name].value
        if name not in self.units and name not in self.open and len(self.open) <= DEEPEST:
            self.open.add(name)
            try:
                self.units[name] = self.variants(value)
            finally:
                self.open.discard(name)
        if name in self.units:
            found = self.units[name]
            return None if found is None else iter(found)
        if len(self.open) > DEEPEST:
            return None
        arms = value.args if value.kind == "case" else (value,)
        starts = [Variant(np.full(COUNT, a.bits, np.uint64)) for a in arms if a.kind == "const"]
        later = Variant(self.column(f"ref {name}", value.width), not self.rests_on_data(value))
        return iter([*starts, later])

    def rests_on_data(self, value: Term) -> bool:
        """Is there data in every arm of a value, constants apart, that another round makes?"""
        arms = [a for a in (value.args if value.kind == "case" else (value,)) if a.kind != "const"]
        return all(any(x.kind in ("input", "load", "pick") for x in self.below(a)) for a in arms)

    def below(self, root: Term) -> Iterator[Term]:
        """Every term that a value is made of, through statements."""
        seen, todo = {root.id}, [root]
        while todo:
            t = todo.pop()
            yield t
            inner = (*t.args, self.system.units[t.name].value) if t.kind == "ref" else t.args
            for a in inner:
                if a.id not in seen:
                    seen.add(a.id)
                    todo.append(a)

    def holds_integers(self, t: Term) -> bool:
        """Is the value made with an integer that is data, of which a compiler may know a range?"""
        return any(x.kind == "op" and (is_integral(x) or INTEGER.fullmatch(op_type(x.name))) for x in self.below(t))

    # -------------------------------------------------------------- columns
    def column(self, name: str, width: int) -> Bits:
        """Values of a buffer: special ones, small floats and integers, any bits."""
        if (name, width) not in self.columns:
            self.columns[name, width] = self.drawn(width)
        return self.columns[name, width]

    def drawn(self, width: int) -> Bits:
        top = (1 << width) - 1
        anything = self.rng.integers(0, top, COUNT, np.uint64, endpoint=True)
        small = self.rng.integers(0, min(top, 9), COUNT, np.uint64, endpoint=True)
        floats = (self.rng.integers(-90, 90, COUNT) / 8).astype({16: np.float16, 64: np.float64}.get(width, np.float32))
        bits = floats.view(f"u{floats.itemsize}").astype(np.uint64) & np.uint64(top)
        special = np.resize(np.array(SPECIAL.get(width, (0, top)), np.uint64), COUNT)
        return np.choose(self.rng.integers(0, 4, COUNT), [anything, small, bits, special]).astype(np.uint64)


# ------------------------------------------------------------------------------------------------ terms and columns
# A known call has a value that depends on who evaluates it.
EVALUATED = frozenset(
    "fadd fsub fmul fdiv fsqrt fneg fabs fmax fmin fmaximum fminimum ffma feq flt fle fisnan cvt extract concat add sub mul sdiv "
    "udiv srem urem and or xor shl lshr ashr eq ult ule slt sle".split()
)


def varies(column: Bits, label: str) -> bool:
    """Are there two values in it? All NaN are one."""
    if label:
        nan = np.isnan(decode(column, label))
        if nan.any():
            return not nan.all()
    return bool((column != column[0]).any())


def is_size(value: float, size: float) -> bool:
    return abs(value) == size or (size == inf and isnan(value))


def distinct(found: Iterator[Variant] | None, label: str) -> tuple[Variant, ...] | None:
    """Variants without repetition, not too many; None where too many are known."""
    if found is None:
        return None
    known: dict[tuple[bytes, bool], Variant] = {}
    varying: dict[bytes, Variant] = {}
    for v in found:
        if not v.known and varies(v.column, label):
            if len(varying) < MOST_VARYING:
                varying.setdefault(v.column.tobytes(), v)
        else:
            known.setdefault((v.column.tobytes(), v.known), v)
    return (*known.values(), *varying.values()) if len(known) <= MOST_KNOWN else None


def format_of(t: Term) -> str:
    """The float format of a value, as far as its operation tells; "" for bits."""
    if t.kind != "op" or op_head(t) in COMPARES:
        return ""
    label = t.name.split(".")[1] if "." in t.name else ""
    return label if label in ("f16", "bf16", "f32", "f64") else ""


def absorbs(t: Term) -> bool:
    """May one operand decide the result alone (`m * 0`, `fmaxf(x, inf)`)?"""
    head = op_head(t)
    if head in COMPARES or head in EXTREMA:
        return True
    if head in ("fadd", "fsub", "fmul", "fdiv", "ffma"):
        return any(is_integral(a) for a in t.args)
    return INTEGER.fullmatch(op_type(t.name)) is not None and head not in ("add", "sub", "xor")


def is_integral(t: Term) -> bool:
    """An integer converted to a float: never a NaN or -0, and a compiler computes with the integer if it likes."""
    return t.kind == "op" and op_head(t) == "cvt" and INTEGER.fullmatch(t.name.split(".")[2]) is not None


def concatenated(t: Term, columns: Sequence[Bits]) -> Bits:
    out, at = np.zeros(COUNT, np.uint64), 0
    for part, x in zip(t.args, columns, strict=True):
        out, at = out | x << np.uint64(at), at + part.width
    return out


def compares_integers(t: Term) -> bool:
    """A comparison of integers: where it holds or fails, a compiler knows more of what they may be."""
    return t.kind == "op" and op_head(t) in COMPARES and INTEGER.fullmatch(op_type(t.name)) is not None


def compares_floats(t: Term) -> bool:
    return t.kind == "op" and op_head(t) in ("feq", "flt", "fle")
