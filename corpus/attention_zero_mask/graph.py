"""Attention of one decode step as torch exports it with a fixed cache length: queries and keys both scaled, a mask of zeros added,
a guard against NaN; f16 with grouped heads."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"H": 32, "KV": 8, "P": 512, "HD": 128},
    {"H": 16, "KV": 8, "P": 100, "HD": 64},
    {"H": 4, "KV": 2, "P": 15, "HD": 64},
)
GROWS = {"H": 8, "P": 256}


def build(H: int = 32, KV: int = 8, P: int = 512, HD: int = 128) -> onnx.ModelProto:
    """q: f16 [1, H, 1, HD]; k, v: [1, KV, P + 1, HD], the new key and value in their last row; o: as q."""
    f16, i64 = TensorProto.FLOAT16, TensorProto.INT64
    groups, keys = H // KV, P + 1
    node = helper.make_node
    nodes = [
        node("Unsqueeze", ["k", "two"], ["k5"], "k_groups"),
        node("Expand", ["k5", "grouped"], ["k_all"], "k_expand"),
        node("Reshape", ["k_all", "flat"], ["k_flat"], "k_heads"),
        node("Transpose", ["k_flat"], ["k_t"], "k_transpose", perm=[0, 2, 1]),
        node("Reshape", ["k_t", "columns"], ["keys"], "k_columns"),
        node("Unsqueeze", ["v", "two"], ["v5"], "v_groups"),
        node("Expand", ["v5", "grouped"], ["v_all"], "v_expand"),
        node("Reshape", ["v_all", "rows"], ["values"], "v_heads"),
        node("Mul", ["q", "scale"], ["q_scaled"], "scale_q"),
        node("Mul", ["keys", "scale"], ["k_scaled"], "scale_k"),
        node("MatMul", ["q_scaled", "k_scaled"], ["raw"], "scores"),
        node("Add", ["raw", "mask"], ["scores"], "add_mask"),
        node("Softmax", ["scores"], ["p"], "softmax", axis=-1),
        node("IsNaN", ["p"], ["bad"], "is_nan"),
        node("Where", ["bad", "zero", "p"], ["probs"], "without_nan"),
        node("MatMul", ["probs", "values"], ["o"], "values_sum"),
    ]
    stored = [
        constant("two", i64, [1], [2]),
        constant("grouped", i64, [5], [1, KV, groups, keys, HD]),
        constant("flat", i64, [3], [H, keys, HD]),
        constant("columns", i64, [4], [1, H, HD, keys]),
        constant("rows", i64, [4], [1, H, keys, HD]),
        constant("scale", f16, [], [HD**-0.25]),
        constant("mask", f16, [1, 1, 1, keys], [0.0] * keys),
        constant("zero", f16, [], [0.0]),
    ]
    inputs = [tensor("q", f16, [1, H, 1, HD]), *(tensor(n, f16, [1, KV, keys, HD]) for n in "kv")]
    return model("attention_zero_mask", nodes, inputs, [tensor("o", f16, [1, H, 1, HD])], stored)


def draw(rng: random.Random) -> Sizes:
    kv = about(rng, 1, 8)
    return {"H": kv * about(rng, 1, 8), "KV": kv, "P": about(rng, 10, 2000), "HD": rng.choice((64, 128, 256))}


def spec(case: str, sizes: Sizes) -> Spec:
    bounded = {"inputs": {n: {"min": -16, "max": 16} for n in "qk"}} if case.startswith("bounded") else {}
    return {
        "kernel": "attend",
        "grid": [sizes["H"]],
        "block": [sizes["HD"]],
        **defines(sizes, SIZES[0], ["H", "KV", "P", "HD"]),
        "args": {**{n: n for n in "qkvo"}, "scale": sizes["HD"] ** -0.25},
        **bounded,
    }


if __name__ == "__main__":
    main(build)
