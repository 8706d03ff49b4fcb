"""Graphs of the attack kernels about zeros: the padding of tiles and windows, and the zero of a relu that is rounded."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from authoring import model, tensor
from onnx import TensorProto, helper

F32, F16 = TensorProto.FLOAT, TensorProto.FLOAT16


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


PADDINGS: dict[str, Callable[[], onnx.ModelProto]] = {
    "padding_of_one_half_factor": product_of_halves,
    "padding_without_start": two_taps,
    "relu_rounded_from_zero_on": rounded_relu,
    "relu_rounded_of_not_greater": rounded_relu,
}
