"""A gate on float16 logits: widened, the two greatest of each token, a softmax over these rounded to float16, and their experts."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = ({"E": 64, "BLOCK": 128}, {"E": 160, "BLOCK": 256}, {"E": 33, "BLOCK": 64})
GROWS = {"E": 40}


def build(E: int = 64) -> onnx.ModelProto:
    """logits: f16 [T, E]; weights: f16 [T, 2]; experts: i64 [T, 2]."""
    f16, f32, i64 = TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.INT64
    two = helper.make_tensor("two", i64, [1], [2])
    nodes = [
        helper.make_node("Cast", ["logits"], ["wide"], "widen", to=f32),
        helper.make_node("TopK", ["wide", "two"], ["best", "experts"], "top", axis=1),
        helper.make_node("Softmax", ["best"], ["gates"], "gate", axis=1),
        helper.make_node("Cast", ["gates"], ["weights"], "narrow", to=f16),
    ]
    outs = [tensor("weights", f16, ["T", 2]), tensor("experts", i64, ["T", 2])]
    return model("topk_gate", nodes, [tensor("logits", f16, ["T", E])], outs, [two])


def draw(rng: random.Random) -> Sizes:
    """More experts than a warp has lanes."""
    return {"E": about(rng, 40, 320), "BLOCK": about(rng, 32, 512, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "gate",
        "grid": [f"ceildiv(T, {sizes['BLOCK'] // 32})"],
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
    return not case.endswith("__whole_blocks") or sizes["BLOCK"] > 32


if __name__ == "__main__":
    main(build)
