"""Instance spaces: which digits a thread index is taken apart into, and where in nest and time the executor stands.

Kernels take thread indices apart by masks, shifts, divisions and lane exchanges. A first run over the kernel collects the
cut points; dimensions are then mixed-radix digits, and every later index is affine with small coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tv.launch import Launch
from tv.sets import Affine, Dim, Formula, Quotient, Sym
from tv.sets.affine import Range
from tv.sets.formulas import all_of, ge, lt

AXES = ("x", "y", "z")


@dataclass(slots=True)
class Cuts:
    """Divisors at which a dimension is cut into digits: thread indices (`tx`, `ty`, `tz`) and loop ordinals (`i0`, `i1`, ...)."""

    points: dict[str, set[int]] = field(default_factory=dict)

    def request(self, a: Affine, k: int) -> None:
        """a is divided by k (quotient or remainder): every index in it is cut where that makes the division exact."""
        for atom, c in a.terms:
            if c <= 0 or k % c:
                continue
            if isinstance(atom, Dim) and atom.name[0] == "t":
                self.cut(atom.name, k // c)
            elif isinstance(atom, Quotient):  # `t / 32 % 2`
                self.request(atom.numerator, atom.denominator * (k // c))

    def bits(self, a: Affine, k: int) -> None:
        """Single bits of a are looked at, up to k: loop rounds are cut there too, so that each is a digit."""
        self.request(a, k)
        for atom, c in a.terms:
            if isinstance(atom, Dim) and atom.name[0] == "i" and c > 0 and k % c == 0:
                self.cut(atom.name, k // c)
            elif isinstance(atom, Quotient):
                self.bits(atom.numerator, atom.denominator * k)

    def cut(self, dim: str, at: int) -> None:
        self.points.setdefault(dim, set()).add(at)

    def chain(self, dim: str, extent: int) -> list[int]:
        """The requested cuts that divide each other, ascending, inside (1, extent)."""
        out: list[int] = []
        for p in sorted(self.points.get(dim, ())):
            if 1 < p < extent and all(p % q == 0 for q in out):
                out.append(p)
        return out

    def digits(self, dim: str, extent: int) -> list[tuple[str, int, int]]:
        """(name, weight, size) of the digits of a dimension, most significant first; the dimension itself where nothing cuts it."""
        points = [1, *self.chain(dim, extent)]
        out = []
        for i in reversed(range(len(points))):
            size = -(-extent // points[i]) if i == len(points) - 1 else points[i + 1] // points[i]
            out.append((dim if len(points) == 1 else f"{dim}_{points[i]}", points[i], size))
        return out


@dataclass(slots=True)
class LaunchSpace:
    """Blocks and threads of a launch as dimensions.

    index: the value of `threadIdx.x`.. as an Affine over digits. block_dims, thread_dims: in lexicographic order of the linear
    index (most significant first). lane: digits of the lane with their weights, None where a warp is not a run of threadIdx.x.
    """

    grid: tuple[Affine, Affine, Affine]
    block: tuple[int, int, int]
    index: dict[str, Affine]
    block_dims: tuple[str, ...]
    thread_dims: tuple[str, ...]
    ranges: dict[str, tuple[int, int | None]]
    domain: Formula
    weights: dict[str, int]  # thread digit -> its weight in the linear thread index
    recast: bool = False  # its blocks and threads are not those of the launch, but of one that does the same

    @property
    def dims(self) -> tuple[str, ...]:
        return self.block_dims + self.thread_dims

    @property
    def linear(self) -> Affine:
        """threadIdx.x + blockDim.x (threadIdx.y + blockDim.y threadIdx.z)."""
        bx, by, _ = self.block
        return self.index["tx"] + self.index["ty"] * bx + self.index["tz"] * (bx * by)


def launch_space(
    launch: Launch, grid: tuple[Affine, Affine, Affine], symbol_ranges: dict[str, tuple[int, int]], cuts: Cuts
) -> LaunchSpace:
    """The dimensions of a launch; extents of 1 get no dimension."""
    index: dict[str, Affine] = {}
    ranges: dict[str, tuple[int, int | None]] = {}
    conds: list[Formula] = []
    block_dims: list[str] = []
    thread_dims: list[str] = []
    weights: dict[str, int] = {}

    def symbol_range(a: Dim | Sym) -> Range:
        return symbol_ranges[a.name] if isinstance(a, Sym) else (None, None)

    for axis in reversed(AXES):
        name, extent = "b" + axis, grid[AXES.index(axis)]
        if extent.constant == 1:
            index[name] = Affine.of(0)
            continue
        index[name] = Affine.dim(name)
        block_dims.append(name)
        hi = extent.interval(symbol_range)[1]
        ranges[name] = (0, None if hi is None else hi - 1)
        conds += [ge(index[name]), lt(index[name], extent)]
    scale = {"x": 1, "y": launch.block[0], "z": launch.block[0] * launch.block[1]}
    for axis in reversed(AXES):
        name, n = "t" + axis, launch.block[AXES.index(axis)]
        if n == 1:
            index[name] = Affine.of(0)
            continue
        value = Affine.of(0)
        digits = cuts.digits(name, n)
        for digit, weight, size in digits:
            value = value + Affine.dim(digit) * weight
            thread_dims.append(digit)
            weights[digit] = weight * scale[axis]
            ranges[digit] = (0, size - 1)
            conds += [ge(Affine.dim(digit)), lt(Affine.dim(digit), size)]
        if n % digits[0][1]:
            conds.append(lt(value, n))
        index[name] = value
    return LaunchSpace(
        grid, launch.block, index, tuple(block_dims), tuple(thread_dims), ranges, all_of(*conds), weights
    )


@dataclass(slots=True)
class Place:
    """Where the executor stands: open loop ordinals, the path's conditions, the textual position of each level."""

    dims: list[str]
    conditions: list[Formula]
    ordinals: list[Affine] = field(default_factory=list)
    positions: list[int] = field(default_factory=lambda: [0])

    def tick(self) -> tuple[Affine, ...]:
        """The next time: position, ordinal, position, ... of the nest; never the same twice."""
        self.positions[-1] += 1
        out: list[Affine] = []
        for i, p in enumerate(self.positions):
            out.append(Affine.of(p))
            if i < len(self.ordinals):
                out.append(self.ordinals[i])
        return tuple(out)

    def domain(self) -> Formula:
        return all_of(*self.conditions)
