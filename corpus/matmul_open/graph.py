"""y = a @ b in float32, with all three sizes open."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"M": 8192, "N": 16384, "K": 16384, "TILE": 16},
    {"M": 100, "N": 4096, "K": 4096, "TILE": 32},
    {"M": 50, "N": 60, "K": 70, "TILE": 8},
    {"M": 9, "N": 11, "K": 13, "TILE": 4},
)
GROWS = {"M": 512, "N": 1024, "K": 1024}


def build() -> onnx.ModelProto:
    """a: f32 [M, K]; b: f32 [K, N]; y: f32 [M, N]; M, N and K open."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("MatMul", ["a", "b"], ["y"], "matmul")]
    inputs = [tensor("a", f32, ["M", "K"]), tensor("b", f32, ["K", "N"])]
    return model("matmul_open", nodes, inputs, [tensor("y", f32, ["M", "N"])])


def draw(rng: random.Random) -> Sizes:
    """The greatest sizes, and the tile's side."""
    return {**{n: about(rng, 40, 16384) for n in "MNK"}, "TILE": rng.choice((4, 8, 12, 16, 24, 32))}


def spec(case: str, sizes: Sizes) -> Spec:
    tile = sizes["TILE"]
    return {
        "kernel": "matmul",
        "grid": [f"ceildiv(N, {tile})", f"ceildiv(M, {tile})"],
        "block": [tile, tile],
        **defines(sizes, SIZES[0], ["TILE"]),
        "args": {"a": "a", "b": "b", "y": "y", **{n: {"symbol": n, "min": 1, "max": sizes[n]} for n in "MNK"}},
    }


if __name__ == "__main__":
    main(build)
