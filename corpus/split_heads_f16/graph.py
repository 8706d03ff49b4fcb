"""The heads of a projection as attention reads them: [B, S, H * D] to [B, H, S, D], on float16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"B": 2, "H": 32, "HD": 128, "CTX": 4096, "BLOCK": 256},
    {"B": 3, "H": 12, "HD": 80, "CTX": 1000, "BLOCK": 96},
    {"B": 2, "H": 3, "HD": 16, "CTX": 40, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"CTX": 256}


def build(B: int = 2, H: int = 32, HD: int = 128) -> onnx.ModelProto:
    """x: f16 [B, S, H * HD], y: f16 [B, H, S, HD], S open."""
    f16 = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["parts"], "split"),
        helper.make_node("Transpose", ["parts"], ["y"], "heads_first", perm=[0, 2, 1, 3]),
    ]
    shape = constant("shape", TensorProto.INT64, [4], [0, 0, H, HD])
    inputs, outputs = [tensor("x", f16, [B, "S", H * HD])], [tensor("y", f16, [B, H, "S", HD])]
    return model("split_heads", nodes, inputs, outputs, [shape])


def draw(rng: random.Random) -> Sizes:
    """HD: whole 16-byte loads. BLOCK: whole warps."""
    return {
        "B": rng.randint(2, 8),
        "H": rng.randint(2, 40),
        "HD": about(rng, 16, 256, 8),
        "CTX": about(rng, 33, 8192),
        "BLOCK": about(rng, 32, 512, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    groups = sizes["HD"] // 8
    return {
        "kernel": "split_heads",
        "grid": [f"ceildiv(S * {groups}, {sizes['BLOCK']})", sizes["H"], sizes["B"]],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["H", "HD"]),
        "args": {"x": "x", "y": "y", "length": {"symbol": "S", "min": 1, "max": sizes["CTX"]}},
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Heads that fill whole blocks leave no thread over."""
    return not case.endswith("__tokens_past_end") or sizes["HD"] // 8 % sizes["BLOCK"] != 0


if __name__ == "__main__":
    main(build)
