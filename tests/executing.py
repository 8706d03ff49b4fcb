"""CUDA text executed symbolically, without a graph: what tests of statements, races and recurrences stand on."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from tv import cuda_frontend
from tv.launch import CompileOptions, Launch
from tv.sets import Affine, Map, Set, Sets
from tv.sets.formulas import all_of, eq, ge
from tv.symexec import BufferShape, Program, execute
from tv.symexec.data_indices import NOTHING_STATED, Contents
from tv.symexec.values import Value
from tv.term import Term, Terms

BYTES = 4  # of a buffer's element


def program_of(
    text: str,
    block: tuple[int, int, int],
    grid: int = 1,
    buffers: Mapping[str, int] | None = None,
    symbols: Mapping[str, tuple[int, int]] | None = None,
    scalars: Mapping[str, Value] | None = None,
    content: str = "input",
    contents: Contents = NOTHING_STATED,
) -> Program:
    """The kernel in `text` over index sets, loads not yet resolved. buffers: elements of 4 bytes of each pointer parameter."""
    (kernel,) = cuda_frontend.read(Path("k.cu"), text, CompileOptions()).kernels.values()
    known = dict(symbols or {})
    limits = [f for s, (lo, hi) in known.items() for f in (ge(Affine.sym(s), lo), ge(Affine.of(hi), Affine.sym(s)))]
    sets = Sets(tuple(known), all_of(*limits))
    shapes = {n: BufferShape(Affine.of(c * BYTES), (), content, 256, BYTES) for n, c in (buffers or {}).items()}
    launch = Launch(kernel.name, (grid, 1, 1), block)
    sizes = (Affine.of(grid), Affine.of(1), Affine.of(1))
    return execute(sets, Terms(), kernel, launch, sizes, Affine.of(0), scalars or {}, known, shapes, True, contents)


# ------------------------------------------------------------------------------------------------ values at instances
FLOATS = {
    "fadd": lambda a, b: a + b,
    "fsub": lambda a, b: a - b,
    "fmul": lambda a, b: a * b,
    "fmax": max,
    "fmin": min,
    "ffma": lambda a, b, c: a * b + c,
    "fneg": lambda a: -a,
}
Point = tuple[int, ...]


class Run:
    """Units of a program at single instances, for buffers of small integers: the meaning of terms, enumerated.

    Raises KeyError at an uninitialised value.
    """

    def __init__(self, program: Program, buffers: Mapping[str, list[int]]) -> None:
        self.system, self.sets, self.buffers = program.system, program.system.sets, buffers
        self.known: dict[tuple[str, Point], float] = {}

    def instances(self, unit: str) -> list[Point]:
        return self.sets.points(self.system.units[unit].domain)

    def value(self, unit: str, at: Point) -> float:
        key = (unit, at)
        if key not in self.known:
            self.known[key] = self.term(self.system.units[unit].value, unit, at, None)
        return self.known[key]

    def images(self, m: Map, scope: str, at: Point) -> list[Point]:
        """The images of one instance, in lexicographic order."""
        dims = self.system.scopes[scope].dims
        here = self.sets.set(scope, dims, all_of(*(eq(Affine.dim(d), x) for d, x in zip(dims, at, strict=True))))
        return sorted(p[len(at) :] for p in self.sets.points(self.sets.wrap(self.sets.restrict_domain(m, here))))

    def only(self, m: Map, scope: str, at: Point) -> Point:
        (there,) = self.images(m, scope, at)
        return there

    def inside(self, s: Set, scope: str, at: Point) -> bool:
        return bool(self.images(self.sets.identity(s), scope, at))

    def term(self, t: Term, scope: str, at: Point, hole: float | None) -> float:
        match t.kind:
            case "const":
                return struct.unpack("<f", struct.pack("<I", t.bits))[0]
            case "hole":
                assert hole is not None
                return hole
            case "op":
                return FLOATS[t.name.split(".")[0]](*(self.term(a, scope, at, hole) for a in t.args))
            case "ref":
                return self.value(t.name, self.only(t.embedding(), scope, at))
            case "input":
                return self.buffers[t.name][self.only(t.embedding(), scope, at)[-1]]
            case "case":
                (arm,) = [a for s, a in zip(t.sets, t.args, strict=True) if self.inside(s, scope, at)]
                return self.term(arm, scope, at, hole)
            case "reduce":
                total = self.term(t.args[1], scope, at, hole)
                for round in self.images(t.embedding(), scope, at):
                    total = self.term(t.args[0], t.scope, round, total)
                return total
            case "undefined":
                raise KeyError(f"uninitialised {t.name}")
            case _:
                raise TypeError(t.kind)
