"""The rotation inside rotary embeddings: y = [-x2, x1] for each row x = [x1, x2] in float16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"ROWS": 131072, "D": 128, "BLOCK": 256},
    {"ROWS": 1003, "D": 64, "BLOCK": 128},
    {"ROWS": 37, "D": 16, "BLOCK": 32},
)
GROWS = {"ROWS": 8192}


def build(D: int = 128) -> onnx.ModelProto:
    """x, y: f16 [ROWS, D], ROWS open."""
    f16, i64 = TensorProto.FLOAT16, TensorProto.INT64
    nodes = [
        helper.make_node("Slice", ["x", "zero", "middle", "axis"], ["x1"], "first"),
        helper.make_node("Slice", ["x", "middle", "end", "axis"], ["x2"], "second"),
        helper.make_node("Neg", ["x2"], ["negated"], "neg"),
        helper.make_node("Concat", ["negated", "x1"], ["y"], "concat", axis=1),
    ]
    places = {"zero": 0, "middle": D // 2, "end": D, "axis": 1}
    stored = [constant(name, i64, [1], [v]) for name, v in places.items()]
    return model("rotate_half", nodes, [tensor("x", f16, ["ROWS", D])], [tensor("y", f16, ["ROWS", D])], stored)


def draw(rng: random.Random) -> Sizes:
    """D: both halves are whole pairs. BLOCK: whole warps."""
    return {"ROWS": about(rng, 3, 2**17), "D": about(rng, 4, 512, 4), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "rotate_half",
        "grid": [f"ceildiv(ROWS * {sizes['D'] // 4}, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["D"]),
        "args": {"x": "x", "y": "y", "rows": {"symbol": "ROWS", "min": 1, "max": sizes["ROWS"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Rows that fill whole blocks leave no thread over."""
    return not case.endswith("__row_past_end") or sizes["D"] // 4 % sizes["BLOCK"] != 0


if __name__ == "__main__":
    main(build)
