"""Flat loops as one thread for each index: only where, in C, the launch deals out each index below the total exactly once."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

from tv import cuda_frontend
from tv.kernel import Scalar
from tv.launch import CompileOptions, Launch
from tv.sets import TRUE, Affine
from tv.sets.affine import Sym
from tv.symexec.loops.flat import Flat, flattened
from tv.symexec.values import Value, type_range

LARGEST = 20  # M and N: their product passes the limits of 8 bits
TYPES = {
    "int": Scalar.I32,
    "unsigned": Scalar.U32,
    "short": Scalar.I16,
    "unsigned short": Scalar.U16,
    "signed char": Scalar.I8,
    "unsigned char": Scalar.U8,
    "long long": Scalar.I64,
}
NAMED = {s: n for n, s in TYPES.items()}
KERNEL = """__global__ void k(const float* x, float* y, int M, int N)
{{
  const int stride = gridDim.x * blockDim.x;
  const int first = blockIdx.x * blockDim.x + threadIdx.x;
  const {m_type} m = {m};
  for ({type} i = {start}; {cond}; i = {step}) y[i / N * N + i % N] = -x[i / N * N + i % N];
}}
"""
Numbers = dict[str, tuple[Scalar, int]]


class Undefined(Exception):
    """Signed overflow."""


@dataclass(frozen=True)
class E:
    """C: a name, a number, a conversion, or an operation on two."""

    op: str
    args: tuple[E, ...] = ()
    type: Scalar | None = None
    number: int = 0

    def __str__(self) -> str:
        match self.op:
            case "cast":
                assert self.type is not None
                return f"({NAMED[self.type]})({self.args[0]})"
            case "number":
                return f"{self.number}"
            case "min" | "max":
                return f"{self.op}({self.args[0]}, {self.args[1]})"
            case _:
                return f"({self.args[0]} {self.op} {self.args[1]})" if self.args else self.op

    def value(self, known: Numbers) -> tuple[Scalar, int]:
        match self.op:
            case "cast":
                assert self.type is not None
                return self.type, wrapped(self.args[0].value(known)[1], self.type)
            case "number":
                return Scalar.I32, self.number
            case _ if not self.args:
                return known[self.op]
        (s, a), (t, b) = (e.value(known) for e in self.args)
        common = max((Scalar.I32, s, t), key=lambda u: (u.bits, not u.signed))
        a, b = wrapped(a, common), wrapped(b, common)
        if self.op == "<":
            return Scalar.I32, int(a < b)
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if self.op in ("/", "%") else 0
        exact = {
            "+": a + b, "-": a - b, "*": a * b, "&": a & b, "^": a ^ b, "|": a | b, "min": min(a, b), "max": max(a, b),
            "/": quotient, "%": a - quotient * b,
        }[self.op]  # fmt: skip
        if common.signed and exact != wrapped(exact, common):
            raise Undefined
        return common, wrapped(exact, common)


def wrapped(n: int, t: Scalar) -> int:
    low, high = type_range(t)
    return (n - low) % (high - low + 1) + low


def name(text: str) -> E:
    return E(text)


def number(n: int) -> E:
    return E("number", number=n)


class Draw:
    """A flat loop, at most a few steps away from one that deals out every index once."""

    def __init__(self, seed: int) -> None:
        r = self.random = random.Random(seed)
        self.block, self.grid = r.choice((16, 32, 150)), r.choice((1, 2))
        self.changes, self.bends = r.choice((0, 1, 1, 1, 2)), 0
        thread = self.bent(name("threadIdx.x"))
        self.type = r.choice([Scalar.I32, Scalar.I32, Scalar.U32, *TYPES.values()])
        self.start = self.bent(E("+", (E("*", (name("blockIdx.x"), name("blockDim.x"))), thread)))
        self.m = self.bent(name("M"))
        self.m_type = r.choice([Scalar.I32, Scalar.I32, *TYPES.values()])
        bound = self.bent(E("*", (name("m"), name("N"))))
        i, stride = name("i"), self.bent(name("stride"))
        self.cond = E("<", (self.bent(i), bound))
        if r.random() < 0.1:
            stride = E("-", (E("+", (stride, i)), name("first")))
        self.step = self.bent(E("+", (self.bent(i), stride)))

    def bent(self, e: E) -> E:
        """Usually e; sometimes another number, for some values of it or for none."""
        r = self.random
        if self.changes == 0 or r.random() < 0.7:
            return e
        self.changes, self.bends = self.changes - 1, self.bends + 1
        k = number(r.choice((1, 2, 3, 15, 16, 31, 127, 149, 400)))
        kind = r.choice(["cast", "cast", "cast", "min", "max", "&", "%", "^", "|", "scaled", "halved"])
        match kind:
            case "cast":
                return E("cast", (e,), type=r.choice(list(TYPES.values())))
            case "min" | "max":
                return E(kind, (E("cast", (e,), type=Scalar.I32), k))
            case "scaled":
                return E("/", (E("*", (e, k)), k))
            case "halved":
                return E("*", (E("/", (e, k)), k))
            case _:
                return E(kind, (e, k))

    def text(self) -> str:
        return KERNEL.format(
            m_type=NAMED[self.m_type], m=self.m, type=NAMED[self.type], start=self.start, cond=self.cond, step=self.step
        )

    def recast(self) -> Flat | None:
        (kernel,) = cuda_frontend.read(Path("k.cu"), self.text(), CompileOptions()).kernels.values()
        scalars = {s: Value(Scalar.I32, pieces=((TRUE, Affine.sym(s)),)) for s in "MN"}
        grid = (Affine.of(self.grid), Affine.of(1), Affine.of(1))
        launch = Launch("k", (self.grid, 1, 1), (self.block, 1, 1))
        return flattened(kernel, launch, grid, scalars, dict.fromkeys("MN", (1, LARGEST)), {}, True)

    def visited(self, m: int, n: int) -> Counter[int] | None:
        """How often each index is dealt out; None where a thread does not end in time, or overflows."""
        out: Counter[int] = Counter()
        u = Scalar.U32
        known: Numbers = {"M": (Scalar.I32, m), "N": (Scalar.I32, n), "blockDim.x": (u, self.block)}
        known["m"] = self.m_type, wrapped(self.m.value(known)[1], self.m_type)
        known["stride"] = Scalar.I32, self.grid * self.block
        for b in range(self.grid):
            for t in range(self.block):
                known |= {"blockIdx.x": (u, b), "threadIdx.x": (u, t), "first": (Scalar.I32, b * self.block + t)}
                known["i"] = self.type, wrapped(self.start.value(known)[1], self.type)
                for _ in range(m * n + 2):
                    if not self.cond.value(known)[1]:
                        break
                    out[known["i"][1]] += 1
                    known["i"] = self.type, wrapped(self.step.value(known)[1], self.type)
                else:
                    return None
        return out


def total(flat: Flat, m: int, n: int) -> int:
    """How many threads the recast kernel has."""
    sizes = {Sym("M"): m, Sym("N"): n}
    return prod(sum(c * sizes[a] for a, c in e.terms if isinstance(a, Sym)) + e.const for e in flat.grid)


def test_random_flat_loops_deal_out_each_index_once_where_they_are_recast() -> None:
    recast = bent = 0
    for seed in range(450):
        draw = Draw(seed)
        flat = draw.recast()
        if flat is None:
            continue
        recast += 1
        bent += draw.bends > 0
        for m, n in ((LARGEST, LARGEST), (13, 10), (LARGEST, 1)):
            assert draw.visited(m, n) == Counter(range(total(flat, m, n))), (seed, m, n, draw.text())
    assert recast > 80
    assert bent > 20
