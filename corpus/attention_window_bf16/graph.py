"""Attention over a window of the last W keys, bf16, over a prompt of fixed length: which keys are kept is a stored tensor of booleans."""

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
    {"H": 8, "S": 96, "W": 32, "HD": 64},
    {"H": 3, "S": 130, "W": 20, "HD": 128},
    {"H": 2, "S": 20, "W": 6, "HD": 64},
)
GROWS = {"H": 2, "S": 96, "W": 32}


def build(H: int = 8, S: int = 96, W: int = 32, HD: int = 64) -> onnx.ModelProto:
    """q, k, v, o: bf16 [1, H, S, HD]; keep: bool [1, 1, S, S]."""
    kind = TensorProto.BFLOAT16
    node = helper.make_node
    nodes = [
        node("Transpose", ["k"], ["keys"], "keys", perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "keys"], ["raw"], "products"),
        node("Mul", ["raw", "scale"], ["scaled"], "scale"),
        node("Where", ["keep", "scaled", "lowest"], ["scores"], "mask"),
        node("Softmax", ["scores"], ["probs"], "softmax", axis=-1),
        node("MatMul", ["probs", "v"], ["o"], "values_sum"),
    ]
    seen = np.tril(np.ones((1, 1, S, S), np.bool_)) & ~np.tril(np.ones((1, 1, S, S), np.bool_), -W)
    stored = [
        numpy_helper.from_array(seen, "keep"),
        constant("scale", kind, [], [2.0**-3]),
        constant("lowest", kind, [], [float("-inf")]),
    ]
    shape = [1, H, S, HD]
    ends = [tensor(n, kind, shape) for n in "qkv"], [tensor("o", kind, shape)]
    return model("attention_window", nodes, *ends, stored)


def draw(rng: random.Random) -> Sizes:
    size = about(rng, 24, 300)
    return {"H": about(rng, 1, 64), "S": size, "W": rng.randint(4, size // 2), "HD": rng.choice((64, 128, 256))}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "attend",
        "grid": [sizes["S"], sizes["H"]],
        "block": [sizes["HD"]],
        **defines(sizes, SIZES[0], ["S", "W", "HD"]),
        "args": {**{n: n for n in "qkvo"}, "scale": 2.0**-3},
        **({} if case.endswith("__values_unbounded") else {"inputs": {"finite": ["v"]}}),
    }


if __name__ == "__main__":
    main(build)
