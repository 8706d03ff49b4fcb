"""y = W x with a float32 weight, accumulated in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"N": 4096, "K": 11008, "BLOCK": 256},
    {"N": 5120, "K": 13824, "BLOCK": 128},
    {"N": 999, "K": 1500, "BLOCK": 512},
    {"N": 5, "K": 260, "BLOCK": 64},
)
GROWS = {"N": 1024, "K": 2816}


def build(N: int = 4096, K: int = 11008) -> onnx.ModelProto:
    """W: [N, K] (an initializer); x: [K]; y: [N], all f32."""
    element = TensorProto.FLOAT
    nodes = [helper.make_node("MatMul", ["W", "x"], ["y"], "linear")]
    return model(
        "gemv", nodes, [tensor("x", element, [K])], [tensor("y", element, [N])], [weight("W", element, [N, K])]
    )


def draw(rng: random.Random) -> Sizes:
    """K: whole 16-byte loads."""
    return {"N": about(rng, 3, 20000), "K": about(rng, 256, 30000, 4), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "gemv",
        "grid": [sizes["N"]],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["K", "BLOCK"]),
        "args": {"W": "W", "x": "x", "y": "y"},
    }


if __name__ == "__main__":
    main(build)
