"""y = (x + b) * s on float16 rows: b by column, s by row, both sizes open."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, main, model, tensor

SIZES = (
    {"M": 8192, "N": 16384, "BLOCK": 256, "GRID": 132},
    {"M": 100, "N": 65536, "BLOCK": 512, "GRID": 264},
    {"M": 40, "N": 30, "BLOCK": 64, "GRID": 3},
)

GROWS = {"M": 1024, "N": 1024}


def build() -> onnx.ModelProto:
    """x, y: f16 [M, N]; b: f16 [N]; s: f16 [M, 1]; M and N open."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("Add", ["x", "b"], ["t"], "add"), helper.make_node("Mul", ["t", "s"], ["y"], "mul")]
    inputs = [tensor("x", f16, ["M", "N"]), tensor("b", f16, ["N"]), tensor("s", f16, ["M", 1])]
    return model("bias_rows", nodes, inputs, [tensor("y", f16, ["M", "N"])])


def draw(rng: random.Random) -> Sizes:
    """The greatest sizes, and the launch."""
    return {
        "M": about(rng, 20, 8192),
        "N": about(rng, 20, 16384),
        "BLOCK": about(rng, 32, 1024, 32),
        "GRID": about(rng, 2, 300),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    block = sizes["BLOCK"]
    return {
        "kernel": "bias_rows",
        "grid": [sizes["GRID"] if case.startswith("grid_stride") else f"ceildiv(M * N, {block})"],
        "block": [block],
        "args": {
            "x": "x",
            "b": "b",
            "s": "s",
            "y": "y",
            **{n: {"symbol": n, "min": 1, "max": sizes[n]} for n in "MN"},
        },
    }


if __name__ == "__main__":
    main(build)
