"""The Euclidean length of short rows of half precision, as the normalization of queries and keys needs it."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 262144, "D": 128, "BLOCK": 256},
    {"R": 5000, "D": 256, "BLOCK": 128},
    {"R": 9, "D": 64, "BLOCK": 64},
)
GROWS = {"R": 4096, "D": 32}


def build(D: int = 128) -> onnx.ModelProto:
    """x: f16 [R, D], R open; y: f16 [R]: the squares are summed in float."""
    f16, f32 = TensorProto.FLOAT16, TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["x"], ["wide"], "widen", to=f32),
        helper.make_node("Mul", ["wide", "wide"], ["squares"], "square"),
        helper.make_node("ReduceSum", ["squares", "axes"], ["sum"], "sum", keepdims=0),
        helper.make_node("Sqrt", ["sum"], ["length"], "root"),
        helper.make_node("Cast", ["length"], ["y"], "narrow", to=f16),
    ]
    axes = constant("axes", TensorProto.INT64, [1], [-1])
    return model("row_norm", nodes, [tensor("x", f16, ["R", D])], [tensor("y", f16, ["R"])], [axes])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take: sixteen threads a row, two elements each at a time."""
    return {"R": about(rng, 2, 262144), "D": about(rng, 32, 512, 32), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "row_norm",
        "grid": [f"ceildiv(R, {sizes['BLOCK'] // 16})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["D"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
