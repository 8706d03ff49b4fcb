"""The next token: the place of the greatest logit, which is a float16 product of the output weights and the hidden state."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"HIDDEN": 512, "VOCAB": 8192, "BLOCK": 256},
    {"HIDDEN": 256, "VOCAB": 1000, "BLOCK": 128},
    {"HIDDEN": 64, "VOCAB": 300, "BLOCK": 64},
)
GROWS = {"HIDDEN": 128, "VOCAB": 1024}


def build(HIDDEN: int = 512, VOCAB: int = 8192) -> onnx.ModelProto:
    """h: f16 [1, HIDDEN]; w: f16 [VOCAB, HIDDEN]; token: i64 [1]."""
    f16, f32, i64 = TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.INT64
    nodes = [
        helper.make_node("Cast", ["h"], ["wide_h"], "widen_state", to=f32),
        helper.make_node("Cast", ["w"], ["wide_w"], "widen_weights", to=f32),
        helper.make_node("Gemm", ["wide_h", "wide_w"], ["logits"], "head", transB=1),
        helper.make_node("ArgMax", ["logits"], ["token"], "greedy", axis=1, keepdims=0),
    ]
    token = tensor("token", i64, [1])
    return model("greedy_token", nodes, [tensor("h", f16, [1, HIDDEN])], [token], [weight("w", f16, [VOCAB, HIDDEN])])


def draw(rng: random.Random) -> Sizes:
    """More tokens than a block has threads, and hidden states of whole warps."""
    return {"HIDDEN": about(rng, 64, 1024, 32), "VOCAB": about(rng, 1100, 8000), "BLOCK": about(rng, 64, 512, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    block = sizes["BLOCK"]
    logits = {"scratch": "logits", "extent": sizes["VOCAB"]}
    first = {
        "kernel": "logits_of_tokens",
        "grid": [-(-sizes["VOCAB"] // (block // 32))],
        "block": [block],
        "args": {"h": "h", "w": "w", "logits": logits},
    }
    second = {"kernel": "greatest_logit", "grid": [1], "block": [block], "args": {"logits": logits, "token": "token"}}
    return {**defines(sizes, SIZES[0], ["HIDDEN", "VOCAB", "BLOCK"]), "launch": [first, second]}


if __name__ == "__main__":
    main(build)
