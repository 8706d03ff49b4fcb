"""Attention scores of one query: s = (K q) / sqrt(D) in float32, D = 64."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, main, model, tensor

D, ROOT = 64, 8.0
SIZES = (
    {"P": 131072, "BLOCK": 256},
    {"P": 1001, "BLOCK": 128},
    {"P": 67, "BLOCK": 64},
)
GROWS = {"P": 8192}


def build() -> onnx.ModelProto:
    """k: [P, D], P open; q: [D]; s: [P]."""
    f32 = TensorProto.FLOAT
    nodes = [
        helper.make_node("MatMul", ["k", "q"], ["dots"], "dots"),
        helper.make_node("Div", ["dots", "root"], ["s"], "scale"),
    ]
    inputs = [tensor("k", f32, ["P", D]), tensor("q", f32, [D])]
    return model("scaled_scores", nodes, inputs, [tensor("s", f32, ["P"])], [constant("root", f32, [], [ROOT])])


def draw(rng: random.Random) -> Sizes:
    """P: any. BLOCK: whole warps."""
    return {"P": about(rng, 10, 2**17), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "scores",
        "grid": [f"ceildiv(P, {sizes['BLOCK'] // 32})"],
        "block": [sizes["BLOCK"]],
        "args": {"k": "k", "q": "q", "s": "s", "p": {"symbol": "P", "min": 1, "max": sizes["P"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """With one key a block there is no warp without a key."""
    return not case.endswith("__key_past_end") or sizes["BLOCK"] > 32


if __name__ == "__main__":
    main(build)
