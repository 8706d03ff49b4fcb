"""Linear quantisation to int8 with one scale and a zero point."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, defines, main, model, tensor

SIZES = (
    {"N": 2**22, "BLOCK": 256},
    {"N": 50001, "BLOCK": 128},
    {"N": 1000, "BLOCK": 32},
)
GROWS = {"N": 2**18}


def build() -> onnx.ModelProto:
    """x: f32 [N], N open; scale: f32 []; y: int8 [N]."""
    f32, i8 = TensorProto.FLOAT, TensorProto.INT8
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"], "quantize")]
    inputs = [tensor("x", f32, ["N"]), tensor("scale", f32, [])]
    zero = constant("zero", i8, [], [3])
    return model("quantize_int8", nodes, inputs, [tensor("y", i8, ["N"])], [zero])


def draw(rng: random.Random) -> Sizes:
    """BLOCK: whole warps."""
    return {"N": about(rng, 500, 2**24), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "quantize",
        "grid": [64],
        "block": [sizes["BLOCK"]],
        **defines(sizes, SIZES[0], ["BLOCK"]),
        "args": {"x": "x", "scale": "scale", "y": "y", "n": {"symbol": "N", "min": 1, "max": sizes["N"]}},
    }


if __name__ == "__main__":
    main(build)
