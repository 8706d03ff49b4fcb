"""The residual sum of two int8 tensors of one scale, in int32, saturated."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, constant, main, model, tensor

SIZES = ({"N": 25165824, "BLOCK": 256}, {"N": 10008, "BLOCK": 96}, {"N": 200, "BLOCK": 32})

# A pair of sizes for measuring what a proof costs: these, and these times a factor.
GROWS = {"N": 1048576}


def build() -> onnx.ModelProto:
    """a, b, y: i8 [4 G], G open."""
    i8, i32 = TensorProto.INT8, TensorProto.INT32
    nodes = [
        helper.make_node("Cast", ["a"], ["a32"], "widen_a", to=i32),
        helper.make_node("Cast", ["b"], ["b32"], "widen_b", to=i32),
        helper.make_node("Add", ["a32", "b32"], ["sum"], "add"),
        helper.make_node("Clip", ["sum", "low", "high"], ["clipped"], "saturate"),
        helper.make_node("Cast", ["clipped"], ["y"], "narrow", to=i8),
    ]
    stored = [constant("low", i32, [], [-128]), constant("high", i32, [], [127])]
    a, b, y = (tensor(name, i8, ["G", 4]) for name in "aby")
    return model("add_int8", nodes, [a, b], [y], stored)


def draw(rng: random.Random) -> Sizes:
    """BLOCK: whole warps."""
    return {"N": about(rng, 50, 2**26), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "add_int8",
        "grid": [f"ceildiv(G, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        "args": {"a": "a", "b": "b", "y": "y", "groups": {"symbol": "G", "min": 1, "max": sizes["N"] // 4}},
    }


if __name__ == "__main__":
    main(build)
