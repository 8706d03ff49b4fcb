"""Signed arithmetic on values from memory: refused where it may overflow, which is undefined, and nowhere else."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tests.executing import program_of
from tv.arithmetic import Bits, apply, decode, float_bits
from tv.diagnostic import Unknown
from tv.kernel import Scalar
from tv.symexec import data_ranges
from tv.symexec.data_ranges import range_of_node
from tv.symexec.values import Node, as_signed, node_const, type_range


def run(expression: str) -> None:
    text = f"__global__ void k(const int* x, int* y) {{ int t = threadIdx.x; int v = x[t]; y[t] = {expression}; }}"
    program_of(text, (4, 1, 1), 1, {"x": 4, "y": 4})


@pytest.mark.parametrize(
    "expression",
    [
        "v + 1",
        "v - t",
        "-v",
        "v * 2",
        "v << 1",
        "v / -1",
        "v % -1",
        "abs(v)",
        "(v & 0xffff) * (v & 0xffff)",
        "(short)v * 65537",
        "__popc(v) * 67108864",
        "(int)__brev(v) + 1",
        "__ffs(v & 0xff) * 268435456",
        "__clz(v & 0xffff) * 134217728",
    ],
)
def test_what_may_overflow_is_refused(expression: str) -> None:
    with pytest.raises(Unknown) as caught:
        run(expression)
    assert caught.value.code == "TV0525"


@pytest.mark.parametrize(
    "expression",
    [
        "(int)((unsigned)v + 1u)",
        "(v & 0xff) + 1",
        "(short)v * (short)v",
        "(signed char)v - 200",
        "v / 2",
        "v % 7",
        "(v & 7) << 3",
        "~v",
        "__popc(v) * 67108863",
        "__ffs(v & 0xff) * 268435455",
        "(32 - __clz(v & 0xff)) * 268435455",
        "__popc(v) + __clz(v) + __ffs(v)",
    ],
)
def test_what_cannot_overflow_is_not(expression: str) -> None:
    run(expression)


INTEGERS = {w: [t for t in Scalar if not t.is_float and t.bits == w] for w in (8, 16, 32, 64)}
FLOATS = {16: ["f16", "bf16"], 32: ["f32"]}
SPECIAL = (0, 1, 2, 3, 5, 7, 8, 100)
SAMPLES = 64


class Draw:
    """Random nodes, each with its bits at SAMPLES draws of the data; `fine` where C defines everything below."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.fine = np.ones(SAMPLES, bool)

    def leaf(self, width: int) -> tuple[Node, Bits]:
        r, top = self.random, (1 << width) - 1
        if r.random() < 0.4:
            bits = r.choice([*SPECIAL, top, top >> 1, (top >> 1) + 1, r.randint(0, top)]) & top
            return node_const(bits, width), np.full(SAMPLES, bits, np.uint64)
        low, high = None, None
        data = [r.choice([r.randint(0, top), r.randint(0, 9), top - r.randint(0, 9), top >> 1]) for _ in range(SAMPLES)]
        t = r.choice(INTEGERS[width])
        if r.random() < 0.5:
            low, high = sorted(r.choice(type_range(t)) // r.choice((1, 2, 1 << 4)) for _ in range(2))
            data = [r.randint(low, high) & top for _ in range(SAMPLES)]
        known = None if low is None or high is None else (low, high)
        return Node("fetch", width, "x", known=known), np.array(data, np.uint64)

    def float(self, label: str, depth: int) -> tuple[Node, Bits]:
        """A float between two numbers, or any, perhaps rounded to a whole one; the bits of another type, too."""
        r, width = self.random, int(label.lstrip("bf"))
        n, bits = self.any(width, depth - 1)
        other = r.choice(FLOATS[width])
        for head in r.sample(["fmax", "fmin", "rint", "floor", "ceil", "trunc"], r.randint(0, 4)):
            limit = float_bits(r.choice((0.5, -3.25, 100.0, 2.0, 255.0)), other)
            more = head in ("fmax", "fmin")
            args = (n, node_const(limit, width)) if more else (n,)
            values = [bits, np.full(SAMPLES, limit, np.uint64)] if more else [bits]
            n, bits = Node("op", width, f"{head}.{other}", args), apply(f"{head}.{other}", values)
            other = label if r.random() < 0.8 else other
        return n, bits

    def any(self, width: int, depth: int) -> tuple[Node, Bits]:
        r = self.random
        if depth <= 0:
            return self.leaf(width)
        kind = r.choice(
            ["binary", "binary", "binary", "cvt", "cvt", "extract", "select", "wrapped", "float", "bits", "leaf"]
        )
        match kind:
            case "binary":
                return self.binary(width, depth)
            case "cvt":
                source, target = r.choice(INTEGERS[r.choice((8, 16, 32, 64))]), r.choice(INTEGERS[width])
                n, bits = self.any(source.bits, depth - 1)
                return self.op(f"cvt.{label(target)}.{label(source)}", width, (n, bits))
            case "extract" if width < 64:
                n, bits = self.any(2 * width, depth - 1)
                return self.op(f"extract.{r.choice((0, 0, width))}.{width}", width, (n, bits))
            case "select":
                c = self.op(f"slt.i{width}", 1, self.leaf(width), self.leaf(width))
                return self.op("select", width, c, self.any(width, depth - 1), self.any(width, depth - 1))
            case "wrapped":
                return self.wrapped(width, depth)
            case "float":
                kind, target = r.choice(("f16", "bf16", "f32")), r.choice(INTEGERS[width])
                n, bits = self.float(kind, depth)
                low, high = type_range(target)
                with np.errstate(invalid="ignore"):
                    value = decode(bits, kind).astype(np.float64)
                    self.fine &= (np.trunc(value) >= low) & (np.trunc(value) <= high)
                return self.op(f"cvt.{label(target)}.{kind}", width, (n, bits))
            case "bits" if width in FLOATS:
                kind, source = r.choice(FLOATS[width]), r.choice(INTEGERS[r.choice((8, 16, 32))])
                if kind == "bf16" and source.bits == 32:
                    return self.float(kind, depth)
                n, bits = self.any(source.bits, depth - 1)
                return self.op(f"cvt.{kind}.{label(source)}", width, (n, bits))
            case _:
                return self.leaf(width)

    def wrapped(self, width: int, depth: int) -> tuple[Node, Bits]:
        """`x < k ? x + n : x` and its like: an integer chosen by a comparison of itself."""
        r, top = self.random, (1 << width) - 1
        x, k = self.any(width, depth - 1), self.constant(r.choice([*SPECIAL, top, top - 7, top >> 1]) & top, width)
        c = self.op(f"{r.choice(('slt', 'sle'))}.i{width}", 1, *((x, k) if r.random() < 0.7 else (k, x)))
        if r.random() < 0.3:
            c = self.op("xor.i1", 1, c, self.constant(1, 1))
        if r.random() < 0.2:
            c = self.op(f"{r.choice(('and', 'or'))}.i1", 1, c, self.op(f"slt.i{width}", 1, x, self.leaf(width)))
        moved = self.op(f"{r.choice(('add', 'sub'))}.i{width}", width, x, self.leaf(width))
        return self.op("select", width, c, *((moved, x) if r.random() < 0.5 else (x, moved)))

    def binary(self, width: int, depth: int) -> tuple[Node, Bits]:
        r = self.random
        head = r.choice("add sub mul and or xor shl lshr ashr sdiv udiv srem urem smin smax umin umax".split())
        a, b = self.any(width, depth - 1), self.any(width, 0 if head in ("and", "mul", "add") else depth - 1)
        if head in ("shl", "lshr", "ashr"):
            b = (b[0], b[1]) if r.random() < 0.2 else self.constant(r.randint(0, width - 1), width)
            self.fine &= b[1] < width
        if head.endswith(("div", "rem")):
            b = b if r.random() < 0.2 else self.constant(r.choice(SPECIAL[1:]), width)
            self.fine &= b[1] != 0
            if head[0] == "s":
                self.fine &= b[1] != (1 << width) - 1
        return self.op(f"{head}.i{width}", width, a, b)

    def constant(self, bits: int, width: int) -> tuple[Node, Bits]:
        return node_const(bits, width), np.full(SAMPLES, bits, np.uint64)

    def op(self, name: str, width: int, *args: tuple[Node, Bits]) -> tuple[Node, Bits]:
        return Node("op", width, name, tuple(n for n, _ in args)), apply(name, [b for _, b in args])


MOST_STEPS = 50_000  # for some hundred operations, each of which is reached in many ways


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at more nodes than a walk over each of them needs fails."""
    steps, step = iter(range(MOST_STEPS)), data_ranges._range_of_node

    def counted(*args: Any) -> tuple[int, int]:
        if next(steps, None) is None:
            pytest.fail("too many steps", pytrace=False)  # whose operands no one could print
        return step(*args)

    monkeypatch.setattr(data_ranges, "_range_of_node", counted)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("kind", [Scalar.U32, Scalar.I32])
def test_each_operation_is_looked_at_once(kind: Scalar) -> None:
    n = Node("fetch", 32, "x")
    for k in range(60):
        shifted = Node("op", 32, "lshr.i32" if k % 2 else "ashr.i32", (n, node_const(1 + k % 9, 32)))
        n = Node("op", 32, "and.i32", (Node("op", 32, "xor.i32", (n, shifted)), node_const(1023, 32)))
    assert range_of_node(n, kind, lambda d: (None, None)) == (0, 1023)
    chosen = n
    for k in range(40):  # in each arm something else is known of it
        chosen = Node("op", 32, "select", (Node("op", 1, "slt.i32", (n, node_const(k, 32))), chosen, n))
    assert range_of_node(chosen, kind, lambda d: (None, None)) == (0, 1023)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("step", ["p = (p ^ (p >> K)) & 1023;", "p = (x[K] < 7 ? p ^ K : p) & 1023;"])
def test_sixty_steps_of_bits_end(step: str) -> None:
    """Both arms of a choice go on from the same: sixty of them are not 2^60."""
    steps = " ".join(step.replace("K", str(k)) for k in [*range(1, 31)] * 2)
    text = f"__global__ void k(const int* x, int* y) {{ int p = x[threadIdx.x] & 1023; {steps} y[0] = p + MORE; }}"
    program_of(text.replace("MORE", "2147482624"), (4, 1, 1), 1, {"x": 64, "y": 4})
    with pytest.raises(Unknown) as caught:
        program_of(text.replace("MORE", "2147482625"), (4, 1, 1), 1, {"x": 64, "y": 4})
    assert caught.value.code == "TV0525"


def label(t: Scalar) -> str:
    return f"{'s' if t.signed else 'u'}{t.bits}"


def test_the_ranges_of_random_nodes_enclose_their_values_in_either_reading() -> None:
    narrower = 0
    for seed in range(6000):
        draw = Draw(seed)
        width = draw.random.choice((8, 16, 32, 64))
        n, bits = draw.any(width, 4)
        for t in INTEGERS[width]:
            low, high = range_of_node(n, t, lambda d: (None, None))
            values = [as_signed(int(b), t) for b, fine in zip(bits, draw.fine, strict=True) if fine]
            assert all(low <= v <= high for v in values), (seed, t, n, (low, high), min(values), max(values))
            narrower += n.kind == "op" and (low, high) != type_range(t) and bool(values)
    assert narrower > 500  # the test is about something
