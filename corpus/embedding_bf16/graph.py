"""Rows of an embedding table in bfloat16 by token; the padding token has a row of zeros."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"T": 8192, "V": 50257, "D": 1600, "BLOCK": 128},
    {"T": 1003, "V": 1000, "D": 72, "BLOCK": 64},
    {"T": 37, "V": 30, "D": 16, "BLOCK": 32},
)
GROWS = {"T": 512, "V": 3000, "D": 104}


def build(V: int = 50257, D: int = 1600) -> onnx.ModelProto:
    """ids: i64 [T], table: bf16 [V, D], y: bf16 [T, D], T open."""
    kind, i64 = TensorProto.BFLOAT16, TensorProto.INT64
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], "look_up", axis=0),
        helper.make_node("Unsqueeze", ["ids", "axis"], ["column"], "column"),
        helper.make_node("Equal", ["column", "padding"], ["padded"], "is_padding"),
        helper.make_node("Where", ["padded", "nothing", "rows"], ["y"], "blank"),
    ]
    stored = [constant("axis", i64, [1], [1]), constant("padding", i64, [], [1]), constant("nothing", kind, [], [0.0])]
    inputs, outputs = [tensor("ids", i64, ["T"])], [tensor("y", kind, ["T", D])]
    return model("embedding", nodes, inputs, outputs, [weight("table", kind, [V, D]), *stored])


def draw(rng: random.Random) -> Sizes:
    """D: whole 16-byte loads. BLOCK: whole warps."""
    return {
        "T": about(rng, 3, 2**14),
        "V": about(rng, 30, 2**18),
        "D": about(rng, 16, 8192, 8),
        "BLOCK": about(rng, 32, 1024, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    wrapped = case.startswith("token_wrapped")
    return {
        "kernel": "embedding",
        "grid": ["T"] if case.startswith(("token_block", "token_wrapped")) else [f"ceildiv(T, {sizes['BLOCK'] // 32})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["V", "D"] if wrapped else ["D"]),
        "args": {"ids": "ids", "table": "table", "y": "y", "tokens": {"symbol": "T", "min": 1, "max": sizes["T"]}},
        "inputs": {"ids": {"min": -sizes["V"] if wrapped else 0, "max": sizes["V"] - 1}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """In a block of one warp the first lane's token is that of all."""
    return not case.endswith("__token_of_first_lane") or sizes["BLOCK"] > 32


if __name__ == "__main__":
    main(build)
