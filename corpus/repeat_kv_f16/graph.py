"""Each key head for the query heads that share it: Unsqueeze, Expand, Reshape of float16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"KV": 8, "GROUP": 4, "HD": 128, "CTX": 8192, "BLOCK": 256},
    {"KV": 3, "GROUP": 5, "HD": 80, "CTX": 1000, "BLOCK": 96},
    {"KV": 2, "GROUP": 3, "HD": 16, "CTX": 40, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"CTX": 512}


def build(KV: int = 8, GROUP: int = 4, HD: int = 128) -> onnx.ModelProto:
    """k: f16 [KV, S, HD], y: f16 [KV * GROUP, S, HD], S open."""
    f16, i64 = TensorProto.FLOAT16, TensorProto.INT64
    nodes = [
        helper.make_node("Unsqueeze", ["k", "axis"], ["one"], "one"),
        helper.make_node("Expand", ["one", "copies"], ["several"], "expand"),
        helper.make_node("Shape", ["k"], ["lengths"], "lengths", start=1),
        helper.make_node("Concat", ["heads", "lengths"], ["shape"], "shape", axis=0),
        helper.make_node("Reshape", ["several", "shape"], ["y"], "merge"),
    ]
    stored = [
        constant("axis", i64, [1], [1]),
        constant("copies", i64, [4], [1, GROUP, 1, 1]),
        constant("heads", i64, [1], [KV * GROUP]),
    ]
    inputs, outputs = [tensor("k", f16, [KV, "S", HD])], [tensor("y", f16, [KV * GROUP, "S", HD])]
    return model("repeat_kv", nodes, inputs, outputs, stored)


def draw(rng: random.Random) -> Sizes:
    """HD: whole pairs. BLOCK: whole warps."""
    return {
        "KV": rng.randint(2, 12),
        "GROUP": rng.randint(2, 9),
        "HD": about(rng, 16, 256, 2),
        "CTX": about(rng, 33, 8192),
        "BLOCK": about(rng, 32, 512, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "repeat_kv",
        "grid": [f"ceildiv(S * {sizes['HD'] // 2}, {sizes['BLOCK']})", sizes["KV"]],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["GROUP", "HD"]),
        "args": {"k": "k", "y": "y", "length": {"symbol": "S", "min": 1, "max": sizes["CTX"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Heads that fill whole blocks leave no thread over."""
    return not case.endswith("__past_last_pair") or sizes["HD"] // 2 % sizes["BLOCK"] != 0


if __name__ == "__main__":
    main(build)
