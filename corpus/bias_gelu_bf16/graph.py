"""Gelu (by erf) of x + bias on bfloat16: the sum is rounded, Gelu's body is inside float32 and rounded once."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"R": 32768, "COLS": 10240, "BLOCK": 192},
    {"R": 1000, "COLS": 1402, "BLOCK": 128},
    {"R": 7, "COLS": 70, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 2048, "COLS": 640}


def build(COLS: int = 10240) -> onnx.ModelProto:
    """x, y: [R, COLS], R open; bias: [COLS]."""
    kind = TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Add", ["x", "bias"], ["shifted"], "add_bias"),
        helper.make_node("Gelu", ["shifted"], ["y"], "gelu"),
    ]
    rows, bias = [tensor(name, kind, ["R", COLS]) for name in "xy"], weight("bias", kind, [COLS])
    return model("bias_gelu_bf16", nodes, rows[:1], rows[1:], [bias], opset=20)


def draw(rng: random.Random) -> Sizes:
    """COLS: whole pairs. BLOCK: whole warps."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 40, 16000, 2), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    per_block = sizes["BLOCK"] * 2
    return {
        "kernel": "bias_gelu",
        "grid": [-(-sizes["COLS"] // per_block), "R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {"x": "x", "bias": "bias", "y": "y", "rows": {"symbol": "R", "min": 1, "max": min(sizes["R"], 65535)}},
    }


if __name__ == "__main__":
    main(build)
