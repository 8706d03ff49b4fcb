"""A tensor of float32 rounded to bfloat16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, main, model, tensor

SIZES = ({"N": 50331648, "BLOCK": 256}, {"N": 10007, "BLOCK": 96}, {"N": 200, "BLOCK": 32})

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"N": 1048576}


def build() -> onnx.ModelProto:
    """x: f32 [N], y: bf16 [N], N open."""
    kind = TensorProto.BFLOAT16
    nodes = [helper.make_node("Cast", ["x"], ["y"], "narrow", to=kind)]
    return model("cast", nodes, [tensor("x", TensorProto.FLOAT, ["N"])], [tensor("y", kind, ["N"])])


def draw(rng: random.Random) -> Sizes:
    """BLOCK: whole warps."""
    return {"N": about(rng, 50, 2**26), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "cast",
        "grid": [f"ceildiv(N, {4 * sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        "args": {"x": "x", "y": "y", "n": {"symbol": "N", "min": 1, "max": sizes["N"]}},
    }


if __name__ == "__main__":
    main(build)
