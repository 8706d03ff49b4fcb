"""Files that are no model, or none that is compiled: refused with a reason, and nothing is read outside the model."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from megac.errors import CompileError
from megac.frontend import compile_file, compile_graph
from megac.onnx_reader import graph_of, read
from megac.printing import program_text
from onnx import TensorProto, helper

from tests.megac.building import MODELS, model, node

ADD = [node("Add", ["x", "x"], ["y"], name="sum")]


def simple() -> onnx.ModelProto:
    return model(ADD, {"x": ("f32", [2])}, {"y": "f32"})


def external(**entries: str) -> onnx.ModelProto:
    m = simple()
    t = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        t.external_data.add(key=key, value=value)
    m.graph.initializer.append(t)
    return m


def changed(change) -> onnx.ModelProto:
    m = simple()
    change(m)
    return m


BAD = [
    (changed(lambda m: setattr(m.opset_import[0], "version", 16)), "opset 16"),
    (changed(lambda m: setattr(m.opset_import[0], "version", 99)), "opset 99"),
    (changed(lambda m: m.graph.node[0].input.append("nobody")), "nothing makes its input `nobody`"),
    (changed(lambda m: m.graph.node.append(node("Neg", ["x"], ["y"]))), "made twice"),
    (changed(lambda m: m.graph.node.append(node("Neg", ["z"], ["z"]))), "needed for its own input"),
    (changed(lambda m: setattr(m.graph.node[0], "domain", "com.microsoft")), "domain `com.microsoft`"),
    (changed(lambda m: m.functions.add(name="f")), "defines a function"),
    (changed(lambda m: m.graph.output.add(name="z")), "output `z`"),
    (changed(lambda m: m.graph.input[0].type.tensor_type.shape.dim[0].Clear()), "without a name"),
    (changed(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.STRING)), "type STRING"),
    (changed(lambda m: m.graph.node[0].attribute.append(helper.make_attribute("g", m.graph))), "is a graph"),
    (external(location="../w.bin"), "no path below"),
    (external(location="/etc/passwd"), "no path below"),
    (external(location="w.bin", length="15"), "15 bytes, its shape asks for 16"),
    (external(location="w.bin", offset="many"), "at no number"),
    (external(), "no path below"),
]


@pytest.mark.parametrize(("m", "why"), BAD, ids=[why for _, why in BAD])
def test_a_model_that_is_not_compiled_says_why(m: onnx.ModelProto, why: str) -> None:
    with pytest.raises(CompileError, match=why.replace("(", r"\(")):
        compile_graph(graph_of(m, "m"))


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="cannot be read"):
        read(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(CompileError, match="no ONNX model"):
        read(tmp_path / "text.onnx")
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(CompileError, match="opset 0"):
        read(tmp_path / "empty.onnx")


def test_external_weights_are_named_and_not_read(tmp_path: Path) -> None:
    m = external(location="w.bin", offset="4096", length="16")
    m.graph.node[0].input[1] = "w"
    m.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    p = compile_graph(graph_of(m, "m"))
    (w,) = p.weights
    assert (w.file, w.offset, w.length) == ("w.bin", 4096, 16)


def test_nodes_may_stand_in_any_order() -> None:
    nodes = [node("Neg", ["t"], ["y"]), node("Add", ["x", "x"], ["t"])]
    g = graph_of(model(nodes, {"x": ("f32", [2])}, {"y": "f32"}), "m")
    assert [n.op for n in g.nodes] == ["Add", "Neg"]


def test_dimensions_of_inputs_are_the_only_symbols() -> None:
    m = model(ADD, {"x": ("f32", ["s15 + 1", 2])}, {"y": "f32"})
    m.graph.value_info.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, ["unk__0", 7]))
    p = compile_graph(graph_of(m, "m"))
    assert p.dims == ("s15",)
    assert list(map(str, p.outputs[0].shape)) == ["s15 + 1", "2"]


@pytest.mark.parametrize("seed", range(40))
def test_damaged_models_end_in_a_reason_or_a_program(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    name = rng.choice(["handmade_llama2-7b_fp16_op24_dynP", "llama2-7b_fp16_op18_dynP"])
    m = onnx.load(MODELS / f"{name}.onnx", load_external_data=False)
    del m.graph.node[60:]
    del m.graph.output[:]
    for n in m.graph.node[-3:]:
        m.graph.output.append(helper.make_tensor_value_info(n.output[0], TensorProto.FLOAT16, None))
    for _ in range(3):
        n = rng.choice(m.graph.node)
        match rng.randrange(5):
            case 0:
                n.op_type = rng.choice(m.graph.node).op_type
            case 1 if n.input:
                n.input[rng.randrange(len(n.input))] = rng.choice(rng.choice(m.graph.node).input or ["x"])
            case 2 if n.attribute:
                a = rng.choice(n.attribute)
                a.i, a.f = rng.choice([-7, 0, 1, 2**40]), rng.choice([0.0, float("nan"), -1.0])
            case 3:
                t = rng.choice(m.graph.initializer)
                t.dims[:] = [rng.choice([0, 1, 3, 64]) for _ in t.dims]
            case _:
                t = rng.choice([t for t in m.graph.initializer if t.data_type == TensorProto.INT64 and t.dims])
                t.raw_data = np.array([rng.choice([-9, -1, 0, 1, 2**62])] * (len(t.raw_data) // 8), np.int64).tobytes()
    path = tmp_path / "m.onnx"
    path.write_bytes(m.SerializeToString())
    try:
        text = program_text(compile_file(path))
    except CompileError as e:
        text = e.text()
    assert text.startswith(("error: ", "program "))
