"""Twice as many rows and columns, each element the nearest of the image, on float16: Resize as decoders of images have it."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"B": 16, "C": 512, "H": 64, "W": 64, "BLOCK": 256},
    {"B": 3, "C": 20, "H": 33, "W": 50, "BLOCK": 128},
    {"B": 2, "C": 3, "H": 4, "W": 6, "BLOCK": 32},
)
GROWS = {"H": 16, "W": 16}  # 16 times all four is more than 2^31 elements


def build(C: int = 512, H: int = 64, W: int = 64) -> onnx.ModelProto:
    """x: f16 [B, C, H, W], y: f16 [B, C, 2 H, 2 W], B open."""
    half = TensorProto.FLOAT16
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], "up", mode="nearest", nearest_mode="floor",
                            coordinate_transformation_mode="asymmetric")  # fmt: skip
    stored = [constant("scales", TensorProto.FLOAT, [4], [1.0, 1.0, 2.0, 2.0])]
    return model(
        "upsample", [node], [tensor("x", half, ["B", C, H, W])], [tensor("y", half, ["B", C, 2 * H, 2 * W])], stored
    )


def draw(rng: random.Random) -> Sizes:
    """H and W differ; BLOCK: whole warps."""
    sizes = {
        "B": about(rng, 2, 64),
        "C": about(rng, 3, 1000),
        "H": about(rng, 4, 200),
        "BLOCK": about(rng, 32, 512, 32),
    }
    return {**sizes, "W": sizes["H"] + about(rng, 2, 60)}


def spec(case: str, sizes: Sizes) -> Spec:
    image = 4 * sizes["C"] * sizes["H"] * sizes["W"]
    return {
        "kernel": "upsample",
        "grid": [-(-image // sizes["BLOCK"]), "B"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["C", "H", "W"]),
        "args": {"x": "x", "y": "y", "images": {"symbol": "B", "min": 1, "max": sizes["B"]}},
    }


if __name__ == "__main__":
    main(build)
