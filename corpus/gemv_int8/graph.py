"""y = W x with W stored as int8: DequantizeLinear with a scale a row, then MatMul in float16."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, defines, main, model, tensor, weight

SIZES = (
    {"N": 4096, "K": 11008, "ROWS": 4},
    {"N": 1000, "K": 4112, "ROWS": 2},
    {"N": 24, "K": 528, "ROWS": 8},
)
GROWS = {"N": 512, "K": 1376}


def build(N: int = 4096, K: int = 11008) -> onnx.ModelProto:
    """W: int8 [N, K], scale: f16 [N] (initializers); x: f16 [K]; y: f16 [N]."""
    half = TensorProto.FLOAT16
    nodes = [
        helper.make_node("DequantizeLinear", ["W", "scale"], ["weight"], "dequantize", axis=0),
        helper.make_node("MatMul", ["weight", "x"], ["y"], "linear"),
    ]
    weights = [weight("W", TensorProto.INT8, [N, K]), weight("scale", half, [N])]
    return model("gemv_int8", nodes, [tensor("x", half, [K])], [tensor("y", half, [N])], weights, opset=21)


def draw(rng: random.Random) -> Sizes:
    """K: whole 16-byte loads; N: whole blocks."""
    rows = rng.choice((2, 4, 8))
    return {"N": about(rng, 16, 20000, rows), "K": about(rng, 528, 30000, 16), "ROWS": rows}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "gemv_int8",
        "grid": [sizes["N"] // sizes["ROWS"]],
        "block": [32 * sizes["ROWS"]],
        **defines(sizes, SIZES[0], ["K", "ROWS"]),
        "args": {"W": "W", "scale": "scale", "x": "x", "y": "y"},
    }


if __name__ == "__main__":
    main(build)
