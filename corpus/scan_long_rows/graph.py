"""Running sums of long rows in float."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 8192, "COLS": 4096},
    {"R": 100, "COLS": 1120},
    {"R": 3, "COLS": 96},
)
GROWS = {"R": 512, "COLS": 512}


def build(COLS: int = 4096) -> onnx.ModelProto:
    """x, y: f32 [R, COLS], R open."""
    nodes = [helper.make_node("CumSum", ["x", "axis"], ["y"], "cumulate")]
    axis = constant("axis", TensorProto.INT64, [], [1])
    ends = [tensor(n, TensorProto.FLOAT, ["R", COLS]) for n in ("x", "y")]
    return model("scan_long_rows", nodes, ends[:1], ends[1:], [axis])


def draw(rng: random.Random) -> Sizes:
    """COLS: whole chunks, several of them."""
    return {"R": about(rng, 3, 2**14), "COLS": about(rng, 96, 8192, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "scan_row",
        "grid": ["R"],
        "block": [32],
        **defines(sizes, SIZES[0], ["COLS"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


if __name__ == "__main__":
    main(build)
