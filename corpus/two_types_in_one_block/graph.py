"""y = x W in float32, the weight in float16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, defines, main, model, tensor, weight

SIZES = (
    {"M": 512, "N": 4096, "K": 4096, "T": 16, "D": 32},
    {"M": 64, "N": 11008, "K": 4096, "T": 32, "D": 32},
    {"M": 48, "N": 96, "K": 128, "T": 16, "D": 64},
    {"M": 16, "N": 24, "K": 32, "T": 8, "D": 16},
)
NAMES = ["N", "K", "T", "D"]

GROWS = {"M": 128, "N": 1024, "K": 1024}


def build(M: int = 512, N: int = 4096, K: int = 4096) -> onnx.ModelProto:
    """x: f32 [M, K]; W: f16 [K, N] (an initializer); y: f32 [M, N]."""
    f32, f16 = TensorProto.FLOAT, TensorProto.FLOAT16
    nodes = [
        helper.make_node("Cast", ["W"], ["V"], "widen", to=f32),
        helper.make_node("MatMul", ["x", "V"], ["y"], "matmul"),
    ]
    return model("linear", nodes, [tensor("x", f32, [M, K])], [tensor("y", f32, [M, N])], [weight("W", f16, [K, N])])


def draw(rng: random.Random) -> Sizes:
    """Whole tiles of T by D."""
    t = rng.choice((8, 16, 32))
    d = t * rng.choice((1, 2, 4))
    return {"M": t * rng.randint(1, 40), "N": t * rng.randint(1, 100), "K": d * rng.randint(2, 100), "T": t, "D": d}


def spec(case: str, sizes: Sizes) -> Spec:
    """A tile of x in float, then one of W in half."""
    t = sizes["T"]
    return {
        "kernel": "linear",
        "grid": [sizes["N"] // t, sizes["M"] // t],
        "block": [t, t],
        "shared": t * sizes["D"] * 6,
        **defines(sizes, SIZES[0], NAMES),
        "args": {"x": "x", "W": "W", "y": "y"},
    }


if __name__ == "__main__":
    main(build)
