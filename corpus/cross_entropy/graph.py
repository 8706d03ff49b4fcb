"""The loss of rows of probabilities by the class of each, in float32: minus the logarithm of one entry that data chooses."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"R": 8192, "V": 50257, "BLOCK": 256},
    {"R": 1003, "V": 1000, "BLOCK": 128},
    {"R": 37, "V": 30, "BLOCK": 32},
)
GROWS = {"R": 512, "V": 3000}


def build(V: int = 50257) -> onnx.ModelProto:
    """probs: f32 [R, V]; targets: i32 [R]; losses: f32 [R], R open."""
    f32 = TensorProto.FLOAT
    nodes = [
        helper.make_node("Unsqueeze", ["targets", "axes"], ["column"], "column"),
        helper.make_node("GatherElements", ["probs", "column"], ["own"], "own_class", axis=1),
        helper.make_node("Squeeze", ["own", "axes"], ["flat"], "row"),
        helper.make_node("Log", ["flat"], ["logarithm"], "logarithm"),
        helper.make_node("Neg", ["logarithm"], ["losses"], "minus"),
    ]
    inputs = [tensor("probs", f32, ["R", V]), tensor("targets", TensorProto.INT32, ["R"])]
    stored = [constant("axes", TensorProto.INT64, [1], [1])]
    return model("cross_entropy", nodes, inputs, [tensor("losses", f32, ["R"])], stored)


def draw(rng: random.Random) -> Sizes:
    return {"R": about(rng, 3, 2**14), "V": about(rng, 30, 2**17), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    rows = {"symbol": "R", "min": 1, "max": sizes["R"]}
    return {
        "kernel": "cross_entropy",
        "grid": [f"ceildiv(R, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["V"]),
        "args": {"probs": "probs", "targets": "targets", "losses": "losses", "rows": rows},
        "inputs": {"targets": {"min": 0, "max": sizes["V"] - 1}},
    }


if __name__ == "__main__":
    main(build)
