"""Graphs of the attack kernels about zeros: the padding of tiles and windows, the zero of a relu that is rounded, the sum of no terms."""

from __future__ import annotations

import onnx
from authoring import model, tensor
from graphs import F16, F32, I64, Graph, graph_of
from onnx import helper


def product_of_halves() -> onnx.ModelProto:
    """y = a b on f16, all sizes open."""
    ins = [tensor("a", F16, ["M", "K"]), tensor("b", F16, ["K", "N"])]
    return model("product", [helper.make_node("MatMul", ["a", "b"], ["y"])], ins, [tensor("y", F16, ["M", "N"])])


def two_taps() -> onnx.ModelProto:
    """y[t] = w[0] x[t - 1] + w[1] x[t], x padded with one zero in front."""
    conv = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 0], kernel_shape=[2])
    ins = [tensor("x", F32, [1, 1, 64]), tensor("w", F32, [1, 1, 2])]
    return model("two_taps", [conv], ins, [tensor("y", F32, [1, 1, 64])])


def rounded_relu() -> onnx.ModelProto:
    """y = Relu of x rounded to f16."""
    nodes = [helper.make_node("Cast", ["x"], ["h"], to=F16), helper.make_node("Relu", ["h"], ["y"])]
    return model("rounded_relu", nodes, [tensor("x", F32, [64])], [tensor("y", F16, [64])])


ROWS = (F32, [64, "S"])
VECTOR = (F32, [64])
ALONG = {"axis": (I64, [1], [1])}

PADDINGS: dict[str, Graph] = {
    "padding_of_one_half_factor": product_of_halves,
    "padding_without_start": two_taps,
    "relu_rounded_from_zero_on": rounded_relu,
    "relu_rounded_of_not_greater": rounded_relu,
    "sum_before_first_element_left_out": graph_of(
        [("CumSum", ["x", "axis"], "s"), ("Add", "sb", "u"), ("Add", "uc", "y")],
        dict.fromkeys("xbc", VECTOR),
        {"y": VECTOR},
        {"axis": (I64, [], [0])},
        s={"exclusive": 1},
    ),
    "sum_of_no_terms_beside_another": graph_of(
        [("ReduceSum", ["x", "axis"], "s"), ("ReduceSum", ["b", "axis"], "u"), ("Add", "su", "y")],
        {"x": ROWS, "b": (F32, [64, 4])},
        {"y": VECTOR},
        ALONG,
        s={"keepdims": 0},
        u={"keepdims": 0},
    ),
    "sum_of_no_terms_left_out": graph_of(
        [("ReduceSum", ["x", "axis"], "s"), ("Add", "sb", "u"), ("Add", "uc", "y")],
        {"x": ROWS, "b": VECTOR, "c": VECTOR},
        {"y": VECTOR},
        ALONG,
        s={"keepdims": 0},
    ),
}
