"""Relu of a fully connected layer on bfloat16 rows: Gemm with the weight transposed and a bias."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"M": 500, "N": 2050, "K": 1030},
    {"M": 77, "N": 3072, "K": 768},
    {"M": 17, "N": 45, "K": 33},
)
GROWS = {"M": 50, "N": 205, "K": 103}


def build(M: int = 500, N: int = 2050, K: int = 1030) -> onnx.ModelProto:
    """x: [M, K]; w: [N, K]; b: [N]; y: [M, N], all bf16."""
    kind = TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["z"], "linear", transB=1),
        helper.make_node("Relu", ["z"], ["y"], "relu"),
    ]
    weights = [weight("w", kind, [N, K]), weight("b", kind, [N])]
    return model("linear_relu", nodes, [tensor("x", kind, [M, K])], [tensor("y", kind, [M, N])], weights)


def draw(rng: random.Random) -> Sizes:
    return {"M": about(rng, 9, 4096), "N": about(rng, 9, 8192), "K": about(rng, 9, 8192)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "linear_relu",
        "grid": [-(-sizes["N"] // 16), -(-sizes["M"] // 16)],
        "block": [16, 16],
        **defines(sizes, SIZES[0], ["M", "N", "K"]),
        "args": {"x": "x", "w": "w", "bias": "b", "y": "y"},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Columns past the end show only where there are some."""
    return not case.endswith("__columns_unguarded") or sizes["N"] % 16 != 0


if __name__ == "__main__":
    main(build)
