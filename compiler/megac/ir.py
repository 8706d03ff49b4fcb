"""The tensor expression IR: a program is a list of stages, each the formula of one tensor's elements.

What a stage computes is bit-exact: every `Op` and `Cast` rounds once, to nearest even, to its own `dtype`; nothing is
contracted, reordered or widened, except that the order in which a `Reduction` adds is open. Stages read tensors by
name: leaves (inputs, weights, constants), earlier stages, and the caches that appends make.

Indices are exact integers, linear in *atoms* (an axis, a quotient, a remainder, an integer that is data). Their
constructors with simplification are in `megac.index` and `megac.expr`; everything here is plain data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from megac.dtype import DType
from megac.size import Size


# ---------------------------------------------------------------------------------------------------------- indices
@dataclass(frozen=True, slots=True)
class AxisRef:
    """The own index along an axis of the stage, or of its reduction."""

    name: str


@dataclass(frozen=True, slots=True)
class Quotient:
    """floor(index / by); by > 0."""

    index: Index
    by: Size


@dataclass(frozen=True, slots=True)
class Remainder:
    """index - by * floor(index / by), in 0 .. by - 1; by > 0."""

    index: Index
    by: Size


@dataclass(frozen=True, slots=True)
class Data:
    """An integer that is data, such as a token's number: the value of an expression of integer type.

    As an index it is in range (0 .. extent - 1): `Program.preconditions` says of which inputs that is asked.
    """

    value: Expr


Atom = AxisRef | Quotient | Remainder | Data


@dataclass(frozen=True, slots=True)
class Index:
    """const + sum of factor * atom, the atoms distinct and in an order that `megac.index.linear` makes, no factor 0."""

    terms: tuple[tuple[Atom, Size], ...]
    const: Size

    @property
    def size(self) -> Size | None:
        """The size that it is everywhere, where no atom is in it."""
        return None if self.terms else self.const


# ------------------------------------------------------------------------------------------------------ expressions
@dataclass(frozen=True, slots=True)
class Const:
    """A number, by its bits (so that -0.0 and 0.0 are two)."""

    dtype: DType
    bits: int


@dataclass(frozen=True, slots=True)
class Load:
    """An element of a tensor: a leaf, an earlier stage's, or a cache (the `output` of an append). As many indices as
    the tensor has dimensions, each in range wherever the value is used."""

    tensor: str
    index: tuple[Index, ...]
    dtype: DType


@dataclass(frozen=True, slots=True)
class IndexValue:
    """An index (an axis' own, a size, ...) as a value of an integer type, in which it fits."""

    index: Index
    dtype: DType


@dataclass(frozen=True, slots=True)
class IndexTest:
    """A question about indices: index >= 0 (`ge`), index = 0 (`eq`)."""

    kind: Literal["ge", "eq"]
    index: Index

    @property
    def dtype(self) -> DType:
        return DType.BOOL


@dataclass(frozen=True, slots=True)
class Op:
    """An operation, see OPERATIONS. Operands have one type; `dtype` is theirs, or BOOL of a comparison."""

    name: str
    args: tuple[Expr, ...]
    dtype: DType


@dataclass(frozen=True, slots=True)
class Cast:
    """To another type: between floats to nearest even (overflow is an infinity), of integers to floats to nearest
    even, of floats to integers toward zero, of integers modulo the width, to BOOL: is it not 0?"""

    arg: Expr
    dtype: DType


@dataclass(frozen=True, slots=True)
class Select:
    """yes where cond holds, else no. The other operand need not be computable there (its loads may be out of range)."""

    cond: Expr
    yes: Expr
    no: Expr

    @property
    def dtype(self) -> DType:
        return self.yes.dtype


@dataclass(frozen=True, slots=True)
class Reduced:
    """In the body of a stage with a reduction: what that came to at the own index."""

    dtype: DType


Expr = Const | Load | IndexValue | IndexTest | Op | Cast | Select | Reduced

# name -> number of operands. Floats: one rounding of the exact result (add sub mul div sqrt); `max`, `min`: fmax and
# fmin (the operand that is no NaN, -0 below +0); exp .. erf, pow: CUDA's functions (expf, ...) of f32 or f64 only, so a
# 16-bit operand is cast before and after; neg flips the sign bit, abs clears it. Integers wrap, their `div` is toward
# zero, `mod` has the sign of the divisor. lt, le, eq, ... of a NaN are false, `ne` is true.
OPERATIONS: dict[str, int] = {
    **dict.fromkeys(("add", "sub", "mul", "div", "max", "min", "pow", "mod", "and", "or", "xor"), 2),
    **dict.fromkeys(("lt", "le", "eq"), 2),
    **dict.fromkeys(("neg", "abs", "sqrt", "exp", "log", "sin", "cos", "tanh", "erf", "floor", "ceil", "round"), 1),
    **dict.fromkeys(("not", "isnan", "isinf"), 1),
}
FUNCTIONS = frozenset({"exp", "log", "sin", "cos", "tanh", "erf", "pow"})


# ----------------------------------------------------------------------------------------------------------- stages
@dataclass(frozen=True, slots=True)
class Axis:
    """A loop: index `name` in 0 .. extent - 1."""

    name: str
    extent: Size


@dataclass(frozen=True, slots=True)
class Origin:
    """An ONNX node that a stage computes, or a part of it."""

    node: str
    op: str


@dataclass(frozen=True, slots=True)
class Reduction:
    """Folds `element` over `axes` (the first one outermost), from `start`.

    sum, max, min: in the type of `start`, which is that of `element`; a sum rounds after each addition, and its order
    is open. argmax, argmin: the place (index along the one axis, as `dtype` I64) of the largest or smallest element, the
    first of equals; only places where `where` holds are looked at, and there is one. `start` is not used by them.
    """

    op: Literal["sum", "max", "min", "argmax", "argmin"]
    axes: tuple[Axis, ...]
    element: Expr
    start: Const
    where: Expr | None = None

    @property
    def dtype(self) -> DType:
        return DType.I64 if self.op.startswith("arg") else self.start.dtype


@dataclass(frozen=True, slots=True)
class Stage:
    """tensor[axes] = body, in which `Reduced` stands for what `reduction` came to there.

    The tensor is row-major over `axes`; extents of 1 are left out. `body.dtype == dtype`. origin: the ONNX nodes it
    computes, in the graph's order.
    """

    name: str
    axes: tuple[Axis, ...]
    dtype: DType
    body: Expr
    reduction: Reduction | None
    origin: tuple[Origin, ...]

    @property
    def shape(self) -> tuple[Size, ...]:
        return tuple(a.extent for a in self.axes)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The body, then what the reduction has."""
        r = self.reduction
        if r is None:
            return (self.body,)
        return (self.body, r.element) if r.where is None else (self.body, r.element, r.where)


# ----------------------------------------------------------------------------------------------------------- leaves
@dataclass(frozen=True, slots=True)
class Input:
    """An input of the graph, in full rank."""

    name: str
    shape: tuple[Size, ...]
    dtype: DType


@dataclass(frozen=True, slots=True)
class Weight:
    """A stored tensor, never read while compiling. file: its external data's file, relative to the model, with offset
    and length in bytes (None: to the end); an empty name where the model itself holds it."""

    name: str
    shape: tuple[Size, ...]
    dtype: DType
    file: str = ""
    offset: int = 0
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A small tensor whose elements the graph writes down, or that was computed from such: row-major, little-endian."""

    name: str
    shape: tuple[Size, ...]
    dtype: DType
    data: bytes = field(repr=False)


Leaf = Input | Weight | Constant


@dataclass(frozen=True, slots=True)
class Append:
    """A cache that the launch updates in place: graph output `output` is graph input `input` with `count` new rows.

    Along `axis` (of the full rank), rows position .. position + count - 1 of the output are those of the stage `rows`
    (which has the output's axes, that one with extent `count`, without extents of 1), all others the input's. For a
    concatenation the position is the input's own length there, and the output is longer by `count`; otherwise the
    shapes agree and the position is data in range. `Load(output, ...)` is a read of the cache after the rows are there.
    `input` itself is read only at rows that stay, those before the position of a concatenation.
    """

    input: str
    output: str
    axis: int
    position: Index
    count: Size
    rows: str
    shape: tuple[Size, ...]
    dtype: DType


@dataclass(frozen=True, slots=True)
class Precondition:
    """The elements of an integer input are low .. high (it is an index of something that has high + 1)."""

    tensor: str
    low: int
    high: Size


@dataclass(frozen=True, slots=True)
class Output:
    """A graph output: the tensor that holds it (row-major, extents of 1 left out), its own shape and type."""

    name: str
    tensor: str
    shape: tuple[Size, ...]
    dtype: DType


# ----------------------------------------------------------------------------------------------------------- layers
@dataclass(frozen=True, slots=True)
class Carried:
    """A tensor handed from layer to layer: layer 0 reads `initial`, layer l reads `produced[l - 1]`, and the stage
    `produced[l]` of layer l writes the next one. `initial` has no other role in the layers."""

    initial: str
    produced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PerLayer:
    """A leaf or cache that each layer has its own of: layer l reads names[l] where layer 0 reads `slot`, names[0]."""

    slot: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rolled:
    """`count` layers of `period` stages each: program.stages[start : start + count * period], stage k of layer l at
    start + l * period + k. They differ in names only: in a stage of layer 0 replace the names of the layer's stages by
    those at the same places of layer l, each PerLayer slot by its name there, each Carried tensor by what the layer
    before made; all other tensors are shared. What follows the layers reads of their stages only the last layer's.

    What comes before is the prologue, after it the epilogue. appends[k][l]: the place in program.appends of the k-th
    append of layer l.
    """

    start: int
    period: int
    count: int
    leaves: tuple[PerLayer, ...]
    carried: tuple[Carried, ...]
    appends: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """What a graph computes. stages are in an order in which each tensor is made before it is read."""

    name: str
    dims: tuple[str, ...]
    inputs: tuple[Input, ...]
    weights: tuple[Weight, ...]
    constants: tuple[Constant, ...]
    stages: tuple[Stage, ...]
    appends: tuple[Append, ...]
    outputs: tuple[Output, ...]
    preconditions: tuple[Precondition, ...]
    layers: Rolled | None = None

    def leaves(self) -> Iterator[Leaf]:
        yield from self.inputs
        yield from self.weights
        yield from self.constants
