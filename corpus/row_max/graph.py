"""The maximum of every row, in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 65536, "COLS": 4096, "BLOCK": 256},
    {"R": 1000, "COLS": 5000, "BLOCK": 512},
    {"R": 5, "COLS": 300, "BLOCK": 64},
)
GROWS = {"R": 4096, "COLS": 512}


def build(COLS: int = 4096) -> onnx.ModelProto:
    """x: f32 [R, COLS], R open; y: f32 [R]."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("ReduceMax", ["x", "axes"], ["y"], "max", keepdims=0)]
    axes = constant("axes", TensorProto.INT64, [1], [-1])
    return model("row_max", nodes, [tensor("x", f32, ["R", COLS])], [tensor("y", f32, ["R"])], [axes])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take."""
    return {"R": about(rng, 2, 65536), "COLS": about(rng, 70, 20000), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "row_max",
        "grid": ["R"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["COLS", "BLOCK"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """32 warps leave no cell unused."""
    return not case.endswith("__padding_cells") or sizes["BLOCK"] < 1024


if __name__ == "__main__":
    main(build)
