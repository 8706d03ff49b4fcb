"""The softmax of masked scores in float16: where a key is not kept, its score is the lowest number."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 100000, "COLS": 1500, "ROWS_PER_BLOCK": 4},
    {"R": 777, "COLS": 333, "ROWS_PER_BLOCK": 2},
    {"R": 6, "COLS": 70, "ROWS_PER_BLOCK": 1},
)
GROWS = {"R": 4096, "COLS": 300}


def build(COLS: int = 1500) -> onnx.ModelProto:
    """x, y: f16 [R, COLS], R open; keep: bool [R, COLS]."""
    f16 = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Where", ["keep", "x", "lowest"], ["kept"], "mask"),
        helper.make_node("Softmax", ["kept"], ["y"], "softmax", axis=-1),
    ]
    inputs = [tensor("x", f16, ["R", COLS]), tensor("keep", TensorProto.BOOL, ["R", COLS])]
    lowest = constant("lowest", f16, [], [-65504.0])
    return model("masked_softmax", nodes, inputs, [tensor("y", f16, ["R", COLS])], [lowest])


def draw(rng: random.Random) -> Sizes:
    """Rows of any length, one warp each."""
    return {"R": about(rng, 3, 2**17), "COLS": about(rng, 40, 5000), "ROWS_PER_BLOCK": about(rng, 1, 16)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "masked_softmax",
        "grid": [f"ceildiv(R, {sizes['ROWS_PER_BLOCK']})"],
        "block": [32 * sizes["ROWS_PER_BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "ROWS_PER_BLOCK"]),
        "args": {"x": "x", "keep": "keep", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
