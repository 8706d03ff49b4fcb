"""Random programs: the vector interpreter against one that runs each thread by itself on Python integers."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tv.kernel import (
    Assign,
    Binary,
    Break,
    Builtin,
    Compare,
    Const,
    Continue,
    Convert,
    Expr,
    If,
    Kernel,
    Loop,
    MemoryObject,
    MemRef,
    Parameter,
    Return,
    Scalar,
    Select,
    Space,
    Stmt,
    Store,
    Var,
    check,
)
from tv.replay import DenseBuffer, run
from tv.source import NOWHERE

U32, BOOL, I64 = Scalar.U32, Scalar.BOOL, Scalar.I64
NAMES = ("a", "b", "c")
BLOCK, GRID, FUEL = 8, 2, 200
MASK = (1 << 32) - 1

THREAD = Builtin(U32, "threadIdx.x")
GLOBAL = Binary(U32, "add", Binary(U32, "mul", Builtin(U32, "blockIdx.x"), Const(U32, BLOCK)), THREAD)

leaves = st.sampled_from([Var(U32, n) for n in NAMES] + [THREAD, GLOBAL]) | st.integers(0, 9).map(
    lambda v: Const(U32, v)
)


def branches(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    ops = st.sampled_from(["add", "sub", "mul", "and", "or", "xor", "min", "max"])
    return st.builds(lambda op, x, y: Binary(U32, op, x, y), ops, inner, inner) | st.builds(
        lambda c, x, y: Select(U32, c, x, y), conditions_over(inner), inner, inner
    )


def conditions_over(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    ops = st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"])
    return st.builds(lambda op, x, y: Compare(BOOL, op, x, y), ops, inner, inner)


values = st.recursive(leaves, branches, max_leaves=5)
conditions = conditions_over(values)
assignments = st.builds(lambda n, e: Assign(NOWHERE, Var(U32, n), e), st.sampled_from(NAMES), values)
jumps = st.sampled_from([Break(NOWHERE), Continue(NOWHERE), Return(NOWHERE)])


def bodies(depth: int, *, in_loop: bool) -> st.SearchStrategy[tuple[Stmt, ...]]:
    simple: st.SearchStrategy[Stmt] = assignments
    if in_loop:
        simple = simple | st.builds(lambda c, j: If(NOWHERE, c, (j,)), conditions, jumps)
    if depth:
        inner = bodies(depth - 1, in_loop=in_loop)
        simple = simple | st.builds(lambda c, x, y: If(NOWHERE, c, x, y), conditions, inner, inner)
        looped = bodies(depth - 1, in_loop=True)
        simple = simple | st.builds(bounded_loop, conditions, looped, st.lists(assignments, max_size=1), st.booleans())
    return st.lists(simple, max_size=4).map(tuple)


def bounded_loop(cond: Expr, body: tuple[Stmt, ...], step: list[Stmt], test_first: bool) -> Stmt:
    return Loop(NOWHERE, cond, body, tuple(step), (), test_first)


class OutOfFuel(Exception):
    pass


class OneThread:
    """Runs one thread of a program, statement by statement."""

    def __init__(self, block: int, thread: int) -> None:
        self.block, self.thread, self.fuel = block, thread, FUEL
        self.vars = dict.fromkeys(NAMES, 0)

    def value(self, e: Expr) -> int:
        match e:
            case Const(bits=bits):
                return bits
            case Var(name=name):
                return self.vars[name]
            case Builtin(name="threadIdx.x"):
                return self.thread
            case Builtin():
                return self.block
            case Select(cond=c, a=a, b=b):
                return self.value(a if self.value(c) else b)
            case Binary(op=op, a=a, b=b) | Compare(op=op, a=a, b=b):
                return self.apply(op, self.value(a), self.value(b))
            case _:
                raise AssertionError(e)

    def apply(self, op: str, x: int, y: int) -> int:
        match op:
            case "add" | "sub" | "mul":
                return {"add": x + y, "sub": x - y, "mul": x * y}[op] & MASK
            case "and" | "or" | "xor":
                return {"and": x & y, "or": x | y, "xor": x ^ y}[op]
            case "min" | "max":
                return min(x, y) if op == "min" else max(x, y)
            case _:
                return {"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y}[op]

    def run(self, body: tuple[Stmt, ...]) -> str:
        for s in body:
            left = self.step(s)
            if left != "next":
                return left
        return "next"

    def step(self, s: Stmt) -> str:
        self.fuel -= 1
        if self.fuel < 0:
            raise OutOfFuel
        match s:
            case Assign(var=v, value=e):
                self.vars[v.name] = self.value(e)
            case If(cond=c, then=x, orelse=y):
                return self.run(x if self.value(c) else y)
            case Loop():
                return self.loop(s)
            case _:
                return type(s).__name__
        return "next"

    def loop(self, s: Loop) -> str:
        test = s.test_first
        while True:
            self.fuel -= 1
            if self.fuel < 0:
                raise OutOfFuel
            if test and not self.value(s.cond):
                return "next"
            test = True
            match self.run(s.body):
                case "Break":
                    return "next"
                case "Return":
                    return "Return"
            self.run(s.step)


def results(body: tuple[Stmt, ...]) -> list[tuple[int, ...] | None] | None:
    """For each thread its variables at the end, None where it returned early; None: a thread does not end soon."""
    out: list[tuple[int, ...] | None] = []
    for i in range(BLOCK * GRID):
        one = OneThread(i // BLOCK, i % BLOCK)
        try:
            left = one.run(body)
        except OutOfFuel:
            return None
        out.append(None if left == "Return" else tuple(one.vars[n] for n in NAMES))
    return out


@given(bodies(2, in_loop=False))
@settings(max_examples=40, deadline=None)
def test_every_thread_computes_what_it_would_alone(body: tuple[Stmt, ...]) -> None:
    want = results(body)
    assume(want is not None)
    start = tuple(Assign(NOWHERE, Var(U32, n), Const(U32, 0)) for n in NAMES)
    end = []
    for i, n in enumerate(NAMES):
        offset = Binary(I64, "mul", Convert(I64, GLOBAL), Const(I64, 4 * len(NAMES)))
        offset = Binary(I64, "add", offset, Const(I64, 4 * i))
        end.append(Store(NOWHERE, MemRef("y", offset, U32), (Var(U32, n),)))
    y = MemoryObject("y", Space.GLOBAL, U32, None, 256)
    k = check(Kernel("k", (Parameter("y", None, U32),), {"y": y}, (*start, *body, *end)))
    buffer = DenseBuffer.empty(4 * len(NAMES) * BLOCK * GRID)
    done = run(k, (GRID, 1, 1), (BLOCK, 1, 1), {"y": buffer}, {})
    assert done.clean, done.events
    written = buffer.init.reshape(-1, 4 * len(NAMES)).all(axis=1)
    table = buffer.array(np.uint32).reshape(-1, len(NAMES)).tolist()
    got = [tuple(row) if w else None for row, w in zip(table, written.tolist(), strict=True)]
    assert got == want
