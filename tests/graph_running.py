"""Runs a model through `tv.graph_frontend.read` and `GraphValues` on numpy arrays, beside onnx's reference evaluator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnx.reference
from onnx import helper, numpy_helper

from tv.graph import Graph
from tv.graph_frontend import read
from tv.graph_frontend.load import named_size
from tv.replay.graph_values import GraphValues
from tv.sets import TRUE, Affine, Sets
from tv.sets.formulas import all_of, ge, lt
from tv.term import Terms

Array = Any
DTYPES = {
    "f32": np.float32, "f16": np.float16, "f64": np.float64, "bf16": ml_dtypes.bfloat16, "bool": np.bool_,
    "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
}  # fmt: skip
CARRIER = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def to_bits(a: Array) -> Array:
    if a.dtype == np.bool_:
        return a.astype(np.uint64)
    return np.ascontiguousarray(a).view(CARRIER[a.dtype.itemsize]).astype(np.uint64)


def from_bits(bits: Array, label: str) -> Array:
    dtype = np.dtype(DTYPES[label])
    if label == "bool":
        return bits.astype(np.bool_)
    return bits.astype(CARRIER[dtype.itemsize]).view(dtype)


def open_sizes(model: onnx.ModelProto) -> list[str]:
    names = [d.dim_param for v in model.graph.input for d in v.type.tensor_type.shape.dim if d.dim_param.isidentifier()]
    return list(dict.fromkeys(names))


def read_model(path: Path, most: int = 4096, least: int = 1, **options: Any) -> Graph:
    """Reads a model whose open dimensions are symbols of their own names, each in [least, most)."""
    names = open_sizes(onnx.load(path, load_external_data=False))
    bounds = [c for s in names for c in (ge(Affine.sym(s), least), lt(Affine.sym(s), most))]
    sets = Sets(names, all_of(*bounds) if bounds else TRUE)
    return read(path, sets, Terms(), dims={s: Affine.sym(s) for s in names}, **options)


def values_of(graph: Graph, model: onnx.ModelProto, feeds: Mapping[str, Array], **options: Any) -> GraphValues:
    """feeds: the graph inputs; initializers are taken from the model."""
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer} | dict(feeds)
    for n in model.graph.node:
        if n.op_type == "Constant":
            arrays[n.output[0]] = numpy_helper.to_array(n.attribute[0].t)
    units: dict[str, dict[int | None, Array]] = {}
    for name, info in graph.inputs.items():
        if name in arrays:
            units.setdefault(info.unit, {})[info.layer] = to_bits(np.asarray(arrays[name]))

    def inputs(unit: str, index: Sequence[Array]) -> Array:
        held = units[unit]
        if None in held:
            return held[None][tuple(index)]
        return np.stack([held[layer] for layer in range(len(held))])[tuple(index)]

    return GraphValues(graph, sizes_of(graph, model, feeds), inputs, **options)


def sizes_of(graph: Graph, model: onnx.ModelProto, feeds: Mapping[str, Array]) -> dict[str, int]:
    out = {}
    for v in model.graph.input:
        for d, extent in zip(v.type.tensor_type.shape.dim, np.shape(feeds.get(v.name, ())), strict=False):
            if d.dim_param.isidentifier():
                out[d.dim_param] = extent
            elif d.dim_param:
                assert named_size(d.dim_param, {s: Affine.sym(s) for s in open_sizes(model)}) is not None
    return out


def run(path: Path, model: onnx.ModelProto, feeds: Mapping[str, Array], **options: Any) -> dict[str, Array]:
    """Every output of the model by our meaning of it."""
    graph = read_model(path, **options)
    values = values_of(graph, model, feeds)
    return {name: from_bits(values.output(name), info.type) for name, info in graph.outputs.items()}


def expected(model: onnx.ModelProto, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """Every output by onnx's reference evaluator."""
    names = [o.name for o in model.graph.output]
    got = onnx.reference.ReferenceEvaluator(model).run(None, dict(feeds))
    return {n: np.asarray(a) for n, a in zip(names, got, strict=True)}


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, Sequence[int | str]]],
    outputs: Mapping[str, tuple[int, Sequence[int | str | None]]],
    stored: Mapping[str, Array] | None = None,
    opset: int = 24,
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """A model from (type, shape) by name."""
    infos = [
        [helper.make_tensor_value_info(n, t, list(s)) for n, (t, s) in group.items()] for group in (inputs, outputs)
    ]
    inits = [numpy_helper.from_array(np.asarray(a), n) for n, a in (stored or {}).items()]
    graph = helper.make_graph(list(nodes), "g", infos[0], infos[1], inits)
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, functions=list(functions))


def save(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "m.onnx"
    onnx.save(model, path)
    return path


def one_node(op: str, arrays: Sequence[Array | None], outputs: int, opset: int, shapes: Sequence[Sequence[int | str]] | None,
             constants: Sequence[int], attributes: Mapping[str, Any], out_types: Sequence[int], out_ranks: Sequence[int]) -> onnx.ModelProto:  # fmt: skip
    """A model of one node; inputs whose position is in `constants` are initializers."""
    ins, inits, names = [], [], []
    for k, a in enumerate(arrays):
        names.append("" if a is None else f"x{k}")
        if a is None:
            continue
        if k in constants:
            inits.append(numpy_helper.from_array(a, f"x{k}"))
        else:
            shape = a.shape if shapes is None or shapes[k] is None else shapes[k]
            ins.append(helper.make_tensor_value_info(f"x{k}", helper.np_dtype_to_tensor_dtype(a.dtype), list(shape)))
    outs = [f"y{k}" for k in range(outputs)]
    infos = [
        helper.make_tensor_value_info(n, t, [None] * r) for n, t, r in zip(outs, out_types, out_ranks, strict=True)
    ]
    node = helper.make_node(op, names, outs, **attributes)
    graph = helper.make_graph([node], "g", ins, infos, inits)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
