"""A transformer's second half of a block on float16 rows: MatMul, bias, Gelu by erf, and the residual added."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"ROWS": 2048, "N": 1000, "K": 3072},
    {"ROWS": 128, "N": 768, "K": 768},
    {"ROWS": 5, "N": 45, "K": 33},
)
GROWS = {"ROWS": 256, "N": 100, "K": 307}


def build(N: int = 1000, K: int = 3072) -> onnx.ModelProto:
    """x: [R, K]; w: [K, N]; b: [N]; skip, y: [R, N], all f16, R open."""
    kind = TensorProto.FLOAT16
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"], "linear"),
        helper.make_node("Add", ["product", "b"], ["shifted"], "bias"),
        helper.make_node("Gelu", ["shifted"], ["active"], "gelu"),
        helper.make_node("Add", ["active", "skip"], ["y"], "residual"),
    ]
    inputs = [tensor("x", kind, ["R", K]), tensor("skip", kind, ["R", N])]
    weights = [weight("w", kind, [K, N]), weight("b", kind, [N])]
    return model("linear_gelu", nodes, inputs, [tensor("y", kind, ["R", N])], weights, opset=20)


def draw(rng: random.Random) -> Sizes:
    return {"ROWS": about(rng, 5, 4096), "N": about(rng, 9, 8192), "K": about(rng, 9, 8192)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "linear_gelu",
        "grid": [-(-sizes["N"] // 128), "R"],
        "block": [128],
        **defines(sizes, SIZES[0], ["N", "K"]),
        "args": {
            "x": "x",
            "w": "w",
            "b": "b",
            "skip": "skip",
            "y": "y",
            "rows": {"symbol": "R", "min": 1, "max": sizes["ROWS"]},
        },
    }


if __name__ == "__main__":
    main(build)
