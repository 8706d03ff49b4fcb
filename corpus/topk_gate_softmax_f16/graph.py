"""A gate as exporters write it: a softmax over all experts on float16 logits, its two greatest shares, and these divided by their sum."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = ({"E": 64, "BLOCK": 128}, {"E": 160, "BLOCK": 256}, {"E": 96, "BLOCK": 64})
GROWS = {"E": 64}


def build(E: int = 64) -> onnx.ModelProto:
    """logits: f16 [T, E]; weights: f16 [T, 2]; experts: i64 [T, 2]."""
    f16, f32, i64 = TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.INT64
    nodes = [
        helper.make_node("Cast", ["logits"], ["wide"], "widen", to=f32),
        helper.make_node("Softmax", ["wide"], ["shares"], "share", axis=1),
        helper.make_node("TopK", ["shares", "two"], ["best", "experts"], "top", axis=1),
        helper.make_node("ReduceSum", ["best", "last"], ["total"], "add", keepdims=1),
        helper.make_node("Div", ["best", "total"], ["gates"], "normalise"),
        helper.make_node("Cast", ["gates"], ["weights"], "narrow", to=f16),
    ]
    constants = [constant("two", i64, [1], [2]), constant("last", i64, [1], [1])]
    outs = [tensor("weights", f16, ["T", 2]), tensor("experts", i64, ["T", 2])]
    return model("topk_gate", nodes, [tensor("logits", f16, ["T", E])], outs, constants)


def draw(rng: random.Random) -> Sizes:
    """Two experts a lane, at least."""
    return {"E": about(rng, 64, 256, 32), "BLOCK": about(rng, 32, 512, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    tokens = sizes["BLOCK"] // (32 if case.startswith("warp") else 1)
    return {
        "kernel": "gate",
        "grid": [f"ceildiv(T, {tokens})"],
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


def allows(case: str, sizes: Sizes) -> bool:
    """A block of one token has none past the last."""
    return case != "warp_token__whole_blocks" or sizes["BLOCK"] > 32


if __name__ == "__main__":
    main(build)
