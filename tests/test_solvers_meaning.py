"""What operations mean to a solver is what they mean everywhere else: compared with their evaluation, value by value."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tv.arithmetic import apply
from tv.diagnostic import Unknown
from tv.solvers import Model, Shared, Valid, ask, lemma_text
from tv.solvers.meaning import FORMATS
from tv.term import Term, Terms, type_width

FLOAT_OPS = {
    "fadd": 2, "fsub": 2, "fmul": 2, "fdiv": 2, "fsqrt": 1, "fneg": 1, "fabs": 1, "fmax": 2, "fmin": 2, "fmaximum": 2,
    "fminimum": 2, "floor": 1, "ceil": 1, "rint": 1, "trunc": 1, "feq": 2, "flt": 2, "fle": 2, "fisnan": 1,
}  # fmt: skip
INTEGER_OPS = "add sub mul and or xor umin umax smin smax eq ult ule slt sle".split()
BY_CONSTANT = "shl lshr ashr udiv urem sdiv srem".split()
SPECIAL = {
    "f32": [0, 1 << 31, 1, 0x80000001, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 0x3F800000, 0xBF000000, 0x7F7FFFFF],
    "f16": [0, 1 << 15, 1, 0x8001, 0x7C00, 0xFC00, 0x7E00, 0x7C01, 0x3C00, 0xB800, 0x7BFF],
    "bf16": [0, 1 << 15, 1, 0x8001, 0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0x3F80, 0xBF00, 0x7F7F],
}  # fmt: skip


def operands(kind: str, arity: int, count: int = 24) -> list[list[int]]:
    rng = random.Random(f"{kind} {arity}")
    width = type_width(kind)
    pool = SPECIAL.get(kind, [0, 1, (1 << width) - 1, 1 << (width - 1), (1 << (width - 1)) - 1])
    drawn = [[rng.getrandbits(width) for _ in range(arity)] for _ in range(count // 2)]
    return drawn + [[rng.choice(pool) for _ in range(arity)] for _ in range(count // 2)]


def all_of(terms: Terms, conditions: list[Term]) -> Term:
    out = conditions[0]
    for c in conditions[1:]:
        out = terms.op("and.i1", out, c)
    return out


def agree(name: str, kinds: list[str], result: str, cases: list[list[int]]) -> None:
    """One question: does `name` give what its evaluation gives in all of these cases, where operands are bits of `kinds`?"""
    terms, conditions = Terms(), []
    values = apply(name, [np.array(column, np.uint64) for column in zip(*cases, strict=True)])
    for case, value in zip(cases, values, strict=True):
        args = [terms.const(x, type_width(k)) for x, k in zip(case, kinds, strict=True)]
        got = terms.op(name, *args)
        floats = result in FORMATS and bool(np.asarray(apply(f"fisnan.{result}", [np.array([value])]))[0])
        if floats:
            conditions.append(terms.op(f"fisnan.{result}", got))
        else:
            conditions.append(terms.op(f"eq.i{got.width}", got, terms.const(int(value), got.width)))
    text = lemma_text(all_of(terms, conditions), terms.const(1, 1), [], "")
    assert isinstance(ask(text), Valid), text


@pytest.mark.parametrize("kind", ["f16", "bf16", "f32"])
@pytest.mark.parametrize("head", FLOAT_OPS)
def test_float_operations(head: str, kind: str) -> None:
    test = head in ("feq", "flt", "fle", "fisnan")
    agree(f"{head}.{kind}", [kind] * FLOAT_OPS[head], "u1" if test else kind, operands(kind, FLOAT_OPS[head]))


@pytest.mark.parametrize("kind", ["f16", "f32"])
def test_fused_multiply_add(kind: str) -> None:
    agree(f"ffma.{kind}", [kind] * 3, kind, operands(kind, 3))


@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_integer_operations(width: int) -> None:
    for head in INTEGER_OPS:
        agree(f"{head}.i{width}", [f"u{width}"] * 2, "u1", [[a, b] for a, b in operands(f"u{width}", 2, 12)])
    for head in BY_CONSTANT:
        by = [b % (width - 1) + 1 for _, b in operands(f"u{width}", 2, 6)]
        agree(
            f"{head}.i{width}",
            [f"u{width}"] * 2,
            "u1",
            [[a, b] for (a, _), b in zip(operands(f"u{width}", 2, 6), by, strict=True)],
        )


@pytest.mark.parametrize(
    ("to", "source"),
    [("f16", "f32"), ("bf16", "f32"), ("f32", "f16"), ("f32", "bf16"), ("f32", "s32"), ("f32", "u32"), ("f16", "s16"),
     ("s64", "s32"), ("s64", "u32"), ("u32", "u8"), ("s32", "s8"), ("u8", "u32"), ("s16", "s64")],
)  # fmt: skip
def test_conversions(to: str, source: str) -> None:
    agree(f"cvt.{to}.{source}", [source], to, operands(source, 1))


def test_extraction_and_concatenation() -> None:
    terms = Terms()
    low, high = terms.const(0x1234, 16), terms.const(0xABCD, 16)
    whole = terms.op("concat", low, high)
    asked = all_of(
        terms,
        [
            terms.op("eq.i32", whole, terms.const(0xABCD1234, 32)),
            terms.op("eq.i16", terms.op("extract.16.16", whole), high),
            terms.op("eq.i8", terms.op("extract.8.8", whole), terms.const(0x12, 8)),
        ],
    )
    assert isinstance(ask(lemma_text(asked, terms.const(1, 1), [], "")), Valid)


# ------------------------------------------------------------------------------------------------ variables and NaN
class Sides:
    """Terms of two sides over variables, and the question about them."""

    def __init__(self) -> None:
        self.terms, self.count = Terms(), 0
        self.shared: list[Shared] = []

    def var(self, width: int = 32) -> Term:
        self.count += 1
        return self.terms.make("input", name=f"x{self.count}", width=width)

    def pair(self, nan: str, width: int = 32) -> tuple[Term, Term]:
        k, g = self.var(width), self.var(width)
        self.shared.append(Shared(k, g, nan))
        return k, g

    def valid(self, k: Term, g: Term, nan: str = "f32") -> bool:
        answer = ask(lemma_text(k, g, self.shared, nan))
        assert isinstance(answer, (Valid, Model)), answer
        return isinstance(answer, Valid)


def test_a_pair_is_one_variable_and_all_else_is_free() -> None:
    s = Sides()
    k, g = s.pair("")
    assert s.valid(k, g, "")
    assert not s.valid(s.var(), g)
    assert not s.valid(k, s.var())


def test_a_half_is_a_division_by_two_and_by_nothing_else() -> None:
    s = Sides()
    k, g = s.pair("")
    half = s.terms.op("fmul.f32", k, s.terms.const(0x3F000000, 32))
    assert s.valid(half, s.terms.op("fdiv.f32", g, s.terms.const(0x40000000, 32)))
    assert not s.valid(half, s.terms.op("fdiv.f32", g, s.terms.const(0x40400000, 32)))


def test_bits_of_a_nan_are_not_known() -> None:
    """The same sum on both sides: equal as floats, not as bits; nor are the bits of two sums on one side the same."""
    s = Sides()
    (a, x), (b, y) = s.pair(""), s.pair("")
    k, g = s.terms.op("fadd.f32", a, b), s.terms.op("fadd.f32", x, y)
    assert s.valid(k, g, "f32")
    assert not s.valid(k, g, "")
    mask = s.terms.const(0x7FFFFFFF, 32)
    assert s.valid(s.terms.op("and.i32", k, mask), s.terms.op("fabs.f32", g), "f32")
    other = s.terms.op("fadd.f32", b, a)
    assert not s.valid(s.terms.op("eq.i32", k, other), s.terms.const(1, 1), "")


def test_a_pair_of_equal_floats_may_be_two_nans() -> None:
    s = Sides()
    k, g = s.pair("f32")
    assert s.valid(k, g, "f32")
    assert not s.valid(k, g, "")
    t = Sides()
    k, g = t.pair("")
    assert t.valid(k, g, "")


def test_a_maximum_of_zeros_is_the_positive_one() -> None:
    s = Sides()
    k, g = s.pair("")
    z = s.terms.const(0, 32)
    relu = s.terms.op("select", s.terms.op("flt.f32", z, k), k, z)
    assert s.valid(relu, s.terms.op("fmax.f32", g, z))
    keeps = s.terms.op("select", s.terms.op("fle.f32", z, k), k, z)
    assert not s.valid(keeps, s.terms.op("fmax.f32", g, z))


def test_a_function_is_a_function_and_no_more() -> None:
    s = Sides()
    k, g = s.pair("f32")
    assert s.valid(s.terms.op("exp.f32", k), s.terms.op("exp.f32", g))
    assert not s.valid(s.terms.op("exp.f32", k), s.terms.op("fast_exp.f32", g))
    negated = s.terms.op("xor.i32", k, s.terms.const(1 << 31, 32))
    assert s.valid(s.terms.op("exp.f32", negated), s.terms.op("exp.f32", s.terms.op("fneg.f32", g)))


def test_out_of_range_a_conversion_to_an_integer_is_not_known() -> None:
    s = Sides()
    k, g = s.pair("f32")
    assert s.valid(s.terms.op("cvt.s32.f32", k), s.terms.op("cvt.s32.f32", g), "")
    huge = s.terms.op("cvt.s32.f32", s.terms.const(0x7F800000, 32))
    for bits in (0, 0x7FFFFFFF, 0x80000000):
        assert not s.valid(huge, s.terms.const(bits, 32), "")


REFUSED = ["frobnicate.f32", "copysign.f32", "folded_exp.f32", "popc.i32", "add.i16"]


@pytest.mark.parametrize("name", REFUSED)
def test_an_operation_without_a_meaning_is_refused(name: str) -> None:
    terms = Terms()
    x = terms.make("input", name="x", width=32)
    with pytest.raises(Unknown, match="no meaning"):
        lemma_text(terms.op(name, x, x), x, [], "")


@pytest.mark.parametrize("head", [*BY_CONSTANT, "shl"])
def test_shifts_and_divisions_by_data_are_refused(head: str) -> None:
    terms = Terms()
    x = terms.make("input", name="x", width=32)
    for by in (x, terms.const(0 if "div" in head or "rem" in head else 32, 32)):
        with pytest.raises(Unknown, match="no meaning"):
            lemma_text(terms.op(f"{head}.i32", x, by), x, [], "")


def test_the_text_does_not_depend_on_what_was_made_before() -> None:
    def text(waste: int) -> str:
        s = Sides()
        for _ in range(waste):
            s.var()
        (a, x), (b, y) = s.pair("f32"), s.pair("")
        return lemma_text(s.terms.op("fadd.f32", a, b), s.terms.op("fadd.f32", y, x), s.shared, "f32")

    assert text(0) == text(7)
