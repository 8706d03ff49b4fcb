"""What the rules build with: stages, one after the other, and the tensors that names of the graph stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from megac import expr
from megac import index as ix
from megac.dtype import DType, bits_of, value_of
from megac.errors import CompileError
from megac.index import Ranges
from megac.ir import (
    Axis,
    Const,
    Constant,
    Expr,
    Index,
    IndexTest,
    IndexValue,
    Load,
    Origin,
    Reduced,
    Reduction,
    Stage,
)
from megac.lower.tensors import KNOWN_LIMIT, Known, Shape, Tensor, valid
from megac.onnx_reader import Graph, Node, Stored
from megac.size import ONE, ZERO, Size

Body = Callable[["Place"], Expr]


class Place:
    """An element that is being defined. index: its own, in full rank; ranges: what is known of it."""

    def __init__(self, builder: Builder, index: tuple[Index, ...], ranges: Ranges) -> None:
        self.builder = builder
        self.index = index
        self.ranges = ranges

    def op(self, name: str, *args: Expr) -> Expr:
        return expr.op(name, *args, ranges=self.ranges)

    def get(self, t: Tensor, index: Sequence[Index] | None = None) -> Expr:
        """The element of a tensor, by default the one at the own index."""
        return self.builder.at(t, self.index if index is None else index)

    def test(self, kind: Literal["ge", "eq"], index: Index) -> Expr:
        return expr.index_test(kind, index, self.ranges)

    def below(self, a: Index, b: Index | Size) -> Expr:
        """Is a < b?"""
        other = ix.constant(b) if isinstance(b, Size) else b
        return self.test("ge", ix.shifted(ix.subtract(other, a), -1))


class Builder:
    """Raises CompileError from its methods where something does not fit."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.opset = graph.opset
        self.tensors: dict[str, Tensor] = {}
        self.stages: list[Stage] = []
        self.constants: list[Constant] = []
        self._origin = Origin("", "")
        self._names = {*graph.stored, *(i.name for i in graph.inputs)}
        for i in graph.inputs:
            self.tensors[i.name] = Tensor(i.name, i.shape, i.dtype, full=True)
        for name, s in graph.stored.items():
            self.tensors[name] = self._of_stored(name, s)

    def begin(self, node: Node) -> None:
        """What is defined from here on computes this node."""
        self._origin = Origin(node.name, node.op)

    # ------------------------------------------------------------------------------------------ leaves
    def _of_stored(self, name: str, s: Stored) -> Tensor:
        w = s.weight
        known, uniform = self._values(s.values, w.dtype)
        if w.dtype.is_float and len(w.shape) == 1 and w.shape != (ONE,):
            uniform = None  # a vector of parameters is one even if its elements agree: layers stay alike
        return Tensor(name, w.shape, w.dtype, True, known, uniform)

    def _values(self, values: np.ndarray[Any, Any] | None, dtype: DType) -> tuple[Known | None, Const | None]:
        if values is None or values.size > KNOWN_LIMIT:
            return None, None
        known = None
        if not dtype.is_float:
            known = np.empty(values.shape, dtype=object)
            for place, v in np.ndenumerate(values):
                known[place] = Size(int(v))
        raw = {np.asarray(v).tobytes() for v in values.ravel()}
        return known, Const(dtype, int.from_bytes(raw.pop(), "little")) if len(raw) == 1 else None

    def literal(self, name: str, s: Stored) -> Tensor:
        """A tensor that a node of the graph writes down."""
        w = s.weight
        if s.values is None:
            raise CompileError(
                "a constant of this size belongs to the initializers", hint="onnxsim or onnxslim move it"
            )
        known, uniform = self._values(s.values, w.dtype)
        if known is None and uniform is None:
            name = f"{name}.table"
            self.constants.append(Constant(name, w.shape, w.dtype, np.ascontiguousarray(s.values).tobytes()))
        return Tensor(name, w.shape, w.dtype, True, known, uniform)

    def of_known(self, name: str, known: Known, dtype: DType) -> Tensor:
        """A tensor whose elements are these integers."""
        if known.size > KNOWN_LIMIT:
            raise CompileError(f"it makes {known.size} numbers from shapes, more than {KNOWN_LIMIT}")
        return Tensor(name, tuple(Size(n) for n in known.shape), dtype, False, known)

    def of_uniform(self, name: str, value: Const, shape: Shape) -> Tensor:
        return Tensor(name, valid(shape), value.dtype, False, None, value)

    # ------------------------------------------------------------------------------------------ reading
    def at(self, t: Tensor, index: Sequence[Index]) -> Expr:
        """The element of a tensor at an index of full rank."""
        if len(index) != t.rank:
            raise CompileError(f"`{t.name}` of {t.rank} dimensions is read by {len(index)} indices")
        if t.uniform is not None:
            if t.dtype.is_integer:
                return expr.number(int(value_of(t.uniform.bits, t.dtype)), t.dtype)
            return t.uniform
        if t.known is not None:
            return self._of_known(t, t.known, index)
        kept = index if t.full else [i for i, e in zip(index, t.shape, strict=True) if e != ONE]
        return Load(t.name, tuple(kept), t.dtype)

    def _of_known(self, t: Tensor, known: Known, index: Sequence[Index]) -> Expr:
        if all(i.size is not None and i.size.constant is not None for i in index):
            return _value(known[tuple(i.const.const for i in index)], t.dtype)
        if t.dtype.is_integer:
            fitted = _affine(known, index)
            if fitted is not None:
                return IndexValue(fitted, t.dtype)
        if len({*known.ravel()}) == 1:
            return _value(known.ravel()[0], t.dtype)
        if t.dtype is DType.BOOL:
            edge = _half(known, index)
            if edge is not None:
                return IndexTest("ge", edge)
        numbers = [s.constant for s in known.ravel()]
        if None in numbers:
            raise CompileError(f"`{t.name}` holds sizes in no regular order")
        name = f"{t.name}.table"
        if name not in self._names:
            self._names.add(name)
            data = np.array(numbers).astype(t.dtype.numpy).reshape(known.shape)
            self.constants.append(Constant(name, t.shape, t.dtype, data.tobytes()))
        return Load(name, tuple(index), t.dtype)

    # ------------------------------------------------------------------------------------------ defining
    def bind(self, name: str, t: Tensor) -> Tensor:
        """The graph's name stands for this tensor."""
        if name:
            self.tensors[name] = t
        return t

    def define(self, name: str, dtype: DType, shape: Shape, body: Body) -> Tensor:
        """A stage: each element is what `body` makes of its place."""
        p, axes = self._place(shape)
        return self._add(name, axes, dtype, shape, body(p), None)

    def store(self, name: str, t: Tensor) -> Tensor:
        """A stage that copies a tensor, whatever that is."""
        p, axes = self._place(t.shape)
        return self._keep(Stage(name, axes, t.dtype, p.get(t), None, (self._origin,)), t.shape)

    def _keep(self, s: Stage, shape: Shape) -> Tensor:
        if s.name in self._names:
            raise CompileError(f"the name `{s.name}` is given twice")
        self._names.add(s.name)
        self.stages.append(s)
        return Tensor(s.name, shape, s.dtype)

    def fold(
        self,
        name: str,
        shape: Shape,
        op: Literal["sum", "max", "min", "argmax", "argmin"],
        extents: Sequence[Size],
        element: Callable[[Place, tuple[Index, ...]], Expr],
        finish: Callable[[Place, Expr], Expr] = lambda p, total: total,
        where: Callable[[Place, tuple[Index, ...]], Expr] | None = None,
    ) -> Tensor:
        """A stage with a reduction of `element` (own place, reduced indices) over `extents`; `finish` makes its result."""
        p, axes = self._place(shape)
        over = tuple(Axis(f"k{k}", e) for k, e in enumerate(extents) if e != ONE)
        inner = tuple(ix.constant(0) if e == ONE else ix.axis(f"k{k}") for k, e in enumerate(extents))
        q = Place(self, p.index, Ranges.of((*axes, *over)))
        folded = element(q, inner)
        start = _start(op, folded.dtype)
        r = Reduction(op, over, folded, start, None if where is None else where(q, inner))
        body = finish(p, Reduced(r.dtype))
        return self._add(name, axes, body.dtype, shape, body, r)

    def _place(self, shape: Shape) -> tuple[Place, tuple[Axis, ...]]:
        axes = tuple(Axis(f"i{k}", e) for k, e in enumerate(valid(shape)) if e != ONE)
        own = tuple(ix.constant(0) if e == ONE else ix.axis(f"i{k}") for k, e in enumerate(shape))
        return Place(self, own, Ranges.of(axes)), axes

    def _add(
        self, name: str, axes: tuple[Axis, ...], dtype: DType, shape: Shape, body: Expr, reduction: Reduction | None
    ) -> Tensor:
        if body.dtype != dtype:
            raise CompileError(f"`{name}` is {dtype.value}, its formula {body.dtype.value}")
        if reduction is None and isinstance(body, Const):
            return self.of_uniform(name, body, shape)
        return self._keep(Stage(name, axes, dtype, body, reduction, (self._origin,)), shape)


def _start(op: str, dtype: DType) -> Const:
    if op == "sum":
        return Const(dtype, bits_of(0, dtype))
    largest = op.endswith("max")
    if dtype.is_float:
        return Const(dtype, bits_of(-np.inf if largest else np.inf, dtype))
    if not dtype.is_integer:
        raise CompileError(f"`{op}` of booleans")
    limits = np.iinfo(dtype.numpy)
    return Const(dtype, bits_of(limits.min if largest else limits.max, dtype))


def _value(size: Size, dtype: DType) -> Expr:
    return expr.truth(size != ZERO) if dtype is DType.BOOL else IndexValue(ix.constant(size), dtype)


def _half(known: Known, index: Sequence[Index]) -> Index | None:
    """The index that is >= 0 where the booleans hold: how far two axes are apart, as in a causal mask."""
    wide = [d for d, n in enumerate(known.shape) if n > 1]
    if len(wide) != 2:
        return None
    holds = known.reshape([n for n in known.shape if n > 1]) == ONE
    rows, columns = np.indices(holds.shape)
    for sign in (1, -1):
        apart = sign * (rows - columns)
        least = int(apart[holds].min()) if holds.any() else 0
        if np.array_equal(holds, apart >= least):
            first, second = (ix.scaled(index[d], sign * s) for d, s in zip(wide, (1, -1), strict=True))
            return ix.shifted(ix.add(first, second), -least)
    return None


def _affine(known: Known, index: Iterable[Index]) -> Index | None:
    """The integers as an affine function of their places, where they are one."""
    origin = known[(0,) * known.ndim] if known.size else ZERO
    steps = []
    for d in range(known.ndim):
        second = tuple(1 if k == d else 0 for k in range(known.ndim))
        steps.append(known[second] - origin if known.shape[d] > 1 else ZERO)
    for place, v in np.ndenumerate(known):
        if sum((s * p for s, p in zip(steps, place, strict=True)), origin) != v:
            return None
    out = ix.constant(origin)
    for step, i in zip(steps, index, strict=True):
        out = ix.add(out, ix.scaled(i, step))
    return out
