"""Whether every order and every contraction of the sums in an evaluation gives the same bits.

That is so where all terms that float additions join are multiples of one power of two q, and no flattened sum's
terms exceed 2^24 q together in magnitude: then every partial sum, in every order, is exact. Products that feed an addition
have to be exact themselves, or a fused multiply-add would see other bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tv.graph_frontend.arithmetic import decode
from tv.replay.mathlib import anchored
from tv.system import Unit
from tv.term import Term

Bits = npt.NDArray[np.uint64]
Truths = npt.NDArray[np.bool_]
_SUMS = frozenset({"fadd.f32", "fsub.f32", "fadd.f64", "fsub.f64"})
_PRODUCTS = frozenset({"fmul.f32", "fmul.f64", "ffma.f32", "ffma.f64"})
_LIMIT = 24  # significant bits that any sum may need
_FUNCTIONS = frozenset(
    "exp exp2 log log2 sin cos tan tanh sinh cosh asin acos atan expm1 log1p erf pow rsqrt atan2".split()
)


class Exactness:
    """Watches one evaluation of a graph. One object for one set of elements and all that they depend on."""

    def __init__(self) -> None:
        self.loose: set[str] = set()  # functions that met an argument at which their bits are not beyond doubt
        self._quantum: float | None = None  # all joined terms are multiples of it
        self.free_zero = False  # a reading decides the sign of some zero: sums that may start from +0, maxima
        self._running: dict[int, float] = {}  # of a sum that is being folded: its mass so far
        self._mass: dict[int, float] = {}  # of sums: the magnitude of their flattened terms together, at most
        self._units: dict[str, tuple[bool, float]] = {}  # of units: is a sum, its mass
        self._rounded: set[int] = set()  # products that were not exact
        self._rounded_units: set[str] = set()
        self._worst = 0.0
        self._failed = False

    @property
    def exact(self) -> bool:
        """Whether no order and no contraction can change a bit of what was evaluated."""
        if self._failed:
            return False
        return self._quantum is None or self._worst <= self._quantum * 2.0**_LIMIT

    # -------------------------------------------------------------- what the evaluation reports
    def operation(self, t: Term, args: list[Bits], out: Bits) -> None:
        """`t`, an operation, was applied to `args` and gave `out`."""
        head, _, label = t.name.partition(".")
        if t.name in _SUMS:
            self._join(t, [(a, v) for a, v in zip(t.args, args, strict=True)], label)
        elif t.name in _PRODUCTS:
            if not _exact_product(head, label, [decode(a, label).astype(np.float64) for a in args], decode(out, label)):
                self._rounded.add(t.id)
                self._failed |= head == "ffma"
        elif head in ("fmax", "fmin"):
            self.free_zero = True
            self._failed |= any(bool(np.isnan(decode(a, label)).any()) for a in args)
        elif head in _FUNCTIONS:
            x = [decode(a, label).astype(np.float64) for a in args]
            if not anchored(head, *x, wide=label == "f64").all():
                self.loose.add(t.name)

    def _join(self, t: Term, operands: list[tuple[Term, Bits]], label: str) -> None:
        self._mass[t.id] = max(self._mass.get(t.id, 0.0), sum(self._operand(a, v, label) for a, v in operands))
        self._worst = max(self._worst, self._mass[t.id])

    def fold(self, t: Term, init: Bits, terms: Bits, present: Truths | None, *, first: bool) -> None:
        """A stretch of the reduction `t`: `terms` [steps, n]; init [n], where the stretch starts; first: it is the first one."""
        step, start = t.args
        head, _, label = step.name.partition(".")
        self.free_zero |= step.name in _SUMS or head in ("fmax", "fmin")
        if head in ("fmax", "fmin"):
            self._failed |= bool(np.isnan(decode(terms, label)).any())
        if step.name not in _SUMS:
            return
        contribution = next(a for a in step.args if a.kind != "hole")
        v = decode(terms, label).astype(np.float64)
        if present is not None:
            v = np.where(present, v, 0.0)
        self._note(v)
        self._failed |= self._is_rounded(contribution)
        inner = self._sum_mass(contribution)
        with np.errstate(all="ignore"):
            mass = float(np.abs(v).sum(axis=0).max(initial=0.0)) if inner is None else inner * v.shape[0]
        if first:
            mass += self._operand(start, init, label)
        else:
            mass += self._running[t.id]
        self._running[t.id] = mass
        self._mass[t.id] = max(self._mass.get(t.id, 0.0), mass)
        self._worst = max(self._worst, mass)

    def unit(self, u: Unit) -> None:
        """Elements of a unit were evaluated; what reads them is told what kind of term they are."""
        mass = self._sum_mass(u.value)
        if mass is not None:
            self._units[u.name] = (True, max(mass, self._units.get(u.name, (True, 0.0))[1]))
        if self._is_rounded(u.value):
            self._rounded_units.add(u.name)

    # -------------------------------------------------------------- the shape of operands
    def _operand(self, t: Term, value: Bits, label: str) -> float:
        """The mass that an operand brings into a sum."""
        if self._is_rounded(t):
            self._failed = True
        v = decode(value, label).astype(np.float64)
        self._note(v)
        mass = self._sum_mass(t)
        with np.errstate(all="ignore"):
            largest = float(np.abs(v).max(initial=0.0))
        return largest if mass is None else max(mass, largest)

    def _sum_mass(self, t: Term) -> float | None:
        """The mass of a term that additions join with; None for one that is a leaf of every sum."""
        if t.id in self._mass:
            return self._mass[t.id]
        match t.kind:
            case "ref" | "input":
                return self._units[t.name][1] if t.name in self._units else None
            case "case":
                found = [m for a in t.args if (m := self._sum_mass(a)) is not None]
                return max(found) if found else None
            case "pick":
                return self._sum_mass(t.args[0])
            case "op" if t.name.startswith(("fneg.", "select")):
                found = [m for a in t.args if (m := self._sum_mass(a)) is not None]
                return max(found) if found else None
            case _:
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

    def _note(self, v: npt.NDArray[np.float64]) -> None:
        """Makes the quantum divide all values."""
        if not np.isfinite(v).all():
            self._failed = True
            return
        if self._quantum is not None:
            with np.errstate(all="ignore"):
                scaled = v / self._quantum
                if (scaled == np.rint(scaled)).all():
                    return
        nonzero = v[v != 0]
        if not nonzero.size:
            return
        mantissa, exponent = np.frexp(nonzero)
        whole = np.abs(mantissa * 2.0**53).astype(np.int64)
        low = (whole & -whole).astype(np.float64)
        least = float(np.ldexp(low, exponent - 53).min())
        self._quantum = least if self._quantum is None else min(self._quantum, least)


def _exact_product(head: str, label: str, x: list[npt.NDArray[np.float64]], out: npt.NDArray[Any]) -> bool:
    """Whether a multiply (or fma) rounded nothing; f64 products are only known to be exact for small integers."""
    with np.errstate(all="ignore"):
        whole = x[0] * x[1] if head == "fmul" else x[0] * x[1] + x[2]
        if label == "f64":
            small = (x[0] == np.rint(x[0])) & (x[1] == np.rint(x[1])) & (np.abs(whole) < 2.0**50)
            return bool(small.all())
        return bool(((whole == out) | (np.isnan(whole) & np.isnan(out))).all())
