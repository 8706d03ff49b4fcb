"""The place of the greatest element of every row of float32; of equal ones the first."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"R": 4096, "COLS": 1000, "BLOCK": 128},
    {"R": 777, "COLS": 33, "BLOCK": 64},
    {"R": 40, "COLS": 7, "BLOCK": 32},
)
GROWS = {"R": 512, "COLS": 512}


def build(COLS: int = 1000) -> onnx.ModelProto:
    """x: f32 [R, COLS], R open; place: i64 [R]."""
    nodes = [helper.make_node("ArgMax", ["x"], ["place"], "first_of_greatest", axis=1, keepdims=0)]
    x = tensor("x", TensorProto.FLOAT, ["R", COLS])
    return model("argmax_rows", nodes, [x], [tensor("place", TensorProto.INT64, ["R"])])


def draw(rng: random.Random) -> Sizes:
    """Rows that end inside a block, and any length of a row."""
    return {"R": about(rng, 3, 4096), "COLS": about(rng, 3, 500), "BLOCK": about(rng, 32, 256, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "argmax_rows",
        "grid": [f"ceildiv(R, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "place": "place", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
