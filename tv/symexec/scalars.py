"""Scalar kernel parameters as symbolic values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tv.diagnostic import BadInput, Unsupported
from tv.kernel import Kernel, Scalar
from tv.launch import Binding, ScalarBinding
from tv.sets import TRUE, Affine
from tv.sets.formulas import negate
from tv.symexec.values import Node, Value, integer, type_range
from tv.term import ARGUMENT


def float_bits(value: float, t: Scalar) -> int:
    """The IEEE bits of a value rounded to nearest even in type t."""
    if t is Scalar.F64:
        return int(np.float64(value).view(np.uint64))
    with np.errstate(over="ignore"):
        if t is Scalar.F16:
            return int(np.float16(value).view(np.uint16))
        single = int(np.float32(value).view(np.uint32))
    if t is Scalar.F32:
        return single
    raise Unsupported(
        "TV0517", f"a {t.label} parameter by value", help="declare the parameter `float`, and convert it in the kernel"
    )


def scalar_values(kernel: Kernel, args: Mapping[str, Binding], integers: Mapping[str, Affine]) -> dict[str, Value]:
    """Values of all scalar parameters. integers: those given as expressions over symbols, already affine."""
    out: dict[str, Value] = {}
    for p in kernel.parameters:
        if p.type is None:
            continue
        b = args.get(p.name)
        if p.name in integers:
            out[p.name] = integer(p.type, integers[p.name])
            continue
        if not isinstance(b, ScalarBinding):
            raise BadInput(
                "TV0518", f"scalar parameter `{p.name}` is not bound", p.span, f"write `{p.name} = ...` under [args]"
            )
        if isinstance(b.value, bool | int) and p.type is Scalar.BOOL:
            out[p.name] = Value(p.type, formula=TRUE if b.value else negate(TRUE))
        elif isinstance(b.value, float | int) and p.type.is_float:
            bits = float_bits(float(b.value), p.type)
            out[p.name] = Value(p.type, node=Node("const", p.type.bits, bits=bits, attr=ARGUMENT))
        elif isinstance(b.value, int):
            low, high = type_range(p.type)
            if not low <= b.value <= high:
                raise BadInput("TV0518", f"{b.value} does not fit `{p.name}`", p.span)
            out[p.name] = integer(p.type, b.value)
        elif b.symbol is not None or b.element is not None:
            out[p.name] = Value(p.type, node=Node("parameter", p.type.bits, p.name))
        else:
            raise Unsupported("TV0519", f"parameter `{p.name}` bound to a value that is no number", p.span)
    return out
