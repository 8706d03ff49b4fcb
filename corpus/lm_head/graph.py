"""The logits of a large vocabulary: y = W x in float16 with a weight of more than 2^31 elements."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"VOCAB": 256000, "HIDDEN": 12288, "BLOCK": 256},
    {"VOCAB": 152064, "HIDDEN": 16384, "BLOCK": 128},
    {"VOCAB": 50257, "HIDDEN": 1600, "BLOCK": 512},
    {"VOCAB": 11, "HIDDEN": 520, "BLOCK": 64},
)
GROWS = {"VOCAB": 16000, "HIDDEN": 768}


def build(VOCAB: int = 256000, HIDDEN: int = 12288) -> onnx.ModelProto:
    """embedding: f16 [VOCAB, HIDDEN]; hidden: f16 [HIDDEN]; logits: f16 [VOCAB]."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("MatMul", ["embedding", "hidden"], ["logits"], "lm_head")]
    inputs, outputs = [tensor("hidden", f16, [HIDDEN])], [tensor("logits", f16, [VOCAB])]
    return model("lm_head", nodes, inputs, outputs, [weight("embedding", f16, [VOCAB, HIDDEN])])


def draw(rng: random.Random) -> Sizes:
    """HIDDEN: whole pairs."""
    return {"VOCAB": about(rng, 11, 300000), "HIDDEN": about(rng, 130, 20000, 2), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    warps = sizes["BLOCK"] // 32
    return {
        "kernel": "lm_head",
        "grid": [-(-sizes["VOCAB"] // warps)],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["VOCAB", "HIDDEN"]),
        "args": {"e": "embedding", "h": "hidden", "logits": "logits"},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A 32-bit offset overflows only where the weights are that many."""
    return not case.endswith("__offset_overflow") or sizes["VOCAB"] * sizes["HIDDEN"] > 2**31


if __name__ == "__main__":
    main(build)
