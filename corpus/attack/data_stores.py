"""Graphs of the attack kernels about stores that depend on data, and about maxima by comparison."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from authoring import constant, model, tensor
from onnx import TensorProto, helper

F32, I8, I64 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.INT64
LAST = constant("last", I64, [1], [-1])


def largest(element: int = F32, rows: int = 4, cols: int = 8) -> onnx.ModelProto:
    """y = max(x) along rows."""
    nodes = [helper.make_node("ReduceMax", ["x", "last"], ["y"], keepdims=0)]
    return model("largest", nodes, [tensor("x", element, [rows, cols])], [tensor("y", element, [rows])], [LAST])


def largest_byte() -> onnx.ModelProto:
    return largest(I8)


def largest_magnitude(rows: int = 4, cols: int = 8) -> onnx.ModelProto:
    """y = max(|x|) along rows."""
    nodes = [helper.make_node("Abs", ["x"], ["a"]), helper.make_node("ReduceMax", ["a", "last"], ["y"], keepdims=0)]
    return model("largest", nodes, [tensor("x", F32, [rows, cols])], [tensor("y", F32, [rows])], [LAST])


def largest_of_warp() -> onnx.ModelProto:
    return largest_magnitude(1, 32)


def relu() -> onnx.ModelProto:
    node = helper.make_node("Relu", ["x"], ["y"])
    return model("relu", [node], [tensor("x", F32, [64])], [tensor("y", F32, [64])])


def scattered(rows: int = 1) -> onnx.ModelProto:
    """cache: [8, 4], with rows replaced at places that are data."""
    node = helper.make_node("ScatterND", ["cache", "to", "fresh"], ["y"])
    ins = [tensor("cache", F32, [8, 4]), tensor("to", I64, [rows, 1]), tensor("fresh", F32, [rows, 4])]
    return model("scattered", [node], ins, [tensor("y", F32, [8, 4])])


def eight_scattered() -> onnx.ModelProto:
    return scattered(8)


def two_rows() -> onnx.ModelProto:
    """Rows of a table by an index that counts from the end where it is negative."""
    node = helper.make_node("Gather", ["table", "ids"], ["y"], axis=0)
    return model(
        "two_rows", [node], [tensor("table", F32, [8, 4]), tensor("ids", I64, [2])], [tensor("y", F32, [2, 4])]
    )


DATA_STORES: dict[str, Callable[[], onnx.ModelProto]] = {
    "index_wrapped_by_another": two_rows,
    "maximum_by_comparison_of_zeros": largest,
    "maximum_kept_beside_nan": largest_magnitude,
    "maximum_of_bytes_as_unsigned": largest_byte,
    "maximum_of_magnitudes_from_above": largest_magnitude,
    "maximum_of_magnitudes_of_nan": largest_magnitude,
    "maximum_of_tree_from_first": largest_of_warp,
    "position_beside_its_range": scattered,
    "position_in_a_new_cache": scattered,
    "position_of_equal_rows": eight_scattered,
    "store_in_both_arms_of_others": relu,
    "store_in_both_arms_of_two_conditions": relu,
    "store_perhaps_left_out": relu,
    "store_perhaps_of_neighbour": relu,
    "store_perhaps_read_unordered": relu,
}
