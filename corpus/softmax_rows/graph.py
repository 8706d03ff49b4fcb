"""The softmax of short rows, in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"R": 100000, "COLS": 96, "BLOCK": 128},
    {"R": 777, "COLS": 33, "BLOCK": 64},
    {"R": 40, "COLS": 5, "BLOCK": 32},
)
GROWS = {"R": 4096, "COLS": 33}


def build(COLS: int = 96) -> onnx.ModelProto:
    """x, y: f32 [R, COLS], R open."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("Softmax", ["x"], ["y"], "softmax", axis=-1)]
    return model("softmax_rows", nodes, [tensor("x", f32, ["R", COLS])], [tensor("y", f32, ["R", COLS])])


def draw(rng: random.Random) -> Sizes:
    """Rows that end inside a block, and any length of a row."""
    return {"R": about(rng, 3, 2**17), "COLS": about(rng, 3, 500), "BLOCK": about(rng, 32, 256, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "softmax_rows",
        "grid": [f"ceildiv(R, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
