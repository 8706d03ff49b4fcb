"""Small graphs, inputs for models, and what a program and the reference evaluator make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from megac.evaluate import evaluate
from megac.frontend import optimised
from megac.ir import Program
from megac.lower import lower
from megac.onnx_reader import graph_of
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ROOT = Path(__file__).parent.parent.parent
MODELS = ROOT / "corpus" / "models"
Array = np.ndarray[Any, Any]
Shape = Sequence[int | str]
TYPES = {
    "f16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16, "f32": TensorProto.FLOAT,
    "i64": TensorProto.INT64, "i32": TensorProto.INT32, "bool": TensorProto.BOOL,
}  # fmt: skip
node = helper.make_node


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[str, Shape]],
    outputs: Mapping[str, str],
    weights: Mapping[str, Array] | None = None,
    opset: int = 23,
) -> onnx.ModelProto:
    """A model; outputs by name and type, of open shapes."""
    ins = [helper.make_tensor_value_info(n, TYPES[t], list(s)) for n, (t, s) in inputs.items()]
    outs = [helper.make_tensor_value_info(n, TYPES[t], None) for n, t in outputs.items()]
    stored = [numpy_helper.from_array(a, n) for n, a in (weights or {}).items()]
    g = helper.make_graph(list(nodes), "g", ins, outs, stored)
    return helper.make_model(g, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def raw(m: onnx.ModelProto) -> Program:
    """As it is lowered, before any pass."""
    return lower(graph_of(m, "g"))


def program(m: onnx.ModelProto) -> Program:
    return optimised(raw(m))


def weights_of(m: onnx.ModelProto) -> dict[str, Array]:
    return {t.name: numpy_helper.to_array(t) for t in m.graph.initializer}


def bits(outputs: Mapping[str, Array]) -> dict[str, bytes]:
    """With any NaN as one."""
    out = {}
    for name, a in outputs.items():
        if a.dtype.kind in "fV" or a.dtype == ml_dtypes.bfloat16:
            a = np.where(np.isnan(a), np.asarray(np.nan, a.dtype), a)
        out[name] = a.tobytes() + str(a.shape).encode()
    return out


def run(p: Program, m: onnx.ModelProto, inputs: Mapping[str, Array]) -> dict[str, Array]:
    return evaluate(p, inputs, weights_of(m))


def reference(m: onnx.ModelProto, inputs: Mapping[str, Array]) -> dict[str, Array]:
    e = ReferenceEvaluator(m)
    return dict(zip(e.output_names, e.run(None, dict(inputs)), strict=True))


def inputs_of(p: Program, past: int, seed: int = 0) -> dict[str, Array]:
    """Inputs of a decode step after `past` positions."""
    rng = np.random.default_rng(seed)
    out: dict[str, Array] = {}
    for i in p.inputs:
        shape = [e.at(dict.fromkeys(e.names, past)) for e in i.shape]
        if i.name == "position_ids":
            values: Array = np.full(shape, past)
        elif i.name == "input_ids":
            values = rng.integers(0, 256, shape)
        else:
            values = rng.standard_normal(shape)
        out[i.name] = values.astype(i.dtype.numpy)
    return out
