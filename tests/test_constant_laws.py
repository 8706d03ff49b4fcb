"""Laws about constants: at every value of every pair of small formats, and at every half beside constants of the real ones."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.checking import F16, F32, Ends, checked, graph, pointwise
from tests.tiny_float import Float, equal, less
from tests.tiny_float import Format as Tiny
from tv.arithmetic import apply, float_bits
from tv.equiv.laws import LAWS
from tv.equiv.neighbours import FORMATS, Format, infinity, is_nan, neighbours, value, width
from tv.term import Term, Terms
from tv.verdict import Verdict

TESTED = {
    "converted-constant",
    "constant-widened-from-f16",
    "constant-widened-from-bf16",
    "comparison-of-widened",
    "comparison-of-widened-or-equal",
}
SMALL: list[tuple[Format, Format]] = [((3, 3), (2, 1)), ((3, 3), (3, 1)), ((4, 2), (3, 2))]
STRICT, WEAK = "comparison-of-widened", "comparison-of-widened-or-equal"


def values(f: Format) -> list[Float]:
    """By bits; the NaN's as well."""
    tiny = Tiny(*f)
    return [tiny.decode(b) for b in range(1 << tiny.width)]


def compare(head: str, a: Float, b: Float) -> bool:
    return {"flt": less(a, b), "fle": less(a, b) or equal(a, b), "feq": equal(a, b)}[head]


# ------------------------------------------------------------------------------------------------ small formats
@pytest.mark.parametrize(("wide", "narrow"), SMALL)
def test_neighbours_enclose_every_number(wide: Format, narrow: Format) -> None:
    inner = values(narrow)
    for bits, c in enumerate(values(wide)):
        assert is_nan(bits, wide) == c.is_nan
        if c.is_nan:
            continue
        below, above = (inner[b] for b in neighbours(bits, wide, narrow))
        assert not less(c, below)
        assert not less(above, c)
        assert not any(less(below, y) and less(y, above) for y in inner)
        assert equal(below, above) == any(equal(y, c) for y in inner)


@pytest.mark.parametrize(("wide", "narrow"), SMALL)
def test_a_constant_compares_as_its_neighbours_do(wide: Format, narrow: Format) -> None:
    """Every number of the narrow format, NaN among them, with every constant of the wide one, in every comparison."""
    inner = values(narrow)
    for bits, c in enumerate(values(wide)):
        if c.is_nan:
            continue
        below, above = (inner[b] for b in neighbours(bits, wide, narrow))
        exact = equal(below, above)
        for y, head in product(inner, ("flt", "fle", "feq")):
            if exact:
                assert compare(head, y, c) == compare(head, y, below)
                assert compare(head, c, y) == compare(head, below, y)
            elif head != "feq":
                assert compare(head, y, c) == compare("flt", y, above) == compare("fle", y, below)
                assert compare(head, c, y) == compare("flt", below, y) == compare("fle", above, y)


# ------------------------------------------------------------------------------------------------ the laws themselves
def constant(terms: Terms, x: float, kind: str) -> Term:
    return terms.const(float_bits(x, kind), width(FORMATS[kind]))


HALVES = np.arange(1 << 16, dtype=np.uint64)
AROUND = (0.0, -0.0, 1.0, 3.0, 0.1, -0.1, 1.0 + 2.0**-12, 65504.0, 65519.0, 1e9, -1e9, 1e-9, -1e-9, 2.0**-24, np.inf, -np.inf)  # fmt: skip


def evaluated(t: Term, x: Term) -> np.ndarray:
    if t is x:
        return HALVES
    if t.kind == "const":
        return np.full(len(HALVES), t.bits, np.uint64)
    return apply(t.name, [evaluated(a, x) for a in t.args])


@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("law", [STRICT, WEAK])
def test_comparisons_of_every_half_stay_what_they_are(law: str, kind: str) -> None:
    met = 0
    for wide, c, head, swapped in product(("f32", "f64"), AROUND, ("flt", "fle", "feq"), (False, True)):
        terms = Terms()
        x = terms.make("load", name="x", width=16)
        args = [terms.op(f"cvt.{wide}.{kind}", x), constant(terms, c, wide)]
        t = terms.op(f"{head}.{wide}", *(args[::-1] if swapped else args))
        new = LAWS[law](terms, t)
        if new is not None:
            met += 1
            assert new.name.endswith(f".{kind}")
            assert (evaluated(t, x) == evaluated(new, x)).all(), (t, new)
    assert met > 20


def test_widened_values_compare_as_they_are() -> None:
    terms = Terms()
    x, y = (terms.make("load", name=n, width=16) for n in "xy")
    wide = [terms.op("cvt.f32.f16", v) for v in (x, y)]
    assert LAWS[STRICT](terms, terms.op("flt.f32", *wide)) is terms.op("flt.f16", x, y)
    other = terms.op("cvt.f32.bf16", y)
    assert LAWS[STRICT](terms, terms.op("flt.f32", wide[0], other)) is None
    narrowed = terms.op("cvt.f16.f32", terms.make("load", name="z", width=32))
    assert LAWS[STRICT](terms, terms.op("flt.f16", narrowed, x)) is None  # narrowing is not one to one
    nan = terms.const(0x7FC00000, 32)
    assert LAWS[STRICT](terms, terms.op("flt.f32", wide[0], nan)) is None


@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_a_constant_is_a_narrow_one_only_where_that_is_exact(kind: str) -> None:
    terms, law = Terms(), LAWS[f"constant-widened-from-{kind}"]
    back = LAWS["converted-constant"]
    for bits in [b for b in range(1 << 16) if not is_nan(b, FORMATS[kind])][::61]:
        t = back(terms, terms.op(f"cvt.f32.{kind}", terms.const(bits, 16)))
        assert t is not None
        assert t.kind == "const"
        new = law(terms, t)
        if bits == 1 << 15:  # of zeros +0 stands for both
            assert new is None
        else:
            assert new is not None
            assert new.args[0].bits == bits
    for x in (0.1, 1.0 + 2.0**-20, 1e-30 if kind == "f16" else 1e-45):
        assert law(terms, constant(terms, x, "f32")) is None
    assert law(terms, terms.const(0x7FC00000, 32)) is None


def test_a_constant_is_rounded_once() -> None:
    terms, law = Terms(), LAWS["converted-constant"]
    for x in (0.1, 65519.9, 65520.0, 1e-8, -0.0):
        t = law(terms, terms.op("cvt.f16.f32", constant(terms, x, "f32")))
        assert t is not None
        assert t.bits == float_bits(float(np.float32(x)), "f16")
    assert law(terms, terms.op("cvt.f16.f32", terms.const(0x7FC00000, 32))) is None
    assert law(terms, terms.op("cvt.s32.f32", constant(terms, 1.0, "f32"))) is None
    assert law(terms, terms.make("op", name="cvt.f16.f32.rz", args=(constant(terms, 0.1, "f32"),), width=16)) is None
    assert value(infinity(FORMATS["f16"]), FORMATS["f16"]) == np.inf


# ------------------------------------------------------------------------------------------------ in kernels
def less_than(operator: str, c: float, kind: int) -> onnx.ModelProto:
    ends: Ends = {"x": (kind, [64])}
    nodes = [(operator, "x c", "m"), ("Where", "m x z", "y")]
    return graph(nodes, ends, {"y": (kind, [64])}, c=(kind, [], [c]), z=(kind, [], [0.0]))


TRUE = [
    ("X >= 3.0 ? X : 0.0f", "GreaterOrEqual", 3.0),
    ("X < 0.1 ? X : 0.0f", "Less", float(np.float32(0.1))),  # 0.1f is the next float above 0.1
    ("X <= 0.1 ? X : 0.0f", "Less", float(np.float32(0.1))),
    ("X > 0.3 ? X : 0.0f", "GreaterOrEqual", float(np.float32(0.3))),  # and 0.3f that above 0.3
]
FALSE = [
    ("X <= 0.1 ? X : 0.0f", "LessOrEqual", float(np.float32(0.1))),
    ("X > 0.3 ? X : 0.0f", "Greater", float(np.float32(0.3))),
    ("X >= 3.0 ? X : 0.0f", "Greater", 3.0),
    ("X == 0.1 ? X : 0.0f", "Equal", float(np.float32(0.1))),
]


@pytest.mark.parametrize(("body", "operator", "c"), TRUE)
def test_a_double_constant_is_compared_as_a_float(body: str, operator: str, c: float, tmp_path: Path) -> None:
    assert checked(tmp_path, pointwise(body), less_than(operator, c, F32)).verdict is Verdict.PROVED


@pytest.mark.parametrize(("body", "operator", "c"), FALSE)
def test_a_neighbouring_float_is_another_constant(body: str, operator: str, c: float, tmp_path: Path) -> None:
    assert checked(tmp_path, pointwise(body), less_than(operator, c, F32)).verdict is not Verdict.PROVED


def test_a_half_is_compared_in_float(tmp_path: Path) -> None:
    body = "__half2float(X) > 0.5f ? X : __float2half(0.0f)"
    kernel = pointwise(body, "half")
    assert checked(tmp_path / "right", kernel, less_than("Greater", 0.5, F16)).verdict is Verdict.PROVED
    assert checked(tmp_path / "wrong", kernel, less_than("GreaterOrEqual", 0.5, F16)).verdict is not Verdict.PROVED
