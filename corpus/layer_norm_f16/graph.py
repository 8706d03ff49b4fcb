"""Layer normalisation as exporters write it out: float16 outside, float32 inside, two passes."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"R": 100000, "COLS": 1100, "ROWS_PER_BLOCK": 4},
    {"R": 777, "COLS": 300, "ROWS_PER_BLOCK": 2},
    {"R": 6, "COLS": 70, "ROWS_PER_BLOCK": 1},
)
GROWS = {"R": 4096, "COLS": 300}


def build(COLS: int = 1100) -> onnx.ModelProto:
    """x, y: f16 [R, COLS], R open; weight, bias: f16 [COLS]."""
    f16, f32 = TensorProto.FLOAT16, TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["x"], ["x32"], "widen", to=f32),
        helper.make_node("ReduceMean", ["x32", "last"], ["mean"], "mean", keepdims=1),
        helper.make_node("Sub", ["x32", "mean"], ["centred"], "centre"),
        helper.make_node("Mul", ["centred", "centred"], ["squares"], "square"),
        helper.make_node("ReduceMean", ["squares", "last"], ["variance"], "variance", keepdims=1),
        helper.make_node("Add", ["variance", "epsilon"], ["shifted"], "shift"),
        helper.make_node("Sqrt", ["shifted"], ["deviation"], "root"),
        helper.make_node("Div", ["centred", "deviation"], ["normal32"], "divide"),
        helper.make_node("Cast", ["normal32"], ["normal"], "narrow", to=f16),
        helper.make_node("Mul", ["normal", "weight"], ["scaled"], "scale"),
        helper.make_node("Add", ["scaled", "bias"], ["y"], "offset"),
    ]
    constants = [constant("last", TensorProto.INT64, [1], [-1]), constant("epsilon", f32, [], [1e-5])]
    weights = [weight("weight", f16, [COLS]), weight("bias", f16, [COLS])]
    inputs = [tensor("x", f16, ["R", COLS])]
    return model("layer_norm", nodes, inputs, [tensor("y", f16, ["R", COLS])], [*constants, *weights])


def draw(rng: random.Random) -> Sizes:
    """Rows of any length that is no power of two, one warp each."""
    return {"R": about(rng, 3, 2**17), "COLS": 2 * about(rng, 20, 2500) + 3, "ROWS_PER_BLOCK": about(rng, 1, 16)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "layer_norm",
        "grid": [f"ceildiv(R, {sizes['ROWS_PER_BLOCK']})"],
        "block": [32 * sizes["ROWS_PER_BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "ROWS_PER_BLOCK"]),
        "args": {
            "x": "x",
            "weight": "weight",
            "bias": "bias",
            "y": "y",
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
        },
    }


if __name__ == "__main__":
    main(build)
