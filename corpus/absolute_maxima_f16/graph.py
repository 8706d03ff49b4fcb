"""The largest magnitude of each row of a float16 matrix, as a quantisation scales by it."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"COLS": 4096, "BLOCK": 256, "most_rows": 16384},
    {"COLS": 11008, "BLOCK": 512, "most_rows": 700},
    {"COLS": 100, "BLOCK": 64, "most_rows": 50},
)
GROWS = {"COLS": 512}


def build(COLS: int = 4096) -> onnx.ModelProto:
    """x: f16 [R, COLS]; y: f32 [R], R open."""
    nodes = [
        helper.make_node("Cast", ["x"], ["wide"], "widen", to=TensorProto.FLOAT),
        helper.make_node("Abs", ["wide"], ["magnitudes"], "magnitude"),
        helper.make_node("ReduceMax", ["magnitudes", "axes"], ["y"], "largest", keepdims=0),
    ]
    inputs, outputs = [tensor("x", TensorProto.FLOAT16, ["R", COLS])], [tensor("y", TensorProto.FLOAT, ["R"])]
    return model("absolute_maxima", nodes, inputs, outputs, [constant("axes", TensorProto.INT64, [1], [1])])


def draw(rng: random.Random) -> Sizes:
    """COLS: more than one block takes at once."""
    block = 1 << rng.randint(6, 9)
    return {"COLS": about(rng, block + 1, 20000), "BLOCK": block, "most_rows": about(rng, 3, 20000)}


def spec(case: str, sizes: Sizes) -> Spec:
    warps = sizes["BLOCK"] // 32
    return {
        "kernel": "absolute_maxima",
        "grid": [f"ceildiv(R, {warps})"] if case.startswith("warp_row") else ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["most_rows"]}},
        "inputs": {"x": {"finite": True}},
    }


if __name__ == "__main__":
    main(build)
