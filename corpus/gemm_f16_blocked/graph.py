"""C = A B on float16 matrices of whole blocks, accumulated in float32 and rounded once."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"M": 1536, "N": 3072, "K": 768},
    {"M": 256, "N": 11008, "K": 4096},
    {"M": 128, "N": 64, "K": 320},
    {"M": 64, "N": 128, "K": 64},
)
GROWS = {"M": 192, "N": 384, "K": 192}


def build(M: int = 1536, N: int = 3072, K: int = 768) -> onnx.ModelProto:
    """A: [M, K]; B: [K, N] (an initializer); C: [M, N], all f16."""
    half = TensorProto.FLOAT16
    nodes = [helper.make_node("MatMul", ["A", "B"], ["C"], "linear")]
    return model("gemm", nodes, [tensor("A", half, [M, K])], [tensor("C", half, [M, N])], [weight("B", half, [K, N])])


def draw(rng: random.Random) -> Sizes:
    """Whole blocks."""
    return {"M": about(rng, 64, 8192, 64), "N": about(rng, 64, 16384, 64), "K": about(rng, 64, 8192, 64)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "gemm",
        "grid": [sizes["N"] // 64, sizes["M"] // 64],
        "block": [64],
        **defines(sizes, SIZES[0], ["M", "N", "K"]),
        "args": {"A": "A", "B": "B", "C": "C"},
    }


if __name__ == "__main__":
    main(build)
