"""The interpreter on hand-built Kernel IR: each defect beside a clean twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tv.diagnostic import BadInput, Unknown, Unsupported
from tv.kernel import (
    Assign,
    Assume,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Binary,
    Break,
    Builtin,
    Call,
    Compare,
    Const,
    Continue,
    Convert,
    Expr,
    Fence,
    If,
    Kernel,
    Load,
    Loop,
    MemoryObject,
    MemRef,
    Parameter,
    Return,
    Scalar,
    Select,
    Shuffle,
    Space,
    Stmt,
    Store,
    Var,
    Vote,
    check,
)
from tv.replay import DenseBuffer, Execution, GeneratedBuffer, run
from tv.source import Span

I32, U32, I64, F32 = Scalar.I32, Scalar.U32, Scalar.I64, Scalar.F32
FULL = Const(U32, 0xFFFFFFFF)


# ------------------------------------------------------------------------------------------------ a small builder
class E:
    """An expression with Python's operators."""

    def __init__(self, e: Expr) -> None:
        self.e = e

    def _binary(self, op: str, other: E | int) -> E:
        return E(Binary(self.e.type, op, self.e, lift(other, self.e.type).e))

    def __add__(self, other: E | int) -> E:
        return self._binary("add", other)

    def __sub__(self, other: E | int) -> E:
        return self._binary("sub", other)

    def __mul__(self, other: E | int) -> E:
        return self._binary("mul", other)

    def __floordiv__(self, other: E | int) -> E:
        return self._binary("div", other)

    def __mod__(self, other: E | int) -> E:
        return self._binary("rem", other)

    def __xor__(self, other: E | int) -> E:
        return self._binary("xor", other)

    def __lshift__(self, other: E | int) -> E:
        return self._binary("shl", other)

    def _compare(self, op: str, other: E | int) -> E:
        return E(Compare(Scalar.BOOL, op, self.e, lift(other, self.e.type).e))

    def __lt__(self, other: E | int) -> E:
        return self._compare("lt", other)

    def __ge__(self, other: E | int) -> E:
        return self._compare("ge", other)

    def eq(self, other: E | int) -> E:
        return self._compare("eq", other)

    def ne(self, other: E | int) -> E:
        return self._compare("ne", other)


def lift(x: E | int, t: Scalar) -> E:
    return x if isinstance(x, E) else E(Const(t, x & ((1 << t.bits) - 1)))


def var(name: str, t: Scalar = I32) -> E:
    return E(Var(t, name))


def number(x: float) -> E:
    return E(Const(F32, int(np.float32(x).view(np.uint32))))


T = E(Convert(I32, Builtin(U32, "threadIdx.x")))
B = E(Convert(I32, Builtin(U32, "blockIdx.x")))

_line = 0


def here() -> Span:
    """A fresh line for every statement."""
    global _line
    _line += 1
    return Span("k.cu", _line)


def ref(name: str, index: E, t: Scalar = F32, count: int = 1, access: str = "weak") -> MemRef:
    offset = Binary(I64, "mul", Convert(I64, index.e), Const(I64, t.bytes))
    return MemRef(name, offset, t, count, access, here())


def let(name: str, value: E) -> Stmt:
    return Assign(here(), Var(value.e.type, name), value.e)


def load(name: str, source: MemRef) -> Stmt:
    return Load(here(), (Var(source.type, name),), source)


def store(target: MemRef, *values: E) -> Stmt:
    return Store(here(), target, tuple(v.e for v in values))


def when(cond: E, *then: Stmt, orelse: tuple[Stmt, ...] = ()) -> Stmt:
    return If(here(), cond.e, then, orelse)


def loop(cond: E, *body: Stmt, step: tuple[Stmt, ...] = (), prelude: tuple[Stmt, ...] = ()) -> Stmt:
    return Loop(here(), cond.e, body, step, prelude)


def sync(scope: str = "block") -> Stmt:
    return Barrier(here(), scope)


def atomic(dest: str | None, op: str, target: MemRef, *operands: E, order: str = "relaxed") -> Stmt:
    result = None if dest is None else Var(target.type, dest)
    return Atomic(here(), result, op, target, tuple(o.e for o in operands), order)


def kernel(*body: Stmt, shared: dict[str, int] | None = None, local: dict[str, int] | None = None) -> Kernel:
    """Pointers x, y (f32), c (i32) and scalar n (i32); shared and local arrays of f32."""
    parameters = (
        Parameter("x", None, F32),
        Parameter("y", None, F32),
        Parameter("c", None, I32),
        Parameter("n", I32),
    )
    objects = {n: MemoryObject(n, Space.GLOBAL, t, None, 256) for n, t in (("x", F32), ("y", F32), ("c", I32))}
    for space, arrays in ((Space.SHARED, shared or {}), (Space.LOCAL, local or {})):
        objects |= {n: MemoryObject(n, space, F32, (size,), 16) for n, size in arrays.items()}
    return check(Kernel("k", parameters, objects, body))


def launch(
    k: Kernel, grid: int = 1, block: int = 64, *, n: int = 0, size: int = 4096, **options: object
) -> tuple[Execution, DenseBuffer]:
    """Runs with x = 0, 1, 2, ..., y uninitialised, c zero; returns the run and y."""
    x = DenseBuffer.of(np.arange(size, dtype=np.float32))
    y = DenseBuffer.empty(size * 4)
    buffers = {"x": x, "y": y, "c": DenseBuffer.zeros(1024)}
    options.setdefault("outputs", ("y",))
    done = run(k, (grid, 1, 1), (block, 1, 1), buffers, {"n": n & 0xFFFFFFFF}, **options)  # type: ignore[arg-type]
    return done, y


def values(y: DenseBuffer, count: int) -> list[float]:
    return y.array(np.float32)[:count].tolist()


def only(done: Execution, kind: str) -> None:
    """One event, of the given kind."""
    assert [e.kind for e in done.events] == [kind], done.events
    assert done.ended == "event"


# ------------------------------------------------------------------------------------------------ values and control
def test_copy_runs_every_thread_of_every_block() -> None:
    i = B * 64 + T
    done, y = launch(kernel(load("v", ref("x", i)), store(ref("y", i), var("v", F32))), grid=3)
    assert done.clean
    assert values(y, 192) == list(range(192))
    assert y.init[: 192 * 4].all()
    assert not y.init[192 * 4 :].any()


def test_chosen_blocks_only() -> None:
    i = B * 64 + T
    k = kernel(load("v", ref("x", i)), store(ref("y", i), var("v", F32)))
    done, y = launch(k, grid=3, blocks=[(1, 0, 0)])
    assert done.clean
    assert y.init.reshape(-1, 256)[:3].all(axis=1).tolist() == [False, True, False]


def collatz_body(step: Stmt) -> tuple[Stmt, ...]:
    even = when((var("a") % 2).eq(0), let("a", var("a") // 2), orelse=(let("a", var("a") * 3 + 1),))
    return (loop(var("a").ne(1), even, step=(step,)),)


def test_loops_run_as_often_as_each_thread_needs() -> None:
    body = (let("a", T + 1), let("s", lift(0, I32)), *collatz_body(let("s", var("s") + 1)))
    out = store(ref("y", T), E(Convert(F32, var("s").e)))
    done, y = launch(kernel(*body, out))
    assert done.clean

    def steps(a: int) -> int:
        return 0 if a == 1 else 1 + steps(a // 2 if a % 2 == 0 else 3 * a + 1)

    assert values(y, 64) == [steps(t + 1) for t in range(64)]


def test_break_continue_and_return() -> None:
    body = (
        when(T.eq(5), Return(here())),
        let("i", lift(0, I32)),
        let("s", lift(0, I32)),
        loop(
            var("i") < 10,
            when((var("i") % 2).eq(1), Continue(here())),
            when(var("i").eq(T), Break(here())),
            when(var("i").eq(8).__xor__(lift(0, Scalar.BOOL)), when(T.eq(7), Return(here()))),
            let("s", var("s") + var("i")),
            step=(let("i", var("i") + 1),),
        ),
        store(ref("y", T), E(Convert(F32, var("s").e))),
    )
    done, y = launch(kernel(*body), block=12)
    assert done.clean

    def expected(t: int) -> int:
        total = 0
        for i in range(0, 10, 2):
            if i == t:
                break
            total += i
        return total

    got = y.init[: 12 * 4].reshape(-1, 4).all(axis=1)
    assert [t for t in range(12) if not got[t]] == [5, 7]
    assert [v for t, v in enumerate(values(y, 12)) if got[t]] == [expected(t) for t in range(12) if t not in (5, 7)]


def test_do_while_skips_the_first_test() -> None:
    again = Loop(here(), (var("i") < 0).e, (let("i", var("i") + 1),), test_first=False)
    done, y = launch(kernel(let("i", T), again, store(ref("y", T), E(Convert(F32, var("i").e)))))
    assert done.clean
    assert values(y, 3) == [1, 2, 3]


def test_fmad_contracts_the_chosen_multiply() -> None:
    one = np.float32(1 + 2**-12)
    exact = number(float(one))
    product = let("p", exact * exact)
    down = let("d", var("p", F32) - number(float(one * one)))
    for fmad, want in ((True, float(one.astype(np.float64) ** 2 - np.float64(one * one))), (False, 0.0)):
        done, y = launch(kernel(product, down, store(ref("y", T), var("d", F32))), fmad=fmad)
        assert done.clean
        assert values(y, 1) == [want]
    fixed = kernel(
        Assign(here(), Var(F32, "p"), Binary(F32, "mul", exact.e, exact.e, rn=True)),
        down,
        store(ref("y", T), var("d", F32)),
    )
    assert values(launch(fixed)[1], 1) == [0.0]


# ------------------------------------------------------------------------------------------------ bounds
@pytest.mark.parametrize(("n", "good"), [(100, True), (4097, False)])
def test_bounds(n: int, good: bool) -> None:
    k = kernel(load("v", ref("x", lift(n - 1, I32))), store(ref("y", T), var("v", F32)))
    done, _ = launch(k)
    assert done.clean == good
    if not good:
        only(done, "bounds")
        assert (done.events[0].object, done.events[0].offset) == ("x", 4096 * 4)


def test_negative_offset_and_tail_threads() -> None:
    done, _ = launch(kernel(load("v", ref("x", T - 1))))
    only(done, "bounds")
    assert done.events[0].threads == (((0, 0, 0), (0, 0, 0)),)
    guarded = kernel(when(T.ne(0), load("v", ref("x", T - 1)), store(ref("y", T), var("v", F32))))
    assert launch(guarded)[0].clean


@pytest.mark.parametrize(("stride", "good"), [(4, True), (2, False)])
def test_alignment_of_vector_loads(stride: int, good: bool) -> None:
    names = tuple(Var(F32, f"v{i}") for i in range(4))
    k = kernel(Load(here(), names, ref("x", T * stride, count=4)), store(ref("y", T), var("v3", F32)))
    done, y = launch(k)
    assert done.clean == good
    if good:
        assert values(y, 4) == [3, 7, 11, 15]
    else:
        assert "misaligned" in done.events[0].message


# ------------------------------------------------------------------------------------------------ races
def neighbour(*between: Stmt) -> Kernel:
    """s[t] = x[t]; ...; y[t] = s[t ^ 1]"""
    return kernel(
        load("v", ref("x", T)),
        store(ref("s", T), var("v", F32)),
        *between,
        load("w", ref("s", T ^ 1)),
        store(ref("y", T), var("w", F32)),
        shared={"s": 64},
    )


def test_race_in_shared_memory_and_its_barrier() -> None:
    done, _ = launch(neighbour(), grid=2)
    only(done, "race")
    (block, a), (other, b) = done.events[0].threads
    assert block == other
    assert a[0] == b[0] ^ 1
    assert len(done.events[0].spans) == 2
    assert launch(neighbour(sync()), grid=2)[0].clean


def test_warp_barriers_order_warps_only() -> None:
    assert launch(neighbour(sync("warp")))[0].clean
    far = [
        load("w", ref("s", T ^ 32)) if isinstance(s, Load) and s.ref.object == "s" else s
        for s in neighbour(sync("warp")).body
    ]
    only(launch(kernel(*far, shared={"s": 64}))[0], "race")


def test_shuffles_do_not_order_memory() -> None:
    talk = Shuffle(here(), Var(F32, "u"), "xor", Var(F32, "v"), Const(I32, 1), 32, FULL)
    only(launch(neighbour(talk))[0], "race")


def test_read_before_write_race() -> None:
    k = kernel(
        let("z", number(0)),
        store(ref("s", T), var("z", F32)),
        sync(),
        load("w", ref("s", T ^ 1)),
        store(ref("s", T), var("w", F32)),
        shared={"s": 64},
    )
    only(launch(k)[0], "race")


@pytest.mark.parametrize(("index", "clean"), [(B * 64 + T, True), (B * 63 + T, False)])
def test_race_between_blocks(index: E, clean: bool) -> None:
    k = kernel(store(ref("y", index), E(Convert(F32, (B * 64 + T).e))))
    for options in ({"grid": 2}, {"grid": 2000, "size": 1 << 18}):  # in one chunk, and in several
        done, _ = launch(k, **options)  # type: ignore[arg-type]
        assert done.clean == clean
        if not clean:
            only(done, "race")
            assert done.events[0].threads[0][0] != done.events[0].threads[1][0]


def test_same_value_writes_are_told_apart() -> None:
    constant = launch(kernel(store(ref("y", lift(0, I32)), number(1))))[0]
    assert constant.clean
    assert [n.kind for n in constant.notes] == ["race"]
    only(launch(kernel(store(ref("y", lift(0, I32)), E(Convert(F32, T.e)))))[0], "race")


def test_read_only_path_is_not_written() -> None:
    read = load("v", ref("x", T, access="readonly"))
    write = store(ref("x", T), number(1))
    only(launch(kernel(read, sync(), write))[0], "race")
    only(launch(kernel(write, sync(), read))[0], "race")
    assert launch(kernel(read, sync(), store(ref("x", T + 64), number(1))))[0].clean


def test_one_buffer_under_two_names_is_one_memory() -> None:
    k = kernel(load("v", ref("x", T)), store(ref("y", T + 1), var("v", F32)))
    shared = DenseBuffer.of(np.zeros(65, dtype=np.float32))
    buffers = {"x": shared, "y": shared, "c": DenseBuffer.zeros(4)}
    only(run(k, (1, 1, 1), (64, 1, 1), buffers, {"n": 0}), "race")


# ------------------------------------------------------------------------------------------------ init
@pytest.mark.parametrize("written", [64, 63])
def test_uninitialised_shared_memory_reaches_an_output(written: int) -> None:
    k = kernel(
        when(T < written, store(ref("s", T), number(2))),
        sync(),
        load("w", ref("s", T)),
        store(ref("y", T), var("w", F32)),
        shared={"s": 64},
    )
    done, _ = launch(k)
    assert done.clean == (written == 64)
    if not done.clean:
        only(done, "init")
        assert done.events[0].threads == (((0, 0, 0), (63, 0, 0)),)


def test_garbage_that_is_masked_later_is_fine() -> None:
    chosen = E(Select(F32, (T < 32).e, Var(F32, "w"), number(0).e))
    k = kernel(
        when(T < 32, store(ref("s", T), number(2))),
        load("w", ref("s", T)),
        store(ref("y", T), chosen),
        shared={"s": 64},
    )
    assert launch(k)[0].clean


def test_uninitialised_variable_in_branch_address_and_output() -> None:
    some = when(T < 63, let("a", T))
    for use in (
        when(var("a") < 5, let("b", T)),
        load("v", ref("x", var("a"))),
        store(ref("y", T), E(Convert(F32, var("a").e))),
    ):
        only(launch(kernel(some, use))[0], "init")
        assert launch(kernel(some, when(T < 63, use)))[0].clean
        assert launch(kernel(let("a", T), use))[0].clean


def test_scratch_may_hold_garbage() -> None:
    k = kernel(load("w", ref("s", T)), store(ref("c", T, F32), var("w", F32)), shared={"s": 64})
    done, _ = launch(k)
    assert done.clean
    only(launch(k, outputs=None)[0], "init")


# ------------------------------------------------------------------------------------------------ barriers
def test_divergent_barrier_and_early_return() -> None:
    only(launch(kernel(when(T < 32, sync())))[0], "barrier")
    assert launch(kernel(when(B < 1, sync())), grid=2)[0].clean
    early = launch(kernel(when(T < 32, Return(here())), sync()))[0]
    assert early.clean
    assert [n.kind for n in early.notes] == ["barrier"]


def test_barrier_in_a_loop_whose_trips_differ() -> None:
    def k(bound: E) -> Kernel:
        return kernel(let("i", lift(0, I32)), loop(var("i") < bound, sync(), step=(let("i", var("i") + 1),)))

    only(launch(k(T % 2 + 1))[0], "barrier")
    assert launch(k(B + 1), grid=3)[0].clean


# ------------------------------------------------------------------------------------------------ ranges
TRAPS: list[tuple[Callable[[], E], Callable[[], E]]] = [
    (lambda: var("n") + T, lambda: var("n") - T),
    (lambda: (T + 1) // (T - 3), lambda: (T + 1) // (T + 3)),
    (lambda: T << (T + 1), lambda: T << (T % 8)),
    (
        lambda: E(Convert(I32, Binary(F32, "mul", Convert(F32, T.e), number(1e9).e))),
        lambda: E(Convert(I32, Binary(F32, "mul", Convert(F32, T.e), number(1e6).e))),
    ),
]


@pytest.mark.parametrize(("bad", "good"), TRAPS)
def test_undefined_arithmetic(bad: Callable[[], E], good: Callable[[], E]) -> None:
    from tv.kernel import Param

    setup = let("n", E(Param(I32, "n")))
    only(launch(kernel(setup, let("r", bad())), n=2**31 - 30)[0], "range")
    assert launch(kernel(setup, let("r", good())), n=2**31 - 30)[0].clean


def test_the_arm_not_taken_is_not_executed() -> None:
    guarded = E(Select(I32, T.ne(3).e, ((T + 1) // (T - 3)).e, Const(I32, 0)))
    assert launch(kernel(let("r", guarded)))[0].clean
    both = E(Binary(Scalar.BOOL, "and", T.ne(3).e, ((T + 1) // (T - 3)).eq(0).e))
    assert launch(kernel(let("r", both)))[0].clean


def test_assume_is_checked() -> None:
    only(launch(kernel(Assume(here(), (T < 63).e, "assert")))[0], "range")
    assert launch(kernel(Assume(here(), (T < 64).e, "assert")))[0].clean


def test_a_loop_that_goes_on_spends_the_budget() -> None:
    done, _ = launch(kernel(let("i", T), loop(var("i") < 1 << 30, let("i", var("i") + 1))), step_limit=1000)
    assert done.ended == "budget"
    assert not done.clean
    assert done.events == ()


def test_a_loop_without_end_is_an_event() -> None:
    done, _ = launch(kernel(let("i", T), loop(var("i") < 1000, let("j", T))), step_limit=1000)
    assert (done.ended, [e.kind for e in done.events]) == ("event", ["barrier"])


# ------------------------------------------------------------------------------------------------ warps
@pytest.mark.parametrize(
    ("mode", "operand", "width", "source"),
    [
        ("xor", 5, 32, lambda t: t ^ 5),
        ("down", 3, 32, lambda t: t + 3 if t < 29 else t),
        ("down", 3, 8, lambda t: t + 3 if t % 8 < 5 else t),
        ("up", 2, 16, lambda t: t - 2 if t % 16 >= 2 else t),
        ("idx", 9, 8, lambda t: t // 8 * 8 + 1),
        ("xor", 16, 16, lambda t: t if t < 16 else t - 16),
    ],
)
def test_shuffles(mode: str, operand: int, width: int, source: Callable[[int], int]) -> None:
    talk = Shuffle(here(), Var(I32, "v"), mode, T.e, Const(I32, operand), width, FULL)
    done, y = launch(kernel(talk, store(ref("y", T), E(Convert(F32, var("v").e)))))
    assert done.clean
    assert values(y, 64) == [t // 32 * 32 + source(t % 32) for t in range(64)]


def shuffle(mask: int, lane: int = 8) -> Stmt:
    return Shuffle(here(), Var(I32, "v"), "down", T.e, Const(I32, lane), 32, Const(U32, mask))


def test_shuffle_masks() -> None:
    only(launch(kernel(when(T < 16, shuffle(0xFFFFFFFF))))[0], "barrier")
    only(launch(kernel(shuffle(0xFFFF)), block=32)[0], "barrier")
    result = store(ref("y", T), E(Convert(F32, var("v").e)))
    assert launch(kernel(when(T < 16, shuffle(0xFFFF))), block=32)[
        0
    ].clean  # lane 8 reads lane 16, and uses it for nothing
    assert launch(kernel(when(T < 16, shuffle(0xFFFF)), when(T < 8, result)), block=32)[0].clean
    only(launch(kernel(when(T < 16, shuffle(0xFFFF)), when(T < 9, result)), block=32)[0], "init")
    half = Shuffle(here(), Var(I32, "v"), "down", T.e, Const(I32, 8), 16, Const(U32, 0xFFFF))
    assert launch(kernel(when(T < 16, half)), block=32)[0].clean
    only(launch(kernel(shuffle(0xFFFFFFFF, 16), result), block=48)[0], "init")  # the second warp has 16 lanes


def test_votes() -> None:
    votes = [Vote(here(), Var(U32, f"v{m}"), m, (T % 32 < 3).e, FULL) for m in ("ballot", "any", "all")]
    every = Vote(here(), Var(U32, "always"), "all", (T < 64).e, FULL)
    results = [E(Convert(F32, Var(U32, n))) for n in ("vballot", "vany", "vall", "always")]
    done, y = launch(kernel(*votes, every, store(ref("y", T * 4, count=4), *results)))
    assert done.clean
    assert values(y, 256) == [7, 1, 0, 1] * 64


# ------------------------------------------------------------------------------------------------ atomics
def test_atomics_sum_and_return_distinct_tickets() -> None:
    k = kernel(
        atomic("ticket", "add", ref("c", lift(0, I32), I32), lift(1, I32)),
        store(ref("y", var("ticket")), number(1)),
        atomic(None, "max", ref("c", lift(1, I32), I32), T),
    )
    done, y = launch(k, grid=3)
    assert done.clean
    assert done.ordered_atomics
    assert values(y, 192) == [1.0] * 192


def test_atomic_against_plain_access_is_a_race() -> None:
    add = atomic(None, "add", ref("c", lift(0, I32), I32), lift(1, I32))
    only(launch(kernel(add, load("v", ref("c", lift(0, I32), I32))))[0], "race")
    assert launch(kernel(add, sync(), load("v", ref("c", lift(0, I32), I32))))[0].clean


def grid_sync(*, fence: bool = True, target: E | None = None) -> tuple[Stmt, ...]:
    """bar; thread 0: release, arrive, poll until everybody arrived, acquire; bar"""
    counter = ref("c", lift(0, I32), I32)
    poll = atomic("seen", "load", ref("c", lift(0, I32), I32))
    around: tuple[Stmt, ...] = (Fence(here(), "device"),) if fence else ()
    wait = loop(var("seen") < (target or E(Convert(I32, Builtin(U32, "gridDim.x")))), prelude=(poll,))
    return (sync(), when(T.eq(0), *around, atomic(None, "add", counter, lift(1, I32)), wait, *around), sync())


def exchange(*between: Stmt) -> Kernel:
    """Every block reads what the next one wrote."""
    blocks = E(Convert(I32, Builtin(U32, "gridDim.x")))
    return kernel(
        store(ref("x", B * 64 + T), E(Convert(F32, B.e))),
        *between,
        load("v", ref("x", (B + 1) % blocks * 64 + T)),
        store(ref("y", B * 64 + T), var("v", F32)),
    )


def test_grid_barriers_order_blocks() -> None:
    for barrier in ((sync("grid"),), grid_sync()):
        done, y = launch(exchange(*barrier), grid=5)
        assert done.clean, done.events
        assert values(y, 320)[::64] == [1, 2, 3, 4, 0]
    only(launch(exchange(sync()), grid=5)[0], "race")
    only(launch(exchange(*grid_sync(fence=False)), grid=5)[0], "race")
    with pytest.raises(BadInput):
        launch(exchange(sync("grid")), grid=5, blocks=[(0, 0, 0)])


def test_turns_show_what_an_even_pace_hides() -> None:
    early = grid_sync(target=lift(1, I32))  # waits for one block only
    assert launch(exchange(*early), grid=5)[0].clean
    only(launch(exchange(*early), grid=5, schedule="turns")[0], "race")
    good, y = launch(exchange(*grid_sync()), grid=5, schedule="turns")
    assert good.clean
    assert values(y, 320)[::64] == [1, 2, 3, 4, 0]
    with pytest.raises(BadInput):
        launch(exchange(), schedule="backwards")


def test_a_barrier_that_waits_for_one_block_too_many() -> None:
    only(launch(exchange(*grid_sync(target=lift(6, I32))), grid=5)[0], "barrier")


def test_a_divergent_grid_barrier() -> None:
    only(launch(kernel(when(B < 1, sync("grid"))), grid=2)[0], "barrier")


def chain(order: tuple[str, str]) -> Kernel:
    """Block b waits for block b - 1, each adding one to what it finds: only turns can run it."""
    send, receive = order
    poll = atomic("seen", "load", ref("c", lift(0, I32), I32), order=receive)
    step = (
        load("v", ref("x", lift(0, I32))),
        store(ref("x", lift(0, I32)), var("v", F32) + number(1)),
        atomic(None, "add", ref("c", lift(0, I32), I32), lift(1, I32), order=send),
    )
    return kernel(when(T.eq(0), loop(var("seen").ne(B), prelude=(poll,)), *step), when(T.eq(1), let("z", T)))


def test_blocks_that_wait_for_each_other_run_in_turns() -> None:
    x = DenseBuffer.of(np.zeros(4, dtype=np.float32))
    for order, kind in ((("release", "acquire"), None), (("relaxed", "relaxed"), "race")):
        x.array(np.float32)[0] = 0
        buffers = {"x": x, "y": DenseBuffer.empty(4), "c": DenseBuffer.zeros(4)}
        done = run(chain(order), (6, 1, 1), (32, 1, 1), buffers, {"n": 0})
        assert [e.kind for e in done.events] == ([] if kind is None else [kind])
        if kind is None:
            assert x.array(np.float32)[0] == 6


def test_threads_of_a_block_that_wait_for_each_other_are_unknown() -> None:
    poll = atomic("seen", "load", ref("c", lift(0, I32), I32))
    wait = loop(var("seen").eq(0), prelude=(poll,))
    k = kernel(when(T.eq(0), wait, orelse=(atomic(None, "add", ref("c", lift(0, I32), I32), lift(1, I32)),)))
    with pytest.raises(Unknown):
        launch(k)


def last_block(*, fence: bool) -> Kernel:
    """Every block leaves a partial result; the last one to arrive reads them all."""
    blocks = E(Convert(I32, Builtin(U32, "gridDim.x")))
    arrive = (
        store(ref("x", B), E(Convert(F32, (B + 1).e))),
        *((Fence(here(), "device"),) if fence else ()),
        atomic("ticket", "add", ref("c", lift(0, I32), I32), lift(1, I32)),
        store(ref("s", lift(0, I32)), E(Convert(F32, var("ticket").e))),
    )
    add_all = (
        let("i", lift(0, I32)),
        let("sum", number(0)),
        loop(
            var("i") < blocks,
            load("v", ref("x", var("i"))),
            let("sum", var("sum", F32) + var("v", F32)),
            step=(let("i", var("i") + 1),),
        ),
        store(ref("y", T), var("sum", F32)),
    )
    done = E(Compare(Scalar.BOOL, "eq", Var(F32, "role"), Convert(F32, (blocks - 1).e)))
    role = load("role", ref("s", lift(0, I32)))
    return kernel(when(T.eq(0), *arrive), sync(), role, when(done, *add_all), shared={"s": 1})


def test_the_last_block_sees_what_the_others_left() -> None:
    done, y = launch(last_block(fence=True), grid=7)
    assert done.clean, done.events
    assert done.ordered_atomics
    assert values(y, 1) == [28]
    done, y = launch(last_block(fence=True), grid=1100)  # in several chunks
    assert done.clean, done.events
    assert values(y, 1) == [sum(range(1101))]
    only(launch(last_block(fence=False), grid=7)[0], "race")


def test_volatile_flag_between_blocks() -> None:
    flag = ref("c", lift(0, I32), I32, access="volatile")
    fence = Fence(here(), "device")
    for around in ((fence,), ()):
        produce = (store(ref("x", lift(9, I32)), number(3)), *around, store(flag, lift(1, I32)))
        wait = loop(var("seen").eq(0), prelude=(load("seen", flag),))
        consume = (wait, *around, load("v", ref("x", lift(9, I32))), store(ref("y", T), var("v", F32)))
        k = kernel(when(T.eq(0), when(B.eq(1), *produce, orelse=consume)))
        done, y = launch(k, grid=2)
        if around:
            assert done.clean, done.events
            assert values(y, 1) == [3]
        else:
            only(done, "race")


def test_warp_barriers_with_masks_chain() -> None:
    def meet(mask: int) -> Stmt:
        inside = E(Binary(U32, "and", Binary(U32, "shr", Const(U32, mask), T.e), Const(U32, 1))).ne(0)
        return when(inside, Barrier(here(), "warp", Const(U32, mask)))

    write = when(T.eq(0), store(ref("s", lift(0, I32)), number(4)))
    read = when(T.eq(2), load("v", ref("s", lift(0, I32))), store(ref("y", T), var("v", F32)))
    assert launch(kernel(write, meet(0b011), meet(0b110), read, shared={"s": 1}), block=32)[0].clean
    only(launch(kernel(write, meet(0b110), meet(0b011), read, shared={"s": 1}), block=32)[0], "race")


def test_restricted_pointers_to_one_buffer() -> None:
    k = kernel(load("v", ref("x", T)), sync(), store(ref("y", T), var("v", F32)))
    restricted = replace(k, parameters=tuple(replace(p, restrict=p.name == "x") for p in k.parameters))
    one = DenseBuffer.of(np.zeros(64, dtype=np.float32))
    buffers = {"x": one, "y": one, "c": DenseBuffer.zeros(4)}
    assert run(k, (1, 1, 1), (64, 1, 1), buffers, {"n": 0}).clean
    only(run(restricted, (1, 1, 1), (64, 1, 1), buffers, {"n": 0}), "race")
    buffers["y"] = DenseBuffer.empty(256)
    assert run(restricted, (1, 1, 1), (64, 1, 1), buffers, {"n": 0}).clean


# ------------------------------------------------------------------------------------------------ copies
def pipeline(wait: int, *, fill: E | None = None) -> Kernel:
    """Two stages of asynchronous copies; the first is used while the second may be in flight."""
    stages = []
    for stage in range(2):
        to, source = ref("s", T + 64 * stage), ref("x", T + 64 * stage)
        stages += [AsyncCopy(here(), to, source, None if fill is None else fill.e), AsyncCommit(here())]
    use = (AsyncWait(here(), wait), sync(), load("v", ref("s", T ^ 1)), store(ref("y", T), var("v", F32)))
    return kernel(*stages, *use, AsyncWait(here(), 0), shared={"s": 128})


def test_asynchronous_copies_complete_at_their_wait() -> None:
    done, y = launch(pipeline(1))
    assert done.clean, done.events
    assert values(y, 4) == [1, 0, 3, 2]
    only(launch(pipeline(2))[0], "race")
    done, y = launch(pipeline(1, fill=lift(4, I32)))
    assert done.clean
    assert values(y, 4) == [0, 0, 0, 0]


def test_copies_in_flight_are_left_alone() -> None:
    issue = (AsyncCopy(here(), ref("s", T), ref("x", T)), AsyncCommit(here()))
    done, use = (AsyncWait(here(), 0),), (load("v", ref("s", T)), store(ref("y", T), var("v", F32)))
    assert launch(kernel(*issue, *done, *use, shared={"s": 64}))[0].clean
    only(launch(kernel(*issue, *use, *done, shared={"s": 64}))[0], "race")
    write_source = (sync(), store(ref("x", T ^ 1), number(7)))
    only(launch(kernel(*issue, *write_source, *done, *use, shared={"s": 64}))[0], "race")
    done_first, y = launch(kernel(*issue, *done, *write_source, *use, shared={"s": 64}))
    assert done_first.clean
    assert values(y, 2) == [0, 1]
    uncommitted = (AsyncCopy(here(), ref("s", T), ref("x", T)), *done, *use)
    only(launch(kernel(*uncommitted, shared={"s": 64}))[0], "race")


def test_partly_zero_filled_copies_read_only_their_part() -> None:
    whole = ref("s", T * 4, count=4)
    source = ref("x", T * 4, count=4)
    left = E(Select(U32, T.eq(63).e, Const(U32, 8), Const(U32, 0)))  # the last thread copies two elements
    names = tuple(Var(F32, f"v{i}") for i in range(4))
    body = (
        AsyncCopy(here(), whole, source, left.e),
        AsyncCommit(here()),
        AsyncWait(here(), 0),
        Load(here(), names, whole),
        Store(here(), ref("y", T * 4, count=4), names),
    )
    done, y = launch(kernel(*body, shared={"s": 256}))
    assert done.clean, done.events
    assert values(y, 256) == [*range(254), 0, 0]
    x = DenseBuffer.of(np.arange(254, dtype=np.float32))
    buffers = {"x": x, "y": DenseBuffer.empty(1024), "c": DenseBuffer.zeros(4)}
    assert run(kernel(*body, shared={"s": 256}), (1, 1, 1), (64, 1, 1), buffers, {"n": 0}).clean
    full = (replace(body[0], zero_fill=None), *body[1:])
    only(run(kernel(*full, shared={"s": 256}), (1, 1, 1), (64, 1, 1), buffers, {"n": 0}), "bounds")


# ------------------------------------------------------------------------------------------------ the rest
def test_generated_buffers_of_any_size() -> None:
    size = 1 << 40
    far = E(Binary(I64, "add", Const(I64, size - 512), Binary(I64, "mul", Convert(I64, T.e), Const(I64, 4))))
    at = replace(ref("x", T), offset=far.e)
    k = kernel(load("v", at), store(at, var("v", F32) + number(1)), load("w", at), store(ref("y", T), var("w", F32)))
    x = GeneratedBuffer(size, 4, lambda i: (i % 7).astype(np.float32).view(np.uint32))
    y = DenseBuffer.empty(256)
    done = run(k, (1, 1, 1), (64, 1, 1), {"x": x, "y": y, "c": DenseBuffer.zeros(4)}, {"n": 0})
    assert done.clean, done.events
    first = (size - 512) // 4
    assert values(y, 64) == [(first + t) % 7 + 1 for t in range(64)]


def test_math_functions_are_reported() -> None:
    k = kernel(load("v", ref("x", T)), store(ref("y", T), E(Call(F32, "fast_exp", (Var(F32, "v"),)))))
    assert launch(k)[0].math_functions == {"fast_exp.f32"}


def test_local_memory_is_each_threads_own() -> None:
    k = kernel(
        store(ref("a", lift(1, I32)), E(Convert(F32, T.e))),
        load("v", ref("a", lift(1, I32))),
        store(ref("y", T), var("v", F32)),
        local={"a": 3},
    )
    done, y = launch(k)
    assert done.clean
    assert values(y, 64) == list(range(64))
    only(launch(kernel(load("v", ref("a", T)), local={"a": 3}))[0], "bounds")


def test_bad_launches_are_refused() -> None:
    k = kernel(load("v", ref("x", T)))
    with pytest.raises(BadInput, match="no buffer"):
        run(k, (1, 1, 1), (1, 1, 1), {}, {"n": 0})
    with pytest.raises(BadInput, match="no value"):
        run(k, (1, 1, 1), (1, 1, 1), {"x": DenseBuffer.zeros(4)}, {})
    with pytest.raises(BadInput):
        launch(k, block=2048)
    with pytest.raises(Unsupported):
        launch(kernel(Barrier(here(), "cluster")))


def test_events_up_to_a_limit() -> None:
    k = kernel(load("v", ref("x", T - 1)), load("w", ref("x", T + 4095)), let("q", T // T))
    done, _ = launch(k, event_limit=5)
    assert [e.kind for e in done.events] == ["bounds", "bounds", "range"]
    assert done.ended == "done"
    assert not done.clean
