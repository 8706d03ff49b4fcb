"""The heads of attention side by side again: [H, S, D] to [S, H * D], on bfloat16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"H": 40, "HD": 128, "CTX": 4096, "BLOCK": 256},
    {"H": 12, "HD": 80, "CTX": 1000, "BLOCK": 96},
    {"H": 3, "HD": 16, "CTX": 40, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"CTX": 512}


def build(H: int = 40, HD: int = 128) -> onnx.ModelProto:
    """x: bf16 [H, S, HD], y: bf16 [S, H * HD], S open."""
    kind = TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Transpose", ["x"], ["turned"], "tokens_first", perm=[1, 0, 2]),
        helper.make_node("Reshape", ["turned", "shape"], ["y"], "merge"),
    ]
    shape = constant("shape", TensorProto.INT64, [2], [0, H * HD])
    return model("merge_heads", nodes, [tensor("x", kind, [H, "S", HD])], [tensor("y", kind, ["S", H * HD])], [shape])


def draw(rng: random.Random) -> Sizes:
    """HD: whole pairs. BLOCK: whole warps."""
    return {
        "H": rng.randint(2, 40),
        "HD": about(rng, 16, 256, 2),
        "CTX": about(rng, 33, 8192),
        "BLOCK": about(rng, 32, 512, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "merge_heads",
        "grid": ["S"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["H", "HD"]),
        "args": {"x": "x", "y": "y", "length": {"symbol": "S", "min": 1, "max": sizes["CTX"]}},
    }


if __name__ == "__main__":
    main(build)
