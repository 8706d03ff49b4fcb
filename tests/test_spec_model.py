"""The model's border, read from files that may be damaged or hostile."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tv.diagnostic import BadInput, TvError, Unsupported
from tv.source import Span
from tv.spec import model_signature, read_signature
from tv.spec.border import border

FLOAT = TensorProto.FLOAT


def info(name: str, shape: list[int | str | None] | None = None, kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def save(path: Path, graph: onnx.GraphProto, opset: int = 20) -> str:
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), path)
    return str(path)


def relu(name: str = "r", source: str = "x", target: str = "y") -> onnx.NodeProto:
    return helper.make_node("Relu", [source], [target], name=name)


def refused(path: str, code: str, kind: type[TvError] = BadInput, message: str = ".") -> None:
    with pytest.raises(kind, match=message) as caught:
        read_signature(path)
    assert caught.value.code == code, caught.value.message


def test_what_a_signature_says(tmp_path: Path) -> None:
    weight = helper.make_tensor("w", TensorProto.FLOAT16, [2], [1, 2])
    nodes = [helper.make_node("Cast", ["w"], ["c"], to=1), helper.make_node("Add", ["x", "c"], ["y"], name="add")]
    inputs = [info("x", ["N", 2]), info("w", [2], TensorProto.FLOAT16)]
    graph = helper.make_graph(nodes, "g", inputs, [info("y", ["N", None])], [weight])
    s = read_signature(save(tmp_path / "m.onnx", graph))
    assert [(t.name, t.element, t.shape) for t in s.inputs] == [("x", "float", ("N", 2))]
    assert [(t.name, t.element, t.shape) for t in s.initializers] == [("w", "float16", (2,))]
    assert [(t.name, t.shape) for t in s.outputs] == [("y", ("N", ""))]
    assert s.uses == {"x": ("Add add",), "c": ("Add add",), "w": ("Cast",)}
    assert s.feeds == {"c": ("w",), "y": ("x", "c")}


def test_types_of_cut_tensors_are_inferred(tmp_path: Path) -> None:
    graph = helper.make_graph([relu("a", "x", "m"), relu("b", "m", "y")], "g", [info("x", [3])], [info("y", None)])
    s = read_signature(save(tmp_path / "m.onnx", graph), ["m"])
    assert s.inner["m"].shape == (3,)
    assert s.outputs[0].shape == (3,)
    b = border(s, ("m",), (), Span("", 0))
    assert [t.name for t in b.inputs] == ["m"]
    assert [t.name for t in b.unused] == ["x"]


def test_what_a_subgraph_captures_is_used(tmp_path: Path) -> None:
    then = helper.make_graph([relu("t", "x", "o")], "then", [], [info("o", [3])])
    other = helper.make_graph([relu("e", "z", "p")], "else", [], [info("p", [3])])
    node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    inputs = [info("c", [], TensorProto.BOOL), info("x", [3]), info("z", [3])]
    s = read_signature(save(tmp_path / "m.onnx", helper.make_graph([node], "g", inputs, [info("y", [3])])))
    assert set(s.feeds["y"]) == {"c", "x", "z"}


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07", b"__global__ void k() {}", bytes(range(256))])
def test_files_that_are_no_models(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    refused(str(path), "TV0230")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    refused(str(tmp_path / "none.onnx"), "TV0230", message="no such file")
    refused(str(tmp_path), "TV0230", message="not a file")


def test_huge_files_are_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "m.onnx", helper.make_graph([relu()], "g", [info("x", [3])], [info("y", [3])]))
    monkeypatch.setattr(model_signature, "MAX_BYTES", 10)
    refused(path, "TV0231")
    monkeypatch.setattr(model_signature, "MAX_BYTES", 10**6)
    monkeypatch.setattr(model_signature, "MAX_NODES", 0)
    refused(path, "TV0231")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([relu("a", "m", "n"), relu("b", "n", "m"), relu("c", "m", "y")], "cycle"),
        ([relu("a", "m", "y"), relu("b", "x", "m")], "not in order"),
        ([relu("a", "q", "y")], "nothing computes"),
        ([relu("a", "x", "y"), relu("b", "x", "y")], "computed twice"),
        ([relu("a", "x", "z")], "nothing computes the output `y`"),
        ([relu("a", "x", "x")], "computed twice"),
    ],
)
def test_graphs_out_of_order(tmp_path: Path, nodes: list[onnx.NodeProto], message: str) -> None:
    refused(
        save(tmp_path / "m.onnx", helper.make_graph(nodes, "g", [info("x", [3])], [info("y", [3])])),
        "TV0232",
        message=message,
    )


@pytest.mark.parametrize(
    "place", ["../w.bin", "/etc/passwd", "a/../../w.bin", "", "c:\\w.bin", "link/w.bin", "https://a/b"]
)
def test_data_outside_the_folder_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "link").symlink_to(tmp_path)
    t = TensorProto(name="w", data_type=FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    t.external_data.add(key="location", value=place)
    add = helper.make_node("Add", ["x", "w"], ["y"])
    path = save(tmp_path / "model" / "m.onnx", helper.make_graph([add], "g", [info("x", [3])], [info("y", [3])], [t]))
    refused(path, "TV0233")


def test_data_outside_is_found_in_attributes_too(tmp_path: Path) -> None:
    t = TensorProto(name="w", data_type=FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    t.external_data.add(key="location", value="../w.bin")
    node = helper.make_node("Constant", [], ["y"], value=t)
    refused(save(tmp_path / "m.onnx", helper.make_graph([node], "g", [], [info("y", [3])])), "TV0233")


def test_borders_without_types(tmp_path: Path) -> None:
    untyped = onnx.ValueInfoProto(name="x")
    refused(save(tmp_path / "a.onnx", helper.make_graph([relu()], "g", [untyped], [info("y", [3])])), "TV0234")
    unknown = info("x", [3], TensorProto.UNDEFINED)
    refused(save(tmp_path / "b.onnx", helper.make_graph([relu()], "g", [unknown], [info("y", [3])])), "TV0234")
    refused(save(tmp_path / "c.onnx", helper.make_graph([relu()], "g", [info("x", [3])], [])), "TV0234")
    refused(save(tmp_path / "d.onnx", helper.make_graph([relu()], "g", [info("x", [-3])], [info("y", [3])])), "TV0235")
    shapeless = save(tmp_path / "e.onnx", helper.make_graph([relu()], "g", [info("x", None)], [info("y", [3])]))
    with pytest.raises(BadInput, match="`x` has no shape"):
        border(read_signature(shapeless), (), (), Span("", 0))


def test_inputs_that_are_no_tensors(tmp_path: Path) -> None:
    sequence = helper.make_tensor_sequence_value_info("x", FLOAT, [3])
    node = helper.make_node("SequenceLength", ["x"], ["y"])
    graph = helper.make_graph([node], "g", [sequence], [info("y", [], TensorProto.INT64)])
    refused(save(tmp_path / "m.onnx", graph), "TV0236", Unsupported)


def test_names_declared_twice(tmp_path: Path) -> None:
    graph = helper.make_graph([relu()], "g", [info("x", [3]), info("x", [3])], [info("y", [3])])
    refused(save(tmp_path / "m.onnx", graph), "TV0232", message="declared twice")
