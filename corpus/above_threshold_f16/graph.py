"""Which features are active: x > threshold by column, on float16, as bytes 1 and 0."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"R": 100000, "COLS": 1536, "BLOCK": 256},
    {"R": 1000, "COLS": 700, "BLOCK": 128},
    {"R": 5, "COLS": 44, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 4096, "COLS": 640}


def build(COLS: int = 1536) -> onnx.ModelProto:
    """x: f16 [R, COLS], R open; threshold: f16 [COLS]; active: u8 [R, COLS]."""
    f16 = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Greater", ["x", "threshold"], ["above"], "compare"),
        helper.make_node("Cast", ["above"], ["active"], "flag", to=TensorProto.UINT8),
    ]
    outputs = [tensor("active", TensorProto.UINT8, ["R", COLS])]
    return model("above_threshold", nodes, [tensor("x", f16, ["R", COLS])], outputs, [weight("threshold", f16, [COLS])])


def draw(rng: random.Random) -> Sizes:
    """COLS: whole groups of four. BLOCK: whole warps."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 40, 16000, 4), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "above_threshold",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {
            "x": "x",
            "threshold": "threshold",
            "active": "active",
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
        },
    }


if __name__ == "__main__":
    main(build)
