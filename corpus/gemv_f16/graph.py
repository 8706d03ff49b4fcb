"""y = W x with a float16 weight, accumulated in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"N": 4096, "K": 11008, "BLOCK": 256, "GRID": 132},
    {"N": 8192, "K": 28672, "BLOCK": 512, "GRID": 114},
    {"N": 1003, "K": 1640, "BLOCK": 128, "GRID": 50},
    {"N": 7, "K": 520, "BLOCK": 64, "GRID": 2},
)
GROWS = {"N": 1024, "K": 2816}


def build(N: int = 4096, K: int = 11008) -> onnx.ModelProto:
    """W: [N, K] (an initializer); x: [K]; y: [N], all f16."""
    element = TensorProto.FLOAT16
    nodes = [helper.make_node("MatMul", ["W", "x"], ["y"], "linear")]
    return model(
        "gemv", nodes, [tensor("x", element, [K])], [tensor("y", element, [N])], [weight("W", element, [N, K])]
    )


def draw(rng: random.Random) -> Sizes:
    """K: whole 16-byte loads."""
    return {
        "N": about(rng, 3, 20000),
        "K": about(rng, 256, 30000, 8),
        "BLOCK": about(rng, 64, 1024, 32),
        "GRID": about(rng, 2, 150),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    by_warps = case.startswith(("warp_rows", "ring"))
    return {
        "kernel": "gemv",
        "grid": [sizes["GRID"] if by_warps else sizes["N"]],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["N", "K", "BLOCK"] if by_warps else ["K", "BLOCK"]),
        "args": {"W": "W", "x": "x", "y": "y"},
    }


SLOTS = 8  # of a ring, at most


def allows(case: str, sizes: Sizes) -> bool:
    """Rounding down loses rows only where the warps do not share them evenly; only a second row finds the first one's sum. A ring
    is at most 48 KB, and is gone round where a warp has more chunks than it has slots."""
    warps = sizes["GRID"] * sizes["BLOCK"] // 32
    if case.startswith("ring"):
        chunks = -(-sizes["N"] // warps) * -(-sizes["K"] // 256)
        return sizes["BLOCK"] <= 768 and (case == "ring" or chunks > 2 * SLOTS)
    if case.endswith("__accumulator_carried"):
        return sizes["N"] > warps
    return not case.endswith("__rows_rounded_down") or sizes["N"] % warps != 0


if __name__ == "__main__":
    main(build)
