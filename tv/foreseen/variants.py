"""What a term may be to a compiler: columns of values, of which one value throughout is a number that it knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isnan

import numpy as np

from tv.arithmetic import Bits, decode
from tv.term import COMPARES, Term, op_head, op_type

INTEGER = re.compile(r"[isu]\d+")
COUNT = 96  # values of a column
MOST, FEW = 16, 4  # variants of a value; with more it may be anything
SPECIAL = {  # zeros, infinities, a NaN; at 16 bits of both formats
    16: (0, 0x8000, 0x7C00, 0xFC00, 0x7E00, 0x7F80, 0xFF80, 0x7FC0),
    32: (0, 1 << 31, 0xFF << 23, 0x1FF << 23, 0x7FC00000),
    64: (0, 1 << 63, 0x7FF << 52, 0xFFF << 52, 0x7FF8 << 48),
}
EXTREMA = ("fmax", "fmin", "fmaximum", "fminimum", "fupper", "flower")
FLOAT_ARITHMETIC = ("fadd", "fsub", "fmul", "fdiv", "ffma")


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """Values that a term may take. open: it rests on numbers that a compiler knows, though here they may be any."""

    column: Bits
    open: bool = False


class Columns:
    """Values of buffers, made on demand and once."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)
        self._made: dict[tuple[str, int], Bits] = {}

    def column(self, name: str, width: int) -> Bits:
        """Values of a buffer: special ones, small floats and integers, any bits."""
        if (name, width) not in self._made:
            self._made[name, width] = self._drawn(width)
        return self._made[name, width]

    def number(self, name: str, width: int) -> Variant:
        """Some number that a compiler knows."""
        return Variant(np.full(COUNT, self.column(f"number {name}", width)[COUNT // 2], np.uint64), True)

    def _drawn(self, width: int) -> Bits:
        top = (1 << width) - 1
        anything = self._rng.integers(0, top, COUNT, np.uint64, endpoint=True)
        small = self._rng.integers(0, min(top, 9), COUNT, np.uint64, endpoint=True)
        floats = (self._rng.integers(-90, 90, COUNT) / 8).astype(
            {16: np.float16, 64: np.float64}.get(width, np.float32)
        )
        bits = floats.view(f"u{floats.itemsize}").astype(np.uint64) & np.uint64(top)
        special = np.resize(np.array(SPECIAL.get(width, (0, top)), np.uint64), COUNT)
        return np.choose(self._rng.integers(0, 4, COUNT), [anything, small, bits, special]).astype(np.uint64)


def nan(width: int) -> Variant:
    """NaN in each format of which the value may be made: 0x7FFF is one at 16 bits, and so are several of it of the wider formats."""
    return Variant(np.full(COUNT, sum(0x7FFF << k for k in range(0, width, 16)) & ((1 << width) - 1), np.uint64))


def is_nan(v: Variant, t: Term) -> bool:
    """Is it the NaN that stands for all of them?"""
    return bool((v.column == nan(t.width).column).all())


def one_nan(column: Bits, t: Term) -> Bits:
    """The column of an operation's results with all NaN alike: what refers to it says no format, by which they would be."""
    kind = format_of(t)
    return np.where(np.isnan(decode(column, kind)), nan(t.width).column, column) if kind else column


def varies(column: Bits, label: str) -> bool:
    """Are there two values in it? All NaN are one."""
    if label:
        nan = np.isnan(decode(column, label))
        if nan.any():
            return not nan.all()
    return bool((column != column[0]).any())


def is_size(value: float, size: float) -> bool:
    return abs(value) == size or (size == inf and isnan(value))


def is_known(v: Variant, t: Term) -> bool:
    return not varies(v.column, format_of(t))


def distinct(found: Iterator[Variant] | None, t: Term) -> tuple[Variant, ...] | None:
    """Variants without repetition; None where they are too many. Of float arithmetic a few of those that vary will do: it
    cancels nothing, as it may meet a NaN."""
    if found is None:
        return None
    known: dict[object, Variant] = {}
    varying: dict[object, Variant] = {}
    few = t.kind == "op" and op_head(t) in FLOAT_ARITHMETIC and not any(is_integral(a) for a in t.args)
    for v in found:
        group = known if is_known(v, t) else varying
        if group is known or not few or len(varying) < FEW:
            group.setdefault(likeness(v, t), v)
    return None if max(len(known), len(varying)) > MOST else (*known.values(), *varying.values())


def likeness(v: Variant, t: Term) -> object:
    """Two variants of t of which one says all: the same values, all NaN being one. Of a maximum or minimum of data, the same least
    and greatest: the next one with a constant gives that or data, and arithmetic meets an infinity."""
    kind = format_of(t)
    if not kind:
        return v.column.tobytes(), v.open
    missing = np.isnan(values := decode(v.column, kind))
    if op_head(t) in EXTREMA and varies(v.column, kind):
        return float(values[~missing].min()), float(values[~missing].max()), bool(missing.any()), v.open
    return one_nan(v.column, t).tobytes(), v.open


def format_of(t: Term) -> str:
    """The float format of a value, as far as its operation tells; "" for bits."""
    if t.kind != "op" or op_head(t) in COMPARES:
        return ""
    label = t.name.split(".")[1] if "." in t.name else ""
    return label if label in ("f16", "bf16", "f32", "f64") else ""


def computes_integers(t: Term) -> bool:
    """Integer arithmetic, or float arithmetic on integers that were converted, which a compiler may do as the former."""
    head = op_head(t)
    if head in FLOAT_ARITHMETIC:
        return any(is_integral(a) for a in t.args) and all(is_integral(a) or a.kind == "const" for a in t.args)
    return INTEGER.fullmatch(op_type(t.name)) is not None and head not in COMPARES


def finite(known: Sequence[Variant], kind: str) -> bool:
    """Of values that a compiler knows: is each a finite number, and surely this one?"""
    return all(not v.open and bool(np.isfinite(decode(v.column[:1], kind)[0])) for v in known)


def is_number(v: Variant, kind: str) -> bool:
    """Other than zero: of NaN no comparison holds, and none tells what it was compared with."""
    value = float(decode(v.column[:1], kind)[0])
    return value != 0.0 and not isnan(value)


def is_integral(t: Term) -> bool:
    """An integer converted to a float: never a NaN or -0, and a compiler computes with the integer if it likes."""
    return t.kind == "op" and op_head(t) == "cvt" and INTEGER.fullmatch(t.name.split(".")[2]) is not None


def concatenated(t: Term, columns: Sequence[Bits]) -> Bits:
    out, at = np.zeros(COUNT, np.uint64), 0
    for part, x in zip(t.args, columns, strict=True):
        out, at = out | x << np.uint64(at), at + part.width
    return out


def is_integer(t: Term) -> bool:
    """An operation that makes an integer, or a float of one."""
    return t.kind == "op" and (is_integral(t) or INTEGER.fullmatch(op_type(t.name)) is not None)
