"""y = x w in 32-bit integers, of int8 rows and an int8 weight whose columns lie one after another: MatMulInteger."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"R": 4096, "K": 4096, "N": 11008, "BLOCK": 128},
    {"R": 77, "K": 516, "N": 1000, "BLOCK": 64},
    {"R": 5, "K": 36, "N": 40, "BLOCK": 32},
)
GROWS = {"R": 64, "K": 512, "N": 1376}


def build(K: int = 4096, N: int = 11008) -> onnx.ModelProto:
    """x: int8 [R, K], R open; w: int8 [K, N] (initializer); y: int32 [R, N]."""
    i8, i32 = TensorProto.INT8, TensorProto.INT32
    nodes = [helper.make_node("MatMulInteger", ["x", "w"], ["y"], "linear")]
    ends = [tensor("x", i8, ["R", K])], [tensor("y", i32, ["R", N])]
    return model("matmul_int8", nodes, *ends, [weight("w", i8, [K, N])], opset=21)


def draw(rng: random.Random) -> Sizes:
    """K: whole words of four bytes, more than one; BLOCK: whole warps."""
    return {
        "R": about(rng, 3, 2**13),
        "K": about(rng, 36, 6000, 4),
        "N": about(rng, 40, 20000),
        "BLOCK": about(rng, 32, 512, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "matmul_int8",
        "grid": [-(-sizes["N"] // sizes["BLOCK"]), "R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["K", "N"]),
        "args": {
            "x": "x",
            "w": {"tensor": "w", "layout": f"[k, n] -> [n * {sizes['K']} + k]"},
            "y": "y",
            "rows": {"symbol": "R", "min": 1, "max": sizes["R"]},
        },
    }


if __name__ == "__main__":
    main(build)
