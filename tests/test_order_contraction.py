"""Which products a certificate says are fused: the interpreter's own choice, for each way to write a multiply-add."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from order_running import Normal, Pair, prove

from tv.check import check
from tv.obligation import Relation
from tv.request import CheckRequest
from tv.verdict import Verdict

N = 96


def written(folder: Path, body: str, nodes: list[onnx.NodeProto], toml: str = "", outputs: str = "y") -> Path:
    """One thread an element; pointers a, b, c, d in, one for each output out."""
    folder.mkdir(exist_ok=True)
    text = f"""__global__ void k({", ".join(f"const float* {n}" for n in "abcd")}, {", ".join(f"float* {n}" for n in outputs)})
{{
    int i = blockIdx.x * 32 + threadIdx.x;
    {body}
}}
"""
    (folder / "kernel.cu").write_text(text)
    args = "".join(f'{n} = "{n}"\n' for n in "abcd" + outputs)
    (folder / "kernel.toml").write_text(f"grid = [{N // 32}]\nblock = [32]\n{toml}[args]\n{args}")
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [N]) for n in "abcd" + outputs]
    graph = helper.make_graph(nodes, "g", values[:4], values[4:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), folder / "model.onnx"
    )
    return folder


def pair(folder: Path, body: str, nodes: list[onnx.NodeProto], toml: str = "") -> Pair:
    return prove(written(folder, body, nodes, toml))


def node(op: str, out: str, *inputs: str) -> onnx.NodeProto:
    return helper.make_node(op, list(inputs), [out])


MULTIPLY_ADD = [node("Mul", "p", "a", "b"), node("Add", "y", "p", "c")]
SUBTRACT = [node("Mul", "p", "a", "b"), node("Sub", "y", "p", "c")]
FROM = [node("Mul", "p", "a", "b"), node("Sub", "y", "c", "p")]
TWO = [node("Mul", "p", "a", "b"), node("Mul", "q", "c", "d"), node("Add", "y", "p", "q")]
TWO_LESS = [node("Mul", "p", "a", "b"), node("Mul", "q", "c", "d"), node("Sub", "y", "p", "q")]
THREE = [node("Mul", "p", "a", "b"), node("Add", "s", "p", "c"), node("Add", "y", "s", "d")]


@pytest.mark.parametrize(
    ("body", "nodes", "count"),
    [
        ("y[i] = a[i] * b[i] + c[i];", MULTIPLY_ADD, 1),
        ("y[i] = c[i] + a[i] * b[i];", MULTIPLY_ADD, 1),
        ("float p = a[i] * b[i]; y[i] = p + c[i];", MULTIPLY_ADD, 1),
        ("float p = a[i] * b[i]; float e = p + c[i]; y[i] = p == 0.f ? e : e;", MULTIPLY_ADD, 0),  # p is read twice
        ("y[i] = __fadd_rn(a[i] * b[i], c[i]);", MULTIPLY_ADD, 0),
        ("y[i] = (float)((double)(a[i] * b[i]) + (double)c[i]);", MULTIPLY_ADD, 0),
        ("y[i] = (float)((double)c[i] + (double)a[i]) * b[i];", [node("Add", "s", "a", "c"), node("Mul", "y", "s", "b")], 0),
        ("y[i] = a[i] * b[i] - c[i];", SUBTRACT, 1),
        ("y[i] = c[i] - a[i] * b[i];", FROM, 1),
        ("y[i] = a[i] * b[i] + c[i] * d[i];", TWO, 1),
        ("y[i] = c[i] * d[i] + a[i] * b[i];", TWO, 1),
        ("y[i] = a[i] * b[i] - c[i] * d[i];", TWO_LESS, 1),
        ("y[i] = d[i] + (c[i] + a[i] * b[i]);", THREE, 1),
        ("float s = c[i] + d[i]; y[i] = s + a[i] * b[i];", THREE, 1),
        ("y[i] = __fmaf_rn(a[i], b[i], c[i]) + d[i];", THREE, 1),
    ],
)  # fmt: skip
def test_what_the_interpreter_fuses_the_certificate_says(
    body: str, nodes: list[onnx.NodeProto], count: int, tmp_path: Path
) -> None:
    p = pair(tmp_path, body, nodes)
    assert p.data["without_orders"] == ""
    assert str(p.data["orders"]).count("'fma'") == count
    assert p.different({}, Normal(0)) == p.different({}, Normal(1)) == 0
    if count:
        assert p.different({}, Normal(0), orders=False) > 0
        assert p.data["relation"] == Relation.REASSOC.value


def test_nothing_is_fused_with_fmad_off(tmp_path: Path) -> None:
    p = pair(tmp_path, "y[i] = a[i] * b[i] + c[i];", MULTIPLY_ADD, "fmad = false\n")
    assert p.data["orders"] == []
    assert p.data["relation"] == Relation.BITWISE.value
    assert p.different({}, Normal(0)) == 0


# ------------------------------------------------------------------------------------------------ one tensor, two ways
USED_TWICE = [node("Mul", "z", "a", "b"), node("Add", "y", "z", "c"), node("Mul", "w", "y", "d")]
SUM_TWICE = [
    node("Mul", "z", "a", "b"),
    node("Add", "s", "z", "c"),
    node("Add", "y", "s", "d"),
    node("Identity", "w", "y"),
]
THREE_TWICE = [node("Add", "s", "a", "b"), node("Add", "y", "s", "c"), node("Mul", "w", "y", "d")]


@pytest.mark.parametrize(
    ("body", "nodes", "outputs", "toml"),
    [
        (
            "y[i] = a[i] * b[i] + c[i]; float p = a[i] * b[i]; z[i] = p; w[i] = (p + c[i]) * d[i];",
            USED_TWICE,
            "yzw",
            "",
        ),
        ("y[i] = a[i] * b[i] + c[i]; w[i] = __fadd_rn(a[i] * b[i], c[i]) * d[i];", USED_TWICE, "yw", ""),
        (
            "float p = a[i] * b[i]; y[i] = d[i] + (p + c[i]); z[i] = p; w[i] = d[i] + (a[i] * b[i] + c[i]);",
            SUM_TWICE,
            "yzw",
            "",
        ),
        ("y[i] = (a[i] + b[i]) + c[i]; w[i] = (a[i] + (b[i] + c[i])) * d[i];", THREE_TWICE, "yw", "fmad = false\n"),
    ],
)
def test_no_order_is_stated_for_a_tensor_that_is_added_in_two_ways(
    body: str, nodes: list[onnx.NodeProto], outputs: str, toml: str, tmp_path: Path
) -> None:
    folder = written(tmp_path, body, nodes, toml, outputs)
    path = folder / "certificate.json"
    result = check(CheckRequest(str(folder / "kernel.cu"), str(folder / "model.onnx"), certificate=str(path)))
    if result.verdict is Verdict.PROVED:
        data = json.loads(path.read_text())
        assert data["orders"] is None
        assert "two ways" in data["without_orders"]


def test_one_order_may_be_stated_where_two_places_add_alike(tmp_path: Path) -> None:
    body = "y[i] = a[i] * b[i] + c[i]; w[i] = (c[i] + a[i] * b[i]) * d[i];"
    p = prove(written(tmp_path, body, USED_TWICE, "fmad = false\n", "yw"))
    assert p.data["without_orders"] == ""
    assert p.different({}, Normal(0)) == 0
