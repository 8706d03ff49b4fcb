"""Maxima that propagate NaN: what both evaluators compute, and which selects are told to be one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tv.arithmetic import apply, decode
from tv.kernel import Scalar
from tv.replay.carriers import from_bits, to_bits
from tv.replay.mathlib import MathLibrary
from tv.source import NOWHERE
from tv.symexec.flow.simplify import operation
from tv.term import Term, Terms, fold

# Zeros, subnormals, numbers, infinities and NaN of either sign, in float16.
VALUES = [0x0000, 0x8000, 0x0001, 0x8001, 0x3C00, 0xBC00, 0x4200, 0x7C00, 0xFC00, 0x7E00, 0xFE01]
PAIRS = np.array(list(itertools.product(VALUES, VALUES)), np.uint64).T


def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    x, y = decode(a, "f16"), decode(b, "f16")
    return (a == b) | (np.isnan(x) & np.isnan(y))


@pytest.mark.parametrize(("name", "numpy"), [("fmaximum", np.maximum), ("fminimum", np.minimum)])
def test_graph_and_kernel_compute_the_same_extremum(name: str, numpy: np.ufunc) -> None:
    a, b = PAIRS
    ours = apply(f"{name}.f16", [a, b])
    call = MathLibrary().resolve(name, 2, Scalar.F16, NOWHERE)
    theirs = to_bits(call(from_bits(a, Scalar.F16), from_bits(b, Scalar.F16)), Scalar.F16).astype(np.uint64)
    assert alike(ours, theirs).all()
    x, y = decode(a, "f16"), decode(b, "f16")
    nan = np.isnan(x) | np.isnan(y)
    assert (np.isnan(decode(ours, "f16")) == nan).all()
    zeros = (x == 0) & (y == 0)
    assert (decode(ours, "f16") == numpy(x, y))[~nan].all()
    negative = (a >> np.uint64(15) & np.uint64(1)) == 1, (b >> np.uint64(15) & np.uint64(1)) == 1
    signed = (negative[0] & negative[1]) if name == "fmaximum" else (negative[0] | negative[1])
    assert (ours[zeros] == np.where(signed, 0x8000, 0)[zeros]).all()


class Small:
    """Terms over two f16 values, and their bits at every pair of interesting ones."""

    def __init__(self) -> None:
        self.terms = Terms()
        self.x, self.y = self.terms.load("x", 16), self.terms.load("y", 16)
        self.one, self.nan = self.terms.const(1, 1), self.terms.const(0x7E00, 16)

    def op(self, name: str, *args: Term) -> Term:
        return operation(self.terms, name, args, "", self.terms.op(name, *args).width)

    def isnan(self, t: Term, kind: str = "f16") -> Term:
        return self.op("xor.i1", self.op(f"feq.{kind}", t, t), self.one)

    def number(self, t: Term) -> Term:
        return self.op("feq.f16", t, t)

    def value(self, t: Term) -> np.ndarray:
        def visit(u: Term, args: list[np.ndarray]) -> np.ndarray:
            if u.kind == "load":
                return PAIRS[0 if u.name == "x" else 1]
            if u.kind == "const":
                return np.full(PAIRS.shape[1], u.bits, np.uint64)
            return apply(u.name, args)

        return fold(t, visit)


def spelled(s: Small, form: str) -> tuple[Term, Term]:
    """The select as built, and the same select left as it is."""
    x, y, op, plain = s.x, s.y, s.op, s.terms.op
    both, either = plain("fmax.f16", x, y), s.op("or.i1", s.isnan(x), s.isnan(y))
    zero, inner = s.terms.const(0, 16), plain("select", s.isnan(y), y, plain("fmax.f16", y, x))
    parts: dict[str, tuple[Term, Term, Term]] = {
        "one after the other": (s.isnan(x), x, inner),
        "either gives a NaN": (either, s.nan, both),
        "where it is a number": (s.number(x), inner, x),
        "against a number": (s.isnan(x), x, plain("fmax.f16", x, zero)),
        "one operand untested": (s.isnan(x), x, both),
        "either gives the first": (either, x, both),
        "the other operand": (s.isnan(x), y, inner),
        "another format": (s.isnan(x, "bf16"), x, inner),
        "against a NaN": (s.isnan(x), x, plain("fmax.f16", x, s.nan)),
        "both have to be": (op("and.i1", s.isnan(x), s.isnan(y)), s.nan, both),
        "a test too many": (either, s.nan, plain("fmax.f16", x, zero)),
        "no maximum": (s.isnan(x), x, plain("fadd.f16", x, zero)),
    }
    return op("select", *parts[form]), plain("select", *parts[form])


@pytest.mark.parametrize(
    "form", ["one after the other", "either gives a NaN", "where it is a number", "against a number"]
)
def test_selects_that_are_a_maximum(form: str) -> None:
    s = Small()
    found, plain = spelled(s, form)
    assert found.name == "fmaximum.f16"
    assert alike(s.value(found), s.value(plain)).all()


@pytest.mark.parametrize(
    "form",
    [
        "one operand untested", "either gives the first", "the other operand", "another format", "against a NaN",
        "both have to be", "a test too many", "no maximum",
    ],
)  # fmt: skip
def test_selects_that_are_none(form: str) -> None:
    s = Small()
    found, plain = spelled(s, form)
    assert found is plain
    if form not in ("against a NaN", "no maximum"):  # and rightly so: at some pair they differ from it
        other = s.terms.op("fmaximum.f16", s.x, s.y if form != "a test too many" else s.terms.const(0, 16))
        assert not alike(s.value(plain), s.value(other)).all()
