"""A pointer that a kernel compares with null: the launch says whether it is."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tv.check import check
from tv.request import CheckRequest

TEXT = """__global__ void add(float* y, const float* x, const float* bias, int n) {{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = {test} ? x[i] + bias[i] : x[i];
}}
"""
SPEC = 'kernel = "add"\ngrid = [4]\nblock = [64]\n[args]\ny = "y"\nx = "x"\nbias = "{bias}"\nn = 256\n'


def written(folder: Path, test: str, bias: str) -> CheckRequest:
    """The kernel, its launch, and y = x + b or y = x, in a folder."""
    inputs = ["x"] if bias == "null" else ["x", bias]
    node = helper.make_node("Identity" if bias == "null" else "Add", inputs, ["y"])
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [256]) for n in (*inputs, "y")]
    graph = helper.make_graph([node], "add", values[:-1], values[-1:])
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), folder / "m.onnx")
    (folder / "k.cu").write_text(TEXT.format(test=test))
    (folder / "k.toml").write_text(SPEC.format(bias=bias))
    return CheckRequest(str(folder / "k.cu"), str(folder / "m.onnx"))


@pytest.mark.parametrize(
    ("test", "bias", "verdict"),
    [
        ("bias != NULL", "b", "proved"),
        ("bias != nullptr", "null", "proved"),
        ("!(bias == NULL)", "null", "proved"),
        ("bias == NULL", "b", "refuted"),
        ("x == NULL || bias", "b", "proved"),
        ("x != NULL", "b", "proved"),
        ("bias == x", "b", "unsupported"),
    ],
)
def test_what_is_bound_decides(tmp_path: Path, test: str, bias: str, verdict: str) -> None:
    assert check(written(tmp_path, test, bias), lambda _: None).verdict.value == verdict


def test_an_absent_buffer_is_not_read(tmp_path: Path) -> None:
    """The wrong test leads to a null pointer, which has no element."""
    assert check(written(tmp_path, "bias == NULL", "null"), lambda _: None).verdict.value == "unknown"
