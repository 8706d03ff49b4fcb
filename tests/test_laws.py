"""Each law, at every value of small float formats; each beside a false neighbour; by a solver where one can do it in seconds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from tests.test_constant_laws import TESTED as CONSTANT
from tests.tiny_float import ARITHMETIC, Float, Format, Value, apply, as_value, convert, evaluate, fmax, negate
from tv.equiv.laws import LAWS, ONE, rewrites
from tv.equiv.summands import COMMUTATIVE, EXTREMA, IDENTITY_BITS, accumulates
from tv.term import Term, Terms, type_width

NARROW, NARROW4 = Format(3, 2), Format(4, 3)
WIDTH = {"f16": 16, "bf16": 16, "f32": 32}


def wide_for(narrow: Format, precision: int, more_exponent: int) -> Format:
    return Format(narrow.exponent + more_exponent, precision - 1)


# f16 in f32: a wider exponent, at least 2 p + 2 bits. bf16 in f32: the same exponent, so that results can be subnormal in both;
# 24 = 3 * 8 bits.
PAIRS = [
    (NARROW, wide_for(NARROW, 8, 2)),
    (NARROW, wide_for(NARROW, 9, 0)),
    (NARROW4, wide_for(NARROW4, 10, 1)),
    (NARROW4, wide_for(NARROW4, 12, 0)),
]


class Build:
    """Terms over free variables."""

    def __init__(self) -> None:
        self.terms, self.variables = Terms(), dict[int, str]()

    def var(self, label: str) -> Term:
        t = self.terms.make("load", name=f"v{len(self.variables)}", width=type_width(label))
        self.variables[t.id] = label
        return t


Case = tuple[str, Build, Term]


def narrow_op_in_f32() -> Iterator[Case]:
    for kind in ("f16", "bf16"):
        for op in ("fadd", "fsub", "fmul", "fdiv", "fsqrt"):
            b = Build()
            args = [b.terms.op(f"cvt.f32.{kind}", b.var(kind)) for _ in range(1 if op == "fsqrt" else 2)]
            yield kind, b, b.terms.op(f"cvt.{kind}.f32", b.terms.op(f"{op}.f32", *args))


def narrow_op_in_f64() -> Iterator[Case]:
    for op in ("fadd", "fsub", "fmul", "fdiv", "fsqrt"):
        b = Build()
        args = [b.terms.op("cvt.f64.f32", b.var("f32")) for _ in range(1 if op == "fsqrt" else 2)]
        yield "f32", b, b.terms.op("cvt.f32.f64", b.terms.op(f"{op}.f64", *args))


def widen_then_narrow() -> Iterator[Case]:
    for kind in ("f16", "bf16"):
        b = Build()
        yield kind, b, b.terms.op(f"cvt.{kind}.f32", b.terms.op(f"cvt.f32.{kind}", b.var(kind)))


def max_with_zero() -> Iterator[Case]:
    for kind in ("f16", "bf16", "f32"):
        for swapped in (False, True):
            b = Build()
            args = (b.var(kind), b.terms.const(0, WIDTH[kind]))
            yield kind, b, b.terms.op(f"fmax.{kind}", *(args[::-1] if swapped else args))


def reciprocal() -> Iterator[Case]:
    for kind in ("f16", "bf16", "f32"):
        b = Build()
        yield kind, b, b.terms.op(f"frcp.{kind}", b.var(kind))


def product_with_one() -> Iterator[Case]:
    for kind in ("f16", "bf16", "f32"):
        for swapped in (False, True):
            b = Build()
            args = (b.var(kind), b.terms.const(ONE[kind], WIDTH[kind]))
            yield kind, b, b.terms.op(f"fmul.{kind}", *(args[::-1] if swapped else args))


def relu_spelled_le() -> Iterator[Case]:
    for kind in ("f16", "f32"):
        b = Build()
        x, zero = b.var(kind), b.terms.const(0, WIDTH[kind])
        test = b.terms.op("xor.i1", b.terms.op(f"flt.{kind}", zero, x), b.terms.const(1, 1))
        yield kind, b, b.terms.op("select", test, zero, x)
        yield kind, b, b.terms.op("select", test, x, b.var(kind))


def round_after_relu() -> Iterator[Case]:
    for kind in ("f16", "bf16"):
        b = Build()
        x, zero = b.var("f32"), b.terms.const(0, 32)
        test = b.terms.op("flt.f32", zero, x)
        flipped = b.terms.op("xor.i1", test, b.terms.const(1, 1))
        for relu in (
            b.terms.op("select", test, x, zero),
            b.terms.op("select", flipped, zero, x),
            b.terms.op("fmax.f32", x, zero),
        ):
            yield kind, b, b.terms.op(f"cvt.{kind}.f32", relu)


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "narrow-op-in-f32": narrow_op_in_f32,
    "narrow-op-in-f64": narrow_op_in_f64,
    "widen-then-narrow": widen_then_narrow,
    "max-with-zero-is-relu": max_with_zero,
    "reciprocal-is-division": reciprocal,
    "product-with-one": product_with_one,
    "relu-of-not-positive": relu_spelled_le,
    "round-after-relu": round_after_relu,
}


def test_every_law_is_tested() -> None:
    assert set(CASES) | CONSTANT == set(LAWS)


def counterexample(
    label: str, b: Build, left: Term, right: Term, narrow: Format, wide: Format
) -> tuple[Value, ...] | None:
    """Values at which two terms differ, of all values of the variables' formats."""
    formats = {"f16": narrow, "bf16": narrow, "f32": wide if label != "f32" else narrow, "f64": wide}
    ids = list(b.variables)
    for values in product(*(formats[b.variables[i]].values for i in ids)):
        env = dict(zip(ids, values, strict=True))
        one, other = (as_value(evaluate(t, env, formats), label, formats) for t in (left, right))
        if one != other:
            return values
    return None


@pytest.mark.parametrize("name", CASES)
def test_a_law_holds_at_every_value(name: str) -> None:
    for label, b, t in CASES[name]():
        new = LAWS[name](b.terms, t)
        assert new is not None, f"{name} does not apply to {t}"
        assert new is not t
        assert new.width == t.width
        assert (name, new) in rewrites(b.terms, t)
        many = len(b.variables) > 1 or (label != "f32" and "f32" in b.variables.values())
        for narrow, wide in PAIRS[: 2 if many else None]:
            assert counterexample(label, b, t, new, narrow, wide) is None, (name, str(t), narrow, wide)


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS[2:])
def test_the_narrow_operation_law_on_a_larger_format(pair: tuple[Format, Format]) -> None:
    for label, b, t in narrow_op_in_f32():
        new = LAWS["narrow-op-in-f32"](b.terms, t)
        assert new is not None
        assert counterexample(label, b, t, new, *pair) is None


# ------------------------------------------------------------------------------------------------ false neighbours
def differs(name: str, narrow: Format, wide: Format) -> bool:
    """Does computing one operation in `wide` and rounding differ from computing it in `narrow`, anywhere?"""
    operation = ARITHMETIC[name]
    count = 1 if name == "fsqrt" else 2
    return any(
        convert(narrow, operation(wide, *v)) != operation(narrow, *v) for v in product(narrow.values, repeat=count)
    )


def test_two_p_plus_two_bits_are_needed_and_enough() -> None:
    """Figueroa: one operation of + - * / sqrt on narrow operands; and the same with a wide format that is too narrow."""
    for name in ("fadd", "fsub", "fmul", "fdiv", "fsqrt"):
        assert not differs(name, NARROW, wide_for(NARROW, 8, 1)), name
        assert differs(name, NARROW, wide_for(NARROW, 4, 1)) or name == "fsqrt", name
    assert differs("fsqrt", NARROW4, wide_for(NARROW4, 6, 1))


def test_bits_below_the_least_normal_are_needed_too() -> None:
    """With the same exponent, 2 p + 2 bits are too few: a product that is subnormal in the wide format is rounded twice."""
    assert differs("fmul", NARROW4, wide_for(NARROW4, 10, 0))


def test_fma_is_no_such_operation() -> None:
    """A wide fma rounded once more is another value than the narrow fma, whatever 2 p + 2 says."""
    wide, ones = wide_for(NARROW4, 10, 1), [v for v in NARROW4.values if v.finite and 1 <= v.number < 2]
    triples = product(ones, ones, NARROW4.values)
    assert any(convert(NARROW4, ARITHMETIC["ffma"](wide, *v)) != ARITHMETIC["ffma"](NARROW4, *v) for v in triples)


def unchanged(name: str, b: Build, t: Term) -> bool:
    return LAWS[name](b.terms, t) is None


def test_no_law_takes_a_fused_or_wider_operation_for_a_narrow_one() -> None:
    b = Build()
    half = [b.terms.op("cvt.f32.f16", b.var("f16")) for _ in range(3)]
    brain, single, whole = (
        b.terms.op("cvt.f32.bf16", b.var("bf16")),
        b.var("f32"),
        b.terms.op("cvt.f32.s32", b.var("s32")),
    )
    inner = [
        b.terms.op("ffma.f32", *half),
        b.terms.op("fadd.f32", half[0], single),
        b.terms.op("fadd.f32", half[0], brain),
        b.terms.op("fadd.f32", half[0], whole),
        b.terms.op("fadd.f32", b.terms.op("fadd.f32", half[0], half[1]), half[2]),
        b.terms.op("exp.f32", half[0]),
        b.terms.op("fmax.f32", half[0], half[1]),
    ]
    for t in inner:
        assert unchanged("narrow-op-in-f32", b, b.terms.op("cvt.f16.f32", t)), t
    added = b.terms.op("fadd.f32", half[0], half[1])
    assert unchanged("narrow-op-in-f32", b, b.terms.op("cvt.bf16.f32", added))
    assert unchanged("narrow-op-in-f32", b, b.terms.make("op", name="cvt.f16.f32.rz", args=(added,), width=16))


def test_conversions_that_round_are_not_undone() -> None:
    b = Build()
    x, half = b.var("f32"), b.var("f16")
    assert unchanged("widen-then-narrow", b, b.terms.op("cvt.f32.f16", b.terms.op("cvt.f16.f32", x)))
    assert unchanged("widen-then-narrow", b, b.terms.op("cvt.bf16.f32", b.terms.op("cvt.f32.f16", half)))
    wide = PAIRS[0][1]
    assert any(convert(wide, convert(NARROW, v)) != v for v in wide.values)


def test_a_maximum_with_minus_zero_is_no_relu() -> None:
    """fmax(-0, -0) is -0, and a relu gives +0; so does a maximum that lets NaN through."""
    b = Build()
    assert unchanged("max-with-zero-is-relu", b, b.terms.op("fmax.f32", b.var("f32"), b.terms.const(0x80000000, 32)))
    assert unchanged("max-with-zero-is-relu", b, b.terms.op("fmin.f32", b.var("f32"), b.terms.const(0, 32)))
    minus = NARROW.decode(1 << 5)
    assert fmax(minus, minus) == minus


def test_only_a_condition_that_is_inverted_swaps_the_arms() -> None:
    b = Build()
    c = b.terms.op("flt.f32", b.var("f32"), b.var("f32"))
    flipped = b.terms.op("xor.i1", c, b.terms.op("feq.f32", b.var("f32"), b.var("f32")))
    assert unchanged("relu-of-not-positive", b, b.terms.op("select", flipped, b.var("f32"), b.var("f32")))
    assert unchanged(
        "relu-of-not-positive",
        b,
        b.terms.op("select", b.terms.op("xor.i1", c, b.terms.const(0, 1)), b.var("f32"), b.var("f32")),
    )


def test_only_a_relu_is_rounded_on_either_side() -> None:
    """A relu that starts elsewhere, keeps NaN, or tests another value is none; nor is one of which nothing narrower is made."""
    b = Build()
    x, y, zero = b.var("f32"), b.var("f32"), b.terms.const(0, 32)
    for relu in (
        b.terms.op("select", b.terms.op("flt.f32", zero, y), x, zero),
        b.terms.op("select", b.terms.op("flt.f32", x, zero), x, zero),
        b.terms.op("select", b.terms.op("flt.f32", x, zero), zero, x),
        b.terms.op("select", b.terms.op("flt.f32", zero, x), x, b.terms.const(0x80000000, 32)),
        b.terms.op("select", b.terms.op("flt.f32", b.terms.const(1, 32), x), x, zero),
        b.terms.op("fmax.f32", x, b.terms.const(0x80000000, 32)),
    ):
        assert unchanged("round-after-relu", b, b.terms.op("cvt.f16.f32", relu)), relu
    wide = b.terms.op("select", b.terms.op("flt.f32", zero, x), x, zero)
    assert unchanged("round-after-relu", b, b.terms.op("cvt.f64.f32", wide))
    assert unchanged("round-after-relu", b, b.terms.make("op", name="cvt.f16.f32.rz", args=(wide,), width=16))


def test_only_one_is_neutral_in_a_product() -> None:
    """0 * x, -1 * x and x * (1 + 2^-23) are others; so are 1 + x and 1 / x."""
    b = Build()
    x, one = b.var("f32"), b.terms.const(ONE["f32"], 32)
    for bits in (0, 0xBF800000, ONE["f32"] + 1, ONE["f32"] - 1, ONE["f16"]):
        assert unchanged("product-with-one", b, b.terms.op("fmul.f32", x, b.terms.const(bits, 32)))
    for name in ("fadd.f32", "fdiv.f32", "fsub.f32"):
        assert unchanged("product-with-one", b, b.terms.op(name, one, x))
    assert unchanged("product-with-one", b, b.terms.op("ffma.f32", one, x, b.var("f32")))


# ------------------------------------------------------------------------------------------------ what the rules rest on
FLOAT_COMMUTATIVE = [h for h in COMMUTATIVE if h.startswith("f")]


def test_what_may_be_swapped_is_commutative() -> None:
    values = NARROW.values
    assert set(COMMUTATIVE) - set(FLOAT_COMMUTATIVE) == {"add", "mul", "and", "or", "xor", "eq"}
    for head in FLOAT_COMMUTATIVE:
        for a, b in product(values, repeat=2):
            assert apply(head, NARROW, [a, b]) == apply(head, NARROW, [b, a]), (head, a, b)


@pytest.mark.parametrize("head", ["fsub", "fdiv", "flt", "fle"])
def test_what_may_not_be_swapped_is_not(head: str) -> None:
    assert head not in COMMUTATIVE
    assert any(apply(head, NARROW, [a, b]) != apply(head, NARROW, [b, a]) for a, b in product(NARROW.values, repeat=2))


def test_maxima_may_be_reordered_and_are_idempotent() -> None:
    least = Format(2, 1)
    for head in EXTREMA:
        assert accumulates(f"{head}.f32")
        for a, b in product(least.values, repeat=2):
            assert apply(head, NARROW, [a, a]) == a
            for c in least.values:
                left = apply(head, NARROW, [apply(head, NARROW, [a, b]), c])  # type: ignore[list-item]
                right = apply(head, NARROW, [a, apply(head, NARROW, [b, c])])  # type: ignore[list-item]
                assert left == right


def test_the_identity_of_a_maximum_is_neutral_but_for_nan() -> None:
    """fmax(x, -inf) = x for every x that is a number; at NaN it is -inf. Zero is no identity: of negative values it wins."""
    low = NARROW.decode(NARROW.width and (1 << 5) | (7 << 2))
    assert IDENTITY_BITS["f32"] == {"max": 0xFF800000, "min": 0x7F800000}
    for x in NARROW.values:
        assert fmax(x, low) == (low if x.is_nan else x)
        assert negate(fmax(negate(x), low)) == (negate(low) if x.is_nan else x)
        for head, neutral in (("fmaximum", low), ("fminimum", negate(low))):
            assert apply(head, NARROW, [x, neutral]) == x  # NaN too: such a maximum may start either way
    assert any(fmax(x, NARROW.decode(0)) != x for x in NARROW.values)


def test_only_sums_of_wide_floats_and_of_integers_are_reordered() -> None:
    for name in ("fadd.f16", "fadd.bf16", "fmul.f32", "fsub.f32", "sub.i32", "ffma.f32"):
        assert not accumulates(name)
    assert accumulates("add.i32")


def test_a_zero_summand_is_neutral_but_for_minus_zero() -> None:
    """x + 0 = x is no law: -0 + +0 is +0. Dropping a +0 therefore needs a sum that starts from +0 on the graph's side."""
    zero = NARROW.decode(0)
    wrong = [x for x in NARROW.values if apply("fadd", NARROW, [x, zero]) != x]
    assert wrong == [Float(1, zero.magnitude)]


# ------------------------------------------------------------------------------------------------ by solver
SORT = {"f16": "(_ FloatingPoint 5 11)", "f32": "(_ FloatingPoint 8 24)"}  # bitwuzla's wheel has no bf16
TO = {"f16": "(_ to_fp 5 11)", "f32": "(_ to_fp 8 24)"}
ROUNDED = {"fadd": "fp.add", "fsub": "fp.sub", "fmul": "fp.mul", "fdiv": "fp.div", "fsqrt": "fp.sqrt", "ffma": "fp.fma"}
FMAX = """(define-fun max{l} ((a {s}) (b {s})) {s} (ite (fp.isNaN a) b (ite (fp.isNaN b) a
  (ite (fp.lt a b) b (ite (fp.lt b a) a (ite (fp.isNegative a) b a))))))"""


def smt(t: Term, b: Build, label: str) -> str:
    """A term of float type `label` (or a condition) as SMT-LIB."""
    if t.id in b.variables:
        return t.name
    if t.kind == "const":
        return f"({TO[label]} #x{t.bits:0{t.width // 4}x})" if t.width > 1 else ("true" if t.bits else "false")
    head, *types = t.name.split(".")
    if head == "select":
        c, x, y = t.args
        return f"(ite {smt(c, b, '')} {smt(x, b, label)} {smt(y, b, label)})"
    if types == ["i1"]:
        return f"({head} {smt(t.args[0], b, '')} {smt(t.args[1], b, '')})"
    args = " ".join(smt(a, b, types[-1]) for a in t.args)
    match head:
        case "cvt":
            return f"({TO[types[0]]} RNE {args})"
        case "fmax":
            return f"(max{types[0]} {args})"
        case "flt":
            return f"(fp.lt {args})"
        case _:
            return f"({ROUNDED[head]} RNE {args})"


def query(label: str, b: Build, left: Term, right: Term) -> str:
    lines = ["(set-logic QF_FP)", *(FMAX.format(l=k, s=s) for k, s in SORT.items())]
    lines += [f"(declare-const v{n} {SORT[k]})" for n, k in enumerate(b.variables.values())]
    return "\n".join([*lines, f"(assert (not (= {smt(left, b, label)} {smt(right, b, label)})))"])


ASK = """
import sys, bitwuzla
manager, options = bitwuzla.TermManager(), bitwuzla.Options()
parser = bitwuzla.Parser(manager, options)
parser.parse(sys.stdin.read(), True, False)
print(parser.bitwuzla().check_sat())
"""


def answer(text: str) -> str:
    """Bitwuzla's answer, from a process that is killed when its time is up."""
    done = subprocess.run(
        [sys.executable, "-c", ASK], input=text, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def by_solver() -> Iterator[tuple[str, int]]:
    yield "widen-then-narrow", 0
    yield from (("max-with-zero-is-relu", n) for n in (0, 5))
    yield from (("relu-of-not-positive", n) for n in (1, 3))
    yield from (("round-after-relu", n) for n in range(3))
    yield from (("narrow-op-in-f32", n) for n in (0, 1))  # additions; products and quotients take minutes


@pytest.mark.parametrize(("name", "number"), list(by_solver()))
def test_a_law_holds_by_solver(name: str, number: int) -> None:
    label, b, t = list(CASES[name]())[number]
    new = LAWS[name](b.terms, t)
    assert new is not None
    assert answer(query(label, b, t, new)) == "unsat"


def test_the_solver_sees_a_false_law() -> None:
    b = Build()
    x = b.var("f32")
    assert answer(query("f32", b, b.terms.op("fadd.f32", x, b.terms.const(0, 32)), x)) == "sat"
    b = Build()
    x, y, z = (b.var("f16") for _ in range(3))
    wide = [b.terms.op("cvt.f32.f16", v) for v in (x, y, z)]
    fused = b.terms.op("cvt.f16.f32", b.terms.op("ffma.f32", *wide))
    assert answer(query("f16", b, fused, b.terms.op("ffma.f16", x, y, z))) == "sat"
