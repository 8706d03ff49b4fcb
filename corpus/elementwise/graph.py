"""y = relu(x + b) on vectors of any length."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, main, model, tensor

SIZES = (
    {"N": 16777216, "BLOCK": 256, "GRID": 264},
    {"N": 1000003, "BLOCK": 128, "GRID": 120},
    {"N": 65536, "BLOCK": 512, "GRID": 7},
    {"N": 301, "BLOCK": 32, "GRID": 2},
)
GROWS = {"N": 1048576}


def build() -> onnx.ModelProto:
    """x, b, y: f32 [N], N open."""
    f32 = TensorProto.FLOAT
    nodes = [
        helper.make_node("Add", ["x", "b"], ["sum"], "add"),
        helper.make_node("Relu", ["sum"], ["y"], "relu"),
    ]
    inputs = [tensor("x", f32, ["N"]), tensor("b", f32, ["N"])]
    return model("bias_relu", nodes, inputs, [tensor("y", f32, ["N"])])


def draw(rng: random.Random) -> Sizes:
    """N: any. BLOCK: whole warps."""
    return {"N": about(rng, 100, 2**24), "BLOCK": about(rng, 32, 1024, 32), "GRID": about(rng, 1, 300)}


def spec(case: str, sizes: Sizes) -> Spec:
    grid_stride = case.startswith("bias_relu_grid_stride")
    return {
        "kernel": "bias_relu",
        "grid": [sizes["GRID"]] if grid_stride else [f"ceildiv(N, {4 * sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        "args": {
            "x": "x",
            "b": "b",
            "y": "y",
            "n": {"symbol": "N", "min": 1, "max": sizes["N"]},
        },
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A stride is too long only where there is a second round; a thread's number is its place only in the first block."""
    groups = sizes["N"] // 4
    if case.endswith("__bias_by_thread"):
        return groups > sizes["BLOCK"]
    return not case.endswith("__stride_too_long") or groups > sizes["GRID"] * sizes["BLOCK"]


if __name__ == "__main__":
    main(build)
