"""A mixture of experts on one token: the two that the router's logits choose, each a float16 product, added by their gates."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor, weight

SIZES = (
    {"E": 8, "N": 1408, "K": 2048, "ROWS": 8},
    {"E": 8, "N": 14336, "K": 4096, "ROWS": 4},
    {"E": 6, "N": 30, "K": 520, "ROWS": 2},
)
GROWS = {"N": 352, "K": 512}


def build(E: int = 8, N: int = 1408, K: int = 2048) -> onnx.ModelProto:
    """logits: f32 [1, E]; x: f16 [K]; W: f16 [E, N, K] (an initializer); y: f16 [1, N]."""
    f16, f32, i64 = TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.INT64
    nodes = [
        helper.make_node("TopK", ["logits", "two"], ["best", "experts"], "top", axis=1),
        helper.make_node("Softmax", ["best"], ["gates"], "gate", axis=1),
        helper.make_node("Gather", ["W", "experts"], ["chosen"], "choose"),
        helper.make_node("MatMul", ["chosen", "x"], ["products"], "linear"),
        helper.make_node("Cast", ["products"], ["wide"], "widen", to=f32),
        helper.make_node("Unsqueeze", ["gates", "last"], ["columns"], "columns"),
        helper.make_node("Mul", ["wide", "columns"], ["weighted"], "weigh"),
        helper.make_node("ReduceSum", ["weighted", "second"], ["sum"], "add", keepdims=0),
        helper.make_node("Cast", ["sum"], ["y"], "narrow", to=f16),
    ]
    constants = [
        constant("two", i64, [1], [2]),
        constant("last", i64, [1], [2]),
        constant("second", i64, [1], [1]),
        weight("W", f16, [E, N, K]),
    ]
    inputs = [tensor("logits", f32, [1, E]), tensor("x", f16, [K])]
    return model("moe_topk", nodes, inputs, [tensor("y", f16, [1, N])], constants)


def draw(rng: random.Random) -> Sizes:
    """K: whole pairs."""
    return {
        "E": about(rng, 3, 16),
        "N": about(rng, 5, 2048),
        "K": about(rng, 128, 2048, 2),
        "ROWS": rng.choice((2, 4, 8)),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    experts, gates = {"scratch": "experts", "extent": 2}, {"scratch": "gates", "extent": 2}
    first = {
        "kernel": "gate",
        "grid": [1],
        "block": [1],
        "args": {"logits": "logits", "experts": experts, "gates": gates},
    }
    second = {
        "kernel": "experts_of_token",
        "grid": [-(-sizes["N"] // sizes["ROWS"])],
        "block": [32, sizes["ROWS"]],
        "args": {"W": "W", "x": "x", "experts": experts, "gates": gates, "y": "y"},
    }
    return {
        **defines(sizes, SIZES[0], ["E", "N", "K"]),
        "launch": [first, second],
        "inputs": {"finite": ["logits"]},
    }


if __name__ == "__main__":
    main(build)
