"""y = x transposed, in float32."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"ROWS": 11000, "COLS": 4100, "TILE": 32, "STEP": 8},
    {"ROWS": 5000, "COLS": 4090, "TILE": 32, "STEP": 4},
    {"ROWS": 1001, "COLS": 77, "TILE": 16, "STEP": 8},
    {"ROWS": 37, "COLS": 21, "TILE": 16, "STEP": 4},
)
GROWS = {"ROWS": 700, "COLS": 300}


def build(ROWS: int = 11000, COLS: int = 4100) -> onnx.ModelProto:
    """x: f32 [ROWS, COLS]; y: f32 [COLS, ROWS]."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("Transpose", ["x"], ["y"], "transpose", perm=[1, 0])]
    return model("transpose", nodes, [tensor("x", f32, [ROWS, COLS])], [tensor("y", f32, [COLS, ROWS])])


def draw(rng: random.Random) -> Sizes:
    """STEP divides TILE."""
    tile = rng.choice((8, 12, 16, 24, 32))
    step = rng.choice([s for s in range(2, tile) if tile % s == 0])
    return {"ROWS": about(rng, 30, 12000), "COLS": about(rng, 30, 12000), "TILE": tile, "STEP": step}


def spec(case: str, sizes: Sizes) -> Spec:
    tile = sizes["TILE"]
    return {
        "kernel": "transpose",
        "grid": [-(-sizes["COLS"] // tile), -(-sizes["ROWS"] // tile)],
        "block": [tile, sizes["STEP"]],
        **defines(sizes, SIZES[0], ["TILE", "STEP"]),
        "args": {"x": "x", "y": "y", "rows": sizes["ROWS"], "cols": sizes["COLS"]},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """With its guards swapped a store passes the end where the last tile of columns is ragged, and rows are more than columns."""
    ragged = sizes["COLS"] % sizes["TILE"] != 0
    return not case.endswith("__guards_swapped") or (ragged and sizes["ROWS"] > sizes["COLS"])


if __name__ == "__main__":
    main(build)
