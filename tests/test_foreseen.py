"""What a compiler may come to know: nothing less than what it can, and of ordinary arithmetic nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import inf

import numpy as np
import pytest

from tv.arithmetic import decode
from tv.foreseen import Foreseen
from tv.foreseen.values import DEEPEST
from tv.foreseen.variants import COUNT, Variant, distinct, nan
from tv.sets import Affine, Sets
from tv.sets.formulas import within
from tv.system import Scope, System, Unit
from tv.term import ARGUMENT, Term, Terms

Number = float  # `Kernel` has methods of these names
Count = int


class Kernel:
    """One statement over 32 threads, with loads of buffers x, z (floats) and m, n (integers)."""

    def __init__(self) -> None:
        sets, self.terms = Sets(()), Terms()
        self.system = System(sets, self.terms)
        self.scope = self.system.scope(Scope("S", ("tx",), within(Affine.dim("tx"), 32), "S"))
        self.foreseen = Foreseen(self.system, ("tx",), lambda t: False)

    def load(self, name: str) -> Term:
        sets = self.system.sets
        return self.terms.input(name, sets.map("S", ("tx",), self.scope.domain, name, [Affine.dim("tx")]), 32)

    def float(self, value: float) -> Term:
        return self.terms.const(int.from_bytes(struct.pack("<f", value), "little"), 32)

    def int(self, value: int) -> Term:
        return self.terms.const(value, 32)

    def op(self, name: str, *args: Term) -> Term:
        return self.terms.op(name, *args)

    def fold(
        self,
        name: str,
        op: str,
        start: Number | Term,
        rounds: Count,
        moving: bool,
        of: Callable[[Term], Term] = lambda x: x,
    ) -> Term:
        """`start` combined with `of(x)`, round by round; moving: with another element in every round."""
        sets, tx, i = self.system.sets, Affine.dim("tx"), Affine.dim("i")
        child = self.system.scope(self.scope.extend(name, ("i",), within(i, rounds)))
        back = sets.map(name, child.dims, child.domain, "S", [tx])
        x = self.terms.input("x", sets.map(name, child.dims, child.domain, "x", [tx + i if moving else tx]), 32)
        step = self.op(op, self.terms.hole(32), of(x))
        init = start if isinstance(start, Term) else self.float(start)
        return self.terms.reduce(op, sets.reverse(back), name, step, init)


def known(k: Kernel, t: Term) -> bool:
    return k.foreseen.may_be_known(t)


CONSTANT = {
    "difference with itself": lambda k: k.op("sub.i32", k.load("m"), k.load("m")),
    "one added to that": lambda k: k.op("add.i32", k.op("sub.i32", k.load("m"), k.load("m")), k.int(1)),
    "product with zero": lambda k: k.op("mul.i32", k.load("m"), k.int(0)),
    "no bits": lambda k: k.op("and.i32", k.load("m"), k.int(0)),
    "shifted out": lambda k: k.op("lshr.i32", k.op("lshr.i32", k.load("m"), k.int(31)), k.int(1)),
    "less than itself": lambda k: k.op("flt.f32", k.load("x"), k.load("x")),
    "less than nothing": lambda k: k.op("ult.i32", k.load("m"), k.int(0)),
    "clamped between one and one": lambda k: k.op("fmin.f32", k.op("fmax.f32", k.load("x"), k.float(1)), k.float(1)),
    "unsigned times zero": lambda k: k.op("fmul.f32", k.op("cvt.f32.u32", k.load("m")), k.float(0)),
    "an arm of a select": lambda k: k.op("select", k.op("flt.f32", k.load("x"), k.load("z")), k.float(1), k.load("x")),
    "a function of a number": lambda k: k.op("exp.f32", k.float(3)),
    "integers that may cancel": lambda k: k.op("sub.i32", k.load("m"), k.load("n")),
    "a maximum with infinity": lambda k: k.op("fmax.f32", k.load("x"), k.float(float("inf"))),
}
DATA = {
    "a load": lambda k: k.load("x"),
    "an argument": lambda k: k.terms.make("const", bits=1, width=32, attr=ARGUMENT),
    "a sum": lambda k: k.op("fadd.f32", k.load("x"), k.float(1)),
    "a float's difference with itself": lambda k: k.op("fsub.f32", k.load("x"), k.load("x")),
    "a float's product with zero": lambda k: k.op("fmul.f32", k.load("x"), k.float(0)),
    "a quotient with itself": lambda k: k.op("fdiv.f32", k.load("x"), k.load("x")),
    "a positive part": lambda k: k.op("fmax.f32", k.load("x"), k.float(0)),
    "clamped between two numbers": lambda k: k.op("fmin.f32", k.op("fmax.f32", k.load("x"), k.float(-2)), k.float(2)),
    "a masked difference of exponents": lambda k: k.op(
        "exp.f32", k.op("fsub.f32", k.op("select", k.load("b"), k.load("x"), k.float(float("-inf"))), k.load("z"))
    ),
    "an integer converted": lambda k: k.op("cvt.f32.s32", k.load("m")),
    "an integer and a number": lambda k: k.op("add.i32", k.op("mul.i32", k.load("m"), k.int(6)), k.int(5)),
    "some bits of an integer": lambda k: k.op("and.i32", k.op("lshr.i32", k.load("m"), k.int(4)), k.int(15)),
    "a function of data": lambda k: k.op("exp.f32", k.load("x")),
}


@pytest.mark.parametrize("what", CONSTANT)
def test_what_is_one_value_on_all_data_may_be_known(what: str) -> None:
    k = Kernel()
    assert known(k, CONSTANT[what](k))


@pytest.mark.parametrize("what", DATA)
def test_what_has_two_values_is_not(what: str) -> None:
    k = Kernel()
    assert not known(k, DATA[what](k))


def test_a_number_that_may_be_known_is_that_number() -> None:
    k = Kernel()
    t = CONSTANT["clamped between one and one"](k)
    assert k.foreseen.may_be(t, "f32", 1.0)
    assert not k.foreseen.may_be(t, "f32", 0.0)
    assert k.foreseen.may_be(CONSTANT["an arm of a select"](k), "f32", 1.0)


def test_indices_are_known_where_they_may_be_and_cancel() -> None:
    k = Kernel()
    sets = k.system.sets
    i = k.terms.make("index", map=sets.map("S", ("tx",), k.scope.domain, "Z", [Affine.dim("tx")]), width=32)
    cancelled = k.op("sub.i32", k.op("add.i32", k.load("m"), i), k.load("m"))
    k.foreseen = Foreseen(k.system, ("tx",), lambda t: True)
    assert known(k, i)
    assert known(k, cancelled)
    assert not known(k, k.op("fadd.f32", k.load("x"), k.op("cvt.f32.s32", i)))


def test_a_comparison_gives_integers_away() -> None:
    k = Kernel()
    t = k.op("cvt.f32.u32", k.load("m"))
    k.foreseen.pin([k.op("ult.i32", k.load("n"), k.int(4))])
    assert not known(k, t)
    k.foreseen.pin([k.op("flt.f32", t, k.float(4))])
    assert known(k, t)


def test_a_comparison_gives_a_float_away_but_no_zero() -> None:
    k = Kernel()
    half = k.op("fmul.f32", k.load("x"), k.float(0.5))
    k.foreseen.pin([k.op("feq.f32", k.load("x"), k.float(0)), k.op("feq.f32", k.load("z"), k.float(2))])
    assert not known(k, half)
    k.foreseen.pin([k.op("feq.f32", k.load("x"), k.float(2))])
    assert k.foreseen.may_be(half, "f32", 1.0)
    assert not known(k, k.op("fmul.f32", k.load("z"), k.load("w")))
    k.foreseen.pin([k.op("feq.f32", k.load("x"), k.float(2)), k.op("feq.f32", k.load("z"), half)])
    assert known(k, k.load("z"))  # by way of the other


def test_a_comparison_with_itself_tells_nan_and_no_number() -> None:
    k = Kernel()
    x, half = k.load("x"), k.op("fmul.f32", k.load("x"), k.float(0.5))
    k.foreseen.pin([k.op("feq.f32", x, x)])
    for t in (x, half, k.op("fadd.f32", k.op("exp.f32", x), k.load("z"))):
        assert not any(k.foreseen.may_be(t, "f32", size) for size in (0.0, 1.0, 2.0))
    assert k.foreseen.may_be(x, "f32", inf)  # which stands for NaN too
    assert k.foreseen.may_be(half, "f32", inf)
    k.foreseen.pin([k.op("feq.f32", half, half), k.op("flt.f32", k.load("z"), x)])
    assert not known(k, k.load("z"))  # compared with NaN nothing is told
    k.foreseen.pin([k.op("feq.f32", x, k.load("z")), k.op("feq.f32", k.load("z"), k.float(1))])
    assert k.foreseen.may_be(x, "f32", 1.0)  # another comparison does


def test_a_result_that_is_nan() -> None:
    """Of a library function, and of a quotient of two: nothing of their arguments."""
    k = Kernel()
    e = k.op("exp.f32", k.load("x"))
    q = k.op("fdiv.f32", e, k.op("exp.f32", k.load("z")))
    k.foreseen.pin([k.op("feq.f32", q, q)])
    assert k.foreseen.may_be(q, "f32", inf)
    assert not k.foreseen.may_be(q, "f32", 1.0)
    assert not known(k, k.load("x"))
    assert not known(k, e)


@pytest.mark.parametrize("width", [16, 32, 64])
def test_nan_of_every_format(width: int) -> None:
    for kind, size in (("f16", 16), ("bf16", 16), ("f32", 32), ("f64", 64)):
        parts = [int(nan(width).column[0]) >> k & ((1 << size) - 1) for k in range(0, width, size) if size <= width]
        assert np.isnan(decode(np.array(parts, np.uint64), kind)).all()


def test_a_condition_is_known_in_its_arm() -> None:
    k = Kernel()
    c = k.op("flt.f32", k.load("x"), k.load("z"))
    assert k.foreseen.may_be(k.op("cvt.f32.u1", c), "f32", 1.0)


def test_many_known_arms_are_anything() -> None:
    k = Kernel()
    t = k.load("x")
    for n in range(2, 40):
        t = k.op("select", k.load("b"), k.float(n), t)
    assert k.foreseen.may_be(t, "f32", 1.0)


def test_a_fold_of_one_round_is_that_round() -> None:
    k, least = Kernel(), float("-inf")
    assert k.foreseen.rounds(k.fold("one", "fmax.f32", least, 1, moving=True)) == (False, True)
    assert k.foreseen.rounds(k.fold("two", "fmax.f32", least, 2, moving=True)) == (False, False)
    assert k.foreseen.rounds(k.fold("same", "fmax.f32", least, 2, moving=False)) == (False, True)
    assert k.foreseen.rounds(k.fold("sum", "fadd.f32", 0, 2, moving=False)) == (False, False)
    assert k.foreseen.rounds(k.fold("none", "fadd.f32", 0, 0, moving=True))[0]


def test_a_fold_without_a_round_is_what_it_starts_from() -> None:
    k = Kernel()
    assert k.foreseen.may_be(k.fold("none", "fmul.f32", 1, 0, moving=True), "f32", 1.0)
    assert not known(k, k.fold("some", "fmul.f32", 1, 5, moving=True))


@pytest.mark.parametrize(("rounds", "moving"), [(1, True), (3, False), (3, True)])
def test_a_fold_goes_on_from_what_it_starts_from(rounds: int, moving: bool) -> None:
    """A first round, or the same one again, adds to the start and to nothing else that might be known."""
    k = Kernel()
    top = k.fold("a", "fmax.f32", k.load("z"), rounds, moving)
    assert not known(k, top)
    assert not known(k, k.op("fsub.f32", k.load("x"), top))
    low = k.fold("b", "fmax.f32", float("-inf"), rounds, moving)
    assert not known(k, low)
    assert not known(k, k.op("fsub.f32", k.load("x"), low))
    assert known(k, k.fold("c", "fmax.f32", float("inf"), rounds, moving))


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_a_fold_that_stays_at_a_number_is_known(rounds: int) -> None:
    """Unrolled from 1, every round of `m = max(m, min(x, 1))` is 1, whatever x is."""
    k = Kernel()
    t = k.fold("a", "fmax.f32", 1.0, rounds, True, lambda x: k.op("fmin.f32", x, k.float(1)))
    assert k.foreseen.may_be(t, "f32", 1.0)
    assert not k.foreseen.may_be(t, "f32", 2.0)
    below = k.fold("b", "fmax.f32", 0.5, rounds, True, lambda x: k.op("fmin.f32", x, k.float(1)))
    assert not known(k, below)


def test_a_sum_of_numbers_may_be_any_number() -> None:
    k = Kernel()
    t = k.fold("a", "fadd.f32", 0.0, 4, True, lambda x: k.float(0.25))
    for size in (0.25, 1.0, 3.0):
        assert k.foreseen.may_be(t, "f32", size)


def test_variants_that_say_the_same_are_one() -> None:
    """All NaN are one; of maxima of data those with the same least and greatest, and no others."""
    k = Kernel()
    total, most = k.op("fadd.f32", k.load("x"), k.load("z")), k.op("fmax.f32", k.load("x"), k.load("z"))

    def variants(*columns: list[float]) -> list[Variant]:
        return [Variant(np.resize(np.array(c, np.float32), COUNT).view(np.uint32).astype(np.uint64)) for c in columns]

    odd = Variant(np.where(np.arange(COUNT) % 2, 0x7FC00000, 0xFFC12345).astype(np.uint64))
    assert len(distinct(iter([odd, nan(32), *variants([float("nan")])]), total) or ()) == 1
    assert len(distinct(iter(variants([1, -3, 7], [-3, 2, 7], [7, -3, -3])), most) or ()) == 1
    assert len(distinct(iter(variants([0, 7], [-3, 7], [-3, 8], [-3, float("nan"), 7], [5])), most) or ()) == 5


def chain(k: Kernel, length: int, first: Callable[[Kernel, Term], Term]) -> Term:
    """A reference to the last of some statements: each is the one before minus zero, the first one is made of the last."""
    sets, tx = k.system.sets, Affine.dim("tx")
    scopes = [k.system.scope(Scope(f"U{i}", ("tx",), within(tx, 32), f"U{i}")) for i in range(length)]

    def ref(reader: Scope, name: str) -> Term:
        return k.terms.ref(name, sets.map(reader.name, ("tx",), reader.domain, name, [tx]), 32)

    for i, s in enumerate(scopes):
        value = k.op("fsub.f32", ref(s, f"U{i - 1}"), k.float(0)) if i else first(k, ref(s, f"U{length - 1}"))
        k.system.units[s.name] = Unit(s.name, s, k.system.scope_sets[s.name], 32, value, i)
    return ref(k.scope, f"U{length - 1}")


def clamped(k: Kernel, t: Term) -> Term:
    return k.op("fmin.f32", k.op("fmax.f32", t, k.float(1)), k.float(1))


@pytest.mark.parametrize("length", [3, DEEPEST + 5, 3 * DEEPEST])
def test_a_value_is_followed_through_any_number_of_statements(length: int) -> None:
    k = Kernel()
    assert not known(k, chain(k, length, lambda k, _: k.load("x")))
    k = Kernel()
    t = chain(k, length, lambda k, _: clamped(k, k.load("x")))
    assert k.foreseen.may_be(t, "f32", 1.0)
    assert not k.foreseen.may_be(t, "f32", 2.0)


@pytest.mark.parametrize("length", [3, DEEPEST + 5, 3 * DEEPEST])
def test_around_a_loop_a_number_stays_known(length: int) -> None:
    k = Kernel()
    assert k.foreseen.may_be(chain(k, length, clamped), "f32", 1.0)
    k = Kernel()
    of_data = chain(k, length, lambda k, t: k.op("fadd.f32", clamped(k, k.load("x")), k.op("fmul.f32", t, k.float(0))))
    assert k.foreseen.may_be_known(of_data) is (length > DEEPEST)  # a longer loop is not followed: anything


def test_around_a_loop_it_does_not_matter_what_is_asked_first() -> None:
    """What the first answer assumes of the loop's own statement was data, and is the number 1."""
    k = Kernel()
    last = chain(k, 3, lambda k, t: clamped(k, k.op("fadd.f32", k.load("x"), t)))
    tx = Affine.dim("tx")
    first = k.terms.ref("U0", k.system.sets.map("S", ("tx",), k.scope.domain, "U0", [tx]), 32)
    assert k.foreseen.may_be(first, "f32", 1.0)
    assert k.foreseen.may_be(last, "f32", 1.0)


def index(k: Kernel, name: str) -> Term:
    """A float that a compiler knows, though here it may be any."""
    at = k.system.sets.map("S", ("tx",), k.scope.domain, name, [Affine.dim("tx")])
    return k.op("cvt.f32.s32", k.terms.make("index", map=at, width=32))


@pytest.mark.parametrize(("outer", "inner"), [("fmin", "fmax"), ("fmax", "fmin"), ("fminimum", "fmaximum")])
def test_between_numbers_that_may_be_any_lies_maybe_a_number(outer: str, inner: str) -> None:
    """`min(max(x, a), b)` is b where b is the smaller one, and data where it is not."""
    k = Kernel()
    k.foreseen = Foreseen(k.system, ("tx",), lambda t: True)
    one = k.op(f"{inner}.f32", k.load("x"), index(k, "a"))
    both = k.op(f"{outer}.f32", one, index(k, "b"))
    for t in (one, both, k.op("fadd.f32", both, k.float(1)), k.op("fmul.f32", both, k.float(2))):
        assert k.foreseen.may_be(t, "f32", 1.0)
        assert not k.foreseen.must_be_known(t)


@pytest.mark.parametrize("everywhere", [True, False])
def test_what_is_nan_wherever_data_is_has_no_number(everywhere: bool) -> None:
    """A sum that has data in one arm and 0 in the other: x and 0 in turn are data, 0 and 0 are not."""
    k = Kernel()
    sets, tx = k.system.sets, Affine.dim("tx")
    s = k.system.scope(Scope("T", ("tx",), within(tx, 32), "T"))

    def arms(data_first: bool) -> Term:
        x = k.terms.input("x", sets.map("T", ("tx",), s.domain, "x", [tx]), 32)
        pieces = [within(tx, 16), within(tx - 16, 16)]
        return k.system.case(s, list(zip(pieces, (x, k.float(0)) if data_first else (k.float(0), x), strict=True)))

    value = k.op("fadd.f32", arms(True), arms(not everywhere))
    k.system.units["T"] = Unit("T", s, k.system.scope_sets["T"], 32, value, 0)
    t = k.terms.ref("T", sets.map("S", ("tx",), k.scope.domain, "T", [tx]), 32)
    assert k.foreseen.may_be(t, "f32", 0.0) is not everywhere
