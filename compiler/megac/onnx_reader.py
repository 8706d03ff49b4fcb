"""An ONNX file as plain records: checked, ordered, and without the bytes of weights that lie elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from megac.dtype import DType, from_onnx
from megac.errors import CompileError
from megac.ir import Constant, Input, Weight
from megac.size import Size

OPSETS = range(17, 25)
FILE_LIMIT = 2**31  # bytes: protobuf's own
NODE_LIMIT = 50_000
RANK_LIMIT = 8
SMALL = 4096  # elements, up to which a stored tensor of integers or booleans is read


@dataclass(frozen=True, slots=True)
class Node:
    """An operator's application. attributes: numbers, strings, tuples of these, or Stored tensors."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in the file. values: its elements where the file has them and it is small or uniform."""

    weight: Weight
    values: np.ndarray[Any, Any] | None = field(repr=False)

    def constant(self, name: str) -> Constant | None:
        """The same as a constant of the program, where its elements are known."""
        if self.values is None:
            return None
        return Constant(name, self.weight.shape, self.weight.dtype, np.ascontiguousarray(self.values).tobytes())


@dataclass(frozen=True, slots=True)
class Graph:
    """A model. outputs: names with types; nodes in an order in which values are made before they are used."""

    name: str
    opset: int
    inputs: tuple[Input, ...]
    outputs: tuple[tuple[str, DType], ...]
    stored: Mapping[str, Stored]
    nodes: tuple[Node, ...]


def read(path: Path) -> Graph:
    """The graph of a file. Raises CompileError for what is no model, or one that is not compiled."""
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise CompileError(f"`{path.name}` is larger than 2 GiB", hint="keep the weights in external data")
        model = ModelProto()
        model.ParseFromString(path.read_bytes())
    except OSError as e:
        raise CompileError(f"`{path}` cannot be read: {e.strerror}") from None
    except (DecodeError, UnicodeDecodeError):
        raise CompileError(f"`{path.name}` is no ONNX model") from None
    return graph_of(model, path.stem)


def graph_of(model: ModelProto, name: str) -> Graph:
    """The graph of a model in memory; raises as `read` does."""
    opset = _opset(model)
    g = model.graph
    if not g.node or not g.output:
        raise CompileError("the model has no nodes or no outputs")
    if len(g.node) > NODE_LIMIT:
        raise CompileError(f"the graph has {len(g.node)} nodes, more than {NODE_LIMIT}")
    if model.functions:
        raise CompileError(
            f"the model defines a function, `{model.functions[0].name}`", hint="inline its functions with onnx.inliner"
        )
    if g.sparse_initializer:
        raise CompileError("the graph has sparse initializers")
    _distinct(t.name for t in g.initializer)
    stored = {t.name: _stored(t) for t in g.initializer}
    inputs = tuple(_input(v) for v in g.input if v.name not in stored)
    _distinct(i.name for i in inputs)
    outputs = tuple((v.name, from_onnx(v.type.tensor_type.elem_type, f"output `{v.name}`")) for v in g.output)
    _distinct(n for n, _ in outputs)
    nodes = _ordered([_node(n, k) for k, n in enumerate(g.node)], {*stored, *(i.name for i in inputs)})
    return Graph(name, opset, inputs, outputs, stored, nodes)


def _opset(model: ModelProto) -> int:
    versions = {o.domain or "ai.onnx": o.version for o in model.opset_import}
    version = versions.get("ai.onnx", 0)
    if version not in OPSETS:
        raise CompileError(
            f"the model is of opset {version}; {OPSETS[0]} to {OPSETS[-1]} are compiled",
            hint="onnx.version_converter changes a model's opset",
        )
    return int(version)


def _distinct(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if not name or name in seen:
            raise CompileError(f"the name `{name}` is given twice" if name else "a tensor has no name")
        seen.add(name)


# ---------------------------------------------------------------------------------------------------------- tensors
_AFFINE = re.compile(r"(\w+) \+ (\d{1,9})")


def _extent(dim: Any, what: str) -> Size:
    if dim.HasField("dim_value"):
        if dim.dim_value < 0:
            raise CompileError(f"{what} has an extent of {dim.dim_value}")
        return Size(int(dim.dim_value))
    if not dim.dim_param:
        raise CompileError(f"{what} has an extent without a name", hint="name it, or fix it to a number")
    plus = _AFFINE.fullmatch(dim.dim_param)  # as exporters write the length that a past makes with one more
    return Size.dim(plus[1]) + int(plus[2]) if plus else Size.dim(dim.dim_param)


def _input(v: ValueInfoProto) -> Input:
    what = f"input `{v.name}`"
    if v.type.WhichOneof("value") != "tensor_type" or not v.type.tensor_type.HasField("shape"):
        raise CompileError(f"{what} is no tensor of a known rank")
    t = v.type.tensor_type
    shape = tuple(_extent(d, what) for d in t.shape.dim)
    if len(shape) > RANK_LIMIT:
        raise CompileError(f"{what} has {len(shape)} dimensions, more than {RANK_LIMIT}")
    return Input(v.name, shape, from_onnx(t.elem_type, what))


def _stored(t: TensorProto) -> Stored:
    what = f"the tensor `{t.name}`"
    dtype = from_onnx(t.data_type, what)
    if any(d < 0 for d in t.dims) or len(t.dims) > RANK_LIMIT:
        raise CompileError(f"{what} has the shape {list(t.dims)}")
    shape = tuple(Size(int(d)) for d in t.dims)
    if t.data_location == TensorProto.EXTERNAL:
        return Stored(_external(t, shape, dtype), None)
    count = prod(t.dims)
    weight = Weight(t.name, shape, dtype)
    if count > SMALL:
        return Stored(weight, None)
    try:
        values = numpy_helper.to_array(t)
    except (ValueError, TypeError) as e:
        raise CompileError(f"{what} is damaged: {e}") from None
    return Stored(weight, values.astype(dtype.numpy).reshape(tuple(t.dims)))


def _external(t: TensorProto, shape: tuple[Size, ...], dtype: DType) -> Weight:
    given = {e.key: e.value for e in t.external_data}
    file = given.get("location", "")
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts or "\\" in file:
        raise CompileError(f"the data of `{t.name}` lie in `{file}`, which is no path below the model's folder")
    try:
        offset, length = int(given.get("offset", 0)), int(given["length"]) if "length" in given else None
    except ValueError:
        raise CompileError(f"the data of `{t.name}` begin or end at no number") from None
    size = dtype.bytes * prod(t.dims)
    if offset < 0 or (length is not None and length != size):
        raise CompileError(f"the data of `{t.name}` are {length} bytes, its shape asks for {size}")
    return Weight(t.name, shape, dtype, file, offset, length)


# ------------------------------------------------------------------------------------------------------------ nodes
def _node(n: NodeProto, place: int) -> Node:
    name = n.name or (n.output[0] if n.output else f"node {place}")
    if n.domain not in ("", "ai.onnx"):
        raise CompileError(f"operators of the domain `{n.domain}` are not compiled", node=name, op=n.op_type)
    return Node(name, n.op_type, tuple(n.input), tuple(n.output), {a.name: _attribute(a, name, n) for a in n.attribute})


def _attribute(a: AttributeProto, name: str, n: NodeProto) -> Any:
    if a.ref_attr_name or a.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        raise CompileError(
            f"its attribute `{a.name}` is a graph, or refers to a function's", node=name, op=n.op_type,
            hint="graphs with control flow are not compiled",
        )  # fmt: skip
    if a.type == AttributeProto.TENSOR:
        return _stored(a.t)
    value = helper.get_attribute_value(a)
    match value:
        case bytes():
            return value.decode(errors="replace")
        case int() | float():
            return value
        case Sequence() if all(isinstance(v, int | float) for v in value):
            return tuple(value)
        case _:
            raise CompileError(f"its attribute `{a.name}` is of a kind that is not read", node=name, op=n.op_type)


def _ordered(nodes: list[Node], known: set[str]) -> tuple[Node, ...]:
    """In topological order, the given one where that is one. Raises CompileError for a value that nothing makes."""
    makers: dict[str, int] = {}
    for k, n in enumerate(nodes):
        for out in filter(None, n.outputs):
            if out in makers or out in known:
                raise CompileError(f"the value `{out}` is made twice", node=n.name, op=n.op)
            makers[out] = k
    waiting: dict[int, int] = {}
    users: dict[int, list[int]] = {}
    for k, n in enumerate(nodes):
        for name in filter(None, set(n.inputs)):
            if name not in makers and name not in known:
                raise CompileError(f"nothing makes its input `{name}`", node=n.name, op=n.op)
        needs = {makers[i] for i in n.inputs if i in makers}
        waiting[k] = len(needs)
        for m in needs:
            users.setdefault(m, []).append(k)
    return tuple(nodes[k] for k in _kahn(waiting, users, nodes))


def _kahn(waiting: dict[int, int], users: dict[int, list[int]], nodes: list[Node]) -> list[int]:
    ready = [k for k, count in waiting.items() if count == 0]
    heapify(ready)
    order: list[int] = []
    while ready:
        k = heappop(ready)
        order.append(k)
        for user in users.get(k, ()):
            waiting[user] -= 1
            if waiting[user] == 0:
                heappush(ready, user)
    if len(order) != len(nodes):
        stuck = next(n for k, n in enumerate(nodes) if waiting[k])
        raise CompileError("its result is needed for its own input", node=stuck.name, op=stuck.op)
    return order
