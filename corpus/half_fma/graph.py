"""y = a * b + c in float16: two roundings, as the graph has two nodes."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, main, model, tensor

SIZES = (
    {"N": 16777216, "BLOCK": 256},
    {"N": 100001, "BLOCK": 128},
    {"N": 203, "BLOCK": 32},
)
GROWS = {"N": 1048576}


def build() -> onnx.ModelProto:
    """a, b, c, y: f16 [N], N open."""
    f16 = TensorProto.FLOAT16
    nodes = [
        helper.make_node("Mul", ["a", "b"], ["product"], "mul"),
        helper.make_node("Add", ["product", "c"], ["y"], "add"),
    ]
    return model("half_fma", nodes, [tensor(n, f16, ["N"]) for n in "abc"], [tensor("y", f16, ["N"])])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take."""
    return {"N": about(rng, 100, 2**24), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    each = 2 if case.startswith("half2") else 1
    return {
        "kernel": "half_fma",
        "grid": [f"ceildiv(N, {each * sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        "args": {"a": "a", "b": "b", "c": "c", "y": "y", "n": {"symbol": "N", "min": 1, "max": sizes["N"]}},
    }


if __name__ == "__main__":
    main(build)
