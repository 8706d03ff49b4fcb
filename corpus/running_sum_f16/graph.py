"""The running sum along rows of float16, with the sum in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 100000, "COLS": 200, "BLOCK": 128},
    {"R": 777, "COLS": 33, "BLOCK": 64},
    {"R": 40, "COLS": 7, "BLOCK": 32},
)
GROWS = {"R": 4096, "COLS": 33}


def build(COLS: int = 200) -> onnx.ModelProto:
    """x, y: f16 [R, COLS], R open."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("CumSum", ["x", "axis"], ["y"], "cumulate")]
    axis = constant("axis", TensorProto.INT64, [], [1])
    return model("running_sum", nodes, [tensor("x", f16, ["R", COLS])], [tensor("y", f16, ["R", COLS])], [axis])


def draw(rng: random.Random) -> Sizes:
    """Rows that end inside a block, and any length of a row."""
    return {"R": about(rng, 3, 2**17), "COLS": about(rng, 3, 500), "BLOCK": about(rng, 32, 256, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "running_sum",
        "grid": [f"ceildiv(R, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
