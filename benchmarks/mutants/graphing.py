"""Operators on the graph: attributes, axes, constants, operands and operations. The kernel stays, and is wrong for the new graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

Told = tuple[str, onnx.ModelProto]
GRAPH_OPERATORS: dict[str, Callable[[onnx.ModelProto], Iterator[Told]]] = {}
_AXES = frozenset("axis axes perm".split())
_OTHER = {
    "Add": "Sub", "Sub": "Add", "Mul": "Add", "Div": "Mul", "Max": "Min", "Min": "Max", "ReduceMax": "ReduceMin", "ReduceMin": "ReduceMax",
    "ReduceSum": "ReduceMean", "ReduceMean": "ReduceSum", "ArgMax": "ArgMin", "ArgMin": "ArgMax", "Sigmoid": "Tanh", "Tanh": "Sigmoid",
    "Exp": "Softplus", "Sqrt": "Abs", "Abs": "Neg", "Neg": "Abs", "Relu": "Abs", "Greater": "GreaterOrEqual", "Less": "LessOrEqual",
    "GreaterOrEqual": "Greater", "LessOrEqual": "Less", "Round": "Floor", "Floor": "Ceil", "Erf": "Tanh", "Softmax": "LogSoftmax",
    "LogSoftmax": "Softmax", "And": "Or", "Or": "And", "Equal": "Greater", "Reciprocal": "Neg", "Log": "Exp",
}  # fmt: skip


def operator(function: Callable[[onnx.ModelProto], Iterator[Told]]) -> Callable[[onnx.ModelProto], Iterator[Told]]:
    """Registers an operator under its own name."""
    GRAPH_OPERATORS[function.__name__] = function
    return function


def _copied(model: onnx.ModelProto) -> onnx.ModelProto:
    out = onnx.ModelProto()
    out.CopyFrom(model)
    return out


def _attributes(model: onnx.ModelProto, axes: bool) -> Iterator[Told]:
    for n, node in enumerate(model.graph.node):
        for k, a in enumerate(node.attribute):
            for new in _others(a) if (a.name in _AXES) == axes else ():
                other = _copied(model)
                other.graph.node[n].attribute[k].CopyFrom(helper.make_attribute(a.name, new))
                yield f"{node.op_type} {node.name}: {a.name} {helper.get_attribute_value(a)} -> {new}", other


def _others(a: onnx.AttributeProto) -> list[Any]:
    match a.type:
        case AttributeProto.INT if a.name in ("to", "saturate"):
            return []
        case AttributeProto.INT:
            return [0, 1] if a.i not in (0, 1) else [1 - a.i]
        case AttributeProto.FLOAT:
            return [float(np.nextafter(np.float32(a.f), np.float32(np.inf))), 2 * a.f, 0.0]
        case AttributeProto.INTS if len(a.ints) > 1:
            found = [[*a.ints[:i], y, x, *a.ints[i + 2 :]] for i, (x, y) in enumerate(pairwise(a.ints)) if x != y]
            return [*found, [a.ints[0] + 1, *a.ints[1:]]] if a.name != "perm" else found
        case AttributeProto.INTS if len(a.ints) == 1:
            return [[a.ints[0] + 1], [a.ints[0] - 1]]
        case _:
            return []


@operator
def graph_attribute(model: onnx.ModelProto) -> Iterator[Told]:
    """Another attribute of a node that is no axis, or one taken away."""
    yield from _attributes(model, axes=False)
    for n, node in enumerate(model.graph.node):
        for k, a in enumerate(node.attribute):
            if a.name not in _AXES and a.name != "to":
                other = _copied(model)
                del other.graph.node[n].attribute[k]
                yield f"{node.op_type} {node.name}: no {a.name}", other


@operator
def graph_axis(model: onnx.ModelProto) -> Iterator[Told]:
    """Another axis, or axes in another order."""
    yield from _attributes(model, axes=True)


@operator
def graph_constant(model: onnx.ModelProto) -> Iterator[Told]:
    """A stored constant one step off, doubled, or negated."""
    for n, t in enumerate(model.graph.initializer):
        if t.data_location == TensorProto.EXTERNAL or not t.dims and not t.data_type:
            continue
        old = numpy_helper.to_array(t)
        for told, new in _other_arrays(old) if old.size else ():
            other = _copied(model)
            other.graph.initializer[n].CopyFrom(numpy_helper.from_array(new.astype(old.dtype), t.name))
            yield f"{t.name}: {told}", other


def _other_arrays(old: npt.NDArray[Any]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    new = old.copy()
    if old.dtype.kind == "f":
        new.flat[0] = np.nextafter(old.flat[0], np.array(np.inf, old.dtype))
        yield "the next float", new
        with np.errstate(over="ignore"):  # of -3e38, say
            yield "doubled", old * 2
        yield "negated", -old
    elif old.dtype.kind in "iu":
        new.flat[0] += 1
        yield "the next integer", new
        yield "the integer before", old - (np.arange(old.size).reshape(old.shape) == 0)
    elif old.dtype.kind == "b":
        new.flat[0] = not old.flat[0]
        yield "one negated", new


@operator
def graph_operand(model: onnx.ModelProto) -> Iterator[Told]:
    """Two operands of a node exchanged, or one replaced by an earlier tensor."""
    made = [i.name for i in model.graph.input]
    for n, node in enumerate(model.graph.node):
        given = [k for k, name in enumerate(node.input) if name]
        for a, b in pairwise(given):
            if node.input[a] != node.input[b]:
                other = _copied(model)
                x, y = node.input[a], node.input[b]
                other.graph.node[n].input[a], other.graph.node[n].input[b] = y, x
                yield f"{node.op_type} {node.name}: {x} <-> {y}", other
        for k in given[:2]:
            for name in [m for m in made[-4:] if m not in node.input]:
                other = _copied(model)
                other.graph.node[n].input[k] = name
                yield f"{node.op_type} {node.name}: {node.input[k]} -> {name}", other
        made += node.output


@operator
def graph_operation(model: onnx.ModelProto) -> Iterator[Told]:
    """Another operation, or a conversion to another type on the way."""
    for n, node in enumerate(model.graph.node):
        if node.op_type in _OTHER and not node.domain:
            other = _copied(model)
            other.graph.node[n].op_type = _OTHER[node.op_type]
            yield f"{node.op_type} {node.name} -> {_OTHER[node.op_type]}", other
        if node.op_type in ("Identity", "Cast") or not node.output or len(node.output) != 1:
            continue
        if node.op_type in ("Add", "Mul", "MatMul", "Gemm", "Sub", "Div"):
            other = _copied(model)
            passed = helper.make_node("Abs", [f"{node.output[0]}_before"], [node.output[0]], f"{node.name}_abs")
            other.graph.node[n].output[0] = f"{node.output[0]}_before"
            other.graph.node.insert(n + 1, passed)
            yield f"{node.op_type} {node.name}: its absolute value", other
