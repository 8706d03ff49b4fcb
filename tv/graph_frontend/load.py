"""Reading and checking an ONNX file: nodes in order, tensors with types, nothing computed yet."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, FunctionProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.elements import Element, element_of
from tv.graph_frontend.protobuf_text import require_text
from tv.graph_frontend.shapes import Shape
from tv.sets import Affine

DEFAULT_DOMAINS = ("", "ai.onnx")
MAX_NODES = 200_000
PROBED = 1 << 16  # bytes; larger initializers are not shown to onnx


@dataclass(frozen=True, slots=True)
class Node:
    """One operator of a graph or of a function body. attributes: decoded; `proto` is kept for function bodies."""

    name: str
    domain: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: NodeProto


@dataclass(frozen=True, slots=True)
class Declared:
    """A tensor that the file declares: graph input, initializer, or cut. data: of an initializer stored inline.

    kept: its values are those of the file, here or elsewhere. constant: made by a `Constant` node, so that nothing binds it.
    """

    name: str
    element: Element
    shape: Shape
    data: TensorProto | None = None
    initializer: bool = False
    kept: bool = False
    constant: bool = False


@dataclass(slots=True)
class Model:
    """nodes: in topological order, only those that the outputs need."""

    path: Path
    proto: ModelProto
    nodes: list[Node]
    declared: dict[str, Declared]
    outputs: tuple[str, ...]
    opsets: dict[str, int]
    functions: dict[tuple[str, str], FunctionProto] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)


def load_proto(path: Path) -> ModelProto:
    """The model, external data left alone, as onnx's checker accepts it; BadInput otherwise."""
    try:
        proto = onnx.load(path, load_external_data=False)
    except FileNotFoundError:
        raise BadInput("TV0301", f"no such file: {path}") from None
    except (OSError, DecodeError, ValueError) as e:
        raise BadInput("TV0301", f"cannot read `{path}` as ONNX: {_first_line(e)}") from None
    if len(proto.graph.node) > MAX_NODES:
        raise BadInput("TV0301", f"`{path}` has {len(proto.graph.node)} nodes; at most {MAX_NODES} are read")
    require_text(proto, path)
    probe = weightless(proto)
    try:
        onnx.checker.check_model(probe)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as e:
        raise BadInput("TV0301", f"onnx rejects `{path}`: {_first_line(e)}") from None
    return proto


def weightless(proto: ModelProto) -> ModelProto:
    """A copy in which initializers that are large or whose data is elsewhere are graph inputs: weights are never needed."""
    probe = ModelProto()
    for f, value in proto.ListFields():
        if f.name != "graph":
            _copy_field(probe, f.name, value)
    for f, value in proto.graph.ListFields():
        if f.name != "initializer":
            _copy_field(probe.graph, f.name, value)
    named = {v.name for v in proto.graph.input}
    for t in proto.graph.initializer:
        if t.data_location != TensorProto.EXTERNAL and t.ByteSize() <= PROBED:
            probe.graph.initializer.append(t)
        elif t.name not in named:
            probe.graph.input.append(helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)))
    return probe


def _copy_field(to: Any, name: str, value: Any) -> None:
    here = getattr(to, name)
    if hasattr(here, "extend"):
        here.extend(value)
    elif hasattr(here, "CopyFrom"):
        here.CopyFrom(value)
    else:
        setattr(to, name, value)


def _first_line(e: Exception) -> str:
    return (str(e).strip().splitlines() or [type(e).__name__])[0]


def load(path: Path, dims: Mapping[str, Affine], inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> Model:
    """inputs, outputs: where to cut (names of tensors); empty: the graph's own."""
    proto = load_proto(path)
    graph = proto.graph
    if graph.sparse_initializer:
        raise Unsupported("TV0313", "a sparse initializer")
    all_nodes = [node_of(n, k) for k, n in enumerate(graph.node)]
    made = _definitions(all_nodes, graph)
    wanted = tuple(outputs) or tuple(o.name for o in graph.output)
    for name in wanted:
        if name not in made:
            raise BadInput("TV0305", f"the model has no tensor `{name}`", help=_near(name, made))
    cuts = _cuts(inputs, made, graph)
    live = _live(all_nodes, wanted, cuts)
    declared = _declared(proto, dims, cuts, {i for n in live for i in n.inputs} | set(wanted), set(inputs))
    nodes = []
    for n in live:
        if (n.domain, n.op) == ("", "Constant"):
            stored = constant_proto(n)  # a Constant is an initializer by another name, so that equal layers stay equal
            declared[n.outputs[0]] = Declared(
                stored.name, element_of(stored.data_type, n.name), _sizes(stored), stored, True, True, True
            )
        else:
            nodes.append(n)
    opsets = _opsets(proto)
    derived = _derived_sizes(proto, declared, dims)
    return Model(path, proto, nodes, declared, wanted, opsets, _functions(proto), derived)


def _opsets(proto: ModelProto) -> dict[str, int]:
    """The opset of each domain. One of ONNX's own that is newer than what is known here may mean anything."""
    out = {_domain(o.domain): o.version for o in proto.opset_import}
    newest = onnx.defs.onnx_opset_version()
    if out.get("", 1) > newest:
        raise Unsupported("TV0310", f"opset {out['']}", help=f"the newest known is {newest}")
    return out


def _functions(proto: ModelProto) -> dict[tuple[str, str], FunctionProto]:
    """The model's own functions by domain and name. One name with several bodies (overloads) is refused."""
    out: dict[tuple[str, str], FunctionProto] = {}
    for f in proto.functions:
        key = _domain(f.domain), f.name
        if f.overload or key in out:
            raise Unsupported("TV0310", f"function `{f.name}` of domain `{f.domain}` with overloads")
        out[key] = f
    return out


def _derived_sizes(proto: ModelProto, declared: Mapping[str, Declared], dims: Mapping[str, Affine]) -> list[str]:
    """What names such as `s0 + 1` on inputs are taken to mean."""
    out = []
    for v in proto.graph.input:
        for d in v.type.tensor_type.shape.dim if v.name in declared else ():
            if d.dim_param and d.dim_param not in dims:
                out.append(f"the dimension named `{d.dim_param}` of {v.name} is {d.dim_param}")
    return out


def _domain(name: str) -> str:
    return "" if name in DEFAULT_DOMAINS else name


def node_of(n: NodeProto, position: int) -> Node:
    attributes = {a.name: _attribute(a, n) for a in n.attribute}
    label = n.name or (n.output[0] if n.output else "") or f"{n.op_type}_{position}"
    if n.overload:
        raise Unsupported("TV0310", f"overload `{n.overload}` of `{n.op_type}`, at node `{label}`")
    return Node(label, _domain(n.domain), n.op_type, tuple(n.input), tuple(n.output), attributes, n)


def _attribute(a: AttributeProto, n: NodeProto) -> Any:
    if a.ref_attr_name:
        raise BadInput(
            "TV0302",
            f"attribute `{a.name}` of `{n.op_type}` refers to a function's attribute, but stands in no function",
        )
    value = helper.get_attribute_value(a)
    if a.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        raise Unsupported("TV0310", f"operator `{n.op_type}` with a graph inside, at node `{n.name or list(n.output)}`")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value


def _definitions(nodes: Sequence[Node], graph: onnx.GraphProto) -> set[str]:
    """Every tensor name, defined once and before it is used."""
    made = {v.name for v in graph.input} | {t.name for t in graph.initializer}
    if len({v.name for v in graph.input}) != len(graph.input):
        raise BadInput("TV0302", "two graph inputs have one name")
    for n in nodes:
        for i in n.inputs:
            if i and i not in made:
                raise BadInput("TV0302", f"node `{n.name}` uses `{i}` before anything makes it")
        for o in n.outputs:
            if o and o in made:
                raise BadInput("TV0302", f"tensor `{o}` is defined twice")
            made.add(o)
    made.discard("")
    return made


def _near(name: str, known: Collection[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean `{close[0]}`?" if close else ""


def _live(nodes: Sequence[Node], wanted: Sequence[str], cuts: Collection[str]) -> list[Node]:
    """The nodes that the wanted tensors need, in order, without the outputs that are cut: what those were made from does not
    count."""
    need = set(wanted) - set(cuts)
    out = []
    for n in reversed(nodes):
        if any(o and o in need for o in n.outputs):
            out.append(replace(n, outputs=tuple("" if o in cuts else o for o in n.outputs)))
            need |= {i for i in n.inputs if i and i not in cuts}
    return out[::-1]


# ------------------------------------------------------------------------------------------------ declared tensors
def _cuts(inputs: Sequence[str], made: set[str], graph: onnx.GraphProto) -> set[str]:
    for name in inputs:
        if name not in made:
            raise BadInput("TV0305", f"the model has no tensor `{name}`", help=_near(name, made))
    return set(inputs) - {v.name for v in graph.input} - {t.name for t in graph.initializer}


def _sizes(t: TensorProto) -> Shape:
    if any(d < 0 for d in t.dims):
        raise BadInput("TV0302", f"tensor `{t.name}` has a negative extent")
    return tuple(Affine.of(int(d)) for d in t.dims)


def constant_proto(n: Node) -> TensorProto:
    """What a `Constant` node stores, under the name of its output; Unsupported where it is no numeric tensor."""
    known = {
        "value_float": TensorProto.FLOAT, "value_floats": TensorProto.FLOAT,
        "value_int": TensorProto.INT64, "value_ints": TensorProto.INT64,
    }  # fmt: skip
    given = {k: v for k, v in n.attributes.items() if v is not None}
    out = TensorProto()
    if len(given) == 1 and isinstance(given.get("value"), TensorProto):
        out.CopyFrom(given["value"])
    elif len(given) == 1 and next(iter(given)) in known:
        ((name, value),) = given.items()
        values = list(value) if name.endswith("s") else [value]
        out = helper.make_tensor("", known[name], [len(values)] if name.endswith("s") else [], values)
    else:
        raise Unsupported("TV0311", f"node `{n.name}` (Constant) with {', '.join(sorted(given)) or 'nothing'}")
    if out.data_location == TensorProto.EXTERNAL:
        raise Unsupported("TV0313", f"node `{n.name}` (Constant) with external data")
    out.name = n.outputs[0]
    return out


def _declared(
    proto: ModelProto, dims: Mapping[str, Affine], cuts: set[str], used: set[str], free: set[str]
) -> dict[str, Declared]:
    """free: tensors whose values are arbitrary, whatever the file holds."""
    out: dict[str, Declared] = {}
    # since version 4 of the format an initializer that is also a graph input is only that input's default value
    replaceable = free | ({v.name for v in proto.graph.input} if proto.ir_version >= 4 else set())
    for t in proto.graph.initializer:
        if t.name in out:
            raise BadInput("TV0302", f"two initializers are called `{t.name}`")
        kept = t.name not in replaceable
        inline = t if t.data_location != TensorProto.EXTERNAL and kept else None
        if t.name in used:
            out[t.name] = Declared(t.name, element_of(t.data_type, t.name), _sizes(t), inline, True, kept)
    infos = [v for v in proto.graph.input if v.name not in out]
    if cuts:
        infos += _inferred(proto, cuts)
    for v in infos:
        if v.name in used:
            out[v.name] = declared(v, dims)
        elif v.type.WhichOneof("value") == "tensor_type" and all(_known(d, dims) for d in v.type.tensor_type.shape.dim):
            out[v.name] = declared(v, dims)  # a kernel may take it as a parameter all the same
    return out


def _inferred(proto: ModelProto, cuts: set[str]) -> list[ValueInfoProto]:
    """Types of the cut tensors, from the file or from onnx's inference."""
    try:
        inferred = onnx.shape_inference.infer_shapes(weightless(proto), data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as e:
        raise BadInput("TV0302", f"onnx's shape inference fails: {_first_line(e)}") from None
    known = {v.name: v for v in (*inferred.graph.value_info, *inferred.graph.output)}
    for name in sorted(cuts):
        if name not in known:
            raise BadInput("TV0305", f"the type and shape of `{name}` are not known, so the graph cannot be cut there")
    return [known[name] for name in sorted(cuts)]


def _known(d: onnx.TensorShapeProto.Dimension, dims: Mapping[str, Affine]) -> bool:
    return d.WhichOneof("value") == "dim_value" or (
        d.WhichOneof("value") == "dim_param" and named_size(d.dim_param, dims) is not None
    )


def declared(v: ValueInfoProto, dims: Mapping[str, Affine]) -> Declared:
    """A graph input: a typed tensor with a known rank, each extent a number or a name in `dims`."""
    if v.type.WhichOneof("value") != "tensor_type":
        raise Unsupported("TV0313", f"input `{v.name}` is not a tensor")
    t = v.type.tensor_type
    element = element_of(t.elem_type, v.name)
    if not t.HasField("shape"):
        raise BadInput("TV0303", f"input `{v.name}` has no shape")
    return Declared(v.name, element, tuple(extent(d, k, v.name, dims) for k, d in enumerate(t.shape.dim)))


def named_size(name: str, dims: Mapping[str, Affine]) -> Affine | None:
    """The size that a dimension name stands for: an entry of `dims`, or one plus or minus a number (`s0 + 1`)."""
    if name in dims:
        return dims[name]
    m = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*([+-])\s*(\d{1,9})\s*", name)
    if m is None or m[1] not in dims:
        return None
    return dims[m[1]] + (int(m[3]) if m[2] == "+" else -int(m[3]))


def extent(d: onnx.TensorShapeProto.Dimension, k: int, name: str, dims: Mapping[str, Affine]) -> Affine:
    match d.WhichOneof("value"):
        case "dim_value":
            if d.dim_value < 0:
                raise BadInput("TV0302", f"dimension {k} of `{name}` is negative")
            return Affine.of(int(d.dim_value))
        case "dim_param" if (known := named_size(d.dim_param, dims)) is not None:
            return known
        case "dim_param" if d.dim_param:
            key = f'n = {{ symbol = "{d.dim_param}", min = 1, max = 4096 }}'
            if not d.dim_param.isidentifier():
                key = f'n = {{ symbol = "N", min = 1, max = 4096, dim = "{d.dim_param}" }}'
            raise BadInput("TV0303", f"dimension `{d.dim_param}` of `{name}` is open and nothing is bound to it",
                           help=f"bind a kernel parameter to it under [args], such as `{key}`")  # fmt: skip
        case _:
            raise BadInput(
                "TV0303",
                f"dimension {k} of `{name}` has neither a size nor a name",
                help="export the model with that size fixed or named",
            )
