"""A residual sum and the layer normalisation after it: float16 outside, float32 inside, the variance from differences to the mean."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"R": 65536, "COLS": 1600, "BLOCK": 192},
    {"R": 1000, "COLS": 720, "BLOCK": 128},
    {"R": 5, "COLS": 130, "BLOCK": 64},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 4096}


def build(COLS: int = 1600) -> onnx.ModelProto:
    """x, r, total, y: f16 [R, COLS], R open; gamma, beta: f16 [COLS]."""
    f32, f16 = TensorProto.FLOAT, TensorProto.FLOAT16
    nodes = [
        helper.make_node("Add", ["x", "r"], ["total"], "residual"),
        helper.make_node("Cast", ["total"], ["t32"], "widen", to=f32),
        helper.make_node("ReduceMean", ["t32", "axes"], ["mean"], "mean", keepdims=1),
        helper.make_node("Sub", ["t32", "mean"], ["off"], "centre"),
        helper.make_node("Mul", ["off", "off"], ["square"], "square"),
        helper.make_node("ReduceMean", ["square", "axes"], ["variance"], "variance", keepdims=1),
        helper.make_node("Add", ["variance", "eps"], ["shifted"], "add_eps"),
        helper.make_node("Sqrt", ["shifted"], ["root"], "sqrt"),
        helper.make_node("Div", ["off", "root"], ["normed"], "normalize"),
        helper.make_node("Cast", ["gamma"], ["gamma32"], "widen_gamma", to=f32),
        helper.make_node("Cast", ["beta"], ["beta32"], "widen_beta", to=f32),
        helper.make_node("Mul", ["normed", "gamma32"], ["scaled"], "scale"),
        helper.make_node("Add", ["scaled", "beta32"], ["moved"], "shift"),
        helper.make_node("Cast", ["moved"], ["y"], "narrow", to=f16),
    ]
    inputs = [tensor(name, f16, ["R", COLS]) for name in "xr"]
    outputs = [tensor(name, f16, ["R", COLS]) for name in ("total", "y")]
    stored = [constant("axes", TensorProto.INT64, [1], [-1]), constant("eps", f32, [], [1e-5])]
    return model("add_layer_norm", nodes, inputs, outputs, [weight(n, f16, [COLS]) for n in ("gamma", "beta")] + stored)


def draw(rng: random.Random) -> Sizes:
    """BLOCK: whole warps."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 130, 8000, 2), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "add_layer_norm",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {
            "x": "x",
            "r": "r",
            "gamma": "gamma",
            "beta": "beta",
            "total": "total",
            "y": "y",
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
        },
    }


if __name__ == "__main__":
    main(build)
