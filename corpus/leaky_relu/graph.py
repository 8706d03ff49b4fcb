"""y = LeakyRelu(x) in float32: x, or 0.01 x where that is negative."""

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
    {"N": 100003, "BLOCK": 128, "GRID": 40},
    {"N": 517, "BLOCK": 32, "GRID": 3},
)
GROWS = {"N": 1048576}


def build() -> onnx.ModelProto:
    """x, y: [N], N open."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("LeakyRelu", ["x"], ["y"], "leaky", alpha=0.01)]
    return model("leaky_relu", nodes, [tensor("x", f32, ["N"])], [tensor("y", f32, ["N"])])


def draw(rng: random.Random) -> Sizes:
    """N: any. BLOCK: whole warps."""
    return {"N": about(rng, 100, 2**24), "BLOCK": about(rng, 32, 1024, 32), "GRID": about(rng, 1, 300)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "leaky_relu",
        "grid": [sizes["GRID"]],
        "block": [sizes["BLOCK"]],
        "args": {"x": "x", "y": "y", "n": {"symbol": "N", "min": 1, "max": sizes["N"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A stride is too long only where there is a second round."""
    return not case.endswith("__stride_too_long") or sizes["N"] > sizes["GRID"] * sizes["BLOCK"]


if __name__ == "__main__":
    main(build)
