"""Sums of rows that are shorter than a warp is wide, in float32; a block of threads is a block of rows."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 1000000, "COLS": 48, "ROWS": 16},
    {"R": 4097, "COLS": 96, "ROWS": 8},
    {"R": 5, "COLS": 16, "ROWS": 4},
)
GROWS = {"R": 4096, "COLS": 16}


def build(COLS: int = 48) -> onnx.ModelProto:
    """x: f32 [R, COLS], R open; y: f32 [R]."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], "sum", keepdims=0)]
    axes = constant("axes", TensorProto.INT64, [1], [-1])
    return model("short_row_sum", nodes, [tensor("x", f32, ["R", COLS])], [tensor("y", f32, ["R"])], [axes])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take: 16 threads a row, an even number of rows a block."""
    return {"R": about(rng, 2, 1000000), "COLS": about(rng, 16, 320, 16), "ROWS": about(rng, 2, 64, 2)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "row_sum",
        "grid": [f"ceildiv(R, {sizes['ROWS']})"],
        "block": [16, sizes["ROWS"]],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
