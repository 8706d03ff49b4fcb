"""The sums of a float16 matrix's columns, as a bias gradient: in float32, rounded once. The number of rows is open."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 16384, "COLS": 3000, "BY": 16},
    {"R": 1000, "COLS": 500, "BY": 8},
    {"R": 70, "COLS": 77, "BY": 4},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 1024, "COLS": 400}


def build(COLS: int = 3000) -> onnx.ModelProto:
    """x: f16 [R, COLS], y: f16 [COLS], R open."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], "sum", keepdims=0)]
    axes = constant("axes", TensorProto.INT64, [1], [0])
    return model("column_sums", nodes, [tensor("x", f16, ["R", COLS])], [tensor("y", f16, [COLS])], [axes])


def draw(rng: random.Random) -> Sizes:
    """BY: the tree halves it."""
    return {"R": about(rng, 40, 2**15), "COLS": about(rng, 70, 8192), "BY": rng.choice((4, 8, 16, 32))}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "column_sums",
        "grid": [-(-sizes["COLS"] // 32)],
        "block": [32, sizes["BY"]],
        **defines(sizes, SIZES[0], ["COLS", "BY"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Blocks that divide a row leave no thread at its end."""
    return not case.endswith("__columns_unguarded") or sizes["COLS"] % 32 != 0


if __name__ == "__main__":
    main(build)
