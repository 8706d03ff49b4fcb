"""A plain evaluator of programs on numpy arrays: exact rounding at each operation, sums in index order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import erf, prod
from typing import Any

import numpy as np

from megac.dtype import DType, value_of
from megac.errors import CompileError
from megac.expr import OF_NUMBERS, fmax, fmin
from megac.ir import (
    Append,
    AxisRef,
    Cast,
    Const,
    Data,
    Expr,
    Index,
    IndexTest,
    IndexValue,
    Input,
    Load,
    Op,
    Program,
    Quotient,
    Reduced,
    Reduction,
    Remainder,
    Select,
    Stage,
    Weight,
)
from megac.size import Size

Array = np.ndarray[Any, Any]
LOGIC = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor, "not": np.logical_not}
FUNCTIONS = {"exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "pow": np.power}
ERF = np.vectorize(erf, otypes=[np.float64])


def evaluate(program: Program, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs by name. inputs and weights: arrays of the leaves' own shapes and types. Raises CompileError where
    one is missing or of another shape, and where an index is outside its tensor."""
    memory: dict[str, Array] = {}
    dims: dict[str, int] = {}
    leaves: tuple[Input | Weight, ...] = (*program.inputs, *program.weights)
    for x in leaves:
        found = inputs.get(x.name, weights.get(x.name))
        if found is None:
            raise CompileError(f"`{x.name}` is not given")
        memory[x.name] = _checked(x.name, found, x.shape, x.dtype, dims)
    for c in program.constants:
        shape = tuple(e.const for e in c.shape)
        memory[c.name] = np.frombuffer(c.data, c.dtype.numpy).reshape(shape)
    appends = {a.rows: a for a in program.appends}
    for s in program.stages:
        memory[s.name] = run_stage(s, memory, dims)
        if s.name in appends:
            a = appends[s.name]
            memory[a.output] = _appended(a, memory, dims)
    return {o.name: memory[o.tensor].reshape([e.at(dims) for e in o.shape]) for o in program.outputs}


def _checked(name: str, found: Array, shape: tuple[Size, ...], dtype: DType, dims: dict[str, int]) -> Array:
    if found.dtype != dtype.numpy or found.ndim != len(shape):
        raise CompileError(f"`{name}` is given as {found.dtype}{list(found.shape)}")
    for e, n in zip(shape, found.shape, strict=True):
        if len(e.terms) == 1 and e.terms[0][1] == 1:
            dims.setdefault(e.terms[0][0], n - e.const)
        if e.at(dims) != n:
            raise CompileError(f"`{name}` is given as {list(found.shape)}, which does not fit")
    return found


def _appended(a: Append, memory: Mapping[str, Array], dims: Mapping[str, int]) -> Array:
    shape = [e.at(dims) for e in a.shape]
    count = a.count.at(dims)
    at = int(_Scope({}, memory, dims, ()).index(a.position))
    out = np.zeros(shape, a.dtype.numpy)
    before = memory[a.input]
    out[tuple(slice(0, n) for n in before.shape)] = before
    place = [slice(None)] * len(shape)
    place[a.axis] = slice(at, at + count)
    if not 0 <= at <= shape[a.axis] - count:
        raise CompileError(f"`{a.output}` has no row {at}")
    out[tuple(place)] = memory[a.rows].reshape([count if k == a.axis else n for k, n in enumerate(shape)])
    return out


def run_stage(s: Stage, memory: Mapping[str, Array], dims: Mapping[str, int]) -> Array:
    """The tensor of a stage."""
    extents = [a.extent.at(dims) for a in s.axes]
    scope = _Scope(_grid([a.name for a in s.axes], extents), memory, dims, tuple(extents))
    if s.reduction is not None:
        scope.reduced = _reduce(s.reduction, [a.name for a in s.axes], extents, memory, dims)
    out = np.broadcast_to(scope.value(s.body, None), extents)
    if out.dtype != s.dtype.numpy:
        raise CompileError(f"`{s.name}` came out as {out.dtype}")
    return np.array(out)


def _grid(names: Iterable[str], extents: list[int]) -> dict[str, Array]:
    out = {}
    for k, (name, extent) in enumerate(zip(names, extents, strict=True)):
        shape = [extent if d == k else 1 for d in range(len(extents))]
        out[name] = np.arange(extent, dtype=np.int64).reshape(shape)
    return out


def _reduce(
    r: Reduction, names: list[str], own: list[int], memory: Mapping[str, Array], dims: Mapping[str, int]
) -> Array:
    over = [a.extent.at(dims) for a in r.axes]
    extents = [*own, *over]
    scope = _Scope(_grid([*names, *(a.name for a in r.axes)], extents), memory, dims, tuple(extents))
    count = prod(over)
    values = np.broadcast_to(scope.value(r.element, None), extents).reshape([*own, count])
    start = value_of(r.start.bits, r.start.dtype)
    if r.op.startswith("arg"):
        guard = np.asarray(True) if r.where is None else scope.value(r.where, None)
        where = np.broadcast_to(guard, extents).reshape(values.shape)
        if not where.any(-1).all():
            raise CompileError("a reduction looks for an extreme of nothing")
        looked_at = np.where(where, values, start)
        best = (np.max if r.op == "argmax" else np.min)(looked_at, -1, keepdims=True)
        return np.asarray(np.argmax(where & (values == best), -1)).astype(np.int64)
    if r.op == "sum":
        first = np.full((*values.shape[:-1], 1), start, r.start.dtype.numpy)
        with np.errstate(all="ignore"):
            sums: Array = np.add.accumulate(np.concatenate([first, values], -1), -1, dtype=r.start.dtype.numpy)
        return np.asarray(sums[..., -1])
    out = np.full(values.shape[:-1], start, r.start.dtype.numpy)
    choose = (
        {True: fmax, False: fmin}[r.op == "max"]
        if r.start.dtype.is_float
        else np.maximum
        if r.op == "max"
        else np.minimum
    )
    for k in range(count):
        out = np.asarray(choose(out, values[..., k]))
    return out


class _Scope:
    """Where expressions are evaluated: values are arrays that broadcast over the axes' grid."""

    def __init__(
        self, axes: dict[str, Array], memory: Mapping[str, Array], dims: Mapping[str, int], extents: tuple[int, ...]
    ) -> None:
        self.axes = axes
        self.memory = memory
        self.dims = dims
        self.extents = extents
        self.reduced: Array | None = None

    def index(self, i: Index, active: Array | None = None) -> Array:
        out = np.asarray(i.const.at(self.dims), dtype=np.int64)
        for atom, factor in i.terms:
            out = out + factor.at(self.dims) * self._atom(atom, active)
        return out

    def _atom(self, atom: AxisRef | Quotient | Remainder | Data, active: Array | None) -> Array:
        match atom:
            case AxisRef(name):
                return self.axes[name]
            case Quotient(inner, by):
                return self.index(inner, active) // by.at(self.dims)
            case Remainder(inner, by):
                return self.index(inner, active) % by.at(self.dims)
            case Data(value):
                return np.asarray(self.value(value, active)).astype(np.int64)

    def value(self, e: Expr, active: Array | None) -> Array:
        """active: where the value is used; None: everywhere."""
        match e:
            case Const(dtype, bits):
                return np.asarray(value_of(bits, dtype))
            case Load():
                return self._load(e, active)
            case IndexValue(index, dtype):
                return self.index(index, active).astype(dtype.numpy)
            case IndexTest(kind, index):
                i = self.index(index, active)
                return i >= 0 if kind == "ge" else i == 0
            case Op(name, args):
                return self._op(name, [self.value(a, active) for a in args], args[0].dtype)
            case Cast(arg, dtype):
                return converted(self.value(arg, active), arg.dtype, dtype)
            case Select(cond, yes, no):
                c = self.value(cond, active)
                there, elsewhere = (c, ~c) if active is None else (active & c, active & ~c)
                return np.where(c, self.value(yes, there), self.value(no, elsewhere))
            case Reduced():
                assert self.reduced is not None
                return self.reduced

    def _load(self, e: Load, active: Array | None) -> Array:
        t = self.memory[e.tensor]
        if t.ndim != len(e.index):
            raise CompileError(f"`{e.tensor}` of {t.ndim} dimensions is read by {len(e.index)} indices")
        used = np.asarray(True) if active is None else active
        where = [self.index(i, active) for i in e.index]
        for i, n in zip(where, t.shape, strict=True):
            outside = used & ((i < 0) | (i >= n))
            if np.broadcast_to(outside, np.broadcast_shapes(outside.shape, self.extents)).any():
                raise CompileError(f"`{e.tensor}` is read outside its extent of {n}")
        if t.size == 0:
            return np.zeros(np.broadcast_shapes(*(i.shape for i in where)), t.dtype)
        return np.asarray(t[tuple(np.clip(i, 0, n - 1) for i, n in zip(where, t.shape, strict=True))])

    def _op(self, name: str, args: list[Array], dtype: DType) -> Array:
        match name:
            case "and" | "or" | "xor" | "not":
                return np.asarray(LOGIC[name](*args))
            case "erf":
                return np.asarray(ERF(args[0])).astype(dtype.numpy)
            case "exp" | "log" | "sin" | "cos" | "tanh" | "pow":
                with np.errstate(all="ignore"):
                    wide = [a.astype(np.float64) for a in args]
                    return np.asarray(FUNCTIONS[name](*wide)).astype(dtype.numpy)
            case "max" | "min" if dtype.is_integer:
                return np.asarray((np.maximum if name == "max" else np.minimum)(*args))
            case "div" if dtype.is_integer:
                return np.asarray(np.trunc(args[0] / args[1])).astype(dtype.numpy)
            case _:
                return np.asarray(OF_NUMBERS[name](*args))


def converted(x: Array, before: DType, to: DType) -> Array:
    """A cast; integers reach 16-bit floats through f64, which holds all that are met exactly."""
    with np.errstate(all="ignore"):
        if to is DType.BOOL:
            return np.asarray(x != 0)
        if to.narrow and not before.is_float:
            return x.astype(np.float64).astype(to.numpy)
        return x.astype(to.numpy)
