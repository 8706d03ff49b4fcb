"""Attention of T queries to S keys in float16, the queries of a group sharing theirs: scores, softmax, values."""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"HK": 4, "G": 3, "T": 7, "S": 500, "HD": 128},
    {"HK": 2, "G": 7, "T": 64, "S": 1500, "HD": 128},
    {"HK": 2, "G": 2, "T": 3, "S": 40, "HD": 128},
)
GROWS = {"HK": 2, "T": 4, "S": 100}


def scale_of(HD: int) -> float:
    """1 / sqrt(HD), rounded to f16."""
    return float(struct.unpack("e", struct.pack("e", HD**-0.5))[0])


def build(HK: int = 4, G: int = 3, T: int = 7, S: int = 500, HD: int = 128) -> onnx.ModelProto:
    """q, o: f16 [HK, G, T, HD]; k, v: f16 [HK, 1, S, HD], shared by the G queries of a group."""
    half = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Transpose", ["k"], ["keys"], "transpose", perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["q", "keys"], ["raw"], "scores"),
        helper.make_node("Mul", ["raw", "scale"], ["scores"], "scale"),
        helper.make_node("Softmax", ["scores"], ["probs"], "softmax", axis=-1),
        helper.make_node("MatMul", ["probs", "v"], ["o"], "values"),
    ]
    constants = [constant("scale", half, [], [scale_of(HD)])]
    shared = [HK, 1, S, HD]
    inputs = [tensor("q", half, [HK, G, T, HD]), tensor("k", half, shared), tensor("v", half, shared)]
    return model("attention_cross", nodes, inputs, [tensor("o", half, [HK, G, T, HD])], constants)


def draw(rng: random.Random) -> Sizes:
    return {
        "HK": about(rng, 2, 16),
        "G": about(rng, 2, 8),
        "T": about(rng, 2, 64),
        "S": about(rng, 40, 1500),
        "HD": rng.choice((128, 256)),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "attention_cross",
        "grid": [sizes["T"], sizes["HK"] * sizes["G"]],
        "block": [sizes["HD"]],
        **defines(sizes, SIZES[0], ["G", "T", "S", "HD"]),
        "args": {"q": "q", "k": "k", "v": "v", "o": "o", "scale": scale_of(sizes["HD"])},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """A wrong value is shown by a run of the graph, which has to be affordable."""
    products = sizes["HK"] * sizes["G"] * sizes["T"] * sizes["S"] * sizes["HD"]
    return "__" not in case or products <= 6_000_000


if __name__ == "__main__":
    main(build)
