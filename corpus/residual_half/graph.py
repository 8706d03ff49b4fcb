"""y = a + b in float16, on vectors of any length."""

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
    {"N": 999999, "BLOCK": 128},
    {"N": 11008, "BLOCK": 1024},
    {"N": 201, "BLOCK": 32},
)
GROWS = {"N": 1048576}


def build() -> onnx.ModelProto:
    """a, b, y: f16 [N], N open."""
    f16 = TensorProto.FLOAT16
    nodes = [helper.make_node("Add", ["a", "b"], ["y"], "residual")]
    return model("residual", nodes, [tensor("a", f16, ["N"]), tensor("b", f16, ["N"])], [tensor("y", f16, ["N"])])


def draw(rng: random.Random) -> Sizes:
    """Sizes that the kernels take."""
    return {"N": about(rng, 100, 2**24), "BLOCK": about(rng, 32, 1024, 32)}


def spec(case: str, sizes: Sizes) -> Spec:
    each = 1 if case.startswith("via_float") else 2
    return {
        "kernel": "residual",
        "grid": [f"ceildiv(N, {each * sizes['BLOCK']})"],
        "block": [sizes["BLOCK"]],
        "args": {
            "a": "a",
            "b": "b",
            "y": "y",
            "n": {"symbol": "N", "min": 1, "max": sizes["N"]},
        },
    }


if __name__ == "__main__":
    main(build)
