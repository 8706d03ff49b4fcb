"""The sum of every row, in float32; the kernels also count the rows that are done, for whoever watches the launch."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 4096, "COLS": 5000, "BLOCK": 256},
    {"R": 1000, "COLS": 2048, "BLOCK": 512},
    {"R": 4, "COLS": 300, "BLOCK": 64},
)
GROWS = {"R": 256, "COLS": 500}


def build(COLS: int = 5000) -> onnx.ModelProto:
    """x: f32 [R, COLS], R open; y: f32 [R]."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], "sum", keepdims=0)]
    axes = constant("axes", TensorProto.INT64, [1], [-1])
    return model("row_sum_counted", nodes, [tensor("x", f32, ["R", COLS])], [tensor("y", f32, ["R"])], [axes])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take."""
    block = 1 << rng.randint(6, 10)
    return {"R": about(rng, 2, 65536), "COLS": about(rng, 70, 20000), "BLOCK": block}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "row_sum",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {
            "x": "x",
            "y": "y",
            "done": {"extent": 2, "zeroed": True},
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
        },
    }


if __name__ == "__main__":
    main(build)
