"""The largest integer of every row, by atomic operations."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"COLS": 4096, "PARTS": 4, "BLOCK": 256, "most_rows": 65535},
    {"COLS": 50257, "PARTS": 8, "BLOCK": 512, "most_rows": 4096},
    {"COLS": 300, "PARTS": 2, "BLOCK": 64, "most_rows": 500},
)
GROWS = {"COLS": 512}


def build(COLS: int = 4096) -> onnx.ModelProto:
    """x: int32 [R, COLS]; y: int32 [R]."""
    node = helper.make_node("ReduceMax", ["x", "axes"], ["y"], "largest", keepdims=0)
    inputs, outputs = [tensor("x", TensorProto.INT32, ["R", COLS])], [tensor("y", TensorProto.INT32, ["R"])]
    return model("row_maxima", [node], inputs, outputs, [constant("axes", TensorProto.INT64, [1], [1])])


def draw(rng: random.Random) -> Sizes:
    block = 1 << rng.randint(5, 9)
    parts = rng.randint(2, 9)
    cols = about(rng, block * parts + 1, 60000)
    return {"COLS": cols, "PARTS": parts, "BLOCK": block, "most_rows": rng.choice((512, 4096, 20000))}


def spec(case: str, sizes: Sizes) -> Spec:
    rows = {"symbol": "R", "min": 1, "max": sizes["most_rows"]}
    stated = {"inputs": {"x": {"min": -2000000000, "max": 2000000000}}}  # a search for a counterexample stays inside
    macros, block = defines(sizes, SIZES[0], ["COLS", "PARTS", "BLOCK"]), [sizes["BLOCK"]]
    args = {"x": "x", "y": "y", "rows": rows}
    if case.startswith("block_row"):
        return {"kernel": "row_maxima", "grid": ["R"], "block": block, **macros, "args": args, **stated}
    second = {"kernel": "row_maxima", "grid": [sizes["PARTS"], "R"], "block": block, "args": args}
    if case.endswith("__never_filled"):
        return {**second, **macros, **stated}
    grid = [f"ceildiv(R, {sizes['BLOCK']})"]
    first = {"kernel": "fill", "grid": grid, "block": block, "args": {"y": "y", "rows": rows}}
    return {**macros, "launch": [first, second], **stated}


if __name__ == "__main__":
    main(build)
