"""One decode step in bf16 with opset 23's Attention: a cache of open length P, grouped heads, a boolean mask of positions."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"H": 32, "KV": 8, "HD": 128, "CTX": 4096},
    {"H": 8, "KV": 8, "HD": 64, "CTX": 1000},
    {"H": 4, "KV": 2, "HD": 64, "CTX": 24},
)
GROWS = {"H": 8, "CTX": 512}


def build(H: int = 32, KV: int = 8, HD: int = 128) -> onnx.ModelProto:
    """q, o: bf16 [1, H, 1, HD]; k, v: [1, KV, 1, HD]; past_k, past_v: [1, KV, P, HD]; present: [1, KV, P + 1, HD]."""
    bf16, i64 = TensorProto.BFLOAT16, TensorProto.INT64
    node = helper.make_node
    nodes = [
        node("Concat", ["past_k", "k"], ["present_k"], "append_k", axis=2),
        node("Concat", ["past_v", "v"], ["present_v"], "append_v", axis=2),
        node("Shape", ["present_k"], ["length"], "length", start=2, end=3),
        node("Squeeze", ["length"], ["count"], "count"),
        node("Range", ["first", "count", "step"], ["positions"], "positions"),
        node("Sub", ["count", "step"], ["now"], "now"),
        node("LessOrEqual", ["positions", "now"], ["seen"], "seen"),
        node("Unsqueeze", ["seen", "axes"], ["mask"], "mask"),
        node("Attention", ["q", "present_k", "present_v", "mask"], ["o"], "attention", scale=HD**-0.5),
    ]
    stored = [
        constant("first", i64, [], [0]),
        constant("step", i64, [], [1]),
        constant("axes", i64, [3], [0, 1, 2]),
    ]
    past, present = [1, KV, "P", HD], [1, KV, "P + 1", HD]
    inputs = [tensor("q", bf16, [1, H, 1, HD]), *(tensor(n, bf16, [1, KV, 1, HD]) for n in "kv")]
    inputs += [tensor(n, bf16, past) for n in ("past_k", "past_v")]
    outputs = [tensor("o", bf16, [1, H, 1, HD]), *(tensor(n, bf16, present) for n in ("present_k", "present_v"))]
    return model("attention_decode_bf16", nodes, inputs, outputs, stored, opset=23)


def draw(rng: random.Random) -> Sizes:
    kv = about(rng, 1, 8)
    return {"H": kv * about(rng, 1, 8), "KV": kv, "HD": rng.choice((64, 128, 256)), "CTX": about(rng, 20, 6000)}


def spec(case: str, sizes: Sizes) -> Spec:
    context, dim = sizes["CTX"], sizes["HD"]
    named = defines(sizes, SIZES[0], ["H", "KV", "HD", "CTX"])
    if dim != SIZES[0]["HD"]:
        named["defines"]["SCALE"] = f"{dim**-0.25:.9g}f"
    cache = {
        "layout": f"[b, h, p, d] -> [(h * {context} + p) * {dim} + d]",
        "extent": sizes["KV"] * context * dim,
    }
    return {
        "kernel": "decode",
        "grid": [sizes["KV"]],
        "block": [dim],
        **named,
        "args": {
            "q": "q",
            "k_new": "k",
            "v_new": "v",
            "kc": {"input": "past_k", "output": "present_k", **cache},
            "vc": {"input": "past_v", "output": "present_v", **cache},
            "o": "o",
            "pos": {"symbol": "P", "min": 0, "max": context - 1},
        },
    }


if __name__ == "__main__":
    main(build)
