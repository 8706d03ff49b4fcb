"""One expert of a mixture on one token, in float16: the weight chosen by an index, scaled by its gate."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"E": 64, "N": 1408, "K": 2048, "ROWS": 8},
    {"E": 8, "N": 14336, "K": 4096, "ROWS": 4},
    {"E": 4, "N": 30, "K": 520, "ROWS": 2},
)
GROWS = {"N": 352, "K": 512}


def build(E: int = 64, N: int = 1408, K: int = 2048) -> onnx.ModelProto:
    """W: f16 [E, N, K] (an initializer); x: f16 [K]; gates: f16 [E]; expert: int32 [1]; y: f16 [1, N]."""
    half = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Gather", ["W", "expert"], ["chosen"], "choose"),
        helper.make_node("MatMul", ["chosen", "x"], ["product"], "linear"),
        helper.make_node("Gather", ["gates", "expert"], ["gate"], "gate_of"),
        helper.make_node("Mul", ["product", "gate"], ["y"], "scale"),
    ]
    inputs = [tensor("x", half, [K]), tensor("gates", half, [E]), tensor("expert", TensorProto.INT32, [1])]
    return model("moe_expert", nodes, inputs, [tensor("y", half, [1, N])], [weight("W", half, [E, N, K])])


def draw(rng: random.Random) -> Sizes:
    """K: whole pairs."""
    return {
        "E": about(rng, 3, 128),
        "N": about(rng, 5, 16384),
        "K": about(rng, 128, 8192, 2),
        "ROWS": rng.choice((2, 4, 8)),
    }


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "moe_expert",
        "grid": [-(-sizes["N"] // sizes["ROWS"])],
        "block": [32, sizes["ROWS"]],
        **defines(sizes, SIZES[0], ["E", "N", "K"]),
        "args": {
            "W": "W",
            "x": "x",
            "gates": "gates",
            "e": {"symbol": "which", "min": 0, "max": sizes["E"] - 1},
            "y": "y",
        },
        "inputs": {"expert": "which"},
    }


if __name__ == "__main__":
    main(build)
