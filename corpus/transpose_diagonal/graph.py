"""y = x transposed, in float32: as many blocks along the columns as along the rows, or a multiple."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, defines, main, model, tensor

SIZES = (
    {"ROWS": 1000, "COLS": 3050, "TILE": 32, "STEP": 8},
    {"ROWS": 2048, "COLS": 2040, "TILE": 32, "STEP": 4},
    {"ROWS": 77, "COLS": 230, "TILE": 16, "STEP": 8},
    {"ROWS": 21, "COLS": 61, "TILE": 16, "STEP": 4},
)
GROWS = {"ROWS": 256, "COLS": 1024}


def build(ROWS: int = 1000, COLS: int = 3050) -> onnx.ModelProto:
    """x: f32 [ROWS, COLS]; y: f32 [COLS, ROWS]."""
    f32 = TensorProto.FLOAT
    nodes = [helper.make_node("Transpose", ["x"], ["y"], "transpose", perm=[1, 0])]
    return model("transpose", nodes, [tensor("x", f32, [ROWS, COLS])], [tensor("y", f32, [COLS, ROWS])])


def draw(rng: random.Random) -> Sizes:
    """STEP divides TILE; tiles along the columns are a multiple of those along the rows."""
    tile = rng.choice((8, 16, 32))
    down, times = rng.randint(2, 60), rng.randint(1, 5)
    rows, cols = tile * down - rng.randrange(tile), tile * down * times - rng.randrange(tile)
    return {"ROWS": rows, "COLS": cols, "TILE": tile, "STEP": rng.choice([s for s in (2, 4, 8, 16) if s < tile])}


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
    """With the other extent the order of blocks is the same where the grid is a square."""
    return not case.endswith("__other_extent") or sizes["COLS"] > 2 * sizes["ROWS"]


if __name__ == "__main__":
    main(build)
