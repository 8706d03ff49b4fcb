"""Whether every order and every contraction of the sums in an evaluation gives the same bits.

A float sum flattens through additions that read additions. It has one value in every order if all its terms are multiples
of one power of two q and together are at most 2^24 q in magnitude (every partial sum is then exact), or if it has two terms.
Products among the terms have to be exact themselves, or a fused multiply-add would see other bits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from tv.diagnostic import Unknown
from tv.graph_frontend.arithmetic import decode
from tv.replay.doubt import moved
from tv.replay.mathlib import anchored
from tv.system import Unit
from tv.term import Term

Bits = npt.NDArray[np.uint64]
Truths = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_SUMS = frozenset({"fadd.f32", "fsub.f32", "fadd.f64", "fsub.f64"})
_PRODUCTS = frozenset({"fmul.f32", "fmul.f64", "ffma.f32", "ffma.f64"})
_LIMIT = 2.0**24  # quanta that any partial sum may have
_FUNCTIONS = frozenset(
    "exp exp2 log log2 sin cos tan tanh sinh cosh asin acos atan expm1 log1p erf pow rsqrt atan2".split()
)


@dataclass(frozen=True, slots=True)
class Sum:
    """Bounds over all evaluated instances. mass: of the terms' magnitudes together; quantum: divides every term."""

    mass: float
    quantum: float
    terms: int

    @property
    def ordered(self) -> bool:
        """Whether the order of the terms might matter."""
        return self.terms > 2 and not self.mass <= self.quantum * _LIMIT

    def beside(self, other: Sum | None) -> Sum:
        """Of two sets of instances of one sum."""
        if other is None:
            return self
        return Sum(max(self.mass, other.mass), min(self.quantum, other.quantum), max(self.terms, other.terms))

    def plus(self, other: Sum) -> Sum:
        return Sum(self.mass + other.mass, min(self.quantum, other.quantum), self.terms + other.terms)


class Exactness:
    """Watches one evaluation of a graph. One object for one set of elements and all that they depend on.

    deadline: of `time.monotonic()`; an evaluation that passes it ends in Unknown.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self._deadline = deadline
        self.loose: set[str] = set()  # functions that met an argument at which their bits are not beyond doubt
        self.free_zero = False  # a reading decides the sign of some zero: sums that may start from +0, maxima
        self.exact = True  # so far, no order and no contraction can change a bit
        self._running: dict[int, Sum] = {}  # of a sum that is being folded, so far
        self._sums: dict[int, Sum] = {}
        self._units: dict[str, Sum] = {}
        self._rounded: set[int] = set()  # products that were not exact
        self._rounded_units: set[str] = set()

    # -------------------------------------------------------------- what the evaluation reports
    def operation(self, t: Term, args: list[Bits], out: Bits) -> None:
        """`t`, an operation, was applied to `args` and gave `out`."""
        self._hurry()
        head, _, label = t.name.partition(".")
        if t.name in _SUMS:
            parts = [self._part(a, decode(v, label).astype(np.float64)) for a, v in zip(t.args, args, strict=True)]
            self._joined(t, parts[0].plus(parts[1]))
        elif t.name in _PRODUCTS:
            if not _exact_product(head, label, [decode(a, label).astype(np.float64) for a in args], decode(out, label)):
                self._rounded.add(t.id)
                self.exact &= head != "ffma"
        elif head in ("fmax", "fmin"):
            self.free_zero = True
            self.exact &= not any(bool(np.isnan(decode(a, label)).any()) for a in args)
        elif head in _FUNCTIONS:
            x = [decode(a, label).astype(np.float64) for a in args]
            if not anchored(head, *x, wide=label == "f64").all():
                self.loose.add(t.name)

    def fold(self, t: Term, init: Bits, terms: Bits, present: Truths | None, *, first: bool) -> None:
        """A stretch of the reduction `t`: `terms` [steps, n]; init [n], where it starts; first: it is the first one."""
        self._hurry()
        step, start = t.args
        head, _, label = step.name.partition(".")
        self.free_zero |= step.name in _SUMS or head in ("fmax", "fmin")
        if head in ("fmax", "fmin"):
            self.exact &= not bool(np.isnan(decode(terms, label)).any())
        if step.name not in _SUMS:
            return
        contribution = next(a for a in step.args if a.kind != "hole")
        v = decode(terms, label).astype(np.float64)
        whole = self._stretch(t, contribution, v if present is None else np.where(present, v, 0.0))
        before = self._part(start, decode(init, label).astype(np.float64)) if first else self._running[t.id]
        if first and start.kind == "const" and start.bits == 0:
            before = Sum(0.0, np.inf, 0)
        self._running[t.id] = before.plus(whole)
        self._joined(t, self._running[t.id])

    def _stretch(self, t: Term, contribution: Term, v: Floats) -> Sum:
        """What [steps, n] contributions bring into a sum."""
        self.exact &= not self._is_rounded(contribution)
        inner = self._sum(contribution)
        steps = v.shape[0]
        if inner is not None:
            return Sum(inner.mass * steps, inner.quantum, inner.terms * steps)
        mass = float(np.abs(v).sum(axis=0).max(initial=0.0))
        return Sum(mass, self._quantum(v, self._sums.get(t.id)), steps)

    def unit(self, u: Unit) -> None:
        """Elements of a unit were evaluated; what reads them is told what kind of term they are."""
        found = self._sum(u.value)
        if found is not None:
            self._units[u.name] = found.beside(self._units.get(u.name))
        if self._is_rounded(u.value):
            self._rounded_units.add(u.name)

    def _hurry(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise Unknown("TV0734", "evaluating the graph takes too long")

    # -------------------------------------------------------------- sums
    def _joined(self, t: Term, found: Sum) -> None:
        self._sums[t.id] = found.beside(self._sums.get(t.id))
        self.exact &= not self._sums[t.id].ordered

    def _part(self, t: Term, v: Floats) -> Sum:
        """What an operand brings into a sum: its own terms if it is a sum, else itself."""
        self.exact &= not self._is_rounded(t)
        inner = self._sum(t)
        if inner is not None:
            return inner
        return Sum(float(np.abs(v).max(initial=0.0)), self._quantum(v, None), 1)

    def _sum(self, t: Term) -> Sum | None:
        """The sum that a term is; None for a leaf of every sum."""
        if t.id in self._sums:
            return self._sums[t.id]
        match t.kind:
            case "ref" | "input":
                return self._units.get(t.name)
            case "case":
                found = [self._sum(a) for a in t.args]
                sums = [x for x in found if x is not None]
                if not sums:
                    return None
                # Arms that are leaves have bounds that are not kept: what joins with them counts as ordered.
                return reduce(Sum.beside, sums if len(sums) == len(found) else [*sums, Sum(np.inf, 0.0, 3)])
            case "pick":
                return self._sum(t.args[0])
            case "op" if t.name.startswith("fneg."):
                return self._sum(t.args[0])
            case _:  # a select on data too: no sum is flattened through it
                return None

    def _is_rounded(self, t: Term) -> bool:
        if t.id in self._rounded:
            return True
        match t.kind:
            case "ref" | "input":
                return t.name in self._rounded_units
            case "case" | "pick":
                return any(self._is_rounded(a) for a in t.args)
            case "op" if t.name.startswith(("fneg.", "select")):
                return any(self._is_rounded(a) for a in t.args)
            case _:
                return False

    def _quantum(self, v: Floats, guess: Sum | None) -> float:
        """A power of two that divides all values; guess: a sum whose quantum may do."""
        if not np.isfinite(v).all():
            self.exact = False
            return 0.0
        if guess is not None and 0 < guess.quantum < np.inf:
            scaled = v / guess.quantum
            if (scaled == np.rint(scaled)).all():
                return guess.quantum
        nonzero = v[v != 0]
        if not nonzero.size:
            return float("inf")
        mantissa, exponent = np.frexp(nonzero)
        whole = np.abs(mantissa * 2.0**53).astype(np.int64)
        low = (whole & -whole).astype(np.float64)
        return float(np.ldexp(low, exponent - 53).min())


def varied(name: str, args: list[Bits], out: Bits, variant: int) -> Bits:
    """The result of an operation under a variant of the functions; of anything but a function, `out`."""
    head, _, label = name.partition(".")
    if head not in _FUNCTIONS:
        return out
    certain = anchored(head, *(decode(a, label).astype(np.float64) for a in args), wide=label == "f64")
    return moved(head, label, args, out, certain, variant)


def _exact_product(head: str, label: str, x: list[Floats], out: npt.NDArray[Any]) -> bool:
    """Whether a multiply (or fma) rounded nothing; f64 products are only known to be exact for small integers."""
    with np.errstate(all="ignore"):
        whole = x[0] * x[1] if head == "fmul" else x[0] * x[1] + x[2]
        if label == "f64":
            small = (x[0] == np.rint(x[0])) & (x[1] == np.rint(x[1])) & (np.abs(whole) < 2.0**50)
            return bool(small.all())
        return bool(((whole == out) | (np.isnan(whole) & np.isnan(out))).all())
