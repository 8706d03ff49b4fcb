"""C = A B on float16 matrices, accumulated in float32 and rounded once."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"M": 1971, "N": 3000, "K": 1090},
    {"M": 197, "N": 5120, "K": 777},
    {"M": 131, "N": 64, "K": 325},
    {"M": 33, "N": 70, "K": 50},
)
GROWS = {"M": 197, "N": 300, "K": 109}


def build(M: int = 1971, N: int = 3000, K: int = 1090) -> onnx.ModelProto:
    """A: [M, K]; B: [K, N] (an initializer); C: [M, N], all f16."""
    half = TensorProto.FLOAT16
    nodes = [helper.make_node("MatMul", ["A", "B"], ["C"], "linear")]
    return model("gemm", nodes, [tensor("A", half, [M, K])], [tensor("C", half, [M, N])], [weight("B", half, [K, N])])


def draw(rng: random.Random) -> Sizes:
    return {"M": about(rng, 9, 8192), "N": about(rng, 9, 16384), "K": about(rng, 40, 8192)}


def spec(case: str, sizes: Sizes) -> Spec:
    m, n = sizes["M"], sizes["N"]
    rows = 8 if case.startswith("naive") else 32
    return {
        "kernel": "gemm",
        "grid": [-(-n // 32), -(-m // rows)],
        "block": [32, rows],
        **defines(sizes, SIZES[0], ["M", "N", "K"]),
        "args": {"A": "A", "B": "B", "C": "C"},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A missing guard shows only where the last tile is not whole."""
    if case.endswith("__rows_unguarded"):
        return sizes["M"] % 8 != 0
    if case.endswith("__tiles_rounded_down"):
        return sizes["K"] % 32 != 0
    return True


if __name__ == "__main__":
    main(build)
