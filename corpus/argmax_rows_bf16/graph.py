"""The place of the greatest element of every row of bfloat16; of equal ones the first."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"R": 64, "COLS": 8192, "BLOCK": 256},
    {"R": 7, "COLS": 1030, "BLOCK": 512},
    {"R": 40, "COLS": 300, "BLOCK": 64},
)
GROWS = {"R": 8, "COLS": 4096}


def build(COLS: int = 8192) -> onnx.ModelProto:
    """x: bf16 [R, COLS], R open; place: i64 [R]."""
    nodes = [helper.make_node("ArgMax", ["x"], ["place"], "first_of_greatest", axis=1, keepdims=0)]
    x = tensor("x", TensorProto.BFLOAT16, ["R", COLS])
    return model("argmax_rows", nodes, [x], [tensor("place", TensorProto.INT64, ["R"])])


def draw(rng: random.Random) -> Sizes:
    """Rows that are longer than a block, and any block."""
    return {"R": about(rng, 3, 64), "COLS": about(rng, 1100, 5000), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "argmax_rows",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "place": "place", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
