"""The sum of every row in bfloat16, added up in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 65536, "COLS": 5120, "BLOCK": 256},
    {"R": 1000, "COLS": 3000, "BLOCK": 512},
    {"R": 5, "COLS": 200, "BLOCK": 128},
)
GROWS = {"R": 4096, "COLS": 512}


def build(COLS: int = 5120) -> onnx.ModelProto:
    """x: bf16 [R, COLS], R open; y: bf16 [R]."""
    bf16, f32 = TensorProto.BFLOAT16, TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["x"], ["wide"], "widen", to=f32),
        helper.make_node("ReduceSum", ["wide", "axes"], ["sum"], "sum", keepdims=0),
        helper.make_node("Cast", ["sum"], ["y"], "narrow", to=bf16),
    ]
    axes = constant("axes", TensorProto.INT64, [1], [-1])
    return model("row_sum", nodes, [tensor("x", bf16, ["R", COLS])], [tensor("y", bf16, ["R"])], [axes])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take: a block is a power of two, of at least four warps."""
    return {"R": about(rng, 2, 65536), "COLS": about(rng, 70, 20000), "BLOCK": 1 << rng.randint(7, 10)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "row_sum",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Of 32 warps' sums a whole warp takes care: there is no lane too many. What warps without a column found may be left out."""
    if case.endswith("__one_too_many"):
        return sizes["BLOCK"] < 1024
    return not case.endswith("__first_step_left_out") or sizes["COLS"] > sizes["BLOCK"] // 2


if __name__ == "__main__":
    main(build)
