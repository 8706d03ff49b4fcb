"""Two feature blocks side by side, [R, A] and [R, B] to [R, A + B], on float16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"R": 65536, "A": 1000, "B": 536, "BLOCK": 256},
    {"R": 1003, "A": 72, "B": 130, "BLOCK": 128},
    {"R": 37, "A": 16, "B": 18, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"R": 4096}


def build(A: int = 1000, B: int = 536) -> onnx.ModelProto:
    """a: f16 [R, A], b: f16 [R, B], y: f16 [R, A + B], R open."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("Concat", ["a", "b"], ["y"], "concat", axis=1)]
    inputs = [tensor("a", f16, ["R", A]), tensor("b", f16, ["R", B])]
    return model("concat_columns", nodes, inputs, [tensor("y", f16, ["R", A + B])])


def draw(rng: random.Random) -> Sizes:
    """A, B: whole pairs. BLOCK: whole warps."""
    return {
        "R": about(rng, 3, 2**16),
        "A": about(rng, 16, 4000, 2),
        "B": about(rng, 16, 4000, 2),
        "BLOCK": about(rng, 32, 1024, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "concat_columns",
        "grid": [f"ceildiv(R * {(sizes['A'] + sizes['B']) // 2}, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["A", "B"]),
        "args": {"a": "a", "b": "b", "y": "y", "rows": {"symbol": "R", "min": 1, "max": sizes["R"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Parts of one width are told apart by no width."""
    return sizes["A"] != sizes["B"]


if __name__ == "__main__":
    main(build)
