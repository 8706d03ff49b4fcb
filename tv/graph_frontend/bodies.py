"""Operators that mean their official function body, and functions that the model itself defines: inlined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onnx import AttributeProto, FunctionProto, NodeProto, TypeProto, defs, helper

from tv.diagnostic import BadInput, Unsupported
from tv.graph_frontend.build import Builder
from tv.graph_frontend.contrib import contrib_bodies
from tv.graph_frontend.elements import F32, TO_ONNX, Element
from tv.graph_frontend.load import Node, node_of
from tv.graph_frontend.registry import schema
from tv.graph_frontend.tensors import Tensor
from tv.graph_frontend.view import NodeView

WIDENED = "function bodies on 16-bit types are evaluated in f32 and rounded once"
DEPTH = 32  # of nested bodies
# Bodies that say themselves in which precision each step is taken (stash_type, softmax_precision, casts).
FLAGS = frozenset({"across_channels", "interleaved", "is_causal", "keepdims", "noop_with_empty_axes", "periodic"})
PRECISE = frozenset(
    {
        "LayerNormalization",
        "RMSNormalization",
        "GroupNormalization",
        "Attention",
        "CastLike",
        "Range",
        "MeanVarianceNormalization",
    }
)


def inline_official(n: NodeView, b: Builder) -> bool:
    """Denotes an operator by its official body at the model's opset; False where it has none.

    A 16-bit body that does not fix its precision runs in f32 and its outputs are rounded once, unless
    body_precision is `type`.
    """
    if n.node.domain:
        return False
    s = schema(n.node.op, n.opset)
    widen = b.options.body_precision == "f32" and n.node.op not in PRECISE
    inputs = [n.optional(k) for k in range(n.count)]
    if widen and any(t is not None and t.element.narrow for t in inputs):
        b.assume(WIDENED)
    wide = [_widened(b, n, k, t) if widen else t for k, t in enumerate(inputs)]
    found = _body(n, s, wide)
    if found is None:
        return False
    function, opset = found
    for name in n.node.attributes:
        if name not in s.attributes:
            raise BadInput("TV0311", f"attribute `{name}` of {n.what} is not one of the operator's")
    _require_sense(n)
    results = _run(n, b, function, wide, {**b.opsets, "": opset}, s.attributes)
    for k, (name, t) in enumerate(zip(n.node.outputs, results, strict=False)):
        if name and t is not None:
            b.env[name] = _narrowed(b, n, s, k, inputs, t, name)
    return True


def _require_sense(n: NodeView) -> None:
    """What bodies take for granted of attributes: an axis that is there, flags that are 0 or 1."""
    first = n.optional(0)
    if first is not None and isinstance(n.node.attributes.get("axis"), int):
        n.axis("axis", -1, first.rank)
    for name in FLAGS & n.node.attributes.keys():
        n.flag(name, False)


def inline_contrib(n: NodeView, b: Builder) -> bool:
    """Denotes an operator of an exporter's own by its written body; False where there is none."""
    bodies = contrib_bodies(n.node.domain, n.node.op)
    if not bodies:
        return False
    function = next((f for f in bodies if len(f.input) == n.count), bodies[0])
    for name in n.node.attributes:
        if name not in {a.name for a in function.attribute_proto}:
            raise Unsupported("TV0311", f"attribute `{name}` of {n.what}")
    inputs = [n.optional(k) for k in range(n.count)]
    if n.count > len(function.input) or any(t is None for t in inputs) or n.count < len(function.input):
        raise Unsupported("TV0313", f"{n.what} with other than {' or '.join(str(len(f.input)) for f in bodies)} inputs")
    first = n.input(0).element
    widen = b.options.body_precision == "f32" and first.narrow
    if widen:
        b.assume(WIDENED)
    wide = [_widened(b, n, k, t) if widen else t for k, t in enumerate(inputs)]
    results = _run(n, b, function, wide, {**b.opsets, "": function.opset_import[0].version}, {})
    for name, t in zip(n.node.outputs, results, strict=False):
        if name and t is not None:
            b.env[name] = _rounded(b, n, name, t, first)
    return True


def inline_local(n: NodeView, b: Builder, function: FunctionProto) -> None:
    """Denotes a call of a function that the model defines."""
    for name in n.node.attributes:
        if name not in function.attribute and name not in {a.name for a in function.attribute_proto}:
            raise BadInput("TV0311", f"attribute `{name}` of {n.what} is not one of the function's")
    if n.count > len(function.input) or len(n.node.outputs) > len(function.output):
        ends = f"{len(function.input)} inputs and {len(function.output)} outputs"
        raise BadInput(
            "TV0302", f"{n.what} has {n.count} inputs and {len(n.node.outputs)} outputs, its function {ends}"
        )
    opsets = {("" if o.domain == "ai.onnx" else o.domain): o.version for o in function.opset_import}
    results = _run(n, b, function, [n.optional(k) for k in range(n.count)], {**b.opsets, **opsets}, {})
    for name, t in zip(n.node.outputs, results, strict=False):
        if name and t is not None:
            b.env[name] = t


# ------------------------------------------------------------------------------------------------ precision
def _formal(parameters: Sequence[defs.OpSchema.FormalParameter], k: int) -> str:
    return parameters[min(k, len(parameters) - 1)].type_str if parameters else ""


def _widened(b: Builder, n: NodeView, k: int, t: Tensor | None) -> Tensor | None:
    if t is None or not t.element.narrow:
        return t
    return b.inner(n, f"in{k}", F32, t.shape, lambda p: p.convert(p.get(t), t.element, F32))


def _narrowed(
    b: Builder, n: NodeView, s: defs.OpSchema, k: int, inputs: Sequence[Tensor | None], t: Tensor, name: str
) -> Tensor:
    """The result in the type that the schema gives output k: that of the inputs with the same type variable."""
    variable = _formal(s.outputs, k)
    types = {i.element for j, i in enumerate(inputs) if i is not None and _formal(s.inputs, j) == variable}
    if len(types) != 1 or t.element in types:
        return t
    to = next(iter(types))
    if not (t.element == F32 and to.narrow):
        raise Unsupported("TV0312", f"{n.what}: its body gives {t.element.label} where {to.label} is due")
    return _rounded(b, n, name, t, to)


def _rounded(b: Builder, n: NodeView, name: str, t: Tensor, to: Element) -> Tensor:
    if t.element == to:
        return t
    return b.unit(name, to, t.shape, lambda p: p.convert(p.get(t), t.element, to), n.node.name)


# ------------------------------------------------------------------------------------------------ bodies
def _body(n: NodeView, s: Any, inputs: Sequence[Tensor | None]) -> tuple[FunctionProto, int] | None:
    """The function body for the model's opset, and the opset that it is written in."""
    plain = [v for v in s.function_opset_versions if v <= n.opset]
    dependent = [v for v in s.context_dependent_function_opset_versions if v <= n.opset]
    data: bytes | None = None
    if plain:
        version = max(plain)
        data = s.get_function_with_opset_version(version)
    elif dependent:
        version = max(dependent)
        types = [_type(t) for t in inputs]
        data = s.get_context_dependent_function_with_opset_version(version, _called(n).SerializeToString(), types)
    if not data:
        return None
    function = FunctionProto()
    function.ParseFromString(data)
    return (function, version) if function.node else None


def _called(n: NodeView) -> NodeProto:
    """The node as the schema sees it; what a surrounding function supplies is filled in already (`_bound`)."""
    return n.node.proto


def _type(t: Tensor | None) -> bytes:
    if t is None:
        return bytes(TypeProto().SerializeToString())
    sizes = [e.constant if e.constant is not None else e.text() for e in t.shape]
    return bytes(helper.make_tensor_type_proto(TO_ONNX[t.element.label], sizes).SerializeToString())


def _run(n: NodeView, b: Builder, function: FunctionProto, inputs: Sequence[Tensor | None], opsets: Mapping[str, int],
         defaults: Mapping[str, defs.OpSchema.Attribute]) -> list[Tensor | None]:  # fmt: skip
    """Denotes the body's nodes in an environment of their own; the outputs that the node asks for, in order."""
    if b.depth >= DEPTH:
        raise Unsupported("TV0313", f"{n.what}: function bodies nested deeper than {DEPTH}")
    actual = {a.name: a for a in _called(n).attribute}
    for a in function.attribute_proto:
        actual.setdefault(a.name, a)
    for name, d in defaults.items():
        if name not in actual and d.default_value.name:
            actual[name] = d.default_value
    saved = b.env, b.path, b.depth, b.opsets, b.caller
    b.caller = b.caller or n.what
    b.env = {name: t for name, t in zip(function.input, inputs, strict=False) if t is not None}
    absent = {name for name in function.input if name not in b.env}
    b.path, b.depth, b.opsets = f"{b.path}{n.node.outputs[0] or n.node.name}_", b.depth + 1, opsets
    try:
        for node in _needed(function, len(n.node.outputs), n):
            b.run(_bound(node, actual, absent))
        return [b.env.get(name) for name in function.output]
    finally:
        b.env, b.path, b.depth, b.opsets, b.caller = saved


def _needed(function: FunctionProto, outputs: int, n: NodeView) -> list[NodeProto]:
    """The body's nodes that the outputs in use need."""
    need = {name for k, name in enumerate(function.output) if n.wants(k)}
    out = []
    for node in reversed(function.node):
        if any(o in need for o in node.output):
            out.append(node)
            need |= {i for i in node.input if i}
    return out[::-1]


def _bound(node: NodeProto, actual: Mapping[str, AttributeProto], absent: set[str]) -> Node:
    """A node of a body with its references to attributes replaced, and inputs that the caller left out taken away."""
    proto = NodeProto()
    proto.CopyFrom(node)
    del proto.attribute[:]
    for a in node.attribute:
        if not a.ref_attr_name:
            proto.attribute.append(a)
        elif a.ref_attr_name in actual:
            copy = AttributeProto()
            copy.CopyFrom(actual[a.ref_attr_name])
            copy.name = a.name
            proto.attribute.append(copy)
    for k, name in enumerate(proto.input):
        if name in absent:
            proto.input[k] = ""
    return node_of(proto, 0)
