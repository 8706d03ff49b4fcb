"""Running sums along short rows of float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 1000000, "COLS": 32, "BLOCK": 256},
    {"R": 4099, "COLS": 16, "BLOCK": 128},
    {"R": 21, "COLS": 8, "BLOCK": 64},
)
GROWS = {"R": 4096}


def build(COLS: int = 32) -> onnx.ModelProto:
    """x, y: f32 [R, COLS], R open."""
    element = TensorProto.FLOAT
    nodes = [helper.make_node("CumSum", ["x", "axis"], ["y"], "cumulate")]
    axis = constant("axis", TensorProto.INT64, [], [1])
    return model("scan_rows", nodes, [tensor("x", element, ["R", COLS])], [tensor("y", element, ["R", COLS])], [axis])


def draw(rng: random.Random) -> Sizes:
    """Rows of a warp, or of a part of one."""
    return {"R": about(rng, 3, 2**20), "COLS": rng.choice([8, 16, 32]), "BLOCK": about(rng, 64, 512, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "scan_rows",
        "grid": [f"ceildiv(R, {sizes['BLOCK'] // sizes['COLS']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
