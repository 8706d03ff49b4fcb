"""A gated unit of one token in float16: SiLU of one matrix times x, by another matrix times x."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"N": 11008, "K": 4096, "BLOCK": 256},
    {"N": 1001, "K": 2056, "BLOCK": 128},
    {"N": 37, "K": 264, "BLOCK": 64},
)
GROWS = {"N": 1376, "K": 512}


def build(N: int = 11008, K: int = 4096) -> onnx.ModelProto:
    """gate, up: [N, K] (initializers); x: [K]; h: [N], all f16."""
    half = TensorProto.FLOAT16
    nodes = [
        helper.make_node("MatMul", ["gate", "x"], ["g"], "gate_proj"),
        helper.make_node("MatMul", ["up", "x"], ["u"], "up_proj"),
        helper.make_node("Sigmoid", ["g"], ["s"], "sigmoid"),
        helper.make_node("Mul", ["g", "s"], ["active"], "silu"),
        helper.make_node("Mul", ["active", "u"], ["h"], "gated"),
    ]
    weights = [weight("gate", half, [N, K]), weight("up", half, [N, K])]
    return model("swiglu", nodes, [tensor("x", half, [K])], [tensor("h", half, [N])], weights)


def draw(rng: random.Random) -> Sizes:
    """K: whole 16-byte loads."""
    return {"N": about(rng, 5, 20000), "K": about(rng, 264, 16384, 8), "BLOCK": about(rng, 64, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "swiglu",
        "grid": [-(-sizes["N"] * 32 // sizes["BLOCK"])],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["N", "K"]),
        "args": {"gate": "gate", "up": "up", "x": "x", "h": "h"},
    }


if __name__ == "__main__":
    main(build)
