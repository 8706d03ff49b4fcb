"""Operators that make tensors from shapes and positions."""

from __future__ import annotations

import numpy as np

from megac import index as ix
from megac.dtype import DType
from megac.errors import CompileError
from megac.expr import number, select
from megac.ir import Const, Expr, IndexValue
from megac.lower.builder import Builder, Place
from megac.lower.layout import numbers
from megac.lower.registry import lowers
from megac.lower.tensors import KNOWN_LIMIT, Known, Shape
from megac.lower.view import View
from megac.onnx_reader import Stored
from megac.size import ZERO, Size, product


def _vector(sizes: Shape) -> Known:
    out = np.empty(len(sizes), dtype=object)
    out[:] = list(sizes)
    return out


@lowers("Shape")
def shape(n: View, b: Builder) -> None:
    s = n.input(0).shape
    start, end = n.attribute("start", 0), n.attribute("end", len(s))
    b.bind(n.output(), b.of_known(n.output(), _vector(s[start:end]), DType.I64))


@lowers("Size")
def size(n: View, b: Builder) -> None:
    total = np.array(product(n.input(0).shape), dtype=object)
    b.bind(n.output(), b.of_known(n.output(), total, DType.I64))


@lowers("ConstantOfShape")
def constant_of_shape(n: View, b: Builder) -> None:
    wanted: Shape = tuple(n.known(0).ravel())
    given = n.node.attributes.get("value") if n.given("value") else None
    if given is not None and (not isinstance(given, Stored) or given.values is None or given.values.size != 1):
        raise CompileError("its value is no single number")
    dtype = given.weight.dtype if isinstance(given, Stored) else DType.F32
    value = given.values.ravel()[0] if isinstance(given, Stored) and given.values is not None else 0
    fixed = all(e.constant is not None for e in wanted)
    if not dtype.is_float and fixed and product(wanted).const <= KNOWN_LIMIT:
        known = np.empty(numbers(wanted), dtype=object)
        known.fill(Size(int(value)))
        b.bind(n.output(), b.of_known(n.output(), known, dtype))
        return
    one = number(value, dtype)
    if isinstance(one, Const):
        b.bind(n.output(), b.of_uniform(n.output(), one, wanted))
        return
    b.bind(n.output(), b.define(n.output(), dtype, wanted, lambda p: one))


@lowers("Range")
def arange(n: View, b: Builder) -> None:
    """start, start + step, ... below limit, of integers that shapes decide."""
    start, limit, step = (n.size(k) for k in range(3))
    dtype = n.input(0).dtype
    if not dtype.is_integer or step.constant is None or step.const <= 0:
        raise CompileError("it is no range of integers by a known step upwards")
    span = limit - start
    if not span.never_negative:
        if not (-span).never_negative:
            raise CompileError(f"whether {limit} is above {start} depends on a dimension")
        span = ZERO
    count = Size(-(-span.const // step.const)) if span.constant is not None else span.divided(step)
    if count is None:
        raise CompileError(f"{span} by steps of {step} is no whole number for every dimension")
    if count.constant is not None and count.const <= KNOWN_LIMIT:
        values = tuple(start + step * k for k in range(count.const))
        b.bind(n.output(), b.of_known(n.output(), _vector(values), dtype))
        return
    b.bind(n.output(), b.define(n.output(), dtype, (count,), lambda p: IndexValue(
        ix.shifted(ix.scaled(p.index[0], step), start), dtype)))  # fmt: skip


@lowers("Trilu")
def triangle(n: View, b: Builder) -> None:
    """The upper or lower triangle of each matrix, zero elsewhere."""
    t = n.input(0)
    upper = n.flag("upper", True)
    k = n.size(1) if n.optional(1) is not None else ZERO
    if t.rank < 2:
        raise CompileError("its operand is no matrix")
    zero = number(0, t.dtype)

    def body(p: Place) -> Expr:
        above = ix.shifted(ix.subtract(p.index[-1], p.index[-2]), -k)  # column - row - k
        inside = p.test("ge", above if upper else ix.scaled(above, -1))
        return select(inside, p.get(t), zero)

    b.bind(n.output(), b.define(n.output(), t.dtype, t.shape, body))
