"""Floats to integers: the conversion that clamps in all three places that compute it, and what lemmas may suppose."""

from __future__ import annotations

import numpy as np
import pytest

from tests.executing import program_of
from tv.arithmetic import apply, decode
from tv.defined import Definedness
from tv.graph import Supposed
from tv.kernel import Scalar
from tv.replay.conversions import convert
from tv.sets import Affine
from tv.solvers import Shared, Valid, ask, lemma_text
from tv.source import NOWHERE
from tv.symexec.data_ranges import float_range
from tv.symexec.flow.resolve import resolve
from tv.symexec.values import Node, node_const
from tv.term import DOUBTFUL, Term, Terms

FLOATS = np.array(
    [0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 127.0, 128.0, -128.0, -129.0, 2.0**31, -(2.0**31), 2.0**31 - 128, 1e30, -1e30,
     np.inf, -np.inf, np.nan], np.float32)  # fmt: skip


def clamped(x: float, scalar: Scalar) -> int:
    """By Python's integers."""
    low = -(1 << (scalar.bits - 1)) if scalar.signed else 0
    high = (1 << (scalar.bits - scalar.signed)) - 1
    if np.isnan(x):
        return 0
    return min(max(int(x), low), high) if np.isfinite(x) else (high if x > 0 else low)


@pytest.mark.parametrize("scalar", [Scalar.I32, Scalar.U32])
def test_the_clamping_conversion(scalar: Scalar) -> None:
    want = [clamped(float(x), scalar) for x in FLOATS]
    bits = FLOATS.view(np.uint32).astype(np.uint64)
    name = f"cvt.{'s' if scalar.signed else 'u'}{scalar.bits}.f32.sat"
    assert [int(v) for v in apply(name, [bits])] == [w % (1 << scalar.bits) for w in want]
    value, bad = convert(FLOATS, Scalar.F32, scalar, "sat", NOWHERE)
    assert bad is None
    assert [int(v) for v in value] == want
    terms = Terms()
    for b, w in zip(bits, want, strict=True):
        t = terms.op(name, terms.const(int(b), 32), width=32)
        assert isinstance(ask(lemma_text(t, terms.const(w % (1 << 32), 32), [], "")), Valid)


class Lemma:
    """y = a conversion of one shared float."""

    def __init__(self) -> None:
        self.terms = Terms()
        self.k, self.g = (self.terms.make("input", name=n, width=32) for n in "kg")

    def valid(self, kernel: Term, graph: Term, *facts: tuple[Term, Supposed]) -> bool:
        return isinstance(ask(lemma_text(kernel, graph, [Shared(self.k, self.g, "f32")], "", facts)), Valid)


def test_a_narrow_conversion_needs_its_range() -> None:
    s = Lemma()
    kernel = s.terms.op("extract.0.8", s.terms.op("cvt.s32.f32", s.k))
    graph = s.terms.op("cvt.s8.f32", s.g)
    fits = (s.g, Supposed("f32", Affine.of(-128), Affine.of(127)))
    assert s.valid(kernel, graph, fits)
    assert not s.valid(kernel, graph)
    assert not s.valid(kernel, graph, (s.g, Supposed("f32", Affine.of(-128), Affine.of(128))))
    assert not s.valid(kernel, graph, (s.g, Supposed("f32")))


def test_what_is_undefined_proves_nothing() -> None:
    """Equal sides are no lemma where the kernel's conversion may lie outside its type."""
    s = Lemma()
    doubtful = s.terms.op("cvt.s32.f32", s.k, attr=DOUBTFUL)
    nothing = s.terms.op("xor.i32", doubtful, doubtful)
    assert not s.valid(nothing, s.terms.const(0, 32))
    assert s.valid(nothing, s.terms.const(0, 32), (s.g, Supposed("f32", Affine.of(-5), Affine.of(5))))


def test_a_boolean_byte_is_its_bit() -> None:
    terms = Terms()
    k, g = (terms.make("input", name=n, width=8) for n in "kg")
    bit = terms.op("xor.i1", terms.op("eq.i8", g, terms.const(0, 8)), terms.const(1, 1))
    widened, fact = terms.op("cvt.u8.u1", bit), (g, Supposed("u8", Affine.of(0), Affine.of(1)))
    assert isinstance(ask(lemma_text(k, widened, [Shared(k, g, "")], "", [fact])), Valid)
    assert not isinstance(ask(lemma_text(k, widened, [Shared(k, g, "")], "")), Valid)


def node(head: str, *args: Node) -> Node:
    return Node("op", 32, f"{head}.f32", args)


def number(x: float) -> Node:
    return node_const(int(np.float32(x).view(np.uint32)), 32)


def test_the_range_of_a_clamped_float() -> None:
    x = Node("undefined", 32, "x")
    assert float_range(x, "f32") is None
    assert float_range(node("fmin", node("fmax", x, number(-3)), number(7.5)), "f32") == (-3, 7.5)
    assert float_range(node("rint", node("fmin", node("fmax", x, number(-3.5)), number(7.5))), "f32") == (-4, 8)
    assert float_range(node("fadd", number(1), number(1)), "f32") is None
    assert decode(np.array([number(7.5).bits], np.uint64), "f32")[0] == 7.5


@pytest.mark.parametrize(("expression", "doubtful"), [
    ("(int)x[t]", True),
    ("(int)fminf(fmaxf(x[t], -8.0f), 8.0f)", False),
    ("(int)fminf(x[t], 8.0f)", True),
    ("(signed char)fminf(fmaxf(x[t], -8.0f), 128.0f)", True),
    ("__float2int_rn(x[t])", False),
])  # fmt: skip
def test_which_conversions_may_be_undefined(expression: str, doubtful: bool) -> None:
    text = f"__global__ void k(const float* x, int* y) {{ int t = threadIdx.x; y[t] = {expression}; }}"
    program = program_of(text, (4, 1, 1), 1, {"x": 4, "y": 4})
    resolve(program)
    (store,) = [u for u, m in program.accesses.items() if m.access.object == "y"]
    unit = program.system.units[store]
    assert Definedness(program.system.sets, program.system.units).undefined(store, unit.domain) is doubtful
