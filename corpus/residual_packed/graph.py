"""y = a + b in bfloat16, on rows of eight that a class packs into 16 bytes."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from authoring import Sizes, Spec, about, main, model, tensor

SIZES = (
    {"P": 2097152, "BLOCK": 256},
    {"P": 99999, "BLOCK": 128},
    {"P": 2048, "BLOCK": 512},
    {"P": 33, "BLOCK": 32},
)
GROWS = {"P": 131072}


def build() -> onnx.ModelProto:
    """a, b, y: bf16 [P, 8], P open."""
    bf16 = TensorProto.BFLOAT16
    nodes = [helper.make_node("Add", ["a", "b"], ["y"], "residual")]
    return model(
        "residual", nodes, [tensor("a", bf16, ["P", 8]), tensor("b", bf16, ["P", 8])], [tensor("y", bf16, ["P", 8])]
    )


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take."""
    return {"P": about(rng, 40, 2**21), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    return {
        "kernel": "residual",
        "grid": [f"ceildiv(P, {sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        "args": {"a": "a", "b": "b", "y": "y", "packs": {"symbol": "P", "min": 1, "max": sizes["P"]}},
    }


if __name__ == "__main__":
    main(build)
