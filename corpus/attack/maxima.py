"""Graphs of the attack kernels about maxima and what they start from, conversions to integers, and booleans in memory."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from authoring import constant, model, tensor
from graphs import graph_of
from onnx import TensorProto, helper

F32, I8, I32, I64, BOOL = (
    TensorProto.FLOAT,
    TensorProto.INT8,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.BOOL,
)
ROWS, COLS = 4, 8
LAST = constant("last", I64, [1], [-1])


def difference() -> onnx.ModelProto:
    """y = x - max(x) along rows."""
    nodes = [helper.make_node("ReduceMax", ["x", "last"], ["m"]), helper.make_node("Sub", ["x", "m"], ["y"])]
    return model("difference", nodes, [tensor("x", F32, [ROWS, COLS])], [tensor("y", F32, [ROWS, COLS])], [LAST])


def difference_of_another() -> onnx.ModelProto:
    """y = z - max(x) along rows."""
    nodes = [helper.make_node("ReduceMax", ["x", "last"], ["m"]), helper.make_node("Sub", ["z", "m"], ["y"])]
    ins = [tensor("x", F32, [ROWS, COLS]), tensor("z", F32, [ROWS, COLS])]
    return model("difference", nodes, ins, [tensor("y", F32, [ROWS, COLS])], [LAST])


def exponential_of_difference() -> onnx.ModelProto:
    """y = exp(x - max(x)) along rows."""
    nodes = [
        helper.make_node("ReduceMax", ["x", "last"], ["m"]),
        helper.make_node("Sub", ["x", "m"], ["d"]),
        helper.make_node("Exp", ["d"], ["y"]),
    ]
    return model("exponential", nodes, [tensor("x", F32, [ROWS, COLS])], [tensor("y", F32, [ROWS, COLS])], [LAST])


def quantised() -> onnx.ModelProto:
    """y: x to int8 by steps of 1/8."""
    node = helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])
    known = [constant("scale", F32, [], [0.125]), constant("zero", I8, [], [0])]
    return model("quantised", [node], [tensor("x", F32, [64])], [tensor("y", I8, [64])], known)


def to_integer() -> onnx.ModelProto:
    node = helper.make_node("Cast", ["x"], ["y"], to=I32)
    return model("to_integer", [node], [tensor("x", F32, [64])], [tensor("y", I32, [64])])


def positive() -> onnx.ModelProto:
    """y = x > 0."""
    node = helper.make_node("Greater", ["x", "zero"], ["y"])
    return model(
        "positive", [node], [tensor("x", F32, [64])], [tensor("y", BOOL, [64])], [constant("zero", F32, [], [0.0])]
    )


MAXIMA: dict[str, Callable[[], onnx.ModelProto]] = {
    "boolean_of_all_bits": positive,
    "conversion_beside_its_range": quantised,
    "conversion_decides_branch": to_integer,
    "maximum_by_comparison_and_its_zero": difference,
    "maximum_by_comparison_from_first": exponential_of_difference,
    "maximum_by_comparison_of_nan": exponential_of_difference,
    "maximum_of_fused_products": graph_of(
        [("Abs", "z", "a"), ("Mul", "xw", "p"), ("Add", "ap", "v"), ("ReduceMax", ["v", "axis"], "y")],
        {n: (F32, [32]) for n in "zxw"},
        {"y": (F32, [1])},
        {"axis": (I64, [1], [0])},
    ),
    "maximum_of_fused_sums": graph_of(
        [("MatMul", "xw", "v"), ("ReduceMax", ["v", "axis"], "y")],
        {"x": (F32, [32, 8]), "w": (F32, [8])},
        {"y": (F32, [1])},
        {"axis": (I64, [1], [0])},
    ),
    "maximum_of_others": difference_of_another,
    "maximum_of_rest_of_row": difference,
    "product_times_sum_from_nan": graph_of(
        [
            ("Sub", ["c", "nan"], "i"),
            ("ReduceSum", ["x", "axis"], "r"),
            ("Add", "ir", "s"),
            ("Max", ["s", "one"], "f"),
            ("Mul", "ab", "p"),
            ("Mul", "pf", "m"),
            ("Add", "mc", "y"),
        ],
        {"x": (F32, [32, 4]), **{n: (F32, [32]) for n in "abc"}},
        {"y": (F32, [32])},
        {"nan": (F32, [], [float("nan")]), "one": (F32, [], [1.0]), "axis": (I64, [1], [1])},
        r={"keepdims": 0},
    ),
    "return_from_inner_loop": to_integer,
}
