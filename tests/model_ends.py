"""What a model and a specification say of the graph's inputs and outputs, for tests of the corpus."""

from __future__ import annotations

import onnx


def without_data(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with weights that have no data as inputs, so that the checker can judge all the rest of it."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    weights = [t for t in copy.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    for t in weights:
        copy.graph.initializer.remove(t)
        copy.graph.input.append(onnx.helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)))
    return copy


def graph_ends(model: onnx.ModelProto) -> tuple[set[str], set[str]]:
    """(inputs and weights without data, outputs) by name."""
    full = without_data(model).graph
    return {v.name for v in full.input}, {v.name for v in full.output}


def bound_tensors(args: dict[str, object], symbols: set[str]) -> list[tuple[str, str]]:
    """(role, tensor) of every argument that is one; role: input, output or tensor."""
    found = []
    for value in args.values():
        if isinstance(value, str):
            found += [("tensor", value)] if value != "null" else []
        elif isinstance(value, list):  # a table
            found += bound_tensors({str(i): v for i, v in enumerate(value)}, symbols)
        elif isinstance(value, dict):
            found += [(role, value[role]) for role in ("input", "output", "tensor") if role in value]
            found += [("tensor", name) for name in value.get("concat", ())]
            for part in value.get("parts", ()):
                lists = (("tensors", "tensor"), ("inputs", "input"), ("outputs", "output"))
                found += [(role, name) for key, role in lists for name in part.get(key, ())]
            found += [("tensor", value["element"].partition("[")[0])] if "element" in value else []
            found += bound_tensors(value.get("fields", {}), symbols)
            if value.get("symbol") in symbols:
                found.append(("tensor", value["symbol"]))
    return found


def given_by_symbols(spec: dict[str, object]) -> set[str]:
    """Tensors that a specification says are a symbol of the launch."""
    stated = spec.get("inputs", {})
    assert isinstance(stated, dict)
    return {tensor for tensor, symbol in stated.items() if isinstance(symbol, str)}
