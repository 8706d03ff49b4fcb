"""A residual branch scaled by column: x + gamma * branch on bfloat16, rounded after the product and after the sum."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"R": 50000, "COLS": 1408, "BLOCK": 128},
    {"R": 1000, "COLS": 1000, "BLOCK": 64},
    {"R": 9, "COLS": 40, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 4096, "COLS": 248}


def build(COLS: int = 1408) -> onnx.ModelProto:
    """x, branch, y: bf16 [R, COLS], R open; gamma: bf16 [COLS]."""
    kind = TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Mul", ["branch", "gamma"], ["scaled"], "scale"),
        helper.make_node("Add", ["x", "scaled"], ["y"], "residual"),
    ]
    rows = [tensor(name, kind, ["R", COLS]) for name in ("x", "branch", "y")]
    return model("layer_scale", nodes, rows[:2], rows[2:], [weight("gamma", kind, [COLS])])


def draw(rng: random.Random) -> Sizes:
    """COLS: whole 16-byte loads. BLOCK: whole warps."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 40, 16000, 8), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "layer_scale",
        "grid": [f"ceildiv(R * {sizes['COLS'] // 8}, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {
            "x": "x",
            "branch": "branch",
            "gamma": "gamma",
            "y": "y",
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
        },
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Rows that fill whole blocks leave no thread over."""
    return not case.endswith("__rows_past_end") or sizes["COLS"] // 8 % sizes["BLOCK"] != 0


if __name__ == "__main__":
    main(build)
