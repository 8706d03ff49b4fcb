"""Rows of bfloat16 divided by their Euclidean length, inside float32, rounded once; eps keeps zero rows finite."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 100000, "COLS": 768, "BLOCK": 128},
    {"R": 1000, "COLS": 200, "BLOCK": 64},
    {"R": 5, "COLS": 72, "BLOCK": 64},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 4096, "COLS": 248}


def build(COLS: int = 768) -> onnx.ModelProto:
    """x, y: bf16 [R, COLS], R open."""
    f32, kind = TensorProto.FLOAT, TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Cast", ["x"], ["x32"], "widen", to=f32),
        helper.make_node("ReduceL2", ["x32", "axes"], ["length"], "length", keepdims=1),
        helper.make_node("Max", ["length", "eps"], ["divisor"], "floor"),
        helper.make_node("Div", ["x32", "divisor"], ["scaled"], "divide"),
        helper.make_node("Cast", ["scaled"], ["y"], "narrow", to=kind),
    ]
    stored = [constant("axes", TensorProto.INT64, [1], [-1]), constant("eps", f32, [], [1e-12])]
    return model("l2_normalize", nodes, [tensor("x", kind, ["R", COLS])], [tensor("y", kind, ["R", COLS])], stored)


def draw(rng: random.Random) -> Sizes:
    """COLS: whole 16-byte loads. BLOCK: whole warps."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 72, 4096, 8), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "l2_normalize",
        "grid": [f"ceildiv(R, {sizes['BLOCK'] // 32})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
