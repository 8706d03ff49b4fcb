"""One decode step in bfloat16 over a cache of open length P; the G queries of a group share its keys and values."""

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
    {"HK": 8, "G": 4, "HD": 128, "CTX": 4096},
    {"HK": 4, "G": 7, "HD": 64, "CTX": 1000},
    {"HK": 2, "G": 3, "HD": 64, "CTX": 40},
)
GROWS = {"HK": 2, "CTX": 512}


def scale_of(HD: int) -> float:
    """1 / sqrt(HD), rounded to f32 and towards zero to bf16."""
    bits = struct.unpack("I", struct.pack("f", HD**-0.5))[0]
    return float(struct.unpack("f", struct.pack("I", bits >> 16 << 16))[0])


def build(HK: int = 8, G: int = 4, HD: int = 128) -> onnx.ModelProto:
    """q, o: bf16 [HK, G, HD]; k, v: [HK, 1, HD]; past_k, past_v: [HK, P, HD]; present_k, present_v: [HK, P + 1, HD]."""
    kind = TensorProto.BFLOAT16
    nodes = [
        helper.make_node("Concat", ["past_k", "k"], ["present_k"], "append_k", axis=1),
        helper.make_node("Concat", ["past_v", "v"], ["present_v"], "append_v", axis=1),
        helper.make_node("Transpose", ["present_k"], ["keys"], "transpose", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "keys"], ["raw"], "scores"),
        helper.make_node("Mul", ["raw", "scale"], ["scores"], "scale"),
        helper.make_node("Softmax", ["scores"], ["probs"], "softmax", axis=-1),
        helper.make_node("MatMul", ["probs", "present_v"], ["o"], "values"),
    ]
    new: Dims = [HK, 1, HD]
    past: Dims = [HK, "P", HD]
    present: Dims = [HK, "P + 1", HD]
    inputs = [tensor("q", kind, [HK, G, HD]), *(tensor(n, kind, new) for n in "kv")]
    inputs += [tensor(n, kind, past) for n in ("past_k", "past_v")]
    outputs = [tensor("o", kind, [HK, G, HD]), tensor("present_k", kind, present), tensor("present_v", kind, present)]
    return model("attention_grouped", nodes, inputs, outputs, [constant("scale", kind, [], [scale_of(HD)])])


def draw(rng: random.Random) -> Sizes:
    return {
        "HK": about(rng, 2, 16),
        "G": about(rng, 2, 8),
        "HD": rng.choice((64, 128, 256)),
        "CTX": about(rng, 40, 8000),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    heads, dim, context = sizes["HK"], sizes["HD"], sizes["CTX"]
    cache = {
        "layout": f"[h, p, d] -> [(h * {context} + p) * {dim} + d]",
        "extent": heads * context * dim,
    }
    return {
        "kernel": "attention_grouped",
        "grid": [heads],
        "block": [dim],
        **defines(sizes, SIZES[0], ["G", "HD", "CTX"]),
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


if __name__ == "__main__":
    main(build)
