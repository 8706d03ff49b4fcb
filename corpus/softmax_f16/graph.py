"""Softmax over float16 rows, inside float32, rounded once."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"R": 65536, "COLS": 1000, "BLOCK": 128},
    {"R": 1000, "COLS": 720, "BLOCK": 64},
    {"R": 5, "COLS": 130, "BLOCK": 64},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 4096}


def build(COLS: int = 1000) -> onnx.ModelProto:
    """x, y: f16 [R, COLS], R open."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("Softmax", ["x"], ["y"], "softmax", axis=-1)]
    return model("softmax", nodes, [tensor("x", f16, ["R", COLS])], [tensor("y", f16, ["R", COLS])])


def draw(rng: random.Random) -> Sizes:
    """COLS: at most 32 a lane. BLOCK: whole warps."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 130, 1024, 2), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "softmax",
        "grid": ["R" if case.startswith("block") else f"ceildiv(R, {sizes['BLOCK'] // 32})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Rows of whole warps leave no lane over; one warp needs no barrier; short rows leave the last warp nothing to sum."""
    if "last_warp" in case:
        return sizes["COLS"] > sizes["BLOCK"] - 32
    return (sizes["COLS"] % 32 != 0 or "past_row" not in case) and (sizes["COLS"] > 32 or "first_warp" not in case)


if __name__ == "__main__":
    main(build)
