"""A causal depthwise convolution over time on float16, as state-space models have it, then SiLU."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"D": 1536, "ROWS": 4096, "TAPS": 4},
    {"D": 1000, "ROWS": 2048, "TAPS": 3},
    {"D": 40, "ROWS": 300, "TAPS": 4},
)
GROWS = {"D": 150, "ROWS": 512}


def build(D: int = 1536, TAPS: int = 4) -> onnx.ModelProto:
    """x, y: f16 [1, D, T], T open; w: [D, 1, TAPS]; b: [D]."""
    half = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["z"], "conv", group=D, pads=[TAPS - 1, 0], kernel_shape=[TAPS]),
        helper.make_node("Sigmoid", ["z"], ["gate"], "sigmoid"),
        helper.make_node("Mul", ["z", "gate"], ["y"], "silu"),
    ]
    weights = [weight("w", half, [D, 1, TAPS]), weight("b", half, [D])]
    return model("conv1d", nodes, [tensor("x", half, [1, D, "T"])], [tensor("y", half, [1, D, "T"])], weights)


def draw(rng: random.Random) -> Sizes:
    return {"D": about(rng, 9, 8192), "ROWS": about(rng, 200, 8192), "TAPS": rng.choice((2, 3, 4, 5))}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "conv1d",
        "grid": ["ceildiv(T, 128)", sizes["D"]],
        "block": [128],
        **defines(sizes, SIZES[0], ["TAPS"]),
        "args": {
            "x": "x",
            "w": "w",
            "b": "b",
            "y": "y",
            "steps": {"symbol": "T", "min": 1, "max": sizes["ROWS"]},
        },
        **({"inputs": {"finite": ["w"]}} if case == "zero_window" else {}),
    }


if __name__ == "__main__":
    main(build)
