"""RMSNorm on float16 rows as one RMSNormalization node (opset 23): x is divided by the root."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"R": 65536, "COLS": 5120, "BLOCK": 256},
    {"R": 2048, "COLS": 4096, "BLOCK": 512},
    {"R": 100, "COLS": 2056, "BLOCK": 128},
    {"R": 3, "COLS": 520, "BLOCK": 64},
)
GROWS = {"R": 4096, "COLS": 640}


def build(COLS: int = 5120) -> onnx.ModelProto:
    """x, y: f16 [R, COLS], R open; weight: f16 [COLS]."""
    f16 = TensorProto.FLOAT16
    node = helper.make_node(
        "RMSNormalization", ["x", "weight"], ["y"], "rms", axis=-1, epsilon=1e-5, stash_type=TensorProto.FLOAT
    )
    inputs, outputs = [tensor("x", f16, ["R", COLS])], [tensor("y", f16, ["R", COLS])]
    return model("rmsnorm", [node], inputs, outputs, [weight("weight", f16, [COLS])], opset=23)


def draw(rng: random.Random) -> Sizes:
    """COLS: whole 16-byte loads."""
    return {"R": about(rng, 2, 65536), "COLS": about(rng, 512, 12000, 8), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "rmsnorm",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {
            "x": "x",
            "w": "weight",
            "y": "y",
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
            "eps": 1e-5,
        },
    }


if __name__ == "__main__":
    main(build)
