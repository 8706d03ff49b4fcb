"""Running sums along rows of float16, with the sums in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 65536, "COLS": 1024},
    {"R": 333, "COLS": 256},
    {"R": 7, "COLS": 96},
)
GROWS = {"R": 4096}


def build(COLS: int = 1024) -> onnx.ModelProto:
    """x, y: f16 [R, COLS], R open."""
    element = TensorProto.FLOAT16
    nodes = [helper.make_node("CumSum", ["x", "axis"], ["y"], "cumulate")]
    axis = constant("axis", TensorProto.INT64, [], [1])
    return model(
        "scan_block_f16", nodes, [tensor("x", element, ["R", COLS])], [tensor("y", element, ["R", COLS])], [axis]
    )


def draw(rng: random.Random) -> Sizes:
    """Rows of whole warps, three at least."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 96, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "scan_block",
        "grid": ["R"],
        "block": [sizes["COLS"]],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
