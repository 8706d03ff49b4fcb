"""The contraction policy: which multiply becomes part of an fma."""

from __future__ import annotations

from tv.kernel import (
    Assign,
    Binary,
    Call,
    Compare,
    Const,
    Expr,
    If,
    Kernel,
    Loop,
    MemoryObject,
    MemRef,
    Parameter,
    Scalar,
    Space,
    Stmt,
    Store,
    Unary,
    Var,
    check,
)
from tv.replay import contract
from tv.replay.contraction import chosen_operand, fused_operands
from tv.source import NOWHERE

F32, BOOL, I64 = Scalar.F32, Scalar.BOOL, Scalar.I64
A, B, C, D = (Var(F32, n) for n in "abcd")


def mul(x: Expr, y: Expr, *, rn: bool = False) -> Expr:
    return Binary(F32, "mul", x, y, rn)


def add(x: Expr, y: Expr, *, rn: bool = False) -> Expr:
    return Binary(F32, "add", x, y, rn)


def sub(x: Expr, y: Expr) -> Expr:
    return Binary(F32, "sub", x, y)


def neg(x: Expr) -> Expr:
    return Unary(F32, "neg", x)


def fma(x: Expr, y: Expr, z: Expr) -> Expr:
    return Call(F32, "fma", (x, y, z))


def let(v: Var, e: Expr) -> Assign:
    return Assign(NOWHERE, v, e)


def out(e: Expr) -> Stmt:
    return Store(NOWHERE, MemRef("y", Const(I64, 0), F32), (e,))


def contracted(*body: Stmt) -> tuple[Stmt, ...]:
    y = MemoryObject("y", Space.GLOBAL, F32, None, 256)
    return contract(check(Kernel("k", (Parameter("y", None, F32),), {"y": y}, body))).body


def expression(e: Expr) -> Expr:
    (s,) = contracted(out(e))
    assert isinstance(s, Store)
    return s.values[0]


def test_the_left_multiply_is_taken_first() -> None:
    assert chosen_operand(True, True) == "left"
    assert chosen_operand(False, True) == "right"
    assert chosen_operand(False, False) is None
    assert expression(add(mul(A, B), mul(C, D))) == fma(A, B, mul(C, D))
    assert expression(add(C, mul(A, B))) == fma(A, B, C)
    assert expression(sub(mul(A, B), C)) == fma(A, B, neg(C))
    assert expression(sub(C, mul(A, B))) == fma(neg(A), B, C)
    assert expression(add(neg(mul(A, B)), C)) == fma(neg(A), B, C)


def test_nested_sums_contract_each_add() -> None:
    assert expression(add(mul(A, B), add(mul(C, D), A))) == fma(A, B, fma(C, D, A))
    assert expression(add(mul(mul(A, B), C), D)) == fma(mul(A, B), C, D)


def test_rounded_operations_and_integers_stay() -> None:
    for e in (add(mul(A, B, rn=True), C), add(mul(A, B), C, rn=True)):
        assert expression(e) == e
    i, j = Var(Scalar.I32, "i"), Var(Scalar.I32, "j")
    whole = Binary(Scalar.I32, "add", Binary(Scalar.I32, "mul", i, j), j)
    assert contracted(Assign(NOWHERE, Var(Scalar.I32, "k"), whole))[0] == Assign(NOWHERE, Var(Scalar.I32, "k"), whole)


def test_a_product_passes_through_one_variable() -> None:
    assert contracted(let(C, mul(A, B)), out(add(D, C))) == (out(fma(A, B, D)),)
    assert contracted(let(C, mul(A, B)), out(sub(D, neg(C)))) == (out(fma(neg(neg(A)), B, D)),)


def test_a_product_does_not_pass_where_its_operands_change() -> None:
    changed = (let(C, mul(A, B)), let(A, D), out(add(C, D)))
    assert contracted(*changed) == changed
    twice = (let(C, mul(A, B)), out(add(C, D)), out(sub(C, D)))
    assert contracted(*twice) == twice
    inside = (let(C, mul(A, B)), If(NOWHERE, Var(BOOL, "p"), (out(add(C, D)),)))
    assert contracted(*inside) == inside
    looped = (let(C, mul(A, B)), Loop(NOWHERE, Var(BOOL, "p"), (out(add(C, D)), let(A, D))))
    assert contracted(*looped) == looped


def test_a_product_that_is_a_factor_keeps_its_variable() -> None:
    body = (let(C, mul(A, B)), out(add(mul(C, D), A)))
    assert contracted(*body) == (let(C, mul(A, B)), out(fma(C, D, A)))
    both = (let(C, mul(A, B)), out(add(mul(A, D), C)))
    assert contracted(*both) == (let(C, mul(A, B)), out(fma(A, D, C)))


# ------------------------------------------------------------------------------------------------ told of the text as it stands
def told(*body: Stmt) -> list[tuple[Binary, str]]:
    y = MemoryObject("y", Space.GLOBAL, F32, None, 256)
    return fused_operands(check(Kernel("k", (Parameter("y", None, F32),), {"y": y}, body)))


def test_every_sum_of_the_text_is_listed_itself_with_what_is_fused_in_it() -> None:
    inner = add(mul(C, D), A)
    outer = add(mul(A, B), inner)
    found = told(out(outer))
    assert [w for _, w in found] == ["left", "left"]
    assert found[0][0] is inner
    assert found[1][0] is outer


def test_a_product_of_a_variable_is_told_of_the_sum_that_takes_it_in() -> None:
    taken, left = add(D, C), add(A, B)
    assert told(let(C, mul(A, B)), out(taken), out(left)) == [(taken, "right"), (left, "")]
    difference = sub(C, neg(mul(A, B)))
    assert told(out(difference)) == [(difference, "right")]


def test_rounded_sums_are_not_told_of() -> None:
    assert told(out(add(mul(A, B), C, rn=True)), out(mul(A, B))) == []


def test_one_sum_in_two_places_is_told_of_twice() -> None:
    """Behind the first, the product is another variable's; the text shares the object."""
    shared = add(D, C)
    body = (let(C, mul(A, B)), If(NOWHERE, Var(BOOL, "p"), (out(shared),)), out(shared))
    assert [w for e, w in told(*body) if e is shared] == ["", ""]
    once = (let(C, mul(A, B)), out(shared), If(NOWHERE, Var(BOOL, "p"), (out(add(A, B)),)))
    assert [w for _, w in told(*once)] == ["right", ""]


def test_sums_below_conditions_and_in_loops_are_told_of() -> None:
    first, second, test = add(mul(A, B), C), sub(C, mul(A, B)), add(A, mul(B, C))
    cond = Compare(BOOL, "lt", test, D)
    body = (If(NOWHERE, cond, (out(first),)), Loop(NOWHERE, Var(BOOL, "p"), (out(second),)))
    assert {(id(e), w) for e, w in told(*body)} == {(id(first), "left"), (id(second), "right"), (id(test), "right")}
