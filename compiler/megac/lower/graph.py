"""A graph's nodes, one after the other, through their rules."""

from __future__ import annotations

from onnx import defs

from megac.errors import CompileError
from megac.ir import Output, Program
from megac.lower import attention, contraction, elementwise, indexing, layout, normalising, picking, reductions, shapes
from megac.lower.builder import Builder
from megac.lower.registry import rule_of
from megac.lower.view import View
from megac.onnx_reader import Graph, Node

RULES = (attention, contraction, elementwise, indexing, layout, normalising, picking, reductions, shapes)


def lower(graph: Graph) -> Program:
    """The program of a graph, a stage or more for each node whose value shapes do not decide. Raises CompileError."""
    b = Builder(graph)
    for node in graph.nodes:
        try:
            _lower(node, b)
        except CompileError as e:
            raise e.at(node.name, node.op) from None
    outputs = tuple(_output(b, name) for name, _ in graph.outputs)
    dims = sorted({name for i in graph.inputs for e in i.shape for name in e.names})
    written = {c.name for c in b.constants}
    weights = tuple(s.weight for name, s in graph.stored.items() if name not in written)
    return Program(graph.name, tuple(dims), graph.inputs, weights, tuple(b.constants), tuple(b.stages), (), outputs, ())


def _lower(node: Node, b: Builder) -> None:
    rule = rule_of(node.op)
    _require_schema(node, b.opset)
    if not any(node.outputs):
        raise CompileError("it has no output")
    view = View(node, [b.tensors[i] if i else None for i in node.inputs], b.opset)
    b.begin(node)
    rule(view, b)
    view.finish()
    for name in node.outputs:
        if name and name not in b.tensors:
            raise CompileError(f"its output `{name}` has no rule")


def _require_schema(node: Node, opset: int) -> None:
    """Is the operator one of the opset, and has it as many operands and results as it may have there?"""
    try:
        schema = defs.get_schema(node.op, opset)
    except defs.SchemaError:
        raise CompileError(f"opset {opset} has no such operator") from None
    if not schema.min_input <= len(node.inputs) <= schema.max_input:
        raise CompileError(f"it has {len(node.inputs)} inputs")
    if not schema.min_output <= len(node.outputs) <= schema.max_output:
        raise CompileError(f"it has {len(node.outputs)} outputs")


def _output(b: Builder, name: str) -> Output:
    if name not in b.tensors:
        raise CompileError(f"nothing makes the graph output `{name}`")
    t = b.tensors[name]
    stored = not t.full and t.known is None and t.uniform is None and t.name == name
    made = t if stored else b.store(name, t)
    return Output(name, made.name, made.shape, made.dtype)
