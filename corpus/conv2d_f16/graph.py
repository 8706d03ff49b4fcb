"""A 3x3 convolution with padding 1 on float16 images, bias and Relu."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"N": 8, "C": 64, "H": 57, "W": 83, "F": 96},
    {"N": 1, "C": 3, "H": 224, "W": 224, "F": 32},
    {"N": 2, "C": 4, "H": 9, "W": 11, "F": 6},
)
GROWS = {"N": 2, "C": 8, "F": 12}


def build(N: int = 8, C: int = 64, H: int = 57, W: int = 83, F: int = 96) -> onnx.ModelProto:
    """x: f16 [N, C, H, W]; w: [F, C, 3, 3]; b: [F]; y: [N, F, H, W]."""
    half = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["z"], "conv", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["z"], ["y"], "relu"),
    ]
    y = tensor("y", half, [N, F, H, W])
    return model(
        "conv2d",
        nodes,
        [tensor("x", half, [N, C, H, W])],
        [y],
        [weight("w", half, [F, C, 3, 3]), weight("b", half, [F])],
    )


def draw(rng: random.Random) -> Sizes:
    return {
        "N": about(rng, 2, 8),
        "C": about(rng, 2, 128),
        "H": about(rng, 5, 100),
        "W": about(rng, 5, 100),
        "F": about(rng, 2, 128),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "conv2d",
        "grid": [sizes["H"], sizes["N"] * sizes["F"]],
        "block": [sizes["W"]],
        **defines(sizes, SIZES[0], ["C", "H", "W", "F"]),
        "args": {"x": "x", "w": "w", "b": "b", "y": "y"},
    }


if __name__ == "__main__":
    main(build)
