"""RotaryEmbedding of float16 heads, neighbours as real and imaginary parts, with tables for every position."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor

SIZES = (
    {"B": 2, "H": 32, "HD": 128, "CTX": 4096, "BLOCK": 256},
    {"B": 3, "H": 5, "HD": 80, "CTX": 1000, "BLOCK": 96},
    {"B": 2, "H": 3, "HD": 16, "CTX": 40, "BLOCK": 32},
)

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"CTX": 256}


def build(B: int = 2, H: int = 32, HD: int = 128) -> onnx.ModelProto:
    """x, y: f16 [B, H, S, HD]; cosine, sine: f16 [B, S, HD / 2]; S open."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("RotaryEmbedding", ["x", "cosine", "sine"], ["y"], "rope", interleaved=1)]
    tables = [tensor(name, f16, [B, "S", HD // 2]) for name in ("cosine", "sine")]
    x, y = (tensor(name, f16, [B, H, "S", HD]) for name in "xy")
    return model("rope", nodes, [x, *tables], [y], opset=23)


def draw(rng: random.Random) -> Sizes:
    """BLOCK: whole warps."""
    return {
        "B": rng.randint(2, 8),
        "H": rng.randint(2, 40),
        "HD": about(rng, 16, 256, 4),
        "CTX": about(rng, 33, 8192),
        "BLOCK": about(rng, 32, 512, 32),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "rope",
        "grid": [f"ceildiv(S * {sizes['HD'] // 2}, {sizes['BLOCK']})", sizes["H"], sizes["B"]],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["H", "HD"]),
        "args": {
            "x": "x",
            "cosine": "cosine",
            "sine": "sine",
            "y": "y",
            "length": {"symbol": "S", "min": 1, "max": sizes["CTX"]},
        },
    }


def allows(case: str, sizes: Sizes) -> bool:
    """Heads that fill whole blocks leave no thread over."""
    return not case.endswith("__pairs_past_end") or sizes["HD"] // 2 % sizes["BLOCK"] != 0


if __name__ == "__main__":
    main(build)
