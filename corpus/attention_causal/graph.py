"""Causal attention over a prompt of open length S, f16: the mask is made of Shape, Range, LessOrEqual and Where, and added."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"H": 32, "HD": 128, "CTX": 2048},
    {"H": 12, "HD": 64, "CTX": 1024},
    {"H": 2, "HD": 64, "CTX": 20},
)
GROWS = {"H": 8, "CTX": 256}


def build(H: int = 32, HD: int = 128) -> onnx.ModelProto:
    """q, k, v, o: f16 [1, H, S, HD]."""
    f16, i64 = TensorProto.FLOAT16, TensorProto.INT64
    node = helper.make_node
    nodes = [
        node("Shape", ["q"], ["length"], "length", start=2, end=3),
        node("Squeeze", ["length"], ["count"], "count"),
        node("Range", ["first", "count", "step"], ["positions"], "positions"),
        node("Unsqueeze", ["positions", "last"], ["rows"], "rows"),
        node("LessOrEqual", ["positions", "rows"], ["seen"], "seen"),
        node("Where", ["seen", "zero", "lowest"], ["mask"], "mask"),
        node("Transpose", ["k"], ["keys"], "keys", perm=[0, 1, 3, 2]),
        node("Mul", ["q", "scale"], ["q_scaled"], "scale_q"),
        node("Mul", ["keys", "scale"], ["k_scaled"], "scale_k"),
        node("MatMul", ["q_scaled", "k_scaled"], ["raw"], "scores"),
        node("Add", ["raw", "mask"], ["scores"], "add_mask"),
        node("Softmax", ["scores"], ["probs"], "softmax", axis=-1),
        node("MatMul", ["probs", "v"], ["o"], "values_sum"),
    ]
    stored = [
        constant("first", i64, [], [0]),
        constant("step", i64, [], [1]),
        constant("last", i64, [1], [1]),
        constant("zero", f16, [], [0.0]),
        constant("lowest", f16, [], [float("-inf")]),
        constant("scale", f16, [], [HD**-0.25]),
    ]
    shape = [1, H, "S", HD]
    return model("attention_causal", nodes, [tensor(n, f16, shape) for n in "qkv"], [tensor("o", f16, shape)], stored)


def draw(rng: random.Random) -> Sizes:
    return {"H": about(rng, 1, 64), "HD": rng.choice((64, 128, 256)), "CTX": about(rng, 24, 3000)}


def spec(case: str, sizes: Sizes) -> Spec:
    bounds = {"q": {"min": -16, "max": 16}, "k": {"min": -16, "max": 16}, "finite": ["v"]}
    if case.endswith("__scores_unbounded"):
        bounds = {"finite": ["q", "k", "v"]}
    if case.endswith("__values_unbounded"):
        del bounds["finite"]
    return {
        "kernel": "attend",
        "grid": [sizes["H"], "S"],
        "block": [sizes["HD"]],
        **defines(sizes, SIZES[0], ["HD", "CTX"]),
        "args": {
            **{n: n for n in "qkvo"},
            "length": {"symbol": "S", "min": 1, "max": sizes["CTX"]},
            "scale": sizes["HD"] ** -0.25,
        },
        "inputs": bounds,
    }


if __name__ == "__main__":
    main(build)
