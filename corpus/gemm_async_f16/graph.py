"""C = A B in float16, summed in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, defines, main, model, tensor

SIZES = (
    {"M": 4096, "N": 4096, "K": 4096, "BM": 64, "BN": 64, "BK": 32, "STAGES": 3},
    {"M": 2048, "N": 11008, "K": 4096, "BM": 64, "BN": 128, "BK": 32, "STAGES": 4},
    {"M": 1024, "N": 768, "K": 768, "BM": 32, "BN": 64, "BK": 16, "STAGES": 3},
    {"M": 128, "N": 128, "K": 160, "BM": 32, "BN": 64, "BK": 32, "STAGES": 3},
)
NAMES = ["M", "N", "K", "BM", "BN", "BK", "STAGES"]

GROWS = {"M": 1024, "N": 1024, "K": 1024}


def build(M: int = 4096, N: int = 4096, K: int = 4096) -> onnx.ModelProto:
    """A: [M, K]; B: [K, N]; C: [M, N], all f16."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("MatMul", ["A", "B"], ["C"], "matmul")]
    return model("gemm", nodes, [tensor("A", f16, [M, K]), tensor("B", f16, [K, N])], [tensor("C", f16, [M, N])])


def draw(rng: random.Random) -> Sizes:
    """Whole tiles, more of them along K than there are stages."""
    bm, bn, bk = rng.choice((16, 32, 64)), rng.choice((32, 64, 128)), rng.choice((16, 32))
    stages = rng.choice((3, 4, 5))
    return {
        "M": bm * rng.randint(1, 40),
        "N": bn * rng.randint(1, 40),
        "K": bk * rng.randint(stages + 2, 200),
        "BM": bm,
        "BN": bn,
        "BK": bk,
        "STAGES": stages,
    }


def spec(case: str, sizes: Sizes) -> Spec:
    """A thread computes 4 x 4 elements. Blocks of shared memory without a fixed size are asked for here."""
    stages = sizes["STAGES"] if case.startswith("ring") else 2
    macros = NAMES[: {"ring": 7, "two_stages": 6, "swizzled": 5}[case.partition("__")[0]]]
    tile = sizes["BK"] * (sizes["BM"] + sizes["BN"]) * 2
    return {
        "kernel": "gemm",
        "grid": [sizes["N"] // sizes["BN"], sizes["M"] // sizes["BM"]],
        "block": [sizes["BM"] // 4 * (sizes["BN"] // 4)],
        **({"shared": stages * tile} if case.startswith("two_stages") else {}),
        **defines(sizes, SIZES[0], macros),
        "args": {"A": "A", "B": "B", "C": "C"},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """At most 48 KB of shared memory, and at most 1024 threads. The groups of a row change places among four or eight."""
    if case.startswith("swizzled") and (sizes["BK"] != 32 or sizes["BN"] < 64 or sizes["BM"] & sizes["BM"] - 1):
        return False
    shared = sizes["STAGES"] * sizes["BK"] * (sizes["BM"] + sizes["BN"]) * 2
    return shared <= 48 * 1024 and sizes["BM"] * sizes["BN"] <= 16 * 1024


if __name__ == "__main__":
    main(build)
