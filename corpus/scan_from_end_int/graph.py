"""Running sums from the end of rows of int32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 65536, "COLS": 256},
    {"R": 99, "COLS": 96},
    {"R": 5, "COLS": 33},
)
GROWS = {"R": 4096}


def build(COLS: int = 256) -> onnx.ModelProto:
    """x, y: i32 [R, COLS], R open."""
    element = TensorProto.INT32
    nodes = [helper.make_node("CumSum", ["x", "axis"], ["y"], "cumulate", reverse=1)]
    axis = constant("axis", TensorProto.INT64, [], [1])
    return model(
        "scan_from_end_int", nodes, [tensor("x", element, ["R", COLS])], [tensor("y", element, ["R", COLS])], [axis]
    )


def draw(rng: random.Random) -> Sizes:
    """Rows of any length that a block has threads for."""
    return {"R": about(rng, 3, 2**16), "COLS": about(rng, 17, 600)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "scan_from_end",
        "grid": ["R"],
        "block": [sizes["COLS"]],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
        "inputs": {"x": {"min": -(2**31), "max": 2**31 - 1}},
    }


if __name__ == "__main__":
    main(build)
