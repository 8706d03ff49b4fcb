"""Many tensors in one buffer, each in a layout of its own: their places, and that none lies on another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tv.check import check
from tv.diagnostic import BadInput, TvError
from tv.examine import read_inputs
from tv.launch import BufferBinding, TensorImage
from tv.request import CheckRequest
from tv.verdict import Verdict

KERNEL = """__global__ void k(const float* w, float* c, int n)
{
    const int i = threadIdx.x;
    for (int l = 0; l < 2; ++l)
        c[l * 64 + n] = c[l * 64] + w[l * 32 + i * 4 + 1];
}
"""
MODEL_INPUTS = {"A0": [4, 8], "A1": [4, 8], "p0": ["s"], "p1": ["s"]}


def resolved(tmp_path: Path, w: str, c: str) -> dict[str, BufferBinding]:
    """The bindings of two buffers: weights [4, 8] of two layers, and two vectors of an open length that a cell is appended to."""
    (tmp_path / "k.cu").write_text(KERNEL)
    spec = f"grid = [1]\nblock = [1]\n[args]\nw = {w}\nc = {c}\n" + 'n = { symbol = "s", min = 0, max = 63 }\n'
    (tmp_path / "k.toml").write_text(spec)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in MODEL_INPUTS.items()]
    out = [helper.make_tensor_value_info(f"n{k}", TensorProto.FLOAT, ["s + 1"]) for k in (0, 1)]
    nodes = []
    for k in (0, 1):
        nodes.append(helper.make_node("Slice", [f"A{k}", "zero", "one", "axes"], [f"cell{k}"]))
        nodes.append(helper.make_node("Reshape", [f"cell{k}", "flat"], [f"row{k}"]))
        nodes.append(helper.make_node("Concat", [f"p{k}", f"row{k}"], [f"n{k}"], axis=0))
    known = {"zero": [0, 0], "one": [1, 1], "axes": [0, 1], "flat": [1]}
    held = [helper.make_tensor(n, TensorProto.INT64, [len(v)], v) for n, v in known.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "g", ends, out, held), opset_imports=[helper.make_opsetid("", 18)]
    )
    onnx.save(model, tmp_path / "m.onnx")
    found = read_inputs(CheckRequest(str(tmp_path / "k.cu"), str(tmp_path / "m.onnx")), lambda _: None)[0]
    bound = found.spec.launches[0].args
    return {n: b for n, b in bound.items() if isinstance(b, BufferBinding)}


W = '{ parts = [{ tensors = ["A0", "A1"], layout = "[k, n] -> [n * 4 + k]", stride = 32 }] }'
C = '{ parts = [{ inputs = ["p0", "p1"], outputs = ["n0", "n1"], layout = "[i] -> [i]", stride = 64 }], extent = 128 }'


def test_places(tmp_path: Path) -> None:
    found = resolved(tmp_path, W, C)
    layout = "[k, n] -> [n * 4 + k]"
    assert found["w"].inputs == (TensorImage("A0", layout, 0), TensorImage("A1", layout, 32))
    assert found["w"].extent == 64
    assert found["c"].inputs == (TensorImage("p0", "[i] -> [i]", 0), TensorImage("p1", "[i] -> [i]", 64))
    assert found["c"].outputs == (TensorImage("n0", "[i] -> [i]", 0), TensorImage("n1", "[i] -> [i]", 64))
    assert found["c"].extent == 128


@pytest.mark.parametrize(
    ("w", "code", "word"),
    [
        (W.replace("stride = 32", "stride = 31"), "TV0226", "begins where `A0` still lies"),
        (W.replace(", stride = 32", ""), "TV0203", "stride"),
        (W.replace("n * 4 + k", "n * 3 + k"), "TV0226", "the layout puts"),
        (W.replace('"A1"', '"A0"').replace("stride = 32", "stride = 0"), "TV0226", "begins where"),
        (W[:-1] + ", extent = 63 }", "TV0225", "its buffer has 63"),
        (W.replace("stride = 32", "offset = -1, stride = 32"), "TV0225", "negative offset"),
        (W.replace("tensors", "tensor"), "TV0202", "tensor"),
        ("{ parts = [{ stride = 32 }] }", "TV0203", "names no tensor"),
        ("{ parts = [] }", "TV0203", "a list of tables"),
        (W.replace('["A0", "A1"]', '["A0", "A7"]'), "TV0222", "A7"),
        ('{ parts = [{ tensors = ["A0"] }, { tensors = ["A1"], offset = 16 }] }', "TV0226", "`A1` begins where `A0`"),
    ],
)  # fmt: skip
def test_what_is_refused(w: str, code: str, word: str, tmp_path: Path) -> None:
    refused(lambda: resolved(tmp_path, w, C), code, word)


@pytest.mark.parametrize(
    ("c", "code", "word"),
    [
        (C.replace("stride = 64", "stride = 32").replace("128", "200"), "TV0229", "cannot be decided"),
        (C.replace('outputs = ["n0", "n1"]', 'outputs = ["n0"]'), "TV0203", "one length"),
        (C.replace('["n0", "n1"]', '["n0", "n0"]'), "TV0226", "stands twice"),
        (C.replace("extent = 128", "extent = 127"), "TV0225", "its buffer has 127"),
        (
            '{ parts = [{ tensors = ["n0"], inputs = ["p0"] }, { tensors = ["p1"], offset = 4 }] }',
            "TV0229",
            "`p0` and `p1`",
        ),
        (
            '{ parts = [{ tensors = ["n0"], inputs = ["A0"] }, { tensors = ["A1"], offset = 30 }] }',
            "TV0226",
            "`A0` still lies",
        ),
    ],
)
def test_what_is_refused_of_open_sizes(c: str, code: str, word: str, tmp_path: Path) -> None:
    refused(lambda: resolved(tmp_path, W, c), code, word)


def refused(read: Callable[[], object], code: str, word: str) -> None:
    with pytest.raises(TvError) as e:
        read()
    assert e.value.code == code
    assert word in e.value.message
    assert isinstance(e.value, BadInput) or code == "TV0229"


SUM = """__global__ void k(const float* w, const float* x, float* y)
{
    const int n = threadIdx.x;
    float s = 0.f;
    for (int l = 0; l < 2; ++l)
        for (int k = 0; k < 4; ++k)
            s = __fadd_rn(s, __fmul_rn(w[l * 40 + AT], x[l * 4 + k]));
    y[n] = s;
}
"""


@pytest.mark.parametrize(("at", "verdict"), [("n * 4 + k", Verdict.PROVED), ("k * 8 + n", Verdict.REFUTED)])
def test_a_kernel_reads_them_where_they_lie(at: str, verdict: Verdict, tmp_path: Path) -> None:
    """Two weights of [4, 8], each transposed and 8 elements apart; y is the product of both with the halves of x."""
    (tmp_path / "k.cu").write_text(SUM.replace("AT", at))
    w = '{ parts = [{ tensors = ["W0", "W1"], layout = "[k, n] -> [n * 4 + k]", stride = 40 }] }'
    (tmp_path / "k.toml").write_text(f'grid = [1]\nblock = [8]\n[args]\nw = {w}\nx = "x"\ny = "y"\n')
    shapes = {"W0": [4, 8], "W1": [4, 8], "x": [8]}
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    nodes = [helper.make_node("Concat", ["W0", "W1"], ["W"], axis=0), helper.make_node("MatMul", ["x", "W"], ["y"])]
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [8])]
    model = helper.make_model(helper.make_graph(nodes, "g", ends, out), opset_imports=[helper.make_opsetid("", 18)])
    onnx.save(model, tmp_path / "m.onnx")
    assert check(CheckRequest(str(tmp_path / "k.cu"), str(tmp_path / "m.onnx"))).verdict is verdict
