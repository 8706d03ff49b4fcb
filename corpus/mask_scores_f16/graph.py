"""Attention scores with a mask that all heads share: where it is 0 the score is the least half; else the score, clipped."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"B": 4, "H": 32, "S": 1500, "BLOCK": 256},
    {"B": 2, "H": 5, "S": 300, "BLOCK": 128},
    {"B": 2, "H": 3, "S": 33, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"S": 93}


def build(B: int = 4, H: int = 32, S: int = 1500) -> onnx.ModelProto:
    """scores, y: f16 [B, H, S, S]; mask: u8 [B, 1, S, S]."""
    f16 = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Clip", ["scores", "low", "high"], ["clipped"], "clip"),
        helper.make_node("Cast", ["mask"], ["seen"], "truth", to=TensorProto.BOOL),
        helper.make_node("Where", ["seen", "clipped", "least"], ["y"], "mask"),
    ]
    stored = [constant(name, f16, [], [v]) for name, v in (("low", -50.0), ("high", 50.0), ("least", -65504.0))]
    inputs = [tensor("scores", f16, [B, H, S, S]), tensor("mask", TensorProto.UINT8, [B, 1, S, S])]
    return model("mask_scores", nodes, inputs, [tensor("y", f16, [B, H, S, S])], stored)


def draw(rng: random.Random) -> Sizes:
    """BLOCK: whole warps."""
    return {
        "B": rng.randint(2, 9),
        "H": rng.randint(2, 40),
        "S": about(rng, 33, 2048),
        "BLOCK": about(rng, 32, 1024, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "mask_scores",
        "grid": [-(-sizes["S"] // sizes["BLOCK"]), sizes["S"], sizes["B"] * sizes["H"]],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["H", "S"]),
        "args": {"scores": "scores", "mask": "mask", "y": "y"},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Blocks that divide a row leave no thread at its end."""
    return not case.endswith("__row_unguarded") or sizes["S"] % sizes["BLOCK"] != 0


if __name__ == "__main__":
    main(build)
