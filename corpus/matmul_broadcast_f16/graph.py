"""Batched MatMul on float16: queries of B batches and H heads against keys that all batches share."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"B": 6, "H": 12, "M": 200, "N": 333, "K": 64},
    {"B": 2, "H": 32, "M": 512, "N": 512, "K": 128},
    {"B": 2, "H": 3, "M": 21, "N": 19, "K": 10},
)
GROWS = {"B": 2, "H": 3, "M": 50, "N": 83}


def build(B: int = 6, H: int = 12, M: int = 200, N: int = 333, K: int = 64) -> onnx.ModelProto:
    """a: [B, H, M, K]; b: [H, K, N]; y: [B, H, M, N], all f16."""
    kind = TensorProto.FLOAT16
    nodes = [helper.make_node("MatMul", ["a", "b"], ["y"], "scores")]
    inputs = [tensor("a", kind, [B, H, M, K]), tensor("b", kind, [H, K, N])]
    return model("matmul_broadcast", nodes, inputs, [tensor("y", kind, [B, H, M, N])])


def draw(rng: random.Random) -> Sizes:
    return {
        "B": about(rng, 2, 16),
        "H": about(rng, 2, 40),
        "M": about(rng, 17, 1024),
        "N": about(rng, 17, 1024),
        "K": about(rng, 9, 256),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "matmul_broadcast",
        "grid": [-(-sizes["N"] // 16), -(-sizes["M"] // 16), sizes["B"] * sizes["H"]],
        "block": [16, 16],
        **defines(sizes, SIZES[0], ["H", "M", "N", "K"]),
        "args": {"a": "a", "b": "b", "y": "y"},
    }


if __name__ == "__main__":
    main(build)
