"""y = W x with a bfloat16 weight: a row's columns are shared out among the warps of a block."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"N": 4096, "K": 14336, "WARPS": 8},
    {"N": 1001, "K": 4104, "WARPS": 4},
    {"N": 24, "K": 520, "WARPS": 2},
)
GROWS = {"N": 512, "K": 1792}


def build(N: int = 4096, K: int = 14336) -> onnx.ModelProto:
    """W: [N, K] (an initializer); x: [K]; skip, y: [N], all bf16."""
    kind = TensorProto.BFLOAT16
    nodes = [
        helper.make_node("MatMul", ["W", "x"], ["product"], "linear"),
        helper.make_node("Add", ["skip", "product"], ["y"], "residual"),
    ]
    inputs = [tensor("x", kind, [K]), tensor("skip", kind, [N])]
    return model("gemv", nodes, inputs, [tensor("y", kind, [N])], [weight("W", kind, [N, K])])


def draw(rng: random.Random) -> Sizes:
    """K: whole 16-byte loads."""
    return {"N": about(rng, 3, 20000), "K": about(rng, 512, 30000, 8), "WARPS": rng.choice((2, 3, 4, 6, 8, 16))}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "gemv",
        "grid": [sizes["N"]],
        "block": [32, sizes["WARPS"]],
        **defines(sizes, SIZES[0], ["K", "WARPS"]),
        "args": {"W": "W", "x": "x", "skip": "skip", "y": "y"},
    }


if __name__ == "__main__":
    main(build)
