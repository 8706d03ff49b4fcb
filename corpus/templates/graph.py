"""y = alpha * x for a scalar alpha that is a graph input."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"N": 16777216, "BLOCK": 256},
    {"N": 100000, "BLOCK": 64},
    {"N": 333, "BLOCK": 32},
)
GROWS = {"N": 1048576}


def build() -> onnx.ModelProto:
    """x, y: f32 [N], N open; alpha: f32 scalar."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("Mul", ["x", "alpha"], ["y"], "scale")]
    return model("scale", nodes, [tensor("x", f32, ["N"]), tensor("alpha", f32, [])], [tensor("y", f32, ["N"])])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take."""
    return {"N": about(rng, 100, 2**24), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": f"scale<float, {sizes['BLOCK']}>",
        "grid": [f"ceildiv(N, {4 * sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["BLOCK"]),
        "args": {
            "x": "x",
            "y": "y",
            "alpha": {"symbol": "alpha", "type": "f32"},
            "n": {"symbol": "N", "min": 1, "max": sizes["N"]},
        },
    }


def allows(case: str, sizes: Sizes) -> bool:
    """The second item of a thread exists where a block does not hold everything, the fourth where three of each do not."""
    least = 1 if case.endswith("__first_item_only") else 3 if case.endswith("__item_dropped") else 0
    return sizes["N"] > least * sizes["BLOCK"]


if __name__ == "__main__":
    main(build)
