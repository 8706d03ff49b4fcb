"""Every third of a row's columns from the fifth on, on float16: a slice with a step."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 4096, "COLS": 6000, "BLOCK": 256},
    {"R": 1003, "COLS": 130, "BLOCK": 64},
    {"R": 37, "COLS": 40, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 256, "COLS": 400}


def kept(COLS: int) -> int:
    """How many of the columns 4, 7, 10, ... there are."""
    return -(-(COLS - 4) // 3)


def build(COLS: int = 6000) -> onnx.ModelProto:
    """x: f16 [R, COLS], y: f16 [R, kept(COLS)], R open."""
    f16, i64 = TensorProto.FLOAT16, TensorProto.INT64
    nodes = [helper.make_node("Slice", ["x", "start", "end", "axis", "step"], ["y"], "slice")]
    places = {"start": 4, "end": COLS, "axis": 1, "step": 3}
    stored = [constant(name, i64, [1], [v]) for name, v in places.items()]
    return model("slice_steps", nodes, [tensor("x", f16, ["R", COLS])], [tensor("y", f16, ["R", kept(COLS)])], stored)


def draw(rng: random.Random) -> Sizes:
    """BLOCK: whole warps."""
    return {"R": about(rng, 3, 2**14), "COLS": about(rng, 40, 8000), "BLOCK": about(rng, 32, 512, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "slice_steps",
        "grid": [-(-kept(sizes["COLS"]) // sizes["BLOCK"]), "R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Blocks that divide a row leave no thread over; a last step that ends at the row's end leaves none short."""
    if case.endswith("__kept_rounded_down"):
        return (sizes["COLS"] - 4) % 3 != 0
    return not case.endswith("__row_unguarded") or kept(sizes["COLS"]) % sizes["BLOCK"] != 0


if __name__ == "__main__":
    main(build)
