"""One decode step of attention over a cache of open length P: scores, softmax, weighted values, the cache appended."""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Dims, Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"HEADS": 32, "HD": 128, "CTX": 4096},
    {"HEADS": 40, "HD": 128, "CTX": 2048},
    {"HEADS": 8, "HD": 64, "CTX": 1000},
    {"HEADS": 2, "HD": 64, "CTX": 40},
)
GROWS = {"HEADS": 4, "CTX": 512}


def scale_of(HD: int) -> float:
    """1 / sqrt(HD), rounded to f32."""
    return float(struct.unpack("f", struct.pack("f", HD**-0.5))[0])


def build(HEADS: int = 32, HD: int = 128) -> onnx.ModelProto:
    """q, k, v: f32 [HEADS, 1, HD]; past_k, past_v: [HEADS, P, HD]; present_k, present_v: [HEADS, P + 1, HD]; o: as q."""
    f32 = TensorProto.FLOAT
    nodes = [
        helper.make_node("Concat", ["past_k", "k"], ["present_k"], "append_k", axis=1),
        helper.make_node("Concat", ["past_v", "v"], ["present_v"], "append_v", axis=1),
        helper.make_node("Transpose", ["present_k"], ["keys"], "transpose", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "keys"], ["raw"], "scores"),
        helper.make_node("Mul", ["raw", "scale"], ["scores"], "scale"),
        helper.make_node("Softmax", ["scores"], ["probs"], "softmax", axis=-1),
        helper.make_node("MatMul", ["probs", "present_v"], ["o"], "values"),
    ]
    one: Dims = [HEADS, 1, HD]
    past: Dims = [HEADS, "P", HD]
    present: Dims = [HEADS, "P + 1", HD]
    inputs = [tensor(n, f32, one) for n in "qkv"] + [tensor(n, f32, past) for n in ("past_k", "past_v")]
    outputs = [tensor("o", f32, one), tensor("present_k", f32, present), tensor("present_v", f32, present)]
    return model("attention_decode", nodes, inputs, outputs, [constant("scale", f32, [], [scale_of(HD)])])


def draw(rng: random.Random) -> Sizes:
    """HD: the trees halve it."""
    return {"HEADS": about(rng, 2, 64), "HD": rng.choice((64, 128, 256)), "CTX": about(rng, 30, 8000)}


def spec(case: str, sizes: Sizes) -> Spec:
    heads, dim, context = sizes["HEADS"], sizes["HD"], sizes["CTX"]
    cache = {
        "layout": f"[h, p, d] -> [(h * {context} + p) * {dim} + d]",
        "extent": heads * context * dim,
    }
    dynamic = {"shared": 4 * (context + 2 * dim)} if case.startswith("two_pass_tree") else {}
    return {
        "kernel": "attention_decode",
        "grid": [heads],
        "block": [dim],
        **dynamic,
        **defines(sizes, SIZES[0], ["HD", "CTX"]),
        "args": {
            "q": "q",
            "k_new": "k",
            "v_new": "v",
            "kc": {"input": "past_k", "output": "present_k", **cache},
            "vc": {"input": "past_v", "output": "present_v", **cache},
            "o": "o",
            "scale": scale_of(dim),
            "pos": {"symbol": "P", "min": 0, "max": context - 1},
        },
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Of dynamic shared memory the query lies behind the probabilities, and is read 16 bytes at a time. A tree that starts late
    misses terms only where there are as many."""
    whole = not case.startswith("two_pass_tree") or sizes["CTX"] % 4 == 0
    return whole and (not case.endswith("__tree_starts_late") or 2 * sizes["CTX"] > sizes["HD"])


if __name__ == "__main__":
    main(build)
