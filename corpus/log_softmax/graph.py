"""Log softmax over rows of float32, as a loss takes it from logits."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"R": 8192, "COLS": 32003, "BLOCK": 512},
    {"R": 1000, "COLS": 720, "BLOCK": 128},
    {"R": 5, "COLS": 131, "BLOCK": 64},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 512, "COLS": 2001}


def build(COLS: int = 32003) -> onnx.ModelProto:
    """x, y: f32 [R, COLS], R open."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("LogSoftmax", ["x"], ["y"], "log_softmax", axis=-1)]
    return model("log_softmax", nodes, [tensor("x", f32, ["R", COLS])], [tensor("y", f32, ["R", COLS])])


def draw(rng: random.Random) -> Sizes:
    """BLOCK: a power of two, which the trees halve."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 130, 60000, 1), "BLOCK": rng.choice((64, 128, 256, 512))}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "log_softmax",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
