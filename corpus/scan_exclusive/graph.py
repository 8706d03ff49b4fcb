"""Sums of what comes before, along rows of float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 65536, "COLS": 512},
    {"R": 101, "COLS": 128},
    {"R": 5, "COLS": 16},
)
GROWS = {"R": 4096}


def build(COLS: int = 512) -> onnx.ModelProto:
    """x, y: f32 [R, COLS], R open."""
    element = TensorProto.FLOAT
    nodes = [helper.make_node("CumSum", ["x", "axis"], ["y"], "cumulate", exclusive=1)]
    axis = constant("axis", TensorProto.INT64, [], [1])
    return model(
        "scan_exclusive", nodes, [tensor("x", element, ["R", COLS])], [tensor("y", element, ["R", COLS])], [axis]
    )


def draw(rng: random.Random) -> Sizes:
    """Rows of a power of two."""
    return {"R": about(rng, 3, 2**16), "COLS": 2 ** rng.randint(3, 9)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "scan_exclusive",
        "grid": ["R"],
        "block": [sizes["COLS"] // (2 if case.startswith("balanced") else 1)],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
