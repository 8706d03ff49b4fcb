"""The end of an int8 matrix product: int32 sums scaled by row and by column, rounded to bfloat16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"R": 8192, "COLS": 4000, "BX": 64, "BY": 4},
    {"R": 1000, "COLS": 1406, "BX": 16, "BY": 16},
    {"R": 5, "COLS": 42, "BX": 32, "BY": 2},
)
MOST = 127 * 127 * 4096  # of a product over 4096 terms

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 512, "COLS": 250}


def build(COLS: int = 4000) -> onnx.ModelProto:
    """sums: i32 [R, COLS], row_scale: f32 [R, 1], col_scale: f32 [1, COLS], y: bf16 [R, COLS]; R open."""
    f32, kind = TensorProto.FLOAT, TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Cast", ["sums"], ["sums32"], "to_float", to=f32),
        helper.make_node("Mul", ["row_scale", "col_scale"], ["scale"], "outer"),
        helper.make_node("Mul", ["sums32", "scale"], ["scaled"], "scale"),
        helper.make_node("Cast", ["scaled"], ["y"], "narrow", to=kind),
    ]
    inputs = [tensor("sums", TensorProto.INT32, ["R", COLS]), tensor("row_scale", f32, ["R", 1])]
    return model("dequant", nodes, inputs, [tensor("y", kind, ["R", COLS])], [weight("col_scale", f32, [1, COLS])])


def draw(rng: random.Random) -> Sizes:
    return {
        "R": about(rng, 3, 2**14),
        "COLS": about(rng, 40, 16000, 2),
        "BX": rng.choice((8, 16, 32, 64)),
        "BY": rng.choice((2, 4, 8, 16)),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    bx, by = sizes["BX"], sizes["BY"]
    return {
        "kernel": "dequant",
        "grid": [-(-sizes["COLS"] // bx), f"ceildiv(R, {by})"],
        "block": [bx, by],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {
            "sums": "sums",
            "row_scale": "row_scale",
            "col_scale": "col_scale",
            "y": "y",
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
        },
        "inputs": {"sums": {"min": -MOST, "max": MOST}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Blocks that divide a row leave no thread at its end."""
    return not case.endswith("__columns_unguarded") or sizes["COLS"] % sizes["BX"] != 0


if __name__ == "__main__":
    main(build)
