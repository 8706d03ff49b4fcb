"""What a launch has to know of a model: names, element types and shapes of what stands at its border. No weight is read.

The file is treated as hostile: its size is looked at before it is parsed, its order of nodes is checked, and no path in it
may lead out of its folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tv.diagnostic import BadInput, Unsupported
from tv.source import Span

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2 * 1024**3  # protobuf's own limit: larger models keep their weights outside
MAX_NODES = 1_000_000

# ONNX element type -> bits of one element in memory (unpacked).
ELEMENT_BITS = {
    "bool": 8,
    "int8": 8,
    "uint8": 8,
    "int16": 16,
    "uint16": 16,
    "int32": 32,
    "uint32": 32,
    "int64": 64,
    "uint64": 64,
    "float16": 16,
    "bfloat16": 16,
    "float": 32,
    "double": 64,
}


@dataclass(frozen=True, slots=True)
class TensorSignature:
    """element: a key of `ELEMENT_BITS`, or ONNX's other names in lower case. shape: a number, or the text of an open
    dimension ("" where it has no name); None where the model does not say."""

    name: str
    element: str
    shape: tuple[int | str, ...] | None


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """inputs exclude initializers, whichever way the file lists them. inner: other tensors whose type the file states."""

    path: str
    inputs: tuple[TensorSignature, ...]
    initializers: tuple[TensorSignature, ...]
    outputs: tuple[TensorSignature, ...]
    inner: dict[str, TensorSignature]
    uses: dict[str, tuple[str, ...]]  # tensor -> the nodes that read it, as "MatMul qkv"
    feeds: dict[str, tuple[str, ...]]  # tensor that a node computes -> what that node reads

    def tensor(self, name: str) -> TensorSignature | None:
        """The tensor of that name at the border, else inside; None where the model names no such tensor."""
        for group in (self.inputs, self.initializers, self.outputs):
            for t in group:
                if t.name == name:
                    return t
        return self.inner.get(name)


def read_signature(path: str, cut: Sequence[str] = ()) -> ModelSignature:
    """Reads a model's border. cut: tensors inside whose types are wanted too, inferred if need be. Raises BadInput (TV0230 .. TV0235) for what is no sound model, Unsupported (TV0236) for
    inputs or outputs that are not tensors."""
    model = _load(Path(path))
    graph = model.graph
    if len(graph.node) > MAX_NODES:
        raise BadInput("TV0231", f"model with {len(graph.node)} nodes", Span(path, 0), f"at most {MAX_NODES} are read")
    require_inside(model, Path(path))
    _check_order(graph, path)
    initializers = tuple(_initializers(graph, path))
    names = {t.name for t in initializers}
    inputs = tuple(_value(v, path) for v in graph.input if v.name not in names)
    outputs = tuple(_value(v, path) for v in graph.output)
    if not outputs:
        raise BadInput(
            "TV0234", "the model has no output", Span(path, 0), "`[model] outputs` can name tensors inside the graph"
        )
    _check_unique((*inputs, *initializers), path)
    _check_unique(outputs, path)
    inner = {v.name: _value(v, path) for v in graph.value_info if v.type.HasField("tensor_type")}
    outputs, inner = _completed(model, outputs, inner, cut, path)
    return ModelSignature(path, inputs, initializers, outputs, inner, _uses(graph), _feeds(graph))


def _load(path: Path) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    from tv.graph_frontend.protobuf_text import require_text

    where = Span(str(path), 0)
    if not path.is_file():
        raise BadInput(
            "TV0230",
            f"no such file: {path}" if not path.exists() else f"not a file: {path}",
            where,
            "name an existing .onnx file",
        )
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise BadInput(
            "TV0231", f"model file of {size} bytes", where, "keep weights outside: onnx.save(..., external data)"
        )
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, UnicodeDecodeError, ValueError, OSError) as error:
        raise BadInput("TV0230", f"not an ONNX model: {path}", where, str(error).partition("\n")[0]) from error
    require_text(model, path)
    if not model.HasField("graph") or not model.opset_import:
        raise BadInput("TV0230", f"not an ONNX model: {path}", where, "it holds no graph or names no operator set")
    return model


def _graphs(*graphs: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    """The graphs, or bodies of functions, and every graph inside their nodes' attributes."""
    stack = [*graphs]
    while stack:
        g = stack.pop()
        yield g
        for node in g.node:
            for a in node.attribute:
                stack.extend([a.g] if a.HasField("g") else [])
                stack.extend(a.graphs)


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """All that a model stores, in its functions and for training too."""
    training = [g for t in model.training_info for g in (t.initialization, t.algorithm)]
    for g in _graphs(model.graph, *model.functions, *training):
        for s in getattr(g, "sparse_initializer", ()):
            yield from (s.values, s.indices)
        yield from getattr(g, "initializer", ())
        for a in (a for node in g.node for a in node.attribute):
            if a.HasField("t"):
                yield a.t
            for s in (*([a.sparse_tensor] if a.HasField("sparse_tensor") else []), *a.sparse_tensors):
                yield from (s.values, s.indices)
            yield from a.tensors


def require_inside(model: onnx.ModelProto, path: Path) -> None:
    """Raises BadInput (TV0233) for data whose place is absolute, or leads out of the model's folder (by a link too)."""
    folder = path.resolve().parent
    for tensor in _tensors(model):
        for entry in tensor.external_data:
            if entry.key != "location":
                continue
            place = entry.value
            if not place or "\0" in place or Path(place).is_absolute() or "\\" in place or ":" in place:
                raise BadInput("TV0233", f"`{tensor.name}` keeps its data at `{place}`", Span(str(path), 0), _EXTERNAL)
            if not (folder / place).resolve().is_relative_to(folder):
                raise BadInput(
                    "TV0233", f"`{tensor.name}` keeps its data outside: `{place}`", Span(str(path), 0), _EXTERNAL
                )


_EXTERNAL = "external data must lie in the model's folder, named by a relative path"


def _check_order(graph: onnx.GraphProto, path: str) -> None:
    """Every name is defined before it is read, and once: no cycle, no dangling edge."""
    known = {v.name for v in graph.input} | {t.name for t in graph.initializer} | {""}
    known |= {s.values.name for s in graph.sparse_initializer}
    later = {o for node in graph.node for o in node.output}
    for node in graph.node:
        for name in node.input:
            if name not in known:
                what = (
                    "before it is computed: the graph has a cycle or is not in order"
                    if name in later
                    else "that nothing computes"
                )
                label = node.name or node.op_type
                raise BadInput("TV0232", f"node `{label}` reads `{name}` {what}", Span(path, 0), _ORDER)
        for name in node.output:
            if name and name in known:
                raise BadInput("TV0232", f"`{name}` is computed twice", Span(path, 0), _ORDER)
            known.add(name)
    for value in graph.output:
        if value.name not in known:
            raise BadInput("TV0232", f"nothing computes the output `{value.name}`", Span(path, 0), _ORDER)


_ORDER = "list each node behind those that make its inputs; `onnx.checker.check_model` names the others out of order"


def _check_unique(tensors: Iterable[TensorSignature], path: str) -> None:
    seen: set[str] = set()
    for t in tensors:
        if not t.name:
            raise BadInput("TV0232", "an input, initializer or output without a name", Span(path, 0), _ORDER)
        if t.name in seen:
            raise BadInput("TV0232", f"`{t.name}` is declared twice", Span(path, 0), _ORDER)
        seen.add(t.name)


def element_name(code: int, tensor: str, path: str) -> str:
    """ONNX's name of an element type in lower case. Raises BadInput (TV0234) for no type at all."""
    import onnx

    if code == onnx.TensorProto.UNDEFINED or code not in onnx.TensorProto.DataType.values():
        raise BadInput("TV0234", f"`{tensor}` has no element type", Span(path, 0), _TYPED)
    return str(onnx.TensorProto.DataType.Name(code)).lower()


_TYPED = "run onnx.shape_inference.infer_shapes on the model and save the result"


def _initializers(graph: onnx.GraphProto, path: str) -> Iterator[TensorSignature]:
    for t in graph.initializer:
        yield TensorSignature(t.name, element_name(t.data_type, t.name, path), _extents(t.dims, t.name, path))
    for s in graph.sparse_initializer:
        element = element_name(s.values.data_type, s.values.name, path)
        yield TensorSignature(s.values.name, element, _extents(s.dims, s.values.name, path))


def _extents(dims: Iterable[int], name: str, path: str) -> tuple[int, ...]:
    result = tuple(int(d) for d in dims)
    if any(d < 0 for d in result):
        raise BadInput(
            "TV0235",
            f"`{name}` has a negative dimension",
            Span(path, 0),
            "export the model with positive or symbolic dimensions",
        )
    return result


def _value(value: onnx.ValueInfoProto, path: str) -> TensorSignature:
    kind = value.type.WhichOneof("value")
    if kind is None:
        raise BadInput("TV0234", f"`{value.name}` has no type", Span(path, 0), _TYPED)
    if kind != "tensor_type":
        what = kind.removesuffix("_type").replace("_", " ")
        raise Unsupported(
            "TV0236", f"`{value.name}` is a {what}, not a tensor", Span(path, 0), "export the model with tensors only"
        )
    tensor = value.type.tensor_type
    element = element_name(tensor.elem_type, value.name, path)
    if not tensor.HasField("shape"):
        return TensorSignature(value.name, element, None)
    shape: list[int | str] = []
    for d in tensor.shape.dim:
        match d.WhichOneof("value"):
            case "dim_value":
                shape.extend(_extents([d.dim_value], value.name, path))
            case "dim_param":
                shape.append(str(d.dim_param))
            case _:
                shape.append("")
    return TensorSignature(value.name, element, tuple(shape))


def _completed(
    model: onnx.ModelProto,
    outputs: tuple[TensorSignature, ...],
    inner: dict[str, TensorSignature],
    cut: Sequence[str],
    path: str,
) -> tuple[tuple[TensorSignature, ...], dict[str, TensorSignature]]:
    """Outputs without a shape and cut tensors without a type get what follows from the inputs, where onnx can tell."""
    if all(t.shape is not None for t in outputs) and all(name in inner for name in cut):
        return outputs, inner
    import onnx

    try:
        inferred = onnx.shape_inference.infer_shapes(model)
    except (onnx.shape_inference.InferenceError, ValueError) as error:
        raise BadInput("TV0234", "shapes cannot be inferred", Span(path, 0), str(error).partition("\n")[0]) from error
    found = {v.name: _value(v, path) for v in inferred.graph.output}
    more = {v.name: _value(v, path) for v in inferred.graph.value_info if v.name in cut}
    return tuple(found[t.name] if t.shape is None else t for t in outputs), {**more, **inner}


def _feeds(graph: onnx.GraphProto) -> dict[str, tuple[str, ...]]:
    """What a node reads includes what the graphs in its attributes read from outside."""
    result = {}
    for node in graph.node:
        read = [*node.input]
        for a in node.attribute:
            for g in [*([a.g] if a.HasField("g") else []), *a.graphs]:
                read += [name for inside in _graphs(g) for n in inside.node for name in n.input]
        for name in node.output:
            result[name] = tuple(dict.fromkeys(r for r in read if r))
    return result


def _uses(graph: onnx.GraphProto) -> dict[str, tuple[str, ...]]:
    result: dict[str, list[str]] = {}
    for node in graph.node:
        for name in dict.fromkeys(node.input):
            if name:
                result.setdefault(name, []).append(f"{node.op_type} {node.name}".strip())
    return {k: tuple(v) for k, v in result.items()}
