"""A router's gate: of each token's logits the two greatest, a softmax over these, and which experts they are."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = ({"E": 8, "BLOCK": 128}, {"E": 64, "BLOCK": 256}, {"E": 5, "BLOCK": 64})
GROWS = {"E": 16}


def build(E: int = 8) -> onnx.ModelProto:
    """logits: f32 [T, E]; weights: f32 [T, 2]; experts: i64 [T, 2]."""
    f32, i64 = TensorProto.FLOAT, TensorProto.INT64
    two = helper.make_tensor("two", i64, [1], [2])
    nodes = [
        helper.make_node("TopK", ["logits", "two"], ["best", "experts"], "top", axis=1),
        helper.make_node("Softmax", ["best"], ["weights"], "gate", axis=1),
    ]
    outs = [tensor("weights", f32, ["T", 2]), tensor("experts", i64, ["T", 2])]
    return model("topk_gate", nodes, [tensor("logits", f32, ["T", E])], outs, [two])


def draw(rng: random.Random) -> Sizes:
    """At least as many experts as are chosen, and one that is not."""
    return {"E": about(rng, 3, 160), "BLOCK": about(rng, 32, 512, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "gate",
        "grid": [f"ceildiv(T, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["E", "BLOCK"]),
        "args": {
            "logits": "logits",
            "weights": "weights",
            "experts": "experts",
            "tokens": {"symbol": "T", "min": 1, "max": 65536},
        },
        "inputs": {"finite": ["logits"]},
    }


if __name__ == "__main__":
    main(build)
