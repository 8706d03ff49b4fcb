"""Distances of rows: y = the sum of |a - b| over the last axis, in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"ROWS": 8192, "K": 2048, "BLOCK": 256},
    {"ROWS": 1001, "K": 768, "BLOCK": 128},
    {"ROWS": 19, "K": 256, "BLOCK": 64},
)
GROWS = {"ROWS": 1024, "K": 256}


def build(K: int = 2048) -> onnx.ModelProto:
    """a, b: [ROWS, K], ROWS open; y: [ROWS]."""
    f32 = TensorProto.FLOAT
    nodes = [
        helper.make_node("Sub", ["a", "b"], ["difference"], "sub"),
        helper.make_node("Abs", ["difference"], ["size"], "abs"),
        helper.make_node("ReduceSum", ["size", "axis"], ["y"], "sum", keepdims=0),
    ]
    inputs = [tensor(n, f32, ["ROWS", K]) for n in "ab"]
    return model(
        "l1_distance", nodes, inputs, [tensor("y", f32, ["ROWS"])], [constant("axis", TensorProto.INT64, [1], [1])]
    )


def draw(rng: random.Random) -> Sizes:
    """K: four floats for each lane of a warp. BLOCK: whole warps."""
    return {"ROWS": about(rng, 3, 20000), "K": about(rng, 128, 20000, 128), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    if case.startswith("class_of_words"):
        return {
            "kernel": "distance<float>",
            "grid": ["ROWS"],
            "block": [sizes["BLOCK"]],
            "shared": sizes["BLOCK"] // 32 * 4,
            "symbols": {"ROWS": {"min": 1, "max": sizes["ROWS"]}},
            **defines(sizes, SIZES[0], ["K"]),
            "args": {"a": "a", "b": "b", "y": "y"},
        }
    return {
        "kernel": "distance",
        "grid": [f"ceildiv(ROWS, {sizes['BLOCK'] // 32})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["K"]),
        "args": {"a": "a", "b": "b", "y": "y", "rows": {"symbol": "ROWS", "min": 1, "max": sizes["ROWS"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """With one row a block there is no warp without a row; with one warp a block nobody else waits for its sum."""
    if case.endswith("__read_at_once"):
        return sizes["BLOCK"] > 32
    return not case.endswith("__rows_past_end") or sizes["BLOCK"] > 32


if __name__ == "__main__":
    main(build)
