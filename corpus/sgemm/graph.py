"""C = A B in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, defines, main, model, tensor

SIZES = (
    {"M": 4096, "N": 4096, "K": 4096, "BM": 128, "BN": 128, "BK": 8, "TM": 8, "TN": 8, "TILE": 16},
    {"M": 2048, "N": 11008, "K": 4096, "BM": 128, "BN": 128, "BK": 8, "TM": 8, "TN": 8, "TILE": 32},
    {"M": 1024, "N": 512, "K": 768, "BM": 64, "BN": 64, "BK": 16, "TM": 4, "TN": 4, "TILE": 16},
    {"M": 256, "N": 128, "K": 96, "BM": 128, "BN": 64, "BK": 16, "TM": 8, "TN": 4, "TILE": 8},
    {"M": 32, "N": 16, "K": 24, "BM": 16, "BN": 16, "BK": 8, "TM": 4, "TN": 4, "TILE": 4},
)
GROWS = {"M": 512, "N": 512, "K": 512}


def build(M: int = 4096, N: int = 4096, K: int = 4096) -> onnx.ModelProto:
    """A: [M, K]; B: [K, N]; C: [M, N], all f32."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("MatMul", ["A", "B"], ["C"], "matmul")]
    return model("sgemm", nodes, [tensor("A", f32, [M, K]), tensor("B", f32, [K, N])], [tensor("C", f32, [M, N])])


def draw(rng: random.Random) -> Sizes:
    """Every tile whole, and its loads an equal share of each thread."""
    tm, tn, bk = rng.choice((4, 8)), rng.choice((4, 8)), rng.choice((4, 8, 16))
    rows, columns = rng.choice((4, 8, 16)), rng.choice((4, 8, 16))
    return {
        "M": tm * rows * rng.randint(2, 40),
        "N": tn * columns * rng.randint(2, 40),
        "K": bk * rng.randint(2, 300),
        "BM": tm * rows,
        "BN": tn * columns,
        "BK": bk,
        "TM": tm,
        "TN": tn,
        "TILE": rng.choice((4, 8, 16, 32)),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    arguments = {"A": "A", "B": "B", "C": "C"}
    if case.startswith("naive"):
        tile = sizes["TILE"]
        return {
            "kernel": "sgemm",
            "grid": [-(-sizes["N"] // tile), -(-sizes["M"] // tile)],
            "block": [tile, tile],
            "fmad": False,
            **defines(sizes, SIZES[0], ["M", "N", "K"]),
            "args": arguments,
        }
    return {
        "kernel": "sgemm",
        "grid": [sizes["N"] // sizes["BN"], sizes["M"] // sizes["BM"]],
        "block": [sizes["BM"] // sizes["TM"] * (sizes["BN"] // sizes["TN"])],
        **defines(sizes, SIZES[0], ["M", "N", "K", "BM", "BN", "BK", "TM", "TN"]),
        "args": arguments,
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Double buffers are loaded by all threads alike. A stale tile is one that was loaded before; a column's number, taken for a
    row's, stays inside the tile."""
    rows, columns = sizes["BM"] // sizes["TM"], sizes["BN"] // sizes["TN"]
    if case.startswith("double_buffered"):
        whole = sizes["TM"] * sizes["BK"] // 4 % columns == 0 and sizes["TN"] * sizes["BK"] // 4 % rows == 0
        return whole and (not case.endswith("__last_tile_stale") or sizes["K"] >= 3 * sizes["BK"])
    return not case.endswith("__thread_coordinates") or columns <= rows


if __name__ == "__main__":
    main(build)
