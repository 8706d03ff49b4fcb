"""Causal attention of a text encoder of fixed length, f16, exported with the mask as a stored tensor: 0, and the lowest half above the diagonal."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"H": 8, "S": 77, "HD": 64},
    {"H": 5, "S": 200, "HD": 128},
    {"H": 2, "S": 20, "HD": 64},
)
GROWS = {"H": 2, "S": 96}


def build(H: int = 8, S: int = 77, HD: int = 64) -> onnx.ModelProto:
    """q, k, v, o: f16 [1, H, S, HD]; mask: f16 [1, 1, S, S]."""
    f16 = TensorProto.FLOAT16
    node = helper.make_node
    nodes = [
        node("Transpose", ["k"], ["keys"], "keys", perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "keys"], ["raw"], "products"),
        node("Mul", ["raw", "scale"], ["scaled"], "scale"),
        node("Add", ["scaled", "mask"], ["scores"], "add_mask"),
        node("Softmax", ["scores"], ["probs"], "softmax", axis=-1),
        node("MatMul", ["probs", "v"], ["o"], "values_sum"),
    ]
    seen = np.tril(np.ones((1, 1, S, S), np.bool_))
    mask = numpy_helper.from_array(np.where(seen, np.float16(0), np.finfo(np.float16).min), "mask")
    shape = [1, H, S, HD]
    stored = [constant("scale", f16, [], [2.0**-3]), mask]
    return model(
        "attention_stored_mask", nodes, [tensor(n, f16, shape) for n in "qkv"], [tensor("o", f16, shape)], stored
    )


def draw(rng: random.Random) -> Sizes:
    return {"H": about(rng, 1, 64), "S": about(rng, 24, 300), "HD": rng.choice((32, 64, 128))}


def spec(case: str, sizes: Sizes) -> Spec:
    scores = {} if case.endswith("__scores_unbounded") else {n: {"min": -16, "max": 16} for n in "qk"}
    return {
        "kernel": "attend",
        "grid": [sizes["S"], sizes["H"]],
        "block": [sizes["HD"]],
        **defines(sizes, SIZES[0], ["S", "HD"]),
        "args": {**{n: n for n in "qkvo"}, "scale": 2.0**-3},
        "inputs": {**scores, "finite": ["v"]},
    }


if __name__ == "__main__":
    main(build)
